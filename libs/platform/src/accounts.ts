/**
 * Accounts as the desk and their holders ask for them: opened, paid into and out of, limited. Money comes from the payment service or a
 * cashier's desk, never from its holder's word alone: only the demo lets holders pay themselves in.
 */
import { type ServiceKey, signCommand } from '#mutuel/contracts';
import type { Limits, ShardEvent } from '#mutuel/engine';
import { type Principal, requireAccount, requireRole } from './auth.js';
import { type Answer, decidedOf, refusedAnswer } from './betting.js';
import type { AccountReads, Answered, ShardDoor } from './doors.js';
import { Problem } from './problem.js';
import { randomId } from './random-ids.js';
import type { LimitsBody, MoneyBody, OpenAccountBody } from './schemas.js';
import { type Receipt, receiptOf } from './ticket-answers.js';

export interface MoneyAnswer {
  readonly ref: string;
  readonly kind: 'DEPOSIT' | 'WITHDRAWAL';
  readonly amount: number;
  readonly balance: { readonly available: number };
  readonly receipt: Receipt;
}

export interface AccountOpenedAnswer {
  readonly accountId: string;
  readonly currency: string;
  readonly receipt: Receipt;
}

export interface LimitsAnswer {
  readonly accountId: string;
  readonly limits: Limits;
  readonly receipt: Receipt;
}

export interface AccountsParts {
  readonly door: ShardDoor;
  readonly reads: Pick<AccountReads, 'moneyRef'>;
  readonly serviceKey: ServiceKey;
  /** Whether holders move their own money: the demo. */
  readonly holdersPay: boolean;
  readonly now: () => number;
}

type HouseCommand = { readonly type: string; readonly account: string; readonly [field: string]: unknown };

const HOUR_MS = 3_600_000;
/** Who opens, limits and blocks accounts. */
const DESK = ['CASHIER', 'TOTE_OPERATOR'] as const;

export class Accounts {
  readonly #p: AccountsParts;

  constructor(parts: AccountsParts) {
    this.#p = parts;
  }

  async open(principal: Principal, { accountId, currency }: OpenAccountBody): Promise<Answer<AccountOpenedAnswer>> {
    requireRole(principal, DESK);
    const answered = await this.#decided({ type: 'OpenAccount', account: accountId, currency, ...actor(principal) });
    if (answered.decision.code !== undefined) throw refusedAnswer(answered);
    return { status: 201, body: { accountId, currency, receipt: receiptOf(answered) }, replayed: false };
  }

  async moveMoney(
    principal: Principal,
    type: 'Deposit' | 'Withdraw',
    account: string,
    { ref, amount, reason }: MoneyBody,
  ): Promise<Answer<MoneyAnswer>> {
    this.#requirePayer(principal, account);
    const why = reason === undefined ? {} : { reason };
    const answered = await this.#decided({ type, account, ref, amount, ...actor(principal), ...why });
    const replayed = answered.decision.code === 'REPLAY';
    const first = replayed ? this.#p.door.recent(account, answered.decision.of ?? 0) : answered;
    const event = first?.decision.events[0];
    if (first && event?.t === 'MoneyMoved') {
      const balance = { available: event.balance };
      return { status: 201, body: { ref, kind: event.kind, amount, balance, receipt: receiptOf(first) }, replayed };
    }
    if (!replayed) throw refusedAnswer(answered);
    const row = await this.#p.reads.moneyRef(account, ref);
    if (row === null)
      throw new Problem(
        'DEADLINE_EXCEEDED',
        'It was decided; the answer is not in the read models yet. Send it again.',
      );
    const { seq, balance: available } = row;
    const kind = type === 'Deposit' ? 'DEPOSIT' : 'WITHDRAWAL';
    // Of so old a decision the hash is in the log alone.
    const receipt = { shard: answered.shard, seq, hash: '' };
    return { status: 201, body: { ref, kind, amount, balance: { available }, receipt }, replayed };
  }

  /** By the holder or the desk; who is blocked the desk alone says. */
  async changeLimits(principal: Principal, account: string, body: LimitsBody): Promise<Answer<LimitsAnswer>> {
    if (body.blocked !== undefined || !principal.accounts.includes(account)) requireRole(principal, DESK);
    const { excludeHours, ...asked } = body;
    const exclusion = excludeHours === undefined ? {} : { excludeForMs: excludeHours * HOUR_MS };
    // One version for each change: what was sent before and arrives again is outdated.
    const version = this.#p.now();
    const limits = { ...asked, ...exclusion };
    const answered = await this.#decided({ type: 'SetLimits', account, limits, version, ...actor(principal) });
    const [event] = answered.decision.events;
    if (event?.t !== 'LimitsSet') throw refusedAnswer(answered);
    return {
      status: 200,
      body: { accountId: account, limits: event.limits, receipt: receiptOf(answered) },
      replayed: false,
    };
  }

  #requirePayer(principal: Principal, account: string): void {
    if (principal.roles.includes('CASHIER')) return;
    if (!this.#p.holdersPay) requireRole(principal, ['CASHIER']);
    requireAccount(principal, account);
  }

  async #decided(command: HouseCommand): Promise<Answered<ShardEvent>> {
    const cid = randomId();
    const bytes = signCommand(cid, command, this.#p.serviceKey);
    return decidedOf(await this.#p.door.submit(command.account, cid, bytes));
  }
}

/** Who of the house it was; of a holder the account says enough, and nothing of the person belongs into the log. */
const actor = ({ roles, subject }: Principal) => (roles.length > 0 ? { by: subject } : {});
