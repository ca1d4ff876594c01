/**
 * What a finishing order with ties can mean: every linear order that agrees with it, written out. Counting or clever tie
 * tables are the first calculator's way and have no place here.
 */

export type Ranks = readonly (readonly string[])[];

/**
 * The beginnings of all linear orders that agree with the ties, `length` runners long or as long as there are finishers.
 * [[1],[2,3],[4]] of length 2: 1 2, 1 3.
 */
export function linearOrders(ranks: Ranks, length: number): readonly (readonly string[])[] {
  const orders: string[][] = [];
  const extend = (order: readonly string[]): void => {
    const next = firstUnfinished(ranks, order);
    if (order.length === length || next.length === 0) orders.push([...order]);
    else for (const runner of next) extend([...order, runner]);
  };
  extend([]);
  return orders;
}

/** The runners of the first rank that the order has not used up: any of them may come next. */
function firstUnfinished(ranks: Ranks, order: readonly string[]): readonly string[] {
  for (const rank of ranks) {
    const left = rank.filter((runner) => !order.includes(runner));
    if (left.length > 0) return left;
  }
  return [];
}

/**
 * The same ranks as betting interests: a second part of an interest is struck out wherever a first one stands before it
 * or beside it, since an interest cannot fill two positions of one combination.
 */
export function interestRanks(ranks: Ranks, interestOf: (runner: string) => string): Ranks {
  const seen = new Set<string>();
  const result: string[][] = [];
  for (const rank of ranks) {
    const fresh = [...new Set(rank.map(interestOf))].filter((interest) => !seen.has(interest));
    for (const interest of fresh) seen.add(interest);
    if (fresh.length > 0) result.push(fresh);
  }
  return result;
}
