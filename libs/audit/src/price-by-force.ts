/**
 * The second calculator: a pool's dividends by brute force, from every line and every finishing order. It shares no code
 * and no method with the first one, which counts symbolically, so that agreement means something. It must stay naive: no
 * closed form, no shortcut, and nothing imported from what it checks.
 */
import { asRun, bettingInterest, expandSelection, isSet, LineTally, lineShapes, runsOf } from './expansion.js';
import { addedTo, broken, dividend, exactPrices, type Money, raised, sheet } from './formulas.js';
import { type Fraction, floor, less, minus, ONE, over, plus, read, sum, times, whole, ZERO } from './fraction.js';
import { carriedTiers, priceTiers } from './price-tiers.js';
import { tierNames } from './ranks.js';
import {
  type AuditPool,
  AuditRefused,
  type AuditRules,
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
    const lines = asRun(expandSelection(selection, input.poolType, interestOf), selection, { ...input, interestOf });
    tally.add(lines, BigInt(unitMinor), isSet(selection, input.poolType));
  }
  return priceLines(input, tally.lines);
}

/** Prices a pool from the stakes of its lines, those of scratched runners included. */
export function priceLines(pool: AuditPool, lines: readonly LineStake[]): DividendSheet {
  const { field, ruleSet } = pool;
  const hasTiers = tierNames(pool).length > 0;
  if (ruleSet.breakAt !== 'PRICE' && !hasTiers) throw new AuditRefused('unit breakage belongs to pools with weights');
  const running = runningIn(pool);
  const standing = standingIn(pool, lines);
  const money = moneyOf(pool, lines, standing);
  const places = placesPaid(pool);
  const declared = new Set(field.declared.map(bettingInterest(field, ruleSet.coupling)));
  const isOffered = declared.size >= (ruleSet.minDeclared ?? 0);
  if (running.size < ruleSet.minInterests || places === 0 || !isOffered) return refundAll(money);
  const backed = { ...money, added: addedTo(money, pool.guaranteeMinor, ruleSet) };
  const tiered = hasTiers ? priceTiers(pool, standing, backed) : undefined;
  if (tiered) return tiered;
  const tried = rungs(pool, standing, places);
  for (let rung = 0, next = tried.next(); !next.done; rung++, next = tried.next()) {
    if (next.value.length > 0 && !(hasTiers && rung === 0))
      return payRung(pool, next.value, standing, { ...backed, rung });
  }
  return withoutWinner(pool, money);
}

/** A race that is void after it was official: every stake that stands is given back. */
export const returnLines = (pool: AuditPool, lines: readonly LineStake[]): DividendSheet =>
  refundAll(moneyOf(pool, lines, standingIn(pool, lines)));

/** Where the pool has ranks for lines with non-runners these stand; else one of them takes its line out of the pool. */
export function standsIn(pool: AuditPool): (line: readonly string[]) => boolean {
  const running = runningIn(pool);
  const tolerated = Math.max(0, ...tierNames(pool).map((tier) => Number(/^(\d)NP$/.exec(tier)?.[1] ?? 0)));
  return (line) => line.filter((runner) => !running.has(runner)).length <= tolerated;
}

const runningIn = ({ field, ruleSet }: AuditPool): ReadonlySet<string> =>
  new Set(runsOf(field).map(bettingInterest(field, ruleSet.coupling)));

function standingIn(pool: AuditPool, lines: readonly LineStake[]): readonly LineStake[] {
  const stands = standsIn(pool);
  return lines.filter(({ line }) => stands(line));
}

function moneyOf(pool: AuditPool, lines: readonly LineStake[], standing: readonly LineStake[]): Money {
  const gross = total(standing);
  return {
    gross,
    refunds: total(lines) - gross,
    carryIn: BigInt(pool.carryInMinor),
    jackpotIn: BigInt(pool.jackpotInMinor ?? 0),
  };
}

const total = (lines: readonly LineStake[]): bigint => lines.reduce((stakes, line) => stakes + line.stakeMinor, 0n);

// What the ladder's end does with a pool that nobody won.

