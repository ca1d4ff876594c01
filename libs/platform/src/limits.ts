/**
 * How many tickets one client may send in ten seconds, over all API nodes together. Partners fail closed: while nobody can count for
 * all nodes, their tickets are turned away before anything is appended. A player or a point of sale is counted here alone for as long
 * as that is so. It protects the system and decides nothing about bets; it must never count on the path of everybody's bet what one
 * addition in memory can tell.
 */
import type { UseCounter } from '#mutuel/runtime';
import type { Principal } from './auth.js';
import { Generations } from './generations.js';
import { Problem } from './problem.js';

/** By channel, tickets in ten seconds; 0 sets none. */
export interface LimitsByChannel {
  readonly web: number;
  readonly pos: number;
  readonly partner: number;
}

export type Held = 'LIMIT' | 'NOT_COUNTED';

export interface LimitsOptions {
  readonly counter: UseCounter;
  readonly limits: LimitsByChannel;
  readonly now: () => number;
  /** A ticket was turned away. */
  readonly onHeld?: (channel: string, why: Held) => void;
}

export const LIMIT_WINDOW_S = 10;
const WINDOW_MS = LIMIT_WINDOW_S * 1_000;
/** Of a player's or a point of sale's limit, what each node grants without asking the others; and what is asked for at a time. */
const SHARE = 4;
/** A partner's share is taken in smaller parts: what one node has taken and not used is lost to the others for a window. */
const PARTNER_SHARE = 20;
const AWAY_RETRY_S = 1;

interface Account {
  /** When its window is over, as far as this node knows. */
  endsAt: number;
  /** Used here in this window. */
  used: number;
  /** Granted to this node and not used yet. */
  left: number;
  asking: Promise<void> | undefined;
  isSpent: boolean;
  isUncounted: boolean;
}

export class TicketLimits {
  readonly #o: LimitsOptions;
  /** By channel and subject; each is kept for a window at least since it was last begun, asked about or answered. */
  readonly #accounts: Readonly<Record<keyof LimitsByChannel, Generations<Account>>> = {
    web: new Generations(),
    pos: new Generations(),
    partner: new Generations(),
  };
  #turnAt = 0;

  constructor(options: LimitsOptions) {
    this.#o = options;
  }

  /** Throws, or rejects with, the `Problem` that turns the ticket away; at once where nobody has to be asked. */
  admit({ channel, subject }: Principal): Promise<void> | undefined {
    const kind = kindOf(channel);
    const limit = this.#o.limits[kind];
    if (limit === 0) return undefined;
    const account = this.#accountOf(kind, subject, limit);
    if (this.#use(account, kind, limit)) return undefined;
    return this.#ask(account, kind, subject, limit);
  }

  #accountOf(kind: keyof LimitsByChannel, subject: string, limit: number): Account {
    const now = this.#o.now();
    const known = this.#accounts[kind].get(subject);
    if (known !== undefined && known.endsAt > now) return known;
    const left = kind === 'partner' ? 0 : Math.ceil(limit / SHARE);
    const fresh = {
      ...{ endsAt: now + WINDOW_MS, used: 0, left },
      ...{ asking: undefined, isSpent: false, isUncounted: false },
    };
    this.#keep(kind, subject, fresh);
    return fresh;
  }

  #keep(kind: keyof LimitsByChannel, subject: string, account: Account): void {
    const now = this.#o.now();
    if (now >= this.#turnAt) {
      for (const accounts of Object.values(this.#accounts)) accounts.turn();
      this.#turnAt = now + WINDOW_MS;
    }
    this.#accounts[kind].set(subject, account);
  }

  #use(account: Account, kind: keyof LimitsByChannel, limit: number): boolean {
    if (account.left > 0) account.left--;
    // Nobody counts for all: a partner waits, others have their whole limit here.
    else if (!account.isUncounted || kind === 'partner' || account.used >= limit) return false;
    account.used++;
    return true;
  }

  async #ask(account: Account, kind: keyof LimitsByChannel, subject: string, limit: number): Promise<void> {
    do {
      if (account.isSpent) throw this.#held(kind, 'LIMIT', account);
      account.asking ??= this.#lease(account, kind, subject, limit).finally(() => {
        account.asking = undefined;
      });
      await account.asking;
      if (this.#use(account, kind, limit)) return;
    } while (!account.isUncounted);
    throw this.#held(kind, kind === 'partner' ? 'NOT_COUNTED' : 'LIMIT', account);
  }

  async #lease(account: Account, kind: keyof LimitsByChannel, subject: string, limit: number): Promise<void> {
    const part = Math.ceil(limit / (kind === 'partner' ? PARTNER_SHARE : SHARE));
    try {
      const { used, windowEndsInMs } = await this.#o.counter.add(`${kind}:${subject}`, part);
      account.isUncounted = false;
      account.left += Math.max(0, Math.min(part, limit - (used - part)));
      account.isSpent = account.left === 0;
      if (!account.isSpent && kind !== 'partner') return;
      account.endsAt = this.#o.now() + windowEndsInMs;
      // Unless another window was begun while this was asked.
      if (this.#accounts[kind].get(subject) === account) this.#keep(kind, subject, account);
    } catch {
      account.isUncounted = true;
    }
  }

  #held(kind: keyof LimitsByChannel, why: Held, { endsAt }: Account): Problem {
    this.#o.onHeld?.(kind, why);
    if (why === 'NOT_COUNTED')
      return new Problem('SERVICE_UNAVAILABLE', 'The use of a partner cannot be counted at the moment.', {
        retryAfterSeconds: AWAY_RETRY_S,
      });
    const seconds = Math.max(1, Math.ceil((endsAt - this.#o.now()) / 1_000));
    const most = `${this.#o.limits[kind]} tickets in ${LIMIT_WINDOW_S} seconds`;
    return new Problem('RATE_LIMITED', `This client may send ${most}.`, { retryAfterSeconds: seconds });
  }
}

/** What no other channel is, is the web. */
const kindOf = (channel: string): keyof LimitsByChannel =>
  channel === 'partner' || channel === 'pos' ? channel : 'web';
