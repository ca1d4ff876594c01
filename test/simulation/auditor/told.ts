/**
 * What clients were told, against the log: an answer names a decision that is durable and says what was told, the same question gets
 * the same answer for ever, and what was said not to be written is nowhere.
 */
import type { Decision } from './chain.js';
import { must } from './finding.js';

/** One question of a client. */
export interface Question {
  readonly account: string;
  /** Of a ticket, or of money. */
  readonly ref?: string;
  /** Stands for the body asked for: equal bodies, equal texts. */
  readonly body: string;
  readonly type: string;
}

/** Answers from the market's log name it as their source. */
export const MARKET = -1;

export interface Answer {
  readonly shard: number;
  readonly seq: number;
  readonly hash: string;
  readonly code?: string;
  readonly ticket?: string;
}

/** Refusals that say something about this request and nothing about the reference. */
const NOT_FINAL = new Set([
  'IDEMPOTENCY_BODY_MISMATCH',
  'REF_OUTSIDE_WINDOW',
  'REF_INVALID',
  'WRONG_SHARD',
  'ACCOUNT_UNKNOWN',
  'QUARANTINED',
  'MALFORMED',
  'REPLAY',
  // Each request for a burnt reference is a refusal of its own.
  'REF_BURNT',
]);

export class Told {
  /** Tickets acknowledged as accepted. */
  accepted = 0;
  readonly #answers = new Map<string, Answer>();
  readonly #nowhere = new Set<string>();

  constructor(
    private readonly decisionAt: (source: number, seq: number) => { decision: Decision; hash: string } | undefined,
  ) {}

  /** A command was said not to be in the log. */
  notAppended(cid: string): void {
    this.#nowhere.add(cid);
  }

  appended(cid: string): void {
    must(
      !this.#nowhere.has(cid),
      'G1',
      () => `the command ${cid} is in the log; its sender was told that nothing was written`,
    );
  }

  answered(question: Question, answer: Answer): void {
    const { account, ref, type } = question;
    const name = `${type} ${account} ${ref ?? ''}`;
    const found = this.decisionAt(answer.shard, answer.seq);
    must(
      found !== undefined,
      'G1',
      () =>
        `${name} was answered from decision ${answer.seq} of ${answer.shard === MARKET ? 'the market' : `shard ${answer.shard}`}, which is not in the log`,
    );
    const { decision, hash } = found;
    must(
      hash === answer.hash,
      'G1',
      () => `${name} was answered from a decision ${answer.seq} that did not come to count`,
    );
    must(
      decision.code === answer.code,
      'G1',
      () => `${name} was told ${answer.code ?? 'accepted'}, the log says ${decision.code ?? 'accepted'}`,
    );
    if (type !== 'PlaceTicket' || ref === undefined) return;
    if (answer.code === undefined) {
      const event = decision.events[0];
      const isOurs =
        event?.['t'] === 'TicketAccepted' &&
        event['account'] === account &&
        event['ref'] === ref &&
        event['ticket'] === answer.ticket;
      must(
        isOurs,
        'G1',
        () => `${name} was told that ${answer.ticket} is its ticket; decision ${answer.seq} is another's`,
      );
    }
    if (answer.code !== undefined && NOT_FINAL.has(answer.code)) return;
    this.#same(question, answer);
  }

  #same(question: Question, answer: Answer): void {
    const key = `${question.account} ${question.ref} ${question.body}`;
    const known = this.#answers.get(key);
    if (known === undefined) {
      this.#answers.set(key, answer);
      if (answer.code === undefined) this.accepted++;
    }
    must(known === undefined || known.hash === answer.hash, 'G1', () => {
      const of = (one: Answer): string => `${one.code ?? 'accepted'} (#${one.seq})`;
      return `${question.account} ${question.ref} was told ${of(known as Answer)}, then ${of(answer)}`;
    });
  }
}
