/** The door of the verifier: exported logs, receipts and evidence packs, checked with public keys and nothing else of ours. */
export {
  type AnchoredLog,
  type AnchorFile,
  type AnchorHead,
  type AnchorStatement,
  type Authority,
  anchoredHeads,
  type HeadOf,
  verifyAnchor,
  verifyAnchors,
} from './anchor.js';
export { type CertificateStatement, hasPassed, missingFrom, readCertificate } from './certificate.js';
export {
  type EvidenceBet,
  type EvidenceEvent,
  type EvidenceOdds,
  type EvidenceStatement,
  verifyEvidence,
} from './evidence.js';
export { EvidenceLog } from './evidence-log.js';
export {
  type ExportedRecord,
  type ExportHead,
  ExportReader,
  ExportRefused,
  ExportWriter,
  exportOrder,
} from './export-file.js';
export { EMPTY_ROOT, leafOf, nodeOf, poolRoot, RunningRoot, rootAlong } from './inclusion.js';
export { LogHeads } from './log-heads.js';
export { type LogFinding, type LogReport, LogUnreadable, LogVerifier } from './log-verifier.js';
export { type PublishedSeals, readPublishedSeals } from './published-seals.js';
export {
  type InclusionProof,
  type ReceiptBet,
  type ReceiptFile,
  type ReceiptStatement,
  readSeal,
  type SealStatement,
  type Verdict,
  verifyReceipt,
} from './receipt.js';
export { KeyRefused, type PublishedKey, type Signed, type TrustedKeys, trustedKeys } from './signed.js';
export { verifyExport } from './verify-export.js';
