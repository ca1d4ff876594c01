/**
 * An account as it moves into another cluster epoch, where the map of slots sends it to another shard: balance, what is owed, limits,
 * the day's stakes, and the references of deposits and withdrawals, so that none of them counts twice. Tickets do not move: the
 * epoch before is over when nothing stands, and its references are below the new horizon. It must never carry an account twice.
 */
import type { Decision, Posting } from './decider.js';

/** What an account may stake; absent: no limit of its own. */
export interface StakeLimits {
  /** Highest stake of one ticket, minor units. */
  readonly ticketMax?: number;
  /** Highest sum of stakes of one UTC day. */
  readonly dayStake?: number;
}

/** What an account may stake, and until when it may not bet at all. */
export interface Limits extends StakeLimits {
  /** No bet and no deposit before this time, milliseconds UTC. */
  readonly excludedUntil?: number;
  readonly blocked?: boolean;
  /** Looser limits that were asked for: what may be staked from then on. */
  readonly later?: LaterLimits;
}

export interface LaterLimits extends StakeLimits {
  /** Append time, milliseconds UTC. */
  readonly from: number;
}

/** A deposit (or, negative, a withdrawal) that was answered in the epoch before, by its reference. */
export type CarriedRef = readonly [ref: string, amountMinor: number];

export interface CarriedAccount {
  readonly account: string;
  readonly currency: string;
  /** Minor units. */
  readonly balance: number;
  readonly owed: number;
  readonly limits: Limits;
  readonly limitsVersion: number;
  /** UTC day number of `dayStaked`. */
  readonly day: number;
  readonly dayStaked: number;
  readonly refs: readonly CarriedRef[];
  /** Append time of the last decision of the epoch before: no ticket reference from before it is new. */
  readonly closedAt: number;
}

/** The first piece of an account; what its references take beyond one record follows as `RefsCarried`. */
export interface AccountCarried extends CarriedAccount {
  readonly t: 'AccountCarried';
}

export interface RefsCarried {
  readonly t: 'RefsCarried';
  readonly account: string;
  readonly refs: readonly CarriedRef[];
}

/** References in one piece: some 40 kilobytes. */
export const MAX_CARRIED_REFS = 1_000;

export function carryAccount(carried: CarriedAccount): Decision<AccountCarried> {
  const { account, balance, owed } = carried;
  const posts: Posting[] = [
    [`acc:${account}`, balance],
    [`owed:${account}`, -owed],
    ['carried', owed - balance],
  ];
  return { events: [{ t: 'AccountCarried', ...carried }], posts: posts.filter(([, amount]) => amount !== 0) };
}

type Fields = Readonly<Record<string, unknown>>;

/** Whether the JSON of a trusted command is a whole account, or a piece of its references. */
export function isCarried(c: Fields): boolean {
  const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
  const { refs } = c;
  const areRefs =
    Array.isArray(refs) &&
    refs.length <= MAX_CARRIED_REFS &&
    refs.every((one: unknown) => {
      const [ref, amount] = Array.isArray(one) ? (one as unknown[]) : [];
      return typeof ref === 'string' && Number.isSafeInteger(amount);
    });
  if (c['type'] === 'CarryRefs' || !areRefs) return areRefs;
  const amounts = ['balance', 'owed', 'limitsVersion', 'day', 'dayStaked', 'closedAt'];
  return (
    typeof c['currency'] === 'string' && typeof c['limits'] === 'object' && amounts.every((name) => isWhole(c[name]))
  );
}
