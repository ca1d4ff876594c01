/**
 * A receipt that proves itself: the house's signed word on a ticket and, after the close, for each bet its way into the sealed pool.
 * Checking needs the trusted public keys and nothing else: no server, no clock. It must never call a part of a receipt checked that
 * it did not check: what is missing is said.
 */
import { leafOf, poolRoot, rootAlong } from './inclusion.js';
import { faultOfFile } from './shapes.js';
import { faultOfSignature, readStatement, type Signed, type TrustedKeys } from './signed.js';

/** The signed content of a receipt. Money in minor units, times in milliseconds UTC. */
export interface ReceiptStatement {
  readonly kind: 'mutuel-receipt';
  readonly v: 1;
  readonly ticketId: string;
  readonly ticketRef: string;
  readonly accountId: string;
  readonly currency: string;
  readonly acceptedAt: number;
  readonly totalStake: number;
  /** Makes the leaves unguessable; only the receipt and the log hold it. */
  readonly blind: string;
  /** Where the decision stands: shard, its number there, and the hash of its record. */
  readonly shard: number;
  readonly seq: number;
  readonly hash: string;
  readonly bets: readonly ReceiptBet[];
}

export interface ReceiptBet {
  readonly betId: string;
  readonly no: number;
  readonly poolId: string;
  readonly selection: string;
  readonly lines: number;
  readonly unitStake: number;
  readonly stake: number;
  readonly leaf: string;
}

/** The signed content of a seal: what a pool held when betting closed. */
export interface SealStatement {
  readonly kind: 'mutuel-seal';
  readonly v: 1;
  readonly poolId: string;
  readonly raceId: string;
  /** A reopened race is closed again, with a seal of its own. */
  readonly closeNo: number;
  /** Append time of the market's word that all shards have sealed. */
  readonly sealedAt: number;
  /** Standing bets and their stakes. */
  readonly bets: number;
  readonly stake: number;
  /** Acknowledged after the stop, voided before the seal. */
  readonly voidedBets: number;
  readonly voidedStake: number;
  readonly root: string;
  readonly shards: readonly {
    readonly shard: number;
    readonly lastSeq: number;
    readonly bets: number;
    readonly stake: number;
    readonly leaves: number;
    readonly root: string;
  }[];
}

/** Where a bet stands in the sealed pool: its leaf's number among `leaves` of its shard, and the neighbours up to the root. */
export interface InclusionProof {
  readonly betId: string;
  readonly shard: number;
  readonly index: number;
  readonly leaves: number;
  readonly path: readonly string[];
  readonly seal: Signed;
}

export interface ReceiptFile {
  readonly kind: 'mutuel-receipt-file';
  readonly v: 1;
  readonly receipt: Signed;
  /** Of the bets whose pools are sealed. */
  readonly proofs: readonly InclusionProof[];
}

export interface Verdict {
  /** What was checked and held, a sentence each. */
  readonly held: readonly string[];
  /** What is not there to be checked. */
  readonly missing: readonly string[];
  /** What does not hold; empty for a good receipt. */
  readonly faults: readonly string[];
}

export function verifyReceipt(file: unknown, keys: TrustedKeys): Verdict {
  const verdict = { held: [] as string[], missing: [] as string[], faults: [] as string[] };
  if (!isReceiptFile(file)) {
    verdict.faults.push(whyNoReceipt(file));
    return verdict;
  }
  const receipt = checkSigned<ReceiptStatement>(file.receipt, 'mutuel-receipt', 'the receipt', keys, verdict);
  if (!receipt) return verdict;
  checkSums(receipt, verdict);
  for (const bet of receipt.bets) {
    if (
      leafOf({ ...bet, blind: receipt.blind, ticketId: receipt.ticketId, acceptedAt: receipt.acceptedAt }) !== bet.leaf
    ) {
      verdict.faults.push(`bet ${bet.betId}: its leaf is not the hash of what the receipt says of it`);
      continue;
    }
    const proof = file.proofs.find(({ betId }) => betId === bet.betId);
    if (!proof) verdict.missing.push(`bet ${bet.betId}: no proof yet; pool ${bet.poolId} was not sealed`);
    else checkInclusion(bet, receipt, proof, keys, verdict);
  }
  return verdict;
}

