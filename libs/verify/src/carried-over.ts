/**
 * Money that pools carry on: what nobody has won waits on an account under the pool's name, what its rules put by under that of their
 * fund, and a later card takes of it what is there. Told by the market's log; the amounts come from sheets that are priced again, in the
 * end. It must never let an account hold anything but that.
 */
import type { Posting } from './postings.js';

/** What a card says of a pool's money. */
export interface MoneyCard {
  readonly poolId: string;
  readonly type: string;
  readonly ruleSet: { readonly name: string };
  readonly carryInMinor: number;
  readonly jackpotInMinor?: number;
  readonly carryFrom?: readonly string[];
  readonly jackpotFrom?: readonly string[];
  readonly legs?: readonly string[];
}

/** What the market did, in its order, as far as it is about such money. */
type Step =
  | { readonly t: 'published'; readonly pools: readonly MoneyCard[]; readonly at: string }
  | { readonly t: 'released'; readonly pools: readonly string[]; readonly at: string }
  | { readonly t: 'declared'; readonly pools: readonly DeclaredPool[]; readonly at: string }
  | { readonly t: 'booked'; readonly posts: readonly Posting[]; readonly at: string };

interface DeclaredPool {
  readonly pool: string;
  readonly version: number;
}

interface Account {
  /** By the results as they are declared. */
  carried: number;
  /** What later pools take of it; reserved until they are declared. */
  readonly taken: { readonly pool: string; readonly amount: number; isReserved: boolean }[];
  balance: number;
  /** How far it was off when that was told last. */
  off: number;
}

type CarriedOn = { readonly carryOut: number; readonly jackpot: number };
/** What a pool carries on by a result; undefined where it could not be priced. */
type CarriedBy = (pool: string, version: number) => CarriedOn | undefined;

const PREFIX = 'carry-over:';
const NOTHING: CarriedOn = { carryOut: 0, jackpot: 0 };

export class CarriedOver {
  readonly #steps: Step[] = [];
  readonly #cards = new Map<string, MoneyCard>();
  readonly #accounts = new Map<string, Account>();
  readonly #before = new Map<string, CarriedOn>();
  /** Onto which something was carried that nobody can tell. */
  readonly #unknown = new Set<string>();

  constructor(
    private readonly say: {
      readonly find: (at: string, what: string) => void;
      readonly pass: (what: string) => void;
    },
  ) {}

  published(pools: readonly MoneyCard[], at: string): void {
    for (const card of pools) this.#cards.set(card.poolId, card);
    const taking = pools.filter(({ carryFrom = [], jackpotFrom = [] }) => carryFrom.length + jackpotFrom.length > 0);
    if (taking.length > 0) this.#steps.push({ t: 'published', pools: taking, at });
  }

  released(pools: readonly string[], at: string): void {
    this.#steps.push({ t: 'released', pools, at });
  }

  declared(pools: readonly DeclaredPool[], at: string): void {
    this.#steps.push({ t: 'declared', pools, at });
  }

  /** With the decision all of whose other steps have been told. */
  booked(posts: readonly Posting[], at: string): void {
    const own = posts.filter(([account]) => account.startsWith(PREFIX));
    if (own.length > 0 || this.#steps.at(-1)?.at === at) this.#steps.push({ t: 'booked', posts: own, at });
  }

  finish(carriedBy: CarriedBy): void {
    for (const step of this.#steps)
      switch (step.t) {
        case 'published':
          for (const card of step.pools) this.#take(card, step.at);
          break;
        case 'released':
          for (const pool of step.pools) this.#release(pool);
          break;
        case 'declared':
          for (const { pool, version } of step.pools) this.#carry(pool, carriedBy(pool, version));
          break;
        case 'booked':
          this.#book(step.posts, step.at);
      }
    for (const id of this.#unknown) this.say.pass(`what stands on carry-over:${id}, of dividends not priced again`);
  }

  #account(id: string): Account {
    const known = this.#accounts.get(id) ?? { carried: 0, taken: [], balance: 0, off: 0 };
    this.#accounts.set(id, known);
    return known;
  }

  /** In the order in which the card names the accounts, of each what is there. */
  #take(card: MoneyCard, at: string): void {
    const { poolId: pool, carryFrom = [], carryInMinor, jackpotFrom = [], jackpotInMinor = 0 } = card;
    for (const [from, wanted] of [
      [carryFrom, carryInMinor],
      [jackpotFrom, jackpotInMinor],
    ] as const) {
      let missing = wanted;
      for (const id of new Set(from)) {
        const { carried, taken } = this.#account(id);
        const amount = Math.min(missing, Math.max(0, carried - sumOf(taken)));
        if (amount > 0) taken.push({ pool, amount, isReserved: true });
        missing -= amount;
      }
      const isKnown = !from.some((id) => this.#unknown.has(id));
      if (from.length > 0 && missing > 0 && isKnown)
        this.say.find(at, `${pool} takes ${wanted} of ${from.join(', ')}, where ${wanted - missing} is left`);
    }
  }

  #release(pool: string): void {
    for (const { taken } of this.#accounts.values())
      for (let i = taken.length - 1; i >= 0; i--) if (taken[i]?.pool === pool) taken.splice(i, 1);
  }

  #carry(pool: string, now: CarriedOn | undefined): void {
    const { ruleSet, type } = this.#cards.get(pool) as MoneyCard;
    const fund = `fund:${ruleSet.name}-${type}`;
    for (const { taken } of this.#accounts.values())
      for (const one of taken) if (one.pool === pool) one.isReserved = false;
    if (!now) {
      this.#unknown.add(pool).add(fund);
      return;
    }
    const was = this.#before.get(pool) ?? NOTHING;
    this.#before.set(pool, now);
    if (now.carryOut !== was.carryOut) this.#account(pool).carried += now.carryOut - was.carryOut;
    if (now.jackpot !== was.jackpot) this.#account(fund).carried += now.jackpot - was.jackpot;
  }

  /** What a correction takes from a pool that has reserved it is there all the same, of the operator's money. */
  #book(posts: readonly Posting[], at: string): void {
    for (const [account, amount] of posts) this.#account(account.slice(PREFIX.length)).balance += amount;
    for (const [id, account] of this.#accounts) {
      if (this.#unknown.has(id)) continue;
      const { carried, taken, balance } = account;
      const reserved = sumOf(taken.filter(({ isReserved }) => isReserved));
      const due = Math.max(reserved, carried - (sumOf(taken) - reserved));
      if (balance - due !== account.off)
        this.say.find(at, `${balance} stands on ${PREFIX}${id}; of what nobody has won ${due} is left`);
      account.off = balance - due;
    }
  }
}

const sumOf = (taken: Account['taken']): number => taken.reduce((sum, { amount }) => sum + amount, 0);
