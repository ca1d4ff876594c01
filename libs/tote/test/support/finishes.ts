/** Random finishing orders with ties, and every plain order that one allows, written out: what the generators are held against. */
import fc from 'fast-check';
import type { Finish } from '#mutuel/tote';

/** A finishing order, ties among it, of at least `least` of these runners. */
export const finishOf = (runners: readonly string[], least: number): fc.Arbitrary<Finish> =>
  fc
    .tuple(
      fc.shuffledSubarray([...runners], { minLength: least }),
      fc.array(fc.boolean(), { minLength: runners.length, maxLength: runners.length }),
    )
    .map(([order, isTied]) => {
      const ranks: string[][] = [];
      order.forEach((runner, i) => {
        const last = ranks.at(-1);
        if (last && isTied[i]) last.push(runner);
        else ranks.push([runner]);
      });
      return ranks;
    });

export function* ordersOf(finish: Finish): Generator<string[]> {
  const [rank, ...later] = finish;
  if (!rank) {
    yield [];
    return;
  }
  for (const head of permutationsOf(rank)) for (const tail of ordersOf(later)) yield [...head, ...tail];
}

function* permutationsOf(members: readonly string[]): Generator<string[]> {
  if (members.length === 0) yield [];
  for (const member of members)
    for (const rest of permutationsOf(members.filter((other) => other !== member))) yield [member, ...rest];
}
