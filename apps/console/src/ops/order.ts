// The order of finish while it is being entered: ranks filled by tapping, ties by tapping into a rank again. It must never
// reorder what was tapped; whether the order stands is the market's to decide.

export interface Order {
  /** Runners at each rank, ties together; trailing ranks may be empty. */
  readonly ranks: readonly (readonly string[])[];
  readonly disqualified: readonly string[];
  /** Where the next tap goes: an index of `ranks`, or `DISQUALIFIED`. */
  readonly active: number | 'DISQUALIFIED';
}

export const EMPTY_ORDER: Order = { ranks: [[]], disqualified: [], active: 0 };

export function orderFrom(finish: readonly (readonly string[])[]): Order {
  return { ranks: [...finish, []], disqualified: [], active: finish.length };
}

/** Puts a runner at the active rank, or takes it back when it is already placed. */
export function tap(order: Order, runner: string): Order {
  if (isPlaced(order, runner)) return remove(order, runner);
  if (order.active === 'DISQUALIFIED') return { ...order, disqualified: [...order.disqualified, runner] };
  const active = order.active;
  const ranks = order.ranks.map((rank, index) => (index === active ? [...rank, runner] : rank));
  const open = ranks.at(-1)?.length === 0 ? ranks : [...ranks, []];
  return { ...order, ranks: open, active: firstEmpty(open) };
}

/** The next tap goes here; a rank that has a runner already becomes a dead heat. */
export function pick(order: Order, active: Order['active']): Order {
  return { ...order, active };
}

export function isPlaced(order: Order, runner: string): boolean {
  return order.disqualified.includes(runner) || order.ranks.some((rank) => rank.includes(runner));
}

/** 1 for the first rank; after a dead heat of two for first the next is 3. */
export function placeOf(order: Order, index: number): number {
  return 1 + order.ranks.slice(0, index).reduce((before, rank) => before + rank.length, 0);
}

export function finishOf(order: Order): string[][] {
  return order.ranks.filter((rank) => rank.length > 0).map((rank) => [...rank]);
}

/** What keeps the order from being sent, as a sentence; null when nothing does. `needed`: places the race's pools price. */
export function gap(order: Order, needed: number): string | null {
  const last = order.ranks.findLastIndex((rank) => rank.length > 0);
  if (last === -1) return 'Tap the winner first.';
  const hole = order.ranks.slice(0, last).findIndex((rank) => rank.length === 0);
  if (hole !== -1) return `Nobody is ${ordinal(placeOf(order, hole))} yet, but a later place is filled.`;
  const placed = finishOf(order).flat().length;
  if (placed < needed)
    return `The pools of this race need the first ${needed}; ${placed} ${placed === 1 ? 'is' : 'are'} placed.`;
  return null;
}

/** The order as it is read out: `1st 4 · 2nd 7 · 3rd 1 and 2, dead heat`. */
export function readOut(finish: readonly (readonly string[])[]): string {
  let before = 0;
  return finish
    .map((rank) => {
      const place = before + 1;
      before += rank.length;
      return `${ordinal(place)} ${rank.join(' and ')}${rank.length > 1 ? ', dead heat' : ''}`;
    })
    .join(' · ');
}

export function ordinal(place: number): string {
  const tens = place % 100;
  if (tens >= 11 && tens <= 13) return `${place}th`;
  return `${place}${['th', 'st', 'nd', 'rd'][place % 10] ?? 'th'}`;
}

function remove(order: Order, runner: string): Order {
  const ranks = order.ranks.map((rank) => rank.filter((one) => one !== runner));
  while (ranks.length > 1 && ranks.at(-1)?.length === 0 && ranks.at(-2)?.length === 0) ranks.pop();
  return { ranks, disqualified: order.disqualified.filter((one) => one !== runner), active: firstEmpty(ranks) };
}

function firstEmpty(ranks: readonly (readonly string[])[]): number {
  return ranks.findIndex((rank) => rank.length === 0);
}
