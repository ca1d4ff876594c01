/**
 * The market as the rules say it must be: races from card to cash, who acted, what the shards reported and the calculators proposed.
 * What is declared is priced once more here, by force, from the bets themselves.
 */
import {
  type AuditedPoolType,
  type AuditLeg,
  AuditRefused,
  type AuditRules,
  priceLegPool,
  priceLines,
} from '#mutuel/audit';
import type { Phase } from '../strikes.js';
import type { Decision, Fields } from './chain.js';
import { sha256 } from './chain.js';
import type { Command } from './commands.js';
import { must } from './finding.js';
import { type Pool, type ShardBooks, standing as standingOf } from './shard-books.js';

interface MarketRace {
  status: 'DRAFT' | 'OPEN' | 'SUSPENDED' | 'CLOSED' | 'PROVISIONAL' | 'PAYING' | 'SETTLED' | 'VOID' | 'REOPENED';
  readonly runners: readonly string[];
  readonly pools: readonly string[];
  readonly scratched: string[];
  closeNo: number;
  stopAt: number | undefined;
  offAt: number | undefined;
  version: number;
  finish: readonly (readonly string[])[];
  disqualified: readonly string[];
  enteredBy: string;
  previewHash: string | undefined;
  /** Append time of its end. */
  endedAt: number | undefined;
  /** The result that was paid last, and the one that the last result is to replace; 0 where there is none. */
  official: number;
  corrects: number;
  /** The correction makes the race void. */
  isVoided: boolean;
  isFinal: boolean;
  /** The pools that the last result is for. */
  called: readonly string[];
  /** What a correction would pay, as it was weighed; empty before it was. */
  priced: string;
  /** What the operator has put up for its pools' guarantees. */
  guaranteed: number;
  /** What stood on each runner at the close of its win pool, once it is known: for those who stand in for non-runners. */
  backed: ReadonlyMap<string, number> | undefined;
}

interface MarketPool {
  readonly type: string;
  readonly rules: AuditRules & { readonly corrections?: string; readonly name: string };
  readonly carryIn: number;
  /** What the operator stands for, and what the jackpot puts up. */
  readonly terms: Terms;
  readonly race: string;
  /** Over several races, the last of which is its own. */
  readonly legs: readonly string[] | undefined;
  /** Then: the leg that sells it, or whose close ended the sale; who was out by then; what the legs were when its result was called. */
  soldBy: string;
  outAtClose: readonly number[] | undefined;
  outcomes: readonly AuditLeg[];
  asked: number;
  /** Where its carry-in comes from. */
  readonly carryFrom: readonly string[];
  readonly jackpotFrom: readonly string[];
  /** What it gave to its jackpot, and what the operator added to it, by the result declared last. */
  jackpotOut: number;
  added: number;
  readonly seals: Map<number, Fields>;
  readonly backing: Map<number, Fields>;
  refunded: number;
  counted: Set<number>;
  proposals: Map<string, Fields>;
  /** Shards that have paid the result declared last. */
  paid: Set<number>;
  paying: number;
  /** Shards that have weighed what a correction would move. */
  weighed: Set<number>;
  weighing: number;
  /** What the market has posted on the pool's account so far. */
  side: number;
}

interface Terms {
  readonly guaranteeMinor?: number;
  readonly jackpotInMinor?: number;
  readonly mandatory?: boolean;
}

const MAY: Readonly<Record<string, readonly string[]>> = {
  PublishMeeting: ['TOTE_OPERATOR'],
  OpenRace: ['TOTE_OPERATOR'],
  SuspendRace: ['TOTE_OPERATOR', 'STEWARD'],
  ResumeRace: ['TOTE_OPERATOR', 'STEWARD'],
  StopBetting: ['TOTE_OPERATOR', 'STEWARD'],
  ScratchRunner: ['STEWARD'],
  DeclareLateOff: ['STEWARD'],
  EnterResult: ['STEWARD'],
  ConfirmSettlement: ['STEWARD', 'ACCOUNTANT'],
  VoidRace: ['STEWARD'],
  ProposeRecordFormat: ['TOTE_OPERATOR'],
  ConfirmRecordFormat: ['TOTE_OPERATOR', 'STEWARD'],
};
/** What is decided on an order that is carried out: one of these facts, of the race that it names. */
const DOES: Readonly<Record<string, readonly string[]>> = {
  PublishMeeting: ['MeetingPublished'],
  OpenRace: ['RaceOpened'],
  SuspendRace: ['RaceSuspended'],
  ResumeRace: ['RaceResumed'],
  StopBetting: ['BettingClosed'],
  ScratchRunner: ['RunnerScratched'],
  DeclareLateOff: ['LateOffDeclared'],
  EnterResult: ['ResultEntered'],
  ConfirmSettlement: ['DividendsDeclared'],
  // Of a race that was official it is another result.
  VoidRace: ['RaceVoided', 'ResultEntered'],
  ConfirmRecordFormat: ['RecordFormatRaised'],
};
/** Whatever is decided: judged elsewhere. */
const ANY = '*';
const DAY = 86_400_000;
const SIX_HOURS = 6 * 3_600_000;
const NEWEST_FORMAT = 2;

export class MarketBooks {
  readonly name = 'market';
  readonly races = new Map<string, MarketRace>();
  readonly pools = new Map<string, MarketPool>();
  /** By number, from 1, as text. */
  readonly facts: string[] = [''];
  /** Over all logs. */
  readonly clearing = new Map<string, number>();
  settled = 0;
  corrected = 0;
  recordFormat = 1;
  /** What an official asked for of a race, and what the race was going through when it was decided. */
  onAct: (act: string, phase: Phase) => void = () => undefined;
  #proposed: { readonly format: number; readonly by: string } | undefined;
  #checkedDay = '';
  readonly #reportNo: number[];
  /** People's orders of the last day, by the id of the command. */
  readonly #answered = new Map<string, { readonly seq: number; readonly at: number }>();
  /** Names of meetings, races and pools: none is given a second time. */
  readonly #named = new Set<string>();
  /** By pool: what carried money on is worth now, and what later pools have reserved and taken of it. */
  readonly #carried = new Map<string, { out: number; reserved: number; taken: number; balance: number }>();

