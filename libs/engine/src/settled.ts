/**
 * What settlement has given on each bet of a pool so far, packed beside the book, and what a changed result does to it: the bettor
 * gets, or gives back, only the difference. It must never take a balance below zero: what cannot be taken is owed, and what is
 * owed is kept back from later payouts.
 */
import type { CorrectionPolicy } from '#mutuel/tote';

export interface Settled {
  /** What the pool has given on each bet, minor units, by its index in the book. */
  readonly due: Float64Array;
  /** What bettors hold beyond that and may keep by the policy, at the operator's cost; null until there is some. */
  over: Float64Array | null;
  /** The sum of `due`. */
  total: number;
}

export const emptySettled = (bets: number): Settled => ({ due: new Float64Array(bets), over: null, total: 0 });

/**
 * What a bet now due `now` gets (negative: gives back), and what it then holds beyond that. Claw-back: all that is held too much.
 * Otherwise too little is made good and too much is left with the bettor.
 */
export function differenceOf(
  policy: CorrectionPolicy,
  held: number,
  now: number,
): { readonly amount: number; readonly over: number } {
  if (policy === 'CLAWBACK') return { amount: now - held, over: 0 };
  return { amount: Math.max(0, now - held), over: Math.max(0, held - now) };
}

/** An account after a settlement amount. `net` is how much less it owes (negative: more): the balance moves by `amount - net`. */
export function settleAccount(
  account: { readonly balance: number; readonly owed: number },
  amount: number,
): { readonly balance: number; readonly owed: number; readonly net: number } {
  const net = amount >= 0 ? Math.min(account.owed, amount) : Math.min(0, amount + account.balance);
  // No minus zero: it would be another state in the image.
  return { balance: account.balance + amount - net, owed: account.owed - net, net: net === 0 ? 0 : net };
}

export const heldOf = (settled: Settled | null, i: number): { readonly due: number; readonly over: number } => ({
  due: settled?.due[i] ?? 0,
  over: settled?.over?.[i] ?? 0,
});

/** Takes down that the bet at `i` is now due `due` after `amount` was given to, or taken from, its bettor. */
export function settleBet(settled: Settled, i: number, due: number, amount: number): void {
  const before = heldOf(settled, i);
  const over = before.due + before.over + amount - due;
  if (over !== before.over) {
    settled.over ??= new Float64Array(settled.due.length);
    settled.over[i] = over;
  }
  settled.due[i] = due;
  settled.total += due - before.due;
}

/** What an image keeps of it beside its packed memory. */
export type SettledImage = { readonly total: number; readonly over: boolean } | null;

export function settledImage(settled: Settled | null): {
  readonly small: SettledImage;
  readonly parts: readonly Uint8Array[];
} {
  if (!settled) return { small: null, parts: [] };
  const columns = settled.over ? [settled.due, settled.over] : [settled.due];
  return {
    small: { total: settled.total, over: settled.over !== null },
    parts: columns.map((column) => new Uint8Array(column.slice().buffer)),
  };
}

/** Takes its parts from the front of `parts`. */
export function restoreSettled(small: SettledImage, parts: Uint8Array[]): Settled | null {
  if (!small) return null;
  const column = (): Float64Array => {
    // A copy, whatever kind of view it is: a part of a file begins anywhere in its memory.
    return new Float64Array(new Uint8Array(parts.shift() as Uint8Array).buffer);
  };
  return { due: column(), over: small.over ? column() : null, total: small.total };
}
