/**
 * What a pool is priced from, read back from the projector's own tables: card, finish, and what stands on each combination. Bets on
 * a scratched runner's combinations are left out: they were given back.
 */
import type { LegOutcome, PoolTerms } from '#mutuel/engine';
import type { SqlDatabase } from '#mutuel/runtime';
import {
  combinationMatches,
  type Field,
  isRefusal,
  keptNonRunners,
  keyMembers,
  lineCounter,
  linesWithout,
  type ReadSelection,
  type RuleSet,
  readSelection,
  refundedLegRunners,
  scratchedInterests,
  TierStakes,
} from '#mutuel/tote';
import { fieldOfRunners } from './projector.js';

export interface PoolInputs extends PoolTerms {
  readonly poolId: string;
  readonly ruleSet: RuleSet;
  readonly field: Field;
  readonly finish: readonly (readonly string[])[];
  readonly carryInMinor: number;
  /** All stakes less everything given back: the totals' own fold, not the sum of the combinations. */
  readonly grossMinor: number;
  /** What settlement has given on its bets so far. */
  readonly settledMinor: number;
  readonly currency: string;
  readonly exponent: number;
  readonly stakes: ReadonlyMap<string, number>;
  /** Unit stakes of selections with too many lines to list or with a complement, and of all over several races. */
  readonly wide: ReadonlyMap<string, number>;
  /** Over several races: what each leg has come to; empty until the pool is called. */
  readonly legs: readonly LegOutcome[] | null;
}

type Queryable = Pick<SqlDatabase, 'query'>;

export async function poolInputs(db: Queryable, poolId: string): Promise<PoolInputs | null> {
  const [row] = await db.query<{
    race_id: string;
    rule_set: RuleSet;
    carry_in: number;
    finish: string[][];
    gross: number;
    settled: number;
    currency: string;
    exponent: number;
    legs: string[] | null;
    leg_outcomes: LegOutcome[] | null;
    terms: PoolTerms;
    handicap: boolean;
  }>(
    `select p.race_id, p.rule_set, p.carry_in, p.terms, p.legs, p.leg_outcomes, r.finish, r.handicap, coalesce(t.gross, 0) as gross,
       coalesce(t.settled, 0) as settled, m.currency, m.exponent
     from pools p join races r using (race_id) join meetings m using (meeting_id) left join pool_totals t using (pool_id)
     where p.pool_id = $1`,
    [poolId],
  );
  if (!row) return null;
  const runners = await db.query<{ number: string; entry: string | null; status: string }>(
    'select number, entry, status from runners where race_id = $1 order by place',
    [row.race_id],
  );
  const stakes = await db.query<{ c: string; stake: number }>(
    'select c, stake from pool_stakes where pool_id = $1 and stake <> 0',
    [poolId],
  );
  const wide = await db.query<{ sel: string; unit: number }>(
    'select sel, unit from pool_wide where pool_id = $1 and unit <> 0',
    [poolId],
  );
  const scratched = runners.filter((runner) => runner.status === 'SCRATCHED').map((runner) => runner.number);
  return {
    poolId,
    ruleSet: row.rule_set,
    field: { ...fieldOfRunners(runners), scratched, ...(row.handicap && { handicap: true }) },
    finish: row.finish,
    carryInMinor: row.carry_in,
    ...row.terms,
    grossMinor: row.gross,
    settledMinor: row.settled,
    currency: row.currency,
    exponent: row.exponent,
    stakes: new Map(stakes.map((one) => [one.c, one.stake])),
    wide: new Map(wide.map((one) => [one.sel, one.unit])),
    legs: row.legs && (row.leg_outcomes ?? []),
  };
}

/** What stands on each key of a pool over several races: bets are counted by formula, however many lines they have. */
export function stakesByLegKey({ poolId, ruleSet, wide, legs }: PoolInputs, keys: readonly string[]) {
  const fields = legs ?? [];
  const out = refundedLegRunners(ruleSet, fields);
  const counters = keys.map((key) => lineCounter(ruleSet.poolType, key, out));
  const sums = new Map<string, number>(keys.map((key) => [key, 0]));
  for (const [sel, unit] of wide) {
    const read = legBet({ poolId, ruleSet }, fields, sel);
    for (const [k, key] of keys.entries())
      sums.set(key, (sums.get(key) ?? 0) + (counters[k] as (bet: ReadSelection) => number)(read) * unit);
  }
  return sums;
}

