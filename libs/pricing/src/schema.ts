/**
 * The lines of the pricing commands as schemas: what is read, what is answered, and their JSON Schema. Unknown fields are
 * refused, so that a misspelt rule never prices silently by the shipped one.
 */

import { z } from 'zod';
import { poolTypes } from '#mutuel/tote';

const MOST = 10_000;

const runner = z.string().regex(/^[A-Za-z0-9]{1,8}$/, 'A runner is one to eight letters or digits');
const runners = z.array(runner).max(99);
const minor = z.int().min(0);
const decimal = z.string().regex(/^\d{1,15}(\.\d{1,15})?$/, 'Expected a decimal in quotes such as "1.10"');
const rate = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,9})?$|^\d{1,9}\/\d{1,9}$/, 'Expected a decimal or a fraction in quotes, "0.16" or "1/3"');
const split = z.enum(['SINGLE_PRICE', 'PROFIT_SPLIT', 'GROSS_SPLIT', 'JAPAN']);
const combination = z.string().min(1).max(200);
const poolType = z.enum(poolTypes as [(typeof poolTypes)[number], ...typeof poolTypes]);

/** A combination or, with its runners' card, a formula such as `BOX:4,7,1`, `4>7>1+9` (a complement) or `3,4+5/1/2` (a reserve). */
const stake = z.strictObject({ c: z.string().min(1).max(4_000), minor });

/** Overrides, in the schema of the shipped rule sets; values are checked once more as a whole rule set. */
const rules = z.strictObject({
  id: z.string().max(64).optional(),
  name: z.string().max(64).optional(),
  jurisdiction: z.string().max(64).optional(),
  poolType: poolType.optional(),
  validFrom: z.string().max(10).optional(),
  scratch: z.literal('REFUND').optional(),
  complements: z.int().optional(),
  report: z.strictObject({ mostTimes: z.int() }).optional(),
  flexi: z.union([z.literal('NONE'), z.strictObject({ percentOf: z.int(), least: z.int() })]).optional(),
  corrections: z.enum(['NONE', 'UNDERPAY_ONLY', 'CLAWBACK']).optional(),
  minStakeMinor: z.int().optional(),
  unitMultipleMinor: z.int().optional(),
  maxLines: z.int().optional(),
  cancelWindowMs: z.int().optional(),
  topUp: z.strictObject({ from: decimal, to: decimal }).optional(),
  takeout: rate.optional(),
  split: split.optional(),
  deadHeat: split.optional(),
  shares: z.array(rate).optional(),
  places: z
    .union([z.int(), z.array(z.strictObject({ from: z.int(), places: z.int(), handicap: z.boolean().optional() }))])
    .optional(),
  placesBy: z.enum(['CARD', 'RUNNERS']).optional(),
  breakTo: z.string().optional(),
  breakPer: z.string().optional(),
  breakAt: z.enum(['PRICE', 'UNIT']).optional(),
  rounding: z.enum(['DOWN', 'NEAREST']).optional(),
  digits: z.int().optional(),
  minimum: z
    .union([
      z.string(),
      z.array(z.strictObject({ atMost: decimal.optional(), below: decimal.optional(), pay: decimal })),
    ])
    .optional(),
  minimumInMinusPool: decimal.optional(),
  payment: z.enum(['DOWN', 'NEAREST']).optional(),
  noWinner: z.array(z.string()).optional(),
  carry: z.enum(['NET', 'GROSS']).optional(),
  coupling: z.enum(['ENTRY', 'STABLE', 'NONE']).optional(),
  minInterests: z.int().optional(),
  minDeclared: z.int().optional(),
  display: z.array(z.strictObject({ below: decimal.optional(), step: decimal })).optional(),
  pricing: z.enum(['STANDARD', 'NET']).optional(),
  tiers: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(64),
        share: rate,
        ratio: rate.optional(),
        group: z.string().min(1).max(64).optional(),
        uncovered: z.enum(['MERGE', 'CARRY', 'JACKPOT']).optional(),
      }),
    )
    .max(16)
    .optional(),
  weights: z.record(z.string(), rate).optional(),
  unique: z.strictObject({ tier: z.string(), unit: z.int().min(1) }).optional(),
  jackpot: z.strictObject({ share: rate, of: z.enum(['NET', 'GROSS']) }).optional(),
  partUnitMinor: z.int().min(1).optional(),
  ladderShare: rate.optional(),
  tierProfit: z.enum(['OWN', 'INCREMENTS']).optional(),
  minimumInDeadHeat: decimal.optional(),
  legs: z
    .strictObject({
      right: z.enum(['WINNER', 'PLACED']),
      scratch: z.enum(['FAVOURITE', 'REFUND', 'CONSOLATION']),
      leastRun: z.int(),
      firstMustRun: z.boolean().optional(),
      refundNone: z.boolean().optional(),
      lower: z.enum(['EXACT', 'MOST']),
      carryTo: z.enum(['FIRST', 'SHARES']),
      carryCapMinor: z.int().optional(),
      leastPaid: decimal.optional(),
      wholeMinor: z.int().optional(),
    })
    .optional(),
});

