/**
 * What a file must look like before anything in it is believed: the first part that is missing or of another kind is named by its
 * place. It must never let a file through that a check behind it would stumble over.
 */
import { z } from 'zod';

const text = z.string();
const number = z.number();
const count = z.int().min(0);
const signed = z.looseObject({ statement: text, keyId: text, signature: text });

const receiptBet = z.looseObject({
  ...{ betId: text, no: count, poolId: text, selection: text },
  ...{ lines: number, unitStake: number, stake: number, leaf: text },
});

const statements = {
  'mutuel-receipt': z.looseObject({
    ...{ ticketId: text, ticketRef: text, accountId: text, acceptedAt: number, totalStake: number, blind: text },
    ...{ shard: count, seq: count, hash: text, bets: z.array(receiptBet) },
  }),
  'mutuel-seal': z.looseObject({
    ...{ poolId: text, closeNo: count, bets: number, stake: number, root: text },
    shards: z.array(z.looseObject({ shard: count, lastSeq: count, leaves: count, root: text })),
  }),
  'mutuel-evidence': z.looseObject({
    ...{ ticketId: text, betId: text.nullable(), receipt: z.looseObject({}) },
    decision: z.looseObject({ topic: text, partition: count, offset: count, record: text }),
    odds: z.array(z.looseObject({ poolId: text, cycle: number, at: number, offset: count })),
    events: z.array(
      z.looseObject({
        ...{ at: number, source: text, seq: count, actor: text, action: text, outcome: text },
        ...{ betId: text.nullable(), amount: number.nullable(), owed: number.optional() },
      }),
    ),
    bets: z.array(z.looseObject({ betId: text, placement: text, payout: number, refund: number })),
  }),
  'mutuel-certificate': z.looseObject({
    ...{ lost: count, doubled: count, late: count, adrift: count, other: count, page: text },
    ...{
      accepted: count,
      drawn: count,
      struck: count,
      racesSettled: count,
      seals: count,
      deciders: count,
      replayed: count,
    },
  }),
  'mutuel-anchor': z.looseObject({
    heads: z.array(z.looseObject({ source: text, seq: count, head: text })),
    keys: z.array(z.looseObject({ keyId: text, since: number })).optional(),
  }),
};

const proof = z.looseObject({
  ...{ betId: text, shard: number, index: number, leaves: number, path: z.array(text), seal: signed },
});
/** More than any log has. */
const MOST_PARTITIONS = 100_000;
const files = {
  head: z.looseObject({
    shards: z.int().min(0).max(MOST_PARTITIONS),
    topics: z.record(z.string(), z.int().min(0).max(MOST_PARTITIONS)),
  }),
  seals: z.looseObject({
    seals: z.array(z.looseObject({ poolId: text, closeNo: count, statement: text, keyId: text, signature: text })),
  }),
  receipt: z.looseObject({ receipt: signed, proofs: z.array(proof) }),
  keys: z.looseObject({ keys: z.array(z.looseObject({ keyId: text, publicKey: text })) }),
};

/** The first part that is not as it should be, in words; undefined for a whole one. */
export const faultOfStatement = (kind: string, statement: unknown): string | undefined =>
  kind in statements ? faultOf(statements[kind as keyof typeof statements], statement) : undefined;

export const faultOfFile = (kind: keyof typeof files, file: unknown): string | undefined => faultOf(files[kind], file);

function faultOf(shape: z.ZodType, value: unknown): string | undefined {
  const issue = shape.safeParse(value).error?.issues[0];
  if (!issue) return undefined;
  const place = issue.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  const found = issue.path.reduce<unknown>((inner, part) => (inner as Record<PropertyKey, unknown>)?.[part], value);
  const wanted = issue.code === 'invalid_type' ? `no ${issue.expected}` : 'out of its range';
  return `${place.replace(/^\./, '') || 'it'} ${found === undefined ? 'is missing' : `is ${wanted}`}`;
}
