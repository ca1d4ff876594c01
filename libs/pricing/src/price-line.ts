/** `price`: one pool to its dividends. Works out who won from a result, or prices the winning combinations it is given. */
import { combinationMatches, priceRungs, type Ratio, type RuleSet, type Rung, ratio, resultKeys } from '#mutuel/tote';
import { type Case, combinationOf, hasStar, readCase } from './case.js';
import { isOverLegs } from './leg-case.js';
import { pricedLegs } from './leg-line.js';
import { readAs, refuseLine } from './refusal.js';
import { type PriceInput, type PriceOutput, priceInput } from './schema.js';
import { guarded, sheetOutput, winningStake } from './sheet-line.js';

/** Prices one line; refusals are thrown as `LineRefused`. */
export function pricedLine(value: unknown): PriceOutput {
  const input = readAs(priceInput, value);
  if (isOverLegs(input.pool.type)) return pricedLegs(input);
  const pool = readCase(input);
  const winning = winningOf(input, pool);
  if (input.winning === undefined && !input.result) {
    refuseLine('MISSING_FIELD', 'Give a result with stakes, or the winning combinations.', '/result');
  }
  const { grossMinor, refundsMinor, carryInMinor, netMinor, ruleSet } = pool;
  const gross = grossMinor - refundsMinor;
  const sheet = guarded(() =>
    priceRungs({
      ruleSet,
      rungs: rungsOf(input, pool, winning),
      grossMinor,
      refundsMinor,
      carryInMinor,
      ...(netMinor === undefined ? {} : { netMinor }),
      stakeOf: (c) => winning.get(c) ?? (c === '*' ? ratio(gross) : staked(pool, c)),
    }),
  );
  return sheetOutput(input, pool.ruleSetName, sheet);
}

/** Stakes on a key: as stated for a key with a star, else of all combinations that match it. */
function staked({ stakes, ruleSet }: Case, key: string): Ratio {
  const stated = stakes.get(key);
  if (stated !== undefined || !hasStar(key)) return ratio(stated ?? 0);
  let sum = 0;
  for (const [c, minor] of stakes) if (!hasStar(c) && combinationMatches(ruleSet.poolType, c, key)) sum += minor;
  return ratio(sum);
}

// Winning combinations as given.

function winningOf(input: PriceInput, pool: Case): ReadonlyMap<string, Ratio> {
  const winning = new Map<string, Ratio>();
  input.winning?.forEach((entry, index) => {
    const at = `/winning/${index}`;
    if (entry.tier !== undefined && entry.tier !== input.pool.type) {
      refuseLine('NOT_SUPPORTED', `A ${input.pool.type} pool has the one tier ${input.pool.type}.`, `${at}/tier`);
    }
    const c = combinationOf(entry.c, `${at}/c`, pool);
    if (winning.has(c)) refuseLine('INVALID_COMBINATION', `${c} is given twice.`, `${at}/c`);
    winning.set(c, winningStake(entry, input.unit, at));
  });
  const most = pool.grossMinor - pool.refundsMinor;
  for (const [c, { n, d }] of winning) {
    if (n > BigInt(most) * d) refuseLine('INCONSISTENT', `The stake on ${c} is more than the gross pool.`, '/winning');
  }
  return winning;
}

function rungsOf(input: PriceInput, pool: Case, winning: ReadonlyMap<string, Ratio>): readonly Rung[] {
  if (!input.result) return [givenRung(pool.ruleSet, [...winning.keys()]), lastRung(pool.ruleSet)];
  if (!pool.hasCard && typeof pool.ruleSet.places === 'object' && input.stakes === undefined) {
    refuseLine('MISSING_FIELD', 'The number of places depends on the card: give runners.', '/runners');
  }
  const rungs = resultKeys(pool.ruleSet, pool.field, input.result);
  const known = new Set(rungs.flatMap(({ keys }) => keys.map(({ c }) => c)));
  const index = [...winning.keys()].findIndex((c) => !known.has(c));
  if (index >= 0 && rungs[0]?.name !== 'TOO_FEW_RUNNERS') {
    refuseLine('INCONSISTENT', 'This combination wins nothing by the result.', `/winning/${index}/c`);
  }
  return rungs;
}

function givenRung({ poolType, split, deadHeat }: RuleSet, keys: readonly string[]): Rung {
  return {
    rung: 0,
    name: 'RESULT',
    how: split === 'SINGLE_PRICE' && keys.length > 1 ? deadHeat : split,
    keys: keys.map((c) => ({ tier: poolType, c })),
    parts: [{ slots: 1, keys }],
  };
}

/** Where the ladder ends, when no winning combination is known to be covered. */
function lastRung({ poolType, noWinner, split }: RuleSet): Rung {
  const end = noWinner.find((name) => name === 'REFUND' || name === 'CARRY' || name === 'PAY_NET_RATE') ?? 'REFUND';
  if (end !== 'PAY_NET_RATE')
    return { rung: 1, name: end, how: end === 'CARRY' ? 'CARRY' : 'REFUND', keys: [], parts: [] };
  return { rung: 1, name: end, how: split, keys: [{ tier: poolType, c: '*' }], parts: [{ slots: 1, keys: ['*'] }] };
}
