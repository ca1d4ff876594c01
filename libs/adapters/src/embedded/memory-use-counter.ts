/** Uses counted inside one process: what Redis does for several. It must behave as that one does, and keeps nothing over a restart. */
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { UseCounter } from '#mutuel/runtime';

export function openMemoryUseCounter({ windowS }: { readonly windowS: number }): UseCounter {
  const limiter = new RateLimiterMemory({ duration: windowS, points: Number.MAX_SAFE_INTEGER });
  return {
    async add(key, uses) {
      const { consumedPoints, msBeforeNext } = await limiter.consume(key, uses);
      return { used: consumedPoints, windowEndsInMs: msBeforeNext };
    },
    close: async () => undefined,
  };
}
