/**
 * The bodies and parameters that clients send, as zod schemas: what the handlers get, and what the OpenAPI document shows. Unknown
 * fields are refused everywhere. Sizes are bounded here, before anything is expanded or computed.
 */
import { z } from 'zod';
import {
  LONGEST_EXCLUSION_MS,
  MAX_AMOUNT,
  MAX_BETS_PER_TICKET,
  MAX_REPORT_PARTS,
  SHORTEST_EXCLUSION_MS,
} from '#mutuel/engine';
import { poolTypes, type RuleSet, validateRuleSet } from '#mutuel/tote';

export const MAX_COLUMNS = 10;
export const MAX_RUNNERS = 40;
export const ID = /^[\w.:@>-]+$/;
export const CURRENCY = /^[A-Z]{3}$/;
export const TICKET_REF = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const RUNNER = /^[0-9A-Za-z]+$/;

const id = z.string().min(1).max(100).regex(ID, 'is letters, digits and . : @ > - _ only');
const reason = z.string().trim().min(1).max(200);
/** Minor units. */
const amount = z.int().min(1).max(MAX_AMOUNT);
const currency = z.string().regex(CURRENCY, 'is a currency of three capital letters');
const ticketRef = z
  .string()
  .regex(TICKET_REF, 'is a lower-case UUIDv7')
  .meta({ description: 'UUIDv7 in lower case, unique per account for ever.', format: 'uuid' });
const runner = z.string().min(1).max(8).regex(RUNNER, 'is a runner number or ALL');
const runners = z.array(runner).min(1).max(MAX_RUNNERS);
const time = z.iso.datetime({ offset: true });
const day = z.iso.date();

const formulaFields = {
  poolId: id.optional().meta({ description: 'Of a report each part has its own.' }),
  form: z
    .enum(['STRAIGHT', 'WHEEL', 'BOX', 'KEY', 'BANKER', 'CHAMP_TOTAL', 'CHAMP_REDUIT', 'MULTI_LEG', 'REPORT'])
    .optional()
    .meta({ description: 'REPORT, or absent beside parts: a chain of bets.' }),
  columns: z.array(runners).min(1).max(MAX_COLUMNS).optional(),
  runners: runners.optional(),
  bases: runners.optional(),
  associated: runners.optional(),
  orders: z
    .enum(['ALL', 'ONE', 'FIELD', 'SET'])
    .optional()
    .meta({ description: 'SET: a first-4 bet, in a quartet pool that sells both.' }),
  complement: z.array(runner).max(MAX_RUNNERS).optional().meta({
    description:
      'Of one race, where the rules have it: who joins a line, at its end, that loses a runner; free of charge.',
  }),
  alternates: z
    .array(z.union([runner, z.null(), z.array(runner).max(1)]))
    .max(MAX_COLUMNS)
    .optional()
    .meta({
      description: 'Over several races: for each leg the runner that stands in for one that does not run, or null.',
    }),
  parts: z
    .array(
      z.strictObject({
        poolId: id,
        columns: z.array(runners).min(1).max(MAX_COLUMNS),
        quarters: z.int().min(1).max(4).optional().meta({
          description: 'Quarters of what the part before it won that are staked on this one; default 4, all of it.',
        }),
      }),
    )
    .min(2)
    .max(MAX_REPORT_PARTS)
    .optional()
    .meta({ description: 'A report: bets on different races, each staked with what the one before it won.' }),
  unitStake: amount.optional().meta({ description: 'Price of one line, minor units; absent for a flexi ticket.' }),
};

const ALONE = ['poolId', 'columns', 'runners', 'bases', 'associated', 'orders', 'complement', 'alternates'] as const;

/** Two lists of which a formula reads one: the other would be lost without a word. */
const EXCLUSIVE = [
  ['columns', ['runners', 'bases', 'associated']],
  ['runners', ['bases', 'associated']],
] as const;

