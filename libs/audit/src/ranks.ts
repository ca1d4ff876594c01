/**
 * At which rank of its pool a line is paid: every line is held against every linear finishing order, best rank first, so
 * that it is paid once and at its best. Knows no money.
 */
import { bettingInterest, lineShapes, runsOf } from './expansion.js';
import { interestRanks, linearOrders } from './finish.js';
import { type AuditPool, AuditRefused, type LineStake } from './sheet.js';
import { patternText, resultInterest } from './winners.js';

/** A line's tier, the group in it that shares one price, and the combination under which it stands on the sheet. */
export interface Rank {
  readonly tier: string;
  readonly group: string;
  readonly c: string;
}

/** The names of a pool's tiers, best first. */
export const tierNames = ({ ruleSet }: AuditPool): readonly string[] =>
  ruleSet.tiers?.map(({ name }) => name) ?? Object.keys(ruleSet.weights ?? {});

/** The best rank of a line, undefined when it has none. */
export function bestRank(pool: AuditPool, line: readonly string[], shape: LineStake['shape']): Rank | undefined {
  for (const tier of tierNames(pool)) {
    const rank = rankIn(pool, tier, line, shape);
    if (rank) return rank;
  }
  return undefined;
}

function rankIn(pool: AuditPool, tier: string, line: readonly string[], shape: LineStake['shape']): Rank | undefined {
  const soldInOrder = lineShapes[pool.poolType].ordered;
  const ordered = soldInOrder && shape !== 'SET';
  const size = line.length;
  const [, nonRunners] = /^(\d)NP$/.exec(tier) ?? [];
  if (nonRunners) return withNonRunners(pool, tier, line, Number(nonRunners));
  if (ranOf(pool, line).length < size) return undefined;
  if (tier === 'ORDER') return inOrder(pool, tier, line);
  if (tier === 'DISORDER') return inSet(pool, tier, line, size);
  if (tier === 'FIRST4' && soldInOrder) return ordered ? undefined : inSet(pool, tier, line, size);
  if (tier === pool.poolType) {
    const rank = ordered ? inOrder(pool, tier, line) : undefined;
    // Only the French order has one price for all orders of a set.
    if (soldInOrder) return rank && { ...rank, group: rank.c };
    return inSet(pool, tier, line, size);
  }
  const [, named] = /^BONUS(\d)$/.exec(tier) ?? [];
  if (named) return together(inSet(pool, tier, line, Number(named)));
  const [, multi] = /^M(\d)$/.exec(tier) ?? [];
  if (multi) return Number(multi) === size ? together(inSet(pool, tier, line, 4)) : undefined;
  throw new AuditRefused(`tier ${tier} is not known to the second calculator`);
}

/** One price for all of a tier. */
const together = (rank: Rank | undefined): Rank | undefined => rank && { ...rank, group: rank.tier };

/** Written out once a pool: every line is held against all of them. */
const written = new WeakMap<AuditPool, Map<number, readonly (readonly string[])[]>>();

function orders(pool: AuditPool, length: number): readonly (readonly string[])[] {
  const known = written.get(pool) ?? new Map<number, readonly (readonly string[])[]>();
  written.set(pool, known);
  const { field, finish, ruleSet } = pool;
  const ranks = interestRanks(finish, resultInterest(field, ruleSet.coupling));
  const all = known.get(length) ?? linearOrders(ranks, length).filter((order) => order.length > 0);
  known.set(length, all);
  return all;
}

/** The first `length` of the orders as sets, each once. */
function sets(pool: AuditPool, length: number): readonly (readonly string[])[] {
  const known = writtenSets.get(pool) ?? new Map<number, readonly (readonly string[])[]>();
  writtenSets.set(pool, known);
  const all = known.get(length) ?? [
    ...new Map(orders(pool, length).map((order) => [[...order].sort().join(), order])).values(),
  ];
  known.set(length, all);
  return all;
}

const writtenSets = new WeakMap<AuditPool, Map<number, readonly (readonly string[])[]>>();

function inOrder(pool: AuditPool, tier: string, line: readonly string[]): Rank | undefined {
  const found = orders(pool, line.length).find((order) => order.every((runner, place) => line[place] === runner));
  if (!found) return undefined;
  const pattern = withStars(found, line.length);
  return { tier, group: patternText(pattern, false), c: patternText(pattern, true) };
}

/** The line holds all of the first `count` of some order. */
function inSet(pool: AuditPool, tier: string, line: readonly string[], count: number): Rank | undefined {
  const set = sets(pool, count).find((members) => members.every((runner) => line.includes(runner)));
  const found = set && patternText(withStars(set, line.length), false);
  return found === undefined ? undefined : { tier, group: found, c: found };
}

/** So many members of the line do not run, and the others are the first of some order. */
function withNonRunners(pool: AuditPool, tier: string, line: readonly string[], count: number): Rank | undefined {
  const ran = ranOf(pool, line);
  if (ran.length !== line.length - count) return undefined;
  const rank = inSet(pool, tier, ran, ran.length);
  const gone = line.filter((runner) => !ran.includes(runner));
  const first = rank?.c.split('-').filter((member) => member !== '*');
  return first && { tier, group: tier, c: patternText([...first, ...gone], false) };
}

function ranOf({ field, ruleSet }: AuditPool, line: readonly string[]): readonly string[] {
  const running = new Set(runsOf(field).map(bettingInterest(field, ruleSet.coupling)));
  return line.filter((runner) => running.has(runner));
}

const withStars = (runners: readonly string[], length: number): readonly string[] => [
  ...runners,
  ...new Array<string>(Math.max(0, length - runners.length)).fill('*'),
];
