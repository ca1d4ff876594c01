/** The hot cache in process. */
import { openMemoryCache } from '#mutuel/adapters';
import { describeCache } from './cache-features.js';

describeCache('The memory cache', async () => {
  const cache = openMemoryCache();
  return { cache, other: cache, dispose: () => cache.close() };
});
