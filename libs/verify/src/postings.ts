/** What a decision books, in minor units. It must never say what a booking is for: whoever reads an account's name decides that. */
export type Posting = readonly [account: string, amount: number];

/** The sum on an account, 0 where nothing is booked on it. */
export function bookedBy(posts: readonly Posting[]): (account: string) => number {
  const sums = new Map<string, number>();
  for (const [account, amount] of posts) sums.set(account, (sums.get(account) ?? 0) + amount);
  return (account) => sums.get(account) ?? 0;
}
