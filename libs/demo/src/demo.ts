/**
 * The meeting that never ends: races every few minutes, a crowd that bets on them, and officials who open, scratch, stop, enter the
 * order and confirm it, all through the public API with their own tokens. It must never reach behind the API.
 */
import { readFile } from 'node:fs/promises';
import { v7 } from 'uuid';
import { type Answer, ApiClient } from './api-client.js';
import { type CardBody, inventCard, inventStrengths, type RaceBody, runRace } from './card.js';
import { Chance } from './chance.js';
import type { Country } from './countries.js';
import { crowdBet, type OfferedPool, rateAt, type Starters } from './crowd.js';

export interface DemoOptions {
  readonly baseUrl: string;
  /** Bets a second at the top of the ramp, in the last seconds before an off. */
  readonly rate: number;
  /** Distance between two offs, seconds, whichever meetings they belong to. */
  readonly everySeconds: number;
  /** One meeting each, all on one day: their offs take turns. */
  readonly countries: readonly Country[];
  readonly racesPerMeeting: number;
  readonly seed: number;
  /** A card file instead of an invented one: the body of `POST /v1/operator/meetings`, its post times moved to start now. */
  readonly cardFile?: string;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

interface Cast {
  readonly accounts: readonly { readonly accountId: string; readonly token: string; readonly currency: string }[];
  readonly operators: readonly { readonly user: string; readonly token: string; readonly roles: readonly string[] }[];
}

interface LiveRace extends Starters {
  readonly card: RaceBody;
  readonly currency: string;
  readonly post: number;
  readonly scratched: Set<string>;
  pools: readonly OfferedPool[];
  selling: boolean;
}

const TICK_MS = 50;
/** Bets sent and not answered; beyond it the crowd waits, as a queue at a window does. */
const MAX_IN_FLIGHT = 2_000;
const TOP_UP = 1_000_000;
/** The steward needs these seconds for the order, and the second person sees the preview before confirming. */
const ORDER_AFTER_MS = 4_000;
const SETTLE_WITHIN_MS = 120_000;

export async function runDemo(options: DemoOptions): Promise<void> {
  const client = new ApiClient(options.baseUrl);
  try {
    const cast = await enter(client, options.signal);
    const demo = new Demo(options, client, cast);
    await demo.run();
  } finally {
    await client.close();
  }
}

async function enter(client: ApiClient, signal: AbortSignal): Promise<Cast> {
  for (;;) {
    const ready = await client.get('/health/ready');
    if (ready.status === 200) {
      const answer = await client.get('/v1/demo');
      if (answer.status !== 200)
        throw new Error(`GET /v1/demo answered ${answer.status}: is this system run with its demo?`);
      return answer.body as unknown as Cast;
    }
    if (signal.aborted) throw new Error('stopped before the system was ready');
    await pause(250, signal);
  }
}

class Demo {
  private readonly chance: Chance;
  private readonly live = new Set<LiveRace>();
  private inFlight = 0;
  private meetingNo = 0;
  private readonly refused = new Map<string, number>();

  constructor(
    private readonly options: DemoOptions,
    private readonly client: ApiClient,
    private readonly cast: Cast,
  ) {
    this.chance = new Chance(options.seed);
  }

  async run(): Promise<void> {
    await Promise.all([this.crowd(), this.meetings()]);
  }

  // ── The officials ──────────────────────────────────────────────────────────────────────────────────────────────

  private async meetings(): Promise<void> {
    const { signal, everySeconds } = this.options;
    await this.voidWhatWasLeft();
    let firstPost = Date.now() + everySeconds * 1_000;
    while (!signal.aborted) {
      const cards = await this.day(firstPost);
      const races = cards.flatMap((card) => card.races.map((race) => this.runOneRace(race, card.currency)));
      firstPost =
        Math.max(...cards.flatMap((card) => card.races.map((race) => Date.parse(race.postTime)))) +
        everySeconds * 1_000;
      // The next day's meetings are on sale before the last races of this one go off.
      const left = Math.max(1, Math.min(2, races.length - 1));
      await Promise.race([Promise.all(races), pauseUntil(firstPost - (left + 1) * everySeconds * 1_000, signal)]);
    }
  }

