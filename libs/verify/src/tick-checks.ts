/**
 * The odds topic against the cuts that its ticks name: for each pool of each tick the gross pool, the stake on every combination that is
 * shown, and the prices, worked out again by the second calculator. The market's log comes before the ticks and each shard's after them,
 * so stakes are taken off shard by shard as its log passes the cuts; nothing may be left. What a pool over several races would pay is
 * compared in the end, with what its shards held when they answered the market. A cut is all that had come by the tick's moment. It must
 * never take a figure on trust without saying so, and never hold more of a tick than two numbers a row; but the few rows of pools over
 * several races.
 */
import {
  type AuditedPoolType,
  type AuditField,
  type AuditRules,
  auditedPoolTypes,
  combinationsOf,
  runnersALine,
  type ShownOdds,
  shownNet,
  shownOdds,
  type willPays,
} from '#mutuel/audit';

/** Length of a cycle: its moment is a multiple of it. */
const CYCLE_MS = 5_000;
/** Clocks of one house do not differ by more. */
const MOST_APART_MS = 30_000;
/** Bets on more lines are not spread over them. */
const MOST_LINES = 5_000;

/** What is said of a race and its pools when they are published. */
export interface RaceCard {
  readonly raceId: string;
  readonly handicap?: boolean;
  readonly runners: readonly { readonly number: string; readonly entry?: string }[];
  readonly pools: readonly {
    readonly poolId: string;
    readonly type: string;
    readonly ruleSet: AuditRules & { readonly corrections?: string };
    readonly carryInMinor: number;
    readonly guaranteeMinor?: number;
    readonly legs?: readonly string[];
  }[];
}

type Row = readonly [c: string, stake: number, price?: string | null, low?: string, high?: string];

interface PoolNews {
  readonly id: string;
  readonly gross: number;
  readonly net: number;
  readonly carryIn: number;
  readonly final: boolean;
  readonly rows: readonly Row[];
}

interface TickNews {
  readonly cycle: number;
  readonly prevCycle: number | null;
  readonly by: string;
  readonly part: number;
  readonly parts: number;
  readonly cut: { readonly market: number; readonly shards: readonly number[] };
  readonly pools: readonly PoolNews[];
}

interface Race {
  readonly field: Omit<AuditField, 'scratched'>;
  /** Non-runners with the offset of the market's decision. */
  readonly scratched: { readonly runner: string; readonly offset: number }[];
  /** How many of them each shard has heard of. */
  readonly heard: number[];
}

/** One shard's bets in a pool, by combination and by bet number. */
interface ShardStakes {
  readonly stakes: number[];
  readonly lines: Uint32Array[];
  readonly unit: number[];
}

interface Pool {
  readonly id: string;
  readonly card: RaceCard['pools'][number];
  /** Undefined where no row can be worked out again. */
  readonly type: AuditedPoolType | undefined;
  readonly race: Race;
  /** In a tick: only then its bets are spread over their combinations. */
  isShown: boolean;
  /** Holds a bet that is not spread over its combinations. */
  isPartly: boolean;
  readonly positions: Map<string, number>;
  readonly names: string[];
  readonly linesOf: Map<string, Uint32Array>;
  readonly shards: ShardStakes[];
  /** Close numbers that the market has sealed, with the offset of its decision; and those of the shards so far. */
  readonly seals: { readonly closeNo: number; readonly offset: number }[];
  readonly sealedIn: number[];
  /** Over several races: which question of the market is open, which shards answered it, and those that all have, with the offset. */
  asked: number;
  readonly answeredBy: Set<number>;
  readonly answered: { readonly no: number; readonly offset: number }[];
}

interface Judged {
  readonly wrong: string | undefined;
  /** Of one or two runners all that run, shown or not; of larger ones those that are shown. */
  readonly combinations: readonly string[];
}

