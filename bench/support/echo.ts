/**
 * The betting route of the real HTTP server with a constant answer behind it: the same parsing, authentication, validation, command
 * encoding and answer, and no log, no decision, no database. What the rest of the system adds is the difference to this.
 */
import type { DecisionRecord } from '#mutuel/contracts';
import { GENESIS } from '#mutuel/contracts';
import type { ShardEvent } from '#mutuel/engine';
import { Tokens } from '../../libs/platform/src/auth.js';
import { Betting } from '../../libs/platform/src/betting.js';
import { DemoAccess } from '../../libs/platform/src/demo-access.js';
import type { ShardDoor } from '../../libs/platform/src/doors.js';
import { type ApiParts, apiModule } from '../../libs/platform/src/http/api-module.js';
import { Gate } from '../../libs/platform/src/http/gate.js';
import { pageOf, startHttp } from '../../libs/platform/src/http/server.js';
import { Installation, Readiness } from '../../libs/platform/src/readiness.js';
import { RecentTickets } from '../../libs/platform/src/recent-tickets.js';
import { Metrics } from '../../libs/platform/src/telemetry/metrics.js';

const ACCOUNTS = 1_000;
const KEY = Buffer.alloc(32, 7);
const RACE = 'echo-R1-C1';
const RACES = [{ raceId: RACE, meetingId: 'echo', number: 1, name: 'Echo', status: 'OPEN' }];
const now = (): number => Date.now();

const hash = 'ab'.repeat(32);
const event = {
  t: 'TicketAccepted',
  ticket: 't0-1-0123456789ab',
  account: 'acc-1001',
  ref: '0198f3c2-0000-7000-8000-000000000000',
  body: 'ab'.repeat(8),
  blind: 'cd'.repeat(16),
  channel: 'web',
  currency: 'EUR',
  total: 100,
  balance: 999_900,
  bets: [{ no: 0, ref: 'a', pool: `${RACE}-WIN`, sel: '1', lines: 1, unit: 100, stake: 100, leaf: hash }],
  refused: [],
} as const satisfies ShardEvent;
const decision: DecisionRecord<ShardEvent> = {
  v: 1,
  kind: 'decision',
  src: 'shard-0',
  epoch: 1,
  seq: 1,
  in: [1, 0, 0],
  cid: '0'.repeat(32),
  inc: '1'.repeat(32),
  prev: GENESIS,
  at: now(),
  time: now(),
  events: [event],
  posts: [],
};
const answered = { kind: 'DECIDED', decision, hash, shard: 0 } as const;
const door: ShardDoor = { submit: () => Promise.resolve(answered), turnAway: () => undefined, recent: () => undefined };

const tokens = new Tokens(KEY, now);
const nothing = { ticket: async () => undefined, ticketByRef: async () => undefined };
const parts = {
  betting: new Betting({
    door,
    reads: nothing as unknown as ApiParts['reads'],
    odds: { latest: () => undefined },
    recent: new RecentTickets(),
    now,
  }),
  desk: {},
  quotes: {},
  racing: { allRaces: () => RACES, meetings: () => ({ meetings: [{ meetingId: 'echo', races: RACES }] }) },
  reads: nothing,
  operator: {},
} as unknown as ApiParts;
const metrics = new Metrics();
const readiness = new Readiness();
const installation = new Installation('ECHO', true);
const module = apiModule({
  readiness,
  installation,
  metrics,
  tokens,
  filter: { page: pageOf(undefined), onFault: (fault) => console.error(fault) },
  api: parts,
  doors: { betting: true, operator: false },
  demo: new DemoAccess(tokens, ACCOUNTS, 'EUR'),
});
const at = { host: '127.0.0.1', port: 0, metrics, readiness, installation: () => installation };
const gate = await Gate.stand(at);
const { port } = await startHttp({ module, metrics, gate, durable: true, consoleDir: undefined });
console.log(`Echo at http://127.0.0.1:${port}`);
