/**
 * From stakes to a dividend sheet: takeout, net pool, the first covered rung, split, breakage, minimum, and the equation
 * that must hold to the last minor unit. Exact rationals all the way; the only roundings are the price break, the
 * takeout's minor unit and the payment. Never reads a clock, never guesses a missing stake.
 */
import { breakPrices, cost } from './breakage.js';
import { type Claim, claimsOf, exactPrices, ruledShares, type StakeOf } from './claims.js';
import type { Field } from './field.js';
import type { Finish } from './finish.js';
import { keyLabel } from './keys.js';
import { type Rung, resultKeys } from './pools.js';
import { type Allotment, allot, type Pot, prizePrice, tierNames, tierPrices, weightOf } from './pots.js';
import {
  add,
  compare,
  decimalText,
  divide,
  floor,
  isZero,
  multiply,
  nearest,
  ONE,
  type Ratio,
  ratio,
  ratioText,
  subtract,
  sum,
  toMinor,
  toRatio,
  ZERO,
} from './ratio.js';
import { assertTote } from './refusal.js';
import type { RuleSet, Split } from './rule-set.js';

/** Stakes by key, minor units; a key that is absent has none. */
export type StakeOn = ((c: string) => number) | Readonly<Record<string, number>>;

/** Everything a pool is priced from. `grossMinor` is before refunds; `carryInMinor` as the rule set's `carry` means it. */
export interface PricingInput {
  readonly ruleSet: RuleSet;
  readonly field: Field;
  readonly finish: Finish;
  readonly grossMinor: number;
  readonly refundsMinor: number;
  readonly carryInMinor: number;
  readonly jackpotInMinor?: number;
  readonly guaranteeMinor?: number;
  readonly stakeOn: StakeOn;
}

/**
 * One winning combination. `price` is what one currency unit is paid, stake included, exactly `priceNum / priceDen`;
 * `exact` the rational before rounding. `paidMinor` is the winning stake times the price, rounded down: payments of
 * single bets are rounded by `payoutMinor`, and what they differ by belongs to the breakage account.
 */
export interface Dividend {
  readonly tier: string;
  readonly c: string;
  readonly price: string;
  readonly priceNum: string;
  readonly priceDen: string;
  readonly exact: string;
  readonly stakeMinor: number;
  readonly paidMinor: number;
  /** Net pricing: whose customers are paid this price. */
  readonly source?: string;
}

/** Net pricing: one site's money; its breakage is below zero where other sites owe it. */
export interface SourceSheet {
  readonly id: string;
  readonly grossMinor: number;
  readonly takeoutMinor: number;
  readonly netMinor: number;
  readonly paidMinor: number;
  readonly breakageMinor: number;
}

/**
 * The priced pool. `grossMinor` is after refunds, and exactly:
 * grossMinor + carryInMinor + jackpotInMinor
 *   = takeoutMinor + paid + refundedMinor + breakageMinor - topUpMinor + carryOutMinor + jackpotMinor.
 * `tiers` are the tiers' amounts before anything is handed on or merged. `rung` is the rung that is paid (null for a refund or carry), `steps` the arithmetic, a line each.
 */
export interface Sheet {
  readonly ruleSetId: string;
  readonly outcome: 'PAID' | 'REFUND' | 'CARRIED';
  readonly rung: number | null;
  readonly rungName: Rung['name'];
  readonly how: Rung['how'];
  readonly grossMinor: number;
  readonly refundsMinor: number;
  readonly carryInMinor: number;
  readonly jackpotInMinor: number;
  readonly takeoutMinor: number;
  readonly netMinor: number;
  readonly paidMinor: number;
  readonly refundedMinor: number;
  readonly breakageMinor: number;
  readonly topUpMinor: number;
  /** Of the top-up: what the operator adds to reach a guarantee; absent: nothing. */
  readonly guaranteeMinor?: number;
  readonly carryOutMinor: number;
  /** What the jackpot holds afterwards: what came in and was not won, and this pool's part. */
  readonly jackpotMinor: number;
  readonly dividends: readonly Dividend[];
  readonly tiers: readonly { readonly tier: string; readonly poolMinor: number }[];
  readonly sources?: readonly SourceSheet[];
  readonly steps: readonly string[];
}

