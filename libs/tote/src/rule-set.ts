/**
 * A rule set: the dated rules by which one jurisdiction runs one pool type, as a plain JSON object. It is a fact in the
 * log and is pinned on a pool when the pool opens, so nothing here may depend on code that could change its meaning.
 * Money in minor units, rates as decimal or fraction text (`"0.139"`, `"1/3"`), never floating point numbers.
 */
import type { Coupling } from './field.js';
import type { LegRules } from './leg-rules.js';
import type { PoolType } from './pool-type.js';

/**
 * How a net pool N is shared over winning combinations with stakes W_i (W their sum, s_i the share, 1/count unless stated):
 *
 * - SINGLE_PRICE: price = N / W, one price for all.
 * - PROFIT_SPLIT: price_i = 1 + s_i (N - W) / W_i. The stakes come back first, then the profit is shared.
 * - GROSS_SPLIT: price_i = s_i N / W_i.
 * - JAPAN: price_i = R (W_i + D / P) / W_i + carry / (P W_i) with R = 1 - takeout, D the losing stakes and P the number
 *   of winning combinations that are covered.
 *
 * A combination without stake is not covered: it drops out and the covered ones share all. N and the prices are exact
 * rationals until the price break; a price below zero breaks to zero before the minimum raises it.
 *
 * What wins (before the ladder): WIN the first; PLACE and SHOW the runners in the paid places; QUINELLA the set, EXACTA
 * the order of the first two; TRIFECTA the order of the first three. In a dead heat every linear order consistent with the
 * ranks counts: its runners become interests, an interest that comes again is passed over, the first 1, 2 or 3 are the
 * combination; where fewer interests finished, stars stand for the missing places (`A>*`). Equal combinations count once.
 */
export type Split = 'SINGLE_PRICE' | 'PROFIT_SPLIT' | 'GROSS_SPLIT' | 'JAPAN';

/**
 * What is tried, in order, when no winning combination is covered; the first rung with a covered combination is paid.
 *
 * - NEXT (win, place, show): the runners at the first finishing rank behind the paid places; a second NEXT goes one
 *   rank further. Interests that were among the paid places are passed over. Shared equally.
 * - EITHER: tickets with the first in its place and tickets with the second in its place (`A>*`, `*>B`; `A-*`, `B-*`),
 *   as a place pool over the first two places: half each, divided equally within a dead heat; a half that nobody covers
 *   goes to the other.
 * - FIRST_1 … FIRST_4: tickets with the first 1 … 4 finishers in their places, any runner after them (`A>B>*`); every
 *   order consistent with a dead heat counts.
 * - SECONDS (pools over several races): tickets with the second of every leg. EITHER means there, with the winner of one
 *   leg and anything that ran in the others. MOST_RIGHT: tickets right in the most legs of anybody.
 * - SET_124, SET_134, SET_234: tickets with these of the first four, in any order.
 * - PAY_NET_RATE: every ticket is paid the net rate, without the minimum.
 * - REFUND: every stake is given back, no takeout. CARRY: the pool goes to a later one, by `carry`. Both end a ladder.
 */
export type RungName =
  | 'NEXT'
  | 'EITHER'
  | 'FIRST_1'
  | 'FIRST_2'
  | 'FIRST_3'
  | 'FIRST_4'
  | 'SET_124'
  | 'SET_134'
  | 'SET_234'
  | 'PAY_NET_RATE'
  | 'SECONDS'
  | 'MOST_RIGHT'
  | 'REFUND'
  | 'CARRY';

/** Tests on the unrounded price, first match wins: `{atMost:"0.90",pay:"1.02"}`, `{below:"1.10",pay:"1.10"}`. */
export interface MinimumStep {
  readonly atMost?: string;
  readonly below?: string;
  readonly pay: string;
}

/**
 * From `from` runners on, `places` places are paid; below the smallest `from` the pool is refunded.
 *
 * How places become shares: a rank of m tied runners fills min(m, places left) places and its runners share them equally,
 * each place being one share of 1 / places. Runners fill places, interests are paid: an entry with runners in two places
 * holds both shares. Members without stake leave their rank, which then fills at most as many places as members are
 * left; the places that remain, over all ranks, make up the whole. (Place, dead heat for second: 1/2, 1/4, 1/4; with one
 * of the two unbacked: 1/2, 1/2. Show, third of two: 1/3, 1/3, 1/6, 1/6.)
 */
export interface PlaceStep {
  readonly from: number;
  readonly places: number;
  /** Only in a handicap. */
  readonly handicap?: boolean;
}

