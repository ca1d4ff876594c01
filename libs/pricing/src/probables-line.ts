/** `probables`: stakes to indicative odds, rounded like dividends. Never says who will win, and reads no result. */
import { probables } from '#mutuel/tote';
import { hasStar, readCase } from './case.js';
import { isOverLegs } from './leg-case.js';
import { legProbables } from './leg-probables.js';
import { netProbables } from './net-probables.js';
import { readAs, refuseLine } from './refusal.js';
import { type ProbablesOutput, probablesInput } from './schema.js';

/** Runners up to which all combinations of three are listed: 12,144 orders of 24. */
const WIDEST_GRID = 24;

/** Odds of one line; refusals are thrown as `LineRefused`. */
export function probablesOf(value: unknown): ProbablesOutput {
  const input = readAs(probablesInput, value);
  if (input.pool.type === 'REPORT') refuseLine('NOT_SUPPORTED', 'A report has no pool, so no odds.', '/pool/type');
  if ((input.stakes ?? input.sources) === undefined)
    refuseLine('MISSING_FIELD', 'Odds are made from stakes.', '/stakes');
  if (isOverLegs(input.pool.type)) return legProbables(input);
  refuseStars(input.stakes ?? [], '/stakes');
  input.sources?.forEach(({ stakes }, index) => {
    refuseStars(stakes, `/sources/${index}/stakes`);
  });
  const pool = readCase(input, true);
  if (pool.formulas.length > 0)
    refuseLine('INVALID_COMBINATION', 'Odds are made from stakes on single lines.', '/stakes');
  if (!pool.hasCard && typeof pool.ruleSet.places === 'object') {
    refuseLine('MISSING_FIELD', 'The number of places depends on the card: give runners.', '/runners');
  }
  const id = input.id === undefined ? {} : { id: input.id };
  if (pool.sources || pool.ruleSet.pricing === 'NET') return { ...id, ...netProbables(pool) };
  const { net, odds } = probables({
    ruleSet: pool.ruleSet,
    field: pool.field,
    grossMinor: pool.grossMinor - pool.refundsMinor,
    carryInMinor: pool.carryInMinor,
    ...(pool.netMinor === undefined ? {} : { netMinor: pool.netMinor }),
    ...(pool.hasCard ? { wholeGridUpTo: WIDEST_GRID } : {}),
    stakes: pool.stakes,
  });
  return { ...id, net, odds: [...odds] };
}

function refuseStars(stakes: readonly { readonly c: string }[], at: string): void {
  const starred = stakes.findIndex(({ c }) => hasStar(c));
  if (starred >= 0) refuseLine('INVALID_COMBINATION', 'Odds have no stars.', `${at}/${starred}/c`);
}
