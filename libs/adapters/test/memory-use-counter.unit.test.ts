/** The counter of uses in one process: the shared suite. */
import { openMemoryUseCounter } from '#mutuel/adapters';
import { describeUseCounter } from './use-counter-features.js';

describeUseCounter('Memory', async (windowS) => {
  const counter = openMemoryUseCounter({ windowS });
  return { counter, other: counter, dispose: () => counter.close() };
});