const field = z.strictObject({
  declared: runners.min(1),
  scratched: runners.optional(),
  entries: z.array(runners.min(1)).max(50).optional(),
  /** A handicap pays more places in some pools. */
  handicap: z.boolean().optional(),
});

/** A race of a pool over several, its runners a card, a list or, numbered from 1, how many; `favourite` stands in for runners that do not run. */
const leg = z.strictObject({
  runners: z.union([field, runners.min(1), z.int().min(1).max(99)]).optional(),
  scratchedAfterClose: z.union([runner, runners]).nullish(),
  favourite: runner.nullish(),
  handicap: z.boolean().optional(),
  cancelled: z.boolean().optional(),
});

const ranks = z.array(z.array(runner).min(1, 'A rank holds at least one runner')).max(99);

/** Net pricing: one site's stakes and takeout; `gross` where only some of its stakes are listed. */
const source = z.strictObject({
  id: z.string().min(1).max(64),
  takeout: rate,
  stakes: z.array(stake).max(MOST * 10),
  gross: minor.nullish(),
});

const caseFields = {
  id: z.string().max(1_000).optional(),
  ruleSet: z.string().max(64).optional(),
  rules: rules.optional(),
  pool: z.strictObject({
    type: poolType,
    currency: z.string().max(8).optional(),
    exponent: z.int().min(0).max(6).optional(),
  }),
  runners: field.optional(),
  stakes: z
    .array(stake)
    .max(MOST * 10)
    .optional(),
  gross: minor.nullish(),
  refunds: minor.nullish(),
  net: minor.nullish(),
  /** An amount, or one with its currency, which must be the pool's. */
  carryIn: z.union([minor, z.strictObject({ minor, currency: z.string().max(8) })]).nullish(),
  jackpotIn: minor.nullish(),
  /** The least gross pool, with a gross carry-in, that the operator promised. */
  guarantee: minor.nullish(),
  sources: z.array(source).max(100).optional(),
  legs: z.array(leg).max(12).optional(),
  /** Pools over several races: the ranks of each leg, null or none for a leg that was not run. */
  results: z.array(ranks.nullable()).max(12).nullish(),
  /** The last day of a meeting: carry-in and jackpot have to go. */
  mandatory: z.boolean().optional(),
};

const units = z.union([z.int().min(0), decimal]);

export const priceInput = z.strictObject({
  ...caseFields,
  result: z.array(z.array(runner).min(1, 'A rank holds at least one runner')).min(1).max(99).nullish(),
  winning: z
    .array(
      z.strictObject({
        tier: z.string().optional(),
        c: combination,
        minor: minor.nullish(),
        units: units.nullish(),
      }),
    )
    .max(MOST)
    .optional(),
  unit: z.int().min(1).optional(),
  /** REPORT: what the pool of each bet of the chain paid for 1, and the quarters of it that go on to the next. */
  parts: z
    .array(z.strictObject({ price: decimal, quarters: z.int().min(1).max(4).optional() }))
    .min(1)
    .max(12)
    .optional(),
});

