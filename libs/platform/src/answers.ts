/**
 * The answers of the API as zod schemas: the OpenAPI document is made from them, and the tests hold every real answer against them.
 * They describe; no answer is passed through them on its way out.
 */
import { z } from 'zod';

const minor = z.int().meta({ description: 'Minor units.' });
const time = z.iso.datetime();
const odds = z.string().nullable().meta({ description: 'Decimal odds, stake included.' });
const receipt = z.object({ shard: z.int(), seq: z.int(), hash: z.string() });
const balance = z.object({ available: minor });

/** RFC 9457 lets a problem carry more than is said of it; what it carries here is said all the same. */
export const problemAnswer = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  retry: z.enum(['NEVER', 'SAME_KEY', 'NEW_KEY']),
  correlationId: z.string(),
  errors: z.array(z.object({ pointer: z.string(), code: z.string(), detail: z.string() })).optional(),
  ticketId: z.string().optional().meta({ description: 'Of a decided ticket that was refused.' }),
  ticketRef: z.string().optional(),
  receipt: receipt.optional().meta({ description: 'Where the refusal stands in the log of the account’s shard.' }),
  seq: z.int().optional().meta({ description: 'Where it stands in the market’s log: of an operator’s act.' }),
  outcome: z
    .literal('UNKNOWN')
    .optional()
    .meta({ description: 'Nothing is known here; nothing is said to be refused.' }),
});

const bet = z.object({
  betRef: z.string(),
  betId: z.string().nullable(),
  poolId: z.string(),
  selection: z.string().nullable(),
  status: z.enum(['ACCEPTED', 'REJECTED', 'CANCELLED']),
  lines: z.int(),
  unitStake: minor.nullable(),
  stake: minor,
  indicativeOdds: odds.meta({
    description:
      'As shown with the first answer: decimal odds, stake included. Null in a repeated answer once they are not known any more; never others.',
  }),
  code: z.string().optional(),
  detail: z.string().optional(),
  pointer: z.string().optional(),
});

export const ticketAnswer = z.object({
  ticketId: z.string(),
  ticketRef: z.string(),
  accountId: z.string(),
  status: z.enum(['ACCEPTED', 'PARTIAL']),
  acceptedAt: time,
  totalStake: minor,
  currency: z.string(),
  bets: z.array(bet),
  balance,
  receipt,
});

export const pendingAnswer = z.object({ ticketRef: z.string(), status: z.literal('PENDING'), href: z.string() });

const text = z.string().nullable();

export const signed = z.object({
  statement: z.string().meta({ description: 'JSON text; exactly its UTF-8 bytes are signed.' }),
  keyId: z.string(),
  signature: z.string().meta({ description: 'Ed25519, base64.' }),
});
const proof = z.object({
  betId: z.string(),
  shard: z.int(),
  index: z.int(),
  leaves: z.int(),
  path: z.array(z.string()),
  seal: signed,
});

export const ticketViewAnswer = z.object({
  ticketId: z.string(),
  ticketRef: z.string(),
  accountId: z.string(),
  status: z.enum(['ACCEPTED', 'PARTIAL', 'REJECTED', 'CANCELLED', 'BURNT']),
  acceptedAt: time.nullable(),
  decidedAt: time,
  totalStake: minor,
  currency: text,
  channel: text,
  code: text,
  detail: text,
  pointer: text,
  balance: balance.nullable().meta({ description: 'As it stood right after the decision.' }),
  receipt,
  bodyHash: text,
  bets: z.array(
    z.object({
      betRef: z.string(),
      betId: z.string(),
      poolId: z.string(),
      selection: z.string(),
      status: z.enum(['ACCEPTED', 'REJECTED', 'CANCELLED']),
      lines: z.int(),
      unitStake: minor,
      stake: minor,
      indicativeOdds: odds,
      code: text,
      detail: text,
      pointer: text,
      placement: z.enum(['ACCEPTED', 'REJECTED', 'CANCELLED']),
      resulting: z.enum(['NONE', 'WON', 'LOST', 'REFUNDED', 'PART_REFUNDED', 'CORRECTED']),
      settlement: z.enum(['NONE', 'SETTLED', 'UNSETTLED', 'RESETTLED']),
      payout: minor,
      refund: minor,
      refundCause: text,
    }),
  ),
  proofs: z.array(proof).meta({ description: 'After the close: where each bet stands in the sealed pool.' }),
});

