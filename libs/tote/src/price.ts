/**
 * From stakes to a dividend sheet: takeout, net pool, the first covered rung, split, breakage, minimum, and the equation
 * that must hold to the last minor unit. Exact rationals all the way; the only roundings are the price break, the
 * takeout's minor unit and the payment. Never reads a clock, never guesses a missing stake.
 */
import { type Claim, claimsOf, ruledShares, type StakeOf } from './claims.js';
import type { Field } from './field.js';
import type { Finish } from './finish.js';
import { resultKeys } from './pools.js';
import { amountText } from './pot.js';
import { potDividends } from './pot-prices.js';
import { type Allotment, allot } from './pots.js';
import {
  divide,
  floor,
  isZero,
  multiply,
  ONE,
  type Ratio,
  ratio,
  subtract,
  sum,
  toMinor,
  toRatio,
  ZERO,
} from './ratio.js';
import { assertTote } from './refusal.js';
import type { RuleSet } from './rule-set.js';
import type { Rung } from './rung.js';
import { balanced, frameOf, type Sheet } from './sheet.js';

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
  const { guaranteeMinor: added } = money;
  const paidPots = allotment.pots.map((pot) => potDividends({ ...input, rung, gross, added, pot }));
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
  const added = guaranteeMinor > 0 ? ` + guarantee ${guaranteeMinor}` : '';
  steps.push(`takeout ${takeoutMinor} = ${taxed.n} x ${ruleSet.takeout}, rounded down to a minor unit`);
  steps.push(
    `net pool ${amountText(net)} = gross ${gross}${added} + carry-in ${carryInMinor} - exact takeout ${amountText(takeout)}`,
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

const balanceSteps = (inPool: number, paidMinor: number): readonly string[] =>
  paidMinor <= inPool
    ? [`breakage ${inPool - paidMinor} = pool ${inPool} - paid ${paidMinor}`]
    : [`minus pool: top-up ${paidMinor - inPool} = paid ${paidMinor} - pool ${inPool}`];
