/** The proxy before the brokers: whoever waits for an append hears of the one that goes to the broker he means. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../infra/native/index.mjs';
import { CuttingProxy, type ProxyPlace } from './cutting-proxy.js';

const PRODUCE = 0;
const FETCH = 1;
const brokers: Server[] = [];
const clients: Socket[] = [];
let proxy: CuttingProxy;
let places: readonly [leader: ProxyPlace, other: ProxyPlace];
/** Requests that have come to a broker. */
let arrived = 0;

beforeEach(async () => {
  arrived = 0;
  proxy = new CuttingProxy(() => 1);
  places = [await place(), await place()];
  await proxy.open(places);
});
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  for (const broker of brokers.splice(0)) broker.close();
  proxy.close();
});

async function place(): Promise<ProxyPlace> {
  const target = await freePort();
  const broker = createServer((socket) => socket.on('data', () => void arrived++).on('error', () => undefined));
  brokers.push(broker);
  await new Promise<void>((resolve) => broker.listen(target, '127.0.0.1', resolve));
  return { port: await freePort(), target };
}

/** A request of this kind, which has come to the broker when this resolves. */
async function request(to: ProxyPlace, api: number): Promise<void> {
  const before = arrived;
  const client = connect(to.port, '127.0.0.1');
  clients.push(client);
  const frame = Buffer.alloc(12);
  frame.writeInt32BE(8, 0);
  frame.writeInt16BE(api, 4);
  client.write(frame);
  await expect.poll(() => arrived).toBe(before + 1);
}

test('an append to another broker, or no append, is not what is waited for', async () => {
  const [leader, other] = places;
  let told = false;
  const waiting = proxy.appendTo(leader.target, 60_000).then(() => {
    told = true;
  });
  await request(other, PRODUCE);
  await request(leader, FETCH);
  await request(other, PRODUCE);
  expect(told).toBe(false);
  await request(leader, PRODUCE);
  await waiting;
});

test('who waits for an append that never comes is told', async () => {
  const [leader, other] = places;
  const waiting = proxy.appendTo(leader.target, 200);
  const told = expect(waiting).rejects.toThrow(`no append passed to port ${leader.target} within 200 ms`);
  await request(other, PRODUCE);
  await told;
});
