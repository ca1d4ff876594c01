/**
 * What anybody may read of the racing day: meetings, races, pools with their odds, results and dividends; and the operators' views of
 * the same. Answers are built from the folded market and the published odds; nothing here waits for a database.
 */
import { differenceReport } from '#mutuel/audit';
import {
  type DividendProposal,
  fieldOfPool,
  leftOf,
  type MarketPool,
  type MarketRace,
  type MeetingCard,
  type PoolCard,
  PROPOSAL_SOURCES,
  poolsOverRaces,
  standingOf,
  type Weighed,
  waitingFor,
} from '#mutuel/engine';
import { dividendView, iso, isoOrNull, termsView } from '#mutuel/services';
import { type Field, isRefusal, keyLabel, type RuleSet, readSelection } from '#mutuel/tote';
import type { OddsReads, PoolOdds, PoolReads } from './doors.js';
import type { MarketView } from './market-view.js';
import { Problem } from './problem.js';

export interface RacingParts {
  readonly market: MarketView;
  readonly odds: OddsReads;
  readonly pools: PoolReads;
  readonly now: () => number;
}

/** How far behind the market the projections may be before a declared sheet is said to be missing. */
const SHEET_WAIT_MS = 3_000;
const SHEET_LOOK_MS = 50;

const noCombination = (why: string): Problem => {
  const detail = `c must be one combination, such as 4, 4>7>1 or 4-7. ${why}`;
  return new Problem('INVALID_SELECTION', detail, { errors: [{ pointer: '/c', code: 'INVALID_SELECTION', detail }] });
};

const BIG_BETS = 20;
/** Races that are over and still listed for the demo. */
const OLD_RACES = 12;

export class Racing {
  constructor(private readonly p: RacingParts) {}

  /** Of a day: the meetings of the folded market, and those that it has let go of since. */
  async meetings(date: string | undefined): Promise<object> {
    const cards = [...this.p.market.cards.values()].filter((card) => date === undefined || card.date === date);
    const live = await Promise.all(cards.map((card) => this.#meeting(card)));
    if (date === undefined) return { meetings: live };
    const kept = (await this.p.pools.meetings(date)).filter(({ meetingId }) => !this.p.market.cards.has(meetingId));
    return { meetings: [...kept, ...live] };
  }

  async meeting(meetingId: string): Promise<object> {
    const card = this.p.market.cards.get(meetingId);
    const found = card ? await this.#meeting(card) : await this.p.pools.meeting(meetingId);
    if (!found) throw new Problem('MEETING_UNKNOWN', `There is no meeting ${meetingId}.`);
    return found;
  }

  async #meeting({ races, ...card }: MeetingCard): Promise<object> {
    const ids = races.map(({ raceId }) => raceId);
    const over = poolsOverRaces(this.p.market.state, ids);
    return {
      ...card,
      races: await this.#summaries(card.meetingId, ids),
      pools: over.map((pool) => this.#offer(pool, card.currency)),
    };
  }

  /** In card order; races that the market has let go of before the others of their meeting are in the read models. */
  async #summaries(meetingId: string, ids: readonly string[]): Promise<readonly object[]> {
    const isWhole = ids.every((id) => this.p.market.race(id));
    const kept = isWhole ? [] : ((await this.p.pools.meeting(meetingId))?.races ?? []);
    return ids.flatMap((id) => {
      const race = this.p.market.race(id);
      return race ? this.summary(race) : kept.filter(({ raceId }) => raceId === id);
    });
  }

  #offer(card: PoolCard, currency: string | undefined) {
    const { poolId, type, ruleSet, legs } = card;
    return {
      poolId,
      type: type as string,
      currency,
      status: standingOf(this.p.market.state, poolId).status as string,
      gross: this.p.odds.latest(poolId)?.gross ?? 0,
      minStake: ruleSet.minStakeMinor ?? 1,
      unitMultiple: ruleSet.unitMultipleMinor ?? 1,
      maxLines: ruleSet.maxLines ?? null,
      cancelWindowMs: ruleSet.cancelWindowMs ?? 0,
      ruleSet: ruleSet.id,
      ...(card.carryInMinor === 0 ? {} : { carryIn: card.carryInMinor }),
      ...termsView(card),
      ...(legs ? { raceId: null, legs } : {}),
    };
  }

  summary({ card, meeting, status, stopAt, offAt }: MarketRace) {
    const { raceId, number, name, postTime, runners } = card;
    return {
      raceId,
      meetingId: meeting,
      number,
      name,
      postTime: iso(postTime),
      status: status as string,
      stopAt: stopAt === null ? null : iso(stopAt),
      offAt: offAt === null ? null : iso(offAt),
      runnerCount: runners.length,
    };
  }

