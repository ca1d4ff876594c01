import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Finding } from './auditor/finding.js';
import { Coverage, PAIRS } from './coverage.js';
import { FAULTS, FEATURES, type Plan, planOf } from './plan.js';
import { type Outcome, runSeed } from './run.js';
import { type Means, simulate, type Wish } from './simulate.js';

/** A seed in which people cancel; what it would not need is left out, so that shrinking it takes few runs. */
const SEED = 40;
const NEEDED = ['cancels', 'append-unanswered', 'boxes', 'pairs'];
const without = new Set<string>([...FAULTS, ...FEATURES].filter((name) => !NEEDED.includes(name)));
const wish: Wish = {
  ...{ first: SEED, count: 1, commands: 300, changes: { without }, maxFailures: 5 },
  ...{ showsCoverage: false, minimises: true },
};

/** Green until it meets a cancelled ticket. */
const withPlant = (plan: Plan): Promise<Outcome> =>
  runSeed(plan, (_, { value }) => {
    if (Buffer.from(value).includes('"t":"TicketCancelled"'))
      throw new Finding('G3', 'a planted rule: none is cancelled');
  });

/** What was said, and the verdict. */
async function said(wanted: Wish, run: Means['run']): Promise<{ lines: string[]; isGreen: boolean }> {
  const lines: string[] = [];
  const isGreen = await simulate(wanted, {
    ...{ say: (text) => lines.push(...text.split('\n')), commit: () => 'abc1234', run },
    runAll: async (jobs, onOutcome, isEnough) => {
      for (const { seed, commands } of jobs)
        if (!isEnough()) onOutcome({ ...(await run(planOf(seed, commands, wanted.changes))), processorMs: 1 });
    },
  });
  return { lines, isGreen };
}

/** Hardly anything, and no failure. */
const quiet = runSeed(planOf(SEED, 1, { without }));

describe('a run of the simulator', () => {
  it('tells of a red seed where, why, what struck and what the log held, and shrinks it to what it takes', async () => {
    const { lines, isGreen } = await said(wish, withPlant);
    expect(isGreen).toBe(false);
    const at = lines.findIndex((line) => line.startsWith(`FAILED seed ${SEED} at step `));
    expect(lines[at]).toMatch(/ s of simulated time\), commit abc1234$/);
    expect(lines[at + 1]).toBe('  G3: a planted rule: none is cancelled');
    expect(lines[at + 2]).toBe('  What struck and what alarmed last:');
    const log = lines.slice(lines.indexOf('  The log before it:') + 1);
    expect(log.findIndex((line) => line.includes('TicketCancelled'))).toBeGreaterThanOrEqual(0);
    expect(lines).toContain(
      `  Again: npm run simulate -- --seed ${SEED} --commands 300 --without ${[...without].join(',')}`,
    );
    expect(lines).toContain('  needs cancels');
    expect(lines).toContain('  without boxes');

    const least = /^The least that fails: npm run simulate -- --seed 40 --commands (\d+) --races 1 --without (\S+)$/;
    const [, commands, left = ''] = least.exec(lines.at(-1) as string) as RegExpExecArray;
    expect(Number(commands)).toBeLessThan(300);
    expect(left.split(',')).not.toContain('cancels');
    const again = await withPlant(planOf(SEED, Number(commands), { races: 1, without: new Set(left.split(',')) }));
    expect(again.failure?.rule).toBe('G3');
  });

  it('is green where no rule is broken, and says how much was done', async () => {
    const { lines, isGreen } = await said({ ...wish, commands: 40 }, (plan) => runSeed(plan));
    expect(isGreen).toBe(true);
    expect(lines.at(-1)).toMatch(/^1 seeds in .* 0 failed: \d+ commands decided/);
  });

  it('ends after as many failures as were asked for', async () => {
    const { lines } = await said({ ...wish, count: 9, maxFailures: 2, minimises: false }, async (plan) => ({
      ...(await quiet),
      ...{ seed: plan.seed, failure: { rule: 'G1', message: '', step: 1, simulatedMs: 1, strikes: [], log: [] } },
    }));
    expect(lines.filter((line) => line.startsWith('FAILED'))).toHaveLength(2);
  });

  it.each([
    [200, 1, true],
    [0, 9, false],
  ])(
    'begins no seed once its %i ms are over, says how many it did not, and is red where it began none',
    async (ms, left, isGreen) => {
      const ran = quiet.then((outcome) => new Promise<Outcome>((resolve) => setTimeout(resolve, 2 * ms, outcome)));
      const ended = await said({ ...wish, count: left + (isGreen ? 1 : 0), minutes: ms / 60_000 }, () => ran);
      expect(ended.isGreen).toBe(isGreen);
      expect(
        ended.lines.some((line) =>
          line.endsWith(`minutes are over: ${left} of ${left + (isGreen ? 1 : 0)} seeds were not begun`),
        ),
      ).toBe(true);
    },
  );

  it.each([
    [998, 'append-refused/DRAFT', true],
    [999, 'append-refused/DRAFT', false],
    [999, 'VoidRace/SEALING', false],
    [999, 'nothing', true],
  ])('after %i seeds that met all pairs but %s and one more is green: %s', async (before, never, isGreen) => {
    const folder = mkdtempSync(join(tmpdir(), 'mutuel-coverage-'));
    try {
      const coverageFile = join(folder, 'met.json');
      const met = new Map(PAIRS.filter((pair) => pair !== never).map((pair) => [pair, 1]));
      const counted = new Coverage();
      for (let i = 0; i < before; i++) counted.add(met);
      counted.save(coverageFile);
      const ended = await said({ ...wish, coverageFile }, async () => ({ ...(await quiet), hits: new Map() }));
      expect(ended.isGreen).toBe(isGreen);
      expect(ended.lines.some((line) => line === `Never met in 1000 seeds: ${never}`)).toBe(!isGreen);
      expect(JSON.parse(readFileSync(coverageFile, 'utf8'))).toMatchObject({ seeds: before + 1 });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
