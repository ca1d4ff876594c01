/**
 * Published seals against those of a log: every one must be signed by a trusted key and say what the log says, none may be of a close
 * that the log does not hold, and none that the log holds may be missing where the answers it should stand in were taken. It must never
 * call a seal missing that an answer had no room or no question for.
 */
import { readSeal, type SealStatement } from './receipt.js';
import { faultOfFile } from './shapes.js';
import type { Signed, TrustedKeys } from './signed.js';

/** One answer of `GET /v1/seals`, read with trusted keys: what it says, and what is wrong with it. */
export interface PublishedSeals {
  readonly seals: readonly SealStatement[];
  readonly faults: readonly string[];
  /** Not one answer but every seal there is: what is not among them is missing, however young. */
  readonly areAll?: boolean;
}

interface Say {
  readonly find: (at: string, what: string) => void;
  readonly pass: (what: string) => void;
}

/** What is sealed is signed at once, or within this time once the key is back: only then it is missing. */
const SIGNED_WITHIN_MS = 120_000;
const PLACE = 'published seals';

/** Throws `SyntaxError` for a file that is no such answer. */
export function readPublishedSeals(file: unknown, name: string, keys: TrustedKeys): PublishedSeals {
  const fault = faultOfFile('seals', file);
  if (fault !== undefined) throw new SyntaxError(`${name} is no answer of GET /v1/seals: ${fault}`);
  const { seals } = file as {
    readonly seals: readonly (Signed & { readonly poolId: string; readonly closeNo: number })[];
  };
  const faults: string[] = [];
  const read = seals.flatMap((signed) => {
    const said = readSeal(signed, keys);
    if (typeof said === 'string') faults.push(`the seal of ${signed.poolId}, close ${signed.closeNo}: ${said}`);
    return typeof said === 'string' ? [] : [said];
  });
  return { seals: read, faults };
}

/** How many are equal to the log's; `logged`: all closes of the log, with the place of the market's word. */
export function compareSeals(
  answers: readonly PublishedSeals[],
  logged: readonly { readonly seal: SealStatement; readonly at: string }[],
  { find, pass }: Say,
): number {
  const own = new Map(logged.map((one) => [keyOf(one.seal), one]));
  const published = new Map<string, SealStatement>();
  let equal = 0;
  for (const { seals, faults } of answers) {
    for (const fault of faults) find(PLACE, fault);
    for (const seal of seals) {
      const [name, known, before] = [nameOf(seal), own.get(keyOf(seal)), published.get(keyOf(seal))];
      published.set(keyOf(seal), seal);
      if (before) {
        if (faultOf(before, seal)) find(PLACE, `${name} is published twice, as two different ones`);
      } else if (!known) find(PLACE, `${name} is published, and the log holds no such close`);
      else {
        const fault = faultOf(known.seal, seal);
        if (fault === undefined) equal += 1;
        else find(known.at, `${name} is published with ${fault}`);
      }
    }
  }
  for (const { seal, at } of logged) {
    if (published.has(keyOf(seal))) continue;
    if (answers.some((answer) => covers(answer, seal))) find(at, `${nameOf(seal)} is not among the published seals`);
    else pass('seals of the log that are older or newer than the published ones, or of races they are not about');
  }
  return equal;
}

/**
 * An answer goes from its newest seal back to its oldest, of all races or of the one that was asked for; of one race with one pool it may
 * be about that pool alone.
 */
function covers({ seals, areAll = false }: PublishedSeals, { raceId, sealedAt }: SealStatement): boolean {
  if (areAll) return true;
  const times = seals.map((seal) => seal.sealedAt);
  if (sealedAt <= Math.min(...times) || sealedAt > Math.max(...times) - SIGNED_WITHIN_MS) return false;
  const races = new Set(seals.map((seal) => seal.raceId));
  return races.size > 1 || (races.has(raceId) && new Set(seals.map(({ poolId }) => poolId)).size > 1);
}

const keyOf = ({ poolId, closeNo }: SealStatement): string => `${poolId} ${closeNo}`;
const nameOf = ({ poolId, closeNo }: SealStatement): string => `the seal of ${poolId}, close ${closeNo},`;

/** The first part that differs, in words. */
function faultOf(own: SealStatement, said: SealStatement): string | undefined {
  const { shards, ...sums } = own;
  for (const name of Object.keys(sums) as (keyof typeof sums)[])
    if (said[name] !== own[name]) return `${name} ${said[name]}, the log says ${own[name]}`;
  if (said.shards.length !== shards.length) return `${said.shards.length} shards, the log says ${shards.length}`;
  for (const [i, part] of shards.entries())
    for (const name of Object.keys(part) as (keyof typeof part)[])
      if (said.shards[i]?.[name] !== part[name])
        return `${name} ${said.shards[i]?.[name]} of shard ${part.shard}, the log says ${part[name]}`;
  return undefined;
}
