/** An installation that takes other people's money: no demo, nobody who pays himself in, and what it lacks said aloud. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type HouseRole, Tokens } from '../src/auth.js';
import { ROLES, type Role, readConfig, type System, startSystem } from '../src/index.js';
import { until } from './support/system.js';

const TOKEN_KEY = 'cd'.repeat(32);
const folder = mkdtempSync(join(tmpdir(), 'mutuel-production-'));
const warnings: string[] = [];
let system: System | undefined;

const tokens = new Tokens(Buffer.from(TOKEN_KEY, 'hex'), Date.now);
const tokenOf = (accounts: string[], ...roles: HouseRole[]): string =>
  tokens.sign({ subject: 'lea', accounts, roles, channel: 'web', device: 'd' });
const CASHIER = tokenOf([], 'CASHIER');
const HOLDER = tokenOf(['acc-1']);

async function start(roles: readonly Role[]): Promise<void> {
  await system?.stop();
  system = undefined;
  const SEAL_KEY_FILE = join(folder, 'seal.pem');
  writeFileSync(SEAL_KEY_FILE, generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }));
  const env = { NODE_ENV: 'production', SERVICE_KEY: 'ab'.repeat(32), TOKEN_KEY, SEAL_KEY_FILE };
  const args = ['--data', join(folder, 'data'), '--port', '0', '--no-demo', '--allow-single-node'];
  const voice = { say: () => undefined, warn: (line: string) => void warnings.push(line) };
  system = await startSystem(readConfig({ args, env, demoByDefault: true }), roles, voice);
}

async function ask(path: string, token: string, body?: object): Promise<{ status: number; body: unknown }> {
  const init = body && { method: 'POST', body: JSON.stringify(body) };
  const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) };
  const answer = await fetch(`${system?.url}${path}`, { ...init, headers });
  return { status: answer.status, body: await answer.json() };
}

afterAll(async () => {
  await system?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('in production the desk opens accounts and pays in; their holders do neither, and set their limits', async () => {
  await start(ROLES.filter((role) => role !== 'demo'));
  await until(async () => (await ask('/health/ready', '')).status === 200);
  expect(warnings.filter((line) => line.startsWith('LOG_NOT_ANCHORED'))).toEqual([
    'LOG_NOT_ANCHORED: TSA_URL names no time-stamp authority',
  ]);
  expect((await ask('/health/ready', '')).body).toMatchObject({ durable: false, label: 'NOT DURABLE: single node' });
  expect((await ask('/v1/demo', HOLDER)).status).toBe(404);

  const account = { accountId: 'acc-1', currency: 'EUR' };
  expect(await ask('/v1/operator/accounts', HOLDER, account)).toMatchObject({ body: { code: 'NOT_AUTHORIZED' } });
  expect(await ask('/v1/operator/accounts', CASHIER, account)).toMatchObject({ status: 201, body: account });
  const deposit = { ref: 'd-1', amount: 5_000, reason: 'desk 4' };
  expect(await ask('/v1/accounts/acc-1/deposits', HOLDER, deposit)).toMatchObject({
    ...{ status: 403, body: { code: 'NOT_AUTHORIZED', detail: 'This needs the role CASHIER.' } },
  });
  expect(await ask('/v1/accounts/acc-1/deposits', CASHIER, deposit)).toMatchObject({
    ...{ status: 201, body: { balance: { available: 5_000 } } },
  });
  expect(await ask('/v1/accounts/acc-1/limits', HOLDER, { dayStake: 900 })).toMatchObject({
    ...{ status: 200, body: { limits: { dayStake: 900 } } },
  });
  expect(await ask('/v1/accounts/acc-1/limits', HOLDER, { dayStake: null })).toMatchObject({
    ...{ status: 200, body: { limits: { dayStake: 900, later: { from: expect.any(Number) as number } } } },
  });
  await until(async () => {
    const { body } = await ask('/v1/accounts/acc-1', HOLDER);
    return (body as { limits?: { later?: unknown } }).limits?.later !== undefined;
  });
});

test('a bet API of its own has neither the operators’ doors nor the demo', async () => {
  await start(['bet-api']);
  const steward = tokenOf([], 'STEWARD', 'TOTE_OPERATOR', 'CASHIER');
  const asked = ['/v1/demo', '/v1/operator/overview', '/v1/operator/audit', '/v1/operator/record-format'].map((path) =>
    ask(path, steward),
  );
  asked.push(ask('/v1/operator/accounts', steward, { accountId: 'acc-2', currency: 'EUR' }));
  asked.push(ask('/v1/operator/races/R1-C1/open', steward, { reason: 'x' }));
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(asked.map(() => 404));
  expect((await ask('/v1/accounts/acc-1', HOLDER)).body).toMatchObject({ balance: { available: 5_000 } });
});
