import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  KeyRefused,
  leafOf,
  poolRoot,
  type ReceiptBet,
  type ReceiptFile,
  type ReceiptStatement,
  RunningRoot,
  type SealStatement,
  type Signed,
  trustedKeys,
  verifyReceipt,
} from '#mutuel/verify';
import { pathOf } from './support/paths.js';

const house = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');
const published = (keyId: string, key: KeyObject) => ({
  keyId,
  publicKey: key.export({ format: 'der', type: 'spki' }).toString('base64'),
});
const KEYS = trustedKeys([published('house', house.publicKey)]);

const signed = (said: object, key = house.privateKey): Signed => {
  const statement = JSON.stringify(said);
  return { statement, keyId: 'house', signature: sign(null, Buffer.from(statement), key).toString('base64') };
};

const TICKET = { blind: 'ab'.repeat(16), ticketId: 't1-7-abc', acceptedAt: 1_795_300_000_000 };
const betOf = (no: number, poolId: string): ReceiptBet => {
  const bet = { betId: `t1-7-abc-${no + 1}`, no, poolId, selection: '4', lines: 1, unitStake: 200, stake: 200 };
  return { ...bet, leaf: leafOf({ ...bet, ...TICKET }) };
};

/** Two bets, one in a pool of five bets in this shard that is sealed, one in a pool that still sells. */
function world() {
  const bets = [betOf(0, 'WIN-1'), betOf(1, 'PLACE-1')];
  const leaves = ['a', 'b', 'c', 'd'].map((seed) => seed.repeat(64)).toSpliced(2, 0, (bets[0] as ReceiptBet).leaf);
  const tree = new RunningRoot();
  for (const leaf of leaves) tree.add(leaf);
  const shards = [
    { shard: 0, lastSeq: 3, bets: 1, stake: 100, leaves: 1, root: 'e'.repeat(64) },
    { shard: 1, lastSeq: 90, bets: 5, stake: 900, leaves: 5, root: tree.root },
  ];
  const seal: SealStatement = {
    ...{ kind: 'mutuel-seal', v: 1, poolId: 'WIN-1', raceId: 'R1', closeNo: 1, sealedAt: 1_795_300_300_000 },
    ...{ bets: 6, stake: 1_000, voidedBets: 0, voidedStake: 0 },
    ...{ root: poolRoot(shards.map(({ root }) => root)), shards },
  };
  const receipt: ReceiptStatement = {
    ...{ kind: 'mutuel-receipt', v: 1, ...TICKET, ticketRef: 'ref', accountId: 'acc-1', currency: 'EUR' },
    ...{ totalStake: 400, shard: 1, seq: 7, hash: 'f'.repeat(64), bets },
  };
  const proof = { betId: 't1-7-abc-1', shard: 1, index: 2, leaves: 5, path: pathOf(leaves, 2) };
  const file = (change: { seal?: object; receipt?: object; proof?: object } = {}): ReceiptFile => ({
    kind: 'mutuel-receipt-file',
    v: 1,
    receipt: signed({ ...receipt, ...change.receipt }),
    proofs: [{ ...proof, seal: signed({ ...seal, ...change.seal }), ...change.proof }],
  });
  return { receipt, seal, proof, file };
}

const faults = (file: unknown): readonly string[] => verifyReceipt(file, KEYS).faults;

