/**
 * The three calculators that must agree before a dividend is declared: ENGINE from the shards' counts, AUDIT from its own fold with
 * its own arithmetic, PROJECTOR from the read models. Each follows the market by itself and submits a signed proposal until a
 * decision takes it. None may look at another's figures.
 */
import { AuditFold, AuditRefused, type DividendSheet, type LoggedDecision } from '#mutuel/audit';
import { type DecisionRecord, proposalInputHash, type ServiceKey, signCommand, TOPICS } from '#mutuel/contracts';
import {
  type DividendProposal,
  type PoolCard,
  type ProposalSource,
  type ShardEvent,
  type ShardReport,
  termsOf,
} from '#mutuel/engine';
import {
  type Clock,
  checkAgainstLog,
  DecisionReader,
  type DecisionSource,
  type Entropy,
  type EventLog,
  type HowFar,
  type LogFollower,
  MARKET_SOURCE,
  type NoteStore,
  RenewingAppender,
  randomId,
  type SqlDatabase,
  shardSource,
  type TailSource,
  type ValidDecision,
  validRecords,
  WakeUp,
} from '#mutuel/runtime';
import {
  keyLabel,
  legKeys,
  legResult,
  priceLegs,
  pricePool,
  type Ratio,
  ratio,
  resultKeys,
  type Sheet,
} from '#mutuel/tote';
import { AuditFollower, checkMemory } from './audit-follower.js';
import { FloorNote, type Place, publishedIn } from './meeting-floor.js';
import { type PoolInputs, poolInputs, stakesByKey, stakesByLegKey } from './pool-inputs.js';
import { type Ask, RaceWatch } from './race-watch.js';

export interface CalculatorOptions {
  readonly log: EventLog;
  readonly tails: TailSource;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly serviceKey: ServiceKey;
  readonly shards: number;
  /** Where it keeps from where on the logs still matter; without it they are read from their beginnings at each start. */
  readonly notes?: NoteStore | undefined;
  /** `PROPOSAL_WITHHELD`, `CALCULATOR_NOTE_IGNORED` and `CALCULATOR_STOPPED`, with a sentence. */
  readonly onAlarm: (code: string, detail: string) => void;
  /** It proposes nothing any more: a log cannot be trusted. */
  readonly onFatal?: (fault: Error) => void;
}

/** The proposal, undefined while something it needs has not arrived, or a sentence why it must not be made. */
type Pricing = (ask: Ask) => Promise<Priced | string | undefined>;

interface Priced {
  readonly sheet: Pick<Sheet | DividendSheet, SheetField> & Partial<Pick<Sheet, 'jackpotInMinor' | 'guaranteeMinor'>>;
  readonly steps: readonly string[];
  /** Of a correction: what the pool has given on its bets so far. */
  readonly settledMinor?: number;
}

type SheetField = Exclude<
  keyof Sheet & keyof DividendSheet & (keyof DividendProposal | 'jackpotMinor'),
  'jackpotInMinor' | 'guaranteeMinor'
>;

/** What a calculator follows a log by. */
interface Follower extends Pick<LogFollower, 'caughtUp' | 'reading' | 'start' | 'close'> {
  /** What another one needs to go on from here. */
  readonly place: string;
}

type OnDecision = (decision: Pick<DecisionRecord, 'events'>) => void;

/** How a calculator reads: what each log is followed by, from which place on, and whether a place fits its log. */
interface Reading {
  readonly sources: readonly DecisionSource[];
  open(source: DecisionSource, place: string | undefined, onDecision: OnDecision): Follower;
  /** Throws where the log does not hold what the place was taken of. */
  check(source: DecisionSource, place: string): Promise<void>;
  /** Gets what is not the market's. */
  take?(source: DecisionSource, decision: LoggedDecision): void;
  /** Of the meetings that the market is done with, those that nothing here will need any more. */
  over?(meetings: readonly string[]): readonly string[];
}

const MARKET_COMMANDS = { topic: TOPICS.marketCommands, partition: 0 } as const;
/** How often it looks whether what an open question needs has come; without one the market's next decision wakes it. */
const LOOK_EVERY_MS = 60;
const IDLE_MS = 1_000;
/** An appended proposal is decided within milliseconds; it is sent again after this. */
const SEND_AGAIN_MS = 3_000;

