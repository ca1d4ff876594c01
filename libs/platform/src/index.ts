/** The door of the platform: processes by their roles, and what tests and tools need to run one inside another. */
export { type System, startSystem, type Voice } from './compose.js';
export { type Config, ROLES, type Role, readConfig, StartFault } from './config.js';
export { demoAccountId } from './demo-access.js';
export { errorsDocument, PROBLEM_CODES, type ProblemCode } from './problem-codes.js';
export { type RunOptions, run } from './run.js';