  constructor(
    private readonly shards: () => readonly ShardBooks[],
    count: number,
  ) {
    this.#reportNo = Array.from({ length: count }, () => 0);
  }

  phases(): ReadonlySet<Phase> {
    return new Set([...this.races.values()].map((race) => this.#phaseOf(race)));
  }

  #phaseOf({ status, pools }: MarketRace): Phase {
    const isSealing =
      status === 'CLOSED' && pools.some((id) => (this.pools.get(id)?.seals.size ?? 0) < this.#reportNo.length);
    return isSealing ? 'SEALING' : status;
  }

  note(posts: Decision['posts']): void {
    for (const [account, amount] of posts)
      if (account.startsWith('pool:'))
        this.clearing.set(account.slice(5), (this.clearing.get(account.slice(5)) ?? 0) + amount);
  }

  apply(d: Decision, command: Command, isPoison: boolean): void {
    must(d.v === this.recordFormat, 'G5', () => `market #${d.seq} is of format ${d.v}, not ${this.recordFormat}`);
    if (d.code === 'QUARANTINED') must(isPoison, 'G1', () => `market #${d.seq} sets a command aside that kills nobody`);
    else this.#judge(d, command);
    this.#witnessed(d, command);
    if (d.events[0]?.['t'] === 'Acted') this.#note(d);
    if (d.code !== undefined) {
      const isNote = d.posts.length === 0 && d.events.every((e) => e['t'] === 'Acted' && e['detail'] === 'refused');
      must(isNote, 'G3', () => `market #${d.seq} refuses with ${d.code} and changes something`);
      return;
    }
    for (const event of d.events) this.#event(d, event, command);
    const sum = d.posts.reduce((total, [, amount]) => total + amount, 0);
    must(sum === 0, 'G3', () => `market #${d.seq}: its postings sum to ${sum}`);
    if (command.body?.['type'] === 'RenewLease') this.#closesCorrections(d);
    this.#settle(d);
    for (const [account, amount] of d.posts) {
      const pool = account.startsWith('pool:') ? this.pools.get(account.slice(5)) : undefined;
      if (pool) pool.side += amount;
      if (account.startsWith('carry-over:')) this.#carriedBy(account.slice(11)).balance += amount;
    }
    // What a correction takes from a pool that has reserved it is there all the same, of the operator's money.
    for (const [id, { out, reserved, taken, balance }] of this.#carried)
      must(
        balance === Math.max(reserved, out - taken),
        'G3',
        () =>
          `market #${d.seq}: ${balance} stands on the carry-over of ${id}, which left ${out}, lent ${taken} and has promised ${reserved}`,
      );
  }

  #carriedBy(id: string) {
    const known = this.#carried.get(id) ?? { out: 0, reserved: 0, taken: 0, balance: 0 };
    this.#carried.set(id, known);
    return known;
  }

  /** Who asked for what stands in the decision, be it a refusal; and what was asked for is done. */
  #witnessed(d: Decision, { body }: Command): void {
    const type = String(body?.['type']);
    if (!MAY[type] || d.code === 'MALFORMED' || d.code === 'REPLAY' || d.code === 'QUARANTINED') return;
    const note = d.events[0];
    const isNoted = note?.['t'] === 'Acted' && note['action'] === type && note['race'] === body?.['race'];
    must(
      isNoted && JSON.stringify(note['by']) === JSON.stringify(body?.['by']) && note['reason'] === body?.['reason'],
      'G7',
      () => `market #${d.seq} does not say who asked for ${type}`,
    );
    const does = DOES[type];
    if (d.code !== undefined || does === undefined) return;
    const done = d.events.map((e) => e['fact'] as Fields | undefined);
    must(
      done.some((fact) => does.includes(String(fact?.['t'])) && (!body?.['race'] || fact?.['race'] === body['race'])),
      'G5',
      () => `market #${d.seq} takes ${type} and does not do it`,
    );
  }

  /** An order that the log repeats is answered once, whatever came of it. */
  #note({ cid, seq, at }: Decision): void {
    for (const [old, { at: since }] of this.#answered) {
      if (at - since < DAY) break;
      this.#answered.delete(old);
    }
    this.#answered.set(cid, { seq, at });
  }

  /** With each lease, what can no longer be corrected is let go. */
  #closesCorrections(d: Decision): void {
    for (const [id, race] of this.races)
      must(!this.#isOverdue(d, race), 'G5', () => `market #${d.seq} leaves ${id} open for corrections`);
  }

