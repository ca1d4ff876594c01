/**
 * Why a shard would refuse a bet, as far as the folded market can tell, in the shard's order and codes. A forecast: it must never be
 * taken for the decision, which is the shard's alone and may have heard more.
 */
import { fieldOfPool, hasReserveIn, type MarketPool, type PoolStanding, standingOf } from '#mutuel/engine';
import {
  type Field,
  isRefusal,
  lineStakes,
  namesAnyOf,
  type ReadSelection,
  readSelection,
  scratchedInterests,
} from '#mutuel/tote';
import type { MarketView } from './market-view.js';
import { formulaText, type partsOf } from './orders.js';
import { Problem } from './problem.js';
import type { QuoteBody } from './schemas.js';

export interface QuoteRefusal {
  readonly code: string;
  readonly detail: string;
  readonly pointer: string;
}

type QuoteBet = QuoteBody['bets'][number];
type Part = ReturnType<typeof partsOf>[number];
type Found = NonNullable<ReturnType<MarketView['pool']>>;

/** The formula of a bet or of a part, or why it cannot be written. */
export function textOf(part: Part, index: number): string | QuoteRefusal {
  try {
    return formulaText(part, index);
  } catch (fault) {
    if (!(fault instanceof Problem)) throw fault;
    return { code: fault.code, detail: fault.message, pointer: fault.errors[0]?.pointer ?? `/bets/${index}` };
  }
}

export const unknownPool = (poolId: string, pointer: string): QuoteRefusal => ({
  code: 'POOL_UNKNOWN',
  detail: `There is no pool ${poolId}.`,
  pointer: `${pointer}/poolId`,
});

/** By the pool as it stands now: its sale, and who does not run. */
export function stateRefusal(
  standing: PoolStanding,
  { card: { poolId, ruleSet } }: MarketPool,
  field: Field,
  read: ReadSelection,
  { pointer, now }: { readonly pointer: string; readonly now: number },
): QuoteRefusal | null {
  const closed = hasStopped(standing, poolId, now, pointer);
  if (closed) return closed;
  if (standing.status !== 'OPEN') {
    const detail = `${poolId} is ${standing.status === 'DRAFT' ? 'not open yet' : 'suspended'}.`;
    return { code: 'POOL_NOT_OPEN', detail, pointer: `${pointer}/poolId` };
  }
  return scratchRefusal(field, ruleSet.coupling, read, pointer);
}

/** Whether bets may no longer go into the pool, on sale or not: the card's own stop ends it too, before anybody says so. */
function hasStopped({ status, card }: PoolStanding, poolId: string, now: number, pointer: string): QuoteRefusal | null {
  const isSold = status === 'OPEN' || status === 'DRAFT' || status === 'SUSPENDED';
  if (isSold && now <= (card.scheduledStop ?? Number.POSITIVE_INFINITY)) return null;
  return { code: 'POOL_CLOSED', detail: `Betting on ${poolId} has stopped.`, pointer: `${pointer}/poolId` };
}

function scratchRefusal(
  field: Field,
  coupling: MarketPool['card']['ruleSet']['coupling'],
  read: ReadSelection,
  pointer: string,
): QuoteRefusal | null {
  const out = field.legs
    ? field.legs.flatMap((leg, i) => scratchedInterests(leg, coupling).map((runner) => `${i + 1}:${runner}`))
    : scratchedInterests(field, coupling);
  if (!namesAnyOf(read, out) && !hasReserveIn(read, out)) return null;
  return { code: 'RUNNER_SCRATCHED', detail: `The bet names a scratched runner (${out.join(', ')}).`, pointer };
}

/** By what a line costs. */
export function stakeRefusal(
  pool: MarketPool,
  bet: QuoteBet,
  unit: number,
  cost: number,
  pointer: string,
): QuoteRefusal | null {
  const allowed = lineStakes(pool.card.ruleSet, bet.unitStake === undefined);
  if (allowed === null) {
    const detail = `${pool.card.poolId} sells no flexi bets: name a stake a line.`;
    return { code: 'NOT_SUPPORTED', detail, pointer: `${pointer}/unitStake` };
  }
  const { leastMinor: min, multipleMinor: multiple } = allowed;
  // A flexi bet costs what its lines cost in whole amounts: the rest of the stake is not taken.
  if (bet.unitStake !== undefined && bet.stake !== undefined && bet.stake !== cost)
    return { code: 'LINES_MISMATCH', detail: `The lines cost ${cost}, not ${bet.stake}.`, pointer: `${pointer}/stake` };
  if (unit < min)
    return { code: 'BELOW_MIN', detail: `The lowest stake a line is ${min}.`, pointer: `${pointer}/unitStake` };
  if (unit % multiple !== 0)
    return {
      code: 'STAKE_NOT_MULTIPLE',
      detail: `Stakes a line are multiples of ${multiple}.`,
      pointer: `${pointer}/unitStake`,
    };
  return null;
}

/** By the bets that follow the first one of a report; none follow any other bet. */
export function reportRefusal(
  market: MarketView,
  first: Found,
  bet: QuoteBet,
  [, ...later]: readonly Part[],
  { index, now }: { readonly index: number; readonly now: number },
): QuoteRefusal | null {
  if (later.length === 0) return null;
  const pointer = `/bets/${index}`;
  const { poolId, ruleSet, legs } = first.pool.card;
  const { report, minStakeMinor: least = 1 } = ruleSet;
  if (!report || legs) return noReports(poolId, `${pointer}/parts/0`);
  if (bet.unitStake === undefined || bet.unitStake > least * report.mostTimes) {
    const detail = `A line of a report costs ${least * report.mostTimes} at the most.`;
    return { code: 'ABOVE_MAX', detail, pointer: `${pointer}/unitStake` };
  }
  const races = new Set([first.race.card.raceId]);
  for (const [k, part] of later.entries()) {
    const place = `${pointer}/parts/${k + 1}`;
    const found = market.pool(part.poolId ?? '');
    if (!found) return unknownPool(part.poolId ?? '', place);
    const refusal = partRefusal(market, first, found, textOf(part, index), { pointer: place, now });
    if (refusal) return refusal;
    const { raceId } = found.race.card;
    if (races.has(raceId)) {
      const detail = 'The bets of a report are on different races.';
      return { code: 'INVALID_SELECTION', detail, pointer: `${place}/poolId` };
    }
    races.add(raceId);
  }
  return null;
}

function partRefusal(
  { state }: MarketView,
  first: Found,
  { pool, meeting }: Found,
  text: string | QuoteRefusal,
  { pointer, now }: { readonly pointer: string; readonly now: number },
): QuoteRefusal | null {
  const { poolId, type, ruleSet, legs } = pool.card;
  if (!ruleSet.report || legs) return noReports(poolId, pointer);
  const closed = hasStopped(standingOf(state, poolId), poolId, now, pointer);
  if (closed) return closed;
  if (meeting.currency !== first.meeting.currency)
    return { code: 'CURRENCY_MISMATCH', detail: `${poolId} is in ${meeting.currency}.`, pointer: `${pointer}/poolId` };
  if (typeof text !== 'string') return text;
  const field = fieldOfPool(state, poolId);
  const read = readSelection(type, text, field, ruleSet);
  if (isRefusal(read)) return { code: read.code, detail: read.message, pointer: pointer + read.at };
  return scratchRefusal(field, ruleSet.coupling, read, pointer);
}

const noReports = (poolId: string, pointer: string): QuoteRefusal => ({
  code: 'NOT_SUPPORTED',
  detail: `${poolId} takes no part in reports.`,
  pointer: `${pointer}/poolId`,
});
