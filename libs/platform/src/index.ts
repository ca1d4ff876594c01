/** The door of the platform: processes by their roles, and what tests and tools need to run one inside another. */
export { type ArchiveReport, backup, restore } from './archive.js';
export { type System, startSystem } from './compose.js';
export { type Config, isDistributed, ROLES, type Role, readConfig } from './config.js';
export { demoAccountId } from './demo-access.js';
export { lagOf, type SourceLag } from './lag.js';
export { endsOfMoment, type LogEnds, type LogReader, openLogReader } from './log-reader.js';
export { errorsDocument, PROBLEM_CODES, type ProblemCode } from './problem-codes.js';
export { rebuildReadModels } from './rebuild.js';
export { type Books, compareBooks, remap } from './remap.js';
export { type ReplayedDay, replayArchive } from './replay.js';
export { type RunOptions, run } from './run.js';
export { sealSigner } from './seal-key.js';
export { type SkipRequest, speakOnSkip } from './skip-words.js';
export { type SnapshotReport, takeSnapshots, verifySnapshots } from './snapshots.js';
export { asStartFault, EXIT, type ExitCode, exitCodeOf, StartFault } from './start-fault.js';
export { CATALOGUE, type MetricFacts, metricsDocument, RUNTIME_METRICS } from './telemetry/catalogue.js';
export type { Voice } from './telemetry/log-lines.js';
export { checkTopics, createTopics } from './topics.js';
