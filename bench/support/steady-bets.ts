/** A steady trickle of bets over REST beside whatever else a bench does, and how long each of them waited. */
import { v7 } from 'uuid';
import type { Answer, ApiClient } from '#mutuel/demo';
import { hostToken } from './hosts.js';
import { pause } from './house.js';

export interface SteadyBetsOptions {
  readonly client: ApiClient;
  readonly tokenKey: string;
  readonly accounts: readonly string[];
  readonly race: string;
  /** Bets a second. */
  readonly rate: number;
}

/** Bets on another race, open loop; latency from the moment each was meant to be sent. */
export class SteadyBets {
  readonly accepted: { readonly shard: number; readonly seq: number; readonly at: number }[] = [];
  readonly #samples: { readonly at: number; readonly ms: number; readonly ok: boolean }[] = [];
  readonly #tokens = new Map<string, string>();
  readonly #inFlight = new Map<number, Promise<unknown>>();
  #isOver = false;
  #loop: Promise<void> = Promise.resolve();
  #no = 0;

  constructor(private readonly o: SteadyBetsOptions) {}

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#loop;
    await Promise.all(this.#inFlight.values());
  }

  async answeredUntil(at: number): Promise<void> {
    await Promise.all([...this.#inFlight].filter(([intended]) => intended <= at).map(([, answer]) => answer));
  }

  between(from: number, to: number): string {
    const own = this.#samples.filter(({ at }) => at >= from && at < to);
    const sorted = own.map(({ ms }) => ms).sort((a, b) => a - b);
    const at = (q: number): string => (sorted[Math.floor(q * (sorted.length - 1))] ?? 0).toFixed(1);
    const refused = own.filter(({ ok }) => !ok).length;
    return `${own.length} bets of others p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms, ${refused} refused`;
  }

  /** One bet on any race, from the next account. */
  async place(race: string): Promise<Answer> {
    const { accounts, client, tokenKey } = this.o;
    const accountId = accounts[this.#no++ % accounts.length] as string;
    const token = this.#tokens.get(accountId) ?? hostToken(tokenKey, accountId, [accountId]);
    this.#tokens.set(accountId, token);
    const bet = { betRef: 'a', poolId: `${race}-WIN`, form: 'STRAIGHT', columns: [['3']] };
    const bets = [{ ...bet, unitStake: 100, stake: 100 }];
    return client.post('/v1/tickets', { ticketRef: v7(), accountId, currency: 'EUR', bets }, token);
  }

  async #run(): Promise<void> {
    const began = performance.now();
    for (let i = 0; !this.#isOver; i++) {
      const intended = began + (i * 1_000) / this.o.rate;
      const wait = intended - performance.now();
      if (wait > 0) await pause(wait);
      const answer = this.#sample(intended).finally(() => this.#inFlight.delete(intended));
      this.#inFlight.set(intended, answer);
    }
  }

  async #sample(intended: number): Promise<void> {
    const { status, body } = await this.place(this.o.race);
    this.#samples.push({ at: intended, ms: performance.now() - intended, ok: status === 201 });
    const [, shard, seq] = /^t(\d+)-(\d+)-/.exec(String(body['ticketId'] ?? '')) ?? [];
    if (status === 201 && seq !== undefined)
      this.accepted.push({ shard: Number(shard), seq: Number(seq), at: intended });
  }
}
