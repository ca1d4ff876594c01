/**
 * What an account's limits are after a change, limit by limit, told a second time in words of its own: lower at once, higher a day after it
 * was asked for, an exclusion never shorter than it was.
 */
const DAY = 86_400_000;
const NONE = Number.POSITIVE_INFINITY;
const STAKES = ['ticketMax', 'dayStake'] as const;

type Stakes = { readonly [name in (typeof STAKES)[number]]?: number | null };

/** Of one account; `later` is what was asked for and waits. */
export interface AccountLimits {
  readonly ticketMax?: number;
  readonly dayStake?: number;
  readonly excludedUntil?: number;
  readonly blocked?: boolean;
  readonly later?: { readonly ticketMax?: number; readonly dayStake?: number; readonly from: number };
}

type Asked = Stakes & { readonly excludeForMs?: number; readonly excludedUntil?: number; readonly blocked?: boolean };

/** The most that may be staked at this time. */
export function inForce({ later, ...limits }: AccountLimits, at: number): { ticketMax: number; dayStake: number } {
  const { ticketMax = NONE, dayStake = NONE } = later && later.from <= at ? later : limits;
  return { ticketMax, dayStake };
}

/** The refusal of whoever may neither bet nor pay in. */
export function barredBy({ blocked, excludedUntil = 0 }: AccountLimits, at: number): string | undefined {
  if (blocked) return 'ACCOUNT_BLOCKED';
  return excludedUntil > at ? 'SELF_EXCLUDED' : undefined;
}

/** Whether these are the limits that follow from what was asked for then. */
export const follows = (before: AccountLimits, asked: Asked, at: number, after: AccountLimits): boolean =>
  JSON.stringify(listed(limitsAfter(before, asked, at), at)) === JSON.stringify(listed(after, at));

/** As figures alone; an exclusion that is over is none. */
function listed({ ticketMax, dayStake, excludedUntil = 0, blocked, later }: AccountLimits, at: number): unknown[] {
  const figure = (limit: number | undefined): number => (limit === undefined || limit === NONE ? -1 : limit);
  const waiting = later && [figure(later.ticketMax), figure(later.dayStake), later.from];
  return [
    figure(ticketMax),
    figure(dayStake),
    excludedUntil > at ? excludedUntil : 0,
    blocked === true,
    waiting ?? null,
  ];
}

function limitsAfter(before: AccountLimits, asked: Asked, at: number): AccountLimits {
  const isWaiting = before.later !== undefined && before.later.from > at;
  const from = isWaiting ? (before.later?.from ?? 0) : 0;
  const moved = STAKES.map((name) => {
    const now = inForce(before, at)[name];
    const due = isWaiting ? (before.later?.[name] ?? NONE) : now;
    const { [name]: given } = asked;
    const wish = given === undefined ? due : (given ?? NONE);
    return { name, held: Math.min(now, wish), wish, isMore: wish > due };
  });
  const of = (key: 'held' | 'wish') => Object.fromEntries(moved.map((one) => [one.name, one[key]]));
  const waits = moved.some(({ held, wish }) => wish > held);
  const { excludedUntil = 0, excludeForMs } = asked;
  const until = excludeForMs === undefined ? 0 : at + excludeForMs;
  return {
    ...of('held'),
    excludedUntil: [before.excludedUntil ?? 0, excludedUntil, until].sort((a, b) => b - a)[0] ?? 0,
    blocked: asked.blocked === undefined ? before.blocked === true : asked.blocked,
    ...(waits ? { later: { ...of('wish'), from: moved.some(({ isMore }) => isMore) ? at + DAY : from } } : {}),
  };
}
