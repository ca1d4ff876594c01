/**
 * `price` for pools over several races: works out who won from the legs' results, or prices the winning stakes that are
 * given. The mathematics is in `#mutuel/tote`; here an outsider's line becomes its input and its sheet a line.
 */
import {
  countLegs,
  type LegResult,
  legKeyLabel,
  legResult,
  priceLegs,
  type Ratio,
  type RuleSet,
  ratio,
  readLegKey,
  rungFor,
  type Sheet,
  shapeOf,
} from '#mutuel/tote';
import { carryInOf, rulesFor } from './case.js';
import {
  type LegInput,
  type LegStake,
  legStake,
  legsOf,
  legText,
  linesOf,
  type Standing,
  stakedOn,
  standingOf,
  withLegRules,
} from './leg-case.js';
import { pricedNetLegs } from './net-legs.js';
import { refuseLine } from './refusal.js';
import type { PriceInput, PriceOutput } from './schema.js';
import { sheetOutput, winningStake } from './sheet-line.js';

/** A winning stake as given: its tier, its combination, minor units (a rational where units are fractional). */
interface Given extends Omit<LegStake, 'minor'> {
  readonly tier: string;
  readonly stake: Ratio;
}

interface LegMoney {
  readonly grossMinor: number;
  readonly refundsMinor: number;
  readonly netMinor?: number;
}

export function pricedLegs(input: PriceInput): PriceOutput {
  if (input.sources) return pricedNetLegs(input, input.sources);
  const { ruleSet: shipped, name } = rulesFor(input, input.pool.type);
  const rules = withLegRules(shipped, input);
  if (input.results == null && input.winning === undefined)
    refuseLine('MISSING_FIELD', 'Give the results of the legs with stakes, or the winning combinations.', '/results');
  const legs = legsOf(input, rules);
  const standing = standingOf(input, rules, legs);
  const given = givenOf(input, rules, legs);
  const money = legMoneyOf(input, standing, given);
  if (money.grossMinor === 0 && carryInOf(input) === 0 && !input.jackpotIn)
    refuseLine('EMPTY_POOL', 'A pool of zero has nothing to price.', input.gross === 0 ? '/gross' : '/stakes');
  const result = input.results == null ? givenResult(rules, given) : legResult(rules, legs);
  const isConsoled = result.consolation && given.some(({ tier }) => tier === 'CONSOLATION');
  if (isConsoled && standing.length === 0 && !given.some(({ hasStar }) => hasStar)) refuseBase();
  const stakeOf = (key: string, tier: string): Ratio =>
    input.winning === undefined || (given.every((one) => one.tier !== tier) && standing.length > 0)
      ? stakedOn(standing, key)
      : givenOn(given, key, tier, input.results == null);
  const sheet: Sheet = priceLegs({
    ruleSet: rules,
    result,
    ...money,
    carryInMinor: carryInOf(input),
    jackpotInMinor: input.jackpotIn ?? 0,
    guaranteeMinor: input.guarantee ?? 0,
    ...(input.mandatory && { mandatory: true }),
    stakeOf,
  });
  return sheetOutput(input, name, sheet, legKeyLabel);
}

// Money.

/** Gross before refunds, from what is given: gross itself, else all stakes, else the net pool. */
export function legMoneyOf(input: LegInput, stakes: readonly Standing[], given: readonly Given[] = []): LegMoney {
  const plain = stakes.filter(({ hasStar }) => !hasStar);
  const staked = plain.reduce((sum, { minor }) => sum + minor, 0);
  const back = plain.reduce(
    (sum, { minor, cover, before }) =>
      sum + Number((BigInt(minor) * (linesOf(before) - linesOf(cover))) / linesOf(before)),
    0,
  );
  const refundsMinor = input.refunds ?? back;
  if (refundsMinor < back)
    refuseLine('INCONSISTENT', `Stakes on scratched runners, ${back}, are more than the refunds.`, '/refunds');
  const isPartial = plain.length < stakes.length || input.stakes === undefined;
  if (input.gross == null && input.net == null && isPartial)
    refuseLine('MISSING_FIELD', 'Give gross (or net), or the stakes of all combinations.', '/gross');
  const won = given.filter(({ hasStar }) => !hasStar).reduce((sum, { stake }) => sum + Number(stake.n / stake.d), 0);
  const grossMinor = input.gross ?? Math.max(staked - back, won, input.net ?? 0) + refundsMinor;
  const gross = grossMinor - refundsMinor;
  if (gross < 0) refuseLine('INCONSISTENT', 'The refunds are more than the gross pool.', '/refunds');
  if (gross < staked - back)
    refuseLine('INCONSISTENT', `The stakes, ${staked - back}, are more than the gross pool.`, '/gross');
  if (gross < won) refuseLine('INCONSISTENT', `The winning stakes, ${won}, are more than the gross pool.`, '/winning');
  if (input.net != null && input.net > gross)
    refuseLine('INCONSISTENT', 'The net pool is more than the gross pool.', '/net');
  if (!Number.isSafeInteger(grossMinor + carryInOf(input) + (input.jackpotIn ?? 0)))
    refuseLine('AMOUNT_TOO_LARGE', 'The pool is beyond 2^53.', '/gross');
  return { grossMinor, refundsMinor, ...(input.net == null ? {} : { netMinor: input.net }) };
}