/** Prices a pool by its rule set. The stakes of all keys of `resultKeys` must be answerable by `stakeOn`. */
export function pricePool(input: PricingInput): Sheet {
  const { ruleSet, field, finish, stakeOn } = input;
  const stake = typeof stakeOn === 'function' ? stakeOn : (c: string): number => stakeOn[c] ?? 0;
  return priceRungs({
    ruleSet,
    rungs: resultKeys(ruleSet, field, finish),
    grossMinor: input.grossMinor,
    refundsMinor: input.refundsMinor,
    carryInMinor: input.carryInMinor,
    jackpotInMinor: input.jackpotInMinor ?? 0,
    guaranteeMinor: input.guaranteeMinor ?? 0,
    stakeOf: (c) => ratio(stake(c)),
  });
}

/** What `priceRungs` needs; `netMinor`, where given, replaces the net that the takeout would leave. */
export interface RungInput {
  readonly ruleSet: RuleSet;
  readonly rungs: readonly Rung[];
  readonly grossMinor: number;
  readonly refundsMinor: number;
  readonly carryInMinor: number;
  /** Jackpot money put up for this pool: paid by the rule set's `unique`, else to the first tier; else kept. */
  readonly jackpotInMinor?: number;
  /** The gross pool (with a gross carry-in) that the operator guarantees. */
  readonly guaranteeMinor?: number;
  readonly netMinor?: number;
  /** Minor units, as a rational where only fractional winning units are known. */
  readonly stakeOf: StakeOf;
}

/** Prices the first rung that is covered; the door for callers that already know the winning combinations. */
export function priceRungs(input: RungInput): Sheet {
  const gross = input.grossMinor - input.refundsMinor;
  assertTote(Number.isSafeInteger(gross) && gross >= 0, 'refunds are more than the stakes');
  assertTote(Number.isSafeInteger(input.carryInMinor) && input.carryInMinor >= 0, 'a carry-in is a whole amount');
  for (const rung of input.rungs) {
    if (rung.how === 'REFUND' || rung.how === 'CARRY') return ended(input, rung, gross);
    const claims = claimsOf(rung, input.stakeOf);
    if (claims.length === 0) continue;
    return rung.name === 'PAY_NET_RATE' ? netRate(input, rung, gross, claims) : paid(input, rung, gross, claims);
  }
  assertTote(false, 'a ladder must end in a refund or a carry');
}

/**
 * What a bet's winning stake is paid at a price, in whole minor units, rounded by the rule set's `payment`. `price` is a
 * dividend's decimal text.
 */
export function payoutMinor(ruleSet: RuleSet, price: string, stakeMinor: number): number {
  const { scaled, scale } = scaledPrice(price);
  const product = scaled * stakeMinor;
  if (Number.isSafeInteger(product) && product < Number.MAX_SAFE_INTEGER / 2) {
    const up = ruleSet.payment === 'NEAREST' ? scale / 2 : 0;
    return Math.floor((product + up) / scale);
  }
  const exact = multiply(toRatio(price), ratio(stakeMinor));
  return toMinor(ruleSet.payment === 'NEAREST' ? nearest(exact) : floor(exact));
}

/** A price as an integer and its power of ten: `"6.60"` is 660 / 100. */
function scaledPrice(price: string): { readonly scaled: number; readonly scale: number } {
  const dot = price.indexOf('.');
  if (dot < 0) return { scaled: Number(price), scale: 1 };
  return { scaled: Number(price.slice(0, dot) + price.slice(dot + 1)), scale: 10 ** (price.length - dot - 1) };
}

// A rung that pays.

