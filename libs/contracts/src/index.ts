export * from './commands.js';
export * from './proposals.js';
export * from './records.js';
export * from './snapshots.js';
export * from './topics.js';