  /**
   * Six hours after its end, if it was official, or is void and pools over several races end with it; but a leg before it that is taken
   * up is waited for.
   */
  #isOverdue(d: Decision, { official, status, isFinal, endedAt, pools }: MarketRace): boolean {
    const ending = pools.map((id) => this.pools.get(id) as MarketPool).filter(({ legs }) => legs);
    const mayChange = official > 0 || (status === 'VOID' && ending.length > 0);
    if (!mayChange || isFinal || endedAt === undefined || d.at - endedAt < SIX_HOURS) return false;
    const paid = ending.filter(({ paying, rules }) => paying > 0 && rules.corrections !== 'NONE');
    return !paid.some(({ legs }) => legs?.some((leg) => this.isTakenUp(leg)));
  }

  isTakenUp(id: string): boolean {
    const { status, corrects, official } = this.races.get(id) as MarketRace;
    return official > 0 && (status === 'REOPENED' || (status === 'PROVISIONAL' && corrects > 0));
  }

  /** One of its races is: what it gave back meanwhile is settled with the next order. */
  isUnderInquiry(id: string): boolean {
    const pool = this.pools.get(id);
    return pool !== undefined && (pool.legs ?? [pool.race]).some((race) => this.isTakenUp(race));
  }

  // ── What may be decided ────────────────────────────────────────────────────────────────────────────────────────

  #judge(d: Decision, command: Command): void {
    const wanted = this.#verdict(d, command);
    must(wanted === d.code || wanted === ANY, 'G2', () => {
      const asked = JSON.stringify(command.body ?? null).slice(0, 300);
      return `market #${d.seq} is decided ${d.code ?? 'accepted'}, the rules say ${wanted ?? 'accepted'}: ${asked}`;
    });
  }

  #verdict(d: Decision, command: Command): string | undefined {
    const { body, isSigned } = command;
    if (body === undefined || !isSigned) return 'MALFORMED';
    const type = String(body['type']);
    if (type === 'RenewLease') return undefined;
    if (type === 'Checkpoint') return String(body['day']) <= this.#checkedDay ? 'ALREADY_APPLIED' : undefined;
    if (type === 'ShardReport') {
      const last = this.#reportNo[Number(body['shard'])] as number;
      const n = Number(body['n']);
      return n <= last ? 'ALREADY_APPLIED' : n > last + 1 ? 'RELAY_GAP' : undefined;
    }
    if (type === 'SubmitProposal') {
      const proposal = body['proposal'] as Fields;
      const pool = this.pools.get(String(proposal['pool']));
      if (!pool) return 'POOL_UNKNOWN';
      const race = this.races.get(pool.race);
      const isCalled = race?.called.includes(String(proposal['pool']));
      const isWanted = race && this.#isSettling(race) && race.version === proposal['version'] && isCalled;
      return isWanted ? undefined : 'PROPOSAL_OUTDATED';
    }
    if (!isReadable(type, body)) return 'MALFORMED';
    const known = this.#answered.get(command.cid);
    if (known) {
      must(
        d.of === known.seq,
        'G1',
        () => `market #${d.seq} names decision ${d.of} for an order that ${known.seq} answered`,
      );
      return 'REPLAY';
    }
    const { roles } = body['by'] as { roles: readonly string[] };
    if (!roles.some((role) => MAY[type]?.includes(role))) return 'NOT_AUTHORIZED';
    if (type === 'ProposeRecordFormat') {
      const next = this.recordFormat + 1;
      return body['format'] === next && next <= NEWEST_FORMAT ? undefined : 'FORMAT_INVALID';
    }
    if (type === 'ConfirmRecordFormat') {
      if (this.#proposed?.format !== body['format']) return 'FORMAT_NOT_PROPOSED';
      return this.#proposed?.by === (body['by'] as { user: string }).user ? 'SAME_PERSON' : undefined;
    }
    return type === 'PublishMeeting' ? this.#card(body['meeting'] as Fields) : this.#act(d, type, body);
  }

  /** A card that names what was named before is refused, whatever became of that; what else may be wrong with one is judged elsewhere. */
  #card(meeting: Fields): string {
    const cards = meeting['races'] as readonly Fields[];
    for (const phase of new Set(
      cards.flatMap(({ raceId }) => this.races.get(String(raceId)) ?? []).map((race) => this.#phaseOf(race)),
    ))
      this.onAct('PublishMeeting', phase);
    return namesOn(meeting).some((name) => this.#named.has(name)) ? 'CARD_INVALID' : ANY;
  }

  /** Proposals are waited for: also on a void race that a pool over several races ends with. */
  #isSettling({ status, called, version }: MarketRace): boolean {
    const isOpen = (id: string): boolean =>
      this.pools.get(id)?.legs !== undefined && this.pools.get(id)?.paying !== version;
    return status === 'PROVISIONAL' || (status === 'VOID' && called.some(isOpen));
  }

  /** The pools that end with a race when it is void. */
  #ownPools({ pools }: MarketRace): readonly MarketPool[] {
    return pools.flatMap((id) => this.pools.get(id) ?? []).filter(({ legs }) => legs === undefined);
  }

  /** Pools that are settled together with a race. */
  #settledWith({ status, corrects, called, pools }: MarketRace): readonly string[] {
    if (corrects > 0) return called;
    return status === 'VOID' ? pools.filter((id) => this.pools.get(id)?.legs) : pools;
  }

  /** A race that was official once is touched again for six hours, with a reason. */
  #correction(d: Decision, { official, isFinal, endedAt }: MarketRace, body: Fields): string | undefined {
    if (official === 0) return undefined;
    if (isFinal || (endedAt !== undefined && d.at - endedAt >= SIX_HOURS)) return 'CORRECTION_CLOSED';
    return String(body['reason']).trim() === '' ? 'REASON_REQUIRED' : undefined;
  }

  #act(d: Decision, type: string, body: Fields): string | undefined {
    const race = this.races.get(String(body['race']));
    if (!race) return 'RACE_UNKNOWN';
    this.onAct(type, this.#phaseOf(race));
    const { status } = race;
    const isSelling = status === 'OPEN' || status === 'SUSPENDED';
    const isIn = (holds: boolean): string | undefined => (holds ? undefined : 'RACE_STATUS');
    switch (type) {
      case 'OpenRace':
        return isIn(status === 'DRAFT');
      case 'SuspendRace':
        return isIn(status === 'OPEN');
      case 'ResumeRace':
        return isIn(status === 'SUSPENDED');
      case 'StopBetting':
        return isIn(isSelling);
      case 'DeclareLateOff': {
        const offAt = Number(body['offAt']);
        if (!isSelling && status !== 'CLOSED' && (status !== 'PROVISIONAL' || race.corrects > 0)) return 'RACE_STATUS';
        const isSound = offAt <= d.at && d.at - offAt <= SIX_HOURS && offAt <= (race.offAt ?? Number.POSITIVE_INFINITY);
        return isSound ? undefined : 'OFF_INVALID';
      }
      case 'ScratchRunner': {
        if (status === 'VOID') return 'RACE_STATUS';
        const isOut = race.scratched.includes(String(body['runner']));
        // What may not be corrected is paid as it was declared, in every shard alike.
        const id = String(body['race']);
        const waits = [...this.pools.values()].some(
          ({ rules, paid, paying, race: own, legs }) =>
            (own === id || legs?.includes(id) === true) &&
            paying > 0 &&
            rules.corrections === 'NONE' &&
            paid.size < this.#reportNo.length,
        );
        const isNobody = !race.runners.includes(String(body['runner']));
        return (
          this.#correction(d, race, body) ??
          (isNobody ? 'RUNNER_UNKNOWN' : isOut ? 'ALREADY_SCRATCHED' : waits ? 'RACE_STATUS' : undefined)
        );
      }
      case 'EnterResult': {
        if (status === 'DRAFT' || (status === 'VOID' && race.official === 0)) return 'RACE_STATUS';
        const closed = this.#correction(d, race, body);
        if (closed !== undefined) return closed;
        const named = [...(body['finish'] as string[][]).flat(), ...(body['disqualified'] as string[])];
        const isSound = named.every(
          (one, i) => race.runners.includes(one) && !race.scratched.includes(one) && named.indexOf(one) === i,
        );
        return isSound ? undefined : 'FINISH_INVALID';
      }
      case 'ConfirmSettlement':
        if (!this.#isSettling(race)) return 'RACE_STATUS';
        if (race.previewHash === undefined) return 'PREVIEW_NOT_READY';
        if (race.previewHash !== body['previewHash']) return 'PREVIEW_CHANGED';
        return race.enteredBy === (body['by'] as { user: string }).user ? 'SAME_PERSON' : undefined;
      default:
        return status === 'VOID' ? 'RACE_STATUS' : this.#correction(d, race, body);
    }
  }

  // ── What follows from it ───────────────────────────────────────────────────────────────────────────────────────

  #event(d: Decision, e: Fields, command: Command): void {
    switch (e['t']) {
      case 'Acted': {
        const race = this.races.get(String(e['race']));
        if (race && (e['action'] === 'EnterResult' || e['action'] === 'VoidRace'))
          race.enteredBy = (e['by'] as { user: string }).user;
        return;
      }
      case 'Fact':
        must(
          e['n'] === this.facts.length,
          'G4',
          () => `market #${d.seq} numbers its fact ${String(e['n'])}, ${this.facts.length} is next`,
        );
        this.facts.push(JSON.stringify(e['fact']));
        this.#fact(d, e['fact'] as Fields, command);
        return;
      case 'ReportReceived':
        this.#report(d, e);
        return;
      case 'PoolSealed': {
        const pool = this.pools.get(String(e['pool'])) as MarketPool;
        const seals = this.shards().map(({ shard }) => pool.seals.get(shard));
        must(
          seals.every((seal) => seal?.['closeNo'] === e['closeNo']),
          'G7',
          () => `market #${d.seq} seals ${String(e['pool'])} before every shard did`,
        );
        const sum = (field: string): number => seals.reduce((total, seal) => total + Number(seal?.[field]), 0);
        const root = sha256(`pool:${seals.map((seal) => String(seal?.['root'])).join('')}`);
        const isRight =
          ['bets', 'stake', 'voidedBets', 'voidedStake'].every((field) => e[field] === sum(field)) &&
          e['root'] === root;
        must(isRight, 'G7', () => `market #${d.seq}: the seal of ${String(e['pool'])} is not the sum of its shards'`);
        return;
      }
      case 'ProposalReceived': {
        const proposal = e['proposal'] as Fields;
        this.pools.get(String(proposal['pool']))?.proposals.set(String(proposal['source']), proposal);
        return;
      }
      case 'PreviewReady': {
        const race = this.races.get(String(e['race'])) as MarketRace;
        race.previewHash = String(e['previewHash']);
        const isWeighed = race.called.every((id) => this.pools.get(id)?.weighed.size === this.#reportNo.length);
        must(
          race.corrects === 0 || isWeighed,
          'G6',
          () => `market #${d.seq} shows a correction that not every shard has weighed`,
        );
        return;
      }
      case 'ProposalsDiffer': {
        const race = this.races.get(this.pools.get(String(e['pool']))?.race ?? '') as MarketRace;
        race.previewHash = undefined;
        must(
          race.endedAt !== undefined,
          'G6',
          () =>
            `market #${d.seq}: the calculators differ on ${String(e['pool'])}: ${(e['differences'] as string[]).join('; ')}`,
        );
        return;
      }
      case 'RaceSettled': {
        const race = this.races.get(String(e['race'])) as MarketRace;
        must(
          (e['voided'] ?? false) === race.isVoided,
          'G5',
          () => `market #${d.seq} settles a race as void that is not, or the other way about`,
        );
        if (race.status === 'PAYING') race.status = race.isVoided ? 'VOID' : 'SETTLED';
        if (race.corrects > 0) this.corrected++;
        race.endedAt = d.at;
        this.settled++;
        return;
      }
      case 'RecordFormatProposed':
        this.#proposed = { format: Number(e['format']), by: String(e['by']) };
        return;
      case 'Checkpoint':
        this.#checkedDay = String(e['day']);
        return;
      default:
    }
  }

  #fact(d: Decision, fact: Fields, { body }: Command): void {
    if (fact['t'] === 'MeetingPublished') {
      this.#retire(d);
      this.#publish(d, fact['meeting'] as Fields);
      return;
    }
    if (fact['t'] === 'LeaseRenewed') {
      must(fact['issuedAt'] === d.at, 'G2', () => `market #${d.seq} renews the lease as of another time than its own`);
      return;
    }
    if (fact['t'] === 'RecordFormatRaised') {
      this.recordFormat = Number(fact['format']);
      this.#proposed = undefined;
      return;
    }
    const race = this.races.get(String(fact['race'])) as MarketRace;
    switch (fact['t']) {
      case 'RaceOpened':
      case 'RaceResumed':
        race.status = 'OPEN';
        return;
      case 'RaceSuspended':
        race.status = 'SUSPENDED';
        return;
      case 'BettingClosed':
      case 'RaceVoided': {
        const isStop = race.stopAt === undefined;
        must(
          fact['stopAt'] === (race.stopAt ?? d.at),
          'G2',
          () => `market #${d.seq}: the stop is not the append time of the command (${String(body?.['type'])})`,
        );
        if (isStop)
          must(
            fact['closeNo'] === race.closeNo + 1,
            'G7',
            () => `market #${d.seq} numbers its close ${String(fact['closeNo'])}`,
          );
        Object.assign(race, { closeNo: fact['closeNo'], stopAt: fact['stopAt'] });
        race.status = fact['t'] === 'RaceVoided' ? 'VOID' : 'CLOSED';
        if (race.status === 'VOID') for (const pool of this.#ownPools(race)) this.#reserves(pool, -1);
        this.#endSales(String(fact['race']), fact['t'] === 'RaceVoided');
        this.#forget(race);
        return;
      }
      case 'LateOffDeclared':
        must(fact['offAt'] === body?.['offAt'], 'G5', () => `market #${d.seq} declares another off than was said`);
        race.offAt = Number(fact['offAt']);
        this.#forget(race);
        return;
      case 'RunnerScratched':
        must(
          fact['runner'] === body?.['runner'],
          'G5',
          () => `market #${d.seq} scratches another runner than was said`,
        );
        race.scratched.push(String(fact['runner']));
        this.#forget(race);
        return;
      case 'FavouritesSet':
        race.backed = this.#favourites(d, race, fact);
        return;
      case 'WillPaysAsked':
        this.#asked(d, fact);
        return;
      case 'ResultEntered':
        must(
          fact['version'] === race.version + 1,
          'G5',
          () => `market #${d.seq} numbers its result ${String(fact['version'])}`,
        );
        this.#sameOrder(d, race, fact, body);
        this.#forget(race);
        this.#resulted(d, race, fact);
        return;
      case 'RaceReopened':
        must(
          race.official > 0 && ['PAYING', 'SETTLED', 'VOID'].includes(race.status),
          'G5',
          () => `market #${d.seq} reopens a race that is ${race.status}`,
        );
        Object.assign(race, { status: 'REOPENED', corrects: race.official, endedAt: undefined });
        this.#forget(race);
        return;
      case 'CorrectionPriced':
        race.priced = JSON.stringify(fact['pools']);
        for (const id of race.called)
          Object.assign(this.pools.get(id) as MarketPool, { weighing: this.facts.length - 1, weighed: new Set() });
        return;
      case 'CorrectionsClosed':
        must(this.#isOverdue(d, race), 'G5', () => `market #${d.seq} ends the time for corrections too early`);
        race.isFinal = true;
        return;
      case 'DividendsDeclared':
        for (const declared of fact['pools'] as readonly Fields[]) this.#declared(d, race, declared, fact['version']);
        this.#guaranteed(d, race, fact['pools'] as readonly Fields[]);
        must(
          String((fact['pools'] as readonly Fields[]).map(({ pool }) => pool)) === String(this.#settledWith(race)),
          'G6',
          () => `market #${d.seq} declares other pools than the result is for`,
        );
        must(
          race.corrects === 0 || race.called.length === 0 || race.priced === JSON.stringify(fact['pools']),
          'G6',
          () => `market #${d.seq} declares another correction than was weighed`,
        );
        if (race.status !== 'VOID') Object.assign(race, { status: 'PAYING', official: fact['version'] });
        return;
      default:
    }
  }

  /** The order that was entered; none where a race is void, or is made so after it was official; called for once more, the one that it has. */
  #sameOrder(d: Decision, race: MarketRace, fact: Fields, body: Fields | undefined): void {
    const asked = body?.['race'] === fact['race'] ? body?.['type'] : undefined;
    const { finish, disqualified, isVoided } = race;
    const due =
      asked === 'EnterResult'
        ? [body?.['finish'], body?.['disqualified'], false]
        : asked === 'VoidRace' && race.official > 0
          ? [[], [], true]
          : race.status === 'VOID'
            ? [[], [], isVoided]
            : [finish, disqualified, isVoided];
    must(
      JSON.stringify([fact['finish'], fact['disqualified'], fact['voided'] === true]) === JSON.stringify(due),
      'G5',
      () => `market #${d.seq} enters ${JSON.stringify(fact['finish'])}, the order is ${JSON.stringify(due)}`,
    );
  }

  /** For every pool; of a race that was official, for those that may be corrected by their rules. */
  #resulted(d: Decision, race: MarketRace, fact: Fields): void {
    const called = (fact['pools'] as readonly Fields[]).map(({ pool }) => String(pool));
    const isSingle = (id: string): boolean => this.pools.get(id)?.legs === undefined;
    const mayBe = (id: string): boolean =>
      race.official === 0 ? race.status !== 'VOID' : this.pools.get(id)?.rules.corrections !== 'NONE';
    must(
      String(called.filter(isSingle)) === String(race.pools.filter(isSingle).filter(mayBe)),
      'G5',
      () => `market #${d.seq} calls ${called.join(', ')} for its result`,
    );
    const isVoided = fact['voided'] === true;
    must(!isVoided || race.official > 0, 'G5', () => `market #${d.seq} voids by a correction what was never official`);
    const { version, finish, disqualified } = fact;
    Object.assign(race, { version, finish, disqualified, called, isVoided });
    const paid = called.find((id) => (this.pools.get(id) as MarketPool).paying > 0);
    if (race.status !== 'VOID') race.status = 'PROVISIONAL';
    else if (paid !== undefined) Object.assign(race, { corrects: this.pools.get(paid)?.paying, endedAt: undefined });
    for (const { pool: id, legs } of fact['pools'] as readonly Fields[]) {
      const pool = this.pools.get(String(id)) as MarketPool;
      if (!pool.legs) continue;
      must(
        pool.legs.every((leg) => this.races.get(leg) === race || this.#isOver(leg)),
        'G5',
        () =>
          `market #${d.seq} calls ${String(id)}, whose legs are ${pool.legs?.map((leg) => this.races.get(leg)?.status).join(', ')}`,
      );
      pool.outcomes = this.#outcomesOf(pool);
      this.#sameLegs(d, String(id), legs, pool.outcomes);
    }
  }

  // ── Pools over several races ───────────────────────────────────────────────────────────────────────────────────

  #isOver(leg: string): boolean {
    return ['VOID', 'PAYING', 'SETTLED'].includes(this.races.get(leg)?.status ?? '');
  }

  /** With the first close of a leg nobody bets on any; of a leg that is void, only where it sold the pool. */
  #endSales(raceId: string, isVoid: boolean): void {
    for (const pool of this.pools.values()) {
      if (!pool.legs?.includes(raceId) || pool.outAtClose || (isVoid && pool.soldBy !== raceId)) continue;
      pool.soldBy = raceId;
      pool.outAtClose = pool.legs.map((leg) => this.races.get(leg)?.scratched.length ?? 0);
    }
  }

  /** Most money in the win pool at its close: the sum of what every shard said of that close. */
  #favourites(d: Decision, race: MarketRace, { stakes }: Fields): ReadonlyMap<string, number> {
    const win = race.pools.map((id) => this.pools.get(id) as MarketPool).find(({ type }) => type === 'WIN');
    const sums = new Map<string, number>();
    for (const { shard } of this.shards()) {
      const said = win?.backing.get(shard);
      must(
        said?.['closeNo'] === race.closeNo,
        'G6',
        () => `market #${d.seq} names favourites before shard ${shard} did`,
      );
      for (const { c, stake } of said['stakes'] as readonly { c: string; stake: number }[])
        sums.set(c, (sums.get(c) ?? 0) + stake);
    }
    for (const { c, stake } of stakes as readonly { c: string; stake: number }[])
      must(
        sums.get(c) === stake,
        'G6',
        () => `market #${d.seq}: ${stake} stands on ${c}, the shards say ${sums.get(c)}`,
      );
    return sums;
  }

  /** Once every leg but the last is over, and never after that. */
  #asked(d: Decision, fact: Fields): void {
    const pool = this.pools.get(String(fact['pool'])) as MarketPool;
    const before = pool.legs?.slice(0, -1) ?? [];
    const isTime =
      before.every((leg) => this.#isOver(leg)) && !this.#isOver(pool.race) && pool.outAtClose !== undefined;
    must(isTime, 'G5', () => `market #${d.seq} asks what ${String(fact['pool'])} will pay at the wrong time`);
    must(fact['no'] === ++pool.asked, 'G5', () => `market #${d.seq} numbers its question ${String(fact['no'])}`);
    this.#sameLegs(d, String(fact['pool']), fact['legs'], this.#outcomesOf(pool).slice(0, -1));
  }

  /** What the market says of the legs, as far as it decides a price. */
  #sameLegs(d: Decision, id: string, said: unknown, legs: readonly AuditLeg[]): void {
    const text = ({ declared, scratched, scratchedAfterClose, finish, favourite }: AuditLeg): string =>
      JSON.stringify([
        declared,
        scratched,
        scratchedAfterClose ?? [],
        finish,
        finish === null ? null : (favourite ?? null),
      ]);
    for (const [i, leg] of legs.entries()) {
      const other = (said as readonly AuditLeg[])[i] as AuditLeg;
      must(
        text(other) === text(leg),
        'G5',
        () => `market #${d.seq}: leg ${i + 1} of ${id} is ${text(leg)}, not ${text(other)}`,
      );
    }
  }

  #outcomesOf({ legs = [], outAtClose, rules }: MarketPool): readonly AuditLeg[] {
    return legs.map((id, leg) => {
      const race = this.races.get(id) as MarketRace;
      const { runners: declared, scratched, backed } = race;
      const isRun = race.status !== 'VOID' && !race.isVoided;
      const out = outAtClose?.[leg] ?? scratched.length;
      const isStoodIn = (rules.legs?.scratch ?? 'FAVOURITE') === 'FAVOURITE' && scratched.length > 0;
      const left = declared.filter((runner) => !scratched.includes(runner));
      const most = Math.max(...left.map((runner) => backed?.get(runner) ?? 0));
      return {
        ...{ declared, entries: [], scratched: scratched.slice(0, out), scratchedAfterClose: scratched.slice(out) },
        finish: isRun ? race.finish : null,
        favourite: isStoodIn ? (left.find((runner) => (backed?.get(runner) ?? 0) === most) ?? null) : null,
      };
    });
  }

  /** Whatever decides the price has changed: nothing said before it counts. */
  #forget(race: MarketRace): void {
    Object.assign(race, { previewHash: undefined, priced: '', called: [] });
    if (race.status === 'PROVISIONAL') race.status = race.corrects > 0 ? 'REOPENED' : 'CLOSED';
    for (const id of race.pools) {
      const pool = this.pools.get(id) as MarketPool;
      pool.counted = new Set();
      pool.proposals = new Map();
      pool.weighed = new Set();
      pool.weighing = 0;
    }
  }

  /** A day after its end a race leaves the market's memory, together with all that it shares a pool with. */
  #retire(d: Decision): void {
    const isOver = (id: string): boolean => d.at - (this.races.get(id)?.endedAt ?? Number.POSITIVE_INFINITY) >= DAY;
    const kept = new Set([...this.races.keys()].filter((id) => !isOver(id)));
    const legs = [...this.pools.values()].map((pool) => pool.legs ?? []);
    for (let size = -1; size !== kept.size; ) {
      size = kept.size;
      for (const shared of legs) if (shared.some((leg) => kept.has(leg))) for (const leg of shared) kept.add(leg);
    }
    for (const [id, { pools }] of this.races) {
      if (kept.has(id)) continue;
      for (const pool of pools) this.pools.delete(pool);
      this.races.delete(id);
    }
  }

  #publish(d: Decision, meeting: Fields): void {
    for (const name of namesOn(meeting)) this.#named.add(name);
    for (const card of meeting['races'] as readonly Fields[]) {
      const pools = card['pools'] as readonly ({
        poolId: string;
        type: string;
        ruleSet: MarketPool['rules'];
        carryInMinor: number;
        carryFrom?: readonly string[];
        jackpotFrom?: readonly string[];
        legs?: readonly string[];
      } & Terms)[];
      this.races.set(String(card['raceId']), {
        status: 'DRAFT',
        runners: (card['runners'] as readonly { number: string }[]).map(({ number }) => number),
        pools: pools.map(({ poolId }) => poolId),
        ...{ scratched: [], closeNo: 0, stopAt: undefined, offAt: undefined, version: 0, finish: [] },
        ...{ disqualified: [], enteredBy: '' },
        ...{ previewHash: undefined, endedAt: undefined, official: 0, corrects: 0, isVoided: false, isFinal: false },
        ...{ called: [], priced: '', backed: undefined, guaranteed: 0 },
      });
      for (const { poolId, type, ruleSet, carryInMinor, carryFrom = [], jackpotFrom = [], legs, ...terms } of pools) {
        for (const [from, amount] of [
          [carryFrom, carryInMinor],
          [jackpotFrom, terms.jackpotInMinor ?? 0],
        ] as const) {
          const free = (id: string): number => this.#carriedBy(id).balance - this.#carriedBy(id).reserved;
          const there = from.reduce((sum, id) => sum + free(id), 0);
          must(
            from.length === 0 || amount <= there,
            'G3',
            () => `market #${d.seq}: ${poolId} takes ${amount} of ${there} that was carried on`,
          );
        }
        const pool: MarketPool = {
          ...{
            type,
            rules: ruleSet,
            carryIn: carryInMinor,
            race: String(card['raceId']),
            legs,
            seals: new Map(),
            backing: new Map(),
            refunded: 0,
          },
          ...{ soldBy: legs?.[0] ?? '', outAtClose: undefined, outcomes: [], asked: 0, carryFrom },
          ...{ terms, jackpotFrom, jackpotOut: 0, added: 0 },
          ...{ counted: new Set(), proposals: new Map(), paid: new Set(), paying: 0, side: 0 },
          ...{ weighed: new Set(), weighing: 0 },
        };
        this.pools.set(poolId, pool);
        this.#reserves(pool, 1);
      }
    }
  }

  #report(d: Decision, e: Fields): void {
    const shard = Number(e['shard']);
    const n = Number(e['n']);
    const report = e['report'] as Fields;
    must(
      n === (this.#reportNo[shard] as number) + 1,
      'G4',
      () => `market #${d.seq} takes report ${n} of shard ${shard} out of turn`,
    );
    const told = this.shards()[shard]?.reports[n - 1];
    must(
      JSON.stringify(told) === JSON.stringify(report),
      'G4',
      () => `market #${d.seq}: report ${n} is not what shard ${shard} decided`,
    );
    this.#reportNo[shard] = n;
    const pool = this.pools.get(String(report['pool'])) as MarketPool;
    if (report['t'] === 'Seal') pool.seals.set(shard, report);
    if (report['t'] === 'Refund') pool.refunded += Number(report['amount']);
    if (report['t'] === 'Backing') pool.backing.set(shard, report);
    if (report['t'] === 'Stakes' && report['version'] === this.races.get(pool.race)?.version) pool.counted.add(shard);
    if (report['t'] === 'Paid' && report['version'] === pool.paying) pool.paid.add(shard);
    if (report['t'] === 'Weighed' && report['ask'] === pool.weighing) pool.weighed.add(shard);
  }

  // ── Money ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Totals known twice, three calculators, and this one. */
  #declared(d: Decision, race: MarketRace, { pool: id, outcome, prices }: Fields, version: unknown): void {
    const name = `market #${d.seq}, ${String(id)}`;
    const pool = this.pools.get(String(id)) as MarketPool;
    const shards = this.shards();
    must(pool.counted.size === shards.length, 'G6', () => `${name}: declared before every shard counted`);
    const sealed = shards.reduce((sum, { shard }) => sum + Number(pool.seals.get(shard)?.['stake']), 0) - pool.refunded;
    const books = shards.map((shard) => shard.pools.get(String(id)) as Pool);
    const bets = books.flatMap((book) => book.bets);
    const stands = bets.reduce((sum, bet) => sum + bet.left, 0);
    must(sealed === stands, 'G6', () => `${name}: the seals less refunds say ${sealed}, the bets ${stands}`);
    const owed = shards.map((shard) => shard.owed(String(id))).find((one) => one !== undefined);
    must(owed === undefined, 'G3', () => `${name}: ${owed} stands though its stake is to be given back`);
    const given = bets.reduce((sum, bet) => sum + bet.given, 0);
    const said = ['ENGINE', 'AUDIT', 'PROJECTOR'].map((source) => pool.proposals.get(source));
    for (const p of said) {
      const isSettled = (p?.['settledMinor'] ?? 0) === (race.corrects > 0 ? given : 0);
      const isRight = p?.['version'] === race.version && p['grossMinor'] === stands && isSettled;
      must(
        isRight,
        'G6',
        () => `${name}: declared on ${said.filter((one) => one).length} proposals, not all on ${stands}`,
      );
    }
    const isFirst = pool.paying === 0;
    Object.assign(pool, { paying: version, paid: new Set() });
    const { jackpotInMinor = 0, guaranteeMinor = 0 } = pool.terms;
    if (isFirst) this.#reserves(pool, -1);
    for (const source of pool.carryFrom) if (isFirst) this.#carriedBy(source).taken += pool.carryIn;
    for (const source of pool.jackpotFrom) if (isFirst) this.#carriedBy(source).taken += jackpotInMinor;
    // What is missing of the gross pool that was promised is added for winners alone.
    const isWon = outcome === 'PAID' && (prices as readonly { tier: string }[]).some((p) => p.tier !== 'CONSOLATION');
    const missing = guaranteeMinor - stands - (pool.rules.carry === 'GROSS' ? pool.carryIn : 0);
    pool.added = isWon && missing > 0 ? missing : 0;
    const posted = d.posts.reduce((sum, [account, amount]) => sum + (account === `pool:${String(id)}` ? amount : 0), 0);
    if (race.isVoided && !pool.legs) {
      must(outcome === 'REFUND', 'G3', () => `${name}: the race is void and the pool is ${String(outcome)}`);
      must(pool.side + posted === 0, 'G3', () => `${name}: the house keeps ${-pool.side - posted} of a void race`);
      this.#carriesOn(String(id), pool, pool.carryIn, jackpotInMinor);
      return;
    }
    const standing = books.flatMap((book) =>
      book.bets
        .filter((bet) => bet.left > 0)
        .flatMap((bet) =>
          standingOf(book, bet).map((line) => ({ line, reserves: bet.reserves, stakeMinor: BigInt(bet.unit) })),
        ),
    );
    const own = { poolType: pool.type as AuditedPoolType, ruleSet: pool.rules, carryInMinor: pool.carryIn };
    const card = { ...own, ...pool.terms };
    const field = { declared: race.runners, scratched: race.scratched, entries: [] };
    const asBet = ({ line, reserves, stakeMinor }: (typeof standing)[number]) => ({
      ...{ columns: line.map((runner) => [runner]), unitMinor: stakeMinor },
      reserves: line.map((_, leg) => reserves[leg] ?? null),
    });
    const forced = force(() =>
      pool.legs
        ? priceLegPool({ ...card, legs: pool.outcomes }, standing.map(asBet))
        : priceLines({ ...card, field, finish: race.finish }, standing),
    );
    if (forced === undefined) return;
    const text = (list: readonly { c: string; price: string }[]): string =>
      list
        // How many legs must be right, who did not run, and which orders are paid better is not said to people.
        .map(({ c, price }) => `${c.replace(/^\d+@/, '').replace(/[~!][^/]*/g, '')} ${price}`)
        .sort()
        .join(', ');
    const isSame =
      forced.outcome === outcome && text(forced.dividends) === text(prices as { c: string; price: string }[]);
    must(
      isSame,
      'G6',
      () =>
        `${name}: declared ${String(outcome)} ${text(prices as never)}, by force ${forced.outcome} ${text(forced.dividends)}`,
    );
    const f = forced;
    const left =
      f.grossMinor +
      f.carryInMinor +
      f.jackpotInMinor +
      f.topUpMinor -
      f.takeoutMinor -
      f.paidMinor -
      f.refundedMinor -
      f.breakageMinor -
      f.carryOutMinor -
      f.jackpotMinor;
    must(left === 0, 'G3', () => `${name}: ${left} is unaccounted for`);
    this.#carriesOn(String(id), pool, f.carryOutMinor, f.jackpotMinor);
    const into = f.carryInMinor + f.jackpotInMinor + f.topUpMinor;
    const side = into - f.takeoutMinor - f.breakageMinor - f.carryOutMinor - f.jackpotMinor;
    const now = pool.side + posted;
    must(now === side, 'G3', () => `${name}: ${now} is posted to the pool, the sheet says ${side}`);
  }

  /** From its card on to its first dividend, or to the void of its race, what a pool is to have is nobody else's. */
  #reserves({ carryFrom, carryIn, jackpotFrom, terms }: MarketPool, times: 1 | -1): void {
    for (const id of carryFrom) this.#carriedBy(id).reserved += times * carryIn;
    for (const id of jackpotFrom) this.#carriedBy(id).reserved += times * (terms.jackpotInMinor ?? 0);
  }

  /** What nobody won waits under the pool's name; its jackpot under that of its rules, for every pool by these. */
  #carriesOn(id: string, pool: MarketPool, carryOut: number, jackpot: number): void {
    this.#carriedBy(id).out = carryOut;
    this.#carriedBy(`fund:${pool.rules.name}-${pool.type}`).out += jackpot - pool.jackpotOut;
    pool.jackpotOut = jackpot;
  }

  /** What the operator adds to reach what was promised stands on an account of its own. */
  #guaranteed(d: Decision, race: MarketRace, declared: readonly Fields[]): void {
    const before = race.guaranteed;
    const due = race.pools.reduce((sum, id) => sum + (this.pools.get(id) as MarketPool).added, 0);
    race.guaranteed = due;
    const posted = d.posts.reduce((sum, [account, amount]) => sum + (account === 'house:guarantee' ? amount : 0), 0);
    must(
      posted === before - due,
      'G3',
      () =>
        `market #${d.seq} puts ${-posted} up for the guarantees of ${declared.length} pools, ${due - before} is due`,
    );
  }

  /** A settled race owes nobody anything, and its pools' accounts are empty. */
  #settle(d: Decision): void {
    for (const e of d.events) {
      if (e['t'] !== 'RaceSettled') continue;
      const race = this.races.get(String(e['race'])) as MarketRace;
      for (const id of race.pools) {
        const pool = this.pools.get(id) as MarketPool;
        must(
          pool.paid.size === this.shards().length,
          'G3',
          () => `market #${d.seq} settles ${id} before every shard paid`,
        );
        const own = d.posts.reduce((sum, [account, amount]) => sum + (account === `pool:${id}` ? amount : 0), 0);
        const left = (this.clearing.get(id) ?? 0) + own;
        must(left === 0, 'G3', () => `market #${d.seq} settles ${id} with ${left} on its account`);
      }
    }
  }
}

