/**
 * A market and its shards in memory, driven by hand: commands are decided one by one, facts and reports relayed until nothing
 * moves, and the money is checked after every single decision against books kept here from the postings alone.
 */
import { createHash } from 'node:crypto';
import { type CorrectionPolicy, type Field, pricePool, ruleSetFor } from '#mutuel/tote';
import {
  type Decided,
  type Decider,
  type DividendProposal,
  type MarketCommand,
  type MarketEvent,
  type MarketFact,
  type MeetingCard,
  marketDecider,
  type PlaceTicket,
  PROPOSAL_SOURCES,
  readMarketCommand,
  readShardCommand,
  type ShardCommand,
  type ShardEvent,
  type ShardReport,
  type StateImage,
  shardDecider,
  shardOf,
  termsOf,
} from '../src/index.js';

export const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

function told<S, C, E>(decider: Decider<S, C, E>, state: S): string {
  const { text, parts } = decider.image(state);
  return [text, ...parts.map((part) => Buffer.from(part).toString('hex'))].join('|');
}

export class Host<S, C, E> {
  readonly decisions: Decided<E>[] = [];
  state: S;
  seq = 0;
  constructor(
    readonly name: string,
    readonly decider: Decider<S, C, E>,
    private readonly onDecided: (host: string, decided: Decided<E>) => void,
  ) {
    this.state = decider.initialState();
  }

  decide(command: C, at: number, decidedAt = at): Decided<E> {
    const context = {
      seq: this.seq + 1,
      at,
      decidedAt,
      cid: hash(`${this.name}${this.seq}`).slice(0, 32),
      trusted: true,
    };
    const before = process.env['CHECK_PURITY'] ? this.told() : '';
    const decision = this.decider.decide(this.state, command, context);
    if (before && before !== this.told()) throw new Error('decide changed the state');
    const { cid } = context;
    const decided: Decided<E> = JSON.parse(JSON.stringify({ ...decision, seq: ++this.seq, at, cid }));
    this.decisions.push(decided);
    this.decider.evolve(this.state, decided);
    this.onDecided(this.name, decided);
    return decided;
  }

  /** The state folded afresh from the recorded decisions; the first `k` of them from an image of the state they made. */
  replayed(k = 0): string {
    const before = this.decider.initialState();
    for (const decided of this.decisions.slice(0, k)) this.decider.evolve(before, decided);
    const image = told(this.decider, before);
    const state = k === 0 ? before : this.decider.restore(asRead(this.decider.image(before)));
    if (told(this.decider, state) !== image)
      throw new Error(`the state after ${k} decisions is not what its image says`);
    for (const decided of this.decisions.slice(k)) this.decider.evolve(state, decided);
    return told(this.decider, state);
  }

  /** The whole state as text. */
  told(): string {
    return told(this.decider, this.state);
  }
}

/** As a store gives an image back: its parts are views of one file's memory, beginning anywhere. */
function asRead({ text, parts }: StateImage): StateImage {
  const file = Buffer.concat([Buffer.of(0), ...parts]);
  let end = 1;
  const views = parts.map(({ byteLength }) => {
    end += byteLength;
    return file.subarray(end - byteLength, end);
  });
  return { text, parts: views };
}

export const RACE = '2026-11-22-R1-C1';
export const poolId = (type: string, race = RACE): string => `${race}-${type}`;
const T0 = 1_795_300_000_000;
export const tote = { user: 'tess', roles: ['TOTE_OPERATOR'] as const, device: 'desk-1' };
export const steward = { user: 'stella', roles: ['STEWARD'] as const, device: 'tower' };
export const second = { user: 'sam', roles: ['STEWARD'] as const, device: 'office' };

