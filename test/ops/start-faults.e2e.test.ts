/**
 * Every way in which a start can be impossible: one line that says what is wrong and what to do, and an exit code of its own. The
 * programs are the built ones, the servers real ones of this suite's own.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs, { type Admin } from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, openLmdbLog } from '#mutuel/adapters';
import { TOPICS } from '#mutuel/contracts';
import { EXIT } from '#mutuel/platform';
import type { SqlDatabase } from '#mutuel/runtime';
import { up, wipe } from '../../infra/native/index.mjs';
import { ownRedis } from '../../libs/adapters/test/support/own-redis.js';
import { versionsOf3 } from '../infra/versions-answer.js';
import { type Ending, QUIET, RunningSystem, runToEnd } from '../trust/running-system.js';

const INSTANCE = 'start-faults';
const ROLE = (name: string): string => `dist/apps/${name}/src/main.js`;
const CLI = 'dist/apps/cli/src/main.js';
const KEYS = { SERVICE_KEY: 'ab'.repeat(32), TOKEN_KEY: 'cd'.repeat(32) };
const onWarning = (line: string): void => console.warn(line);

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'mutuel-start-'));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

const flags = (...more: string[]): string[] => ['--port', '0', '--data', data, ...more];
const isOneLine = ({ code, lines }: Ending, wanted: number, what: RegExp): void => {
  // Lines are JSON in production; how safe bets are is said in any case, before everything else.
  const said = lines
    .map((line) => (line.startsWith('{') ? (JSON.parse(line) as { message: string }).message : line))
    .filter((line) => !line.includes("bets are as safe as one machine's disk"));
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(what);
  expect(code).toBe(wanted);
};

describe('the embedded system says in one line that', () => {
  it.each([
    ['a flag is wrong', ['--prot', '1'], EXIT.SETTING, /^Unknown option '--prot'\. Known flags: /],
    ['the data folder is a file', ['--data', 'package.json'], EXIT.FOLDER, /is a file\): choose another with --data/],
    ['the data folder lies under /proc', ['--data', '/proc/mutuel/data'], EXIT.FOLDER, /nothing can be made there/],
    ['the data folder may not be written', ['--data', '/sys/mutuel'], EXIT.FOLDER, /this user may not/],
    ['the port may not be its own', ['--port', '70000'], EXIT.SETTING, /^--port or PORT must be a port/],
  ])('%s', async (_, args, code, what) => {
    isOneLine(await runToEnd({ args: [...flags(), ...args] }), code, what);
  });

  it.each([
    ['with its demo', [], EXIT.SETTING, /^The demo hands out tokens, .* start with --no-demo in production\.$/],
    ['on one machine alone', ['--no-demo'], EXIT.TOPICS, /^The embedded log is one machine .* --allow-single-node\.$/],
    [
      'without a key of seals',
      ['--no-demo', '--allow-single-node'],
      EXIT.SETTING,
      /^The key of seals .* must be named/,
    ],
  ])('production does not start %s', async (_, args, code, what) => {
    isOneLine(await runToEnd({ args: flags(...args), env: { ...KEYS, NODE_ENV: 'production' } }), code, what);
  });

  it('its port is busy, or the one that gRPC was given', async () => {
    const server = await listening(() => undefined);
    const port = String(portOf(server));
    const busy = (flag: string, folder: string): Promise<Ending> =>
      runToEnd({ args: ['--port', '0', '--data', join(data, folder), ...QUIET, flag, port] });
    const [http, grpc] = await Promise.all([busy('--port', 'http'), busy('--grpc-port', 'grpc')]);
    isOneLine(http, EXIT.PORT, /^Port \d+ is busy: choose/);
    isOneLine(grpc, EXIT.PORT, /^Port \d+ for gRPC cannot be used: .*EADDRINUSE/);
    server.close();
  });

  it('its folder is in use, and by whom', async () => {
    const system = await RunningSystem.start({ args: flags('--accounts', '2', ...QUIET) });
    const second = await runToEnd({ args: flags() });
    isOneLine(second, EXIT.FOLDER, new RegExp(`is in use by process ${system.pid}; stop it first`));
    const shards = ['--shards', '3'];
    expect(await system.stop()).toBe(0);
    isOneLine(
      await runToEnd({ args: flags(...shards) }),
      EXIT.PARTITIONS,
      /has 2 partitions of .*, not 3: start with 2/,
    );
  });

  it.each([
    ['is damaged', 'not a decision', EXIT.LOG, /offset 0: the record is not valid JSON\. Stop every writer/],
    ['is of a later release', '{"v":3}', EXIT.SCHEMA, /offset 0: its format 3 is newer .* Start the later release$/],
  ])('its decision log %s, and where', async (_, record, wanted, what) => {
    const topics = { [TOPICS.shardCommands]: 2, [TOPICS.shardDecisions]: 2 };
    const log = await openLmdbLog({ dir: data, topics, clock: Date, onWarning });
    const appender = await log.appender();
    await appender.append({ topic: TOPICS.shardDecisions, partition: 1 }, [Buffer.from(record)]);
    await log.close();
    const { code, lines } = await runToEnd({ args: flags(...QUIET) });
    expect(lines.at(-1)).toMatch(/shard\.decisions\[1\]/);
    expect(lines.at(-1)).toMatch(what);
    expect(code).toBe(wanted);
  });
});

describe('a role of the distributed system says in one line that', () => {
  let servers: Record<string, string>;
  let admin: Admin;
  let db: SqlDatabase;
  const end = (role: string, env: Record<string, string> = {}, nodeFlags: string[] = []): Promise<Ending> =>
    runToEnd({ program: ROLE(role), args: flags(), env: { ...servers, ...env }, nodeFlags });

  beforeAll(async () => {
    await wipe({ instance: INSTANCE });
    servers = { ...(await up({ instance: INSTANCE })) };
    const { KAFKA_BROKERS = '', DATABASE_URL = '' } = servers;
    admin = new kafkajs.Kafka({ brokers: KAFKA_BROKERS.split(','), logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
    db = await openDatabase({ url: DATABASE_URL, max: 1, onWarning });
  });
  afterAll(async () => {
    await admin?.disconnect();
    await db?.close();
    await wipe({ instance: INSTANCE });
  });

  it.each([
    ['KAFKA_BROKERS', '127.0.0.1:1', /^Kafka cannot be reached at 127\.0\.0\.1:1: /],
    ['DATABASE_URL', 'postgres://u:secret@127.0.0.1:1/d', /^PostgreSQL cannot be used at 127\.0\.0\.1:1\/d: /],
  ])('the server of %s is missing', async (name, address, what) => {
    const role = name === 'DATABASE_URL' ? 'projector' : 'odds';
    isOneLine(await end(role, { [name]: address }), EXIT.SERVER, what);
  });

  it.each([
    ['no address', () => 'redis://127.0.0.1:x', /^REDIS_URL is no address of a Redis: Invalid URL$/],
    ['one that Redis refuses', (url: string) => url.replace('//', '//:wrong@'), /^Redis at .* says: WRONGPASS /],
  ])('REDIS_URL is %s', async (_, wrong, what) => {
    const { url } = await ownRedis({ password: 'hush' });
    isOneLine(await end('odds', { REDIS_URL: wrong(url) }), EXIT.SETTING, what);
  });

  it.each([
    ['names a user that PostgreSQL does not let in', { username: 'nobody_here' }, /"nobody_here"/],
    ['names a database that is not there', { pathname: '/none' }, /database "none" does not exist$/],
  ])('DATABASE_URL %s, to a role and to the command line', async (_, change, what) => {
    const url = new URL(servers['DATABASE_URL'] ?? '');
    Object.assign(url, change);
    const env = { DATABASE_URL: url.href };
    const line = new RegExp(`^PostgreSQL at .* refuses what DATABASE_URL says: .*${what.source}`);
    isOneLine(await end('projector', env), EXIT.SETTING, line);
    isOneLine(
      await runToEnd({ program: CLI, args: ['lag', '--data', data], env: { ...servers, ...env } }),
      EXIT.SETTING,
      line,
    );
  });

  it('Kafka is too old', async () => {
    const old = await listening((socket) => socket.once('data', () => socket.write(versionsOf3())));
    const KAFKA_BROKERS = `127.0.0.1:${portOf(old)}`;
    isOneLine(await end('engine', { KAFKA_BROKERS }), EXIT.VERSION, /is older than Apache Kafka 4\.0: start 4\.0/);
    old.close();
  });

  it.each([
    ['the topics do not keep append times', { 'message.timestamp.type': 'CreateTime' }, /not its append time/],
    ['the topics are compacted', { 'cleanup.policy': 'compact' }, /cleanup\.policy is compact/],
    [
      'the log expires',
      { 'retention.ms': '604800000' },
      /records expire \(retention\.ms is 604800000, .* both must be -1\)/,
    ],
  ])('%s, even outside production', async (_, settings, what) => {
    await remake({ ...SAFE, ...settings });
    isOneLine(await end('engine'), EXIT.TOPICS, what);
  });

  it('the command line makes the topics, counts their partitions as the roles do, and says what is wrong with them', async () => {
    await remake({});
    // A young broker may make Kafka's client say something, too.
    const topics = async (what: string, env: Record<string, string> = {}): Promise<Ending> => {
      const { code, lines } = await runToEnd({ program: CLI, args: ['topics', what], env: { ...servers, ...env } });
      return { code, lines: lines.filter((line) => /^(TRUTH|DURABILITY|The topics)/.test(line)).sort() };
    };
    const absent = await topics('check');
    expect(absent.lines).toContain('TRUTH Topic shard.commands does not exist.');
    expect(absent.code).toBe(EXIT.TOPICS);
    const made = await topics('create', { SHARDS: '6' });
    // One broker: two sentences for each topic, and nothing else.
    expect(made.lines).toHaveLength(2 * Object.keys(TOPICS).length);
    for (const line of made.lines)
      expect(line).toMatch(/^DURABILITY Topic [\w.]+(?: has 1 replicas|: min\.insync\.replicas is 1)/);
    expect(made.code).toBe(EXIT.TOPICS);
    // Six shards, and nobody says so.
    expect(await topics('check')).toEqual(made);
    const other = await topics('check', { SHARDS: '4' });
    expect(other.lines).toContain('TRUTH Topic shard.commands has 6 partitions, not 4.');
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        { type: kafkajs.ConfigResourceTypes.TOPIC, name: TOPICS.marketDecisions, configEntries: EXPIRING },
        { type: kafkajs.ConfigResourceTypes.TOPIC, name: TOPICS.odds, configEntries: EXPIRING },
      ],
    });
    const expiring = await topics('check');
    // Ticks are made from decisions, and may go.
    expect(expiring.lines.filter((line) => line.includes('expire'))).toEqual([
      'TRUTH Topic market.decisions: its records expire (retention.ms is 86400000, retention.bytes is -1; both must be -1).',
    ]);
    expect((await runToEnd({ program: CLI, args: ['topics', 'check'] })).code).toBe(EXIT.SETTING);
  });

  it('one broker is not enough for production, unless it was told to live with that and then says so', async () => {
    await remake({});
    const env = { ...servers, ...KEYS, NODE_ENV: 'production' };
    const refused = await runToEnd({ program: ROLE('engine'), args: flags(), env });
    isOneLine(refused, EXIT.TOPICS, /1 replicas; 3 are needed.*min\.insync\.replicas is 1.*--allow-single-node\.$/);
    const args = flags('--allow-single-node');
    const engine = await RunningSystem.start({ program: ROLE('engine'), args, env });
    const answer = await fetch(`${engine.url}/health/ready`);
    expect(await answer.json()).toMatchObject({ durable: false, label: 'NOT DURABLE: single node' });
    expect(answer.headers.get('mutuel-durability')).toBe('single-node');
    expect(engine.said).toContain('NOT DURABLE');
    expect(await engine.stop()).toBe(0);
  });

  it('it is told another cluster epoch than the log is in', async () => {
    isOneLine(
      await end('engine', { CLUSTER_EPOCH: '2' }),
      EXIT.EPOCH,
      /is in cluster epoch 1, .* told 2: set CLUSTER_/,
    );
  });

  it('the clock of this machine is off', async () => {
    const later = 'data:text/javascript,const now=Date.now;Date.now=()=>now()+5000';
    isOneLine(
      await end('engine', {}, ['--import', later]),
      EXIT.CLOCK,
      // Less what the brokers take to write down when they were asked.
      /is (4\.[5-9]|5\.\d) s ahead of the log's: set both by NTP/,
    );
  });

  it('the read models know more than the log', async () => {
    const projector = await RunningSystem.start({ program: ROLE('projector'), args: flags(), env: servers });
    expect(await projector.stop()).toBe(0);
    await db.query(
      `insert into checkpoints (source, seq, head, at, lag_ms, checkpoint) values ('shard-2', 9000, '', 0, 0, '{"next":9001}')`,
    );
    for (const role of ['projector', 'bet-api', 'back-office'])
      isOneLine(await end(role), EXIT.CHECKPOINT, /read shard-2 up to offset 9001, its log ends at \d+: name the log/);
    await db.query('truncate checkpoints');
  });

  it('the database has the schema of a later release', async () => {
    await db.query(`insert into schema_migrations select max(position) + 1, '999-later', '' from schema_migrations`);
    isOneLine(await end('projector'), EXIT.SCHEMA, /schema is newer than this release: it has step 999-later; start/);
    await db.query(`delete from schema_migrations where id = '999-later'`);
  });

  it('the partitions of a topic were changed', async () => {
    isOneLine(await end('engine', { SHARDS: '2' }), EXIT.PARTITIONS, /has 4 partitions, not 2\. .* set SHARDS/);
    await admin.createPartitions({ topicPartitions: [{ topic: TOPICS.shardCommands, count: 8 }] });
    isOneLine(await end('engine'), EXIT.PARTITIONS, /shard\.decisions has 4 partitions, not 8\./);
    await admin.createPartitions({ topicPartitions: [{ topic: TOPICS.shardDecisions, count: 8 }] });
    isOneLine(await end('engine'), EXIT.PARTITIONS, /^The log was founded with 4 shards and now has 8: /);
  });

  const EXPIRING = [
    { name: 'message.timestamp.type', value: 'LogAppendTime' },
    { name: 'max.message.bytes', value: '8000000' },
    { name: 'retention.ms', value: '86400000' },
  ];
  const SAFE = {
    'message.timestamp.type': 'LogAppendTime',
    'cleanup.policy': 'delete',
    'max.message.bytes': '8000000',
    'retention.ms': '-1',
    'retention.bytes': '-1',
  };

  /** Makes the topics anew, empty; without settings the next role makes them. */
  async function remake(settings: Record<string, string>): Promise<void> {
    const ours = Object.values(TOPICS) as string[];
    const there = (await admin.listTopics()).filter((topic) => ours.includes(topic));
    if (there.length > 0) await admin.deleteTopics({ topics: there });
    const left = async () => (await admin.listTopics()).filter((topic) => ours.includes(topic));
    await expect.poll(left).toEqual([]);
    if (Object.keys(settings).length === 0) return;
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
    const partitionsOf = (topic: string): number => (topic.startsWith('shard.') ? 4 : 1);
    const topics = ours.map((topic) => ({ topic, numPartitions: partitionsOf(topic), configEntries }));
    await admin.createTopics({ waitForLeaders: true, topics });
  }
});

it('a setting that is printed shows no secret', async () => {
  const env = {
    ...KEYS,
    KAFKA_BROKERS: 'a:1',
    DATABASE_URL: 'postgres://u:hidden@h/d',
    REDIS_URL: 'redis://:hidden@h',
  };
  writeFileSync(join(data, 'untouched'), '');
  const { code, lines } = await runToEnd({ args: flags('--print-config'), env });
  expect(code).toBe(0);
  expect(JSON.parse(lines.join('\n'))).toMatchObject({
    serviceKey: '***',
    databaseUrl: 'postgres://u:***@h/d',
    redisUrl: 'redis://:***@h',
    data,
  });
  expect(lines.join('')).not.toMatch(/hidden|abab|cdcd/);
});

function listening(onConnection: (socket: import('node:net').Socket) => void): Promise<Server> {
  const server = createServer(onConnection);
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
