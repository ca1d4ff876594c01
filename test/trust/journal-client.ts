/**
 * A bettor's side of the story: sends tickets without waiting for one another, writes down every answer, and after a crash resolves
 * what it does not know by looking it up, sending it again under the same reference, or giving it up. It knows the public API and
 * nothing else; what it wrote down is what the checker holds against the log.
 */
import { Pool } from 'undici';
import { v7 } from 'uuid';
import type { JournalLine } from './log-checker.js';

export interface Holder {
  readonly accountId: string;
  readonly token: string;
}

interface Entry {
  readonly holder: Holder;
  readonly ref: string;
  readonly body: string;
  readonly stake: number;
  /** 0 while no answer came. */
  status: number;
  ticketId?: string;
  code?: string;
  cancelled: boolean;
  /** Set once an answer was lost: from then on a 503 no longer says that nothing of it was ever appended. */
  wasUnknown: boolean;
}

interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly replayed: boolean;
}

const SLICE_MS = 5;
/** Tickets, and tickets a second, of one who is only there to bet beside something else. */
const ENOUGH = 20;
const GENTLE_RATE = 10;
/** A ticket whose command was lost is pending for half of it. */
const RESOLVE_WITHIN_MS = 180_000;
const RESOLVE_AGAIN_MS = 100;
const TICKET_PATH = '/v1/tickets';

export class JournalClient {
  /** What a repeated reference was told that differs from its first answer: must stay empty. */
  readonly contradictions: string[] = [];
  /** Hears of every first answer: its status (0 where none came) and when the request left, by `performance.now`. */
  onAnswer: (status: number, sentAt: number) => void = () => undefined;
  readonly #entries: Entry[] = [];

  constructor(
    private readonly holders: readonly Holder[],
    private readonly random: () => number,
  ) {}

