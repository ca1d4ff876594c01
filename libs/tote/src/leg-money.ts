/**
 * The money of one day of a pool over several races: stakes, guarantee, takeout and carry-in, exact, before anybody is
 * paid. Nothing is rounded here but what a rule cuts to whole amounts.
 */
import type { StakeOf } from './claims.js';
import type { LegResult } from './leg-pools.js';
import { divide, floor, multiply, ONE, type Ratio, ratio, ratioText, subtract, toRatio } from './ratio.js';
import type { RuleSet } from './rule-set.js';

/**
 * `netMinor` replaces the net that the takeout would leave. `jackpotInMinor` waits for a single winner. `mandatory`: the
 * last day, on which carry-in and jackpot go to the most right if nobody is right everywhere.
 */
export interface LegPricingInput {
  readonly ruleSet: RuleSet;
  readonly result: LegResult;
  readonly grossMinor: number;
  readonly refundsMinor: number;
  readonly carryInMinor: number;
  readonly jackpotInMinor?: number;
  readonly netMinor?: number;
  readonly mandatory?: boolean;
  readonly stakeOf: StakeOf;
  /** The gross pool (with a gross carry-in) that the operator guarantees. */
  readonly guaranteeMinor?: number;
}

/** `net` is the exact net of the day's stakes; `carryRate` what a carry-in keeps when it is won. */
export interface Day {
  readonly gross: number;
  readonly net: Ratio;
  /** What the operator adds to reach a guarantee; it counts as stakes of the day. */
  readonly added: number;
  readonly carryRate: Ratio;
  readonly taxedWhenWon: boolean;
  readonly steps: readonly string[];
}

export function dayOf(input: LegPricingInput, gross: number): Day {
  const { ruleSet, netMinor, grossMinor, refundsMinor, carryInMinor, guaranteeMinor = 0 } = input;
  const keeps = subtract(ONE, toRatio(ruleSet.takeout));
  const taxedWhenWon = ruleSet.carry === 'GROSS' && netMinor === undefined;
  const funds = gross + (taxedWhenWon ? carryInMinor : 0);
  const added = netMinor === undefined ? Math.max(0, guaranteeMinor - funds) : 0;
  const net = netMinor === undefined ? wholes(multiply(ratio(gross + added), keeps), ruleSet, floor) : ratio(netMinor);
  const refunds = refundsMinor === 0 ? [] : [`gross ${gross} = stakes ${grossMinor} - refunds ${refundsMinor}`];
  const cut = ruleSet.legs?.wholeMinor ? `, cut to a multiple of ${ruleSet.legs.wholeMinor}` : '';
  const how = netMinor === undefined ? `= ${gross + added} x (1 - ${ruleSet.takeout})${cut}` : 'as given';
  const carry =
    carryInMinor === 0
      ? []
      : [`carry-in ${carryInMinor}${taxedWhenWon ? ', taxed when it is won' : ', not taxed again'}`];
  const guarantee = added === 0 ? [] : [`guarantee ${guaranteeMinor}: the operator adds ${added}`];
  return {
    gross,
    net,
    added,
    carryRate: taxedWhenWon ? keeps : ONE,
    taxedWhenWon,
    steps: [...refunds, ...guarantee, `net pool ${amount(net)} ${how}`, ...carry],
  };
}

/** A multiple of the rule set's whole amount, where it has one. */
export function wholes(exact: Ratio, { legs }: RuleSet, round: (a: Ratio) => bigint): Ratio {
  const step = legs?.wholeMinor;
  return step === undefined ? exact : ratio(round(divide(exact, ratio(step))) * BigInt(step));
}

/** An exact amount of minor units: whole, or as a fraction. */
export const amount = (a: Ratio): string => (a.d === 1n ? `${a.n}` : ratioText(a));