/** A report is its parts; every other bet names its pool and its form. */
function isOneOrParts(bet: z.infer<z.ZodObject<typeof formulaFields>>, context: z.RefinementCtx): void {
  const isReport = bet.parts !== undefined;
  const wrong = (field: string, message: string) => context.addIssue({ code: 'custom', message, path: [field] });
  if (isReport)
    for (const field of ALONE) if (bet[field] !== undefined) wrong(field, 'stands in the parts of a report');
  if (isReport && bet.form !== undefined && bet.form !== 'REPORT') wrong('form', 'is REPORT beside parts, or absent');
  for (const [field, others] of EXCLUSIVE)
    if (bet[field] !== undefined)
      for (const other of others)
        if (bet[other] !== undefined) wrong(other, `stands beside ${field}: name the runners one way`);
  if (!isReport && bet.form === 'REPORT') wrong('parts', 'are missing');
  if (!isReport && bet.poolId === undefined) wrong('poolId', 'is missing');
  if (!isReport && bet.form === undefined) wrong('form', 'is missing');
}

export const betSchema = z.strictObject({ betRef: id, ...formulaFields, stake: amount }).superRefine(isOneOrParts);
export type BetBody = z.infer<typeof betSchema>;

export const ticketSchema = z.strictObject({
  ticketRef,
  accountId: id,
  currency,
  atomic: z.boolean().default(true),
  bets: z.array(betSchema).min(1).max(MAX_BETS_PER_TICKET),
});
export type TicketBody = z.infer<typeof ticketSchema>;

export const quoteSchema = z.strictObject({
  ticketRef: ticketRef.optional(),
  accountId: id.optional(),
  currency,
  atomic: z.boolean().optional(),
  bets: z
    .array(
      z.strictObject({ betRef: id.optional(), ...formulaFields, stake: amount.optional() }).superRefine(isOneOrParts),
    )
    .min(1)
    .max(MAX_BETS_PER_TICKET),
});
export type QuoteBody = z.infer<typeof quoteSchema>;

export const reasonSchema = z.strictObject({ reason });
export const moneySchema = z.strictObject({
  ref: z.string().min(1).max(100),
  amount,
  reason: reason.optional().meta({ description: 'Noted beside the movement, for whoever looks into it later.' }),
});
export type MoneyBody = z.infer<typeof moneySchema>;
export const openAccountSchema = z.strictObject({
  accountId: id.meta({
    description: 'Random, from whoever keeps the person behind it: nothing of the person stands here.',
  }),
  currency,
});
export type OpenAccountBody = z.infer<typeof openAccountSchema>;

const limit = z.int().min(0).max(MAX_AMOUNT).nullable().optional();
const hours = (ms: number): number => ms / 3_600_000;

export const limitsSchema = z
  .strictObject({
    ticketMax: limit.meta({ description: 'Highest stake of one ticket; null is no limit.' }),
    dayStake: limit.meta({ description: 'Highest sum of stakes of one UTC day; null is no limit.' }),
    excludeHours: z
      .int()
      .min(hours(SHORTEST_EXCLUSION_MS))
      .max(hours(LONGEST_EXCLUSION_MS))
      .optional()
      .meta({ description: 'No bet and no deposit for so long from now on: 24 hours to 12 months, never shortened.' }),
    blocked: z.boolean().optional().meta({ description: 'For the desk alone.' }),
  })
  .meta({
    description: 'What changes; what is absent stays. A lower limit holds at once, a higher one after 24 hours.',
  });
export type LimitsBody = z.infer<typeof limitsSchema>;
export const recordFormatSchema = z.strictObject({ format: z.int().min(1).max(1_000) });
export const recordFormatWithReasonSchema = recordFormatSchema.extend({ reason });
export const scratchSchema = z.strictObject({ runner, reason });
export const lateOffSchema = z.strictObject({ offAt: time, reason });
export const resultSchema = z.strictObject({
  finish: z.array(z.array(runner).min(1).max(MAX_RUNNERS)).min(1).max(MAX_RUNNERS),
  disqualified: z.array(runner).max(MAX_RUNNERS).default([]),
  reason: reason.optional(),
});
export const confirmSchema = z.strictObject({ previewHash: z.string().regex(/^[0-9a-f]{64}$/, 'is 64 hex digits') });

const ruleSet = z.union([
  z.string().min(1).max(64),
  z
    .custom<RuleSet>((value) => typeof value === 'object' && value !== null)
    .superRefine((value, context) => {
      for (const problem of validateRuleSet(value))
        context.addIssue({ code: 'custom', message: problem.message, path: problem.at.split('/').slice(1) });
    }),
]);