function checkSums(receipt: ReceiptStatement, verdict: { held: string[]; faults: string[] }): void {
  const sum = receipt.bets.reduce((total, bet) => total + bet.stake, 0);
  if (sum !== receipt.totalStake) verdict.faults.push(`the bets cost ${sum}, the receipt says ${receipt.totalStake}`);
  const wrong = receipt.bets.find(({ lines, unitStake, stake }) => lines * unitStake !== stake);
  if (wrong)
    verdict.faults.push(`bet ${wrong.betId}: ${wrong.lines} lines of ${wrong.unitStake} are not ${wrong.stake}`);
  if (sum === receipt.totalStake && !wrong) verdict.held.push(`${receipt.bets.length} bets cost ${sum} minor units`);
}

function checkInclusion(
  bet: ReceiptBet,
  receipt: ReceiptStatement,
  proof: InclusionProof,
  keys: TrustedKeys,
  verdict: { held: string[]; missing: string[]; faults: string[] },
): void {
  const name = `bet ${bet.betId}`;
  const seal = checkSigned<SealStatement>(proof.seal, 'mutuel-seal', `the seal of ${bet.poolId}`, keys, verdict);
  if (!seal) return;
  const fault = faultOfInclusion(bet, receipt, proof, seal);
  if (fault === undefined)
    verdict.held.push(
      `${name} is leaf ${proof.index + 1} of ${proof.leaves} of shard ${proof.shard} in the seal of ${bet.poolId}`,
    );
  else verdict.faults.push(`${name}: ${fault}`);
}

function faultOfInclusion(
  bet: ReceiptBet,
  receipt: ReceiptStatement,
  proof: InclusionProof,
  seal: SealStatement,
): string | undefined {
  if (seal.poolId !== bet.poolId) return `its proof leads to pool ${seal.poolId}, the bet is on ${bet.poolId}`;
  if (poolRoot(seal.shards.map(({ root }) => root)) !== seal.root)
    return 'the roots of the shards do not make the root of the seal';
  const part = seal.shards.find(({ shard }) => shard === proof.shard);
  if (!part || proof.shard !== receipt.shard)
    return `its proof is for shard ${proof.shard}, the bet is in shard ${receipt.shard}`;
  if (part.leaves !== proof.leaves) return `its proof counts ${proof.leaves} bets, the seal ${part.leaves}`;
  const along = rootAlong(bet.leaf, proof.index, proof.leaves, proof.path);
  if (typeof along === 'string') return along;
  return along.root === part.root ? undefined : 'its path does not lead to the root of the seal: the bet is not in it';
}

/** What a signed seal says; a sentence where its signature or its roots do not hold. */
export function readSeal(signed: Signed, keys: TrustedKeys): SealStatement | string {
  const said = faultOfSignature(signed, keys) ?? readStatement<SealStatement>(signed, 'mutuel-seal');
  if (typeof said === 'string') return said;
  const isWhole = poolRoot(said.shards.map(({ root }) => root)) === said.root;
  return isWhole ? said : 'the roots of the shards do not make the root of the seal';
}

/** The statement behind a signature that holds; what is wrong goes into the verdict. */
export function checkSigned<T extends { readonly kind: string; readonly v: number }>(
  signed: Signed,
  kind: T['kind'],
  name: string,
  keys: TrustedKeys,
  verdict: { held: string[]; faults: string[] },
): T | undefined {
  const said = faultOfSignature(signed, keys) ?? readStatement<T>(signed, kind);
  if (typeof said === 'string') {
    verdict.faults.push(`${name}: ${said}`);
    return undefined;
  }
  verdict.held.push(`${name} is signed by key ${signed.keyId}`);
  return said;
}

const isReceiptFile = (file: unknown): file is ReceiptFile =>
  isOfKind(file) && file.v === 1 && faultOfFile('receipt', file) === undefined;

const isOfKind = (file: unknown): file is Pick<ReceiptFile, 'kind'> & { readonly v: unknown } =>
  (file as Partial<ReceiptFile> | null)?.kind === 'mutuel-receipt-file';

function whyNoReceipt(file: unknown): string {
  if (!isOfKind(file)) return 'this is no receipt: its kind is not mutuel-receipt-file';
  if (file.v !== 1) return `the receipt has version ${String(file.v)}, this release reads version 1`;
  return `the receipt is not whole: ${faultOfFile('receipt', file)}`;
}
