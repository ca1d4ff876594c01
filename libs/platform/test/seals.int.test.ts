/**
 * Seals and receipts of a running system: a bettor takes the receipt home and checks it with the published keys; the key goes away in
 * the middle of the day and comes back.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  type AnchorFile,
  type EvidenceStatement,
  type PublishedKey,
  readSeal,
  type Signed,
  trustedKeys,
  verifyAnchor,
  verifyEvidence,
  verifyReceipt,
} from '#mutuel/verify';
import { TimeStampAuthority } from '../../../test/trust/time-stamp-authority.js';
import { startTestSystem, type TestSystem, until } from './support/system.js';

const dir = mkdtempSync(join(tmpdir(), 'mutuel-seal-key-'));
const keyFile = join(dir, 'key.pem');
const authority = new TimeStampAuthority();
let test: TestSystem;
beforeAll(async () => {
  // Away at first, as the key is.
  authority.mood = 'BROKEN';
  test = await startTestSystem({ SEAL_KEY_FILE: keyFile, TSA_URL: await authority.start() });
});
afterAll(async () => {
  await test.stop();
  await authority.stop();
  rmSync(dir, { recursive: true, force: true });
});

const account = () => test.accounts[0] as TestSystem['accounts'][number];

async function bet(raceId: string): Promise<string> {
  const { accountId, token } = account();
  const bets = [
    { betRef: 'a', poolId: `${raceId}-WIN`, form: 'STRAIGHT', columns: [['4']], unitStake: 200, stake: 200 },
    { betRef: 'b', poolId: `${raceId}-PLACE`, form: 'STRAIGHT', columns: [['5']], unitStake: 300, stake: 300 },
  ];
  const reply = await test.post('/v1/tickets', { ticketRef: v7(), accountId, currency: 'EUR', bets }, token);
  expect(reply.status).toBe(201);
  return String(reply.body['ticketId']);
}

const stop = (raceId: string) =>
  test.post(`/v1/operator/races/${raceId}/close`, { reason: 'off' }, test.operators.get('steward-anna'));
const seals = async (raceId: string) =>
  (await test.get(`/v1/seals?raceId=${raceId}`)).body['seals'] as { poolId: string }[];
const receipt = (ticket: string, token = account().token) => test.get(`/v1/tickets/${ticket}/receipt`, token);

describe('while the seal key is away', () => {
  it('bets are taken and races closed, receipts are 503 with the reason, and an alarm was raised once', async () => {
    const raceId = await test.openRace();
    const ticket = await bet(raceId);
    const told: { pc?: { id: string; seal?: Signed }[] }[] = [];
    const socket = new WebSocket(`${test.system.url.replace('http', 'ws')}/feed`);
    socket.on('message', (data) => told.push(JSON.parse(String(data))));
    await new Promise((open) => socket.once('open', open));
    socket.send(JSON.stringify({ op: 'subscribe', id: 1, filter: { pools: [`${raceId}-WIN`] }, fields: ['DEF'] }));
    expect((await stop(raceId)).status).toBeLessThan(300);
    await until(async () => test.warnings.some((line) => line.startsWith('SEALS_UNSIGNED')));
    await until(async () => (await receipt(ticket)).status === 503);
    const refused = await receipt(ticket);
    expect(refused.body).toMatchObject({ code: 'SEAL_KEY_AWAY' });
    expect(refused.body['detail']).toContain('cannot be read');
    expect(await seals(raceId)).toEqual([]);
    expect(test.warnings.filter((line) => line.startsWith('SEALS_UNSIGNED'))).toHaveLength(1);

    writeFileSync(keyFile, generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }));
    await until(async () => (await seals(raceId)).length > 0);
    await until(async () => test.warnings.some((line) => line.startsWith('SEAL_KEY_BACK')));

    // Whoever listens need not ask for the seal.
    const inFeed = () => told.flatMap(({ pc = [] }) => pc).find(({ seal }) => seal)?.seal;
    await until(async () => inFeed() !== undefined);
    socket.close();
    const { keys } = (await test.get('/v1/seal-keys')).body as unknown as { keys: PublishedKey[] };
    expect(readSeal(inFeed() as Signed, trustedKeys(keys))).toMatchObject({
      poolId: `${raceId}-WIN`,
      closeNo: 1,
    });
  });
});

describe('a receipt', () => {
  it('is signed while its race sells, and carries a proof for every bet once the pools are sealed', async () => {
    const raceId = await test.openRace();
    const [ticket] = [await bet(raceId), await bet(raceId), await bet(raceId)];
    await until(async () => (await receipt(ticket)).status === 200);
    const { keys } = (await test.get('/v1/seal-keys')).body as unknown as { keys: PublishedKey[] };
    const trusted = trustedKeys(keys);
    const before = verifyReceipt((await receipt(ticket)).body, trusted);
    expect(before.faults).toEqual([]);
    expect(before.missing).toHaveLength(2);

    await stop(raceId);
    await until(async () => ((await receipt(ticket)).body['proofs'] as unknown[]).length === 2);
    const after = verifyReceipt((await receipt(ticket)).body, trusted);
    expect(after).toMatchObject({ faults: [], missing: [] });
    expect(after.held).toHaveLength(6);
    const view = (await test.get(`/v1/tickets/${ticket}`, account().token)).body;
    expect(view['proofs']).toHaveLength(2);
  });

  it('is shown to nobody else, and there is none for a ticket that is not there', async () => {
    const raceId = await test.openRace();
    const ticket = await bet(raceId);
    await until(async () => (await receipt(ticket)).status === 200);
    expect((await receipt(ticket, (test.accounts[1] as TestSystem['accounts'][number]).token)).status).toBe(404);
    expect((await test.get(`/v1/tickets/${ticket}/receipt`)).status).toBe(401);
    expect((await receipt('t0-1-nothing')).body).toMatchObject({ code: 'TICKET_UNKNOWN' });
  });
});

describe('the evidence of a ticket', () => {
  const evidence = (id: string, user: string) =>
    test.get(`/v1/operator/tickets/${id}/evidence`, test.operators.get(user));

  it('holds from acceptance to the stop with the act of the steward, of the whole ticket or of one bet, and names nobody', async () => {
    const raceId = await test.openRace();
    await bet(raceId);
    // The odds of the cycle in which the pool moved for the first time.
    await until(async () => (await test.get(`/v1/pools/${raceId}-WIN`)).body['cycle'] !== null);
    const ticket = await bet(raceId);
    await stop(raceId);
    await until(async () => ((await receipt(ticket)).body['proofs'] as unknown[] | undefined)?.length === 2);
    const { keys } = (await test.get('/v1/seal-keys')).body as unknown as { keys: PublishedKey[] };
    for (const id of [ticket, `${ticket}-2`]) {
      const pack = await evidence(id, 'steward-anna');
      expect(pack.status).toBe(200);
      const verdict = verifyEvidence(pack.body, trustedKeys(keys));
      expect(verdict).toMatchObject({ faults: [], missing: [] });
      expect(verdict.held.join('\n')).toMatch(/events in the order of their logs, the stop \d+ ms after the bet/);
      const said = JSON.parse(String(pack.body['statement'])) as EvidenceStatement;
      expect(said.bets.map(({ betId }) => betId)).toEqual(id === ticket ? [`${ticket}-1`, `${ticket}-2`] : [id]);
      const stop = said.events.find(({ action }) => action === 'StopBetting');
      expect(stop).toMatchObject({ actor: 'steward-anna', device: 'demo-steward-anna' });
      expect(pack.text).not.toMatch(/"(?:name|email|address|phone|ip)\W/);
      // Officials' devices are told, bettors' are not.
      expect(said.events.filter(({ source, device }) => source !== 'market' && device !== undefined)).toEqual([]);
    }
  });

  it('is for officials alone, and of tickets that were accepted', async () => {
    const ticket = await bet(await test.openRace());
    await until(async () => (await receipt(ticket)).status === 200);
    expect((await test.get(`/v1/operator/tickets/${ticket}/evidence`, account().token)).status).toBe(403);
    expect((await evidence('t0-999999-abc', 'steward-anna')).body).toMatchObject({ code: 'TICKET_UNKNOWN' });
    expect((await evidence(`${ticket}-9`, 'steward-anna')).body).toMatchObject({ code: 'TICKET_UNKNOWN' });
  });
});

describe('the anchor of the day', () => {
  it('waits with one alarm for an authority that is out of order, and is there when it answers: no bet waited for it', async () => {
    await until(async () => test.warnings.some((line) => line.startsWith('LOG_NOT_ANCHORED')));
    await bet(await test.openRace());
    authority.mood = 'STAMPS';
    const anchors = async () => (await test.get('/v1/anchors')).body['anchors'] as AnchorFile[];
    for (let tries = 0; tries < 45 && (await anchors()).length === 0; tries++)
      await new Promise((r) => setTimeout(r, 1_000));
    const [anchor] = await anchors();
    const verdict = await verifyAnchor(anchor, [authority.authority]);
    expect(verdict).toMatchObject({ faults: [], missing: ['no log is here to compare the heads with'] });
    expect(test.warnings.filter((line) => line.startsWith('LOG_NOT_ANCHORED'))).toHaveLength(1);
    expect(JSON.parse(anchor?.statement ?? '{}')).toMatchObject({ day: new Date().toISOString().slice(0, 10) });
  });
});