/** The bets of a pool over several races as the price command takes them, and what non-runners took off them. */
export function legStakes({ poolId, ruleSet, wide, legs }: PoolInputs) {
  const fields = legs ?? [];
  const out = refundedLegRunners(ruleSet, fields);
  let refundsMinor = 0;
  const stakes = [...wide].map(([c, unit]) => {
    const read = legBet({ poolId, ruleSet }, fields, c);
    refundsMinor += unit * (read.lines - linesWithout(read, out));
    return { c, minor: unit * read.lines };
  });
  return { refundsMinor, stakes: stakes.sort((a, b) => (a.c < b.c ? -1 : 1)) };
}

function legBet(
  { poolId, ruleSet }: Pick<PoolInputs, 'poolId' | 'ruleSet'>,
  legs: readonly LegOutcome[],
  sel: string,
): ReadSelection {
  const fields = legs.map(({ declared, entries }) => ({ declared, entries }));
  const read = readSelection(ruleSet.poolType, sel, { declared: [], legs: fields }, ruleSet);
  if (isRefusal(read)) throw new Error(`${poolId} holds an accepted bet that does not read: ${sel}`);
  return read;
}

/**
 * The bets of one race as the price command takes them: combinations that no scratched runner is in, and the formulas that are not
 * listed line by line, each with what stands on it.
 */
export function standingStakes(inputs: PoolInputs): { readonly c: string; readonly minor: number }[] {
  const { ruleSet, field, stakes, wide } = inputs;
  const gone = scratchedInterests(field, ruleSet.coupling);
  const out = new Set(gone);
  const kept = keptNonRunners(ruleSet);
  const stands = (c: string): boolean =>
    out.size === 0 || keyMembers(ruleSet.poolType, c).filter((member) => out.has(member)).length <= kept;
  const listed = [...stakes].filter(([c]) => stands(c)).map(([c, minor]) => ({ c, minor }));
  const formulas = [...wide].map(([c, unit]) => ({ c, minor: unit * linesWithout(wideBet(inputs, c), gone, kept) }));
  return [...listed, ...formulas.filter(({ minor }) => minor > 0)].sort((a, b) => (a.c < b.c ? -1 : 1));
}

/** What stands on one combination, wide bets included. */
export const stakeOnLine = (inputs: PoolInputs, c: string): number => stakesByKey(inputs, [c]).get(c) ?? 0;

/** What stands on each key, stars standing for any runner (`4>*`, `*`); bets that are not listed are counted by formula. */
export function stakesByKey(inputs: PoolInputs, keys: readonly string[]): ReadonlyMap<string, number> {
  const { ruleSet, field, wide } = inputs;
  const gone = scratchedInterests(field, ruleSet.coupling);
  const out = new Set(gone);
  const kept = keptNonRunners(ruleSet);
  const sums = new Map<string, number>(keys.map((key) => [key, 0]));
  const add = (key: string, stake: number): void => {
    sums.set(key, (sums.get(key) ?? 0) + stake);
  };
  for (const [c, stake] of inputs.stakes) {
    if (keyMembers(ruleSet.poolType, c).filter((member) => out.has(member)).length > kept) continue;
    for (const key of keys) if (combinationMatches(ruleSet.poolType, c, key)) add(key, stake);
  }
  const counters = keys.map((key) => lineCounter(ruleSet.poolType, key, gone, kept));
  for (const [sel, unit] of wide) {
    const read = wideBet(inputs, sel);
    for (const [k, key] of keys.entries()) add(key, (counters[k] as (bet: ReadSelection) => number)(read) * unit);
  }
  return sums;
}

/** What stands on the keys of results in which this line of a pool with tiers wins: what it is paid depends on all lines that win too. */
export function stakesBesideLine(inputs: PoolInputs, c: string): (key: string) => number {
  const { ruleSet, field, stakes, wide } = inputs;
  const { poolType } = ruleSet;
  const gone = scratchedInterests(field, ruleSet.coupling);
  const [out, own] = [new Set(gone), new Set(keyMembers(poolType, c))];
  const tiers = new TierStakes(poolType);
  for (const [line, stake] of stakes) {
    const members = keyMembers(poolType, line);
    const shared = members.filter((member) => own.has(member)).length;
    // No rank is won with fewer of the runners than three.
    if (shared >= 3 && !members.some((member) => out.has(member))) tiers.add(line, stake);
  }
  const bets = [...wide].map(([sel, unit]) => ({ read: wideBet(inputs, sel), unit }));
  return (key) => {
    const counter = lineCounter(poolType, key, gone);
    return bets.reduce((sum, { read, unit }) => sum + counter(read) * unit, tiers.on(key));
  };
}

function wideBet({ poolId, ruleSet, field }: PoolInputs, sel: string): ReadSelection {
  const read = readSelection(ruleSet.poolType, sel, { ...field, scratched: [] }, ruleSet);
  if (isRefusal(read)) throw new Error(`${poolId} holds an accepted bet that does not read: ${sel}`);
  return read;
}
