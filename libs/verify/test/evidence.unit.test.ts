/** An evidence pack that was put together honestly holds; each lie in it, even one that the house itself signed, is named. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type EvidenceStatement,
  leafOf,
  poolRoot,
  type ReceiptFile,
  type ReceiptStatement,
  RunningRoot,
  type Signed,
  trustedKeys,
  verifyEvidence,
  verifyReceipt,
} from '#mutuel/verify';
import { pathOf } from './support/paths.js';

const house = generateKeyPairSync('ed25519');
const KEYS = trustedKeys([
  { keyId: 'house', publicKey: house.publicKey.export({ format: 'der', type: 'spki' }).toString('base64') },
]);
const signed = (said: object): Signed => {
  const statement = JSON.stringify(said);
  return {
    statement,
    keyId: 'house',
    signature: sign(null, Buffer.from(statement), house.privateKey).toString('base64'),
  };
};

/** 5-second cycle 359060000 begins at this time. */
const CYCLE = 359_060_000;
const AT = CYCLE * 5_000 + 3_200;
const TICKET = { blind: 'ab'.repeat(16), ticketId: 't1-7-abc', acceptedAt: AT };
const BET_ID = 't1-7-abc-1';
const BET = { no: 0, poolId: 'R1-WIN', selection: '4', lines: 1, unitStake: 200, stake: 200 };
const LEAF = leafOf({ ...TICKET, ...BET });

type Change<T> = (value: T) => Partial<T>;
interface Changes {
  readonly record?: (record: string) => string;
  readonly receipt?: Change<ReceiptStatement>;
  readonly pack?: Change<EvidenceStatement>;
}

/** A bet of 2.00 at 4.10, accepted 3.2 s into a cycle, stopped, paid 8.20; its receipt, seal and proof; all of it by the house's key. */
function pack({ record: alter = (text) => text, receipt: inReceipt, pack: inPack }: Changes = {}): Signed {
  const event = {
    ...{ t: 'TicketAccepted', ticket: TICKET.ticketId, account: 'acc-1', ref: 'ref', blind: TICKET.blind, total: 200 },
    bets: [{ no: 0, pool: 'R1-WIN', sel: '4', lines: 1, unit: 200, stake: 200, leaf: LEAF }],
  };
  const record = JSON.stringify({ v: 1, kind: 'decision', src: 'shard-1', seq: 7, at: AT, events: [event] });
  const leaves = ['c'.repeat(64), LEAF, 'd'.repeat(64)];
  const tree = new RunningRoot();
  for (const leaf of leaves) tree.add(leaf);
  const shards = [{ shard: 1, lastSeq: 90, bets: 3, stake: 900, leaves: 3, root: tree.root }];
  const seal = signed({
    ...{ kind: 'mutuel-seal', v: 1, poolId: 'R1-WIN', raceId: 'R1', closeNo: 1, sealedAt: AT + 60_000 },
    ...{ bets: 3, stake: 900, voidedBets: 0, voidedStake: 0, root: poolRoot([tree.root]), shards },
  });
  const receipt: ReceiptStatement = {
    ...{
      kind: 'mutuel-receipt',
      v: 1,
      ...TICKET,
      ticketRef: 'ref',
      accountId: 'acc-1',
      currency: 'EUR',
      totalStake: 200,
    },
    ...{ shard: 1, seq: 7, hash: createHash('sha256').update(record).digest('hex') },
    bets: [{ betId: BET_ID, ...BET, leaf: LEAF }],
  };
  const proof = { betId: BET_ID, shard: 1, index: 1, leaves: 3, path: pathOf(leaves, 1), seal };
  const file: ReceiptFile = {
    ...{ kind: 'mutuel-receipt-file', v: 1, proofs: [proof] },
    receipt: signed({ ...receipt, ...inReceipt?.(receipt) }),
  };
  const shard = { source: 'shard-1', outcome: 'ACCEPTED', betId: BET_ID, reason: null } as const;
  const market = {
    source: 'market',
    actor: 'anna',
    outcome: 'ACCEPTED',
    betId: null,
    amount: null,
    reason: 'off',
  } as const;
  const statement: EvidenceStatement = {
    ...{ kind: 'mutuel-evidence', v: 1, madeAt: AT + 900_000, ticketId: TICKET.ticketId, betId: null, receipt: file },
    decision: { topic: 'shard.decisions', partition: 1, offset: 8, record: alter(record) },
    odds: [
      {
        ...{ poolId: 'R1-WIN', cycle: CYCLE, at: CYCLE * 5_000 + 100, offset: 40, gross: 900 },
        ...{ cut: { market: 9, shards: [0, 8] }, rows: [] },
      },
    ],
    events: [
      { ...shard, at: AT, seq: 7, actor: 'acc-1', action: 'STAKE', amount: -200 },
      { ...market, at: AT + 50_000, seq: 12, action: 'StopBetting' },
      { ...market, at: AT + 200_000, seq: 15, action: 'EnterResult' },
      { ...shard, at: AT + 300_000, seq: 99, actor: 'rules', action: 'PAYOUT', amount: 820 },
    ],
    bets: [{ betId: BET_ID, placement: 'ACCEPTED', resulting: 'WON', settlement: 'SETTLED', payout: 820, refund: 0 }],
  };
  return signed({ ...statement, ...inPack?.(statement) });
}

