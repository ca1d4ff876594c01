/**
 * What anybody may check: signed seals of closed pools, the keys they are signed with, and receipts that carry their proofs. It must
 * never show a ticket to anybody who may not see it.
 */
import type { SqlDatabase } from '#mutuel/runtime';
import {
  anchors,
  type EvidenceParts,
  evidenceOf,
  Proofs,
  type ProvenBet,
  ReadModel,
  receiptStatement,
  type Signer,
  sealKeys,
  signedSeals,
  type TicketView,
} from '#mutuel/services';
import type { EvidenceStatement, InclusionProof, ReceiptFile, ReceiptStatement, Signed } from '#mutuel/verify';
import { Problem } from './problem.js';

const DEFAULT_LIMIT = 50;

export interface SealQuery {
  readonly poolId?: string | undefined;
  readonly raceId?: string | undefined;
  readonly limit?: number | undefined;
}

export class Seals {
  readonly #db: SqlDatabase;
  readonly #signer: Signer;
  readonly #proofs: Proofs;
  readonly #log: EvidenceParts['log'];
  readonly #reads: ReadModel;

  constructor({ db, log }: EvidenceParts, signer: Signer) {
    this.#db = db;
    this.#log = log;
    this.#reads = new ReadModel(db);
    this.#signer = signer;
    this.#proofs = new Proofs(db);
  }

  async list({ poolId, raceId, limit = DEFAULT_LIMIT }: SealQuery) {
    const seals = await signedSeals(this.#db, {
      limit,
      ...(poolId === undefined ? {} : { poolId }),
      ...(raceId === undefined ? {} : { raceId }),
    });
    return { seals: seals.map((seal) => ({ ...seal, sealedAt: new Date(seal.sealedAt).toISOString() })) };
  }

  async anchors(limit: number) {
    return { anchors: await anchors(this.#db, limit) };
  }

  async keys() {
    const keys = await sealKeys(this.#db);
    return { keys: keys.map((key) => ({ ...key, since: new Date(key.since).toISOString() })) };
  }

  /** To be called a moment after a pool was sealed: its proofs are at hand when they are asked for. */
  prepare(poolId: string): Promise<void> {
    return this.#proofs.prepare(poolId);
  }

  /** Of the bets whose pools are sealed; none for a ticket that was refused. */
  proofsOf({ bets, receipt: { shard, seq } }: TicketView): Promise<readonly InclusionProof[]> {
    const taken = bets.filter(({ placement }) => placement !== 'REJECTED');
    return this.#proofs.of(taken.map(({ betId, poolId }) => ({ betId, poolId, shard, seq, no: numberOf(betId) })));
  }

  /** Of a ticket that the caller may see. */
  async receiptFile(ticketId: string): Promise<ReceiptFile> {
    return this.#receiptFile(await this.#statement(ticketId));
  }

  /** Everything about a ticket, or about one bet of it, signed; `now` in milliseconds UTC. */
  async evidence(ticketOrBetId: string, now: number): Promise<Signed> {
    const view = await this.#reads.ticket(ticketOf(ticketOrBetId));
    if (view === null)
      throw new Problem('TICKET_UNKNOWN', `There is no ticket ${ticketOf(ticketOrBetId)} known here yet.`);
    const statement = await this.#statement(view.ticketId);
    const betId = ticketOrBetId === view.ticketId ? null : ticketOrBetId;
    if (betId !== null && !statement.bets.some((bet) => bet.betId === betId))
      throw new Problem('TICKET_UNKNOWN', `Ticket ${view.ticketId} has no accepted bet ${betId}.`);
    const parts = { db: this.#db, log: this.#log };
    const [receipt, evidence] = await Promise.all([
      this.#receiptFile(statement),
      evidenceOf(parts, view, statement, betId),
    ]);
    const pack: EvidenceStatement = { ...evidence, madeAt: now, receipt };
    return this.#signed(pack);
  }

  async #statement(ticketId: string): Promise<ReceiptStatement> {
    const statement = await receiptStatement(this.#db, ticketId);
    if (statement !== null) return statement;
    throw new Problem(
      'RECEIPT_NOT_THERE',
      `Ticket ${ticketId} was not accepted, or its decision is not projected yet.`,
    );
  }

  async #receiptFile(statement: ReceiptStatement): Promise<ReceiptFile> {
    const [receipt, proofs] = await Promise.all([this.#signed(statement), this.#proofs.of(provenBets(statement))]);
    return { kind: 'mutuel-receipt-file', v: 1, receipt, proofs };
  }

  async #signed(statement: ReceiptStatement | EvidenceStatement): Promise<Signed> {
    try {
      return await this.#signer.sign(JSON.stringify(statement));
    } catch (fault) {
      throw new Problem('SEAL_KEY_AWAY', `Nothing can be signed at the moment: ${(fault as Error).message}.`);
    }
  }
}

const provenBets = ({ shard, seq, bets }: ReceiptStatement): readonly ProvenBet[] =>
  bets.map(({ betId, poolId, no }) => ({ betId, poolId, no, shard, seq }));

/** A bet's id is its ticket's and a number behind it; a ticket's has three parts. */
const ticketOf = (ticketOrBetId: string): string => ticketOrBetId.split('-').slice(0, 3).join('-');

/** From 0; a bet's id ends with its number in the ticket, from 1. */
const numberOf = (betId: string): number => Number(betId.slice(betId.lastIndexOf('-') + 1)) - 1;