  get journal(): JournalLine[] {
    return this.#entries.map(({ holder, ref, stake, status, ticketId, code, cancelled }) => ({
      ...{ account: holder.accountId, ref, stake, status, cancelled },
      ...(ticketId === undefined ? {} : { ticketId }),
      ...(code === undefined ? {} : { code }),
    }));
  }

  /** Requests sent so far. */
  get sent(): number {
    return this.#entries.length;
  }

  /** Accepted tickets from all over the journal, at most so many, with what their holder sees them by. */
  someAccepted(many: number): { readonly ticketId: string; readonly token: string }[] {
    const accepted = this.#entries.filter(({ status }) => status === 201);
    const step = Math.max(1, Math.floor(accepted.length / many));
    return accepted
      .filter((_, i) => i % step === 0)
      .slice(0, many)
      .map(({ ticketId = '', holder: { token } }) => ({ ticketId, token }));
  }

  /** How many were refused under which code. */
  get refusals(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { status, code = `status ${status}` } of this.#entries)
      if (status !== 201) counts.set(code, (counts.get(code) ?? 0) + 1);
    return counts;
  }

  count(status: number): number {
    return this.#entries.filter((entry) => entry.status === status).length;
  }

  /** Tickets that had to be looked up, sent again or given up, since no answer or none that decides came first. */
  get wereUnknown(): number {
    return this.#entries.filter(({ wasUnknown }) => wasUnknown).length;
  }

  get unknown(): number {
    return this.#entries.filter(isUnknown).length;
  }

  /**
   * Sends `rate` tickets a second, or as many as it says at the moment, on these races (whatever the list holds by then) until told to
   * stop; resolves when every answer or failure is in.
   */
  async sell(url: string, races: readonly string[], rate: number | (() => number), stop: AbortSignal): Promise<void> {
    const pool = new Pool(url, { connections: 64, pipelining: 1 });
    const sent: Promise<void>[] = [];
    let due = 0;
    for (let last = performance.now(); !stop.aborted; ) {
      const now = performance.now();
      due += ((now - last) / 1_000) * (typeof rate === 'number' ? rate : rate());
      last = now;
      while (sent.length < Math.floor(due)) sent.push(this.#one(pool, races));
      await new Promise((wake) => setTimeout(wake, SLICE_MS));
    }
    await Promise.all(sent);
    await pool.destroy();
  }

  /**
   * Sells gently on these races until something that goes on meanwhile is done and twenty more are accepted, however late that is said;
   * every outcome is known then. Throws where they are not within minutes.
   */
  async sellBeside(
    url: string,
    races: readonly string[],
    meanwhile: () => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    const wanted = this.count(201) + ENOUGH;
    let work = meanwhile;
    for (let until = Number.POSITIVE_INFINITY; this.count(201) < wanted; ) {
      if (performance.now() > until) {
        const refused = [...this.refusals].map(([code, times]) => `${times} ${code}`).join(', ');
        throw new Error(`${url} accepts ${this.count(201)} of ${wanted} tickets: ${refused}`);
      }
      const over = new AbortController();
      const begun = this.sent + ENOUGH;
      const selling = this.sell(url, races, GENTLE_RATE, over.signal);
      try {
        while (this.sent < begun) await new Promise((wake) => setTimeout(wake, SLICE_MS));
        await work();
      } finally {
        over.abort();
        await selling;
      }
      work = () => Promise.resolve();
      until = Math.min(until, performance.now() + RESOLVE_WITHIN_MS);
      await this.resolve(url);
    }
  }

  async #one(pool: Pool, races: readonly string[]): Promise<void> {
    const entry = this.#invent(races);
    this.#entries.push(entry);
    const sentAt = performance.now();
    note(entry, await this.#post(pool, TICKET_PATH, entry.body, entry.holder));
    this.onAnswer(entry.status, sentAt);
    if (entry.status === 201 && this.random() < 0.05) await this.#cancel(pool, entry);
  }

  async #cancel(pool: Pool, entry: Entry): Promise<void> {
    const path = `${TICKET_PATH}/${entry.ticketId}/cancel`;
    const { status } = await this.#post(pool, path, '{"reason":"changed my mind"}', entry.holder);
    if (status === 200) entry.cancelled = true;
  }

  /** Straight wins, boxes of exactas, now and then one that must be refused. */
  #invent(races: readonly string[]): Entry {
    const holder = this.#pick(this.holders);
    const race = this.#pick(races);
    const ref = v7();
    const kind = this.random();
    const first = 1 + Math.floor(this.random() * 8);
    const runner = kind < 0.03 ? '99' : String(first);
    const bet =
      kind < 0.6
        ? { betRef: 'a', poolId: `${race}-WIN`, form: 'STRAIGHT', columns: [[runner]], unitStake: 100, stake: 100 }
        : { betRef: 'a', poolId: `${race}-EXACTA`, form: 'BOX', runners: boxFrom(first), unitStake: 100, stake: 600 };
    const body = JSON.stringify({ ticketRef: ref, accountId: holder.accountId, currency: 'EUR', bets: [bet] });
    return { holder, ref, body, stake: bet.stake, status: 0, cancelled: false, wasUnknown: false };
  }

  /** Until every ticket's outcome is known; throws when that takes too long. */
  async resolve(url: string): Promise<void> {
    const pool = new Pool(url, { connections: 16, pipelining: 1 });
    const until = performance.now() + RESOLVE_WITHIN_MS;
    for (const entry of this.#entries) if (isUnknown(entry)) entry.wasUnknown = true;
    for (;;) {
      const left = this.#entries.filter(isUnknown);
      if (left.length === 0) break;
      if (performance.now() > until) throw new Error(`${left.length} outcomes are still unknown: ${left[0]?.ref}`);
      await Promise.all(left.map((entry) => this.#resolveOne(pool, entry)));
      await new Promise((wake) => setTimeout(wake, RESOLVE_AGAIN_MS));
    }
    await this.#repeatSome(pool);
    await pool.destroy();
  }

  async #resolveOne(pool: Pool, entry: Entry): Promise<void> {
    const { holder, ref, body } = entry;
    const byRef = `${TICKET_PATH}/by-ref/${holder.accountId}/${ref}`;
    const found = await this.#send(pool, 'GET', byRef, undefined, holder);
    if (found.status === 200) return settle(entry, found);
    if (found.status !== 404) return;
    if (this.random() < 0.3) {
      const given = await this.#post(pool, `${byRef}/abandon`, '{}', holder);
      if (given.status === 200) settle(entry, given);
      return;
    }
    const again = await this.#post(pool, TICKET_PATH, body, holder);
    if (again.status === 201 || again.status === 422) note(entry, again);
  }

  /** The same request again must get the same answer, and place nothing. */
  async #repeatSome(pool: Pool): Promise<void> {
    const accepted = this.#entries.filter(({ status }) => status === 201);
    for (let i = 0; i < Math.min(20, accepted.length); i++) {
      const entry = this.#pick(accepted);
      const again = await this.#post(pool, TICKET_PATH, entry.body, entry.holder);
      if (again.status === 503 || again.status === 0) continue;
      if (again.status !== 201 || again.body['ticketId'] !== entry.ticketId || !again.replayed)
        this.contradictions.push(
          `${entry.ref} was ${entry.ticketId}; again: ${again.status} ${JSON.stringify(again.body).slice(0, 200)}`,
        );
    }
  }

  #post(pool: Pool, path: string, body: string, holder: Holder): Promise<Reply> {
    return this.#send(pool, 'POST', path, body, holder);
  }

  async #send(
    pool: Pool,
    method: 'GET' | 'POST',
    path: string,
    body: string | undefined,
    holder: Holder,
  ): Promise<Reply> {
    const headers: Record<string, string> = { authorization: `Bearer ${holder.token}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    try {
      const answer = await pool.request({ method, path, headers, body: body ?? null });
      const text = await answer.body.text();
      const replayed = answer.headers['idempotent-replay'] === 'true';
      return { status: answer.statusCode, body: JSON.parse(text) as Record<string, unknown>, replayed };
    } catch {
      return { status: 0, body: {}, replayed: false };
    }
  }

  #pick<T>(values: readonly T[]): T {
    const found = values[Math.floor(this.random() * values.length)];
    if (found === undefined) throw new Error('nothing to pick from');
    return found;
  }
}

const boxFrom = (first: number): string[] => [first, (first % 8) + 1, ((first + 1) % 8) + 1].map(String);

const isUnknown = ({ status, wasUnknown }: Entry): boolean =>
  status === 0 || status === 202 || status === 500 || (wasUnknown && status === 503);

function note(entry: Entry, { status, body }: Reply): void {
  entry.status = status;
  if (status === 201) entry.ticketId = String(body['ticketId']);
  if (status >= 400) entry.code = String(body['code']);
}

/** A look-up or the answer to giving up: what became of the reference. */
function settle(entry: Entry, { body }: Reply): void {
  const isPlaced = ['ACCEPTED', 'PARTIAL', 'CANCELLED'].includes(String(body['status']));
  entry.status = isPlaced ? 201 : 422;
  if (isPlaced) entry.ticketId = String(body['ticketId']);
  else entry.code = String(body['code'] ?? body['status']);
}