const TAMPERINGS: readonly (readonly [what: string, file: () => unknown, fault: string])[] = [
  ['is something else', () => null, 'the pack: this is no evidence pack: statement, keyId and signature are missing'],
  [
    'was altered after signing',
    () => ({ ...pack(), statement: pack().statement.replace('"payout":820', '"payout":920') }),
    'the pack: the signature of key house does not fit the statement: one of them was altered',
  ],
  [
    'was signed by a key that nobody trusts',
    () => ({ ...pack(), keyId: 'other' }),
    'the pack: it was signed by key other, which is not among the trusted keys',
  ],
  [
    'is of a later version',
    () => pack({ pack: () => ({ v: 2 as 1 }) }),
    'the pack: the statement has version 2, this release reads version 1',
  ],
  [
    'is a receipt in disguise',
    () => signed({ kind: 'mutuel-receipt', v: 1 }),
    'the pack: the statement is a mutuel-receipt, not a mutuel-evidence',
  ],
  [
    'carries another ticket’s receipt',
    () => pack({ pack: () => ({ ticketId: 't1-8-xyz' }) }),
    'the pack is of ticket t1-8-xyz, its receipt of t1-7-abc',
  ],
  [
    'names a bet that is not on the receipt',
    () => pack({ pack: () => ({ betId: 't1-7-abc-2' }) }),
    'bet t1-7-abc-2 is not on the receipt',
  ],
  ['forgets the bet', () => pack({ pack: () => ({ bets: [] }) }), 'the pack says nothing of bet t1-7-abc-1'],
  [
    'holds another record',
    () => pack({ record: (text) => text.replace('"total":200', '"total":201') }),
    'the record at shard.decisions/1 #8 is not the one whose hash the receipt states',
  ],
  [
    'has a receipt with another time than the record',
    () => pack({ receipt: () => ({ seq: 8 }) }),
    'the record at shard.decisions/1 #8 says other than the receipt',
  ],
  [
    'shows another selection than was sealed',
    () => pack({ receipt: ({ bets }) => ({ bets: bets.map((bet) => ({ ...bet, selection: '5' })) }) }),
    'bet t1-7-abc-1: its leaf is not the hash of what the receipt says of it',
  ],
  [
    'shows odds of a later cycle',
    () => pack({ pack: ({ odds }) => ({ odds: odds.map((one) => ({ ...one, cycle: CYCLE + 1, at: AT + 2_000 })) }) }),
    `the odds of R1-WIN are of cycle ${CYCLE + 1}, computed after the bet was accepted`,
  ],
  [
    'shows odds from before their cycle',
    () => pack({ pack: ({ odds }) => ({ odds: odds.map((one) => ({ ...one, at: CYCLE * 5_000 - 1 })) }) }),
    `the odds of R1-WIN were computed before the time of their cycle ${CYCLE}`,
  ],
  [
    'has its events reordered',
    () => pack({ pack: ({ events }) => ({ events: [...events].reverse() }) }),
    'the events are out of order at market #15',
  ],
  [
    'lost the payment',
    () => pack({ pack: ({ events }) => ({ events: events.slice(0, -1) }) }),
    'bet t1-7-abc-1: its movements gave back 0, the pack says 820',
  ],
  [
    'pays more than it says',
    () => pack({ pack: ({ bets }) => ({ bets: bets.map((bet) => ({ ...bet, payout: 720 })) }) }),
    'bet t1-7-abc-1: its movements gave back 820, the pack says 720',
  ],
  [
    'took another stake',
    () =>
      pack({
        pack: ({ events }) => ({ events: events.map((e) => (e.action === 'STAKE' ? { ...e, amount: -100 } : e)) }),
      }),
    'bet t1-7-abc-1: 100 was taken from the account, its stake is 200',
  ],
  [
    'took the stake at another time',
    () =>
      pack({
        pack: ({ events }) => ({ events: events.map((e) => (e.action === 'STAKE' ? { ...e, at: AT - 1 } : e)) }),
      }),
    `the stake was taken at ${AT - 1}, the receipt says ${AT}`,
  ],
];

