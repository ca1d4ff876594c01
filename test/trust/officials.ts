/**
 * The officials of a meeting over the public API: they publish, open and bring races home, and after a crash go on from wherever
 * the race stands. It must never assume that an act without an answer was not done.
 */
import { type Answer, ApiClient } from '#mutuel/demo';
import type { Holder } from './journal-client.js';

interface Operator {
  readonly token: string;
  readonly roles: readonly string[];
}

const FINISH = [['4'], ['7'], ['1'], ['2'], ['3'], ['5'], ['6'], ['8']];
const LOOK_AGAIN_MS = 50;
const HOME_WITHIN_MS = 180_000;
const KNOWN_WITHIN_MS = 300_000;

/** What is said to an act that was done the first time, without an answer. */
const DONE_BEFORE = new Set(['MEETING_EXISTS', 'CARD_INVALID', 'RACE_STATUS', 'ALREADY_SCRATCHED', 'TICKET_NOT_OPEN']);

export interface CardShape {
  readonly runners: readonly string[];
  readonly types: readonly string[];
  readonly races: number;
  readonly postInMs: number;
}

const SMALL_CARD: CardShape = {
  runners: ['1', '2', '3', '4', '5', '6', '7', '8'],
  types: ['WIN', 'EXACTA'],
  races: 2,
  postInMs: 3_600_000,
};

export interface Cast {
  readonly accounts: readonly Holder[];
  readonly operators: readonly Operator[];
}

export async function castOf(url: string): Promise<Cast> {
  const client = new ApiClient(url, 1);
  try {
    // A hundred thousand tokens take longer to sign than one request may take.
    for (let tries = 1; ; tries++) {
      const { status, body } = await client.get('/v1/demo').catch((fault: Error) => ({ status: 0, body: fault }));
      if (status === 200) return body as unknown as Cast;
      if (tries === CAST_TRIES) throw new Error(`GET ${url}/v1/demo answers ${status}: ${JSON.stringify(body)}`);
      await new Promise((wake) => setTimeout(wake, 1_000));
    }
  } finally {
    await client.close();
  }
}

/** Resolves when the demo's officials, who come a moment after the system, have opened a race. */
export async function untilSelling(url: string): Promise<void> {
  type Races = { readonly races: readonly { readonly status: string }[] };
  for (;;) {
    const { meetings } = (await (await fetch(`${url}/v1/meetings`)).json()) as { meetings: readonly Races[] };
    if (meetings.some(({ races }) => races.some(({ status }) => status === 'OPEN'))) return;
    await new Promise((wake) => setTimeout(wake, 500));
  }
}

const CAST_TRIES = 60;

export class Officials {
  readonly #client: ApiClient;

