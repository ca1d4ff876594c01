/**
 * Money that pools carry on, each amount on a ledger account of its own: what a pool carried out waits under the pool's id, what pools
 * put into a jackpot or reserve under the fund's. A later pool names the accounts that its carry-in comes from; nothing is taken
 * twice, and nothing that is not there. Where a correction takes back what a later pool has taken already, the operator bears it.
 */
import type { PoolType, RuleSet } from '#mutuel/tote';
import type { Fault } from './card-check.js';
import type { Posting } from './decider.js';
import type { MeetingCard, PoolCard } from './facts.js';

export interface CarryOver {
  readonly type: PoolType;
  readonly currency: string;
  /** All that was carried out onto it, minor units, by the results as they are now. */
  amount: number;
  /** What later pools take of it, from the publishing of their card on. */
  readonly taken: CarriedTo[];
}

export interface CarriedTo {
  readonly pool: string;
  readonly amount: number;
}

/** What a pool's carry-in is made of. */
export interface CarriedFrom {
  readonly id: string;
  readonly amount: number;
}

export type CarryOvers = Map<string, CarryOver>;

/** The fund that pools of this rule set put their jackpot or reserve into, over all their dated versions. */
export const fundOf = ({ name, poolType }: RuleSet): string => `fund:${name}-${poolType}`;

const accountOf = (id: string): string => `carry-over:${id}`;
/** A carry-in that names no account is money that the operator brings in. */
const OPERATORS = 'carry-over';
/** Where a correction's shortfall goes: money carried on by a result that is no more, and taken by a later pool. */
const CORRECTED = 'house:carry-over-correction';

export const leftOf = ({ amount, taken }: CarryOver): number =>
  amount - taken.reduce((sum, one) => sum + one.amount, 0);

/** Why the carry-ins of a card cannot come from where they say; pointers as in the card. */
export function faultOfCarryIns(carryOvers: CarryOvers, { races, currency }: MeetingCard): Fault | undefined {
  const taken = new Map<string, number>();
  for (const [i, race] of races.entries()) {
    for (const [k, pool] of race.pools.entries()) {
      const at = `/races/${i}/pools/${k}`;
      for (const wish of wishesOf(pool)) {
        const { from, name, amount } = wish;
        for (const [n, id] of from.entries()) {
          const detail = faultOfSource(carryOvers.get(id), id, pool, currency);
          if (detail) return { detail, pointer: `${at}/${name}From/${n}` };
        }
        const sources = sourcesOf(carryOvers, wish, taken);
        const there = sources.reduce((sum, one) => sum + one.amount, 0);
        if (from.length > 0 && there < amount)
          return {
            detail: `${from.join(', ')} ${from.length === 1 ? 'holds' : 'hold'} ${there} that no pool has taken; ${pool.poolId} asks for ${amount}.`,
            pointer: `${at}/${name}InMinor`,
          };
        for (const { id, amount: part } of sources) taken.set(id, (taken.get(id) ?? 0) + part);
      }
    }
  }
  return undefined;
}

/** A pool of a card, or of one published before. */
export interface OwnedPool {
  readonly card: PoolCard;
  readonly currency: string;
}

/** A fund is of one currency: minor units of another would be added to it as if they were its own. */
export function faultOfFunds(
  carryOvers: CarryOvers,
  { races, currency }: MeetingCard,
  published: readonly OwnedPool[],
): Fault | undefined {
  const others = new Map(
    published.filter(({ card }) => fillsFund(card)).map((pool) => [fundOf(pool.card.ruleSet), pool.currency]),
  );
  for (const [i, { pools }] of races.entries()) {
    for (const [k, pool] of pools.entries()) {
      const id = fundOf(pool.ruleSet);
      const held = carryOvers.get(id)?.currency ?? others.get(id) ?? currency;
      if (!fillsFund(pool) || held === currency) continue;
      return {
        detail: `The jackpot or reserve ${id} is in ${held}, the meeting in ${currency}: rules for ${currency} need a name of their own.`,
        pointer: `/races/${i}/pools/${k}/ruleSet/name`,
      };
    }
  }
  return undefined;
}

/** Whether some of a pool's money can end in the fund of its rules. */
const fillsFund = ({ ruleSet: { jackpot, unique, tiers = [] }, jackpotInMinor }: PoolCard): boolean =>
  jackpot !== undefined ||
  unique !== undefined ||
  jackpotInMinor !== undefined ||
  tiers.some(({ uncovered }) => uncovered === 'JACKPOT');

function faultOfSource(
  source: CarryOver | undefined,
  id: string,
  pool: PoolCard,
  currency: string,
): string | undefined {
  if (!source) return `There is no carry-over ${id}.`;
  if (source.currency !== currency) return `The carry-over ${id} is in ${source.currency}, the meeting in ${currency}.`;
  if (source.type !== pool.type)
    return `The carry-over ${id} is of a ${source.type}, ${pool.poolId} is a ${pool.type}.`;
  return undefined;
}

/** What a pool wants of carry-overs: its carry-in and its jackpot money, each with the accounts it names. */
interface Wish {
  readonly name: 'carry' | 'jackpot';
  readonly from: readonly string[];
  readonly amount: number;
}

