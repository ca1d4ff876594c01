/**
 * What a shard sells: whether a pool takes a bet, what its selection covers and what it costs, and the bets of a report behind it. It
 * must never let a bet into a pool that has closed, or at a price that the rules do not have.
 */
import {
  type Field,
  isRefusal,
  type LineStakes,
  lineStakes,
  namesAnyOf,
  type ReadSelection,
  readSelection,
  type ToteRefusal,
} from '#mutuel/tote';
import type { Context } from './decider.js';
import { notRunning } from './legs.js';
import { type BetOrder, FLEXI, type ReportStep } from './shard-commands.js';
import { type Account, outOf, type ShardPool, type ShardRace, type ShardState } from './shard-state.js';

/** Standing stakes of one pool in one shard: the sum over 1,024 shards is still an exact integer. */
const MAX_POOL = 8_000_000_000_000;

export interface BetFault {
  readonly code: string;
  readonly detail: string;
  readonly field: string;
}

/** A selection at the price it is sold: of a flexi bet as much a line as the stake buys, the rest is not taken. */
type SoldBet = Pick<ReadSelection, 'text' | 'lines'> & Pick<BetOrder, 'unit' | 'stake' | 'next'>;

function soldAs(allowed: LineStakes, { unit, stake }: BetOrder, { text, lines }: ReadSelection): SoldBet {
  if (unit !== FLEXI) return { text, lines, unit, stake };
  const multiple = allowed.multipleMinor;
  const fraction = Math.floor(stake / (lines * multiple)) * multiple;
  return { text, lines, unit: fraction, stake: fraction * lines };
}

export function checkBet(s: ShardState, account: Account, order: BetOrder, x: Context): SoldBet | BetFault {
  const pool = s.pools.get(order.pool);
  if (!pool) return { code: 'POOL_UNKNOWN', detail: `There is no pool ${order.pool}.`, field: '/poolId' };
  const { race } = pool;
  if (race.status === 'CLOSED' || x.at > race.scheduledStop)
    return { code: 'POOL_CLOSED', detail: `Betting on ${pool.id} has stopped.`, field: '/poolId' };
  if (race.status !== 'OPEN')
    return {
      code: 'POOL_NOT_OPEN',
      detail: `${pool.id} is ${race.status === 'DRAFT' ? 'not open yet' : 'suspended'}.`,
      field: '/poolId',
    };
  if (pool.currency !== account.currency)
    return { code: 'CURRENCY_MISMATCH', detail: `${pool.id} is in ${pool.currency}.`, field: '/poolId' };
  const selection = readOrder(pool, order.sel);
  if (isRefusal(selection)) return { code: selection.code, detail: selection.message, field: selection.at };
  const out = hasNonRunners(pool) ? refusedOf(pool) : [];
  if (out.length > 0 && (namesAnyOf(selection, out) || hasReserveIn(selection, out)))
    return {
      code: 'RUNNER_SCRATCHED',
      detail: `The bet names a scratched runner (${out.join(', ')}).`,
      field: '',
    };
  if (pool.book.standingStake + order.stake > MAX_POOL)
    return { code: 'ABOVE_MAX', detail: `${pool.id} takes ${MAX_POOL} a shard at the most.`, field: '/stake' };
  const allowed = lineStakes(pool.ruleSet, order.unit === FLEXI);
  if (allowed === null)
    return {
      code: 'NOT_SUPPORTED',
      detail: `${pool.id} sells no flexi bets: name a stake a line.`,
      field: '/unitStake',
    };
  const sold = soldAs(allowed, order, selection);
  const fault = checkStake(allowed, sold);
  if (fault || !order.next) return fault ?? sold;
  const next = readReport(s, pool, order, x.at);
  return 'code' in next ? next : { ...sold, next };
}