export function card(
  options: {
    race?: string;
    runners?: number;
    types?: readonly string[];
    rules?: string;
    corrections?: CorrectionPolicy;
    scheduledStop?: number;
    /** Entry names by runner number. */
    entries?: Readonly<Record<string, string>>;
  } = {},
): MeetingCard {
  const { race: raceId = RACE, runners = 6, types = ['WIN', 'PLACE', 'EXACTA'], rules = 'US', entries = {} } = options;
  const { corrections = 'CLAWBACK' } = options;
  const pools = types.map((type) => {
    const ruleSet = ruleSetFor(rules, type as 'WIN');
    if (!ruleSet || 'refused' in ruleSet) throw new Error(`no rule set ${rules} ${type}`);
    return { poolId: poolId(type, raceId), type: type as 'WIN', ruleSet: { ...ruleSet, corrections }, carryInMinor: 0 };
  });
  const names = Array.from({ length: runners }, (_, i) => {
    const entry = entries[String(i + 1)];
    return { number: String(i + 1), name: `Horse ${i + 1}`, ...(entry === undefined ? {} : { entry }) };
  });
  const stop = options.scheduledStop === undefined ? {} : { scheduledStop: options.scheduledStop };
  const race = {
    raceId,
    number: 1,
    name: 'Prix Premier',
    postTime: T0 + 600_000,
    runners: names,
    pools,
    ...stop,
  };
  return {
    meetingId: `meeting of ${raceId}`,
    course: 'Longueville',
    date: '2026-11-22',
    country: 'US',
    currency: 'USD',
    exponent: 2,
    races: [race],
  };
}

export class World {
  now = T0;
  readonly market: Host<ReturnType<ReturnType<typeof marketDecider>['initialState']>, MarketCommand, MarketEvent>;
  readonly shards: Host<ReturnType<ReturnType<typeof shardDecider>['initialState']>, ShardCommand, ShardEvent>[];
  /** Every account's sum of postings, over all hosts. */
  readonly ledger = new Map<string, number>();
  private refs = 0;

  constructor(shards = 2) {
    const check = (host: string, decided: Decided<unknown>): void => this.check(host, decided);
    this.market = new Host('market', marketDecider({ shards, hash }), check);
    this.shards = Array.from(
      { length: shards },
      (_, shard) => new Host(`shard-${shard}`, shardDecider({ shard, shards, hash }), check),
    );
  }

  /** Opens the race of `card()` for betting, with a fresh lease and funded accounts. */
  static open(options: Parameters<typeof card>[0] & { accounts?: number; balance?: number } = {}): World {
    const world = new World();
    world.ask({ type: 'PublishMeeting', meeting: card(options), by: tote });
    world.ask({ type: 'OpenRace', race: RACE, reason: 'card', by: tote });
    world.renewLease();
    for (let i = 0; i < (options.accounts ?? 4); i++) world.fund(`acc-${i}`, options.balance ?? 100_000);
    return world;
  }

  ask(command: MarketCommand): Decided<MarketEvent> {
    const decided = this.market.decide(readMarketCommand(JSON.parse(JSON.stringify(command)), true), ++this.now);
    this.settle();
    return decided;
  }

  renewLease(): void {
    this.ask({ type: 'RenewLease', ttlMs: 5_000 });
  }

  fund(account: string, amount: number): void {
    this.send(account, { type: 'OpenAccount', account, currency: 'USD' });
    this.send(account, { type: 'Deposit', account, ref: 'opening', amount });
  }

  send(account: string, command: ShardCommand, at = ++this.now, decidedAt = at): Decided<ShardEvent> {
    const shard = this.shards[shardOf(account, this.shards.length)] as (typeof this.shards)[number];
    return shard.decide(readShardCommand(JSON.parse(JSON.stringify(command)), true), at, decidedAt);
  }

