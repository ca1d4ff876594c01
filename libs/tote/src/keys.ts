/**
 * Keys: the texts by which winning lines are named, in results, in what shards report and on dividend sheets. One text
 * reads as one question to a cover (`lines.ts`) and to a single combination; no key is ever guessed from another.
 *
 * - `4>7>1` places, `4-7-1` a set, `*` any runner; a key that is too short is filled up with stars (not in MULTI, where
 *   its length is the size of the line). In a pool of ordered lines a set asks for every order of it.
 * - `4-7-*!1-9`: lines that name neither 1 nor 9. `4-7-1!4>7>1`: lines of that set other than this order.
 */
import { legKeyLabel } from './legs.js';
import type { LineKey } from './lines.js';
import { type PoolType, STAR, shapeOf } from './pool-type.js';

/** Keys read before, so that a million tickets do not read the same few texts again. */
const read = new Map<PoolType, Map<string, LineKey>>();
const MOST_READ = 10_000;

export function readKey(poolType: PoolType, text: string): LineKey {
  const own = read.get(poolType) ?? new Map<string, LineKey>();
  if (own.size === 0) read.set(poolType, own);
  const known = own.get(text);
  if (known) return known;
  if (own.size >= MOST_READ) own.clear();
  const key = parseKey(poolType, text);
  own.set(text, key);
  return key;
}

/** The members of a key, one per place (stars for any), for a pool's shape; what it leaves out is not among them. */
export const keyMembers = (poolType: PoolType, key: string): readonly string[] => readKey(poolType, key).members;

/** What people read: the key without what it leaves out. */
export const keyLabel = (key: string): string => (key.includes('/') ? legKeyLabel(key) : (key.split('!', 1)[0] ?? key));

/** Whether one combination falls under a key, so that stakes by combination can be summed to a key's stake. */
export function combinationMatches(poolType: PoolType, combination: string, key: string): boolean {
  if (key === STAR || key === combination) return true;
  return lineMatches(readKey(poolType, combination), readKey(poolType, key));
}

function lineMatches({ members, ordered }: LineKey, key: LineKey): boolean {
  const wanted = key.members;
  if (wanted.length !== members.length || (key.ordered && !ordered) || (key.setsOnly && ordered)) return false;
  if (key.without?.some((runner) => members.includes(runner))) return false;
  const isUnder = key.ordered
    ? wanted.every((member, place) => member === STAR || members[place] === member)
    : wanted.every((member) => member === STAR || members.includes(member));
  return isUnder && !key.except?.some((other) => lineMatches({ members, ordered }, other));
}

function parseKey(poolType: PoolType, text: string): LineKey {
  const [head = '', ...left] = text.split('!');
  const key = parseHead(poolType, head);
  if (left.length === 0) return key;
  const except = left.filter((part) => part.includes('>')).map((part) => parseHead(poolType, part));
  const without = left.filter((part) => !part.includes('>')).flatMap((part) => part.split('-'));
  return { ...key, ...(without.length ? { without } : {}), ...(except.length ? { except } : {}) };
}

function parseHead(poolType: PoolType, head: string): LineKey {
  const { picks, arrangement } = shapeOf(poolType);
  if (arrangement === 'LEGS') return { ordered: true, members: filled(head.split('/'), picks) };
  const ordered = arrangement === 'ORDERED' && !head.includes('-');
  const members = head.split(ordered || head.includes('>') ? '>' : '-');
  if (poolType === 'MULTI') return { ordered: false, members };
  const setsOnly = poolType === 'QUARTET' && head.includes('-') ? { setsOnly: true } : {};
  return { ordered: ordered || head.includes('>'), members: filled(members, picks), ...setsOnly };
}

function filled(members: string[], picks: number): readonly string[] {
  while (members.length < picks) members.push(STAR);
  return members;
}
