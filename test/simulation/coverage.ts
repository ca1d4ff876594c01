/** Which fault met which state of a race, over any number of seeds and of runs that share a file; what never met is named. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { FAULTS } from './plan.js';
import { PHASES } from './strikes.js';

/** So many seeds, and a pair that never came up is a hole in the simulation. */
const SEEDS_FOR_ALL = 1_000;

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
    return FAULTS.flatMap((fault) => PHASES.map((phase) => `${fault}/${phase}`)).filter(
      (pair) => !this.#hits.has(pair) && !EXCEPT.has(pair),
    );
  }

  /** False when enough seeds have run and a pair never came up. */
  get isEnough(): boolean {
    return this.seeds < SEEDS_FOR_ALL || this.missing.length === 0;
  }

  table(): string {
    const width = Math.max(...FAULTS.map((fault) => fault.length));
    const head = `${''.padEnd(width)} ${PHASES.map((phase) => phase.slice(0, 8).padStart(9)).join('')}`;
    const rows = FAULTS.map((fault) => {
      const cells = PHASES.map((phase) => String(this.#hits.get(`${fault}/${phase}`) ?? 0).padStart(9));
      return `${fault.padEnd(width)} ${cells.join('')}`;
    });
    return [head, ...rows].join('\n');
  }
}

/** The night falls when all races are over. */
const EXCEPT = new Set(
  PHASES.filter((phase) => phase !== 'SETTLED' && phase !== 'VOID').flatMap((phase) => [
    `night/${phase}`,
    `two-odds/${phase}`,
  ]),
);
