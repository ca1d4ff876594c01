/**
 * Odds ticks against the cuts they name: what stood in a pool at exactly these log positions, cycle by cycle, with none left out. It
 * keeps every movement of a pool with its place in the log, and adds them up to where a tick says it was computed.
 */
import { type Fields, type RawRecord, textOf } from './chain.js';
import { must } from './finding.js';

interface Movement {
  readonly offset: number;
  readonly time: number;
  readonly pools: readonly (readonly [string, number])[];
}

const CYCLE = 5_000;

export class OddsBooks {
  ticks = 0;
  readonly #waiting: Movement[][];
  readonly #gross = new Map<string, number>();
  readonly #cut: number[];
  #last: number | undefined;
  #parts: Fields[] = [];

  /** `isExact`: the clocks agree, so a cut is also the longest one. */
  constructor(
    shards: number,
    private readonly isExact: boolean,
  ) {
    this.#waiting = Array.from({ length: shards }, () => []);
    this.#cut = Array.from({ length: shards }, () => 0);
  }

  moved(shard: number, { offset, time }: RawRecord, pools: readonly (readonly [string, number])[]): void {
    (this.#waiting[shard] as Movement[]).push({ offset, time, pools });
  }

  accept({ value }: RawRecord): void {
    const part = JSON.parse(textOf(value)) as Fields;
    const cycle = Number(part['cycle']);
    if (this.#last !== undefined && cycle <= this.#last) return;
    if (part['part'] === 0) this.#parts = [];
    this.#parts.push(part);
    if (this.#parts.length < Number(part['parts'])) return;
    this.#tick(
      cycle,
      part,
      this.#parts.flatMap((one) => one['pools'] as readonly Fields[]),
    );
    this.#parts = [];
  }

  #tick(cycle: number, tick: Fields, pools: readonly Fields[]): void {
    const name = `the tick of cycle ${cycle}`;
    if (this.#last !== undefined) {
      must(
        tick['prevCycle'] === this.#last,
        'G7',
        () => `${name} names ${String(tick['prevCycle'])} before it, ${this.#last} was`,
      );
      must(cycle === (this.#last as number) + 1, 'G7', () => `${name} follows ${this.#last}`);
    }
    this.#last = cycle;
    this.ticks++;
    const { shards } = tick['cut'] as { shards: readonly number[] };
    const changed = new Set<string>();
    shards.forEach((cut, shard) => {
      must(cut >= (this.#cut[shard] as number), 'G7', () => `${name} goes back in shard ${shard}`);
      this.#cut[shard] = cut;
      const waiting = this.#waiting[shard] as Movement[];
      while (waiting[0] && waiting[0].offset < cut) {
        const { time, pools: moves } = waiting.shift() as Movement;
        must(
          time <= cycle * CYCLE,
          'G7',
          () => `${name} counts a decision of shard ${shard} that came ${time - cycle * CYCLE} ms later`,
        );
        for (const [pool, amount] of moves) {
          this.#gross.set(pool, (this.#gross.get(pool) ?? 0) + amount);
          changed.add(pool);
        }
      }
      const next = waiting[0];
      const isLongest = next === undefined || next.time > cycle * CYCLE;
      must(isLongest || !this.isExact, 'G7', () => `${name} leaves out a decision of shard ${shard} of its time`);
    });
    for (const pool of pools) {
      const stood = this.#gross.get(String(pool['id'])) ?? 0;
      must(
        pool['gross'] === stood,
        'G7',
        () => `${name} shows ${String(pool['gross'])} in ${String(pool['id'])}, its cut holds ${stood}`,
      );
    }
  }
}
