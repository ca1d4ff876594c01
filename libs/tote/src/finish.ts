/**
 * The dead-heat generator: from a finishing order with ties to the prefixes of every linear order consistent with it.
 * Betting interests that come a second time are passed over, so an entry that finishes first and second leaves its
 * second place to the next interest. Ties are cut to the places that count before anything is listed: 24 horses in one
 * dead heat make as many winning combinations as there are, and no intermediate list.
 */
import { subsets } from './combinatorics.js';
import { assertTote } from './refusal.js';

/** Finishing ranks, ties together, best first: `[["4"],["7","1"]]`. */
export type Finish = readonly (readonly string[])[];

/** More winning combinations than this are no dead heat but a mistake (24 runners tied for five places: 5 million). */
const MAX_WINNING = 100_000;

/** The ranks as betting interests: each interest once, at its best rank; ranks left empty are dropped. */
export function interestRanks(finish: Finish, interest: (runner: string) => string): Finish {
  const seen = new Set<string>();
  return finish
    .map((rank) => {
      const fresh = [...new Set(rank.map(interest))].filter((member) => !seen.has(member));
      for (const member of fresh) seen.add(member);
      return fresh;
    })
    .filter((rank) => rank.length > 0);
}

/** Every ordered prefix of `places` interests (fewer if fewer finished), each once. */
export function orderedPrefixes(ranks: Finish, places: number): readonly (readonly string[])[] {
  return grow(ranks, places, (tied, room) => arrangements(tied, room));
}

/** Every set that can fill the first `places` places, each once, as lists without meaning in their order. */
export function prefixSets(ranks: Finish, places: number): readonly (readonly string[])[] {
  return grow(ranks, places, (tied, room) => subsets(tied, room));
}

function grow(
  ranks: Finish,
  places: number,
  choices: (tied: readonly string[], room: number) => Iterable<readonly string[]>,
): readonly (readonly string[])[] {
  let prefixes: readonly (readonly string[])[] = [[]];
  let filled = 0;
  for (const tied of ranks) {
    if (filled >= places) break;
    const room = Math.min(tied.length, places - filled);
    const next: (readonly string[])[] = [];
    for (const choice of choices(tied, room)) {
      for (const prefix of prefixes) next.push([...prefix, ...choice]);
      assertTote(next.length <= MAX_WINNING, `a finish makes more than ${MAX_WINNING} winning combinations`);
    }
    prefixes = next;
    filled += room;
  }
  return filled === 0 ? [] : prefixes;
}

/** Every ordered choice of `room` members. */
function* arrangements(members: readonly string[], room: number): Generator<string[]> {
  if (room === 0) {
    yield [];
    return;
  }
  for (const member of members) {
    for (const rest of arrangements(
      members.filter((other) => other !== member),
      room - 1,
    )) {
      yield [member, ...rest];
    }
  }
}
