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
  status: 'DRAFT' | 'OPEN' | 'SUSPENDED' | 'CLOSED' | 'PROVISIONAL' | 'PAYING' | 'SETTLED' | 'VOID';
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
}

interface MarketPool {
  readonly type: string;
  readonly rules: AuditRules;
  readonly carryIn: number;
  readonly race: string;
  readonly seals: Map<number, Fields>;
  refunded: number;
  counted: Set<number>;
  proposals: Map<string, Fields>;
  readonly paid: Set<number>;
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
};
/** Whatever is decided: judged elsewhere. */
const ANY = '*';
const DAY = 86_400_000;
const SIX_HOURS = 6 * 3_600_000;

export class MarketBooks {
  readonly name = 'market';
  readonly races = new Map<string, MarketRace>();
  readonly pools = new Map<string, MarketPool>();
  /** By number, from 1, as text. */
  readonly facts: string[] = [''];
  /** Over all logs. */
  readonly clearing = new Map<string, number>();
  settled = 0;
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
    this.#settle(d);
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
      const isWanted = race?.status === 'PROVISIONAL' && race.version === proposal['version'];
      return isWanted ? undefined : 'PROPOSAL_OUTDATED';
    }
    const { roles } = body['by'] as { roles: readonly string[] };
    if (!roles.some((role) => MAY[type]?.includes(role))) return 'NOT_AUTHORIZED';
    return type === 'PublishMeeting' ? ANY : this.#act(d, type, body);
  }

  #act(d: Decision, type: string, body: Fields): string | undefined {
    const race = this.races.get(String(body['race']));
    if (!race) return 'RACE_UNKNOWN';
    const { status } = race;
    const isSelling = status === 'OPEN' || status === 'SUSPENDED';
    const isOver = status === 'PAYING' || status === 'SETTLED' || status === 'VOID';
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
        if (!isSelling && status !== 'CLOSED' && status !== 'PROVISIONAL') return 'RACE_STATUS';
        const isSound = offAt <= d.at && d.at - offAt <= SIX_HOURS && offAt <= (race.offAt ?? Number.POSITIVE_INFINITY);
        return isSound ? undefined : 'OFF_INVALID';
      }
      case 'ScratchRunner':
        if (isOver) return 'RACE_STATUS';
        return race.scratched.includes(String(body['runner'])) ? 'ALREADY_SCRATCHED' : undefined;
      case 'EnterResult': {
        if (isOver || status === 'DRAFT') return 'RACE_STATUS';
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
        return isIn(!isOver);
    }
  }

  // ── What follows from it ───────────────────────────────────────────────────────────────────────────────────────

  #event(d: Decision, e: Fields, command: Command): void {
    switch (e['t']) {
      case 'Acted': {
        const race = this.races.get(String(e['race']));
        if (race && e['action'] === 'EnterResult') race.enteredBy = (e['by'] as { user: string }).user;
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
        if (race.status === 'PAYING') race.status = 'SETTLED';
        race.endedAt = d.at;
        this.settled++;
        return;
      }
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
        Object.assign(race, { version: fact['version'], finish: fact['finish'], status: 'PROVISIONAL' });
        return;
      case 'DividendsDeclared':
        for (const declared of fact['pools'] as readonly Fields[]) this.#declared(d, race, declared);
        race.status = 'PAYING';
        return;
      default:
    }
  }

  /** Whatever decides the price has changed: nothing said before it counts. */
  #forget(race: MarketRace): void {
    race.previewHash = undefined;
    if (race.status === 'PROVISIONAL') race.status = 'CLOSED';
    for (const id of race.pools) {
      const pool = this.pools.get(id) as MarketPool;
      pool.counted = new Set();
      pool.proposals = new Map();
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
        ruleSet: AuditRules;
        carryInMinor: number;
      }[];
      this.races.set(String(card['raceId']), {
        status: 'DRAFT',
        runners: (card['runners'] as readonly { number: string }[]).map(({ number }) => number),
        pools: pools.map(({ poolId }) => poolId),
        ...{ scratched: [], closeNo: 0, stopAt: undefined, offAt: undefined, version: 0, finish: [], enteredBy: '' },
        ...{ previewHash: undefined, endedAt: undefined },
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
          ...{ counted: new Set(), proposals: new Map(), paid: new Set() },
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
    if (report['t'] === 'Paid') pool.paid.add(shard);
  }

  // ── Money ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Totals known twice, three calculators, and this one. */
  #declared(d: Decision, race: MarketRace, { pool: id, outcome, prices }: Fields): void {
    const name = `market #${d.seq}, ${String(id)}`;
    const pool = this.pools.get(String(id)) as MarketPool;
    const shards = this.shards();
    must(pool.counted.size === shards.length, 'G6', () => `${name}: declared before every shard counted`);
    const sealed = shards.reduce((sum, { shard }) => sum + Number(pool.seals.get(shard)?.['stake']), 0) - pool.refunded;
    const bets = shards.flatMap((shard) => shard.pools.get(String(id))?.bets ?? []);
    const stands = bets.reduce((sum, bet) => sum + bet.left, 0);
    must(sealed === stands, 'G6', () => `${name}: the seals less refunds say ${sealed}, the bets ${stands}`);
    const said = ['ENGINE', 'AUDIT', 'PROJECTOR'].map((source) => pool.proposals.get(source));
    for (const p of said) {
      const isRight = p?.['version'] === race.version && p['grossMinor'] === stands;
      must(
        isRight,
        'G6',
        () => `${name}: declared on ${said.filter((one) => one).length} proposals, not all on ${stands}`,
      );
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
    const posted = d.posts.reduce((sum, [account, amount]) => sum + (account === `pool:${String(id)}` ? amount : 0), 0);
    must(posted === side, 'G3', () => `${name}: ${posted} is posted to the pool, the sheet says ${side}`);
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
