/**
 * The frames of the feed as schemas: what a client may ask, what it is sent, and the clocks it resumes with. The document of the
 * feed is generated from these, so that they must describe every frame the hub writes.
 */
import { z } from 'zod';
import { sha256 } from '#mutuel/contracts';
import type { FeedMask, FeedPosition } from '#mutuel/views';

export const HEARTBEAT_MS = { least: 500, most: 30_000, usual: 5_000 } as const;
export const CONFLATE_MS = { least: 0, most: 120_000, usual: 0 } as const;
/** A request is a short list of names; more is a mistake or an attack. */
export const MAX_REQUEST_CHARS = 64 * 1024;
const MAX_NAMES = 1_000;
const MAX_NAME_CHARS = 100;
const MAX_CLOCK_CHARS = 100;

export const FEED_FIELDS = ['TOTALS', 'ODDS', 'PROBABLES', 'DEF', 'LATE_MONEY'] as const;
export type FeedField = (typeof FEED_FIELDS)[number];

export const FEED_CODES = [
  'SUCCESS',
  'NO_SESSION',
  'NOT_AUTHORIZED',
  'INVALID_INPUT',
  'INVALID_CLOCK',
  'SUBSCRIPTION_LIMIT_EXCEEDED',
  'MAX_CONNECTION_LIMIT_EXCEEDED',
  'TOO_MANY_REQUESTS',
  'TIMEOUT',
  'UNEXPECTED_ERROR',
] as const;
export type FeedCode = (typeof FEED_CODES)[number];

export const CONFLATION_REASONS = ['CLIENT_SLOW', 'REQUESTED', 'SERVER'] as const;
export type ConflationReason = (typeof CONFLATION_REASONS)[number];

const names = z.array(z.string().min(1).max(MAX_NAME_CHARS)).max(MAX_NAMES);
const clock = z.string().max(MAX_CLOCK_CHARS).nullable().optional();
/** What is out of bounds is brought into them and echoed. */
const bounded = ({
  least,
  most,
  usual,
}: {
  least: number;
  most: number;
  usual: number;
}): z.ZodType<number, number | undefined> =>
  z
    .number()
    .default(usual)
    .transform((ms) => Math.min(most, Math.max(least, Math.round(ms))))
    .meta({
      description: `Milliseconds, ${usual} if absent; brought within ${least} to ${most}. The status says what holds.`,
    });

export const feedFilter = z
  .strictObject({
    meetings: names.optional(),
    races: names.optional(),
    pools: names.optional(),
    poolTypes: names.optional(),
  })
  .meta({ description: 'A pool must match each list given; a list not given matches all, an empty one none.' });
export type FeedFilter = z.infer<typeof feedFilter>;

export const subscribeFrame = z.strictObject({
  op: z.literal('subscribe'),
  id: z.int().min(0).meta({ description: 'Echoed in every frame of this subscription.' }),
  filter: feedFilter.nullable().default({}),
  fields: z.array(z.enum(FEED_FIELDS)).max(FEED_FIELDS.length).nullable().optional().meta({
    description:
      'DEF: def. TOTALS: tot. ODDS: all rows. PROBABLES: rows of two runners and more. LATE_MONEY: big. Absent means all.',
  }),
  heartbeatMs: bounded(HEARTBEAT_MS),
  conflateMs: bounded(CONFLATE_MS),
  initialClk: clock.meta({
    description: 'With clk, as last received: what changed since is sent instead of an image.',
  }),
  clk: clock,
});
export type SubscribeRequest = z.infer<typeof subscribeFrame>;

export const statusFrame = z.strictObject({
  op: z.literal('status'),
  id: z.int().nullable(),
  code: z.enum(FEED_CODES),
  connectionId: z.string(),
  connectionClosed: z.boolean(),
  detail: z.string().optional().meta({ description: 'A sentence for a person.' }),
  fields: z.array(z.enum(FEED_FIELDS)).optional(),
  heartbeatMs: z.int().optional(),
  conflateMs: z.int().optional(),
  maxLagMs: z
    .int()
    .optional()
    .meta({ description: 'A connection that takes nothing for longer is closed with TIMEOUT.' }),
  connectionsAvailable: z.int().optional(),
  durability: z
    .literal('single-node')
    .optional()
    .meta({ description: "There where one machine's loss can lose acknowledged bets." }),
});
export type StatusFrame = z.infer<typeof statusFrame>;

const money = z.int().meta({ description: 'Minor units.' });
const odds = z.string().regex(/^\d+(\.\d+)?$/);
const epochMs = z.int().meta({ description: 'Milliseconds UTC.' });

const definition = z.strictObject({
  status: z.enum(['DRAFT', 'OPEN', 'SUSPENDED', 'CLOSED', 'PROVISIONAL', 'PAYING', 'SETTLED', 'REOPENED', 'VOID']),
  ruleVersion: z.string(),
  raceId: z.string().nullable().meta({ description: 'Null in a pool over several races.' }),
  legs: z
    .array(z.string())
    .meta({ description: 'The races of a pool over several, in order; it is in the feed of each.' }),
  type: z.string(),
  offTime: epochMs,
  scratched: z.array(z.string()).meta({ description: 'Over several races with the leg in front: `2:7`.' }),
  stopAt: epochMs,
  offAt: epochMs,
  closeNo: z
    .int()
    .meta({ description: 'Of the seal: counts the closes of the pool. Its signature follows in `seal`.' }),
  sealBets: z.int().meta({ description: 'Bets that stood when betting closed.' }),
  sealStake: money,
  sealRoot: z.string().meta({ description: 'Merkle root over all bets of the pool, as the signed seal states it.' }),
});
const totals = z.strictObject({
  gross: money,
  net: money,
  carryIn: money,
  cur: z.string(),
  exp: z.int(),
  final: z.boolean(),
});
const row = z.strictObject({
  c: z.string(),
  st: z.enum(['ACTIVE', 'SCRATCHED']).optional(),
  amt: money.optional(),
  odds: odds.optional(),
  lo: odds.optional(),
  hi: odds.optional(),
  big: z.boolean().optional().meta({ description: 'Took a tenth of the pool or more in the last cycle.' }),
});

