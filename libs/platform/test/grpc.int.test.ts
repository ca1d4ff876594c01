/** Betting over gRPC with a real client: the same answers as over HTTP, deadlines, statuses with details, health and reflection. */
import { credentials, loadPackageDefinition, Metadata, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { service as healthService } from 'grpc-health-check';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROTO_FILE } from '../src/grpc/server.js';
import { startTestSystem, type TestSystem, until } from './support/system.js';

type Message = Record<string, unknown>;
type Call = (
  request: Message,
  metadata: Metadata,
  options: { deadline?: number },
  done: (fault: ServiceError | null, answer: Message) => void,
) => void;

let t: TestSystem;
let raceId: string;
let client: Record<string, Call> & { close(): void };
let address: string;

beforeAll(async () => {
  t = await startTestSystem();
  raceId = await t.openRace();
  address = `127.0.0.1:${t.system.grpcPort}`;
  const loaded = loadPackageDefinition(loadSync(PROTO_FILE, { longs: Number }));
  const { Betting } = (
    loaded['mutuel'] as unknown as { v1: { Betting: new (at: string, with_: unknown) => typeof client } }
  ).v1;
  client = new Betting(address, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await t.stop();
});

function call(
  name: string,
  request: Message,
  token?: string,
  deadline: number | undefined = Date.now() + 10_000,
): Promise<Message> {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  const options = deadline === 0 ? {} : { deadline };
  return new Promise((resolve, reject) => {
    (client[name] as Call).call(client, request, metadata, options, (fault, answer) =>
      fault ? reject(fault) : resolve(answer),
    );
  });
}
const mine = () => t.accounts[3] as { accountId: string; token: string };
const ticket = (runner: string): Message => ({
  ticketRef: v7(),
  accountId: mine().accountId,
  currency: 'EUR',
  bets: [
    {
      betRef: 'a',
      poolId: `${raceId}-WIN`,
      form: 'STRAIGHT',
      columns: [{ runners: [runner] }],
      unitStake: 300,
      stake: 300,
    },
  ],
});

test('a ticket is placed, replayed, looked up over HTTP, and cancelled', async () => {
  const request = ticket('5');
  const placed = await call('Place', request, mine().token);
  expect(placed).toMatchObject({
    status: 'ACCEPTED',
    totalStake: 300,
    replayed: false,
    bets: [{ lines: 1, stake: 300 }],
  });
  expect(await call('Place', request, mine().token)).toMatchObject({ ticketId: placed['ticketId'], replayed: true });
  const view = await t.get(`/v1/tickets/${String(placed['ticketId'])}`, mine().token);
  expect(view.body).toMatchObject({ ticketRef: request['ticketRef'], status: 'ACCEPTED' });
  const { accountId, token } = mine();
  expect(await call('LookUp', { accountId, ticketRef: request['ticketRef'] }, token)).toMatchObject({
    ticketId: placed['ticketId'],
  });
  const cancelled = await call('Cancel', { ticketId: placed['ticketId'], reason: 'a slip' }, token);
  expect(cancelled).toMatchObject({ ticketId: placed['ticketId'], refunded: 300 });
});

test('every answer of a log that one machine keeps says so, a refusal too', async () => {
  const marks = await Promise.all(
    ['5', '99'].map(
      (runner) =>
        new Promise((resolve) => {
          const metadata = new Metadata();
          metadata.set('authorization', `Bearer ${mine().token}`);
          const place = client['Place'] as unknown as (...args: unknown[]) => NodeJS.EventEmitter;
          place
            .call(client, ticket(runner), metadata, { deadline: Date.now() + 10_000 }, () => undefined)
            .on('metadata', (told: Metadata) => resolve(told.get('mutuel-durability')));
        }),
    ),
  );
  expect(marks).toEqual([['single-node'], ['single-node']]);
});

test('a quote tells lines and cost', async () => {
  const bets = [{ poolId: `${raceId}-TRIFECTA`, form: 'BOX', runners: ['1', '2', '3'], unitStake: 200 }];
  expect(await call('Quote', { currency: 'EUR', bets }, mine().token)).toMatchObject({ lines: 6, cost: 1_200 });
});

test.each([
  ['no deadline', () => ticket('1'), true, 0, 3, 'MALFORMED'],
  ['no token', () => ticket('1'), false, undefined, 16, 'NOT_AUTHENTICATED'],
  ['an unknown runner', () => ticket('77'), true, undefined, 9, 'INVALID_SELECTION'],
  ['another account', () => ({ ...ticket('1'), accountId: 'acc-1001' }), true, undefined, 7, 'NOT_AUTHORIZED'],
  ['a reference that is none', () => ({ ...ticket('1'), ticketRef: 'x' }), true, undefined, 3, 'REF_INVALID'],
])('%s is a status with code, retry and details', async (_what, request, withToken, deadline, code, problem) => {
  const fault = await call('Place', request(), withToken ? mine().token : undefined, deadline).then(
    () => undefined,
    (one: ServiceError) => one,
  );
  expect(fault?.code).toBe(code);
  expect(fault?.metadata.get('code')).toEqual([problem]);
  expect(['NEVER', 'SAME_KEY', 'NEW_KEY']).toContain(String(fault?.metadata.get('retry')[0]));
  const details = String(fault?.metadata.get('grpc-status-details-bin')[0]);
  expect(details).toContain('type.googleapis.com/google.rpc.ErrorInfo');
  expect(details).toContain(problem);
});

test('health says SERVING, at the latest a look after all is ready', async () => {
  const { Client } = await import('@grpc/grpc-js');
  const health = new Client(address, credentials.createInsecure());
  const { Check } = healthService as unknown as Record<
    string,
    { path: string; requestSerialize: (v: object) => Buffer; responseDeserialize: (b: Buffer) => Message }
  >;
  const ask = (): Promise<Message> =>
    new Promise((resolve, reject) => {
      if (!Check) return reject(new Error('no Check'));
      health.makeUnaryRequest(
        Check.path,
        Check.requestSerialize,
        Check.responseDeserialize,
        { service: 'mutuel.v1.Betting' },
        (fault, found) => (fault ? reject(fault) : resolve(found as Message)),
      );
    });
  await until(async () => (await ask())['status'] === 'SERVING');
  expect((await ask())['status']).toBe('SERVING');
  health.close();
});

test('reflection names the service', async () => {
  const { ServerReflection } = reflection();
  const asking = new ServerReflection(address, credentials.createInsecure());
  const stream = asking.ServerReflectionInfo();
  const names = await new Promise<string[]>((resolve, reject) => {
    stream.on('data', (answer: { listServicesResponse?: { service: { name: string }[] } }) =>
      resolve((answer.listServicesResponse?.service ?? []).map(({ name }) => name)),
    );
    stream.on('error', reject);
    stream.write({ host: '', listServices: '*' });
  });
  stream.end();
  asking.close();
  expect(names).toContain('mutuel.v1.Betting');
});

interface ReflectionClient {
  ServerReflectionInfo(): {
    on(event: string, then: (value: never) => void): void;
    write(message: object): void;
    end(): void;
  };
  close(): void;
}

function reflection(): { ServerReflection: new (at: string, with_: unknown) => ReflectionClient } {
  const file = new URL(
    '../../../node_modules/@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto',
    import.meta.url,
  );
  const loaded = loadPackageDefinition(loadSync(file.pathname, {}));
  const { v1 } = (loaded['grpc'] as unknown as { reflection: { v1: object } }).reflection;
  return v1 as ReturnType<typeof reflection>;
}