  /** One meeting a country; their races take turns, so that somewhere the next off is always near. */
  private async day(firstPost: number): Promise<CardBody[]> {
    const { cardFile, countries, everySeconds, racesPerMeeting } = this.options;
    if (cardFile !== undefined) return [await this.publish(() => cardFromFile(cardFile, firstPost), true)];
    const cards: CardBody[] = [];
    for (const [i, country] of countries.entries()) {
      const post = firstPost + i * everySeconds * 1_000;
      const plan = {
        country,
        date: new Date(post).toISOString().slice(0, 10),
        races: racesPerMeeting,
        firstPost: post,
        everyMs: everySeconds * 1_000 * countries.length,
      };
      cards.push(
        await this.publish(() => Promise.resolve(inventCard(this.chance, { ...plan, meetingNo: ++this.meetingNo }))),
      );
    }
    return cards;
  }

  /** Races that an earlier run of the demo left selling or unsettled are abandoned: their bets go back. */
  private async voidWhatWasLeft(): Promise<void> {
    for (const meeting of listOf((await this.client.get('/v1/meetings')).body['meetings'])) {
      this.meetingNo = Math.max(this.meetingNo, Number(/-R(\d+)$/.exec(String(meeting['meetingId']))?.[1] ?? 0));
      for (const race of listOf(meeting['races'])) {
        if (['SETTLED', 'VOID', 'PAYING'].includes(String(race['status']))) continue;
        await this.act('STEWARD', `/v1/operator/races/${String(race['raceId'])}/void`, {
          reason: 'abandoned: the demo was restarted',
        });
      }
    }
  }

  /** An invented card that is refused is replaced by another: its names may be taken. */
  private async publish(next: () => Promise<CardBody>, only = false): Promise<CardBody> {
    for (;;) {
      const card = await next();
      const answer = await this.act('TOTE_OPERATOR', '/v1/operator/meetings', card);
      if (answer.status < 300) {
        const { country, course, meetingId, races } = card;
        this.options.log(
          `${meetingId} ${course} (${country}): ${races.length} races on sale, first off ${races[0]?.postTime}`,
        );
        return card;
      }
      if (only || this.options.signal.aborted) throw new Error(`the card was refused: ${sentence(answer)}`);
      await pause(500, this.options.signal);
    }
  }

  private async runOneRace(card: RaceBody, currency: string): Promise<void> {
    const { signal, log } = this.options;
    const post = Date.parse(card.postTime);
    const race: LiveRace = {
      card,
      currency,
      post,
      runners: card.runners,
      strengths: inventStrengths(this.chance, card.runners.length),
      scratched: new Set(),
      pools: [],
      selling: true,
    };
    const at = `/v1/operator/races/${card.raceId}`;
    await this.act('TOTE_OPERATOR', `${at}/open`, { reason: 'on the card' });
    const told = await this.client.get(`/v1/races/${card.raceId}`);
    race.pools = listOf(told.body['pools']) as unknown as OfferedPool[];
    this.live.add(race);
    if (this.chance.next() < 0.25) await this.scratchOne(race, at);
    await pauseUntil(post, signal);
    await this.act('STEWARD', `${at}/close`, { reason: 'the horses are off' });
    race.selling = false;
    this.live.delete(race);
    await pause(ORDER_AFTER_MS, signal);
    if (signal.aborted) return;
    const runners = card.runners.map((r) => r.number);
    const running = runners.filter((n) => !race.scratched.has(n));
    const strengths = race.strengths.filter((_, i) => !race.scratched.has(runners[i] as string));
    const finish = runRace(this.chance, running, strengths);
    await this.act('STEWARD', `${at}/result`, { finish, disqualified: [] });
    await this.confirm(card.raceId, at);
    log(
      `${card.raceId} ${card.name}: ${finish
        .slice(0, 3)
        .map((tied) => tied.join('='))
        .join(' ')}`,
    );
  }

  private async scratchOne(race: LiveRace, at: string): Promise<void> {
    const lead = Math.max(0, race.post - Date.now());
    await pause(lead * (0.3 + 0.4 * this.chance.next()), this.options.signal);
    if (this.options.signal.aborted) return;
    const { number } = this.chance.pick(race.card.runners);
    race.scratched.add(number);
    await this.act('STEWARD', `${at}/scratch`, { runner: number, reason: 'withdrawn by the veterinary' });
  }

