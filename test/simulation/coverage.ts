/**
 * Which fault met which state of a race, and which act of an official was decided in which, over any number of seeds and of runs that
 * share a file; what never met is named.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { ACTS } from './officials.js';
import { FAULTS } from './plan.js';
import { PHASES } from './strikes.js';

/** So many seeds, and a pair that never came up is a hole in the simulation. */
const SEEDS_FOR_ALL = 1_000;

const NAMES: readonly string[] = [...FAULTS, ...ACTS];
/** The night falls, and processes come back after it, when all races are over; a log that has forked is the end of all. */
const AT_THE_END = new Set(['night', 'two-odds', 'log-forked']);
/** All that can meet: whatever an official can ask for, in any state. */
export const PAIRS: readonly string[] = NAMES.flatMap((name) =>
  PHASES.filter((phase) => !AT_THE_END.has(name) || phase === 'SETTLED' || phase === 'VOID').map(
    (phase) => `${name}/${phase}`,
  ),
);

interface Counted {
  readonly seeds: number;
  readonly hits: Readonly<Record<string, number>>;
}

export class Coverage {
  seeds = 0;
  readonly #hits = new Map<string, number>();

  add(hits: ReadonlyMap<string, number>): void {
    this.seeds++;
    for (const [pair, count] of hits) this.#hits.set(pair, (this.#hits.get(pair) ?? 0) + count);
  }

  /** Goes on from what the runs before counted; a file that is not there is a first run. */
  load(file: string): void {
    if (!existsSync(file)) return;
    const { seeds, hits } = JSON.parse(readFileSync(file, 'utf8')) as Counted;
    this.seeds += seeds;
    for (const [pair, count] of Object.entries(hits)) this.#hits.set(pair, (this.#hits.get(pair) ?? 0) + count);
  }

  /** Whole or not at all: a run that is ended in the middle costs its last seed alone. */
  save(file: string): void {
    const counted: Counted = { seeds: this.seeds, hits: Object.fromEntries([...this.#hits].sort()) };
    writeFileSync(`${file}.new`, JSON.stringify(counted));
    renameSync(`${file}.new`, file);
  }

  get missing(): string[] {
    return PAIRS.filter((pair) => !this.#hits.has(pair));
  }

  /** False when enough seeds have run and a pair never came up. */
  get isEnough(): boolean {
    return this.seeds < SEEDS_FOR_ALL || this.missing.length === 0;
  }

  table(): string {
    const width = Math.max(...NAMES.map((name) => name.length));
    const head = `${''.padEnd(width)} ${PHASES.map((phase) => phase.slice(0, 8).padStart(9)).join('')}`;
    const rows = NAMES.map((name) => {
      const cells = PHASES.map((phase) => String(this.#hits.get(`${name}/${phase}`) ?? 0).padStart(9));
      return `${name.padEnd(width)} ${cells.join('')}`;
    });
    return [head, ...rows].join('\n');
  }
}