/** A pool in a tick, on its way through the logs of the shards. */
interface Shown {
  readonly pool: Pool;
  readonly at: string;
  readonly gross: number;
  readonly final: boolean;
  /** The close that the market had sealed at the cut; 0: none. */
  readonly sealed: number;
  /** Non-runners that the market knew of. */
  readonly scratched: number;
  /** Over several races: the question whose answers it shows (0: none yet), and its rows. */
  readonly legs: { readonly question: number; readonly rows: readonly Row[] } | undefined;
  /** Rows of the tick, and the combinations that are compared. */
  readonly shown: number;
  readonly rows: Uint32Array;
  /** What is not found in any shard yet, by row and in all. */
  readonly left: Float64Array;
  grossLeft: number;
  isSealed: boolean;
  /** A shard knew of more non-runners than the market did at the cut: what it took off is not told apart. */
  isAhead: boolean;
}

interface Tick {
  readonly cycle: number;
  readonly cut: readonly number[];
  readonly pools: readonly Shown[];
}

type WillPays = ReturnType<typeof willPays>;

const NO_LINES = new Uint32Array(0);

export class TickChecks {
  readonly #races = new Map<string, Race>();
  readonly #pools = new Map<string, Pool>();
  readonly #ticks: Tick[] = [];
  /** Parts of ticks that are not whole yet, by cycle and writer. */
  readonly #open = new Map<string, { readonly news: TickNews; readonly at: string }[]>();
  /** Next tick whose cut each shard has not reached, and which it was at the shard's last decision that counts. */
  readonly #next: number[];
  readonly #nextAtLast: number[];
  readonly #lastTimes: number[] = [];
  /** Places and append times of the market's decisions, and the first that no tick has counted. */
  readonly #market = { offsets: [] as number[], times: [] as number[], next: 0 };
  #last: TickNews | undefined;
  #rows = 0;

  constructor(
    shards: number,
    private readonly say: {
      readonly find: (at: string, what: string) => void;
      readonly pass: (what: string) => void;
    },
    /** What the pool would pay by the answers to this question. Throws `AuditRefused` where that cannot be said. */
    private readonly willPays: (pool: string, question: number) => WillPays,
  ) {
    this.#next = new Array<number>(shards).fill(0);
    this.#nextAtLast = new Array<number>(shards).fill(0);
  }

  // ── The market ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** A valid decision of the market, at its append time. */
  decided(offset: number, time: number): void {
    this.#market.offsets.push(offset);
    this.#market.times.push(time);
  }