/**
 * One tier of a pool; tiers are listed best first. Each has `share` of the net pool; shares add to one, or what is
 * missing is the part of a `unique` winner. A tier of share `"0"` without ratio or weight is paid the minimum before the
 * others share what is left.
 */
export interface TierRule {
  /** `ORDER`, `6/6`, `BONUS4`, `M4`. */
  readonly name: string;
  readonly share: string;
  /** Its unbroken price is at least this many times the next tier's; else both merge, its stakes weighing as much. */
  readonly ratio?: string;
  /** Tiers of one group are one pool from the start, their stakes weighing by `weights`; the pool has the group's name. */
  readonly group?: string;
  /**
   * What becomes of its money when nobody is in it. MERGE: to the next covered tier below, else above. CARRY: to a later
   * pool. JACKPOT: to the jackpot. Absent: CARRY where the ladder ends in CARRY, else MERGE.
   */
  readonly uncovered?: 'MERGE' | 'CARRY' | 'JACKPOT';
}

/** Pays the jackpot to the tier when all its winning stake together is exactly one `unit` (minor units). */
export interface UniqueRule {
  readonly tier: string;
  readonly unit: number;
}

/** What a pool gives to its jackpot or reserve before its tiers share: a share of the net or of the gross pool. */
export interface JackpotRule {
  readonly share: string;
  readonly of: 'NET' | 'GROSS';
}

/**
 * What becomes of money paid on an official result that is changed later. CLAWBACK: too little is made good and too much is taken
 * back, as far as the balance goes; the rest is owed and kept back from later payouts. UNDERPAY_ONLY: too little is made good, too
 * much is left with the bettor at the operator's cost. NONE: what was official stays paid, no money moves.
 */
export type CorrectionPolicy = 'NONE' | 'UNDERPAY_ONLY' | 'CLAWBACK';

/** Odds below `below` are shown in multiples of `step`; the last one has no `below`. */
export interface DisplayStep {
  readonly below?: string;
  readonly step: string;
}

/** A ticket whose stake is shared by its lines, for a part of what a whole line costs. */
export interface FlexiRule {
  /** What a whole line costs, minor units, a multiple of 100. */
  readonly percentOf: number;
  /** A line gets a whole per cent of that, this many at least; what is left of the stake is not taken. */
  readonly least: number;
}

export interface RuleSet {
  /** `FR-WIN@2026-01-01`: name, pool type and first day, unique for ever. */
  readonly id: string;
  /** The name outsiders use: `FR`, `US`, `US-NICKEL`. */
  readonly name: string;
  /** Country whose law it follows, ISO 3166 (`FR`, `US`). */
  readonly jurisdiction: string;
  readonly poolType: PoolType;
  /** First day, `YYYY-MM-DD`. */
  readonly validFrom: string;

  /**
   * The operator's share of the gross pool. Prices divide the exact net pool gross x (1 - takeout); in the accounts the
   * takeout is rounded down to a whole minor unit and the fraction that is left falls into breakage.
   */
  readonly takeout: string;
  /** How the pool is shared when one finishing order decides it, see `Split`. */
  readonly split: Split;
  /** How it is shared when a dead heat makes several winning combinations of a SINGLE_PRICE pool. */
  readonly deadHeat: Split;
  /** Shares in the order of the winning combinations, summing to at most 1; absent: by places, equal within a tie. */
  readonly shares?: readonly string[];
  /** Places paid (place-like pools), fixed or by number of runners. */
  readonly places?: number | readonly PlaceStep[];
  /** What the steps of `places` count: CARD the declared runners, RUNNERS those that run. */
  readonly placesBy: 'CARD' | 'RUNNERS';

  /** A price per `breakPer` currency units is a multiple of this (`"0.10"`), or `"none"`. */
  readonly breakTo: string;
  /** Currency units that `breakTo` is about: `"1"`; `"100"` for yen; `"2"` for a two-dollar ticket. */
  readonly breakPer: string;
  /** PRICE breaks each price; UNIT breaks the price of weight 1 before weights multiply it (pools with weights). */
  readonly breakAt: 'PRICE' | 'UNIT';
  /** To which multiple of the break point (or of 10^-digits with breakTo "none"): the one below, or the nearest. */
  readonly rounding: 'DOWN' | 'NEAREST';
  /** Decimal digits of a price at least; with breakTo "none" also where it is rounded. */
  readonly digits: number;
  /** Least price (`"1.10"`), or steps on the unrounded price; `"0"` for none. */
  readonly minimum: string | readonly MinimumStep[];
  /** Least price in a minus pool, for all its winners: used when paying `minimum` (a single one) would cost more than the net pool. */
  readonly minimumInMinusPool?: string;
  /** Least price of a dead heat's winners, who share one place's money: below the stake in the United Kingdom. */
  readonly minimumInDeadHeat?: string;
  /**
   * A price of just `from` is raised to `to`, for all of them or none: only where everything paid then stays within the
   * gross pool (Japan, "plus ten").
   */
  readonly topUp?: { readonly from: string; readonly to: string };
  /** How one bet's payment (winning stake x price) becomes whole minor units; NEAREST takes halves upwards. */
  readonly payment: 'DOWN' | 'NEAREST';

