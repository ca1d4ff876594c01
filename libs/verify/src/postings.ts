/** What a decision books, in minor units. It must never say what a booking is for: whoever reads an account's name decides that. */
export type Posting = readonly [account: string, amount: number];

/** The sum on an account, 0 where nothing is booked on it. */
export function bookedBy(posts: readonly Posting[]): (account: string) => number {
  const sums = new Map<string, number>();
  for (const [account, amount] of posts) sums.set(account, (sums.get(account) ?? 0) + amount);
  return (account) => sums.get(account) ?? 0;
}

/** What an account holds and owes. */
export interface Purse {
  held: number;
  owing: number;
}

/**
 * By how much the account owes less afterwards: of a payment what it owes is kept back, of what is taken back what it does not hold is
 * owed. No more, and no less.
 */
export const netOf = ({ held, owing }: Readonly<Purse>, amount: number): number =>
  amount >= 0 ? Math.min(owing, amount) : Math.min(0, held + amount);

export function move(purse: Purse, amount: number, net: number): void {
  purse.held += amount - net;
  purse.owing -= net;
}