interface Money {
  readonly takeoutMinor: number;
  /** Net pool with carry-in, exact; `free` is the part of it that was never taxed here (a net carry-in). */
  readonly net: Ratio;
  readonly free: Ratio;
  /** What the operator adds to reach a guaranteed gross pool. */
  readonly guaranteeMinor: number;
  readonly steps: readonly string[];
}

function paid(input: RungInput, rung: Rung, gross: number, found: readonly Claim[]): Sheet {
  const { ruleSet, carryInMinor } = input;
  const jackpotInMinor = input.jackpotInMinor ?? 0;
  const money = moneyOf(input, gross);
  const part = rung.rung > 0 ? toRatio(ruleSet.ladderShare ?? '1') : ONE;
  const allotment = allot({
    ruleSet,
    claims: ruledShares(ruleSet, rung, found),
    net: multiply(subtract(money.net, money.free), part),
    gross,
    carryIn: multiply(money.free, part),
    jackpotIn: ratio(jackpotInMinor),
  });
  const paidPots = allotment.pots.map((pot) => potDividends({ ...input, rung, gross, pot }));
  const dividends = paidPots.flatMap((pot) => pot.dividends);
  const beside = subtract(money.net, multiply(money.net, part));
  const unpaid = sum([beside, allotment.carried, ...paidPots.map((pot) => pot.unpaid)]);
  const { carryOutMinor, takeoutMinor } = carriedOn(input, unpaid, money);
  const jackpotMinor = toMinor(floor(allotment.jackpot));
  const paidMinor = dividends.reduce((total, dividend) => total + dividend.paidMinor, 0);
  const inPool = gross + carryInMinor + money.guaranteeMinor + jackpotInMinor - takeoutMinor;
  const toPay = inPool - carryOutMinor - jackpotMinor;
  return balanced({
    ...frameOf(input, rung, gross),
    outcome: 'PAID',
    rung: rung.rung,
    takeoutMinor,
    netMinor: gross + money.guaranteeMinor - takeoutMinor,
    paidMinor,
    breakageMinor: Math.max(0, toPay - paidMinor),
    topUpMinor: money.guaranteeMinor + Math.max(0, paidMinor - toPay),
    ...(money.guaranteeMinor > 0 ? { guaranteeMinor: money.guaranteeMinor } : {}),
    carryOutMinor,
    jackpotMinor,
    dividends,
    tiers: isTiered(ruleSet) ? tierAmounts(allotment) : [{ tier: ruleSet.poolType, poolMinor: inPool }],
    steps: [
      ...money.steps,
      ...(isZero(beside) ? [] : [`${rung.name} is paid ${ruleSet.ladderShare} of the net pool, the rest is carried`]),
      ...allotment.steps,
      ...paidPots.flatMap((pot) => pot.steps),
      ...(carryOutMinor > 0 ? [`${carryOutMinor} is carried to a later pool`] : []),
      ...balanceSteps(toPay, paidMinor),
    ],
  });
}

/** Everybody is paid the net rate of the stakes: nobody has won a carry-in, so it waits for the next pool. */
function netRate(input: RungInput, rung: Rung, gross: number, found: readonly Claim[]): Sheet {
  const { carryInMinor } = input;
  const sheet = paid({ ...input, carryInMinor: 0, guaranteeMinor: 0 }, rung, gross, found);
  if (carryInMinor === 0) return sheet;
  const steps = [...sheet.steps, `carry-in ${carryInMinor} has no winner and is carried on`];
  return { ...sheet, carryInMinor, carryOutMinor: carryInMinor, steps };
}