/** As `price` takes it, without who won. */
export const probablesInput = z.strictObject({ ...caseFields, unit: z.int().min(1).optional() });

/** Runners, or `ALL` for the field. */
const named = z.union([runners, z.literal('ALL')]);

export const countInput = z.strictObject({
  id: z.string().max(1_000).optional(),
  type: poolType,
  form: z.enum(['BOX', 'WHEEL', 'KEY', 'BANKER', 'STRAIGHT', 'MULTI_LEG', 'CHAMP_TOTAL', 'CHAMP_REDUIT']),
  columns: z
    .array(z.union([runners.min(1), z.literal('ALL')]))
    .max(9)
    .optional(),
  runners: named.optional(),
  bases: runners.optional(),
  associated: named.optional(),
  field: z.int().min(1).max(99).optional(),
  /** SET: a first-4 bet in a merged quartet pool. */
  orders: z.enum(['ALL', 'ONE', 'FIELD', 'SET']).optional(),
  /** MULTI: runners that one line names, 4 to 7. */
  size: z.int().min(4).max(7).optional(),
  unit: z.int().min(1),
  stake: z.int().min(1).nullish(),
  flexiPolicy: z.enum(['EXACT', 'WHOLE_PERCENT']).optional(),
  dividend: decimal.nullish(),
});

const error = z.object({
  id: z.string().optional(),
  error: z.object({ code: z.string(), message: z.string(), at: z.string() }),
});

export const priceOutput = z.object({
  id: z.string().optional(),
  ruleSet: z.string().nullable(),
  outcome: z.enum(['PAID', 'REFUND', 'CARRIED']),
  gross: minor,
  refunds: minor,
  takeout: minor,
  net: minor,
  carryIn: minor,
  dividends: z.array(
    z.object({
      tier: z.string(),
      c: z.string(),
      price: z.string(),
      exact: z.string(),
      stake: minor,
      paid: minor,
      source: z.string().optional(),
    }),
  ),
  tiers: z.array(z.object({ tier: z.string(), pool: minor })),
  refunded: minor,
  breakage: minor,
  topUp: minor,
  carryOut: minor,
  jackpotIn: minor,
  jackpot: minor,
  sources: z
    .array(z.object({ id: z.string(), gross: minor, takeout: minor, net: minor, paid: minor, breakage: z.int() }))
    .optional(),
  steps: z.array(z.string()),
});

export const probablesOutput = z.object({
  id: z.string().optional(),
  net: minor,
  odds: z.array(
    z.object({
      c: z.string(),
      price: z.string().nullable(),
      low: z.string().nullable(),
      high: z.string().nullable(),
      /** Net pricing of several sources: whose customers would be paid this. */
      source: z.string().optional(),
    }),
  ),
});

export const countOutput = z.object({
  id: z.string().optional(),
  lines: z.int(),
  unit: z.int(),
  cost: minor,
  flexi: z.string().nullable(),
  refund: minor,
  collect: minor.nullable(),
  ranks: z.record(z.string(), z.int()),
});

export type PriceInput = z.infer<typeof priceInput>;
export type PriceOutput = z.infer<typeof priceOutput>;
export type ProbablesInput = z.infer<typeof probablesInput>;
export type ProbablesOutput = z.infer<typeof probablesOutput>;
export type CountInput = z.infer<typeof countInput>;
export type CountOutput = z.infer<typeof countOutput>;

export type PricingCommand = 'price' | 'count' | 'probables';

const schemas = {
  price: { input: priceInput, output: priceOutput },
  count: { input: countInput, output: countOutput },
  probables: { input: probablesInput, output: probablesOutput },
} as const;

/** The JSON Schema (2020-12) of a command's input, output and refusal lines. */
export function schemaOf(command: PricingCommand): { input: object; output: object; refusal: object } {
  const { input, output } = schemas[command];
  return { input: z.toJSONSchema(input), output: z.toJSONSchema(output), refusal: z.toJSONSchema(error) };
}
