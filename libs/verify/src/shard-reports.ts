/**
 * What shards report to the market, against what their own decisions did: seals, refund statements, counts before a payment, what was
 * paid; and that the market heard exactly these. Every total of a settlement is one of them or a sum of them. It must never take a
 * figure of a report on trust.
 */
import { createHash } from 'node:crypto';
import type { Backed } from '#mutuel/audit';
import { RunningRoot } from './inclusion.js';

type Find = (what: string) => void;
export type Report = { readonly t: string; readonly pool: string } & Readonly<Record<string, unknown>>;

export interface SealReport {
  readonly pool: string;
  readonly closeNo: number;
  readonly lastSeq: number;
  readonly markerAt: number;
  readonly bets: number;
  readonly stake: number;
  readonly leaves: number;
  readonly root: string;
}

/** One bet's movement of money: its number in the pool's book of the shard, and the account's balance after it. */
export interface Movement {
  readonly i: number;
  readonly pool: string;
  readonly amount: number;
  readonly ticket: string;
  readonly no: number;
  readonly account: string;
  readonly balance: number;
  /** How much less the account owes for it; absent: nothing. */
  readonly net?: number;
  /** Of a correction: what the pool gave on the bet before, and gives now. */
  readonly was?: number;
  readonly due?: number;
}

interface Stake {
  readonly c: string;
  readonly stake: number;
}

/** What refund statements begin their chained hash with. */
const REFUNDS = createHash('sha256').update('refunds').digest('hex');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Whose a bet is: one for all bets of a ticket. */
export interface Owner {
  readonly ticket: string;
  readonly account: string;
}

/** A pool in one shard: its tree, and what stands in it by bet number. */
export class PoolPart {
  readonly tree = new RunningRoot();
  /** Standing stake and append time by bet, in the order of acceptance; whose it is, and its number in the ticket. */
  readonly left: number[] = [];
  readonly at: number[] = [];
  readonly owners: Owner[] = [];
  readonly nos: number[] = [];
  /** What settlement has given on bets in all; and what bettors hold beyond it, since the rules let them keep it. */
  readonly settled = new Map<number, number>();
  readonly kept = new Map<number, number>();
  settledTotal = 0;
  /** Standing bets and their stakes: a pool that is given back still stands. */
  bets = 0;
  stake = 0;
  /** What odds are computed from: nothing of a void race. */
  gross = 0;
  isSealed = false;
  /** Withdrawn before the seal, and those of them that came after the stop. */
  readonly withdrawn = { bets: 0, stake: 0 };
  readonly voided = { bets: 0, stake: 0 };

  take(bet: { readonly leaf: string; readonly stake: number; readonly no: number }, at: number, owner: Owner): void {
    const { leaf, stake, no } = bet;
    this.tree.add(leaf);
    this.left.push(stake);
    this.at.push(at);
    this.owners.push(owner);
    this.nos.push(no);
    this.bets += 1;
    this.stake += stake;
    this.gross += stake;
  }

  /** Out of the pool with all of its stake, or with the lines of a non-runner. False where there is not so much of it. */
  withdraw(i: number, amount: number, isVoided: boolean): boolean {
    const left = this.left[i];
    if (left === undefined || amount > left) return false;
    const gone = amount === left ? 1 : 0;
    this.left[i] = left - amount;
    this.bets -= gone;
    this.stake -= amount;
    this.gross -= amount;
    if (this.isSealed) return true;
    for (const sums of isVoided ? [this.withdrawn, this.voided] : [this.withdrawn]) {
      sums.bets += gone;
      sums.stake += amount;
    }
    return true;
  }

  settle(i: number, due: number): void {
    this.settledTotal += due - (this.settled.get(i) ?? 0);
    this.settled.set(i, due);
  }

  /** The time for corrections is over: nothing is asked of single bets any more. */
  letGo(): void {
    for (const column of [this.left, this.at, this.owners, this.nos]) column.length = 0;
    this.settled.clear();
    this.kept.clear();
  }

  get winners(): number {
    let winners = 0;
    for (const due of this.settled.values()) if (due > 0) winners += 1;
    return winners;
  }
}

/** One job of giving stakes back, over as many decisions as it took. */
interface Refunds {
  bets: number;
  amount: number;
  root: string;
}

export class ShardReports {
  readonly #jobs = new Map<string, Refunds>();
  readonly #numbers = new Map<number, number>();
  /** What the market heard and no shard has said yet, by shard and number. */
  readonly #heard = new Map<string, { readonly text: string; readonly at: string }>();

  constructor(
    private readonly unchecked: (what: string) => void,
    /** What stands on the runners of a win pool that this shard has just counted. */
    private readonly backed: (shard: number, pool: string) => Backed,
  ) {}

