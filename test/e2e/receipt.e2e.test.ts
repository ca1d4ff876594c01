/**
 * The receipt page opened from a disk in a real browser, with no server anywhere: it must come to the verdict of `mutuel verify
 * receipt`, and see what was altered.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leafOf, poolRoot, RunningRoot, trustedKeys, verifyReceipt } from '#mutuel/verify';
import { pathOf } from '../../libs/verify/test/support/paths.js';
import { launchBrowser } from './pages.js';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const KEYS = {
  keys: [{ keyId: 'house', publicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64') }],
};
const signed = (said: object) => {
  const statement = JSON.stringify(said);
  return { statement, keyId: 'house', signature: sign(null, Buffer.from(statement), privateKey).toString('base64') };
};

/** A ticket of one bet, the fourth of seven in its pool. */
function receipt(change: { readonly proof?: object } = {}) {
  const ticket = { blind: 'cd'.repeat(16), ticketId: 't0-9-x', acceptedAt: 1_795_300_000_000 };
  const said = { betId: 't0-9-x-1', no: 0, poolId: 'Prix-WIN', selection: '4', lines: 1, unitStake: 250, stake: 250 };
  const bet = { ...said, leaf: leafOf({ ...ticket, ...said }) };
  const leaves = Array.from({ length: 7 }, (_, i) => (i === 3 ? bet.leaf : String(i).repeat(64)));
  const tree = new RunningRoot();
  for (const leaf of leaves) tree.add(leaf);
  const shards = [{ shard: 0, lastSeq: 40, bets: 7, stake: 2_000, leaves: 7, root: tree.root }];
  const money = { bets: 7, stake: 2_000, voidedBets: 0, voidedStake: 0 };
  const place = { poolId: 'Prix-WIN', raceId: 'Prix', closeNo: 1, sealedAt: 1_795_300_100_000 };
  const seal = signed({ kind: 'mutuel-seal', v: 1, ...place, ...money, root: poolRoot([tree.root]), shards });
  const who = { ticketRef: 'ref', accountId: 'acc-1', currency: 'EUR' };
  const logged = { shard: 0, seq: 9, hash: 'f'.repeat(64) };
  return {
    kind: 'mutuel-receipt-file',
    v: 1,
    receipt: signed({ kind: 'mutuel-receipt', v: 1, ...ticket, ...who, ...logged, totalStake: 250, bets: [bet] }),
    proofs: [{ betId: bet.betId, shard: 0, index: 3, leaves: 7, path: pathOf(leaves, 3), seal, ...change.proof }],
  };
}

describe('the receipt page without a server', () => {
  let browser: Browser;
  let page: Page;
  beforeAll(async () => {
    browser = await launchBrowser();
    page = await browser.newPage();
    await page.goto(pathToFileURL(resolve('apps/console/public/receipt.html')).href);
  });
  afterAll(() => browser.close());

  const give = async (field: 'receipt' | 'keys', said: unknown): Promise<void> => {
    const buffer = Buffer.from(typeof said === 'string' ? said : JSON.stringify(said));
    await page.setInputFiles(`#${field}`, { name: `${field}.json`, mimeType: 'application/json', buffer });
  };
  const verdict = () => page.locator('#verdict');

  it('finds that a good receipt holds, as the command does', async () => {
    await give('keys', KEYS);
    await give('receipt', receipt());
    await verdict().filter({ hasText: 'This receipt holds' }).waitFor();
    expect(await page.locator('#lines').textContent()).toContain(
      'number 4 of 7 bets of shard 0 in the seal of Prix-WIN',
    );
    expect(verifyReceipt(receipt(), trustedKeys(KEYS.keys)).faults).toEqual([]);
  });

  it.each([
    [
      'an altered statement',
      () => ({
        ...receipt(),
        receipt: { ...receipt().receipt, statement: receipt().receipt.statement.replace('250', '2500') },
      }),
      'does not fit',
    ],
    ['another place in the tree', () => receipt({ proof: { index: 2 } }), 'does not lead to the root'],
    ['another count', () => receipt({ proof: { leaves: 8 } }), 'counts 8 bets, the seal 7'],
    ['a file that is something else', () => 'no JSON', 'not readable JSON'],
    ['a receipt of a later version', () => ({ ...receipt(), v: 2 }), 'has version 2, this page reads version 1'],
    ['a proof that is nothing', () => ({ ...receipt(), proofs: [null] }), 'not whole: proofs[0] is no object'],
    ['a path of numbers', () => receipt({ proof: { path: [1] } }), 'not whole: proofs[0].path[0] is no string'],
  ])('says of %s that it does not hold, and why', async (_, file, why) => {
    await give('receipt', file());
    await page.locator('#lines').filter({ hasText: why }).waitFor();
    expect(await verdict().textContent()).toBe('This receipt does NOT hold');
  });
});

describe('the page of the seals', () => {
  let browser: Browser;
  let server: Server;
  let seals: object[] = [];
  beforeAll(async () => {
    browser = await launchBrowser();
    server = createServer((request, response) => {
      const published: Readonly<Record<string, object>> = {
        '/v1/seals': { seals },
        '/v1/seal-keys': { keys: KEYS.keys.map((key) => ({ ...key, since: '2026-11-22T00:00:00.000Z' })) },
        '/v1/anchors': {
          anchors: [{ day: '2026-11-22', statement: '{"heads":[{"source":"market","seq":3}]}', token: '' }],
        },
      };
      const path = new URL(request.url ?? '/', 'http://here').pathname;
      const said = published[path];
      const type = path.endsWith('.js') ? 'text/javascript' : path.endsWith('.html') ? 'text/html' : 'application/json';
      response.setHeader('content-type', type);
      const isPage = /^\/seals\.(html|js)$/.test(path);
      response.end(isPage ? readFileSync(resolve(`apps/console/public${path}`)) : JSON.stringify(said ?? {}));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });

  const sealed = (poolId: string) => ({
    ...receipt().proofs[0]?.seal,
    ...{ poolId, closeNo: 1, sealedAt: '2026-11-22T12:00:00.000Z' },
  });
  const text = async (published: object[], wanted: string) => {
    seals = published;
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/seals.html`);
    await page.locator('#verdict').filter({ hasText: wanted }).waitFor();
    const shown = (await page.locator('main').textContent()) ?? '';
    await page.close();
    return shown;
  };

  it('checks each signature, and shows keys and anchors', async () => {
    const shown = await text([sealed('Prix-WIN')], 'All 1 seals shown hold');
    for (const words of ['Prix-WIN', '2000', 'house', '2026-11-22', 'market 3']) expect(shown).toContain(words);
  });

  it('says which seal does not hold', async () => {
    const seal = sealed('Prix-WIN') as { statement: string };
    const altered = { ...seal, statement: seal.statement.replace('"stake":2000', '"stake":2001') };
    expect(await text([seal, altered], '1 of 2 seals do NOT hold')).toContain('its signature does not fit');
    expect(await text([{ ...seal, keyId: 'other' }], '1 of 1 seals do NOT hold')).toContain('its key is not published');
  });
});
