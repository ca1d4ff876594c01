/** The door of the second calculator: pricing by force, the fold over the decision logs, and the comparison of sheets. */
export {
  type AuditDecision,
  AuditFold,
  type Backed,
  type PoolAudit,
  type PoolSettlement,
  type ShardBets,
} from './audit-fold.js';
export { type ComparableSheet, compareSheets } from './compare-sheets.js';
export { differenceReport, type ReportedSheet } from './difference-report.js';
export { bettingInterest, expandSelection } from './expansion.js';
export type { AuditLeg, LegBet } from './leg-lines.js';
export {
  AuditLogBroken,
  AuditLogReader,
  decisionsThatCount,
  type LoggedDecision,
  type RawRecord,
} from './log-reader.js';
export { type ForceInput, priceByForce, priceLines } from './price-by-force.js';
export { type LegPool, priceLegPool, type WillPay, willPays } from './price-legs.js';
export { type AuditSource, type NetDividend, priceNet } from './price-net.js';
export { parseSelectionText } from './selection-text.js';
export {
  type AuditedPoolType,
  type AuditField,
  type AuditPool,
  AuditRefused,
  type AuditRules,
  type AuditSelection,
  type AuditTicket,
  auditedPoolTypes,
  type DividendSheet,
  type LineStake,
  type SheetDividend,
} from './sheet.js';
export { combinationsOf, runnersALine, type ShownOdds, type ShownPool, shownNet, shownOdds } from './shown-odds.js';
