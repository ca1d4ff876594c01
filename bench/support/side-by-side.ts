/**
 * Two embedded systems that differ in one thing, side by side and loaded in turns: each turn gives processor time for a bet, and the ratio
 * of neighbours is judged, since both had the same machine that second.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from '../../loadtests/generator.js';
import type { Report } from '../../loadtests/tally.js';
import { above0, script, wholeFrom } from '../../test/flags.js';
import { RunningSystem } from '../../test/trust/running-system.js';
import { processorSeconds } from './processor-time.js';

export interface Variant {
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeFlags?: readonly string[];
  /** Seconds between races. */
  readonly every?: number;
}

export interface Load {
  /** Bets a second. */
  readonly rate: number;
  readonly seconds: number;
  readonly turns: number;
  readonly warmSeconds: number;
}

/** With `--small`: that it runs, not how fast. */
const SMALL: Load = { rate: 50, seconds: 1, turns: 1, warmSeconds: 1 };

/** The flags of a bench that compares two systems under a load; it may have others, too. */
export const comparison = (name: string, description: string, usual: Load) =>
  script(`npm run bench -- ${name}`, description)
    .option('--small', 'that it runs, not how fast', false)
    .option('--rate <n>', `bets a second (default: ${usual.rate}, ${SMALL.rate} of --small)`, above0)
    .option('--seconds <n>', `of each turn (default: ${usual.seconds}, ${SMALL.seconds} of --small)`, above0)
    .option('--turns <n>', `of both systems (default: ${usual.turns}, ${SMALL.turns} of --small)`, wholeFrom(1));

export interface ComparisonFlags extends Partial<Pick<Load, 'rate' | 'seconds' | 'turns'>> {
  readonly small: boolean;
}

/** The load that these flags ask for. */
export function loadOf({ small, ...asked }: ComparisonFlags, usual: Load): Load {
  const { rate, seconds, turns, warmSeconds } = { ...(small ? SMALL : usual), ...asked };
  return { rate, seconds, turns, warmSeconds };
}

export interface Paired {
  /** Milliseconds of processor time a bet, over all turns. */
  readonly cost: readonly [number, number];
  /** Bets accepted a second, over all turns. */
  readonly accepted: readonly [number, number];
  /** Second over first, of each turn's processor time a bet, the smallest first. */
  readonly ratios: readonly number[];
}

export async function sideBySide(variants: readonly [Variant, Variant], o: Load): Promise<Paired> {
  const folders = variants.map(() => mkdtempSync(join(tmpdir(), 'mutuel-side-by-side-')));
  const systems: RunningSystem[] = [];
  try {
    for (const [i, { env = {}, nodeFlags = [], every = 3_600 }] of variants.entries()) {
      const flags = ['--port', '0', '--data', String(folders[i]), '--rate', '0.01', '--every', `${every}`];
      systems.push(await RunningSystem.start({ args: flags, env, nodeFlags }));
    }
    return await inTurns(systems, o);
  } finally {
    await Promise.all(systems.map((system) => system.stop()));
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}

/** Median, smallest and largest of the ratios as percentages of what the first one costs. */
export function told({ ratios }: Paired): string {
  const percent = (ratio = 1): string => `${((ratio - 1) * 100).toFixed(1)} %`;
  return `median ${percent(ratios[Math.floor(ratios.length / 2)])} (${percent(ratios[0])} to ${percent(ratios.at(-1))})`;
}

async function inTurns(systems: readonly RunningSystem[], o: Load): Promise<Paired> {
  for (const system of systems) await load(system, o.rate, o.warmSeconds);
  const spent: [number, number] = [0, 0];
  const bets: [number, number] = [0, 0];
  const ratios: number[] = [];
  for (let turn = 0; turn < o.turns; turn++) {
    const of: [number, number] = [0, 0];
    for (const i of turn % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const system = systems[i] as RunningSystem;
      const before = processorSeconds(system.pid);
      const accepted = await load(system, o.rate, o.seconds);
      const seconds = processorSeconds(system.pid) - before;
      of[i] = seconds / accepted;
      spent[i] += seconds;
      bets[i] += accepted;
    }
    ratios.push(of[1] / of[0]);
  }
  const lasted = o.turns * o.seconds;
  return {
    cost: [(1e3 * spent[0]) / bets[0], (1e3 * spent[1]) / bets[1]],
    accepted: [bets[0] / lasted, bets[1] / lasted],
    ratios: ratios.sort((a, b) => a - b),
  };
}

/** Resolves to the bets accepted. */
async function load({ url }: RunningSystem, rate: number, seconds: number): Promise<number> {
  const flags = ['--url', url, '--rate', `${rate}`, '--seconds', `${seconds}`, '--warmup', '0', '--json'];
  return (JSON.parse(await generate(flags)) as Report).accepted;
}
