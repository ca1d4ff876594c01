export { AnchorPublisher, type AnchorView, anchors, type TimeStamper } from './anchoring.js';
export {
  AuditCalculator,
  auditCalculator,
  Calculator,
  type CalculatorOptions,
  engineCalculator,
  projectorCalculator,
} from './calculators.js';
export { dividendView, termsView } from './dividend-view.js';
export { type EvidenceParts, evidenceOf } from './evidence.js';
export { changeFrame, statusFrame, subscribeFrame } from './feed-frames.js';
export { FEED_LIMITS, FeedHub, type FeedHubOptions, type FeedReceiver } from './feed-hub.js';
export type { FeedConnection, FeedLimits } from './feed-peer.js';
export { HISTORY_CYCLES, OddsProjection, type OddsProjectionOptions } from './odds-projection.js';
export { ODDS_CHANNEL, ODDS_KEY, OddsService, type OddsServiceOptions } from './odds-service.js';
export { lastTick, recomputeTick, ticksBack } from './odds-topic.js';
export { type PoolInputs, poolInputs, stakesByKey, standingStakes } from './pool-inputs.js';
export { ProjectionFault, Projector } from './projector.js';
export {
  allSources,
  CheckpointAhead,
  checkReadModels,
  ProjectorHost,
  type ProjectorHostOptions,
} from './projector-host.js';
export { Proofs, type ProvenBet } from './proofs.js';
export { type Ask, RaceWatch } from './race-watch.js';
export {
  iso,
  isoOrNull,
  type MeetingView,
  type RaceSummary,
  ReadModel,
  type StatementEntry,
  type TicketBetView,
  type TicketView,
} from './read-model.js';
export { RebuildFault, type RebuildOptions, rebuild } from './rebuild.js';
export { receiptStatement } from './receipts.js';
export { SealTail } from './seal-tail.js';
export {
  SealPublisher,
  type SealPublisherOptions,
  type SealView,
  type Signer,
  sealKeys,
  signedSeals,
} from './sealing.js';
export { ODDS_TOPIC, TickTail, type TickTailOptions } from './tick-tail.js';