function moneyOf(input: RungInput, gross: number): Money {
  const { ruleSet, carryInMinor, refundsMinor, grossMinor, netMinor } = input;
  const isTaxed = ruleSet.carry === 'GROSS';
  const steps: string[] = [];
  if (refundsMinor > 0) steps.push(`gross ${gross} = stakes ${grossMinor} - refunds ${refundsMinor}`);
  const free = isTaxed ? ZERO : ratio(carryInMinor);
  if (netMinor !== undefined) {
    steps.push(`net ${netMinor} as given, takeout ${gross - netMinor}, carry-in ${carryInMinor}`);
    return { takeoutMinor: gross - netMinor, net: ratio(netMinor + carryInMinor), free, guaranteeMinor: 0, steps };
  }
  const funds = gross + (isTaxed ? carryInMinor : 0);
  const guaranteeMinor = Math.max(0, (input.guaranteeMinor ?? 0) - funds);
  if (guaranteeMinor > 0) steps.push(`guarantee ${input.guaranteeMinor}: the operator adds ${guaranteeMinor}`);
  const taxed = ratio(funds + guaranteeMinor);
  const takeout = multiply(taxed, toRatio(ruleSet.takeout));
  const takeoutMinor = toMinor(floor(takeout));
  const net = subtract(ratio(gross + carryInMinor + guaranteeMinor), takeout);
  steps.push(`takeout ${takeoutMinor} = ${taxed.n} x ${ruleSet.takeout}, rounded down to a minor unit`);
  steps.push(
    `net pool ${amountText(net)} = gross ${gross} + carry-in ${carryInMinor} - exact takeout ${amountText(takeout)}`,
  );
  return { takeoutMinor, net, free, guaranteeMinor, steps };
}

/** Money nobody won: net as it is; gross with the takeout that was not earned on it. */
function carriedOn(
  { ruleSet, netMinor }: RungInput,
  unpaid: Ratio,
  { net, takeoutMinor }: Money,
): { readonly carryOutMinor: number; readonly takeoutMinor: number } {
  const kept = subtract(ONE, toRatio(ruleSet.takeout));
  if (ruleSet.carry === 'NET' || netMinor !== undefined || isZero(kept))
    return { carryOutMinor: toMinor(floor(unpaid)), takeoutMinor };
  const won = divide(subtract(net, unpaid), kept);
  const taken = multiply(won, toRatio(ruleSet.takeout));
  return { carryOutMinor: toMinor(floor(divide(unpaid, kept))), takeoutMinor: toMinor(floor(taken)) };
}

interface PaidPot {
  readonly dividends: readonly Dividend[];
  /** Net money that a winning stake of less than one unit leaves, see `partUnitMinor`. */
  readonly unpaid: Ratio;
  readonly steps: readonly string[];
}

function potDividends(input: RungInput & { readonly rung: Rung; readonly gross: number; readonly pot: Pot }): PaidPot {
  const { ruleSet, rung, pot } = input;
  const { claims, pool: net } = pot;
  if (claims.length === 0) return { dividends: [], unpaid: ZERO, steps: [] };
  const isMerged = pot.tiers.length > 1;
  const how = pot.fixed ? 'SINGLE_PRICE' : potSplit(ruleSet, rung, pot);
  const weights = claims.map(({ tier }) => weightOf(pot, tier));
  const byTier = isMerged ? tierPrices(pot) : null;
  const full = byTier
    ? claims.map(({ tier }) => byTier.get(tier) ?? ZERO)
    : exactPrices({ ...input, rung: { how }, net, claims });
  const staked = sum(claims.map(({ stake }) => stake));
  const exact = full.map((price, index) =>
    partPrice(ruleSet, how, price, how === 'GROSS_SPLIT' ? (claims[index]?.stake ?? ZERO) : staked),
  );
  const prizes = claims.map(({ tier }) => prizePrice(pot, tier));
  const priced = breakPrices({
    ...{ ruleSet, rung, claims, exact, prizes, net, sales: ratio(input.gross) },
    ...(isMerged ? { weights } : {}),
  });
  const dividends = claims.flatMap((claim, index) =>
    dividendsOf(ruleSet, claim, add(exact[index] ?? ZERO, prizes[index] ?? ZERO), priced[index] ?? ZERO),
  );
  return {
    dividends,
    unpaid: subtract(cost(claims, full), cost(claims, exact)),
    steps: [
      ...(exact.some((price, index) => price !== full[index])
        ? [`the winning stake is part of one unit of ${ruleSet.partUnitMinor}: the dividend is for the whole unit`]
        : []),
      ...dividends.map((dividend) => priceStep(ruleSet, roundingText(ruleSet, how, pot, dividend.tier), dividend)),
    ],
  };
}