export const ticketsAnswer = z.object({ tickets: z.array(ticketViewAnswer.omit({ proofs: true })) });

export const receiptFileAnswer = z.object({
  kind: z.literal('mutuel-receipt-file'),
  v: z.literal(1),
  receipt: signed,
  proofs: z.array(proof),
});
export const sealsAnswer = z.object({
  seals: z.array(z.object({ poolId: z.string(), closeNo: z.int(), sealedAt: time, ...signed.shape })),
});
export const anchorsAnswer = z.object({
  anchors: z.array(
    z.object({
      day: z.string(),
      statement: z.string().meta({ description: 'JSON text with the heads; its SHA-256 is what was stamped.' }),
      token: z.string().meta({ description: 'Time-stamp token of RFC 3161, DER in base64.' }),
    }),
  ),
});
export const sealKeysAnswer = z.object({
  keys: z.array(
    z.object({
      keyId: z.string(),
      publicKey: z.string().meta({ description: 'Ed25519, SPKI in base64.' }),
      since: time,
    }),
  ),
});

export const cancelAnswer = z.object({
  ticketId: z.string(),
  status: z.literal('CANCELLED'),
  refunded: minor,
  balance,
  receipt,
});
export const moneyAnswer = z.object({
  ref: z.string(),
  kind: z.enum(['DEPOSIT', 'WITHDRAWAL']),
  amount: minor,
  balance,
  receipt,
});

export const accountOpenedAnswer = z.object({ accountId: z.string(), currency: z.string(), receipt });

const stakeLimits = { ticketMax: minor.optional(), dayStake: minor.optional() };
export const limitsAnswer = z.object({
  accountId: z.string(),
  limits: z.object({
    ...stakeLimits,
    excludedUntil: z.number().optional().meta({ description: 'Milliseconds UTC.' }),
    blocked: z.boolean().optional(),
    later: z
      .object({ ...stakeLimits, from: z.number().meta({ description: 'Milliseconds UTC.' }) })
      .optional()
      .meta({ description: 'What may be staked from then on: higher limits that wait.' }),
  }),
  receipt,
});

export const quoteAnswer = z.object({
  lines: z.int(),
  cost: minor,
  currency: z.string(),
  cycle: z.int().nullable(),
  bets: z.array(
    z.object({
      betRef: z.string().optional(),
      poolId: z.string(),
      selection: z.string().nullable(),
      lines: z.int(),
      unitStake: minor.nullable(),
      cost: minor,
      stake: minor,
      oddsBefore: odds,
      oddsAfter: odds,
      odds: z.array(z.object({ c: z.string(), before: odds, after: odds })),
      refusal: z.object({ code: z.string(), detail: z.string(), pointer: z.string() }).nullable(),
    }),
  ),
});

export const accountAnswer = z.object({
  accountId: z.string(),
  currency: z.string(),
  exponent: z.int(),
  balance: z.object({
    available: minor,
    owed: minor.meta({ description: 'What a correction could not take back: kept back from winnings.' }),
  }),
  status: z.string(),
  limits: z.record(z.string(), z.unknown()).meta({
    description: 'As in the answer to a change of them: `later` holds in place of the others from its time on.',
  }),
});

export const statementAnswer = z.object({
  entries: z.array(
    z.object({
      position: z.string(),
      at: time,
      kind: z.string(),
      amount: minor,
      before: minor,
      after: minor,
      ticketId: z.string().nullable(),
      betId: z.string().nullable(),
      poolId: z.string().nullable(),
      reason: z.string().nullable(),
      owed: minor.nullable().meta({
        description: 'By how much more (negative: less) the account owes after it; null where nothing is owed.',
      }),
    }),
  ),
  next: z.string().nullable(),
});