  published(races: readonly RaceCard[]): void {
    for (const { raceId, runners, handicap = false, pools } of races) {
      const race: Race = { field: fieldOf(runners, handicap), scratched: [], heard: [] };
      this.#races.set(raceId, race);
      for (const card of pools) {
        const type = card.legs ? undefined : auditedPoolTypes.find((name) => name === card.type);
        this.#pools.set(card.poolId, {
          ...{ id: card.poolId, card, type, race, isShown: false, isPartly: false },
          ...{ positions: new Map(), names: [], linesOf: new Map(), shards: [], seals: [], sealedIn: [] },
          ...{ asked: 0, answeredBy: new Set(), answered: [] },
        });
      }
    }
  }

  scratched(race: string, runner: string, offset: number): void {
    this.#races.get(race)?.scratched.push({ runner, offset });
  }

  sealed(pool: string, closeNo: number, offset: number): void {
    this.#pools.get(pool)?.seals.push({ closeNo, offset });
  }

  /** The market asks what a pool over several races would pay: answers to what it asked before no longer count. */
  asked(id: string, question: number): void {
    const pool = this.#pools.get(id);
    if (!pool) return;
    pool.asked = question;
    pool.answeredBy.clear();
  }

  /** The market heard a shard's answer. */
  answered(id: string, question: number, shard: number, offset: number): void {
    const pool = this.#pools.get(id);
    if (pool?.asked !== question) return;
    pool.answeredBy.add(shard);
    if (pool.answeredBy.size === this.#next.length) pool.answered.push({ no: question, offset });
  }

  // ── The ticks ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** The next record of the topic: a tick, or a part of one. The first whole one of a cycle counts. */
  take(value: Uint8Array, at: string): void {
    const news = readTick(value);
    if (!news) {
      this.say.find(at, 'the tick is not readable JSON of its form');
      return;
    }
    if (this.#last && news.cycle <= this.#last.cycle) return;
    const key = `${news.cycle}/${news.by}`;
    const parts = news.part === 0 ? [] : (this.#open.get(key) ?? []);
    if (parts.length !== news.part) return;
    parts.push({ news, at });
    this.#open.set(key, parts);
    if (parts.length < news.parts) return;
    this.#open.clear();
    this.#whole(news, parts, at);
    this.#last = news;
  }

  #whole(tick: TickNews, parts: readonly { readonly news: TickNews; readonly at: string }[], at: string): void {
    const { cycle, cut } = tick;
    const before = this.#last;
    if (before && tick.prevCycle !== before.cycle)
      this.say.find(at, `cycle ${cycle} names cycle ${tick.prevCycle} as the one before it, that was ${before.cycle}`);
    const isBackIn = (was: number, shard: number): boolean => (cut.shards[shard] ?? 0) < was;
    const isBack = before && (cut.market < before.cut.market || before.cut.shards.some(isBackIn));
    if (isBack) this.say.find(at, `the cut of cycle ${cycle} lies before that of cycle ${before?.cycle}`);
    this.#checkMarketCut(cycle, cut.market, at);
    const pools = parts.flatMap(({ news, at: place }) =>
      news.pools.flatMap((one) => {
        const pool = this.#pools.get(one.id);
        if (!pool) this.say.find(place, `cycle ${cycle} shows ${one.id}, which was never published`);
        return pool ? [this.#shown(pool, one, tick, place)] : [];
      }),
    );
    this.#ticks.push({ cycle, cut: cut.shards, pools });
  }

  /** What a tick knows of races is what the market had decided up to its moment: all of that, and nothing else. */
  #checkMarketCut(cycle: number, cut: number, at: string): void {
    const { offsets, times } = this.#market;
    const moment = cycle * CYCLE_MS;
    const lateBy = (i: number): number => (times[i] as number) - moment;
    for (; (offsets[this.#market.next] as number) < cut; this.#market.next++)
      if (lateBy(this.#market.next) > 0) {
        const what = `decision #${offsets[this.#market.next]} of the market`;
        this.say.find(at, `cycle ${cycle} counts ${what}, though it came ${lateBy(this.#market.next)} ms later`);
      }
    const { next } = this.#market;
    if (next < offsets.length)
      this.#leftOut(cycle, times[next] as number, times[next - 1], (by) =>
        this.say.find(
          at,
          `cycle ${cycle} leaves out decision #${offsets[next]} of the market, which came ${by} ms before`,
        ),
      );
    else if (cut > (offsets.at(-1) ?? -1) + 1)
      this.say.find(at, `the cut of cycle ${cycle} names #${cut - 1} of the market, which holds nothing there`);
  }

  /** Of clocks that differ, or that went back, a cut is not the longest one: what is left out by more than that is named. */
  #leftOut(cycle: number, time: number, before: number | undefined, find: (by: number) => void): void {
    const by = cycle * CYCLE_MS - time;
    if (by < 0) return;
    if (by > MOST_APART_MS && time >= (before ?? 0)) find(by);
    else this.say.pass('decisions that ticks leave out, of the moment before, or of a clock that went back');
  }

  #shown(pool: Pool, news: PoolNews, { cycle, cut }: TickNews, at: string): Shown {
    pool.isShown = true;
    const { gross, final } = news;
    const scratched = pool.race.scratched.filter(({ offset }) => offset < cut.market).map(({ runner }) => runner);
    const { wrong, combinations } = this.#judge(pool, news, scratched);
    if (wrong !== undefined) this.say.find(at, `cycle ${cycle} shows ${wrong}`);
    const stakes = new Map(news.rows.map(([c, stake]) => [c, stake]));
    const question = pool.answered.findLast(({ offset }) => offset < cut.market)?.no ?? 0;
    return {
      legs: pool.card.legs && { question, rows: news.rows },
      ...{ pool, at, gross, final, scratched: scratched.length, grossLeft: gross, isSealed: true, isAhead: false },
      sealed: pool.seals.findLast(({ offset }) => offset < cut.market)?.closeNo ?? 0,
      shown: news.rows.length,
      rows: Uint32Array.from(combinations, (c) => positionOf(pool, c)),
      left: Float64Array.from(combinations, (c) => stakes.get(c) ?? 0),
    };
  }

  /** What is wrong with a pool of a tick as it stands, and the combinations whose stakes are to be compared with the cut. */
  #judge(
    { card, type, race, id }: Pool,
    { gross, net, carryIn, rows }: PoolNews,
    scratched: readonly string[],
  ): Judged {
    const { ruleSet, carryInMinor, guaranteeMinor = 0 } = card;
    const left = shownNet(gross, ruleSet);
    const money =
      net !== left
        ? `${net} after takeout in ${id}, ${gross} make ${left}`
        : carryIn === carryInMinor
          ? undefined
          : `${carryIn} carried into ${id}, its card says ${carryInMinor}`;
    if (type === undefined) return { wrong: money, combinations: [] };
    const stakes = new Map(rows.map(([c, stake]) => [c, stake]));
    const [listed, picks] = [[...stakes.keys()], runnersALine(type)];
    if (stakes.size !== rows.length) return { wrong: `a combination of ${id} twice`, combinations: listed };
    if (picks > 2 && rows.reduce((sum, [, stake]) => sum + stake, 0) < gross)
      this.say.pass('whether ticks show the most backed combinations of large pools');
    const pool = { poolType: type, ruleSet, carryInMinor, guaranteeMinor, field: { ...race.field, scratched } };
    try {
      const odds = shownOdds(pool, gross, stakes);
      const isShort = picks === 1 && rows.length < odds.size;
      const wrong = isShort ? `${rows.length} of ${odds.size} runners in ${id}` : faultOfRows(id, rows, odds);
      return { wrong: money ?? wrong, combinations: [...odds.keys()] };
    } catch (fault) {
      this.say.pass(`prices of ${type} pools in ticks: ${(fault as Error).message}`);
      return { wrong: money, combinations: listed };
    }
  }

  // ── The shards ─────────────────────────────────────────────────────────────────────────────────────────────────

  bet(
    shard: number,
    poolId: string,
    bet: { readonly sel: string; readonly lines: number; readonly unit: number },
  ): void {
    const pool = this.#pools.get(poolId);
    if (!pool?.isShown || pool.type === undefined) return;
    const own = stakesOf(pool, shard);
    const lines = this.#linesOf(pool, bet);
    own.lines.push(lines);
    own.unit.push(bet.unit);
    for (const position of lines) own.stakes[position] = (own.stakes[position] ?? 0) + bet.unit;
  }

  /** All that stands of a bet is given back. What a scratch gives back of it stands on combinations that are shown no more. */
  withdrew(shard: number, poolId: string, i: number): void {
    const own = this.#pools.get(poolId)?.shards[shard];
    const unit = own?.unit[i] ?? 0;
    for (const position of own?.lines[i] ?? NO_LINES)
      (own as ShardStakes).stakes[position] = ((own as ShardStakes).stakes[position] ?? 0) - unit;
  }

  scratchedIn(shard: number, race: string): void {
    const heard = this.#races.get(race)?.heard;
    if (heard) heard[shard] = (heard[shard] ?? 0) + 1;
  }

  sealedIn(shard: number, poolId: string, closeNo: number): void {
    const pool = this.#pools.get(poolId);
    if (pool) pool.sealedIn[shard] = closeNo;
  }

  /** Before the shard's record at `offset` is applied: every tick whose cut ends here sees what stands now. */
  passCuts(shard: number, offset: number, grossOf: (pool: string) => number): void {
    for (let next = this.#next[shard] as number; next < this.#ticks.length; next++) {
      const { cut, pools } = this.#ticks[next] as Tick;
      if ((cut[shard] ?? 0) > offset) return;
      for (const shown of pools) takeOff(shown, shard, grossOf(shown.pool.id));
      this.#next[shard] = next + 1;
    }
  }

  /**
   * A valid decision of a shard, after `passCuts`: the next tick counts it, so it must not be younger than the tick's moment, and that
   * before does not, so it must be younger than that one's.
   */
  counts(shard: number, time: number, at: () => string): void {
    const next = this.#next[shard] as number;
    const [tick, passed, last] = [this.#ticks[next], this.#ticks[next - 1], this.#lastTimes[shard]];
    if (tick !== undefined && time > tick.cycle * CYCLE_MS)
      this.say.find(at(), `cycle ${tick.cycle} counts it, though it came ${time - tick.cycle * CYCLE_MS} ms later`);
    if (passed !== undefined && next !== this.#nextAtLast[shard])
      this.#leftOut(passed.cycle, time, last, (by) =>
        this.say.find(at(), `cycle ${passed.cycle} leaves it out, though it came ${by} ms before`),
      );
    this.#nextAtLast[shard] = next;
    this.#lastTimes[shard] = time;
  }

  #linesOf(pool: Pool, { sel, lines }: { readonly sel: string; readonly lines: number }): Uint32Array {
    const known = pool.linesOf.get(sel);
    if (known) return known;
    const { type: poolType, card, race } = pool as Pool & { readonly type: AuditedPoolType };
    let found: readonly string[] | undefined;
    try {
      const field = { ...race.field, scratched: [] };
      found = lines > MOST_LINES ? undefined : combinationsOf({ poolType, ruleSet: card.ruleSet, field }, sel);
    } catch {
      // Its lines are not known: named below.
    }
    if (found === undefined) pool.isPartly = true;
    const positions = Uint32Array.from(found ?? [], (c) => positionOf(pool, c));
    pool.linesOf.set(sel, positions);
    return positions;
  }

  // ── The end ────────────────────────────────────────────────────────────────────────────────────────────────────

  finish(): { readonly ticks: number; readonly tickFigures: number; readonly tickRows: number } {
    for (let i = 0; i < this.#open.size; i++) this.say.pass('ticks of which parts are missing');
    let figures = 0;
    for (const { cycle, pools } of this.#ticks)
      for (const shown of pools) {
        figures += 1;
        const wrong = this.#leftOf(shown);
        if (wrong !== undefined) this.say.find(shown.at, `cycle ${cycle} shows ${wrong}`);
      }
    return { ticks: this.#ticks.length, tickFigures: figures, tickRows: this.#rows };
  }

  #leftOf({
    pool,
    gross,
    grossLeft,
    final,
    isSealed,
    sealed,
    isAhead,
    shown,
    legs,
    rows,
    left,
  }: Shown): string | undefined {
    if (grossLeft !== 0) return `${gross} in ${pool.id}, its cut makes ${gross - grossLeft}`;
    const isFinal = sealed > 0 && isSealed;
    if (final !== isFinal)
      return `${pool.id} as ${final ? 'final' : 'open'}, at its cut it was ${isFinal ? '' : 'not '}sealed`;
    if (legs) return this.#legsOf(pool.id, legs);
    if (rows.length === 0) return undefined;
    if (pool.isPartly || isAhead) {
      this.say.pass(
        isAhead
          ? 'stakes in ticks that shards with news of a non-runner were ahead of'
          : `stakes on combinations of pools with bets on over ${MOST_LINES} lines or with complements`,
      );
      return undefined;
    }
    this.#rows += shown;
    const row = left.findIndex((amount) => amount !== 0);
    if (row < 0) return undefined;
    const [amount, c] = [left[row] as number, pool.names[rows[row] as number]];
    return `${Math.abs(amount)} ${amount > 0 ? 'more' : 'less'} on ${c} in ${pool.id} than its cut holds`;
  }

  #legsOf(id: string, { question, rows }: NonNullable<Shown['legs']>): string | undefined {
    this.#rows += rows.length;
    if (question === 0) return rows.length === 0 ? undefined : `odds of ${id}, for which the market had no answers`;
    try {
      return faultOfWillPays(id, rows, this.willPays(id, question));
    } catch (fault) {
      this.#rows -= rows.length;
      this.say.pass(`odds of ${id} in ticks: ${(fault as Error).message}`);
      return undefined;
    }
  }
}

/** The first row of a pool over several races that is not what the last leg's runners would make it, or what is missing. */
function faultOfWillPays(id: string, rows: readonly Row[], { last, prices }: WillPays): string | undefined {
  if (new Set(rows.map(([c]) => c)).size !== rows.length) return `a combination of ${id} twice`;
  for (const [c, stake, price] of rows) {
    const own = prices.get(c);
    if (own === undefined) return `${c} in ${id}, which cannot win`;
    const text = `${price ?? 'no odds'} for ${c} in ${id}, with ${stake} on it`;
    if ((price ?? undefined) !== own.price || stake !== own.stakeMinor)
      return `${text}; priced again ${own.price ?? 'no odds'}, with ${own.stakeMinor}`;
  }
  const shown = new Set(rows.flatMap(([c]) => [c, lastOf(c)]));
  // Of those that may win, one row each; of those that do not run, all that is paid on them.
  const consolations = [...prices.keys()].filter((c) => !last.includes(lastOf(c)));
  const missing = [...last, ...consolations].find((one) => !shown.has(one));
  return missing === undefined ? undefined : `nothing for ${missing} in the last leg of ${id}`;
}

const lastOf = (c: string): string => c.slice(c.lastIndexOf('/') + 1);

/** What the shard holds at the cut is taken off what the tick shows. */
function takeOff(shown: Shown, shard: number, gross: number): void {
  const { pool, rows, left, sealed, scratched } = shown;
  shown.grossLeft -= gross;
  if ((pool.sealedIn[shard] ?? 0) !== sealed) shown.isSealed = false;
  if ((pool.race.heard[shard] ?? 0) > scratched) shown.isAhead = true;
  const stakes = pool.shards[shard]?.stakes;
  if (!stakes) return;
  for (let row = 0; row < rows.length; row++) left[row] = (left[row] as number) - (stakes[rows[row] as number] ?? 0);
}

/** The first row whose odds are not those that its stakes make. */
function faultOfRows(id: string, rows: readonly Row[], odds: ReadonlyMap<string, ShownOdds>): string | undefined {
  for (const [c, stake, price, low, high] of rows) {
    const own = odds.get(c);
    if (own === undefined) return `${c} in ${id}, which is no combination that runs`;
    if ((price ?? undefined) === own.price && low === own.low && high === own.high) continue;
    const text = (of: ShownOdds): string => of.price ?? (of.low === undefined ? 'no odds' : `${of.low} to ${of.high}`);
    const said = { ...(price == null ? {} : { price }), ...(low === undefined ? {} : { low, high: String(high) }) };
    return `${text(said)} for ${c} in ${id}, with ${stake} on it; priced again ${text(own)}`;
  }
  return undefined;
}

function fieldOf(runners: RaceCard['runners'], handicap: boolean): Omit<AuditField, 'scratched'> {
  const entries = new Set(runners.flatMap(({ entry }) => entry ?? []));
  return {
    declared: runners.map(({ number }) => number),
    entries: [...entries].map((name) => runners.filter(({ entry }) => entry === name).map(({ number }) => number)),
    handicap,
  };
}

function positionOf({ positions, names }: Pool, c: string): number {
  const known = positions.get(c);
  if (known !== undefined) return known;
  positions.set(c, names.length);
  return names.push(c) - 1;
}

function stakesOf(pool: Pool, shard: number): ShardStakes {
  let own = pool.shards[shard];
  if (!own) {
    own = { stakes: [], lines: [], unit: [] };
    pool.shards[shard] = own;
  }
  return own;
}

/** Undefined where it is no tick. */
function readTick(value: Uint8Array): TickNews | undefined {
  let tick: TickNews;
  try {
    tick = JSON.parse(Buffer.from(value).toString('utf8')) as TickNews;
  } catch {
    return undefined;
  }
  const isPool = ({ id, gross, rows }: PoolNews): boolean =>
    typeof id === 'string' && Number.isSafeInteger(gross) && Array.isArray(rows) && rows.every(isRow);
  const isTick =
    Number.isSafeInteger(tick?.cycle) &&
    Number.isSafeInteger(tick.parts) &&
    Number.isSafeInteger(tick.cut?.market) &&
    Array.isArray(tick.cut.shards) &&
    Array.isArray(tick.pools) &&
    tick.pools.every(isPool);
  return isTick ? tick : undefined;
}

const isRow = (row: Row): boolean => Array.isArray(row) && typeof row[0] === 'string' && Number.isSafeInteger(row[1]);
