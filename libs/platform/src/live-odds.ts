/**
 * The published odds as this process has read them from the odds topic: the newest of each pool. At start it
 * reads back far enough to meet a full tick. What it serves is what was published, never computed here.
 */
import { TOPICS } from '#mutuel/contracts';
import type { EventLog, LogRecord, TailSource } from '#mutuel/runtime';
import { CYCLE_MS, FULL_EVERY, oddsValue, type Tick, type TickPool, TickReader } from '#mutuel/views';
import type { OddsReads, OddsRow, PoolOdds } from './doors.js';

const AT = { topic: TOPICS.odds, partition: 0 } as const;
/** Ticks of large days take several records each. */
const READ_BACK = FULL_EVERY * 8;
const BIG_BETS = 20;

export class LiveOdds implements OddsReads {
  readonly #reader = new TickReader();
  readonly #listeners: ((tick: Tick) => void)[] = [];
  readonly #pools = new Map<string, PoolOdds>();
  /** The newest cycle and when it was computed. */
  cycle = 0;
  computedAt = 0;

  async start(log: EventLog, tails: TailSource, onFault: (fault: Error) => void): Promise<() => Promise<void>> {
    const bounds = await log.bounds(AT);
    const from = Math.max(bounds.start, bounds.end - READ_BACK);
    const subscription = await tails.subscribe({ ...AT, from }, (records) => this.take(records), onFault);
    return () => subscription.close();
  }

  take(records: readonly LogRecord[]): void {
    for (const record of records) {
      const tick = this.#reader.accept(record.value);
      if (tick) this.#tick(tick);
    }
  }

  /** Gets every tick, those read back at the start too. */
  onTick(listener: (tick: Tick) => void): void {
    this.#listeners.push(listener);
  }

  #tick(tick: Tick): void {
    this.cycle = tick.cycle;
    this.computedAt = tick.at;
    for (const pool of tick.pools) this.#pools.set(pool.id, poolOdds(tick, pool));
    for (const listener of this.#listeners) listener(tick);
  }

  latest(poolId: string): PoolOdds | undefined {
    return this.#pools.get(poolId);
  }
}

function poolOdds({ cycle, late }: Tick, { gross, net, carryIn, final, rows }: TickPool): PoolOdds {
  let odds: readonly OddsRow[] | undefined;
  let index: ReadonlyMap<string, (typeof rows)[number]> | undefined;
  return {
    ...{ cycle, computedAt: cycle * CYCLE_MS, late, final, gross, net, carryIn },
    // Spelled out only for who asks: most ticks of most pools are never read here.
    get odds() {
      odds ??= rows.map(oddsValue);
      return odds;
    },
    of(c) {
      index ??= new Map(rows.map((row) => [row[0], row]));
      const row = index.get(c);
      return row && oddsValue(row);
    },
    get bigBets() {
      const most = [...rows].sort((a, b) => b[1] - a[1]).slice(0, BIG_BETS);
      return most.map(oddsValue).map(({ c, stake, price, low }) => ({ c, stake, price: price ?? low }));
    },
  };
}