const summary = {
  raceId: z.string(),
  meetingId: z.string(),
  number: z.int(),
  name: z.string(),
  postTime: time,
  status: z.string(),
  stopAt: time.nullable(),
  offAt: time.nullable(),
  runnerCount: z.int(),
};
const raceSummary = z.object(summary);
const voided = z.object({ count: z.int(), amount: minor });

/** What a pool is played for beside its bets, where the card says so. */
const terms = {
  guarantee: minor.optional().meta({ description: 'The gross pool that the operator stands for.' }),
  jackpotIn: minor.optional().meta({ description: 'Jackpot money put up for the winner that the rules name.' }),
  mandatory: z.boolean().optional().meta({ description: 'All that was carried in is paid today.' }),
};

const offered = z.object({
  poolId: z.string(),
  type: z.string(),
  currency: z.string().optional(),
  status: z.string(),
  gross: minor,
  minStake: minor,
  unitMultiple: minor,
  maxLines: z.int().nullable().optional(),
  cancelWindowMs: z.int().optional(),
  ruleSet: z.string(),
  carryIn: minor.optional(),
  ...terms,
  raceId: z.null().optional(),
  legs: z
    .array(z.string())
    .optional()
    .meta({ description: 'Of a pool over several races, which stands with its first leg.' }),
});

export const meetingAnswer = z.object({
  meetingId: z.string(),
  course: z.string(),
  date: z.iso.date(),
  country: z.string(),
  currency: z.string(),
  exponent: z.int(),
  races: z.array(raceSummary),
  pools: z.array(offered).optional().meta({ description: 'Pools over several races.' }),
});
export const meetingsAnswer = z.object({ meetings: z.array(meetingAnswer) });

export const raceAnswer = z.object({
  ...summary,
  currency: z.string().optional(),
  runners: z.array(
    z.object({
      number: z.string(),
      name: z.string(),
      entry: z.string().nullable(),
      status: z.enum(['DECLARED', 'SCRATCHED']),
    }),
  ),
  pools: z.array(offered),
  result: z
    .object({
      version: z.int(),
      corrects: z.int().nullable().optional().meta({ description: 'The official result that this one replaces.' }),
      finish: z.array(z.array(z.string())),
      disqualified: z.array(z.string()).optional(),
      status: z.enum(['PROVISIONAL', 'OFFICIAL']),
      dividends: z.array(
        z.object({ poolId: z.string(), type: z.string(), tier: z.string(), c: z.string(), price: z.string() }),
      ),
    })
    .nullable(),
  voidedAfterStop: voided,
});

const oddsRow = z.object({ c: z.string(), stake: minor, price: odds, low: odds, high: odds });

export const poolAnswer = z.object({
  poolId: z.string(),
  raceId: z.string().nullable(),
  legs: z.array(z.string()).optional(),
  type: z.string(),
  status: z.string(),
  currency: z.string(),
  exponent: z.int(),
  ruleSet: z.string(),
  gross: minor,
  net: minor,
  carryIn: minor,
  ...terms,
  cycle: z.int().nullable(),
  computedAt: time.nullable(),
  final: z.boolean(),
  odds: z.array(oddsRow),
  bigBets: z.array(z.object({ c: z.string(), stake: minor, price: odds })),
});

export const probableAnswer = z.object({ poolId: z.string(), cycle: z.int().nullable(), ...oddsRow.shape });

export const historyAnswer = z.object({
  poolId: z.string(),
  ticks: z.array(
    z.object({
      cycle: z.int(),
      at: time,
      gross: minor,
      final: z.boolean(),
      late: z.boolean(),
      odds: z.array(z.object({ c: z.string(), price: odds, low: odds, high: odds })),
    }),
  ),
});

const dividend = z.object({ tier: z.string(), c: z.string(), price: z.string(), stake: minor, paid: minor });