const wishesOf = ({
  carryFrom = [],
  carryInMinor,
  jackpotFrom = [],
  jackpotInMinor = 0,
}: PoolCard): readonly Wish[] => [
  { name: 'carry', from: carryFrom, amount: carryInMinor },
  { name: 'jackpot', from: jackpotFrom, amount: jackpotInMinor },
];

/** What is taken from the accounts named, in their order; `taken` is what others of the card take before. */
function sourcesOf(
  carryOvers: CarryOvers,
  { from, amount: wanted }: Wish,
  taken: ReadonlyMap<string, number> = new Map(),
): CarriedFrom[] {
  const sources: CarriedFrom[] = [];
  let missing = wanted;
  for (const id of new Set(from)) {
    const source = carryOvers.get(id);
    const left = source ? Math.max(0, leftOf(source) - (taken.get(id) ?? 0)) : 0;
    const amount = Math.min(missing, left);
    if (amount > 0) sources.push({ id, amount });
    missing -= amount;
  }
  return sources;
}

/** Reserves a published pool's carry-in and jackpot money; an account named for both stands twice. */
export function takeCarryIn(carryOvers: CarryOvers, pool: PoolCard): readonly CarriedFrom[] {
  return wishesOf(pool).flatMap((wish) => {
    const sources = sourcesOf(carryOvers, wish);
    for (const { id, amount } of sources) carryOvers.get(id)?.taken.push({ pool: pool.poolId, amount });
    return sources;
  });
}

/** A pool that was never declared gives back what it had reserved. */
export function releaseCarryIn(carryOvers: CarryOvers, poolId: string, sources: readonly CarriedFrom[]): void {
  for (const { id } of sources) {
    const taken = carryOvers.get(id)?.taken;
    const at = taken?.findIndex(({ pool }) => pool === poolId) ?? -1;
    if (at >= 0) taken?.splice(at, 1);
  }
}

/** What a declared pool carries on: under its own id, and into its fund. */
export interface CarriedOn {
  readonly card: PoolCard;
  readonly currency: string;
  readonly carryOut: number;
  /** Of it: for the jackpot or reserve. */
  readonly jackpot: number;
}

const partsOf = ({ card, carryOut, jackpot }: CarriedOn): readonly CarriedFrom[] => [
  { id: card.poolId, amount: carryOut - jackpot },
  { id: fundOf(card.ruleSet), amount: jackpot },
];

/** Takes a declaration down; `before` is the one it replaces. */
export function carryOn(carryOvers: CarryOvers, now: CarriedOn, before: CarriedOn | null): void {
  const was = before ? partsOf(before) : [];
  for (const [k, { id, amount }] of partsOf(now).entries()) {
    const more = amount - (was[k]?.amount ?? 0);
    const known = carryOvers.get(id);
    if (known) known.amount += more;
    else if (more !== 0) carryOvers.set(id, { type: now.card.type, currency: now.currency, amount: more, taken: [] });
  }
}

/** The carry-over side of a declaration's postings. */
export const carryPostings = (now: CarriedOn, carryIn: number, sources: readonly CarriedFrom[]): Posting[] => [
  ...sources.map(({ id, amount }): Posting => [accountOf(id), -amount]),
  [OPERATORS, sources.reduce((sum, one) => sum + one.amount, 0) - carryIn],
  ...partsOf(now).map(({ id, amount }): Posting => [accountOf(id), amount]),
];

/** No account stays below zero: what a correction takes from one that a later pool has used, the operator puts there, and takes again. */
export function shortfallPostings(carryOvers: CarryOvers, now: CarriedOn, before: CarriedOn | null): Posting[] {
  const was = before ? partsOf(before) : [];
  return partsOf(now).flatMap(({ id, amount }, k): Posting[] => {
    const known = carryOvers.get(id);
    if (!known) return [];
    const left = leftOf(known);
    const covered = Math.max(0, -(left + amount - (was[k]?.amount ?? 0))) - Math.max(0, -left);
    return coverPostings(id, covered);
  });
}

/**
 * What the operator has put up for a correction's shortfall comes back with the pool that had reserved the money and is void: what
 * nobody takes any more needs no cover.
 */
export function releasePostings(carryOvers: CarryOvers, released: ReadonlyMap<string, number>): Posting[] {
  return [...released].flatMap(([id, amount]): Posting[] => {
    const known = carryOvers.get(id);
    const left = known ? leftOf(known) : 0;
    const covered = Math.min(amount, Math.max(0, -left));
    return coverPostings(id, -covered);
  });
}

/** What the operator puts on an account, or takes back from it below zero. */
function coverPostings(id: string, covered: number): Posting[] {
  if (covered === 0) return [];
  return [
    [accountOf(id), covered],
    [CORRECTED, -covered],
  ];
}

/**
 * An account on which nothing is left leaves the state with the race it came from, but not while a pool has only reserved it: `isOpen`
 * tells of a pool that may yet be void and give it back.
 */
export function forgetSpent(carryOvers: CarryOvers, poolId: string, isOpen: (pool: string) => boolean): void {
  const known = carryOvers.get(poolId);
  if (known && leftOf(known) <= 0 && !known.taken.some(({ pool }) => isOpen(pool))) carryOvers.delete(poolId);
}
