/** The stream of points of sale and hosts with a real client: many in flight, answers by id and reference, bounds, drains, tokens. */
import {
  type ClientDuplexStream,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROTO_FILE } from '../src/grpc/server.js';
import { MAX_IN_FLIGHT } from '../src/grpc/ticket-streams.js';
import { startTestSystem, type TestSystem } from './support/system.js';

type Message = Record<string, unknown>;
interface Answer extends Message {
  readonly id: number;
  readonly ticketRef: string;
  readonly ticket?: { readonly ticketId: string; readonly status: string; readonly replayed: boolean };
  readonly problem?: { readonly code: string; readonly retry: string; readonly errors: readonly { pointer: string }[] };
}
type BettingStream = ClientDuplexStream<Message, Answer>;
interface BettingClient {
  Stream(metadata: Metadata): BettingStream;
  close(): void;
}

let t: TestSystem;
let raceId: string;
let client: BettingClient;
const mine = () => t.accounts[5] as { accountId: string; token: string };

beforeAll(async () => {
  t = await startTestSystem();
  raceId = await t.openRace();
  client = connect(t.system.grpcPort);
});
afterAll(async () => {
  client.close();
  await t.stop();
});

function connect(port: number | undefined): BettingClient {
  const loaded = loadPackageDefinition(loadSync(PROTO_FILE, { longs: Number, oneofs: true }));
  const { Betting } = (
    loaded['mutuel'] as unknown as { v1: { Betting: new (at: string, with_: unknown) => BettingClient } }
  ).v1;
  return new Betting(`127.0.0.1:${port}`, credentials.createInsecure());
}

function open(token: string | undefined = mine().token, at = client) {
  const metadata = new Metadata();
  if (token !== '') metadata.set('authorization', `Bearer ${token}`);
  const stream = at.Stream(metadata);
  const answers: Answer[] = [];
  stream.on('data', (answer: Answer) => answers.push(answer));
  const ended = new Promise<ServiceError | undefined>((resolve) => {
    stream.on('error', resolve);
    stream.on('end', () => resolve(undefined));
  });
  return { stream, answers, ended };
}

const place = (runner: string, accountId = mine().accountId): Message => ({
  ticketRef: v7(),
  accountId,
  currency: 'EUR',
  bets: [
    {
      ...{ betRef: 'a', poolId: `${raceId}-WIN`, form: 'STRAIGHT', unitStake: 200, stake: 200 },
      columns: [{ runners: [runner] }],
    },
  ],
});

test('tickets in flight together are each answered once, by id and reference; closing the sending side drains', async () => {
  const { stream, answers, ended } = open();
  const tickets = Array.from({ length: 200 }, (_, i) => place(String((i % 8) + 1)));
  for (const [i, ticket] of tickets.entries()) stream.write({ id: i + 1, place: ticket });
  stream.end();
  expect(await ended).toBeUndefined();
  expect(answers.map(({ id }) => id).sort((a, b) => a - b)).toEqual(tickets.map((_, i) => i + 1));
  for (const { id, ticketRef, ticket } of answers) {
    expect(ticketRef).toBe(tickets[id - 1]?.['ticketRef']);
    expect(ticket).toMatchObject({ status: 'ACCEPTED', replayed: false });
  }
  expect(new Set(answers.map(({ ticket }) => ticket?.ticketId)).size).toBe(200);
});

test('a refusal is an answer with code, retry and pointers, and the stream goes on', async () => {
  const { stream, answers, ended } = open();
  const good = place('5');
  stream.write({ id: 1, place: place('77') });
  stream.write({ id: 2, place: { ...place('1'), ticketRef: 'x' } });
  stream.write({ id: 3, place: place('1', 'acc-1001') });
  stream.write({ id: 4 });
  stream.write({ id: 5, place: good });
  await expect.poll(() => answers.length).toBe(5);
  stream.write({ id: 6, place: good });
  stream.write({ id: 7, lookUp: { accountId: mine().accountId, ticketRef: good['ticketRef'] } });
  await expect.poll(() => answers.length).toBe(7);
  const of = (id: number): Answer => answers.find((one) => one.id === id) as Answer;
  stream.write({ id: 8, cancel: { ticketId: of(5).ticket?.ticketId, reason: 'a slip' } });
  const bets = [{ poolId: `${raceId}-TRIFECTA`, form: 'BOX', runners: ['1', '2', '3'], unitStake: 200 }];
  stream.write({ id: 9, quote: { currency: 'EUR', bets } });
  stream.end();
  expect(await ended).toBeUndefined();
  expect(of(1).problem).toMatchObject({ code: 'INVALID_SELECTION', retry: 'NEW_KEY' });
  expect(of(2).problem).toMatchObject({ code: 'REF_INVALID', errors: [{ pointer: '/ticketRef' }] });
  expect(of(3).problem).toMatchObject({ code: 'NOT_AUTHORIZED' });
  expect(of(4).problem).toMatchObject({ code: 'MALFORMED' });
  expect(of(6).ticket).toMatchObject({ ticketId: of(5).ticket?.ticketId, replayed: true });
  expect(of(7).ticket).toMatchObject({ ticketId: of(5).ticket?.ticketId });
  expect(of(8)['cancelled']).toMatchObject({ refunded: 200 });
  expect(of(9)['quoted']).toMatchObject({ lines: 6, cost: 1_200 });
});

test.each([
  ['no token', ''],
  ['a token of somebody else', 'not.a.token'],
])('a stream with %s ends with UNAUTHENTICATED', async (_, token) => {
  const { stream, ended } = open(token);
  stream.write({ id: 1, place: place('1') });
  expect(await ended).toMatchObject({ code: 16 });
});

test('who reads no answers is not read from beyond the bound, and gets every answer once he reads', async () => {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${mine().token}`);
  const stream = client.Stream(metadata);
  const sent = 6 * MAX_IN_FLIGHT;
  const quote = {
    currency: 'EUR',
    bets: [{ poolId: `${raceId}-TRIFECTA`, form: 'BOX', runners: ['1', '2', '3'], unitStake: 200 }],
  };
  for (let id = 1; id <= sent; id++) stream.write({ id, quote });
  stream.end();
  const inFlight = async (): Promise<number> => {
    const { text } = await t.get('/metrics');
    return Number(/^mutuel_grpc_stream_requests_in_flight (\d+)/m.exec(text)?.[1] ?? 0);
  };
  for (let i = 0; i < 10; i++) expect(await inFlight()).toBeLessThanOrEqual(MAX_IN_FLIGHT);
  const ids: number[] = [];
  await new Promise<void>((resolve, reject) => {
    stream.on('data', ({ id }: Answer) => ids.push(id));
    stream.on('end', resolve);
    stream.on('error', reject);
  });
  expect(ids.sort((a, b) => a - b)).toEqual(Array.from({ length: sent }, (_, i) => i + 1));
});

test('a node that stops answers what it took, then sends its streams elsewhere', async () => {
  const own = await startTestSystem();
  const at = connect(own.system.grpcPort);
  const { accountId, token } = own.accounts[0] as { accountId: string; token: string };
  const race = await own.openRace();
  const { stream, answers, ended } = open(token, at);
  const ticket = place('4', accountId);
  const bets = [{ ...(ticket['bets'] as Message[])[0], poolId: `${race}-WIN` }];
  stream.write({ id: 1, place: { ...ticket, bets } });
  await expect.poll(() => answers.length).toBe(1);
  await own.stop();
  expect(await ended).toMatchObject({ code: 14 });
  expect(answers[0]?.ticket).toMatchObject({ status: 'ACCEPTED' });
  at.close();
});