export class Calculator {
  readonly source: ProposalSource;
  readonly #o: CalculatorOptions;
  readonly #price: Pricing;
  readonly #watch = new RaceWatch();
  readonly #reading: Reading;
  readonly #floor: FloorNote;
  readonly #followers = new Map<string, Follower>();
  readonly #appender: RenewingAppender;
  readonly #stopping = new AbortController();
  readonly #wake: WakeUp;
  /** When each pool's proposal was last sent, by pool and version. */
  readonly #sent = new Map<string, number>();
  readonly #withheld = new Set<string>();
  #loop: Promise<void> = Promise.resolve();

  constructor(options: CalculatorOptions, source: ProposalSource, price: Pricing, reading?: Reading) {
    const { clock, notes } = options;
    this.#o = options;
    this.source = source;
    this.#price = price;
    this.#reading = reading ?? this.#runtimeReading();
    this.#appender = new RenewingAppender(options.log);
    this.#wake = new WakeUp(clock);
    this.#floor = new FloorNote({
      ...{ notes, clock, name: `calculator-${source.toLowerCase()}` },
      check: async ({ places }) => {
        for (const one of this.#reading.sources) await this.#reading.check(one, places[one.src]?.checkpoint ?? '');
      },
      here: () => Object.fromEntries([...this.#followers].map(([src, { place }]) => [src, { checkpoint: place }])),
      onIgnored: (detail) => options.onAlarm('CALCULATOR_NOTE_IGNORED', `${source}: ${detail}`),
    });
  }

  async start(): Promise<void> {
    const places: Readonly<Record<string, Place>> = (await this.#floor.begin())?.places ?? {};
    for (const source of this.#reading.sources) {
      const onDecision = (decision: Pick<DecisionRecord, 'events'>): void => this.#take(source, decision);
      this.#followers.set(source.src, this.#reading.open(source, places[source.src]?.checkpoint, onDecision));
    }
    await Promise.all([...this.#followers.values()].map((follower) => follower.start()));
    this.#loop = this.#run();
  }

  /** What is still to be read before it proposes anything. */
  get reading(): readonly HowFar[] {
    return [...this.#followers.values()].flatMap(({ reading }) => reading ?? []);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake.call();
    const followers = [...this.#followers.values()];
    await Promise.all([this.#loop, ...followers.map((follower) => follower.close())]);
    await this.#appender.close();
  }

  fail(fault: Error): void {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#o.onAlarm('CALCULATOR_STOPPED', `${this.source}: ${fault.message}`);
    this.#o.onFatal?.(fault);
  }

  #take(source: DecisionSource, decision: Pick<DecisionRecord, 'events'>): void {
    this.#floor.see(decision);
    this.#reading.take?.(source, decision as LoggedDecision);
    if (source.src !== MARKET_SOURCE.src) return;
    this.#watch.apply(decision);
    this.#wake.call();
  }

  /** By the reader that serves the deciders, the market alone. */
  #runtimeReading(): Reading {
    const { log, tails, clock } = this.#o;
    return {
      sources: [MARKET_SOURCE],
      open: (source, checkpoint, onDecision) => {
        const onDecisions = (decisions: readonly ValidDecision[]): void => {
          for (const { decision } of decisions) onDecision(decision);
        };
        const onFatal = (fault: Error): void => this.fail(fault);
        const options = { ...source, log, tails, clock, onDecisions, onFatal };
        const reader = new DecisionReader(checkpoint === undefined ? options : { ...options, checkpoint });
        return {
          caughtUp: reader.caughtUp,
          get reading(): HowFar | undefined {
            return reader.reading;
          },
          get place(): string {
            return reader.valid.toCheckpoint();
          },
          start: () => reader.start(),
          close: () => reader.close(),
        };
      },
      check: (source, checkpoint) => {
        const { src, seq, next } = validRecords(source.src, source.at, checkpoint);
        return checkAgainstLog(log, source, { src, seq, next, checkpoint });
      },
    };
  }

  async #run(): Promise<void> {
    const { clock } = this.#o;
    const { signal } = this.#stopping;
    // Races of the past need no word: they are told apart once the whole log was read.
    await this.#followers.get(MARKET_SOURCE.src)?.caughtUp;
    while (!signal.aborted) {
      const asks = this.#watch.asks(this.source);
      for (const ask of asks) {
        if (!signal.aborted) await this.#answer(ask);
      }
      const done = this.#watch.takeOver();
      await this.#floor.keep(this.#reading.over?.(done) ?? done);
      await (asks.length > 0 ? clock.sleep(LOOK_EVERY_MS, signal) : this.#wake.pause(IDLE_MS));
    }
  }

  async #answer(ask: Ask): Promise<void> {
    const { clock, onAlarm } = this.#o;
    const key = `${ask.pool.poolId}/${ask.version}`;
    if ((this.#sent.get(key) ?? Number.NEGATIVE_INFINITY) + SEND_AGAIN_MS > clock.now()) return;
    try {
      const priced = await this.#price(ask);
      if (priced === undefined) return;
      if (typeof priced === 'string') {
        if (!this.#withheld.has(key)) onAlarm('PROPOSAL_WITHHELD', `${this.source} on ${key}: ${priced}`);
        this.#withheld.add(key);
        return;
      }
      this.#sent.set(key, clock.now());
      await this.#submit(proposalOf(this.source, ask, priced));
    } catch (fault) {
      // An append that may or may not have happened is repeated later: a second proposal says the same.
      onAlarm('PROPOSAL_WITHHELD', `${this.source} on ${key}: ${(fault as Error).message}; trying again`);
    }
  }

  async #submit(proposal: DividendProposal): Promise<void> {
    const { entropy, serviceKey } = this.#o;
    const command = { type: 'SubmitProposal', proposal };
    await this.#appender.append(MARKET_COMMANDS, [signCommand(randomId(entropy), command, serviceKey)]);
  }
}

/** Prices what the shards counted, as the market received it. */
export function engineCalculator(options: CalculatorOptions): Calculator {
  return new Calculator(options, 'ENGINE', async ({ pool, field, finish, legs, voided, stakes }) => {
    if (stakes.size < options.shards) return undefined;
    const reports = [...stakes.values()];
    const stakeOn = new Map<string, number>();
    for (const { keys } of reports) for (const { c, stake } of keys) stakeOn.set(c, (stakeOn.get(c) ?? 0) + stake);
    const money = {
      ...{ ruleSet: pool.ruleSet, refundsMinor: 0, carryInMinor: pool.carryInMinor, ...termsOf(pool) },
      grossMinor: reports.reduce((sum, report) => sum + report.stake, 0),
    };
    const settledMinor = reports.reduce((sum, report) => sum + (report.settled ?? 0), 0);
    if (voided && !legs) return { ...givenBack(money.grossMinor, pool), settledMinor };
    const sheet = legs
      ? priceLegs({ ...money, result: legResult(pool.ruleSet, legs), stakeOf: stakesFrom(stakeOn) })
      : pricePool({ ...money, field, finish, stakeOn: (c) => stakeOn.get(c) ?? 0 });
    return { sheet, steps: sheet.steps, settledMinor };
  });
}

/** A race made void after it was official: every stake that stands is given back, carry-in and jackpot money go on. */
function givenBack(grossMinor: number, pool: Pick<PoolCard, 'carryInMinor' | 'jackpotInMinor'>): Priced {
  const { carryInMinor, jackpotInMinor = 0 } = pool;
  const nothing = { takeoutMinor: 0, netMinor: 0, paidMinor: 0, breakageMinor: 0, topUpMinor: 0 };
  const goesOn = { carryInMinor, carryOutMinor: carryInMinor, jackpotInMinor, jackpotMinor: jackpotInMinor };
  const amounts = { grossMinor, refundedMinor: grossMinor, ...goesOn, ...nothing };
  return {
    sheet: { outcome: 'REFUND', ...amounts, dividends: [] },
    steps: [`the race is void: ${grossMinor} is given back`],
  };
}

/** Prices what the read models hold, once they hold everything that the shards had decided when they counted. */
export function projectorCalculator(options: CalculatorOptions & { readonly db: SqlDatabase }): Calculator {
  const { db, shards } = options;
  return new Calculator(options, 'PROJECTOR', async ({ race, pool, version, finish, field, voided }) => {
    const [ready] = await db.query<{ shards: number }>(
      `select (select count(*) from shard_counts where pool_id = $1 and version = $2) as shards
       from races where race_id = $3 and version = $2 and status in ('PROVISIONAL', 'VOID')`,
      [pool.poolId, version, race],
    );
    if (ready?.shards !== shards) return undefined;
    const inputs = await poolInputs(db, pool.poolId);
    if (!inputs) return undefined;
    const { settledMinor } = inputs;
    if (inputs.legs !== null) return { ...pricedLegs(inputs), settledMinor };
    if (voided) return { ...givenBack(inputs.grossMinor, inputs), settledMinor };
    const keys = resultKeys(pool.ruleSet, field, finish).flatMap((rung) => rung.keys.map((key) => key.c));
    const stakes = stakesByKey(inputs, [...new Set(keys)]);
    const { ruleSet, grossMinor, carryInMinor } = inputs;
    const sheet = pricePool({
      ...{ ruleSet, field: inputs.field, finish: inputs.finish, grossMinor, refundsMinor: 0, carryInMinor },
      ...termsOf(inputs),
      stakeOn: (c) => stakes.get(c) ?? 0,
    });
    return { sheet, steps: sheet.steps, settledMinor };
  });
}

function pricedLegs(inputs: PoolInputs): Priced {
  const { ruleSet, legs, grossMinor, carryInMinor } = inputs;
  const stakes = stakesByLegKey(inputs, legKeys(ruleSet, legs ?? []));
  const result = legResult(ruleSet, legs ?? []);
  const money = { grossMinor, refundsMinor: 0, carryInMinor, ...termsOf(inputs) };
  const sheet = priceLegs({ ruleSet, result, ...money, stakeOf: stakesFrom(stakes) });
  return { sheet, steps: sheet.steps };
}

const stakesFrom =
  (stakes: ReadonlyMap<string, number>) =>
  (c: string): Ratio =>
    ratio(stakes.get(c) ?? 0);

/** Prices by force what its own fold of the shards' decisions found. */
export function auditCalculator(options: CalculatorOptions): AuditCalculator {
  return new AuditCalculator(options);
}

export class AuditCalculator {
  readonly #fold = new AuditFold();
  /** The last result version whose count was folded, by pool and shard. */
  readonly #counted = new Map<string, number>();
  /** Shards that will ask no more about a pool; with the last of them it is let go. */
  readonly #ended = new Map<string, Set<number>>();
  /** The pools that are not let go yet, by the meeting that published them. */
  readonly #pools = new Map<string, Set<string>>();
  /** Meetings that the market is done with, and perhaps not every shard. */
  readonly #closing = new Set<string>();
  readonly #shards: number;
  readonly #calculator: Calculator;

  constructor(options: CalculatorOptions) {
    const { log, tails, clock, shards } = options;
    this.#shards = shards;
    const partitions = Array.from({ length: shards }, (_, shard) => shard);
    const price = async (ask: Ask): Promise<Priced | string | undefined> => this.#price(ask);
    this.#calculator = new Calculator(options, 'AUDIT', price, {
      sources: [MARKET_SOURCE, ...partitions.map((shard) => shardSource(shard))],
      open: (source, memory, onDecision) => {
        const onDecisions = (decisions: readonly LoggedDecision[]): void => decisions.forEach(onDecision);
        const onFatal = (fault: Error): void => this.#calculator.fail(fault);
        return new AuditFollower({ ...source, memory, log, tails, clock, onDecisions, onFatal });
      },
      check: (source, memory) => checkMemory(log, source, memory),
      take: ({ src, at }, decision) => {
        this.#noteMeetings(decision);
        if (src !== MARKET_SOURCE.src) this.#take(at.partition, decision);
      },
      over: (meetings) => this.#over(meetings),
    });
  }

  get reading(): readonly HowFar[] {
    return this.#calculator.reading;
  }

  start(): Promise<void> {
    return this.#calculator.start();
  }

  stop(): Promise<void> {
    return this.#calculator.stop();
  }

  #noteMeetings({ events }: LoggedDecision): void {
    for (const { meetingId, races } of publishedIn(events)) {
      const pools = races.flatMap((race) => race.pools.map(({ poolId }) => poolId));
      if (!this.#pools.has(meetingId)) this.#pools.set(meetingId, new Set(pools));
    }
  }

  #over(meetings: readonly string[]): readonly string[] {
    for (const meeting of meetings) this.#closing.add(meeting);
    const over = [...this.#closing].filter((meeting) => this.#pools.get(meeting)?.size === 0);
    for (const meeting of over) {
      this.#closing.delete(meeting);
      this.#pools.delete(meeting);
    }
    return over;
  }

  #take(shard: number, decision: LoggedDecision): void {
    this.#fold.apply(decision.src, decision);
    for (const event of decision.events as readonly ShardEvent[]) {
      if (event.t === 'Report') this.#reported(shard, event.report);
      else if (event.t === 'FactApplied' && event.fact.t === 'CorrectionsClosed')
        for (const pool of this.#fold.poolsOf(event.fact.race)) this.#ends(shard, pool);
    }
  }

  #reported(shard: number, report: ShardReport): void {
    if (!this.#fold.knows(report.pool)) return;
    if (report.t === 'Stakes') this.#counted.set(`${report.pool}/${shard}`, report.version);
    // A race that was void before it was official is never corrected.
    if (report.t === 'Paid' && report.version === 0) this.#ends(shard, report.pool);
  }

  #ends(shard: number, pool: string): void {
    const over = (this.#ended.get(pool) ?? new Set()).add(shard);
    this.#ended.set(pool, over);
    if (over.size === this.#shards) this.#forget(pool);
  }

  #price({ pool, version, finish, legs, voided }: Ask): Priced | string | undefined {
    for (let shard = 0; shard < this.#shards; shard++) {
      if ((this.#counted.get(`${pool.poolId}/${shard}`) ?? 0) < version) return undefined;
    }
    try {
      const settledMinor = this.#fold.settled(pool.poolId);
      if (voided && !legs) return { ...givenBack(this.#fold.standing(pool.poolId), pool), settledMinor };
      const { sheet, problems } = this.#fold.auditPool(pool.poolId, finish);
      return problems.length > 0 ? problems.join('; ') : { sheet, steps: [], settledMinor };
    } catch (fault) {
      if (fault instanceof AuditRefused) return fault.message;
      throw fault;
    }
  }

  #forget(pool: string): void {
    this.#fold.forget(pool);
    this.#ended.delete(pool);
    for (let shard = 0; shard < this.#shards; shard++) this.#counted.delete(`${pool}/${shard}`);
    for (const pools of this.#pools.values()) pools.delete(pool);
  }
}

function proposalOf(
  source: ProposalSource,
  { pool, version, corrects }: Ask,
  { sheet, steps, settledMinor = 0 }: Priced,
): DividendProposal {
  const dividends = sheet.dividends.map(({ tier, c, price, stakeMinor, paidMinor }) => ({
    ...{ tier, c, price, stakeMinor, paidMinor },
  }));
  return {
    ...{ pool: pool.poolId, version, source, outcome: sheet.outcome },
    inputHash: proposalInputHash(
      ...([pool.poolId, version, sheet.grossMinor] as const),
      dividends.map(({ c, stakeMinor }) => ({ c: keyLabel(c), stakeMinor })),
    ),
    grossMinor: sheet.grossMinor,
    takeoutMinor: sheet.takeoutMinor,
    netMinor: sheet.netMinor,
    carryInMinor: sheet.carryInMinor,
    ...(sheet.jackpotInMinor ? { jackpotInMinor: sheet.jackpotInMinor } : {}),
    dividends,
    paidMinor: sheet.paidMinor,
    refundedMinor: sheet.refundedMinor,
    breakageMinor: sheet.breakageMinor,
    topUpMinor: sheet.topUpMinor,
    ...(sheet.guaranteeMinor ? { guaranteeMinor: sheet.guaranteeMinor } : {}),
    // A pool's part of a jackpot waits in the rule set's fund for the pool that pays it.
    carryOutMinor: sheet.carryOutMinor + sheet.jackpotMinor,
    ...(sheet.jackpotMinor === 0 ? {} : { jackpotMinor: sheet.jackpotMinor }),
    ...(corrects ? { settledMinor } : {}),
    steps,
  };
}