const sheet = z.object({
  outcome: z.enum(['PAID', 'REFUND', 'CARRIED']),
  gross: minor,
  takeout: minor,
  net: minor,
  carryIn: minor,
  jackpotIn: minor,
  dividends: z.array(dividend),
  breakage: minor,
  topUp: minor,
  guarantee: minor.meta({ description: 'Of the top-up: what the operator added to reach the guarantee.' }),
  carryOut: minor,
  jackpot: minor.meta({ description: 'What the jackpot or reserve of the rules holds of it afterwards.' }),
  refunded: minor,
  steps: z.array(z.string()),
});

export const dividendsAnswer = z.object({
  poolId: z.string(),
  raceId: z.string().nullable(),
  legs: z.array(z.string()).optional(),
  status: z.string(),
  sheet,
  versions: z
    .array(
      z.object({
        version: z.int(),
        at: time,
        finish: z.array(z.array(z.string())),
        voided: z.boolean(),
        reason: z.string().nullable(),
        enteredBy: z.string().nullable(),
        confirmedBy: z.string().nullable(),
        sheet,
      }),
    )
    .meta({ description: 'Every sheet that was official, newest first: a correction overwrites none.' }),
  inputs: z
    .record(z.string(), z.unknown())
    .nullable()
    .meta({ description: 'An input line of `mutuel price`: the pool can be priced again from it.' }),
});

export const actAnswer = z.object({ seq: z.int(), status: z.literal('ACCEPTED') });

export const recordFormatAnswer = z.object({
  format: z.int(),
  proposed: z.object({ format: z.int(), by: z.string() }).nullable(),
  newest: z.int().meta({ description: 'What this release reads, and would write.' }),
});

const delay = z
  .int()
  .nullable()
  .meta({ description: 'Milliseconds from the append of the stop on; null until closed.' });

export const overviewAnswer = z.object({
  now: time,
  lease: z.object({ issuedAt: time.nullable(), expiresAt: time.nullable(), holding: z.boolean() }),
  races: z.array(
    z.object({
      ...{ ...summary, gross: minor, bets: z.int(), sealed: z.string().nullable(), voidedAfterStop: voided },
      stopDelayMs: delay.meta({ description: 'From the stop until the last shard had closed; null until then.' }),
    }),
  ),
  shards: z.array(
    z.object({ shard: z.int(), seq: z.int(), head: z.string(), incarnation: z.string(), lagMs: z.int() }),
  ),
  durable: z.boolean(),
  label: z.string(),
});

export const stopsAnswer = z.object({
  stops: z.array(
    z.object({
      raceId: z.string(),
      closeNo: z.int().meta({ description: 'Counts the stops of the race.' }),
      postTime: time,
      stopAt: time.meta({ description: 'Append time of the stop.' }),
      offAt: time.nullable().meta({ description: 'The off, where a late stop made it matter.' }),
      delayMs: delay.meta({ description: 'Until the last shard had closed; null until then.' }),
      voidedAfterStop: voided,
      pools: z.array(
        z.object({
          poolId: z.string(),
          cancelWindowMs: z.int().meta({
            description:
              'How long after its sale a bet could be cancelled, until the stop; the same on all devices. 0: not at all.',
          }),
        }),
      ),
      shards: z.array(
        z.object({
          shard: z.int(),
          closedAt: time
            .nullable()
            .meta({ description: 'Append time of the marker that closes the race in this shard.' }),
          delayMs: delay,
          lastDecision: z
            .int()
            .nullable()
            .meta({ description: 'The last before the marker: no standing bet has a higher one.' }),
        }),
      ),
    }),
  ),
});

export const auditAnswer = z.object({
  entries: z.array(
    z.object({
      seq: z.int(),
      at: time,
      action: z.string(),
      actor: z.object({
        user: z.string(),
        roles: z.array(z.string()),
        device: z.string().meta({ description: 'Id of the token that the act came with.' }),
      }),
      raceId: z.string().nullable(),
      reason: z.string().nullable(),
      outcome: z.enum(['ACCEPTED', 'REFUSED']),
      code: z.string().nullable(),
      detail: z.string().nullable(),
    }),
  ),
  next: z.string().nullable(),
});

