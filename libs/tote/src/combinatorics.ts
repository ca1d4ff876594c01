/** Small combinatorics: choices, orders, and how many there are. Exact below 2^53; lists only what its caller bounds. */

/** n over k; 0 outside 0 … n. Exact below 2^53. */
export function choose(n: number, k: number): number {
  if (k < 0 || k > n) return 0;
  let result = 1;
  for (let i = 1; i <= Math.min(k, n - k); i++) result = (result * (n - Math.min(k, n - k) + i)) / i;
  return result;
}

export function factorial(n: number): number {
  let result = 1;
  for (let i = 2; i <= n; i++) result *= i;
  return result;
}

/** Every choice of k members, in the order they are listed. */
export function* subsets(members: readonly string[], k: number, from = 0): Generator<string[]> {
  if (k === 0) {
    yield [];
    return;
  }
  for (let i = from; i <= members.length - k; i++) {
    const member = members[i];
    if (member === undefined) continue;
    for (const rest of subsets(members, k - 1, i + 1)) yield [member, ...rest];
  }
}

/** Every order of the members. */
export function* permutations(members: readonly string[]): Generator<string[]> {
  if (members.length === 0) yield [];
  for (const member of members) {
    for (const rest of permutations(members.filter((other) => other !== member))) yield [member, ...rest];
  }
}

export function* mapEach<A, B>(values: Iterable<A>, map: (value: A) => B): Generator<B> {
  for (const value of values) yield map(value);
}

export function* flatMapEach<A, B>(values: Iterable<A>, map: (value: A) => Iterable<B>): Generator<B> {
  for (const value of values) yield* map(value);
}
