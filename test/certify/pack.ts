/**
 * In which order faults strike: a pack of all of them, each as often as its weight says, drawn at random with one of every kind on top.
 * A short run would otherwise hardly ever meet a full disk among so many kills and pauses. It must never leave one out.
 */
import type { Fault } from './target.js';

export function packOf(faults: readonly Fault[], random: () => number): Fault[] {
  const pack = shuffled(
    faults.flatMap((fault) => Array<Fault>(fault.weight).fill(fault)),
    random,
  );
  const kinds = [...new Set(pack.map(({ kind }) => kind))];
  const top = shuffled(kinds, random).map((kind) => pack.findIndex((fault) => fault.kind === kind));
  return [...top.map((i) => pack[i] as Fault), ...pack.filter((_, i) => !top.includes(i))];
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const left = [...values];
  return values.map(() => left.splice(Math.floor(random() * left.length), 1)[0] as T);
}
