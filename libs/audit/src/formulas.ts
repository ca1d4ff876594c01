/**
 * The formulas that every pool shares: the four ways of sharing a net pool, the rounding of a price, and the sheet whose two
 * sides must be equal. Each is written as the rules say it, in exact fractions.
 */
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
  times,
  whole,
  write,
} from './fraction.js';
import type { AuditRules, AuditSplit, DividendSheet, SheetDividend } from './sheet.js';

/** Something that is paid: its part of what is shared, and the stake on it. */
export interface Backed {
  readonly share: Fraction;
  readonly stakeMinor: bigint;
}

export interface NetPool {
  readonly net: Fraction;
  readonly rate: Fraction;
  /** All standing stakes, the winners' among them, and what the operator adds to them for a guarantee. */
  readonly staked: bigint;
  readonly carryIn: Fraction;
}

/** The unrounded prices of a rung's winners, by the four ways of sharing a pool. */
export function exactPrices(winners: readonly Backed[], pool: NetPool, rules: AuditRules): readonly Fraction[] {
  const split = winners.length > 1 && rules.split === 'SINGLE_PRICE' ? rules.deadHeat : rules.split;
  const winning = whole(winners.reduce((stakes, { stakeMinor }) => stakes + stakeMinor, 0n));
  const count = whole(winners.length);
  return winners.map((winner) => exactPrice(split, winner, { ...pool, winning, count }));
}

function exactPrice(split: AuditSplit, winner: Backed, pool: NetPool & WinningStakes): Fraction {
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

export function dividend(tier: string, c: string, price: Fraction, stake: bigint, rules: AuditRules): SheetDividend {
  const paidMinor = Number(floor(times(whole(stake), price)));
  return { tier, c, price: write(price, rules.digits), stakeMinor: Number(stake), paidMinor };
}

// Rounding a price: break it, then lift it to the least price.

export function broken(exact: Fraction, rules: AuditRules): Fraction {
  const step = rules.breakTo === 'none' ? { n: 1n, d: 10n ** BigInt(rules.digits) } : breakStep(rules);
  const steps = over(exact, step);
  return times(whole(rules.rounding === 'NEAREST' ? nearest(steps) : floor(steps)), step);
}

const breakStep = (rules: AuditRules): Fraction => over(read(rules.breakTo), read(rules.breakPer));

export function raised(exact: Fraction, minimum: AuditRules['minimum'], rules: AuditRules): Fraction {
  const price = larger(broken(exact, rules), whole(0));
  if (typeof minimum === 'string') return larger(price, read(minimum));
  const step = minimum.find(
    ({ atMost, below }) =>
      (atMost === undefined || !less(read(atMost), exact)) && (below === undefined || less(exact, read(below))),
  );
  return step ? read(step.pay) : price;
}

/** A price made of a unit price times a weight, the unit price broken first; then the least price. */
export function raisedUnit(unit: Fraction, weight: Fraction, rules: AuditRules): Fraction {
  const price = larger(times(broken(unit, rules), weight), whole(0));
  return typeof rules.minimum === 'string' ? larger(price, read(rules.minimum)) : price;
}

export interface Money {
  readonly gross: bigint;
  readonly refunds: bigint;
  readonly carryIn: bigint;
  readonly jackpotIn: bigint;
  /** What the operator adds to the stakes to reach the gross pool that it stands for; only for winners. */
  readonly added?: bigint;
}

/** What is missing to the pool that the operator stands for; money that is carried gross counts towards it. */
export function addedTo(money: Money, guaranteeMinor: number | undefined, { carry }: AuditRules): bigint {
  const missing = BigInt(guaranteeMinor ?? 0) - money.gross - (carry === 'GROSS' ? money.carryIn : 0n);
  return missing > 0n ? missing : 0n;
}

const paidOf = (dividends: readonly SheetDividend[]): number =>
  dividends.reduce((paid, { paidMinor }) => paid + paidMinor, 0);

// The sheet: what is over is breakage, what is missing is topped up by the operator.

export interface Outlay {
  readonly takeout: bigint;
  readonly dividends?: readonly SheetDividend[];
  readonly refunded?: bigint;
  readonly carryOut?: bigint;
  /** What the jackpot holds afterwards; absent: what it put up. */
  readonly jackpot?: bigint;
}

export function sheet(money: Money, outcome: DividendSheet['outcome'], outlay: Outlay): DividendSheet {
  const { takeout, dividends = [], refunded = 0n, carryOut = 0n, jackpot = money.jackpotIn } = outlay;
  const { added = 0n } = money;
  const paid = BigInt(paidOf(dividends));
  const left = money.gross + added + money.carryIn + money.jackpotIn - takeout - paid - refunded - carryOut - jackpot;
  return {
    outcome,
    grossMinor: Number(money.gross),
    refundsMinor: Number(money.refunds),
    takeoutMinor: Number(takeout),
    netMinor: Number(money.gross + added - takeout),
    carryInMinor: Number(money.carryIn),
    dividends,
    paidMinor: Number(paid),
    refundedMinor: Number(refunded),
    breakageMinor: Number(left > 0n ? left : 0n),
    topUpMinor: Number(added + (left < 0n ? -left : 0n)),
    ...(added > 0n ? { guaranteeMinor: Number(added) } : {}),
    carryOutMinor: Number(carryOut),
    jackpotInMinor: Number(money.jackpotIn),
    jackpotMinor: Number(jackpot),
  };
}
