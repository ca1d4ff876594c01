/**
 * What anybody may check: signed seals of closed pools, the keys they are signed with, and receipts that carry their proofs. It must
 * never show a ticket to anybody who may not see it.
 */
import type { SqlDatabase } from '#mutuel/runtime';
import {
  Proofs,
  type ProvenBet,
  receiptStatement,
  type Signer,
  sealKeys,
  signedSeals,
  type TicketView,
} from '#mutuel/services';
import type { InclusionProof, ReceiptFile, ReceiptStatement } from '#mutuel/verify';
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

  constructor(db: SqlDatabase, signer: Signer) {
    this.#db = db;
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

  async keys() {
    const keys = await sealKeys(this.#db);
    return { keys: keys.map((key) => ({ ...key, since: new Date(key.since).toISOString() })) };
  }

  /** Of the bets whose pools are sealed; none for a ticket that was refused. */
  proofsOf({ bets, receipt: { shard, seq } }: TicketView): Promise<readonly InclusionProof[]> {
    const taken = bets.filter(({ placement }) => placement !== 'REJECTED');
    return this.#proofs.of(taken.map(({ betId, poolId }) => ({ betId, poolId, shard, seq, no: numberOf(betId) })));
  }

  /** Of a ticket that the caller may see. */
  async receiptFile(ticketId: string): Promise<ReceiptFile> {
    const statement = await receiptStatement(this.#db, ticketId);
    if (statement === null)
      throw new Problem(
        'RECEIPT_NOT_THERE',
        `Ticket ${ticketId} was not accepted, or its decision is not projected yet.`,
      );
    const [receipt, proofs] = await Promise.all([this.#signed(statement), this.#proofs.of(provenBets(statement))]);
    return { kind: 'mutuel-receipt-file', v: 1, receipt, proofs };
  }

  async #signed(statement: ReceiptStatement) {
    try {
      return await this.#signer.sign(JSON.stringify(statement));
    } catch (fault) {
      throw new Problem('SEAL_KEY_AWAY', `The receipt cannot be signed at the moment: ${(fault as Error).message}.`);
    }
  }
}

const provenBets = ({ shard, seq, bets }: ReceiptStatement): readonly ProvenBet[] =>
  bets.map(({ betId, poolId, no }) => ({ betId, poolId, no, shard, seq }));

/** From 0; a bet's id ends with its number in the ticket, from 1. */
const numberOf = (betId: string): number => Number(betId.slice(betId.lastIndexOf('-') + 1)) - 1;