/** The later bets of a report with their canonical selections: pools that sell still and take part in reports, one for each race. */
function readReport(
  s: ShardState,
  first: ShardPool,
  { unit, next = [] }: BetOrder,
  at: number,
): readonly ReportStep[] | BetFault {
  const { report, minStakeMinor: least = 1 } = first.ruleSet;
  if (!report || first.legs)
    return { code: 'NOT_SUPPORTED', detail: `${first.id} takes no part in reports.`, field: '/parts/0/poolId' };
  if (unit === FLEXI || unit > least * report.mostTimes)
    return {
      code: 'ABOVE_MAX',
      detail: `A line of a report costs ${least * report.mostTimes} at the most.`,
      field: '/unitStake',
    };
  const races = new Set([first.race.id]);
  const steps: ReportStep[] = [];
  for (const [no, step] of next.entries()) {
    const read = readStep(s, first, step, at);
    const place = `/parts/${no + 1}`;
    if ('code' in read) return { ...read, field: `${place}${read.field}` };
    const race = (s.pools.get(step.pool) as ShardPool).race.id;
    if (races.has(race))
      return {
        code: 'INVALID_SELECTION',
        detail: 'The bets of a report are on different races.',
        field: `${place}/poolId`,
      };
    races.add(race);
    steps.push({ ...step, sel: read.text });
  }
  return steps;
}

function readStep(s: ShardState, first: ShardPool, step: ReportStep, at: number): ReadSelection | BetFault {
  const pool = s.pools.get(step.pool);
  if (!pool) return { code: 'POOL_UNKNOWN', detail: `There is no pool ${step.pool}.`, field: '/poolId' };
  if (!pool.ruleSet.report || pool.legs)
    return { code: 'NOT_SUPPORTED', detail: `${pool.id} takes no part in reports.`, field: '/poolId' };
  if (!sellsAt(pool, at))
    return { code: 'POOL_CLOSED', detail: `Betting on ${pool.id} has stopped.`, field: '/poolId' };
  if (pool.currency !== first.currency)
    return { code: 'CURRENCY_MISMATCH', detail: `${pool.id} is in ${pool.currency}.`, field: '/poolId' };
  const read = readOrder(pool, step.sel);
  if (isRefusal(read)) return { code: read.code, detail: read.message, field: read.at };
  if (hasNonRunners(pool) && namesAnyOf(read, refusedOf(pool)))
    return { code: 'RUNNER_SCRATCHED', detail: 'The bet names a scratched runner.', field: '' };
  return read;
}

/** Whether bets may still go into the pool, on sale or not yet. */
export const sellsAt = ({ race }: ShardPool, at: number): boolean =>
  race.status !== 'CLOSED' && at <= race.scheduledStop;

function checkStake(
  { leastMinor: min, multipleMinor: multiple }: LineStakes,
  { lines, unit, stake }: SoldBet,
): BetFault | undefined {
  if (lines * unit !== stake)
    return {
      code: 'LINES_MISMATCH',
      detail: `${lines} lines at ${unit} cost ${lines * unit}, not ${stake}.`,
      field: '/stake',
    };
  if (unit < min) return { code: 'BELOW_MIN', detail: `The lowest stake a line is ${min}.`, field: '/unitStake' };
  if (unit % multiple !== 0)
    return { code: 'STAKE_NOT_MULTIPLE', detail: `Stakes a line are multiples of ${multiple}.`, field: '/unitStake' };
  return undefined;
}

/** ALL is everybody who still runs; the canonical text spells them out. */
function readOrder(pool: ShardPool, text: string): ReadSelection | ToteRefusal {
  if (!text.includes('ALL')) return findSelection(pool, text);
  const running = ({ field, scratched }: ShardRace): Field => ({ ...field, scratched });
  const field = pool.legs === null ? running(pool.race) : { declared: [], legs: pool.legs.map(running) };
  return readSelection(pool.type, text, field, pool.ruleSet);
}

/** The selection as the pool's book knows it, or read afresh; deciding must not touch the book. */
export function findSelection(pool: ShardPool, text: string): ReadSelection | ToteRefusal {
  const known = pool.book.byText.get(text);
  if (known !== undefined) return pool.book.selections[known] as ReadSelection;
  return readSelection(pool.type, text, pool.field, pool.ruleSet);
}

/** Asked for every bet: most races have none. */
export const hasNonRunners = ({ race, legs }: ShardPool): boolean =>
  legs === null ? race.scratched.length > 0 : legs.some(({ scratched }) => scratched.length > 0);

/** Who may not be named in a new bet, whatever becomes of those in earlier ones. */
export const refusedOf = (pool: ShardPool): readonly string[] =>
  pool.legs === null ? outOf(pool) : notRunning(pool.ruleSet, pool.legs);

/** Whether a bet over several races names one of them to stand in for another. */
export const hasReserveIn = ({ legs }: ReadSelection, out: readonly string[]): boolean =>
  legs?.alternates?.some((reserve, leg) => reserve !== null && out.includes(`${leg + 1}:${reserve}`)) ?? false;
