// The shapes that the console reads and sends: the HTTP contract as the browser sees it. It must never hold logic, and
// never a field the server does not send. Money is an integer in minor units, odds are decimal strings, times RFC 3339.

export interface Problem {
  type?: string;
  title?: string;
  status: number;
  code: string;
  detail?: string;
  retry?: 'NEVER' | 'SAME_KEY' | 'NEW_KEY';
  correlationId?: string;
  errors?: { pointer: string; code: string; detail: string }[];
}

export interface RaceSummary {
  raceId: string;
  meetingId: string;
  number: number;
  name: string;
  postTime: string;
  status: string;
  stopAt: string | null;
  offAt: string | null;
  runnerCount: number;
}

export interface Meeting {
  meetingId: string;
  course: string;
  date: string;
  country: string;
  currency: string;
  exponent: number;
  races: RaceSummary[];
  /** Pools over several races. */
  pools?: PoolSummary[];
}

export interface Runner {
  number: string;
  name: string;
  entry: string | null;
  status: string;
}

/** What a pool is played for beside its bets: minor units. */
export interface PoolTerms {
  /** The gross pool that the operator stands for. */
  guarantee?: number;
  carryIn?: number;
  jackpotIn?: number;
  /** All that was carried in is paid today. */
  mandatory?: boolean;
}

export interface PoolSummary extends PoolTerms {
  poolId: string;
  type: string;
  status: string;
  gross: number;
  minStake: number;
  unitMultiple: number;
  ruleSet: string;
  /** Of a pool over several races: its races in order. */
  legs?: string[];
}

export interface ResultDividend {
  poolId: string;
  type: string;
  tier: string;
  c: string;
  price: string;
}

export interface RaceResult {
  /** The official result that this one replaces. */
  corrects?: number | null;
  version: number;
  finish: string[][];
  status: string;
  dividends: ResultDividend[];
}

export interface Race extends RaceSummary {
  runners: Runner[];
  pools: PoolSummary[];
  result: RaceResult | null;
  voidedAfterStop: { count: number; amount: number };
}

export interface OddsRow {
  c: string;
  price: string | null;
  low: string | null;
  high: string | null;
}

export interface Pool {
  poolId: string;
  status: string;
  gross: number;
  net: number;
  carryIn: number;
  cycle: number | null;
  computedAt: string | null;
  final: boolean;
  odds: (OddsRow & { stake: number })[];
}

export interface HistoryTick {
  cycle: number;
  at: string;
  gross: number;
  final: boolean;
  late: boolean;
  odds: OddsRow[];
}

export interface Demo {
  accounts: { accountId: string; token: string; currency: string }[];
  operators: { user: string; name: string; token: string; roles: string[] }[];
  races: { raceId: string; meetingId: string; number: number; name: string; postTime: string; status: string }[];
}

export interface Account {
  accountId: string;
  currency: string;
  exponent: number;
  balance: { available: number };
  status: string;
}

export interface StatementEntry {
  position: string;
  at: string;
  kind: string;
  amount: number;
  before: number;
  after: number;
  ticketId: string | null;
  betId: string | null;
  poolId: string | null;
  reason: string | null;
}

export interface Statement {
  entries: StatementEntry[];
  next: string | null;
}

export interface BetBody {
  betRef: string;
  poolId: string;
  form: 'STRAIGHT' | 'BOX' | 'WHEEL' | 'MULTI_LEG';
  columns?: string[][];
  runners?: string[];
  unitStake: number;
  stake: number;
}

export interface TicketBody {
  ticketRef: string;
  accountId: string;
  currency: string;
  atomic: true;
  bets: BetBody[];
}

export interface TicketBet {
  betRef: string;
  betId: string | null;
  poolId?: string;
  status: string;
  lines: number;
  stake: number;
  indicativeOdds?: string | null;
  code?: string | null;
  detail?: string | null;
  /** The selection in its compact text: `4>7>1`, `4,7>1`, `BOX:4,7,1`. */
  selection?: string | null;
  resulting?: string | null;
  settlement?: string | null;
  payout?: number | null;
  refund?: number | null;
}

export interface Ticket {
  ticketId: string;
  ticketRef: string;
  status: string;
  acceptedAt: string | null;
  totalStake: number;
  currency: string;
  bets: TicketBet[];
  balance?: { available: number };
  receipt?: { shard: number; seq: number; hash: string };
  code?: string;
  detail?: string;
}

export interface Quote {
  lines?: number;
  cost?: number;
  bets?: QuoteBet[];
}

export interface QuoteBet {
  betRef?: string;
  lines: number;
  stake?: number;
  cost?: number;
  oddsBefore?: string | null;
  oddsAfter?: string | null;
  refusal?: { code: string; detail?: string } | null;
}

export interface Overview {
  now: string;
  lease: { issuedAt: string | null; expiresAt: string | null; holding: boolean };
  races: (RaceSummary & {
    gross: number;
    bets: number;
    sealed: string | null;
    stopDelayMs: number | null;
    voidedAfterStop: { count: number; amount: number };
  })[];
  shards: { shard: number; seq: number; head: string; incarnation: string; lagMs: number }[];
  durable: boolean;
  label: string;
}

export interface AuditEntry {
  seq: number;
  at: string;
  action: string;
  actor: { user: string; roles: string[]; device: string } | null;
  raceId: string | null;
  reason: string | null;
  outcome: string;
  code: string | null;
  detail: string | Record<string, unknown> | null;
}

export interface SettlementPool {
  poolId: string;
  type: string;
  outcome: string;
  gross: number;
  refunds: number;
  takeout: number;
  net: number;
  carryIn: number;
  jackpotIn: number;
  breakage: number;
  topUp: number;
  /** Of the top-up: what the operator adds to reach the guarantee. */
  guarantee: number;
  carryOut: number;
  /** What the jackpot or reserve of the rules holds of it afterwards. */
  jackpot: number;
  house: number;
  paid: number;
  differences?: string[];
  /** The sheets of calculators that differ, side by side, as lines of fixed columns. */
  report?: string[];
  dividends: { tier: string; c: string; price: string; lastOdds: string | null; stake: number; paid: number }[];
  proposals: { source: string; inputHash: string; agrees: boolean }[];
  steps: string[];
  /** What becomes of money paid before. */
  policy?: 'NONE' | 'UNDERPAY_ONLY' | 'CLAWBACK';
  /** Of a correction: the sheet it replaces, and what would move. */
  correction?: {
    before: {
      outcome: string;
      paid: number;
      refunded: number;
      dividends: { tier: string; c: string; price: string; stake: number; paid: number }[];
    };
    difference: number;
    weighed: Weighed | null;
  } | null;
}

/** The differences of a correction, as balances stand: minor units, and the number of bets. */
export interface Weighed {
  bets: number;
  toPay: number;
  toTakeBack: number;
  short: number;
  kept: number;
}

export interface Settlement {
  raceId: string;
  status: string;
  resultVersion: number;
  enteredBy: string | null;
  confirmedBy?: string | null;
  finish: string[][];
  previewHash: string | null;
  waitingFor: string[];
  pools: SettlementPool[];
  totals: { paid: number; takeout: number; breakage: number; topUp: number };
  /** The official result that this one replaces. */
  corrects?: number | null;
  voided?: boolean;
  differences?: Weighed | null;
}

export interface Health {
  status: 'UP' | 'DOWN';
  label: string;
  /** False where one machine's loss can lose acknowledged bets. */
  durable: boolean;
}
