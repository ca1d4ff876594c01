/** What is mended inside kafkajs. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import createFetchManager, { type Logger } from 'kafkajs/src/consumer/fetchManager.js';
import Runner from 'kafkajs/src/consumer/runner.js';
import { expect, it } from 'vitest';
import { firstToAnswer } from '../src/kafka/broker-probe.js';
import { kafkaClient } from '../src/kafka/client.js';

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

/** As kafkajs says it. */
const unanswered = (): Error =>
  Object.assign(new Error('Request Fetch timed out'), { name: 'KafkaJSRequestTimeoutError' });

const running = (parts: object): Runner =>
  Object.assign(Object.create(Runner.prototype) as Runner, {
    ...{ running: true, logger: silent, instrumentationEmitter: { emit: () => undefined } },
    ...parts,
  });

it('a fetch that nobody answers asks the others who leads now, and ends no other fetch', async () => {
  let asked = 0;
  const refreshMetadata = async (): Promise<void> => {
    if (asked++ > 0) throw unanswered();
  };
  const fetch = (): Promise<never> => Promise.reject(unanswered());
  const runner = running({ consumerGroup: { fetch, cluster: { refreshMetadata } } });
  expect(await runner.fetch('1')).toEqual([]);
  expect(await runner.fetch('1')).toEqual([]);
  expect(asked).toBe(2);
});

it('any other fault of a fetch is as it was', async () => {
  const fetch = (): Promise<never> => Promise.reject(new Error('something else'));
  await expect(running({ consumerGroup: { fetch } }).fetch('1')).rejects.toThrow('something else');
});

it('a coordinator that does not answer is looked for again, as one that says it is none', async () => {
  const heartbeat = (): Promise<never> => Promise.reject(unanswered());
  const beat = running({ consumerGroup: { heartbeat } }).heartbeat();
  await expect(beat).rejects.toMatchObject({ type: 'NOT_COORDINATOR_FOR_GROUP' });
});

it('a connection on which one question stays open is let go of, and the next one is another', async () => {
  const sockets: Socket[] = [];
  // It takes what is sent, and says nothing, as a process that stands still.
  const silentBroker = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => silentBroker.listen(0, '127.0.0.1', resolve));
  const { port } = silentBroker.address() as AddressInfo;
  const onWarning = (): void => undefined;
  const connection = { brokers: [`127.0.0.1:${port}`], clientId: 'test', onWarning, requestTimeoutMs: 50 };
  const admin = kafkaClient({ ...connection, connectionTimeoutMs: 50 }).admin();
  await expect(admin.connect()).rejects.toThrow();
  // One connection was tried again and again before.
  expect(sockets.length).toBeGreaterThan(1);
  await admin.disconnect();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => silentBroker.close(resolve));
});

it('of several brokers the first that answers comes first, and none is left out', async () => {
  const dead = '127.0.0.1:1';
  const answers = createServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(Buffer.from([0, 0, 0, 4, 0, 0, 0, 1])));
  });
  await new Promise<void>((resolve) => answers.listen(0, '127.0.0.1', resolve));
  const alive = `127.0.0.1:${(answers.address() as AddressInfo).port}`;
  expect(await firstToAnswer([dead, alive])).toEqual([alive, dead]);
  await new Promise((resolve) => answers.close(resolve));
});
