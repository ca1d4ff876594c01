/**
 * What a player may stake, and who may not bet at all. A lower limit holds at once, a higher one a day after it was asked for, an
 * exclusion until its time, all by append times. It must never shorten an exclusion, or loosen anything that nobody asked to loosen.
 */
import type { Limits, StakeLimits } from './carry.js';

const DAY_MS = 86_400_000;
/** From asking for a higher limit to having it (requirement 60). */
const RAISE_AFTER_MS = DAY_MS;
/** How long a holder may exclude themself: 24 hours to 12 months (requirement 59). */
export const SHORTEST_EXCLUSION_MS = DAY_MS;
export const LONGEST_EXCLUSION_MS = 366 * DAY_MS;

/** A change of limits: what is absent stays as it is, null is no limit. */
export interface AskedLimits {
  /** Highest stake of one ticket, minor units. */
  readonly ticketMax?: number | null;
  /** Highest sum of stakes of one UTC day. */
  readonly dayStake?: number | null;
  /** The holder's own exclusion, from the append of the command on. */
  readonly excludeForMs?: number;
  /** An exclusion that is imposed, to a time; milliseconds UTC. */
  readonly excludedUntil?: number;
  readonly blocked?: boolean;
}

/** What may be staked at this append time. */
export const limitsAt = (limits: Limits, at: number): StakeLimits =>
  limits.later !== undefined && at >= limits.later.from ? limits.later : limits;

/** The limits after a change that was appended then. */
export function changeLimits(limits: Limits, asked: AskedLimits, at: number): Limits {
  const now = limitsAt(limits, at);
  const waiting = limits.later !== undefined && at < limits.later.from ? limits.later : undefined;
  const wanted = { ...pick(waiting ?? now), ...given(asked) };
  const held = { ticketMax: lower(now.ticketMax, wanted.ticketMax), dayStake: lower(now.dayStake, wanted.dayStake) };
  const isLooser = isAbove(wanted, held);
  // What waits already and is not loosened further goes on waiting as long as it did.
  const from = waiting !== undefined && !isAbove(wanted, waiting) ? waiting.from : at + RAISE_AFTER_MS;
  const excludedUntil = Math.max(
    limits.excludedUntil ?? 0,
    asked.excludedUntil ?? 0,
    asked.excludeForMs === undefined ? 0 : at + asked.excludeForMs,
  );
  return {
    ...pick(held),
    ...(excludedUntil > at ? { excludedUntil } : {}),
    ...((asked.blocked ?? limits.blocked) ? { blocked: true } : {}),
    ...(isLooser ? { later: { ...pick(wanted), from } } : {}),
  };
}

/** Undefined or null: no limit. */
type Bounds = { readonly [name in keyof StakeLimits]?: number | null | undefined };

const pick = ({ ticketMax, dayStake }: Bounds): StakeLimits => ({
  ...(ticketMax == null ? {} : { ticketMax }),
  ...(dayStake == null ? {} : { dayStake }),
});

const given = ({ ticketMax, dayStake }: AskedLimits): Bounds => ({
  ...(ticketMax === undefined ? {} : { ticketMax }),
  ...(dayStake === undefined ? {} : { dayStake }),
});

const height = (limit: number | null | undefined): number => limit ?? Number.POSITIVE_INFINITY;

const lower = (one: number | null | undefined, other: number | null | undefined) =>
  height(one) < height(other) ? one : other;

const isAbove = (one: Bounds, other: Bounds): boolean =>
  height(one.ticketMax) > height(other.ticketMax) || height(one.dayStake) > height(other.dayStake);