function withoutWinner(pool: AuditPool, money: Money): DividendSheet {
  const { ruleSet, poolType } = pool;
  const end = ruleSet.noWinner.at(-1);
  const takeout = floor(times(whole(money.gross), read(ruleSet.takeout)));
  if (end === 'CARRY') {
    if (ruleSet.carry === 'NET' && tierNames(pool).length > 0) return carriedTiers(pool, money);
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
  covered: readonly Winner[],
  standing: readonly LineStake[],
  { rung, ...money }: Money & { readonly rung: number },
): DividendSheet {
  const { ruleSet } = pool;
  const winners = rung === 0 ? withStatedShares(covered, ruleSet) : covered;
  const part = rung === 0 ? ONE : read(ruleSet.ladderShare ?? '1');
  const rate = read(ruleSet.takeout);
  const isGross = ruleSet.carry === 'GROSS';
  const taxed = money.gross + (money.added ?? 0n) + (isGross ? money.carryIn : 0n);
  const untaxed = isGross ? 0n : money.carryIn;
  const everything = plus(times(whole(taxed), minus(ONE, rate)), whole(untaxed));
  const net = times(everything, part);
  const staked = money.gross + (money.added ?? 0n);
  const all = exactPrices(winners, { net, rate, staked, carryIn: whole(untaxed) }, ruleSet);
  const exact = all.map((price, i) => times(price, partOfUnit(winners[i] as Winner, ruleSet)));
  // What a part of a unit does not win waits for another pool; with a gross carry so does the deduction on it.
  const partly = winners.map((winner, i) =>
    times(minus(all[i] as Fraction, exact[i] as Fraction), whole(winner.stakeMinor)),
  );
  const unwon = sum([minus(everything, net), ...partly]);
  const unwonGross = isGross ? over(unwon, minus(ONE, rate)) : ZERO;
  const takeout = floor(times(minus(whole(taxed), unwonGross), rate));
  const carryOut = floor(isGross ? unwonGross : unwon);
  const leastOf = (winner: Winner): AuditRules['minimum'] =>
    rung === 0 && winner.tied ? (ruleSet.minimumInDeadHeat ?? ruleSet.minimum) : ruleSet.minimum;
  const usual = exact.map((price, i) => raised(price, leastOf(winners[i] as Winner), ruleSet));
  const minimumOfMinusPool = typeof ruleSet.minimum === 'string' ? ruleSet.minimumInMinusPool : undefined;
  // Whether the pool can bear its prices is asked before any payment is rounded.
  const cost = sum(winners.map((winner, i) => times(whole(winner.stakeMinor), usual[i] as Fraction)));
  const least =
    minimumOfMinusPool !== undefined && less(net, cost)
      ? exact.map((price) => raised(price, minimumOfMinusPool, ruleSet))
      : usual;
  const prices = toppedUp(winners, least, money.gross, ruleSet);
  const dividends = winners.flatMap((winner, i) => winnerDividends(pool, winner, prices[i] as Fraction, standing));
  return sheet(money, 'PAID', { takeout, dividends, carryOut });
}

/** Shares stated by hand, where every winning combination is backed. */
function withStatedShares(winners: readonly Winner[], { shares }: AuditRules): readonly Winner[] {
  if (!shares) return winners;
  if (shares.length !== winners.length)
    throw new AuditRefused('the stated shares are not as many as the backed winners');
  return winners.map((winner, i) => ({ ...winner, share: read(shares[i] as string) }));
}

/** The Japanese plus ten: all prices of just the stake are raised, or none, if what is paid then stays within the sales. */
function toppedUp(
  winners: readonly Winner[],
  prices: readonly Fraction[],
  sales: bigint,
  { topUp }: AuditRules,
): readonly Fraction[] {
  if (!topUp) return prices;
  const [from, to] = [read(topUp.from), read(topUp.to)];
  const higher = prices.map((price) => (less(price, from) || less(from, price) ? price : to));
  const cost = sum(higher.map((price, i) => times(price, whole((winners[i] as Winner).stakeMinor))));
  return less(whole(sales), cost) ? prices : higher;
}

/** Less than one unit of winning stake wins its part of a dividend; all of it otherwise. */
const partOfUnit = ({ stakeMinor }: Winner, { partUnitMinor = 0 }: AuditRules): Fraction =>
  stakeMinor < BigInt(partUnitMinor) ? over(whole(stakeMinor), whole(partUnitMinor)) : ONE;

/** One price for all of a winner's lines; each pattern that is backed is a line of the sheet. */
function winnerDividends(
  pool: AuditPool,
  winner: Winner,
  price: Fraction,
  standing: readonly LineStake[],
): readonly SheetDividend[] {
  const { ordered } = lineShapes[pool.poolType];
  // Other runners than the first, in any order: the ladder of the French bets on an order.
  if (winner.patterns.length > 1 && ordered && lineShapes[pool.poolType].picks > 1) {
    const c = patternText(winner.patterns[0] as readonly string[], false);
    return [dividend('DISORDER', c, price, winner.stakeMinor, pool.ruleSet)];
  }
  return winner.patterns
    .map((pattern) => ({ c: patternText(pattern, ordered), stake: stakeOn([pattern], standing, ordered) }))
    .filter(({ stake }) => stake > 0n)
    .map(({ c, stake }) => dividend(pool.poolType, c, price, stake, pool.ruleSet));
}
