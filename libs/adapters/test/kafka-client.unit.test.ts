/** What is mended inside kafkajs. */
import createFetchManager, { type Logger } from 'kafkajs/src/consumer/fetchManager.js';
import Runner from 'kafkajs/src/consumer/runner.js';
import { expect, it } from 'vitest';
import '#mutuel/adapters';

const silent: Logger = { debug: () => undefined, info: () => undefined, namespace: () => silent };
/** What a runner has by then. */
const asMade = { logger: silent, consumerGroup: {} };

it('a fetcher made for a consumer that was stopped meanwhile ends, instead of asking for ever', async () => {
  let asked = 0;
  const fetchManager = createFetchManager({
    logger: silent,
    getNodeIds: () => ['1', '2'],
    handler: async () => undefined,
    fetch: (nodeId) => {
      if (++asked > 1_000) throw new Error('it asks without an end');
      return runner.fetch(nodeId);
    },
  });
  const runner = Object.assign(Object.create(Runner.prototype) as Runner, { running: false, fetchManager, ...asMade });
  await fetchManager.start();
  expect(asked).toBeLessThanOrEqual(2);
});
