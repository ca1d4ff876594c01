/** What Redis is used for here, and all that loads its client. */
export { openRedisCache } from './redis-cache.js';
export { openRedisUseCounter } from './redis-use-counter.js';
