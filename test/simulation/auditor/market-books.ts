/**
 * The market as the rules say it must be: races from card to cash, who acted, what the shards reported and the calculators proposed.
 * What is declared is priced once more here, by force, from the bets themselves.
 */
import { type AuditedPoolType, AuditRefused, type AuditRules, priceLines } from '#mutuel/audit';
import type { Phase } from '../strikes.js';
import type { Decision, Fields } from './chain.js';
import { sha256 } from './chain.js';
import type { Command } from './commands.js';
import { must } from './finding.js';
import type { ShardBooks } from './shard-books.js';

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
}

interface MarketPool {
  readonly type: string;
  readonly rules: AuditRules & { readonly corrections?: string };
  readonly carryIn: number;
  readonly race: string;
  readonly seals: Map<number, Fields>;
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
  #proposed: { readonly format: number; readonly by: string } | undefined;
  #checkedDay = '';
  readonly #reportNo: number[];

  constructor(
    private readonly shards: () => readonly ShardBooks[],
    count: number,
  ) {
    this.#reportNo = Array.from({ length: count }, () => 0);
  }

  phases(): ReadonlySet<Phase> {
    const found = new Set<Phase>();
    for (const { status, pools } of this.races.values()) {
      const isSealing =
        status === 'CLOSED' && pools.some((id) => (this.pools.get(id)?.seals.size ?? 0) < this.#reportNo.length);
      found.add(isSealing ? 'SEALING' : status);
    }
    return found;
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
    }
  }

