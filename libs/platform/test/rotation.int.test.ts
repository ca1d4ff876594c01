/**
 * The seal key is changed from a file to a device: what the old key signed holds, what is signed from then on names the new one, and a
 * rebuild of the read models loses neither.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 } from 'uuid';
import { afterAll, expect, it } from 'vitest';
import { type PublishedKey, type Signed, trustedKeys, verifyEvidence, verifyReceipt } from '#mutuel/verify';
import { readConfig, rebuildReadModels } from '../src/index.js';
import { SoftDevice } from './support/soft-device.js';
import { cardOf, startTestSystem, type TestSystem, until } from './support/system.js';

/** Three starts and a rebuild. */
const STARTS_WITHIN_MS = 240_000;
const folder = mkdtempSync(join(tmpdir(), 'mutuel-rotation-'));
const data = join(folder, 'data');
let running: TestSystem | undefined;
afterAll(async () => {
  await running?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(env: Readonly<Record<string, string>>): Promise<TestSystem> {
  await running?.stop();
  running = undefined;
  running = await startTestSystem(env, data);
  return running;
}

const bettor = (test: TestSystem) => test.accounts[0] as TestSystem['accounts'][number];
const receiptOf = async (test: TestSystem, ticket: string) =>
  (await test.get(`/v1/tickets/${ticket}/receipt`, bettor(test).token)).body;
const keysOf = async (test: TestSystem) =>
  (await test.get('/v1/seal-keys')).body['keys'] as (PublishedKey & { since: string })[];
const sealsOf = async (test: TestSystem, raceId: string) =>
  (await test.get(`/v1/seals?raceId=${raceId}`)).body['seals'] as Signed[];

/** A ticket on a race that is then closed; resolves once its receipt carries the proof and all pools of the race are sealed. */
async function sealedTicket(test: TestSystem): Promise<{ readonly raceId: string; readonly ticket: string }> {
  const raceId = await test.openRace();
  const { accountId, token } = bettor(test);
  const bet = { betRef: 'a', poolId: `${raceId}-WIN`, form: 'STRAIGHT', columns: [['4']], unitStake: 200, stake: 200 };
  const reply = await test.post('/v1/tickets', { ticketRef: v7(), accountId, currency: 'EUR', bets: [bet] }, token);
  expect(reply.status).toBe(201);
  const ticket = String(reply.body['ticketId']);
  await test.post(`/v1/operator/races/${raceId}/close`, { reason: 'off' }, test.operators.get('steward-anna'));
  await until(async () => ((await receiptOf(test, ticket))['proofs'] as unknown[] | undefined)?.length === 1);
  const { pools } = cardOf('').races[0] as ReturnType<typeof cardOf>['races'][number];
  await until(async () => (await sealsOf(test, raceId)).length === pools.length);
  return { raceId, ticket };
}

it(
  'changes the key of seals: old ones hold by the old key, new ones by the new, and both outlive a rebuild',
  async () => {
    rmSync(data, { recursive: true, force: true });
    mkdirSync(data);
    const file = join(folder, 'old.pem');
    writeFileSync(file, generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }));
    const device = new SoftDevice(mkdtempSync(join(folder, 'device-')));
    device.make('mutuel', 'seal', generateKeyPairSync('ed25519').privateKey);

    const before = await start({ SEAL_KEY_FILE: file });
    const first = await sealedTicket(before);
    const taken = await receiptOf(before, first.ticket);
    const [old] = (await keysOf(before)) as unknown as [PublishedKey];
    expect(before.warnings.filter((line) => line.startsWith('SEAL_KEY_CHANGED'))).toEqual([]);

    const env = { SEAL_PKCS11: device.uri('mutuel', 'seal') };
    const after = await start(env);
    const second = await sealedTicket(after);
    const keys = await keysOf(after);
    const [, fresh] = keys as unknown as [PublishedKey, PublishedKey];
    expect(keys.map(({ keyId }) => keyId)).toEqual([old.keyId, fresh.keyId]);
    expect(after.warnings.filter((line) => line.startsWith('SEAL_KEY_CHANGED'))).toEqual([
      expect.stringContaining(`by key ${fresh.keyId} from now on, by ${old.keyId} until now`),
    ]);
    expect(new Set((await sealsOf(after, first.raceId)).map(({ keyId }) => keyId))).toEqual(new Set([old.keyId]));
    expect(new Set((await sealsOf(after, second.raceId)).map(({ keyId }) => keyId))).toEqual(new Set([fresh.keyId]));

    // What was taken home needs the old key alone; asked for again, the new key signs the receipt and the old one its seal.
    const good = { faults: [], missing: [] };
    expect(verifyReceipt(taken, trustedKeys([old]))).toMatchObject(good);
    const again = await receiptOf(after, first.ticket);
    expect(again['receipt']).toMatchObject({ keyId: fresh.keyId });
    expect(verifyReceipt(again, trustedKeys(keys))).toMatchObject(good);
    expect(verifyReceipt(again, trustedKeys([fresh])).faults[0]).toContain(`signed by key ${old.keyId}, which is not`);
    expect(verifyReceipt(await receiptOf(after, second.ticket), trustedKeys([old])).faults[0]).toContain(fresh.keyId);
    const pack = await after.get(`/v1/operator/tickets/${first.ticket}/evidence`, after.operators.get('steward-anna'));
    expect(verifyEvidence(pack.body, trustedKeys(keys)).faults).toEqual([]);

    const seals = await Promise.all([first, second].map(({ raceId }) => sealsOf(after, raceId)));
    await after.stop();
    running = undefined;
    const ignore = (): void => undefined;
    await rebuildReadModels(readConfig({ args: ['--data', data], env, demoByDefault: false }), ignore, ignore);
    const rebuilt = await start(env);
    expect(await keysOf(rebuilt)).toEqual(keys);
    expect(await Promise.all([first, second].map(({ raceId }) => sealsOf(rebuilt, raceId)))).toEqual(seals);
    expect(rebuilt.warnings.filter((line) => line.startsWith('SEAL_KEY_CHANGED'))).toEqual([]);
  },
  STARTS_WITHIN_MS,
);
