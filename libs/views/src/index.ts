export * from './odds-book.js';
export { MAX_SPREAD_LINES, type OddsRow, PoolBook } from './pool-book.js';
export * from './tick.js';