  /** With each lease, what can no longer be corrected is let go. */
  #closesCorrections(d: Decision): void {
    for (const [id, { official, isFinal, endedAt }] of this.races)
      must(
        official === 0 || isFinal || endedAt === undefined || d.at - endedAt < SIX_HOURS,
        'G5',
        () => `market #${d.seq} leaves ${id} open for corrections`,
      );
  }

  // ── What may be decided ────────────────────────────────────────────────────────────────────────────────────────

  #judge(d: Decision, command: Command): void {
    const wanted = this.#verdict(d, command);
    must(wanted === d.code || wanted === ANY, 'G2', () => {
      const asked = JSON.stringify(command.body ?? null).slice(0, 300);
      return `market #${d.seq} is decided ${d.code ?? 'accepted'}, the rules say ${wanted ?? 'accepted'}: ${asked}`;
    });
  }

  #verdict(d: Decision, { body, isSigned }: Command): string | undefined {
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
      const isWanted = race?.status === 'PROVISIONAL' && race.version === proposal['version'] && isCalled;
      return isWanted ? undefined : 'PROPOSAL_OUTDATED';
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
    return type === 'PublishMeeting' ? ANY : this.#act(d, type, body);
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
        const isOnItsWay = ({ rules, paid }: MarketPool): boolean =>
          rules.corrections === 'NONE' && paid.size < this.#reportNo.length;
        const waits = race.official > 0 && race.pools.some((id) => isOnItsWay(this.pools.get(id) as MarketPool));
        return this.#correction(d, race, body) ?? (isOut ? 'ALREADY_SCRATCHED' : waits ? 'RACE_STATUS' : undefined);
      }
      case 'EnterResult': {
        if (status === 'DRAFT' || (status === 'VOID' && race.official === 0)) return 'RACE_STATUS';
        const closed = this.#correction(d, race, body);
        if (closed !== undefined) return closed;
        const named = (body['finish'] as readonly (readonly string[])[]).flat();
        const isSound = named.every(
          (one, i) => race.runners.includes(one) && !race.scratched.includes(one) && named.indexOf(one) === i,
        );
        return isSound ? undefined : 'FINISH_INVALID';
      }
      case 'ConfirmSettlement':
        if (status !== 'PROVISIONAL') return 'RACE_STATUS';
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
        const isOrder = e['action'] === 'EnterResult' || (e['action'] === 'VoidRace' && (race?.official ?? 0) > 0);
        if (race && isOrder) race.enteredBy = (e['by'] as { user: string }).user;
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
      for (const [id, { endedAt }] of this.races) if (endedAt !== undefined && d.at - endedAt >= DAY) this.#retire(id);
      this.#publish(fact['meeting'] as Fields);
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
        this.#forget(race);
        return;
      }
      case 'LateOffDeclared':
        race.offAt = Number(fact['offAt']);
        this.#forget(race);
        return;
      case 'RunnerScratched':
        race.scratched.push(String(fact['runner']));
        this.#forget(race);
        return;
      case 'ResultEntered':
        must(
          fact['version'] === race.version + 1,
          'G5',
          () => `market #${d.seq} numbers its result ${String(fact['version'])}`,
        );
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
        must(
          race.official > 0 && !race.isFinal && race.endedAt !== undefined && d.at - race.endedAt >= SIX_HOURS,
          'G5',
          () => `market #${d.seq} ends the time for corrections too early`,
        );
        race.isFinal = true;
        return;
      case 'DividendsDeclared':
        for (const declared of fact['pools'] as readonly Fields[]) this.#declared(d, race, declared, fact['version']);
        must(
          String((fact['pools'] as readonly Fields[]).map(({ pool }) => pool)) === String(race.called),
          'G6',
          () => `market #${d.seq} declares other pools than the result is for`,
        );
        must(
          race.corrects === 0 || race.called.length === 0 || race.priced === JSON.stringify(fact['pools']),
          'G6',
          () => `market #${d.seq} declares another correction than was weighed`,
        );
        Object.assign(race, { status: 'PAYING', official: fact['version'] });
        return;
      default:
    }
  }

  /** For every pool; of a race that was official, for those that may be corrected by their rules. */
  #resulted(d: Decision, race: MarketRace, fact: Fields): void {
    const called = (fact['pools'] as readonly Fields[]).map(({ pool }) => String(pool));
    const mayBe = (id: string): boolean =>
      race.official === 0 || (this.pools.get(id) as MarketPool).rules.corrections !== 'NONE';
    must(
      String(called) === String(race.pools.filter(mayBe)),
      'G5',
      () => `market #${d.seq} calls ${called.join(', ')} for its result`,
    );
    const isVoided = fact['voided'] === true;
    must(!isVoided || race.official > 0, 'G5', () => `market #${d.seq} voids by a correction what was never official`);
    Object.assign(race, { version: fact['version'], finish: fact['finish'], status: 'PROVISIONAL', called, isVoided });
  }

  /** Whatever decides the price has changed: nothing said before it counts. */
  #forget(race: MarketRace): void {
    race.previewHash = undefined;
    race.priced = '';
    if (race.status === 'PROVISIONAL') race.status = race.corrects > 0 ? 'REOPENED' : 'CLOSED';
    for (const id of race.pools) {
      const pool = this.pools.get(id) as MarketPool;
      pool.counted = new Set();
      pool.proposals = new Map();
      pool.weighed = new Set();
      pool.weighing = 0;
    }
  }

  /** A day after its end a race leaves the market's memory. */
  #retire(id: string): void {
    for (const pool of this.races.get(id)?.pools ?? []) this.pools.delete(pool);
    this.races.delete(id);
  }

  #publish(meeting: Fields): void {
    for (const card of meeting['races'] as readonly Fields[]) {
      const pools = card['pools'] as readonly {
        poolId: string;
        type: string;
        ruleSet: MarketPool['rules'];
        carryInMinor: number;
      }[];
      this.races.set(String(card['raceId']), {
        status: 'DRAFT',
        runners: (card['runners'] as readonly { number: string }[]).map(({ number }) => number),
        pools: pools.map(({ poolId }) => poolId),
        ...{ scratched: [], closeNo: 0, stopAt: undefined, offAt: undefined, version: 0, finish: [], enteredBy: '' },
        ...{ previewHash: undefined, endedAt: undefined, official: 0, corrects: 0, isVoided: false, isFinal: false },
        ...{ called: [], priced: '' },
      });
      for (const { poolId, type, ruleSet, carryInMinor } of pools)
        this.pools.set(poolId, {
          ...{
            type,
            rules: ruleSet,
            carryIn: carryInMinor,
            race: String(card['raceId']),
            seals: new Map(),
            refunded: 0,
          },
          ...{ counted: new Set(), proposals: new Map(), paid: new Set(), paying: 0, side: 0 },
          ...{ weighed: new Set(), weighing: 0 },
        });
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
    const bets = shards.flatMap((shard) => shard.pools.get(String(id))?.bets ?? []);
    const stands = bets.reduce((sum, bet) => sum + bet.left, 0);
    must(sealed === stands, 'G6', () => `${name}: the seals less refunds say ${sealed}, the bets ${stands}`);
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
    Object.assign(pool, { paying: version, paid: new Set() });
    const posted = d.posts.reduce((sum, [account, amount]) => sum + (account === `pool:${String(id)}` ? amount : 0), 0);
    if (race.isVoided) {
      must(outcome === 'REFUND', 'G3', () => `${name}: the race is void and the pool is ${String(outcome)}`);
      must(pool.side + posted === 0, 'G3', () => `${name}: the house keeps ${-pool.side - posted} of a void race`);
      return;
    }
    const lines = bets
      .filter((bet) => bet.left > 0)
      .flatMap((bet) => bet.lines.map((line) => ({ line, stakeMinor: BigInt(bet.unit) })))
      .filter(({ line }) => !line.some((runner) => race.scratched.includes(runner)));
    const field = { declared: race.runners, scratched: race.scratched, entries: [] };
    const forced = force(() =>
      priceLines(
        {
          poolType: pool.type as AuditedPoolType,
          ruleSet: pool.rules,
          field,
          finish: race.finish,
          carryInMinor: pool.carryIn,
        },
        lines,
      ),
    );
    if (forced === undefined) return;
    const text = (list: readonly { c: string; price: string }[]): string =>
      list
        .map(({ c, price }) => `${c} ${price}`)
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
      f.topUpMinor -
      f.takeoutMinor -
      f.paidMinor -
      f.refundedMinor -
      f.breakageMinor -
      f.carryOutMinor;
    must(left === 0, 'G3', () => `${name}: ${left} is unaccounted for`);
    const side = f.carryInMinor + f.topUpMinor - f.takeoutMinor - f.breakageMinor - f.carryOutMinor;
    const now = pool.side + posted;
    must(now === side, 'G3', () => `${name}: ${now} is posted to the pool, the sheet says ${side}`);
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

/** What the second calculator refuses to price is left to the others. */
function force<T>(price: () => T): T | undefined {
  try {
    return price();
  } catch (fault) {
    if (fault instanceof AuditRefused) return undefined;
    throw fault;
  }
}
