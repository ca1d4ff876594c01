/** The whole embedded system inside a test, on a folder of its own, with a client that knows the demo's people. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 } from 'uuid';
import { ROLES, readConfig, type System, startSystem } from '../../src/index.js';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

export interface TestSystem {
  readonly system: System;
  readonly accounts: readonly { readonly accountId: string; readonly token: string }[];
  readonly operators: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
  get(path: string, token?: string): Promise<Reply>;
  post(path: string, body?: unknown, token?: string): Promise<Reply>;
  send(path: string, init: RequestInit): Promise<Reply>;
  /** Publishes and opens a race of eight; its pools are `<raceId>-WIN` and so on. */
  openRace(): Promise<string>;
  stop(): Promise<void>;
}

let meetings = 0;

/** On a folder of its own that goes with it, or on one that somebody keeps. */
export async function startTestSystem(env: Readonly<Record<string, string>> = {}, kept?: string): Promise<TestSystem> {
  const dir = kept ?? mkdtempSync(join(tmpdir(), 'mutuel-api-'));
  const args = ['--data', dir, '--port', '0', '--accounts', '12', '--no-crowd'];
  const warnings: string[] = [];
  const voice = { say: () => undefined, warn: (line: string) => void warnings.push(line) };
  const system = await startSystem(readConfig({ args, env, demoByDefault: true }), ROLES, voice);
  const send = async (path: string, init: RequestInit): Promise<Reply> => {
    const answer = await fetch(system.url + path, init);
    const text = await answer.text();
    const isJson = (answer.headers.get('content-type') ?? '').includes('json');
    return { status: answer.status, headers: answer.headers, text, body: isJson ? JSON.parse(text) : {} };
  };
  const auth = (token?: string): Record<string, string> =>
    token === undefined ? {} : { authorization: `Bearer ${token}` };
  const get = (path: string, token?: string) => send(path, { headers: auth(token) });
  const post = (path: string, body: unknown = {}, token?: string) =>
    send(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...auth(token) },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  await until(async () => (await get('/health/ready')).status === 200);
  const demo = (await get('/v1/demo')).body as unknown as {
    accounts: { accountId: string; token: string }[];
    operators: { user: string; token: string }[];
  };
  const operators = new Map(demo.operators.map(({ user, token }) => [user, token]));
  const openRace = async (): Promise<string> => {
    const meetingId = `2026-11-22-R${++meetings}`;
    const raceId = `${meetingId}-C1`;
    const published = await post('/v1/operator/meetings', cardOf(meetingId), operators.get('tote-ines'));
    if (published.status !== 202) throw new Error(published.text);
    const opened = await post(
      `/v1/operator/races/${raceId}/open`,
      { reason: 'on the card' },
      operators.get('tote-ines'),
    );
    if (opened.status !== 202) throw new Error(opened.text);
    // The fact travels to the shards; a quote does not wait for them, a first bet does.
    const [first] = demo.accounts;
    await until(async () => {
      const bet = {
        betRef: 'w',
        poolId: `${raceId}-WIN`,
        form: 'STRAIGHT',
        columns: [['8']],
        unitStake: 100,
        stake: 100,
      };
      const ticket = { ticketRef: v7(), accountId: first?.accountId, currency: 'EUR', bets: [bet] };
      return (await post('/v1/tickets', ticket, first?.token)).status === 201;
    });
    return raceId;
  };
  const stop = async (): Promise<void> => {
    await system.stop();
    if (kept === undefined) rmSync(dir, { recursive: true, force: true });
  };
  return { system, accounts: demo.accounts, operators, warnings, get, post, send, openRace, stop };
}

export function cardOf(meetingId: string) {
  return {
    meetingId,
    course: 'Valmorin',
    date: '2026-11-22',
    country: 'FR',
    currency: 'EUR',
    exponent: 2,
    races: [
      {
        raceId: `${meetingId}-C1`,
        number: 1,
        name: 'Prix du Moulin',
        postTime: '2026-11-22T15:00:00Z',
        runners: Array.from({ length: 8 }, (_, i) => ({ number: String(i + 1), name: `Horse ${i + 1}` })),
        pools: ['WIN', 'PLACE', 'QUINELLA', 'TRIFECTA'].map((type) => ({ type, ruleSet: 'FR' })),
      },
    ],
  };
}

/** Looks again until it holds; a test's own time limit ends it. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((wake) => setTimeout(wake, 50));
}