  /** The second person confirms the preview once all calculators agree. */
  private async confirm(raceId: string, at: string): Promise<void> {
    const { signal, log } = this.options;
    const [, second] = this.cast.operators.filter((o) => o.roles.includes('STEWARD'));
    const until = Date.now() + SETTLE_WITHIN_MS;
    while (!signal.aborted && Date.now() < until) {
      const preview = await this.client.get(`${at}/settlement`, second?.token);
      const previewHash = preview.body['previewHash'];
      if (typeof previewHash === 'string') {
        const answer = await this.client.post(`${at}/confirm`, { previewHash }, second?.token);
        if (answer.status < 300) return;
        log(`${raceId}: not confirmed: ${sentence(answer)}`);
      }
      await pause(500, signal);
    }
    if (!signal.aborted)
      log(`${raceId}: still not settled after ${SETTLE_WITHIN_MS / 1_000} s; a person must look at it`);
  }

  private async act(role: string, path: string, body: unknown): Promise<Answer> {
    const operator = this.cast.operators.find((o) => o.roles.includes(role));
    const answer = await this.client.post(path, body, operator?.token);
    if (answer.status >= 300 && !this.options.signal.aborted) this.options.log(`${path}: ${sentence(answer)}`);
    return answer;
  }

  // ── The crowd ──────────────────────────────────────────────────────────────────────────────────────────────────

  private async crowd(): Promise<void> {
    const { signal, rate, log } = this.options;
    let reported = Date.now();
    for (let before = Date.now(); !signal.aborted; ) {
      await pause(TICK_MS, signal);
      const now = Date.now();
      const next = this.nextRace(now);
      const wanted = next ? this.chance.count((rateAt(rate, next.post - now) * (now - before)) / 1_000) : 0;
      before = now;
      for (let i = 0; i < wanted && this.inFlight < MAX_IN_FLIGHT; i++) void this.placeOne(next as LiveRace);
      if (now - reported < 60_000) continue;
      reported = now;
      if (this.refused.size > 0)
        log(`refused in the last minute: ${[...this.refused].map(([code, n]) => `${code} ${n}`).join(', ')}`);
      this.refused.clear();
    }
  }

  private nextRace(now: number): LiveRace | undefined {
    let next: LiveRace | undefined;
    for (const race of this.live)
      if (race.selling && race.post > now - 2_000 && (!next || race.post < next.post)) next = race;
    return next;
  }

  private async placeOne(next: LiveRace): Promise<void> {
    const others = [...this.live];
    const race = this.chance.next() < 0.85 ? next : this.chance.pick(others);
    const bet = crowdBet(this.chance, race, race.pools, new Map(others.map((one) => [one.card.raceId, one])));
    const bettors = crowdOf(this.cast.accounts);
    const account = this.chance.pick(bettors);
    if (!bet || account.currency !== race.currency) return;
    const ticket = { ticketRef: v7(), accountId: account.accountId, currency: race.currency, bets: [bet] };
    this.inFlight++;
    try {
      const answer = await this.client.post('/v1/tickets', ticket, account.token);
      if (answer.status === 201) return;
      const code = answer.code ?? `HTTP ${answer.status}`;
      this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
      if (code === 'INSUFFICIENT_FUNDS')
        await this.client.post(
          `/v1/accounts/${account.accountId}/deposits`,
          { ref: v7(), amount: TOP_UP },
          account.token,
        );
    } finally {
      this.inFlight--;
    }
  }
}

/** The first accounts are left to visitors, so that what they see in them is their own doing. */
const VISITORS = 12;

function crowdOf<A>(accounts: readonly A[]): readonly A[] {
  return accounts.length > 2 * VISITORS ? accounts.slice(VISITORS) : accounts;
}

/** A card file keeps its races' distances; the first goes off at `firstPost`. */
async function cardFromFile(file: string, firstPost: number): Promise<CardBody> {
  const card = JSON.parse(await readFile(file, 'utf8')) as CardBody;
  const shift = firstPost - Math.min(...card.races.map((race) => Date.parse(race.postTime)));
  const races = card.races.map((race) => ({
    ...race,
    postTime: new Date(Date.parse(race.postTime) + shift).toISOString(),
  }));
  return { ...card, races };
}

const sentence = (answer: Answer): string =>
  `${answer.status} ${answer.code ?? ''} ${String(answer.body['detail'] ?? '')}`.trim();

const listOf = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? (value as Record<string, unknown>[]) : [];

const pauseUntil = (time: number, signal: AbortSignal): Promise<void> => pause(time - Date.now(), signal);

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