describe('a receipt', () => {
  it('holds, says what held, and says which bet has no proof yet', () => {
    const verdict = verifyReceipt(world().file(), KEYS);
    expect(verdict).toEqual({
      held: [
        'the receipt is signed by key house',
        '2 bets cost 400 minor units',
        'the seal of WIN-1 is signed by key house',
        'bet t1-7-abc-1 is leaf 3 of 5 of shard 1 in the seal of WIN-1',
      ],
      missing: ['bet t1-7-abc-2: no proof yet; pool PLACE-1 was not sealed'],
      faults: [],
    });
  });

  it.each([
    ['is something else', () => ({ kind: 'other' }), 'this is no receipt: its kind is not mutuel-receipt-file'],
    ['is nothing', () => null, 'this is no receipt: its kind is not mutuel-receipt-file'],
    [
      'is a file of a later version',
      () => ({ ...world().file(), v: 2 }),
      'the receipt has version 2, this release reads version 1',
    ],
    [
      'lost its proofs',
      () => ({ ...world().file(), proofs: undefined }),
      'the receipt is not whole: proofs is missing',
    ],
    [
      'has a path of numbers',
      () => world().file({ proof: { path: [1] } }),
      'the receipt is not whole: proofs[0].path[0] is no string',
    ],
    [
      'has a bet without a stake',
      () => world().file({ receipt: { bets: world().receipt.bets.map(({ stake: _, ...bet }) => bet) } }),
      'the receipt: the statement is not whole: bets[0].stake is missing',
    ],
    [
      'was altered after signing',
      () => {
        const file = world().file();
        return { ...file, receipt: { ...file.receipt, statement: file.receipt.statement.replace('400', '4000') } };
      },
      'the receipt: the signature of key house does not fit the statement: one of them was altered',
    ],
    [
      'was signed by a stranger in the house’s name',
      () => ({ ...world().file(), receipt: signed(world().receipt, stranger.privateKey) }),
      'the receipt: the signature of key house does not fit the statement: one of them was altered',
    ],
    [
      'was signed by a key that nobody trusts',
      () => ({ ...world().file(), receipt: { ...signed(world().receipt), keyId: 'other' } }),
      'the receipt: it was signed by key other, which is not among the trusted keys',
    ],
    [
      'carries a seal for a receipt',
      () => ({ ...world().file(), receipt: signed(world().seal) }),
      'the receipt: the statement is a mutuel-seal, not a mutuel-receipt',
    ],
    [
      'is of a later version',
      () => world().file({ receipt: { v: 2 } }),
      'the receipt: the statement has version 2, this release reads version 1',
    ],
    [
      'does not add up',
      () => world().file({ receipt: { totalStake: 401 } }),
      'the bets cost 400, the receipt says 401',
    ],
    [
      'names another selection than its leaf',
      () => world().file({ receipt: { bets: world().receipt.bets.map((bet) => ({ ...bet, selection: '5' })) } }),
      'bet t1-7-abc-1: its leaf is not the hash of what the receipt says of it',
    ],
    [
      'proves a bet of another pool',
      () => world().file({ seal: { poolId: 'WIN-2' } }),
      'bet t1-7-abc-1: its proof leads to pool WIN-2, the bet is on WIN-1',
    ],
    [
      'has a seal whose shards do not make its root',
      () => world().file({ seal: { root: '0'.repeat(64) } }),
      'bet t1-7-abc-1: the roots of the shards do not make the root of the seal',
    ],
    [
      'proves it in another shard',
      () => world().file({ proof: { shard: 0 } }),
      'bet t1-7-abc-1: its proof is for shard 0, the bet is in shard 1',
    ],
    [
      'counts other bets than the seal',
      () => world().file({ proof: { leaves: 6 } }),
      'bet t1-7-abc-1: its proof counts 6 bets, the seal 5',
    ],
    [
      'proves it at another place',
      () => world().file({ proof: { index: 3 } }),
      'bet t1-7-abc-1: its path does not lead to the root of the seal: the bet is not in it',
    ],
    [
      'lost a step of its path',
      () => world().file({ proof: { path: world().proof.path.slice(1) } }),
      'bet t1-7-abc-1: the path of leaf 2 of 5 has 3 steps, not 2',
    ],
  ])('that %s fails with the sentence that says so', (_, file, fault) => {
    expect(faults(file())).toContain(fault);
  });

  it('is not judged with a key that is no Ed25519 key', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(() => trustedKeys([published('ec', publicKey)])).toThrow(KeyRefused);
    const twice = [house, stranger].map((pair) => published('house', pair.publicKey));
    expect(() => trustedKeys(twice)).toThrow('key house stands twice in the list');
    expect(() => trustedKeys([{ keyId: 'x' } as never])).toThrow('not whole: keys[0].publicKey is missing');
    expect(() => trustedKeys([{ keyId: 'x', publicKey: 'none' }])).toThrow(
      'key x is not a public key in PEM or base64 SPKI',
    );
  });
});