  /** Every race that is not settled or void, and the last of those, in card order. */
  allRaces(): object[] {
    const races = [...this.p.market.state.races.values()];
    const over = races.filter(({ status }) => status === 'SETTLED' || status === 'VOID').slice(0, -OLD_RACES);
    const left = new Set(over);
    return races
      .filter((race) => !left.has(race))
      .map((race) => {
        const { raceId, meetingId, number, name, postTime, status } = this.summary(race);
        return { raceId, meetingId, number, name, postTime, status };
      });
  }

  async race(raceId: string): Promise<object> {
    const race = this.p.market.race(raceId);
    if (!race) {
      const old = await this.p.pools.race(raceId);
      if (!old) throw new Problem('RACE_UNKNOWN', `There is no race ${raceId}.`);
      return old;
    }
    const { card, scratched } = race;
    const currency = this.p.market.cards.get(race.meeting)?.currency;
    return {
      ...this.summary(race),
      currency,
      runners: card.runners.map(({ number, name, entry }) => ({
        number,
        name,
        entry: entry ?? null,
        status: scratched.includes(number) ? 'SCRATCHED' : 'DECLARED',
      })),
      pools: this.#offeredWith(race).map((pool) => this.#offer(pool, currency)),
      result: this.#result(race),
      voidedAfterStop: await this.#voidedInAll(race),
    };
  }

