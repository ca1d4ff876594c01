/**
 * `price` by net pricing for pools over several races of one tier: the rungs that the legs' results make, each site's stakes
 * on them, and the net calculation of a race's pool. Knows no consolation and no tiers; both are refused, never left out.
 */
import { legKeyLabel, legResult, priceNet, type RuleSet, type Rung } from '#mutuel/tote';
import { carryInOf, rulesFor } from './case.js';
import { legsOf, linesOf, type Standing, stakedOn, standingOf, withLegRules } from './leg-case.js';
import { refuseLine } from './refusal.js';
import type { PriceInput, PriceOutput } from './schema.js';
import { sheetOutput } from './sheet-line.js';

type Sources = NonNullable<PriceInput['sources']>;

export function pricedNetLegs(input: PriceInput, sources: Sources): PriceOutput {
  const { ruleSet: shipped, name } = rulesFor(input, input.pool.type);
  const rules = withLegRules(shipped, input);
  refuseBeyond(input, rules);
  const legs = legsOf({ ...input, stakes: sources.flatMap(({ stakes }) => stakes) }, rules);
  const result = legResult(rules, legs);
  const sites = sources.map((source, index) => {
    const standing = standingOf({ ...input, stakes: source.stakes }, rules, legs, `/sources/${index}/stakes`);
    const refunded = refundOf(standing);
    const staked = standing.reduce((sum, { minor }) => sum + minor, 0);
    const grossMinor = (source.gross ?? staked) - refunded;
    if (grossMinor < staked - refunded)
      refuseLine('INCONSISTENT', `The stakes, ${staked}, are more than the gross pool.`, `/sources/${index}/gross`);
    const { id, takeout } = source;
    return { id, takeout, grossMinor, refunded, stakeOf: (key: string) => stakedOn(standing, key) };
  });
  const late = result.consolation?.keys.some(({ c }) => sites.some(({ stakeOf }) => stakeOf(c).n > 0n)) ?? false;
  if (late) refuseLine('NOT_SUPPORTED', 'A consolation is priced for one takeout.', '/sources');
  const refundsMinor = sites.reduce((sum, { refunded }) => sum + refunded, 0);
  const rungs = result.refund ? [ending('REFUND')] : rungsOf(rules, result.right, result.ladder);
  const sheet = priceNet({ ruleSet: rules, rungs, carryInMinor: carryInOf(input), refundsMinor, sources: sites });
  return sheetOutput(input, name, sheet, legKeyLabel);
}

/** What net pricing has no rule for. */
function refuseBeyond(input: PriceInput, rules: RuleSet): void {
  if (input.rules?.pricing === 'STANDARD')
    refuseLine('INCONSISTENT', 'Several sources are priced net, not by the standard method.', '/rules/pricing');
  const { tiers = [], unique, ladderShare, partUnitMinor, carry, legs } = rules;
  const beyond = tiers.length > 1 || unique || ladderShare || partUnitMinor || carry === 'GROSS';
  if (beyond || legs?.leastPaid || legs?.wholeMinor)
    refuseLine('NOT_SUPPORTED', 'Net pricing knows no tiers, parts of a pool and gross carry-overs.', '/sources');
  const other = (['winning', 'gross', 'net', 'refunds', 'jackpotIn', 'guarantee'] as const).find(
    (field) => input[field] != null,
  );
  if (other)
    refuseLine('INCONSISTENT', `Beside sources there is no ${other}: each site has its own money.`, `/${other}`);
  if (input.results == null) refuseLine('MISSING_FIELD', 'Give the results of the legs.', '/results');
}

/** Lines on runners that do not run, as far as the pool gives them back. */
const refundOf = (standing: readonly Standing[]): number =>
  standing.reduce(
    (sum, { minor, cover, before }) =>
      sum + Number((BigInt(minor) * (linesOf(before) - linesOf(cover))) / linesOf(before)),
    0,
  );

/** Right in every leg, then the ladder; whoever is most right has a rung for each number of legs. */
function rungsOf({ noWinner }: RuleSet, right: readonly Rung[], ladder: readonly Rung[]): readonly Rung[] {
  const rungs = right.slice(-1);
  for (const name of [...noWinner, 'REFUND'] as const) {
    if (name === 'REFUND' || name === 'CARRY') return [...rungs, ending(name)];
    if (name === 'MOST_RIGHT') rungs.push(...right.slice(1, -1).reverse());
    else rungs.push(...ladder.filter((rung) => rung.name === name));
  }
  return rungs;
}

const ending = (how: 'REFUND' | 'CARRY'): Rung => ({ rung: 0, name: how, how, keys: [], parts: [] });
