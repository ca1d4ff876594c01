/**
 * The people of a house as clients of the public API: the tote operator who publishes and opens, two stewards who judge, bettors
 * with their accounts. For benchmarks that run whole races; it must never reach behind the API.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, ApiClient } from '#mutuel/demo';
import { untilKnown } from '../../test/trust/officials.js';
import { QUIET, RunningSystem } from '../../test/trust/running-system.js';

export interface Bettor {
  readonly accountId: string;
  readonly token: string;
  readonly currency: string;
}

interface Operator {
  readonly user: string;
  readonly token: string;
  readonly roles: readonly string[];
}

const SETTLE_WITHIN_MS = 600_000;
const LOOK_AGAIN_MS = 200;

export class House {
  private constructor(
    readonly client: ApiClient,
    readonly bettors: readonly Bettor[],
    private readonly operators: readonly Operator[],
  ) {}

  static async enter(url: string): Promise<House> {
    const client = new ApiClient(url);
    const cast = await client.get('/v1/demo');
    if (cast.status !== 200)
      throw new Error(`GET ${url}/v1/demo answered ${cast.status}: it needs a system with its demo`);
    const { accounts, operators } = cast.body as unknown as { accounts: Bettor[]; operators: Operator[] };
    return new House(client, accounts, operators);
  }

  publish(card: object): Promise<Answer> {
    return this.act('TOTE_OPERATOR', '/v1/operator/meetings', card);
  }

  async open(raceId: string): Promise<void> {
    await this.act('TOTE_OPERATOR', `/v1/operator/races/${raceId}/open`, { reason: 'on the card' });
  }

  async scratch(raceId: string, runner: string): Promise<void> {
    await this.act('STEWARD', `/v1/operator/races/${raceId}/scratch`, { runner, reason: 'non-runner' });
  }

  async close(raceId: string): Promise<void> {
    await this.act('STEWARD', `/v1/operator/races/${raceId}/close`, { reason: 'they are off' });
  }

  /** Enters the order, waits for the preview, lets the second steward confirm it, waits until all is paid. */
  async settle(raceId: string, finish: readonly (readonly string[])[]): Promise<Record<string, unknown>> {
    await this.act('STEWARD', `/v1/operator/races/${raceId}/result`, { finish, disqualified: [] });
    const second = this.operators.filter(({ roles }) => roles.includes('STEWARD'))[1];
    const settlement = `/v1/operator/races/${raceId}/settlement`;
    const preview = await this.wait(
      `the preview of ${raceId}`,
      settlement,
      second?.token,
      (body) => body['previewHash'] !== null,
    );
    const { previewHash } = preview;
    await this.send(`/v1/operator/races/${raceId}/confirm`, { previewHash }, second?.token);
    await this.wait(
      `the payment of ${raceId}`,
      `/v1/races/${raceId}`,
      undefined,
      (body) => body['status'] === 'SETTLED',
    );
    return preview;
  }

  async wait(
    what: string,
    path: string,
    token: string | undefined,
    isThere: (body: Record<string, unknown>) => boolean,
  ): Promise<Record<string, unknown>> {
    const until = Date.now() + SETTLE_WITHIN_MS;
    let last: Answer | undefined;
    while (Date.now() < until) {
      last = await this.client.get(path, token);
      if (last.status === 200 && isThere(last.body)) return last.body;
      await pause(LOOK_AGAIN_MS);
    }
    throw new Error(`${what} did not come: ${last?.status} ${JSON.stringify(last?.body).slice(0, 500)}`);
  }

  private async act(role: string, path: string, body: object): Promise<Answer> {
    const operator = this.operators.find(({ roles }) => roles.includes(role));
    return this.send(path, body, operator?.token);
  }

  /** Until its outcome is known: the references in it make that safe. Throws on a refusal. */
  send(path: string, body: object, token: string | undefined): Promise<Answer> {
    return untilKnown(this.client, path, body, token);
  }
}

export function must(answer: Answer, what: string): Answer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw new Error(`${what}: ${answer.status} ${answer.code ?? ''} ${JSON.stringify(answer.body).slice(0, 500)}`);
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs the work against `url`, or against an embedded system of its own in a folder that is thrown away. */
export async function withSystem(
  url: string | undefined,
  flags: readonly string[],
  work: (url: string, dataDir: string | undefined) => Promise<void>,
  afterStop: (dataDir: string) => Promise<void> = async () => undefined,
): Promise<void> {
  if (url !== undefined) return work(url, undefined);
  const data = mkdtempSync(join(tmpdir(), 'mutuel-bench-'));
  try {
    const system = await RunningSystem.start({ args: ['--port', '0', '--data', data, ...QUIET, ...flags] });
    try {
      await work(system.url, data);
    } finally {
      await system.stop();
    }
    await afterStop(data);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}