  /** After a late off the bets made since count too, sealed or not: of those the projections alone know how many. */
  async #voidedInAll(race: MarketRace): Promise<{ count: number; amount: number }> {
    const known = this.voidedAfterStop(race);
    if (race.offAt === null) return known;
    const row = await this.p.pools.race(race.card.raceId);
    return row && row.voidedAfterStop.count > known.count ? row.voidedAfterStop : known;
  }

  /** Its own pools, and those over several races that begin with it. */
  #offeredWith({ card, legOf }: MarketRace): readonly PoolCard[] {
    const begun = legOf.map((id) => this.#pool(id).card).filter(({ legs }) => legs?.[0] === card.raceId);
    return [...card.pools.filter(({ legs }) => !legs), ...begun];
  }

  #result(race: MarketRace): object | null {
    const { card, version, finish, disqualified } = race;
    if (version === 0) return null;
    const pools = card.pools.map(({ poolId, type }) => ({ poolId, type, declared: this.#pool(poolId).declared }));
    const official = race.official > 0 ? version === race.official : pools.some((pool) => pool.declared !== null);
    const dividends = pools.flatMap(({ poolId, type, declared }) =>
      (declared?.dividends ?? []).map(({ tier, c, price }) => ({ poolId, type, tier, c: keyLabel(c), price })),
    );
    const corrects = race.corrects === 0 ? null : race.corrects;
    return { version, corrects, finish, disqualified, status: official ? 'OFFICIAL' : 'PROVISIONAL', dividends };
  }

  /** Bets acknowledged between the stop and a shard's marker, voided and refunded: counted in public. */
  voidedAfterStop(race: MarketRace): { count: number; amount: number } {
    const total = { count: 0, amount: 0 };
    for (const { poolId } of race.card.pools)
      for (const seal of this.#pool(poolId).seals) {
        total.count += seal?.voidedBets ?? 0;
        total.amount += seal?.voidedStake ?? 0;
      }
    return total;
  }

  async pool(poolId: string): Promise<object> {
    const found = this.p.market.pool(poolId);
    if (!found) {
      const old = await this.p.pools.pool(poolId);
      if (!old) throw new Problem('NOT_FOUND', `There is no pool ${poolId}.`);
      return old;
    }
    const { pool, race, meeting } = found;
    const tick = this.p.odds.latest(poolId);
    const { ruleSet, type, carryInMinor, legs } = pool.card;
    return {
      poolId,
      raceId: legs ? null : race.card.raceId,
      ...(legs ? { legs } : {}),
      type,
      status: standingOf(this.p.market.state, poolId).status,
      currency: meeting.currency,
      exponent: meeting.exponent,
      ruleSet: ruleSet.id,
      gross: tick?.gross ?? 0,
      net: tick?.net ?? 0,
      carryIn: tick?.carryIn ?? carryInMinor,
      ...termsView(pool.card),
      cycle: tick?.cycle ?? null,
      computedAt: tick === undefined ? null : iso(tick.computedAt),
      final: tick?.final ?? false,
      odds: tick?.odds ?? [],
      bigBets: (tick?.bigBets ?? []).slice(0, BIG_BETS),
    };
  }

  /** The odds of one combination, also of pools too large to be shown whole. */
  async probable(poolId: string, c: string): Promise<object> {
    const offered = this.#offeredIn(poolId) ?? (await this.p.pools.published(poolId));
    if (!offered) throw new Problem('NOT_FOUND', `There is no pool ${poolId}.`);
    const { ruleSet, field } = offered;
    const tick = this.p.odds.latest(poolId);
    const read = readSelection(ruleSet.poolType, c, field, ruleSet);
    if (isRefusal(read) || read.lines !== 1)
      throw noCombination(isRefusal(read) ? read.message : 'It is more than one.');
    const shown = tick?.of(read.text);
    if (shown) return { poolId, cycle: tick?.cycle ?? null, ...shown };
    const found = await this.p.pools.probable(poolId, read.text);
    const blank = { poolId, c: read.text, stake: 0, price: null, low: null, high: null };
    return { ...(found ?? blank), cycle: tick?.cycle ?? found?.cycle ?? null };
  }

  #offeredIn(poolId: string): { readonly ruleSet: RuleSet; readonly field: Field } | undefined {
    const found = this.p.market.pool(poolId);
    return found && { ruleSet: found.pool.card.ruleSet, field: fieldOfPool(this.p.market.state, poolId) };
  }

  async history(poolId: string, since: number | undefined): Promise<object> {
    await this.pool(poolId);
    return this.p.pools.history(poolId, since);
  }

  /** The declared sheet with its arithmetic, and the input line with which anybody can price it again. */
  async dividends(poolId: string): Promise<object> {
    await this.pool(poolId);
    const found = await this.#sheet(poolId);
    if (found) return found;
    const isVoid = this.p.market.pool(poolId)?.race.status === 'VOID';
    const why = isVoid ? 'is of a void race: every stake was given back' : 'has no official dividends yet';
    throw new Problem('NOT_DECLARED', `${poolId} ${why}.`);
  }

  /** What the market has declared is in the projections a moment later: it is waited for, not denied. */
  async #sheet(poolId: string): Promise<object | null> {
    const waitUntil = this.p.now() + SHEET_WAIT_MS;
    for (;;) {
      const found = await this.p.pools.dividends(poolId);
      if (found || !this.p.market.pool(poolId)?.pool.declared || this.p.now() > waitUntil) return found;
      await new Promise((resolve) => setTimeout(resolve, SHEET_LOOK_MS));
    }
  }

  // ── The operators' views ───────────────────────────────────────────────────────────────────────────────────────

  lease(): object {
    const { issuedAt, ttlMs } = this.p.market.state.lease;
    const expiresAt = issuedAt + ttlMs;
    const known = issuedAt > 0;
    return {
      issuedAt: known ? iso(issuedAt) : null,
      expiresAt: known ? iso(expiresAt) : null,
      holding: known && expiresAt >= this.p.now(),
    };
  }

  /** Every race with its sales and seals; `betsOf` counts the accepted bets of a pool. */
  overviewRaces(betsOf: (poolId: string) => number): Promise<object[]> {
    const races = [...this.p.market.state.races.values()].map(async (race) => {
      const pools = race.card.pools.map(({ poolId }) => ({ poolId, ...this.#pool(poolId) }));
      const shards = this.p.market.state.shards;
      const sealed = Array.from({ length: shards }, (_, i) => pools.every((pool) => pool.seals[i] != null));
      const seals = pools.flatMap((pool) => pool.seals);
      return {
        ...this.summary(race),
        gross: pools.reduce((sum, pool) => sum + (this.p.odds.latest(pool.poolId)?.gross ?? 0), 0),
        bets: seals.every((seal) => seal !== null)
          ? seals.reduce((sum, seal) => sum + (seal?.bets ?? 0), 0)
          : pools.reduce((sum, pool) => sum + betsOf(pool.poolId), 0),
        sealed: race.closeNo === 0 ? null : `${sealed.filter(Boolean).length}/${shards} shards`,
        stopDelayMs: race.stopAt === null ? null : this.#closing(race).delayMs,
        voidedAfterStop: await this.#voidedInAll(race),
      };
    });
    return Promise.all(races);
  }

  /** How each race was stopped, the last stop first. */
  async stops(): Promise<object> {
    const stopped = [...this.p.market.state.races.values()].filter((race) => race.stopAt !== null);
    const stops = stopped
      .sort((one, other) => Number(other.stopAt) - Number(one.stopAt))
      .map(async (race) => ({
        ...{ raceId: race.card.raceId, closeNo: race.closeNo, postTime: iso(race.card.postTime) },
        ...{ stopAt: isoOrNull(race.stopAt), offAt: isoOrNull(race.offAt), ...this.#closing(race) },
        voidedAfterStop: await this.#voidedInAll(race),
        pools: this.#soldWith(race).map(({ card: { poolId, ruleSet } }) => ({
          ...{ poolId, cancelWindowMs: ruleSet.cancelWindowMs ?? 0 },
        })),
      }));
    return { stops: await Promise.all(stops) };
  }

  /**
   * When the marker that closes the race was appended in each shard, and how long after the stop that was; all by the log's clock. No bet of the
   * race that stands has a higher decision than `lastDecision`.
   */
  #closing(race: MarketRace) {
    const count = this.p.market.state.shards;
    const sold = this.#soldWith(race);
    const shards = Array.from({ length: count }, (_, shard) => {
      const seals = sold.flatMap((pool) => pool.seals[shard] ?? []).filter(({ closeNo }) => closeNo === race.closeNo);
      const markerAt = seals.length === 0 ? null : Math.max(...seals.map((seal) => seal.markerAt));
      return {
        ...{ shard, closedAt: isoOrNull(markerAt) },
        delayMs: markerAt === null || race.stopAt === null ? null : markerAt - race.stopAt,
        lastDecision: seals.length === 0 ? null : Math.max(...seals.map(({ lastSeq }) => lastSeq)),
      };
    });
    const delays = shards.flatMap(({ delayMs }) => delayMs ?? []);
    return { delayMs: delays.length < count ? null : Math.max(...delays), shards };
  }

  /** The pools that end with the stop of this race. */
  #soldWith({ card: { raceId, pools }, legOf }: MarketRace): readonly MarketPool[] {
    const ids = [...pools.map(({ poolId }) => poolId), ...legOf];
    return ids.map((id) => this.#pool(id)).filter(({ soldBy }) => soldBy === raceId);
  }

  /** Money that waits for later pools, by the id under which a card names it. */
  carryOvers(): object {
    const { carryOvers } = this.p.market.state;
    return {
      carryOvers: [...carryOvers].map(([id, one]) => ({
        ...{ id, type: one.type, currency: one.currency, amount: one.amount, left: Math.max(0, leftOf(one)) },
        taken: one.taken.map(({ pool, amount }) => ({ poolId: pool, amount })),
      })),
    };
  }

  settlement(raceId: string): object {
    const race = this.#race(raceId);
    const { version, enteredBy, confirmedBy, finish, disqualified, previewHash, status } = race;
    const pools = race.card.pools.map(({ poolId }) => this.#settlementPool(this.#pool(poolId)));
    const shown = pools.filter((pool) => pool !== undefined);
    const sum = (of: (pool: (typeof shown)[number]) => number): number =>
      shown.reduce((total, pool) => total + of(pool), 0);
    return {
      raceId,
      status,
      resultVersion: version,
      enteredBy,
      confirmedBy,
      finish,
      disqualified,
      previewHash,
      corrects: race.corrects === 0 ? null : race.corrects,
      voided: race.voided,
      waitingFor:
        (status === 'PROVISIONAL' || status === 'VOID') && previewHash === null
          ? waitingFor(this.p.market.state, race)
          : [],
      pools: shown,
      totals: {
        paid: sum((pool) => pool.paid),
        refunded: sum((pool) => pool.refunds),
        takeout: sum((pool) => pool.takeout),
        breakage: sum((pool) => pool.breakage),
        topUp: sum((pool) => pool.topUp),
      },
      differences: sumOf(shown.flatMap(({ correction }) => correction ?? [])),
    };
  }

  #settlementPool(pool: MarketPool) {
    const race = this.#race(pool.race);
    const isPreview = race.corrects > 0 && race.version !== race.official;
    const sheet = isPreview ? (pool.proposals.ENGINE ?? pool.declared) : (pool.declared ?? pool.proposals.ENGINE);
    if (!sheet) return undefined;
    const { poolId, type } = pool.card;
    const before = isPreview ? pool.declared : pool.replaced;
    const lastOdds = lastOddsOf(this.p.odds.latest(poolId));
    return {
      poolId,
      type: type as string,
      outcome: sheet.outcome,
      gross: sheet.grossMinor,
      refunds: pool.refundedAfterSeal + sheet.refundedMinor,
      takeout: sheet.takeoutMinor,
      net: sheet.netMinor,
      carryIn: sheet.carryInMinor,
      jackpotIn: sheet.jackpotInMinor ?? 0,
      breakage: sheet.breakageMinor,
      topUp: sheet.topUpMinor,
      guarantee: sheet.guaranteeMinor ?? 0,
      carryOut: sheet.carryOutMinor - (sheet.jackpotMinor ?? 0),
      jackpot: sheet.jackpotMinor ?? 0,
      policy: pool.card.ruleSet.corrections ?? 'CLAWBACK',
      correction: correctionOf(pool, race, sheet, before),
      house: sheet.takeoutMinor + sheet.breakageMinor - sheet.topUpMinor,
      paid: sheet.paidMinor,
      dividends: sheet.dividends.map((line) => ({ ...dividendView(line), lastOdds: lastOdds.get(line.c) ?? null })),
      proposals: PROPOSAL_SOURCES.flatMap((source) => {
        const proposal = pool.proposals[source];
        return proposal ? [{ source, inputHash: proposal.inputHash, agrees: agrees(proposal, sheet) }] : [];
      }),
      differences: pool.differences,
      report: this.#report(pool, sheet),
      steps: sheet.steps,
    };
  }

  /** Both sheets side by side, for every calculator that differs from the one shown. */
  #report(pool: MarketPool, shown: DividendProposal): readonly string[] {
    const exponent = this.p.market.pool(pool.card.poolId)?.meeting.exponent ?? 0;
    const named = (proposal: DividendProposal) => ({ ...proposal, name: proposal.source });
    return PROPOSAL_SOURCES.flatMap((source) => {
      const other = pool.proposals[source];
      return other ? differenceReport(pool.card.poolId, [named(shown), named(other)], exponent) : [];
    });
  }

  #race(raceId: string): MarketRace {
    const race = this.p.market.race(raceId);
    if (!race) throw new Problem('RACE_UNKNOWN', `There is no race ${raceId}.`);
    return race;
  }

  #pool(poolId: string): MarketPool {
    return this.#found(poolId).pool;
  }

  #found(poolId: string) {
    const found = this.p.market.pool(poolId);
    if (!found) throw new Problem('NOT_FOUND', `There is no pool ${poolId}.`);
    return found;
  }
}

