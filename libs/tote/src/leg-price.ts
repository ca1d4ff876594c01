/**
 * From stakes to the dividends of a pool over several races: consolation first, then each tier's money, who is paid when
 * nobody is right everywhere, the jackpot of a single winner, and what is carried, net or gross. Exact rationals up to
 * the price break; the sheet balances to the minor unit. Never reads who won: that is in `leg-pools.ts`.
 */
import { awarded, type Outcome, pricesOf } from './leg-awards.js';
import { amount, type Day, dayOf, type LegPricingInput } from './leg-money.js';
import { legKeyLabel } from './legs.js';
import {
  decimalText,
  divide,
  floor,
  isZero,
  multiply,
  type Ratio,
  ratio,
  ratioText,
  subtract,
  toMinor,
  ZERO,
} from './ratio.js';
import { assertTote } from './refusal.js';
import type { RuleSet } from './rule-set.js';
import { type Dividend, frameOf, type Sheet } from './sheet.js';

/** Prices a pool over several races; every key of `legKeys` must be answerable by `stakeOf`. */
export function priceLegs(input: LegPricingInput): Sheet {
  const gross = input.grossMinor - input.refundsMinor;
  assertTote(Number.isSafeInteger(gross) && gross >= 0, 'refunds are more than the stakes');
  if (input.result.refund) return refunded(input, gross, 'too few legs were run');
  const day = dayOf(input, gross);
  const consoled = consolationOf(input, day.net);
  const awards = awarded(input, day, subtract(day.net, consoled.paid));
  if (awards === null) return refunded(input, gross, 'nobody is right');
  // A guarantee is for winners: what nobody wins is carried as it was staked.
  if (day.added > 0 && awards.awards.length === 0) return priceLegs({ ...input, guaranteeMinor: 0 });
  return sheetOf(input, day, consoled, awards);
}

// Consolation: before pricing, to the cent, without breakage.

interface Consoled {
  readonly paid: Ratio;
  readonly dividends: readonly Dividend[];
  readonly steps: readonly string[];
}

function consolationOf({ result, ruleSet, stakeOf }: LegPricingInput, net: Ratio): Consoled {
  const none = { paid: ZERO, dividends: [], steps: [] };
  const late = result.consolation;
  if (late === null) return none;
  const base = stakeOf(late.base, 'CONSOLATION');
  const covered = late.keys.filter(({ c, tier }) => !isZero(stakeOf(c, tier)));
  if (isZero(base) || covered.length === 0) return none;
  const exact = divide(net, base);
  const cents = ratio(1n, 10n ** BigInt(ruleSet.digits));
  const price = multiply(cents, ratio(floor(divide(exact, cents))));
  const dividends = covered.map(({ tier, c }) =>
    dividendOf(ruleSet, { tier, c, stake: stakeOf(c, tier), exact, price }),
  );
  const paid = ratio(dividends.reduce((total, { paidMinor }) => total + paidMinor, 0));
  const text = decimalText(price, ruleSet.digits);
  const steps = [
    `consolation ${text} = net ${amount(net)} / ${amount(base)} on the winner of the leg before, to the cent, no breakage`,
    `${amount(paid)} of consolation leaves the pool before it is priced`,
  ];
  return { paid, dividends, steps };
}

// Dividends and sheets.

function dividendOf(
  rules: RuleSet,
  of: {
    readonly tier: string;
    readonly c: string;
    readonly stake: Ratio;
    readonly exact: Ratio;
    readonly price: Ratio;
  },
): Dividend {
  return {
    tier: of.tier,
    c: of.c,
    price: decimalText(of.price, rules.digits),
    priceNum: of.price.n.toString(),
    priceDen: of.price.d.toString(),
    exact: ratioText(of.exact),
    stakeMinor: toMinor(floor(of.stake)),
    paidMinor: toMinor(floor(multiply(of.stake, of.price))),
  };
}

function sheetOf(input: LegPricingInput, day: Day, consoled: Consoled, outcome: Outcome): Sheet {
  const { ruleSet, carryInMinor, jackpotInMinor = 0 } = input;
  const won = outcome.awards.flatMap((award) => {
    const { exact, broken } = pricesOf(input, day, award);
    return award.claims.flatMap((claim, index) =>
      claim.keys.map(({ c, stake }) =>
        dividendOf(ruleSet, { tier: claim.tier, c, stake, exact: exact[index] ?? ZERO, price: broken[index] ?? ZERO }),
      ),
    );
  });
  const dividends = [...won, ...consoled.dividends];
  const paidMinor = dividends.reduce((total, dividend) => total + dividend.paidMinor, 0);
  const taken = day.taxedWhenWon ? outcome.takeout : subtract(ratio(day.gross + day.added), day.net);
  const takeoutMinor = toMinor(floor(taken));
  const carryOutMinor = toMinor(floor(outcome.carryOut));
  const jackpotMinor = toMinor(floor(outcome.jackpot));
  const inPool = day.gross + day.added + carryInMinor + jackpotInMinor - takeoutMinor;
  const rest = inPool - paidMinor - carryOutMinor - jackpotMinor;
  const first = outcome.awards[0];
  return {
    ...frame(input, day.gross),
    outcome: dividends.length > 0 ? 'PAID' : 'CARRIED',
    rung: first === undefined ? null : first.rung.rung,
    rungName: first === undefined ? 'CARRY' : first.rung.name,
    how: first === undefined ? 'CARRY' : first.rung.how,
    takeoutMinor,
    netMinor: day.gross + day.added - takeoutMinor,
    paidMinor,
    breakageMinor: Math.max(0, rest),
    topUpMinor: day.added + Math.max(0, -rest),
    ...(day.added > 0 ? { guaranteeMinor: day.added } : {}),
    carryOutMinor,
    jackpotMinor,
    dividends,
    tiers: outcome.tiers,
    steps: [...day.steps, ...consoled.steps, ...outcome.steps, ...priceSteps(ruleSet, won), ...restSteps(rest)],
  };
}

function refunded(input: LegPricingInput, gross: number, why: string): Sheet {
  const { carryInMinor, jackpotInMinor = 0 } = input;
  return {
    ...frame(input, gross),
    outcome: 'REFUND',
    rungName: 'REFUND',
    how: 'REFUND',
    netMinor: gross,
    refundedMinor: gross,
    carryOutMinor: carryInMinor,
    jackpotMinor: jackpotInMinor,
    steps: [`${why}: all stakes ${gross} are refunded, carry-in ${carryInMinor} goes on`],
  };
}

/** As any sheet begins; the jackpot is set by what becomes of it. */
const frame = (input: LegPricingInput, gross: number): Sheet => ({
  ...frameOf(input, { name: 'RESULT', how: input.ruleSet.split }, gross),
  jackpotMinor: 0,
});

function priceSteps(rules: RuleSet, dividends: readonly Dividend[]): readonly string[] {
  const rounding = rules.breakTo === 'none' ? `${rules.digits} digits` : `${rules.breakTo} per ${rules.breakPer}`;
  const how = `${rules.rounding === 'DOWN' ? 'down' : 'nearest'} to ${rounding}, then minimum`;
  return dividends.map(
    ({ tier, c, exact, price, stakeMinor, paidMinor }) =>
      `${tier} ${legKeyLabel(c)}: exact price ${exact} (${how}) = ${price}; paid ${paidMinor} = ${stakeMinor} x ${price}, rounded down`,
  );
}

const restSteps = (rest: number): readonly string[] =>
  rest >= 0 ? [`breakage ${rest}`] : [`minus pool: top-up ${-rest}`];