  /** Tiers, best first; absent: one tier that has the pool's own name. A net carry-in belongs to the first. */
  readonly tiers?: readonly TierRule[];
  /** How stakes weigh when tiers are merged, by tier. Without `tiers` all of them are one pool from the start. */
  readonly weights?: Readonly<Record<string, string>>;
  readonly unique?: UniqueRule;
  readonly jackpot?: JackpotRule;
  /** NET: money of several sources with their own takeouts, priced net; absent: STANDARD. */
  readonly pricing?: 'STANDARD' | 'NET';
  /**
   * A winning stake below this many minor units (one unit) is part of a dividend: the dividend is the whole net pool for
   * one unit, its fraction is paid, the rest is carried. Absent: no such rule.
   */
  readonly partUnitMinor?: number;

  /**
   * The part of the net that a rung of the ladder is paid; the rest is carried. Absent: all of it. In a pool of one race that a guarantee
   * made up for, somebody has won, and the rest is carried with what the operator added, as is the money of a tier that carries (own: no
   * rule read says so); over several races it is carried as it was staked, as it is everywhere when nobody wins.
   */
  readonly ladderShare?: string;
  /**
   * Tiers share the profit, not the pool. OWN: a tier's part over its own stakes, and no tier below another is paid more.
   * INCREMENTS: over its stakes and those of all better tiers, to which it adds (French ranks with non-runners).
   */
  readonly tierProfit?: 'OWN' | 'INCREMENTS';

  /** Pools over several races only. */
  readonly legs?: LegRules;

  /** The ladder, see `RungName`. Absent rungs at its end mean REFUND. */
  readonly noWinner: readonly RungName[];
  /**
   * What CARRY hands on, and what a carry-in is. NET: after takeout, never taxed again. GROSS: the whole pool, taxed
   * with the money of the pool that finally pays.
   */
  readonly carry: 'NET' | 'GROSS';
  /** Steps of the odds shown while selling; absent: the break point. */
  readonly display?: readonly DisplayStep[];

  /** What coupled runners mean in this pool. */
  readonly coupling: Coupling;
  /** Fewer running betting interests than this (in the first leg of several): the whole pool is refunded. */
  readonly minInterests: number;
  /** Fewer betting interests on the card than this, whether they run or not: the pool is not offered. */
  readonly minDeclared?: number;
  /** A non-runner's lines are refunded. */
  readonly scratch: 'REFUND';
  /** How many complements a bet may name: they take non-runners' places at the end of its lines. Absent: none. */
  readonly complements?: number;
  /** Least stake of a line, minor units. */
  readonly minStakeMinor?: number;
  /** Stakes of a line are multiples of this, minor units. */
  readonly unitMultipleMinor?: number;
  /** The pool takes part in reports, whose bets are staked with at most so many times `minStakeMinor` a line. Absent: it does not. */
  readonly report?: { readonly mostTimes: number };
  /** Absent: a line of a flexi ticket gets a whole number of `unitMultipleMinor`, `minStakeMinor` at least. NONE: not sold. */
  readonly flexi?: FlexiRule | 'NONE';
  /** Most lines of a bet; default 1,000,000. */
  readonly maxLines?: number;
  /** Absent: CLAWBACK. */
  readonly corrections?: CorrectionPolicy;
  /**
   * How long after its acceptance a bet may be cancelled, ms. Absent: no cancelling. At the latest until its shard hears of the stop, or
   * the scheduled stop has come, or its selling lease has run out: what is cancelled between the steward's stop and the shard's marker
   * (milliseconds, a lease at the most), or between the true off and the word that it was earlier, stays cancelled.
   */
  readonly cancelWindowMs?: number;
}

/** The bound on a bet's lines where the rule set names none: a box of 16 over five places has 524,160. */
export const DEFAULT_MAX_LINES = 1_000_000;