export const poolChange = z.strictObject({
  id: z.string(),
  img: z.literal(true).optional().meta({
    description:
      'Replaces the pool. Without it, what is absent is unchanged. A value or row that goes away is told by an image.',
  }),
  v: z.int(),
  def: definition.partial().optional(),
  tot: totals.partial().optional(),
  rc: z.array(row).optional(),
  seal: z
    .strictObject({
      closeNo: z.int(),
      statement: z.string().meta({ description: 'JSON text, as it was signed.' }),
      keyId: z.string().meta({ description: 'Of the keys at /v1/seal-keys.' }),
      signature: z.string().meta({ description: 'Ed25519 over the bytes of the statement, base64.' }),
    })
    .optional()
    .meta({
      description:
        'With DEF. The signed seal of the last close, as at /v1/seals, once it is signed; not part of h. It may come more than once.',
    }),
  h: z
    .string()
    .regex(/^[0-9a-f]{8}$/)
    .meta({
      description:
        "First 8 hex digits of SHA-256 over the canonical JSON of the pool's full {def,tot,rc} as subscribed, rc sorted by c.",
    }),
});

export const changeFrame = z.strictObject({
  op: z.literal('pcm'),
  id: z.int(),
  ct: z.enum(['SUB_IMAGE', 'RESUB_DELTA', 'HEARTBEAT']).optional().meta({ description: 'Absent for a delta.' }),
  seg: z
    .enum(['SEG_START', 'SEG', 'SEG_END'])
    .optional()
    .meta({ description: 'An image in parts; the last one bears the clocks.' }),
  initialClk: z.string().optional(),
  clk: z.string().optional(),
  pt: epochMs.meta({ description: 'When the odds were computed, milliseconds UTC; 0 before the first.' }),
  cycle: z.int().meta({ description: 'Epoch seconds divided by five.' }),
  con: z.boolean().optional().meta({ description: 'Several changes in one, the latest state.' }),
  reason: z.enum(CONFLATION_REASONS).optional(),
  status: z.literal(503).nullable().optional().meta({ description: '503: the odds are late. Stay connected.' }),
  pc: z.array(poolChange).optional(),
});

// ── Clocks ───────────────────────────────────────────────────────────────────────────────────────────────────────

const CHECK_DIGITS = 6;
const CLOCK = /^([0-9a-z]+)-([0-9a-z]+)-([0-9a-f]{6})$/;
const INITIAL = /^([0-9a-f]{16})-([0-9a-f]{6})$/;

const checkOf = (text: string): string => sha256(`feed clock ${text}`).slice(0, CHECK_DIGITS);

/** Names the places in the logs, so that any node can go on from it. */
export function clockOf({ cycle, seq }: FeedPosition): string {
  const text = `${cycle.toString(36)}-${seq.toString(36)}`;
  return `${text}-${checkOf(text)}`;
}

/** Names what was subscribed: the changes of another subscription would not fit. */
export function initialClockOf(subscription: string): string {
  const text = sha256(subscription).slice(0, 16);
  return `${text}-${checkOf(text)}`;
}

export function readClock(clk: string): FeedPosition | undefined {
  const [, cycle = '', seq = '', check] = CLOCK.exec(clk) ?? [];
  if (check !== checkOf(`${cycle}-${seq}`)) return undefined;
  return { cycle: Number.parseInt(cycle, 36), seq: Number.parseInt(seq, 36) };
}

export function isInitialClock(initialClk: string): boolean {
  const [, text = '', check] = INITIAL.exec(initialClk) ?? [];
  return check === checkOf(text);
}

// ── What is subscribed ───────────────────────────────────────────────────────────────────────────────────────────

/** The fields in use, in one order. */
export function fieldsOf(fields: readonly FeedField[] | null | undefined): readonly FeedField[] {
  return fields ? FEED_FIELDS.filter((field) => fields.includes(field)) : FEED_FIELDS;
}

export function maskOf(fields: readonly FeedField[]): FeedMask {
  const has = (field: FeedField): boolean => fields.includes(field);
  return {
    key: fields.join(),
    def: has('DEF'),
    tot: has('TOTALS'),
    singles: has('ODDS'),
    exotics: has('ODDS') || has('PROBABLES'),
    late: has('LATE_MONEY'),
  };
}

/** Equal for subscriptions that are sent the same. */
export function subscriptionKey(filter: FeedFilter, fields: readonly FeedField[]): string {
  const list = (values: readonly string[] | undefined): readonly string[] | null =>
    values ? [...new Set(values)].sort() : null;
  return JSON.stringify([
    list(filter.meetings),
    list(filter.races),
    list(filter.pools),
    list(filter.poolTypes),
    fields,
  ]);
}