  constructor(
    url: string,
    private readonly operators: readonly Operator[],
  ) {
    this.#client = new ApiClient(url, 8);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** Two races of eight runners with a win and an exacta pool, or another card, on sale. Resolves to their ids. */
  async openMeeting(meetingId: string, { runners, types, races: count, postInMs } = SMALL_CARD): Promise<string[]> {
    const races = Array.from({ length: count }, (_, i) => ({
      raceId: `${meetingId}-C${i + 1}`,
      number: i + 1,
      name: `Race ${i + 1}`,
      postTime: new Date(Date.now() + postInMs).toISOString(),
      runners: runners.map((number) => ({ number, name: `Runner ${number}` })),
      pools: types.map((type) => ({ type, ruleSet: 'FR' })),
    }));
    const date = new Date().toISOString().slice(0, 10);
    const card = { meetingId, course: 'Trust', date, country: 'FR', currency: 'EUR', exponent: 2, races };
    await this.#must('TOTE_OPERATOR', '/v1/operator/meetings', card);
    for (const { raceId } of races)
      await this.#must('TOTE_OPERATOR', `/v1/operator/races/${raceId}/open`, { reason: 'on the card' });
    return races.map(({ raceId }) => raceId);
  }

  /** The stop of a race that sells; what is answered does not matter. */
  press(raceId: string): Promise<unknown> {
    const steward = this.operators.find(({ roles }) => roles.includes('STEWARD'));
    return this.#say(`/v1/operator/races/${raceId}/close`, { reason: 'they are off' }, steward);
  }

  /** The next record format, proposed by one and confirmed by another; again for as long as no market decides. */
  async raiseFormat(): Promise<void> {
    const at = '/v1/operator/record-format';
    const tote = this.operators.find(({ roles }) => roles.includes('TOTE_OPERATOR'));
    const steward = this.operators.find(({ roles }) => roles.includes('STEWARD'));
    const until = performance.now() + HOME_WITHIN_MS;
    const written = async (): Promise<number> => Number((await this.#client.get(at, tote?.token)).body['format']);
    const format = (await written()) + 1;
    let last = '';
    while (performance.now() < until) {
      if ((await written()) >= format) return;
      last = await this.#say(at, { format, reason: 'the new release runs everywhere' }, tote);
      last = `${last} ${await this.#say(`${at}/confirm`, { format }, steward)}`;
      await new Promise((wake) => setTimeout(wake, LOOK_AGAIN_MS));
    }
    throw new Error(`record format ${format} was not switched on: ${last}`);
  }

  /** From wherever the race stands to SETTLED, one act after the other; false when the system went away meanwhile. */
  async bringHome(raceId: string): Promise<boolean> {
    const until = performance.now() + HOME_WITHIN_MS;
    let last = '';
    while (performance.now() < until) {
      const race = await this.#client.get(`/v1/races/${raceId}`);
      if (race.status === 0) return false;
      last = `${race.status} ${String(race.body['status'])} ${last.slice(0, 600)}`;
      if (race.body['status'] === 'SETTLED') return true;
      const said = await this.#nextAct(raceId, String(race.body['status']));
      if (said !== undefined) last = said;
      await new Promise((wake) => setTimeout(wake, LOOK_AGAIN_MS));
    }
    throw new Error(`${raceId} did not come home: ${last}`);
  }

  async #nextAct(raceId: string, status: string): Promise<string | undefined> {
    const at = `/v1/operator/races/${raceId}`;
    const [first, second] = this.operators.filter(({ roles }) => roles.includes('STEWARD'));
    switch (status) {
      case 'OPEN':
        return this.#say(`${at}/close`, { reason: 'they are off' }, first);
      case 'CLOSED':
        return this.#say(`${at}/result`, { finish: FINISH, disqualified: [] }, first);
      case 'PROVISIONAL': {
        const { body } = await this.#client.get(`${at}/settlement`, second?.token);
        const { previewHash, waitingFor } = body;
        if (typeof previewHash !== 'string') return JSON.stringify(waitingFor);
        return this.#say(`${at}/confirm`, { previewHash }, second);
      }
      default:
        return undefined;
    }
  }

  async #say(path: string, body: object, operator: Operator | undefined): Promise<string> {
    const { status, body: answer } = await this.#client.post(path, body, operator?.token);
    return `${path}: ${status} ${JSON.stringify(answer)}`;
  }

  async #must(role: string, path: string, body: object): Promise<void> {
    const operator = this.operators.find(({ roles }) => roles.includes(role));
    await untilKnown(this.#client, path, body, operator?.token);
  }
}

/** Sends the same act until its outcome is known: what it names makes that safe. Throws on a refusal. */
export async function untilKnown(
  client: ApiClient,
  path: string,
  body: object,
  token: string | undefined,
): Promise<Answer> {
  const until = performance.now() + KNOWN_WITHIN_MS;
  for (let isAgain = false; ; isAgain = true) {
    const answer = await client.post(path, body, token);
    const { status, code = '' } = answer;
    const isKnown = ![0, 503, 504].includes(status) && (status !== 202 || 'seq' in answer.body);
    if (isKnown && (status < 300 || (isAgain && DONE_BEFORE.has(code)))) return answer;
    if (isKnown || performance.now() > until)
      throw new Error(`${path}: ${status} ${code} ${JSON.stringify(answer.body).slice(0, 500)}`);
    await new Promise((wake) => setTimeout(wake, LOOK_AGAIN_MS));
  }
}
