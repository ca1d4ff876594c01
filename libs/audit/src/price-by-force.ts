/**
 * The second calculator: a pool's dividends by brute force, from every line and every finishing order. It shares no code
 * and no method with the first one, which counts symbolically, so that agreement means something. It must stay naive: no
 * closed form, no shortcut, and nothing imported from what it checks.
 */
import { bettingInterest, expandSelection, LineTally, lineShapes, runsOf } from './expansion.js';
import {
  type Fraction,
  floor,
  larger,
  less,
  minus,
  nearest,
  ONE,
  over,
  plus,
  read,
  sum,
  times,
  whole,
  write,
} from './fraction.js';
import {
  type AuditPool,
  AuditRefused,
  type AuditRules,
  type AuditSplit,
  type AuditTicket,
  type DividendSheet,
  type LineStake,
  type SheetDividend,
} from './sheet.js';
import { patternText, placesPaid, rungs, stakeOn, type Winner } from './winners.js';

export type ForceInput = AuditPool & { readonly tickets: Iterable<AuditTicket> };

/** Prices a pool from its tickets. Throws `AuditRefused` where the rules or a ticket are beyond what can be audited. */
export function priceByForce(input: ForceInput): DividendSheet {
  const interestOf = bettingInterest(input.field, input.ruleSet.coupling);
  const tally = new LineTally();
  for (const { selection, unitMinor } of input.tickets) {
    tally.add(expandSelection(selection, input.poolType, interestOf), BigInt(unitMinor));
  }
  return priceLines(input, tally.lines);
}

/** Prices a pool from the stakes of its lines, those of scratched runners included. */
export function priceLines(pool: AuditPool, lines: readonly LineStake[]): DividendSheet {
  const { field, ruleSet } = pool;
  if (ruleSet.shares) throw new AuditRefused('shares stated by hand are not known to the second calculator');
  if (ruleSet.breakAt !== 'PRICE') throw new AuditRefused('unit breakage belongs to pools with weights');
  const running = new Set(runsOf(field).map(bettingInterest(field, ruleSet.coupling)));
  const standing = lines.filter(({ line }) => line.every((runner) => running.has(runner)));
  const gross = total(standing);
  const money: Money = { gross, refunds: total(lines) - gross, carryIn: BigInt(pool.carryInMinor) };
  const places = placesPaid(pool);
  if (running.size < ruleSet.minInterests || places === 0) return refundAll(money);
  for (const winners of rungs(pool, standing, places)) {
    if (winners.length > 0) return payRung(pool, winners, standing, money);
  }
  return withoutWinner(pool, money);
}

interface Money {
  readonly gross: bigint;
  readonly refunds: bigint;
  readonly carryIn: bigint;
}

const total = (lines: readonly LineStake[]): bigint => lines.reduce((stakes, line) => stakes + line.stakeMinor, 0n);

// What the ladder's end does with a pool that nobody won.

function withoutWinner({ ruleSet, poolType }: AuditPool, money: Money): DividendSheet {
  const end = ruleSet.noWinner.at(-1);
  const takeout = floor(times(whole(money.gross), read(ruleSet.takeout)));
  if (end === 'CARRY') {
    const taken = ruleSet.carry === 'GROSS' ? 0n : takeout;
    return sheet(money, 'CARRIED', { takeout: taken, carryOut: money.gross - taken + money.carryIn });
  }
  if (end !== 'PAY_NET_RATE' || money.gross === 0n) return refundAll(money);
  const price = broken(minus(ONE, read(ruleSet.takeout)), ruleSet);
  const everyone = dividend(poolType, '*', price, money.gross, ruleSet);
  const { carryIn, ...own } = money;
  const paid = sheet({ ...own, carryIn: 0n }, 'PAID', { takeout, dividends: [everyone] });
  return { ...paid, carryInMinor: Number(carryIn), carryOutMinor: Number(carryIn) };
}

/** Every stake back, no takeout; a carry-in waits for the next pool. */
const refundAll = (money: Money): DividendSheet =>
  sheet(money, 'REFUND', { takeout: 0n, refunded: money.gross, carryOut: money.carryIn });

// What winners are paid.

function payRung(
  pool: AuditPool,
  winners: readonly Winner[],
  standing: readonly LineStake[],
  money: Money,
): DividendSheet {
  const { ruleSet } = pool;
  const rate = read(ruleSet.takeout);
  const taxed = ruleSet.carry === 'GROSS' ? money.gross + money.carryIn : money.gross;
  const takeout = floor(times(whole(taxed), rate));
  const untaxed = ruleSet.carry === 'GROSS' ? 0n : money.carryIn;
  const net = plus(times(whole(taxed), minus(ONE, rate)), whole(untaxed));
  const exact = exactPrices(winners, { net, rate, staked: money.gross, carryIn: whole(untaxed) }, ruleSet);
  const raisedTo = (minimum: AuditRules['minimum']) => exact.map((price) => raised(price, minimum, ruleSet));
  const usual = raisedTo(ruleSet.minimum);
  const minimumOfMinusPool = typeof ruleSet.minimum === 'string' ? ruleSet.minimumInMinusPool : undefined;
  // Whether the pool can bear its prices is asked before any payment is rounded.
  const cost = sum(winners.map((winner, i) => times(whole(winner.stakeMinor), usual[i] as Fraction)));
  const prices = minimumOfMinusPool !== undefined && less(net, cost) ? raisedTo(minimumOfMinusPool) : usual;
  const dividends = winners.flatMap((winner, i) => winnerDividends(pool, winner, prices[i] as Fraction, standing));
  return sheet(money, 'PAID', { takeout, dividends });
}

