/**
 * The published odds as this process has heard them: the newest of each pool. The odds topic has them all and is read back, at the
 * start, far enough to meet a full tick; the hot cache tells each tick as well, for when the log is slow. It serves what was
 * published, never what it computed, every cycle once and in order: what the cache did not tell comes from the log before anything
 * later does. Of pools that were over before the oldest tick that is read back, the read models know the last figures.
 */
import type { HotCache } from '#mutuel/runtime';
import { ODDS_CHANNEL, ODDS_TOPIC, TickTail, type TickTailOptions } from '#mutuel/services';
import { FULL_EVERY, type LastOdds, oddsValue, type Tick, type TickPool, TickReader } from '#mutuel/views';
import type { OddsReads, OddsRow, PoolOdds } from './doors.js';

/** Ticks of large days take several records each. */
const READ_BACK = FULL_EVERY * 8;
const BIG_BETS = 20;

export class LiveOdds implements OddsReads {
  readonly #listeners: ((tick: Tick) => void)[] = [];
  readonly #pools = new Map<string, PoolOdds>();
  /** The newest cycle and when it was computed. */
  cycle = 0;
  computedAt = 0;
  /** Ticks by where they were heard; most are heard twice, and taken once. */
  readonly heard = { cache: 0, log: 0 };

  /** Before the first tick. */
  begin(known: readonly LastOdds[]): void {
    for (const one of known) this.#pools.set(one.pool.id, poolOdds(one, one.pool));
  }

  /** Over lost servers: the log may be away for as long as it likes. */
  async start(options: Pick<TickTailOptions, 'log' | 'tails' | 'clock' | 'onFatal'>): Promise<() => Promise<void>> {
    const { end } = await options.log.bounds(ODDS_TOPIC);
    const tail = new TickTail({ ...options, from: end - READ_BACK, onTicks: (ticks) => this.take(ticks) });
    await tail.start();
    return () => tail.close();
  }

  take(ticks: readonly Tick[]): void {
    for (const tick of ticks) {
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

function poolOdds({ cycle, at }: Pick<Tick, 'cycle' | 'at'>, { gross, net, carryIn, final, rows }: TickPool): PoolOdds {
  let odds: readonly OddsRow[] | undefined;
  let index: ReadonlyMap<string, (typeof rows)[number]> | undefined;
  return {
    ...{ cycle, computedAt: at, final, gross, net, carryIn },
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
