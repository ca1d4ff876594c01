/**
 * The published odds as this process has heard them: the newest of each pool. The odds topic has them all and is read back, at the
 * start, far enough to meet a full tick; the hot cache tells each tick as well, for when the log is slow. It serves what was
 * published, never what it computed, every cycle once and in order: what the cache did not tell comes from the log before anything
 * later does.
 */
import { TOPICS } from '#mutuel/contracts';
import type { EventLog, HotCache, LogRecord, TailSource } from '#mutuel/runtime';
import { ODDS_CHANNEL } from '#mutuel/services';
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
  /** Ticks by where they were heard; most are heard twice, and taken once. */
  readonly heard = { cache: 0, log: 0 };

  async start(log: EventLog, tails: TailSource, onFault: (fault: Error) => void): Promise<() => Promise<void>> {
    const bounds = await log.bounds(AT);
    const from = Math.max(bounds.start, bounds.end - READ_BACK);
    const subscription = await tails.subscribe({ ...AT, from }, (records) => this.take(records), onFault);
    return () => subscription.close();
  }

  take(records: readonly LogRecord[]): void {
    for (const record of records) {
      const tick = this.#reader.accept(record.value);
      if (!tick) continue;
      this.heard.log++;
      if (tick.cycle > this.cycle) this.#tick(tick);
    }
  }

  /** Hears of ticks from other processes, too. A tick that does not follow the last one waits for the log to tell those between. */
  follow(cache: HotCache): Promise<() => Promise<void>> {
    const reader = new TickReader();
    const encoder = new TextEncoder();
    return cache.subscribe(ODDS_CHANNEL, (message) => {
      const tick = readable(() => reader.accept(encoder.encode(message)));
      if (!tick) return;
      this.heard.cache++;
      if (tick.prevCycle === this.cycle && tick.cycle > this.cycle) this.#tick(tick);
    });
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

/** What another release says there in another form is read from the log, which says what is wrong. */
function readable(read: () => Tick | undefined): Tick | undefined {
  try {
    return read();
  } catch {
    return undefined;
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