const paidOf = (dividends: readonly SheetDividend[]): number =>
  dividends.reduce((paid, { paidMinor }) => paid + paidMinor, 0);

interface NetPool {
  readonly net: Fraction;
  readonly rate: Fraction;
  /** All standing stakes, the winners' among them. */
  readonly staked: bigint;
  readonly carryIn: Fraction;
}

/** The unrounded prices of a rung's winners, by the four ways of sharing a pool. */
function exactPrices(winners: readonly Winner[], pool: NetPool, rules: AuditRules): readonly Fraction[] {
  const split = winners.length > 1 && rules.split === 'SINGLE_PRICE' ? rules.deadHeat : rules.split;
  const winning = whole(winners.reduce((stakes, { stakeMinor }) => stakes + stakeMinor, 0n));
  const count = whole(winners.length);
  return winners.map((winner) => exactPrice(split, winner, { ...pool, winning, count }));
}

function exactPrice(split: AuditSplit, winner: Winner, pool: NetPool & WinningStakes): Fraction {
  const { net, rate, winning, count } = pool;
  const own = whole(winner.stakeMinor);
  switch (split) {
    case 'SINGLE_PRICE':
      return over(net, winning);
    case 'PROFIT_SPLIT':
      return plus(ONE, over(times(winner.share, minus(net, winning)), own));
    case 'GROSS_SPLIT':
      return over(times(winner.share, net), own);
    case 'JAPAN': {
      const lost = minus(whole(pool.staked), winning);
      const part = times(minus(ONE, rate), plus(own, over(lost, count)));
      return over(plus(part, over(pool.carryIn, count)), own);
    }
  }
}

interface WinningStakes {
  readonly winning: Fraction;
  readonly count: Fraction;
}

/** One price for all of a winner's lines; each pattern that is backed is a line of the sheet. */
function winnerDividends(
  pool: AuditPool,
  winner: Winner,
  price: Fraction,
  standing: readonly LineStake[],
): readonly SheetDividend[] {
  const { ordered } = lineShapes[pool.poolType];
  return winner.patterns
    .map((pattern) => ({ c: patternText(pattern, ordered), stake: stakeOn([pattern], standing, ordered) }))
    .filter(({ stake }) => stake > 0n)
    .map(({ c, stake }) => dividend(pool.poolType, c, price, stake, pool.ruleSet));
}

function dividend(tier: string, c: string, price: Fraction, stake: bigint, rules: AuditRules): SheetDividend {
  const paidMinor = Number(floor(times(whole(stake), price)));
  return { tier, c, price: write(price, rules.digits), stakeMinor: Number(stake), paidMinor };
}

// Rounding a price: break it, then lift it to the least price.

function broken(exact: Fraction, rules: AuditRules): Fraction {
  const step = rules.breakTo === 'none' ? { n: 1n, d: 10n ** BigInt(rules.digits) } : breakStep(rules);
  const steps = over(exact, step);
  return times(whole(rules.rounding === 'NEAREST' ? nearest(steps) : floor(steps)), step);
}

const breakStep = (rules: AuditRules): Fraction => over(read(rules.breakTo), read(rules.breakPer));

function raised(exact: Fraction, minimum: AuditRules['minimum'], rules: AuditRules): Fraction {
  const price = larger(broken(exact, rules), whole(0));
  if (typeof minimum === 'string') return larger(price, read(minimum));
  const step = minimum.find(
    ({ atMost, below }) =>
      (atMost === undefined || !less(read(atMost), exact)) && (below === undefined || less(exact, read(below))),
  );
  return step ? read(step.pay) : price;
}

// The sheet: what is over is breakage, what is missing is topped up by the operator.

interface Outlay {
  readonly takeout: bigint;
  readonly dividends?: readonly SheetDividend[];
  readonly refunded?: bigint;
  readonly carryOut?: bigint;
}

function sheet(money: Money, outcome: DividendSheet['outcome'], outlay: Outlay): DividendSheet {
  const { takeout, dividends = [], refunded = 0n, carryOut = 0n } = outlay;
  const paid = BigInt(paidOf(dividends));
  const left = money.gross + money.carryIn - takeout - paid - refunded - carryOut;
  return {
    outcome,
    grossMinor: Number(money.gross),
    refundsMinor: Number(money.refunds),
    takeoutMinor: Number(takeout),
    netMinor: Number(money.gross - takeout),
    carryInMinor: Number(money.carryIn),
    dividends,
    paidMinor: Number(paid),
    refundedMinor: Number(refunded),
    breakageMinor: Number(left > 0n ? left : 0n),
    topUpMinor: Number(left < 0n ? -left : 0n),
    carryOutMinor: Number(carryOut),
  };
}