export const carryOversAnswer = z.object({
  carryOvers: z.array(
    z.object({
      id: z.string().meta({ description: 'What a card names in `carryFrom`.' }),
      type: z.string(),
      currency: z.string(),
      amount: minor.meta({ description: 'All that was carried onto it, by the results as they are now.' }),
      left: minor.meta({ description: 'What no pool has taken yet.' }),
      taken: z.array(z.object({ poolId: z.string(), amount: minor })),
    }),
  ),
});

const weighed = z.object({
  bets: z.int(),
  toPay: minor,
  toTakeBack: minor,
  short: minor.meta({ description: 'Of what is to be taken back: what balances do not hold, and will be owed.' }),
  kept: minor.meta({ description: 'What bettors keep by the policy, at the cost of the operator.' }),
});

export const settlementAnswer = z.object({
  raceId: z.string(),
  status: z.string(),
  resultVersion: z.int(),
  enteredBy: z.string().nullable(),
  confirmedBy: z.string().nullable(),
  finish: z.array(z.array(z.string())),
  disqualified: z.array(z.string()),
  previewHash: z.string().nullable(),
  waitingFor: z.array(z.string()),
  pools: z.array(
    z.object({
      poolId: z.string(),
      type: z.string(),
      outcome: z.enum(['PAID', 'REFUND', 'CARRIED']),
      gross: minor,
      refunds: minor,
      takeout: minor,
      net: minor,
      carryIn: minor,
      jackpotIn: minor,
      breakage: minor,
      topUp: minor,
      guarantee: minor,
      carryOut: minor,
      jackpot: minor,
      house: minor,
      policy: z.enum(['NONE', 'UNDERPAY_ONLY', 'CLAWBACK']),
      correction: z
        .object({
          before: z.object({
            outcome: z.enum(['PAID', 'REFUND', 'CARRIED']),
            paid: minor,
            refunded: minor,
            takeout: minor,
            breakage: minor,
            carryOut: minor,
            dividends: z.array(dividend),
          }),
          difference: minor,
          weighed: weighed.nullable(),
        })
        .nullable()
        .meta({ description: 'Of a correction: the sheet it replaces, and what would move.' }),
      paid: minor,
      dividends: z.array(z.object({ ...dividend.shape, lastOdds: z.string().nullable() })),
      proposals: z.array(z.object({ source: z.string(), inputHash: z.string(), agrees: z.boolean() })),
      differences: z.array(z.string()),
      report: z.array(z.string()),
      steps: z.array(z.string()),
    }),
  ),
  totals: z.object({ paid: minor, refunded: minor, takeout: minor, breakage: minor, topUp: minor }),
  corrects: z.int().nullable().meta({ description: 'The official result that this one replaces.' }),
  voided: z.boolean().meta({ description: 'The correction makes the race void.' }),
  differences: weighed.nullable().meta({ description: 'Of a correction, over all pools, as balances stand.' }),
});

export const demoAnswer = z.object({
  accounts: z.array(z.object({ accountId: z.string(), token: z.string(), currency: z.string() })),
  operators: z.array(z.object({ user: z.string(), name: z.string(), token: z.string(), roles: z.array(z.string()) })),
  races: z.array(
    z.object({
      raceId: z.string(),
      meetingId: z.string(),
      number: z.int(),
      name: z.string(),
      postTime: time,
      status: z.string(),
    }),
  ),
});

export const healthAnswer = z.object({
  status: z.enum(['UP', 'DOWN']),
  reasons: z.array(z.string()),
  degraded: z.array(z.string()).describe('What is worse than it should be and does not stop the work.'),
  label: z.string().describe('What kind of installation this is.'),
  durable: z
    .boolean()
    .describe("False where one machine's loss can lose acknowledged bets; every answer then says so, too."),
});