/** Whether an order can be read at all: nothing that it needs is missing or empty. */
function isReadable(type: string, body: Fields): boolean {
  const isText = (name: string): boolean => typeof body[name] === 'string' && body[name] !== '';
  switch (type) {
    case 'EnterResult': {
      const finish = body['finish'] as readonly (readonly string[])[];
      return finish.length > 0 && finish.every(({ length }) => length > 0);
    }
    case 'ScratchRunner':
      return isText('runner') && isText('reason');
    case 'DeclareLateOff':
      return Number(body['offAt']) >= 0 && isText('reason');
    case 'ConfirmSettlement':
      return isText('previewHash');
    case 'PublishMeeting':
    case 'ConfirmRecordFormat':
      return true;
    default:
      return isText('reason');
  }
}

/** Of the meeting, its races and their pools; a meeting, a race and a pool may share one. */
const namesOn = (meeting: Fields): readonly string[] => [
  `meeting ${String(meeting['meetingId'])}`,
  ...(meeting['races'] as readonly Fields[]).flatMap(({ raceId, pools }) => [
    `race ${String(raceId)}`,
    ...(pools as readonly Fields[]).map(({ poolId }) => `pool ${String(poolId)}`),
  ]),
];

/** What the second calculator refuses to price is left to the others. */
function force<T>(price: () => T): T | undefined {
  try {
    return price();
  } catch (fault) {
    if (fault instanceof AuditRefused) return undefined;
    throw fault;
  }
}
