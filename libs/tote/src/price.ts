/**
 * From stakes to a dividend sheet: takeout, net pool, the first covered rung, split, breakage, minimum, and the equation
 * that must hold to the last minor unit. Exact rationals all the way; the only roundings are the price break, the
 * takeout's minor unit and the payment. Never reads a clock, never guesses a missing stake.
 */
import { breakPrices } from './breakage.js';
import { type Claim, claimsOf, exactPrices, ruledShares } from './claims.js';
import type { Field } from './field.js';
import type { Finish } from './finish.js';
import { type Rung, resultKeys } from './pools.js';
import {
  decimalText,
  floor,
  multiply,
  nearest,
  type Ratio,
  ratio,
  ratioText,
  subtract,
  toMinor,
  toRatio,
  ZERO,
} from './ratio.js';
import { assertTote } from './refusal.js';
import type { RuleSet } from './rule-set.js';

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
}

/**
 * The priced pool. `grossMinor` is after refunds, and exactly:
 * grossMinor + carryInMinor = takeoutMinor + paid + refundedMinor + breakageMinor - topUpMinor + carryOutMinor.
 * `rung` is the rung that is paid (null for a refund or carry), `steps` the arithmetic, a line each.
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
  readonly takeoutMinor: number;
  readonly netMinor: number;
  readonly paidMinor: number;
  readonly refundedMinor: number;
  readonly breakageMinor: number;
  readonly topUpMinor: number;
  readonly carryOutMinor: number;
  readonly dividends: readonly Dividend[];
  readonly tiers: readonly { readonly tier: string; readonly poolMinor: number }[];
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
  readonly netMinor?: number;
  /** Minor units, as a rational where only fractional winning units are known. */
  readonly stakeOf: (c: string) => Ratio;
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
  readonly gross: number;
  readonly takeoutMinor: number;
  /** Net pool with carry-in, exact. */
  readonly net: Ratio;
  readonly steps: readonly string[];
}

function paid(input: RungInput, rung: Rung, gross: number, found: readonly Claim[]): Sheet {
  const { ruleSet } = input;
  const money = moneyOf(input, gross);
  const claims = ruledShares(ruleSet, rung, found);
  const exact = exactPrices({ ...input, rung, gross, net: money.net, claims });
  const priced = breakPrices({ ruleSet, rung, claims, exact, net: money.net });
  const dividends = claims.flatMap((claim, index) =>
    claimDividends(ruleSet, claim, exact[index] ?? ZERO, priced[index] ?? ZERO),
  );
  const paidMinor = dividends.reduce((total, dividend) => total + dividend.paidMinor, 0);
  const inPool = gross + input.carryInMinor - money.takeoutMinor;
  return balanced({
    ...frame(input, rung, gross),
    outcome: 'PAID',
    rung: rung.rung,
    takeoutMinor: money.takeoutMinor,
    netMinor: gross - money.takeoutMinor,
    paidMinor,
    breakageMinor: Math.max(0, inPool - paidMinor),
    topUpMinor: Math.max(0, paidMinor - inPool),
    dividends,
    tiers: [{ tier: ruleSet.poolType, poolMinor: inPool }],
    steps: [...money.steps, ...priceSteps(ruleSet, rung, dividends), ...balanceSteps(inPool, paidMinor)],
  });
}

/** Everybody is paid the net rate of the stakes: nobody has won a carry-in, so it waits for the next pool. */
function netRate(input: RungInput, rung: Rung, gross: number, found: readonly Claim[]): Sheet {
  const { carryInMinor } = input;
  const sheet = paid({ ...input, carryInMinor: 0 }, rung, gross, found);
  if (carryInMinor === 0) return sheet;
  const steps = [...sheet.steps, `carry-in ${carryInMinor} has no winner and is carried on`];
  return { ...sheet, carryInMinor, carryOutMinor: carryInMinor, steps };
}

