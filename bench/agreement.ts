/**
 * Generated races of every pool type and rule set through both calculators: they must agree to the minor unit and conserve
 * money. Seeded; a difference is printed with the smallest race that shows it and ends the run with 1.
 * `npx tsx --conditions=src bench/agreement.ts [--races=10000] [--seed=1] [--only=UK-WIN] [--small] [--first]`.
 */
import fc from 'fast-check';
import { type AuditedPoolType, auditedPoolTypes } from '#mutuel/audit';
import { type RuleSet, ruleSets } from '#mutuel/tote';
import { legRaceDifferences, legRaceOf } from '../test/audit/support/leg-races.js';
import { raceDifferences, raceOf } from '../test/audit/support/races.js';

const option = (name: string): string | undefined =>
  process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);

const races = Number(option('races') ?? (process.argv.includes('--small') ? 1_000 : 10_000));
const seed = Number(option('seed') ?? 1);
const only = option('only') ?? '';
/** Whether there is a difference is all that is asked: nothing is shrunk or printed. */
const stopsAtFirst = process.argv.includes('--first');

/** Characters of a race that are printed. */
const MOST_SHOWN = 2_000;

const isSingle = ({ poolType }: RuleSet): boolean => auditedPoolTypes.some((type) => type === poolType);
const chosen = ruleSets.filter((rules) => (rules.legs || isSingle(rules)) && rules.id.includes(only));
const each = Math.ceil(races / chosen.length);

const fail = (found: readonly string[]): void => {
  if (found.length > 0) throw new Error(found.join('; '));
};

/** The first race that differs, shrunk; undefined when none does. */
function difference(rules: RuleSet): { readonly sentence: string; readonly race: unknown } | undefined {
  const options = { seed, numRuns: each, endOnFailure: stopsAtFirst };
  const outcome = rules.legs
    ? fc.check(
        fc.property(legRaceOf(rules), (race) => fail(legRaceDifferences(race, rules))),
        options,
      )
    : fc.check(
        fc.property(raceOf(rules.poolType as AuditedPoolType), (race) => fail(raceDifferences(race, rules))),
        options,
      );
  if (!outcome.failed) return undefined;
  return { sentence: (outcome.errorInstance as Error).message, race: outcome.counterexample?.[0] };
}

let differing = 0;
const counts = new Map<string, number>();
for (const rules of chosen) {
  counts.set(rules.poolType, (counts.get(rules.poolType) ?? 0) + each);
  const found = difference(rules);
  if (!found) continue;
  differing += 1;
  if (stopsAtFirst) process.exit(1);
  console.log(`${rules.id} differs (seed ${seed}): ${found.sentence}`);
  console.log(`  ${JSON.stringify(found.race).slice(0, MOST_SHOWN)}`);
}
const types = [...counts].map(([type, count]) => `${type} ${count}`).join(', ');
console.log(`${each * chosen.length} races, ${chosen.length} rule sets, ${differing} rule sets differ. ${types}`);
process.exitCode = differing > 0 ? 1 : 0;