/** A tier with several winning combinations is shared by the rule set's dead-heat split. */
function potSplit(ruleSet: RuleSet, rung: Rung, pot: Pot): Split {
  if (ruleSet.tiers === undefined) return rung.how as Split;
  const mains = rung.keys.filter(({ tier, sameAs }) => sameAs === undefined && tier === pot.tiers[0]?.name);
  return ruleSet.split === 'SINGLE_PRICE' && mains.length > 1 ? ruleSet.deadHeat : ruleSet.split;
}

/** Below one unit of winning stake the dividend is what one whole unit would have been paid. */
function partPrice({ partUnitMinor }: RuleSet, how: Split, full: Ratio, stake: Ratio): Ratio {
  if (partUnitMinor === undefined || how === 'PROFIT_SPLIT' || how === 'JAPAN') return full;
  const part = divide(stake, ratio(partUnitMinor));
  return compare(part, ONE) < 0 ? multiply(full, part) : full;
}

/** The dividends of a claim, one for each key it pays. */
export function dividendsOf(rules: RuleSet, claim: Claim, exact: Ratio, price: Ratio): readonly Dividend[] {
  return claim.keys.map(({ c, stake }) => ({
    tier: claim.tier,
    c,
    price: decimalText(price, rules.digits),
    priceNum: price.n.toString(),
    priceDen: price.d.toString(),
    exact: ratioText(exact),
    stakeMinor: toMinor(floor(stake)),
    paidMinor: toMinor(floor(multiply(stake, price))),
  }));
}

// A rung that ends the ladder.

function ended(input: RungInput, rung: Rung, gross: number): Sheet {
  const base = frameOf(input, rung, gross);
  if (rung.how === 'REFUND') {
    return balanced({
      ...base,
      outcome: 'REFUND',
      netMinor: gross,
      refundedMinor: gross,
      carryOutMinor: input.carryInMinor,
      steps: [`${rung.name}: all stakes ${gross} are refunded, carry-in ${input.carryInMinor} goes on`],
    });
  }
  if (input.ruleSet.carry === 'GROSS') {
    const carryOutMinor = gross + input.carryInMinor;
    const steps = [`nobody won: the gross pool ${gross} and carry-in ${input.carryInMinor} are carried, untaxed`];
    return balanced({ ...base, outcome: 'CARRIED', netMinor: gross, carryOutMinor, steps });
  }
  // A guarantee is for winners: what nobody wins is carried as it was staked.
  const { takeoutMinor, net, free, steps } = moneyOf({ ...input, guaranteeMinor: 0 }, gross);
  const netMinor = gross - takeoutMinor;
  const allotment = allot({
    ...{ ruleSet: input.ruleSet, claims: [], gross, carryIn: free, jackpotIn: ratio(base.jackpotInMinor) },
    net: subtract(net, free),
  });
  const jackpotMinor = toMinor(floor(allotment.jackpot));
  const carryOutMinor = netMinor + input.carryInMinor + base.jackpotInMinor - jackpotMinor;
  return balanced({
    ...base,
    outcome: 'CARRIED',
    takeoutMinor,
    netMinor,
    carryOutMinor,
    jackpotMinor,
    tiers: isTiered(input.ruleSet) ? tierAmounts(allotment) : base.tiers,
    steps: [
      ...steps,
      ...allotment.steps,
      `nobody won: net ${netMinor} and carry-in ${input.carryInMinor} are carried${jackpotMinor > 0 ? `, ${jackpotMinor} is the jackpot's` : ''}`,
    ],
  });
}

const isTiered = ({ tiers, weights }: RuleSet): boolean => tiers !== undefined || weights !== undefined;