  freshRef(at = this.now): string {
    const time = at.toString(16).padStart(12, '0');
    const counter = (++this.refs).toString(16).padStart(12, '0');
    return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${counter}`;
  }

  ticket(
    account: string,
    bets: readonly [pool: string, sel: string, unit: number, lines?: number][],
    more: Partial<PlaceTicket> = {},
  ): PlaceTicket {
    const orders = bets.map(([pool, sel, unit, lines = 1], i) => ({
      ref: `b${i}`,
      pool,
      sel,
      unit,
      stake: unit * lines,
    }));
    const body = hash(JSON.stringify([account, orders])).slice(0, 16);
    const blind = 'ab'.repeat(16);
    return {
      type: 'PlaceTicket',
      account,
      ref: this.freshRef(),
      body,
      currency: 'USD',
      atomic: true,
      channel: 'web',
      blind,
      bets: orders,
      ...more,
    };
  }

  bet(account: string, pool: string, sel: string, unit: number, lines = 1): Decided<ShardEvent> {
    return this.send(account, this.ticket(account, [[pool, sel, unit, lines]]));
  }

  balance(account: string): number {
    return this.shards[shardOf(account, this.shards.length)]?.state.accounts.get(account)?.balance ?? Number.NaN;
  }

  /** Relays facts, reports and bulk work until nothing is left to do. */
  settle(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const shard of this.shards) {
        for (const { n, fact } of factsOf(this.market.decisions)) {
          if (n > shard.state.factNo) shard.decide({ type: 'MarketFact', n, fact }, ++this.now);
        }
        for (let next = shard.decider.pending(shard.state); next; next = shard.decider.pending(shard.state)) {
          shard.decide(next, ++this.now);
          moved = true;
        }
      }
      for (const [i, shard] of this.shards.entries()) {
        for (const { n, report } of reportsOf(shard.decisions)) {
          if (n <= (this.market.state.reportNo[i] as number)) continue;
          this.market.decide({ type: 'ShardReport', shard: i, n, report }, ++this.now);
          moved = true;
        }
      }
    }
  }

  /** What a calculator would propose for a pool from the shards' counts. */
  proposal(pool: string, source: DividendProposal['source'], change: Partial<DividendProposal> = {}): DividendProposal {
    const known = this.market.state.pools.get(pool);
    const race = this.market.state.races.get(known?.race ?? RACE);
    if (!known || !race) throw new Error('no such pool');
    const field: Field = {
      declared: race.card.runners.map((r) => r.number),
      scratched: race.scratched,
      entries: race.entries,
    };
    const gross = known.stakes.reduce((sum, report) => sum + (report?.stake ?? 0), 0);
    const settled = known.stakes.reduce((sum, report) => sum + (report?.settled ?? 0), 0);
    const stakeOn = (c: string): number =>
      known.stakes.reduce((sum, r) => sum + (r?.keys.find((k) => k.c === c)?.stake ?? 0), 0);
    const sheet = pricePool({
      ruleSet: known.card.ruleSet,
      field,
      finish: race.finish,
      grossMinor: gross,
      refundsMinor: 0,
      carryInMinor: known.card.carryInMinor,
      ...termsOf(known.card),
      stakeOn,
    });
    const { outcome, takeoutMinor, netMinor, paidMinor, refundedMinor, breakageMinor, topUpMinor, carryOutMinor } =
      sheet;
    if (race.voided) {
      const nothing = { takeoutMinor: 0, netMinor: 0, carryInMinor: 0, dividends: [], paidMinor: 0, breakageMinor: 0 };
      return {
        ...{ pool, version: race.version, source, inputHash: 'x', outcome: 'REFUND', grossMinor: gross, ...nothing },
        ...{ refundedMinor: gross, topUpMinor: 0, carryOutMinor: 0, settledMinor: settled, steps: [], ...change },
      };
    }
    const dividends = sheet.dividends.map(({ tier, c, price, stakeMinor, paidMinor: paid }) => ({
      tier,
      c,
      price,
      stakeMinor,
      paidMinor: paid,
    }));
    return {
      ...{
        pool,
        version: race.version,
        source,
        inputHash: 'x',
        outcome,
        grossMinor: gross,
        takeoutMinor,
        netMinor,
        carryInMinor: known.card.carryInMinor,
      },
      ...{
        dividends,
        paidMinor,
        refundedMinor,
        breakageMinor,
        topUpMinor,
        carryOutMinor: carryOutMinor + sheet.jackpotMinor,
        ...(sheet.jackpotMinor > 0 ? { jackpotMinor: sheet.jackpotMinor } : {}),
        ...(sheet.jackpotInMinor > 0 ? { jackpotInMinor: sheet.jackpotInMinor } : {}),
        ...(sheet.guaranteeMinor === undefined ? {} : { guaranteeMinor: sheet.guaranteeMinor }),
        settledMinor: settled,
        steps: [],
      },
      ...change,
    };
  }

  /** Enters the order, lets all three calculators speak, and returns the preview's hash. */
  price(finish: readonly (readonly string[])[]): string | null {
    this.ask({ type: 'EnterResult', race: RACE, finish, disqualified: [], reason: '', by: steward });
    this.proposeAll();
    return this.market.state.races.get(RACE)?.previewHash ?? null;
  }

  proposeAll(): void {
    for (const { poolId: pool } of this.market.state.races.get(RACE)?.card.pools ?? [])
      if (this.market.state.pools.get(pool)?.isCalled !== false)
        for (const source of PROPOSAL_SOURCES)
          this.ask({ type: 'SubmitProposal', proposal: this.proposal(pool, source) });
  }

  stop(): Decided<MarketEvent> {
    return this.ask({ type: 'StopBetting', race: RACE, reason: 'off', by: steward });
  }

  settleRace(finish: readonly (readonly string[])[]): void {
    this.stop();
    const previewHash = this.price(finish) ?? '';
    this.ask({ type: 'ConfirmSettlement', race: RACE, previewHash, by: second });
  }

  /** Enters another order after the official one and lets the calculators speak; the preview's hash. */
  reenter(finish: readonly (readonly string[])[], reason = 'objection upheld'): string | null {
    this.ask({ type: 'EnterResult', race: RACE, finish, disqualified: [], reason, by: steward });
    this.proposeAll();
    return this.market.state.races.get(RACE)?.previewHash ?? null;
  }

  correct(finish: readonly (readonly string[])[]): void {
    this.confirm(this.reenter(finish));
  }

  confirm(previewHash: string | null): Decided<MarketEvent> {
    return this.ask({ type: 'ConfirmSettlement', race: RACE, previewHash: previewHash ?? '', by: second });
  }

  owed(account: string): number {
    return this.shards[shardOf(account, this.shards.length)]?.state.accounts.get(account)?.owed ?? Number.NaN;
  }

  /** Sum of every clearing account of the pool: zero once it is settled. */
  clearing(pool: string): number {
    return this.ledger.get(`pool:${pool}`) ?? 0;
  }

  private check(host: string, decided: Decided<unknown>): void {
    let sum = 0;
    for (const [account, amount] of decided.posts) {
      if (!Number.isSafeInteger(amount)) throw new Error(`${host} #${decided.seq}: ${amount} is not a whole amount`);
      sum += amount;
      this.ledger.set(account, (this.ledger.get(account) ?? 0) + amount);
    }
    if (sum !== 0) throw new Error(`${host} #${decided.seq}: the postings sum to ${sum}`);
    for (const shard of this.shards ?? []) {
      for (const account of shard.state.accountAt) {
        if (account.balance < 0) throw new Error(`${account.id} is below zero`);
        const booked = this.ledger.get(`acc:${account.id}`) ?? 0;
        const owed = -(this.ledger.get(`owed:${account.id}`) ?? 0);
        if (account.owed < 0 || account.owed !== owed)
          throw new Error(`${account.id} owes ${account.owed}, its postings say ${owed}`);
        if (account.balance !== booked)
          throw new Error(`${account.id} holds ${account.balance}, its postings say ${booked}`);
      }
    }
  }
}

function factsOf(decisions: readonly Decided<MarketEvent>[]): { n: number; fact: MarketFact }[] {
  return decisions.flatMap((d) => d.events.flatMap((e) => (e.t === 'Fact' ? [{ n: e.n, fact: e.fact }] : [])));
}

function reportsOf(decisions: readonly Decided<ShardEvent>[]): { n: number; report: ShardReport }[] {
  return decisions.flatMap((d) => d.events.flatMap((e) => (e.t === 'Report' ? [{ n: e.n, report: e.report }] : [])));
}
