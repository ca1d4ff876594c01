/**
 * What a ticket would cost and do, without placing it: lines, cost, odds before and after the stake, and what would be refused. An
 * estimate from the last tick and the folded market; the shard decides alone and may decide otherwise a moment later.
 */
import { fieldOfPool, type MarketPool, oddsGross, standingOf } from '#mutuel/engine';
import {
  expandLines,
  type Field,
  isRefusal,
  lineStakes,
  type OddsLine,
  probables,
  type ReadSelection,
  readSelection,
  shapeOf,
} from '#mutuel/tote';
import type { OddsReads } from './doors.js';
import type { MarketView } from './market-view.js';
import { partsOf } from './orders.js';
import { type QuoteRefusal, reportRefusal, stakeRefusal, stateRefusal, textOf, unknownPool } from './quote-refusals.js';
import type { QuoteBody } from './schemas.js';

export interface QuotedOdds {
  readonly c: string;
  readonly before: string | null;
  readonly after: string | null;
}

export interface QuotedBet {
  readonly betRef?: string;
  readonly poolId: string;
  readonly selection: string | null;
  readonly lines: number;
  readonly unitStake: number | null;
  readonly cost: number;
  readonly stake: number;
  /** Of the single combination; null for more than one. */
  readonly oddsBefore: string | null;
  readonly oddsAfter: string | null;
  /** Of the first combinations of the formula. */
  readonly odds: readonly QuotedOdds[];
  readonly refusal: QuoteRefusal | null;
}

export interface QuoteAnswer {
  readonly lines: number;
  readonly cost: number;
  readonly currency: string;
  readonly cycle: number | null;
  readonly bets: readonly QuotedBet[];
}

const SHOWN_LINES = 24;

type QuoteBet = QuoteBody['bets'][number];

export class Quotes {
  constructor(
    private readonly market: MarketView,
    private readonly odds: OddsReads,
    private readonly now: () => number,
  ) {}

  async quote(body: QuoteBody): Promise<QuoteAnswer> {
    const bets = body.bets.map((bet, index) => this.#bet(bet, index, body.currency));
    const first = bets[0]?.poolId;
    return {
      lines: bets.reduce((sum, bet) => sum + bet.lines, 0),
      cost: bets.reduce((sum, bet) => sum + bet.cost, 0),
      currency: body.currency,
      cycle: (first !== undefined && this.odds.latest(first)?.cycle) || null,
      bets,
    };
  }

  #bet(bet: QuoteBet, index: number, currency: string): QuotedBet {
    const pointer = `/bets/${index}`;
    const now = this.now();
    // Of a report the first bet alone can be priced: what the others are staked with nobody knows.
    const parts = partsOf(bet);
    const [part] = parts;
    const { poolId = '' } = part;
    const found = this.market.pool(poolId);
    if (!found) return blank(bet, unknownPool(poolId, pointer));
    const text = textOf(part, index);
    if (typeof text !== 'string') return blank(bet, text);
    const { pool, meeting } = found;
    const field = fieldOfPool(this.market.state, poolId);
    const read = readSelection(pool.card.type, text, field, pool.card.ruleSet);
    if (isRefusal(read)) return blank(bet, { code: read.code, detail: read.message, pointer: pointer + read.at });
    const multiple = lineStakes(pool.card.ruleSet, bet.unitStake === undefined)?.multipleMinor ?? 1;
    const unit = bet.unitStake ?? Math.floor((bet.stake ?? 0) / (read.lines * multiple)) * multiple;
    const cost = unit * read.lines;
    // What a combination over several races would pay is known once the legs before the last are over.
    const odds = unit > 0 && !field.legs ? this.#odds(pool, field, read, unit) : [];
    const refusal =
      stateRefusal(standingOf(this.market.state, poolId), pool, field, read, { pointer, now }) ??
      (meeting.currency === currency
        ? stakeRefusal(pool, bet, unit, cost, pointer)
        : { code: 'CURRENCY_MISMATCH', detail: `${poolId} is in ${meeting.currency}.`, pointer: '/currency' }) ??
      reportRefusal(this.market, found, bet, parts, { index, now });
    const only = odds.length === 1 ? odds[0] : undefined;
    return {
      ...(bet.betRef === undefined ? {} : { betRef: bet.betRef }),
      poolId,
      selection: read.text,
      lines: read.lines,
      unitStake: unit,
      cost,
      stake: cost,
      oddsBefore: only?.before ?? null,
      oddsAfter: only?.after ?? null,
      odds,
      refusal,
    };
  }

  #odds(pool: MarketPool, field: Field, read: ReadSelection, unit: number): QuotedOdds[] {
    const { poolId, ruleSet, carryInMinor } = pool.card;
    const tick = this.odds.latest(poolId);
    const rows = new Map((tick?.odds ?? []).map((row) => [row.c, row]));
    const before = new Map([...rows].map(([c, { stake }]) => [c, stake]));
    const lines = [...first(expandLines(read), SHOWN_LINES)];
    const listed = [...before.values()].reduce((sum, stake) => sum + stake, 0);
    // Of a large pool the tick shows the most backed combinations: what it does not show is not known here, and not guessed.
    if (shapeOf(ruleSet.poolType).picks > 2 && listed < (tick?.gross ?? 0)) {
      const isAlone = !ruleSet.tiers && !ruleSet.weights;
      const becomes = (c: string): string | null => {
        const row = rows.get(c);
        if (row === undefined || !isAlone) return null;
        const grossMinor = oddsGross((tick?.gross ?? 0) + unit * read.lines, pool.card);
        const stakes = new Map([[c, row.stake + unit]]);
        return shown(probables({ ruleSet, field, stakes, grossMinor, carryInMinor }).odds[0]);
      };
      return lines.map((c) => ({ c, before: shown(rows.get(c)), after: becomes(c) }));
    }
    const after = new Map(before);
    for (const c of lines) after.set(c, (after.get(c) ?? 0) + unit);
    const grossNow = tick?.gross ?? 0;
    const price = (stakes: ReadonlyMap<string, number>, gross: number): ReadonlyMap<string, OddsLine> => {
      const grossMinor = oddsGross(gross, pool.card);
      const { odds } = probables({ ruleSet, field, stakes, grossMinor, carryInMinor });
      return new Map(odds.map((line) => [line.c, line]));
    };
    const was = price(before, grossNow);
    const becomes = price(after, grossNow + unit * read.lines);
    return lines.map((c) => ({ c, before: shown(was.get(c)), after: shown(becomes.get(c)) }));
  }
}

/** The price, or the low end of a range. */
const shown = (line: OddsLine | undefined): string | null => line?.price ?? line?.low ?? null;

function* first(all: Iterable<string>, most: number): Iterable<string> {
  let count = 0;
  for (const one of all) {
    if (count++ === most) return;
    yield one;
  }
}

function blank(bet: QuoteBet, refusal: QuoteRefusal): QuotedBet {
  return {
    ...(bet.betRef === undefined ? {} : { betRef: bet.betRef }),
    poolId: partsOf(bet)[0].poolId ?? '',
    selection: null,
    lines: 0,
    unitStake: bet.unitStake ?? null,
    cost: 0,
    stake: 0,
    oddsBefore: null,
    oddsAfter: null,
    odds: [],
    refusal,
  };
}