describe('an evidence pack', () => {
  it('holds, and says what held', () => {
    expect(verifyEvidence(pack(), KEYS)).toEqual({
      held: [
        'the pack is signed by key house',
        'the receipt is signed by key house',
        '1 bets cost 200 minor units',
        'the seal of R1-WIN is signed by key house',
        'bet t1-7-abc-1 is leaf 2 of 3 of shard 1 in the seal of R1-WIN',
        'the record at shard.decisions/1 #8 accepted exactly what the receipt says',
        `the odds of R1-WIN shown were those of cycle ${CYCLE} (odds #40), 3.1 s old`,
        '4 events in the order of their logs, the stop 50000 ms after the bet',
        'bet t1-7-abc-1: 200 was taken and 820 came back',
      ],
      missing: [],
      faults: [],
    });
  });

  it('says what is missing: no odds before the bet, movements of a later kind', () => {
    const { missing, faults } = verifyEvidence(
      pack({
        pack: ({ events }) => ({
          odds: [],
          events: events.map((e) => (e.action === 'PAYOUT' ? { ...e, action: 'CARRIED' } : e)),
        }),
      }),
      KEYS,
    );
    expect(faults).toEqual([]);
    expect(missing).toEqual([
      'no odds of R1-WIN had been computed before the bet was accepted',
      'bet t1-7-abc-1: what CARRIED moved is shown and not added up',
    ]);
  });

  it('adds up corrections: what was taken back, what is owed for the rest, and what a payout kept back for older debts', () => {
    // Paid 820 of which 20 went to an older debt; the result changed: 820 are to go back, 700 are there, 120 are owed.
    const later = (at: number, seq: number, action: string, amount: number, owed: number) => ({
      ...{ at: AT + at, source: 'shard-1', seq, actor: 'rules', action, outcome: 'ACCEPTED' as const },
      ...{ betId: BET_ID, amount, reason: null, owed },
    });
    const corrected = (owed: number) =>
      verifyEvidence(
        pack({
          pack: ({ events, bets: [bet] }) => ({
            events: [
              ...events,
              later(300_000, 99, 'RECOVERY', -20, -20),
              later(400_000, 120, 'CORRECTION', -700, owed),
            ],
            bets: [{ ...(bet as EvidenceStatement['bets'][number]), payout: 0 }],
          }),
        }),
        KEYS,
      );
    expect(corrected(120)).toMatchObject({ faults: [], missing: [] });
    expect(corrected(120).held).toContain('bet t1-7-abc-1: 200 was taken and 0 came back');
    expect(corrected(119).faults).toEqual(['bet t1-7-abc-1: its movements gave back 1, the pack says 0']);
  });

  it.each(TAMPERINGS)('that %s fails with the sentence that says so', (_, file, fault) => {
    expect(verifyEvidence(file(), KEYS).faults).toContain(fault);
  });
});

/** Every part of a file, by its path. */
function partsOf(value: unknown, at: readonly (string | number)[] = []): readonly (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [at];
  const inner = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [at, ...inner.flatMap((key) => partsOf((value as Record<string | number, unknown>)[key], [...at, key]))];
}

const innerPartsOf = (value: unknown) => partsOf(value).filter((at) => at.length > 0);

function changed(value: unknown, [key, ...rest]: readonly (string | number)[], to: unknown): unknown {
  if (key === undefined) return to;
  const copy: Record<string | number, unknown> = structuredClone(value) as Record<string | number, unknown>;
  copy[key] = changed(copy[key], rest, to);
  return copy;
}

describe('whatever stands in a file', () => {
  const ODD: readonly unknown[] = [undefined, null, -1.5, [null]];

  it('a pack and its receipt get a verdict for every part that is missing or of another kind, signed by the house or not', () => {
    const whole = pack();
    const said = JSON.parse(whole.statement) as EvidenceStatement;
    for (const odd of ODD) {
      for (const at of innerPartsOf(whole)) expect(faultsOf(changed(whole, at, odd))).not.toEqual([]);
      for (const at of innerPartsOf(said)) verifyEvidence(signed(changed(said, at, odd) as object), KEYS);
      for (const at of innerPartsOf(said.receipt)) verifyReceiptOf(changed(said.receipt, at, odd));
      const statement = JSON.parse(said.receipt.receipt.statement) as object;
      for (const at of innerPartsOf(statement))
        verifyReceiptOf({ ...said.receipt, receipt: signed(changed(statement, at, odd) as object) });
    }
  });

  const faultsOf = (file: unknown): readonly string[] => verifyEvidence(file, KEYS).faults;
  const verifyReceiptOf = (file: unknown): void => {
    const { held, missing, faults } = verifyReceipt(file, KEYS);
    expect(held.length + missing.length + faults.length).toBeGreaterThan(0);
  };
});