const pool = z.strictObject({
  poolId: id.optional().meta({ description: 'Default: the race id, a hyphen and the type.' }),
  type: z.enum(poolTypes as readonly [string, ...string[]]),
  ruleSet: ruleSet.meta({
    type: ['string', 'object'],
    description: 'Name of a shipped rule set (`FR`, `US@2026-01-01`), or a whole one.',
  }),
  carryIn: z.int().min(0).max(MAX_AMOUNT).default(0),
  carryFrom: z
    .array(id)
    .min(1)
    .max(20)
    .optional()
    .meta({ description: 'The carry-overs, by id, that the carry-in comes from; absent: the operator brings it in.' }),
  guarantee: z.int().min(1).max(MAX_AMOUNT).optional().meta({
    description:
      'The gross pool that the operator stands for: what is missing when somebody wins it, the operator adds.',
  }),
  jackpotIn: z.int().min(1).max(MAX_AMOUNT).optional().meta({
    description: 'Jackpot money for the winner that the rules name; what nobody wins goes back to their fund.',
  }),
  jackpotFrom: z.array(id).min(1).max(20).optional().meta({
    description: 'The carry-overs, by id, that the jackpot money comes from; absent: the operator brings it in.',
  }),
  mandatory: z.boolean().optional().meta({
    description: 'Over several races: all that was carried in is paid today, to the most right if nobody has them all.',
  }),
});

const poolOverRaces = pool.extend({
  poolId: id.optional().meta({ description: 'Default: the id of the first leg, a hyphen and the type.' }),
  raceId: z.null().optional(),
  legs: z.array(id).min(2).max(MAX_COLUMNS).meta({
    description:
      'Races in the order in which they are run: of this meeting, or of one published before; the last is of this one.',
  }),
});

const race = z.strictObject({
  raceId: id,
  number: z.int().min(1).max(99),
  name: z.string().min(1).max(200),
  postTime: time,
  scheduledStop: time.optional(),
  handicap: z.boolean().optional().meta({ description: 'Some rules pay more places in a handicap.' }),
  runners: z
    .array(
      z.strictObject({ number: runner, name: z.string().min(1).max(100), entry: z.string().min(1).max(20).optional() }),
    )
    .min(2)
    .max(MAX_RUNNERS),
  pools: z.array(pool).min(1).max(60),
});

export const cardSchema = z
  .strictObject({
    meetingId: id,
    course: z.string().min(1).max(100),
    date: day,
    country: z.string().regex(/^[A-Z]{2}$/, 'is a country of two capital letters'),
    currency,
    exponent: z.int().min(0).max(4).default(2),
    races: z.array(race).min(1).max(30),
    pools: z.array(poolOverRaces).max(60).optional().meta({ description: 'Pools over several races.' }),
  })
  .meta({ description: 'A meeting with its races, runners and pools; published whole or not at all.' });
export type CardBody = z.infer<typeof cardSchema>;

export const paths = {
  ticket: z.strictObject({ ticketId: id }),
  byRef: z.strictObject({ accountId: id, ticketRef }),
  account: z.strictObject({ accountId: id }),
  meeting: z.strictObject({ meetingId: id }),
  race: z.strictObject({ raceId: id }),
  pool: z.strictObject({ poolId: id }),
};

export const queries = {
  meetings: z.strictObject({ date: day.optional() }),
  statement: z.strictObject({
    after: z
      .string()
      .regex(/^\d+:\d+:\d+$/, 'is a position of an entry')
      .optional(),
  }),
  tickets: z.strictObject({ limit: z.coerce.number().int().min(1).max(100).default(20) }),
  probables: z.strictObject({ c: z.string().min(1).max(200) }),
  anchors: z.strictObject({ limit: z.coerce.number().int().min(1).max(400).default(50) }),
  seals: z.strictObject({
    poolId: id.optional(),
    raceId: id.optional(),
    limit: z.coerce.number().int().min(1).max(500).default(50),
  }),
  history: z.strictObject({ since: z.coerce.number().int().min(0).optional() }),
  audit: z.strictObject({
    after: z.coerce.number().int().min(0).optional(),
    limit: z.coerce.number().int().min(1).max(500).default(100),
    raceId: id.optional(),
  }),
};