function moneyOf(input: RungInput, gross: number): Money {
  const { ruleSet, carryInMinor, refundsMinor, grossMinor, netMinor } = input;
  const steps: string[] = [];
  if (refundsMinor > 0) steps.push(`gross ${gross} = stakes ${grossMinor} - refunds ${refundsMinor}`);
  if (netMinor !== undefined) {
    steps.push(`net ${netMinor} as given, takeout ${gross - netMinor}, carry-in ${carryInMinor}`);
    return { gross, takeoutMinor: gross - netMinor, net: ratio(netMinor + carryInMinor), steps };
  }
  const taxed = ratio(gross + (ruleSet.carry === 'GROSS' ? carryInMinor : 0));
  const takeout = multiply(taxed, toRatio(ruleSet.takeout));
  const takeoutMinor = toMinor(floor(takeout));
  const net = subtract(ratio(gross + carryInMinor), takeout);
  steps.push(`takeout ${takeoutMinor} = ${taxed.n} x ${ruleSet.takeout}, rounded down to a minor unit`);
  steps.push(
    `net pool ${amountText(net)} = gross ${gross} + carry-in ${carryInMinor} - exact takeout ${amountText(takeout)}`,
  );
  return { gross, takeoutMinor, net, steps };
}

function claimDividends(rules: RuleSet, claim: Claim, exact: Ratio, price: Ratio): readonly Dividend[] {
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
  const base = frame(input, rung, gross);
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
  const { takeoutMinor, steps } = moneyOf(input, gross);
  const netMinor = gross - takeoutMinor;
  const carryOutMinor = netMinor + input.carryInMinor;
  return balanced({
    ...base,
    outcome: 'CARRIED',
    takeoutMinor,
    netMinor,
    carryOutMinor,
    steps: [...steps, `nobody won: net ${netMinor} and carry-in ${input.carryInMinor} are carried`],
  });
}

/** A sheet with no money moved yet. */
function frame(input: RungInput, rung: Rung, gross: number): Sheet {
  return {
    ruleSetId: input.ruleSet.id,
    outcome: 'PAID',
    rung: null,
    rungName: rung.name,
    how: rung.how,
    grossMinor: gross,
    refundsMinor: input.refundsMinor,
    carryInMinor: input.carryInMinor,
    takeoutMinor: 0,
    netMinor: 0,
    paidMinor: 0,
    refundedMinor: 0,
    breakageMinor: 0,
    topUpMinor: 0,
    carryOutMinor: 0,
    dividends: [],
    tiers: [{ tier: input.ruleSet.poolType, poolMinor: 0 }],
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
    sheet.carryOutMinor;
  assertTote(sheet.grossMinor + sheet.carryInMinor === out, `the sheet of ${sheet.ruleSetId} does not balance`);
  return sheet;
}

// The arithmetic in words.

/** An exact amount of minor units: whole, or as a fraction. */
const amountText = (amount: Ratio): string => (amount.d === 1n ? `${amount.n}` : ratioText(amount));

function priceSteps(rules: RuleSet, rung: Rung, dividends: readonly Dividend[]): readonly string[] {
  const rounding = rules.breakTo === 'none' ? `${rules.digits} digits` : `${rules.breakTo} per ${rules.breakPer}`;
  const how = `${rung.how}, ${rules.rounding === 'DOWN' ? 'down' : 'nearest'} to ${rounding}`;
  return dividends.map(
    ({ c, exact, price, stakeMinor, paidMinor }) =>
      `${c}: exact price ${exact} (${how}, then minimum) = ${price}; paid ${paidMinor} = ${stakeMinor} x ${price}, rounded down`,
  );
}

const balanceSteps = (inPool: number, paidMinor: number): readonly string[] =>
  paidMinor <= inPool
    ? [`breakage ${inPool - paidMinor} = pool ${inPool} - paid ${paidMinor}`]
    : [`minus pool: top-up ${paidMinor - inPool} = paid ${paidMinor} - pool ${inPool}`];
