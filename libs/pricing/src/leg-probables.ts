/**
 * `probables` for pools over several races: will-pays by the last leg's runner once the legs before it are run, else a
 * price for each combination that has stakes. All of it by the code that pays.
 */
import {
  combinationPrice,
  expandLegs,
  type LegOddsMoney,
  type OddsLine,
  parseRatio,
  ratio,
  willPays,
} from '#mutuel/tote';
import { carryInOf, rulesFor } from './case.js';
import { type LegInput, legsOf, linesOf, type Standing, stakedOn, standingOf, withLegRules } from './leg-case.js';
import { legMoneyOf } from './leg-line.js';
import { refuseLine } from './refusal.js';
import type { ProbablesOutput } from './schema.js';

/** Combinations are priced one by one: no more than this at once. */
const MOST_COMBINATIONS = 2_000;

export function legProbables(input: LegInput): ProbablesOutput {
  if (input.sources !== undefined)
    refuseLine('NOT_SUPPORTED', 'Will-pays are shown for one takeout: give stakes instead of sources.', '/sources');
  if (input.stakes === undefined) refuseLine('MISSING_FIELD', 'Odds are made from stakes.', '/stakes');
  const rules = withLegRules(rulesFor(input, input.pool.type).ruleSet, input);
  const legs = legsOf(input, rules, true);
  const standing = standingOf(input, rules, legs);
  const { grossMinor, refundsMinor, netMinor } = legMoneyOf(input, standing);
  const money: LegOddsMoney = {
    grossMinor,
    refundsMinor,
    ...(netMinor === undefined ? {} : { netMinor }),
    carryInMinor: carryInOf(input),
    jackpotInMinor: input.jackpotIn ?? 0,
    ...(input.mandatory && { mandatory: true }),
    stakeOf: (key) => stakedOn(standing, key),
  };
  const odds = input.results == null ? combinationsOf(standing).map(priced) : willPays(rules, legs, money);
  const gross = grossMinor - refundsMinor;
  const net = netMinor ?? netOf(gross, rules.takeout);
  return { ...(input.id === undefined ? {} : { id: input.id }), net, odds: [...odds] };

  function priced(c: string): OddsLine {
    return { c, price: combinationPrice(rules, legs, c.split('/'), money), low: null, high: null };
  }
}

function netOf(gross: number, takeout: string): number {
  const { n, d } = parseRatio(takeout) ?? ratio(0);
  return gross - Number((BigInt(gross) * n) / d);
}

function combinationsOf(stakes: readonly Standing[]): readonly string[] {
  const starred = stakes.find(({ hasStar }) => hasStar);
  if (starred) refuseLine('INVALID_COMBINATION', 'Odds have no stars.', `${starred.at}/c`);
  const lines = stakes.reduce((sum, { cover }) => sum + linesOf(cover), 0n);
  if (lines > BigInt(MOST_COMBINATIONS))
    refuseLine('TOO_MANY_LINES', `At most ${MOST_COMBINATIONS} combinations are priced at once.`, '/stakes');
  return [...new Set(stakes.flatMap(({ cover }) => [...expandLegs(cover)]))];
}