const tierAmounts = ({ pools }: Allotment): Sheet['tiers'] =>
  pools.map(({ tier, pool }) => ({ tier, poolMinor: toMinor(floor(pool)) }));

/** A sheet with no money moved yet. */
export function frameOf(
  input: Pick<RungInput, 'ruleSet' | 'refundsMinor' | 'carryInMinor' | 'jackpotInMinor'>,
  rung: Pick<Rung, 'name' | 'how'>,
  gross: number,
): Sheet {
  return {
    ruleSetId: input.ruleSet.id,
    outcome: 'PAID',
    rung: null,
    rungName: rung.name,
    how: rung.how,
    grossMinor: gross,
    refundsMinor: input.refundsMinor,
    carryInMinor: input.carryInMinor,
    jackpotInMinor: input.jackpotInMinor ?? 0,
    takeoutMinor: 0,
    netMinor: 0,
    paidMinor: 0,
    refundedMinor: 0,
    breakageMinor: 0,
    topUpMinor: 0,
    carryOutMinor: 0,
    // Nobody has won it: it goes back.
    jackpotMinor: input.jackpotInMinor ?? 0,
    dividends: [],
    tiers: tierNames(input.ruleSet).map((tier) => ({ tier, poolMinor: 0 })),
    steps: [],
  };
}

/** The pool equation, to the last minor unit; a sheet that breaks it is a bug and never leaves here. */
function balanced(sheet: Sheet): Sheet {
  const out =
    sheet.takeoutMinor +
    sheet.paidMinor +
    sheet.refundedMinor +
    sheet.breakageMinor -
    sheet.topUpMinor +
    sheet.carryOutMinor +
    sheet.jackpotMinor;
  assertTote(
    sheet.grossMinor + sheet.carryInMinor + sheet.jackpotInMinor === out,
    `the sheet of ${sheet.ruleSetId} does not balance`,
  );
  return sheet;
}

// The arithmetic in words.

/** An exact amount of minor units: whole, or as a fraction. */
const amountText = (amount: Ratio): string => (amount.d === 1n ? `${amount.n}` : ratioText(amount));

function priceStep(rules: RuleSet, how: string, { tier, c, exact, price, stakeMinor, paidMinor }: Dividend): string {
  const name = `${tier === rules.poolType ? '' : `${tier} `}${keyLabel(c)}`;
  return `${name}: exact price ${exact} (${how}, then minimum) = ${price}; paid ${paidMinor} = ${stakeMinor} x ${price}, rounded down`;
}

/** How an exact price becomes one that is paid: its split or weight, where it is rounded and to what. */
function roundingText(rules: RuleSet, split: Split, pot: Pot, tier: string): string {
  const step = rules.breakTo === 'none' ? `${rules.digits} digits` : `${rules.breakTo} per ${rules.breakPer}`;
  const rounded = `${rules.rounding === 'DOWN' ? 'down' : 'nearest'} to ${step}`;
  if (pot.fixed) return `fixed at the minimum, ${rounded}`;
  if (pot.parts) return `profit by tiers, ${pot.profit}, ${rounded}`;
  if (pot.tiers.length < 2) return `${split}, ${rounded}`;
  const weight = amountText(weightOf(pot, tier));
  const prize = pot.prize?.tier === tier ? `; ${amountText(prizePrice(pot, tier))} of the jackpot, ${rounded}` : '';
  return rules.breakAt === 'UNIT'
    ? `weight ${weight}: the price of weight 1 ${rounded}, then times ${weight}${prize}`
    : `weight ${weight}, ${rounded}${prize}`;
}

const balanceSteps = (inPool: number, paidMinor: number): readonly string[] =>
  paidMinor <= inPool
    ? [`breakage ${inPool - paidMinor} = pool ${inPool} - paid ${paidMinor}`]
    : [`minus pool: top-up ${paidMinor - inPool} = paid ${paidMinor} - pool ${inPool}`];
