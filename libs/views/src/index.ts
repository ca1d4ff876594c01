export { type KnownPool, knownPool, PoolCards } from './cards.js';
export { cardStatements, marketStatements } from './market-rows.js';
export * from './odds-book.js';
export { MAX_SPREAD_LINES, type OddsRow, PoolBook } from './pool-book.js';
export type { SqlStatement } from './row-set.js';
export { type SchemaStep, schema, tables } from './schema.js';
export { type HashedDecision, type MovementKind, ShardRows, type Withdrawn } from './shard-rows.js';
export * from './tick.js';