// Winning stakes as given.

function givenOf(input: PriceInput, rules: RuleSet, legs: Parameters<typeof legStake>[1]): readonly Given[] {
  return (input.winning ?? []).map((entry, index) => {
    const at = `/winning/${index}`;
    const { minor: _minor, ...read } = legStake({ c: entry.c, minor: 0, at }, legs, rules.coupling);
    return { ...read, tier: tierNamed(rules, entry.tier, `${at}/tier`), stake: winningStake(entry, input.unit, at) };
  });
}

const refuseBase = (): never =>
  refuseLine(
    'MISSING_FIELD',
    'A consolation needs all stakes on the winner of the first leg, such as "3/*".',
    '/winning',
  );

const FUNDS = ['WIN_FUND', 'PLACE_FUND', 'BONUS_FUND', 'CONSOLATION'];

/** The tier of an entry as the mathematics names it: the first one, unless it says otherwise. */
function tierNamed(rules: RuleSet, tier: string | undefined, at: string): string {
  const { picks } = shapeOf(rules.poolType);
  const several = (rules.tiers?.length ?? 1) > 1;
  const first = several ? (rules.tiers?.[0]?.name ?? rules.poolType) : rules.poolType;
  if (tier === undefined || tier === rules.poolType || tier === `${picks}/${picks}`) return first;
  const [right, of] = tier.split('/').map(Number);
  if (FUNDS.includes(tier) || (of === picks && right !== undefined && right > 0 && right < picks)) return tier;
  return refuseLine('UNKNOWN_TIER', `${JSON.stringify(tier)} is not a tier of ${rules.poolType}.`, at);
}

/** Without results the entries themselves are the winners: a rung for each tier that is named. */
function givenResult(rules: RuleSet, given: readonly Given[]): LegResult {
  const { picks } = shapeOf(rules.poolType);
  const rung = (tier: string, filter: (one: Given) => boolean = () => true) =>
    rungFor(rules, 'RESULT', tier, [
      given.filter((one) => one.tier === tier && filter(one)).map(({ cover }) => legText(cover)),
    ]);
  const first = tierNamed(rules, undefined, '/winning');
  const late = given.filter(({ tier }) => tier === 'CONSOLATION');
  const base = given.find(
    ({ tier, hasStar }) => hasStar && (tier === 'CONSOLATION' || (late.length > 0 && tier === first)),
  );
  if (late.length > 0 && !base) refuseBase();
  // Half a double is the rung below it; any other star is a leg that every runner won.
  const isHalf = ({ cover }: Given): boolean =>
    picks === 2 && cover.columns.filter(([one]) => one === '*').length === 1;
  const either = late.length > 0 ? [] : given.filter((one) => one.tier === first && isHalf(one));
  const groups = [0, 1].map((leg) =>
    either.filter(({ cover }) => cover.columns[leg]?.[0] !== '*').map(({ cover }) => legText(cover)),
  );
  return {
    refund: false,
    right: Array.from({ length: picks + 1 }, (_, k) =>
      k === picks ? rung(first, (one) => !isHalf(one)) : rung(`${k}/${picks}`),
    ),
    placed: rung('PLACE_FUND'),
    bonus: rung('BONUS_FUND'),
    ladder: either.length > 0 ? [rungFor(rules, 'EITHER', first, groups)] : [],
    consolation:
      late.length === 0 || !base
        ? null
        : {
            keys: late.filter(({ hasStar }) => !hasStar).map(({ tier, cover }) => ({ tier, c: legText(cover) })),
            base: legText(base.cover),
          },
  };
}

/** The given stake of a key: entries of its tier whose every line the key covers; lower tiers by their name alone. */
function givenOn(given: readonly Given[], key: string, tier: string, byText: boolean): Ratio {
  const wanted = readLegKey(key);
  const label = legKeyLabel(key);
  const own = given.filter((one) => {
    if (one.tier !== tier && !(tier === 'CONSOLATION' && one.hasStar)) return false;
    if (legText(one.cover) === label) return true;
    return (
      !byText && !one.hasStar && (key.includes('@') || BigInt(countLegs(one.cover, wanted)) === linesOf(one.cover))
    );
  });
  return own.reduce((sum, { stake }) => ratio(sum.n * stake.d + stake.n * sum.d, sum.d * stake.d), ratio(0));
}