/** What a correction does to a pool: its sheet before, and what the shards say would move; null where none is at hand. */
function correctionOf(pool: MarketPool, race: MarketRace, sheet: DividendProposal, before: DividendProposal | null) {
  if (race.corrects === 0 || !before) return null;
  const words = pool.weighed.flatMap((report) => report ?? []);
  const isWeighed =
    race.weighing > 0 && words.length === pool.weighed.length && (pool.isCalled || race.version === race.official);
  return {
    before: {
      outcome: before.outcome,
      paid: before.paidMinor,
      refunded: before.refundedMinor,
      takeout: before.takeoutMinor,
      breakage: before.breakageMinor,
      carryOut: before.carryOutMinor,
      dividends: before.dividends.map(dividendView),
    },
    /** New payments less old ones, whoever bears them. */
    difference: sheet.paidMinor + sheet.refundedMinor - before.paidMinor - before.refundedMinor,
    weighed: isWeighed ? sumUp(words) : null,
  };
}

function sumUp(words: readonly Weighed[]) {
  const sums = { bets: 0, toPay: 0, toTakeBack: 0, short: 0, kept: 0 };
  for (const word of words)
    for (const name of ['bets', 'toPay', 'toTakeBack', 'short', 'kept'] as const) sums[name] += word[name];
  return sums;
}

type Correction = NonNullable<ReturnType<typeof correctionOf>>;

/** Of all pools; null while a pool has not been weighed. */
function sumOf(corrections: readonly Correction[]): Weighed | null {
  const weighed = corrections.flatMap((one) => one.weighed ?? []);
  return corrections.length > 0 && weighed.length === corrections.length ? sumUp(weighed) : null;
}

const lastOddsOf = (tick: PoolOdds | undefined): ReadonlyMap<string, string | null> =>
  new Map((tick?.odds ?? []).map(({ c, price, low, high }) => [c, price ?? (low === null ? null : `${low}–${high}`)]));

/** Equal in everything that the market compares; its own comparison is what blocks a declaration. */
function agrees(a: NonNullable<MarketPool['declared']>, b: NonNullable<MarketPool['declared']>): boolean {
  const sheet = ({ source: _s, steps: _t, ...rest }: typeof a): string =>
    JSON.stringify({
      ...rest,
      dividends: rest.dividends.map((d) => JSON.stringify({ ...d, c: keyLabel(d.c) })).sort(),
    });
  return sheet(a) === sheet(b);
}