  /** The market took down this report; its log is read before those of the shards. */
  heard(shard: number, n: number, report: unknown, at: string): void {
    this.#heard.set(`${shard} ${n}`, { text: JSON.stringify(report), at });
  }

  /** A step of a job that gives stakes back; `gone`: bets of which nothing is left. */
  refunded(shard: number, job: number, root: string, items: readonly Movement[], gone: number, find: Find): void {
    const key = `${shard} ${job}`;
    const sums = this.#jobs.get(key) ?? { bets: 0, amount: 0, root: REFUNDS };
    this.#jobs.set(key, sums);
    sums.bets += gone;
    for (const { amount } of items) sums.amount += amount;
    if (root === '') return;
    for (const { ticket, no, amount } of items) sums.root = sha256(`${sums.root}|${ticket}|${no}|${amount}`);
    if (sums.root !== root) find(`the chained hash over the refunds of job ${job} is not that of its refunds`);
  }

  /** A report of a shard; `job` is the one that this decision ended. */
  said(shard: number, n: number, job: number | undefined, report: Report, part: PoolPart, find: Find): void {
    const before = this.#numbers.get(shard) ?? 0;
    if (n !== before + 1) find(`report ${before + 1} of shard ${shard} was to come, this is ${n}`);
    this.#numbers.set(shard, n);
    const heard = this.#heard.get(`${shard} ${n}`);
    this.#heard.delete(`${shard} ${n}`);
    if (heard && heard.text !== JSON.stringify(report))
      find(`the market heard another report ${n} of shard ${shard} than this one (${heard.at})`);
    const differ = (name: string, found: unknown): void => {
      if (report[name] !== found)
        find(`the ${NAMES[report.t]} of ${report.pool} says ${name} ${report[name]}, its bets make ${found}`);
    };
    if (report.t === 'Backing')
      this.#checkBacking(report, this.backed(shard, report.pool), `report ${n} of shard ${shard}`, find);
    else this.#check(report, part, differ, this.#jobs.get(`${shard} ${job}`));
    this.#jobs.delete(`${shard} ${job}`);
  }

  /** After the last record: what the market heard and nobody said. */
  finish(find: (at: string, what: string) => void): void {
    for (const [key, { at }] of this.#heard) {
      const [shard, n] = key.split(' ');
      find(at, `the market heard report ${n} of shard ${shard}, which that shard never made`);
    }
  }

  /** Whoever is out is nobody's favourite, and is counted or not as the count came before or after it was known. */
  #checkBacking({ pool, ...report }: Report, { stakes, out }: Backed, name: string, find: Find): void {
    const said = new Map((report['stakes'] as readonly Stake[]).map(({ c, stake }) => [c, stake]));
    for (const c of new Set([...stakes.keys(), ...said.keys()])) {
      const [told, found] = [said.get(c) ?? 'nothing', Number(stakes.get(c) ?? 0)];
      if ((told === 'nothing' ? 0 : told) !== found && !out.has(c))
        find(`${name} counts ${told} on ${c} for the favourite of ${pool}, its bets make ${found}`);
    }
  }

  #check(report: Report, part: PoolPart, differ: (name: string, found: unknown) => void, refunds?: Refunds): void {
    switch (report.t) {
      case 'Seal':
        differ('root', part.tree.root);
        differ('leaves', part.tree.count);
        differ('bets', part.bets);
        differ('stake', part.stake);
        differ('withdrawnBets', part.withdrawn.bets);
        differ('withdrawnStake', part.withdrawn.stake);
        differ('voidedBets', part.voided.bets);
        differ('voidedStake', part.voided.stake);
        part.isSealed = true;
        return;
      case 'Refund':
        differ('bets', refunds?.bets ?? 0);
        differ('amount', refunds?.amount ?? 0);
        differ('root', refunds?.root ?? REFUNDS);
        return;
      case 'Stakes':
        differ('stake', part.stake);
        if (report['settled'] !== undefined) differ('settled', part.settledTotal);
        return;
      case 'WillPay':
        differ('stake', part.stake);
        return;
      case 'Paid': {
        const isReturned = Number(report['refunded']) > 0;
        differ('paid', isReturned ? 0 : part.settledTotal);
        differ('refunded', isReturned ? part.settledTotal : 0);
        differ('winners', isReturned ? 0 : part.winners);
        differ('clearing', part.stake - part.settledTotal);
        return;
      }
      case 'Weighed':
        // Known in the end, see `Weighings`.
        return;
      default:
        this.unchecked(`reports of a kind that is not added up: ${report.t}`);
    }
  }
}

const NAMES: Readonly<Record<string, string>> = {
  Seal: 'seal',
  Refund: 'statement of refunds',
  Stakes: 'count',
  WillPay: 'count for will-pays',
  Paid: 'report of payment',
};
