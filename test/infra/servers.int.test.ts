/** The native servers: repeatable, with the settings the log relies on, and never a danger to a process that is not theirs. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { down, env, type ServerAddresses, status, up, wipe } from '../../infra/native/index.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const instance = 'infra-test';

describe('an instance', () => {
  let addresses: ServerAddresses;

  beforeAll(async () => {
    await wipe({ instance });
    addresses = await up({ instance });
  });
  afterAll(() => wipe({ instance }));

  test('is left as it is by a second start', async () => {
    const before = status({ instance }).servers;
    expect(await up({ instance })).toEqual(addresses);
    expect(status({ instance }).servers).toEqual(before);
    expect(env({ instance })).toEqual(addresses);
  });

  test('listens where no outgoing connection of another program can take a port while its server is down', () => {
    const ports = status({ instance }).servers.map(({ port }) => port);
    expect(ports.filter((port) => port < 16_384 || port >= 32_768)).toEqual([]);
  });

  test('gets back a server that was killed at its address, however soon it is asked for; the others are left alone', async () => {
    const addressesBefore = env({ instance });
    for (let round = 0; round < 8; round++) {
      const before = status({ instance }).servers;
      process.kill(pidOf('redis', before), 'SIGKILL');
      // Without a pause: some threads of the killed process may still hold its port.
      while (status({ instance }).running);
      expect(await up({ instance })).toEqual(addressesBefore);
      const after = status({ instance }).servers;
      expect(pidOf('redis', after)).not.toBe(pidOf('redis', before));
      expect(pidOf('kafka-1', after)).toBe(pidOf('kafka-1', before));
    }
  });

  test('keeps its data and its ports through a stop', async () => {
    const addressesBefore = env({ instance });
    await settingsOfNewTopic(addresses);
    await query(addresses, 'create table if not exists kept as select 42 as answer');
    expect((await down({ instance })).sort()).toEqual(['kafka-1', 'postgres', 'redis']);
    expect(() => env({ instance })).toThrow('not running');
    expect(await up({ instance })).toEqual(addressesBefore);
    expect(await query(addresses, 'select answer from kept')).toEqual([{ answer: 42 }]);
    expect(await topics(addresses)).toContain('durable');
  });

  test('of three brokers gives topics the durability the log asks for', async () => {
    const cluster = await up({ instance, brokers: 3 });
    expect(cluster.KAFKA_BROKERS.split(',')).toHaveLength(3);
    expect(await settingsOfNewTopic(cluster)).toMatchObject({
      'min.insync.replicas': '2',
      'unclean.leader.election.enable': 'false',
      'message.timestamp.type': 'LogAppendTime',
      'cleanup.policy': 'delete',
      'retention.ms': '-1',
      'retention.bytes': '-1',
    });
  });
});

describe('stopping', () => {
  test('spares a process that has the pid but is not the one that was started', async () => {
    const folder = join(root, 'var', 'infra-foreign');
    const stranger = spawn('sleep', ['30']);
    mkdirSync(folder, { recursive: true });
    const servers = [{ name: 'redis', pid: stranger.pid, born: '1', port: 1, log: '', stopSignal: 'SIGTERM' }];
    writeFileSync(join(folder, 'state.json'), JSON.stringify({ servers, ports: {} }));
    expect(await wipe({ instance: 'foreign' })).toEqual([]);
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
    stranger.kill();
  });

  test('of what never ran says nothing and is no fault', async () => {
    expect(await down({ instance: 'never' })).toEqual([]);
  });
});

describe('the command line', () => {
  test.each([
    [['up', '--brokers', '2'], '--brokers is 1 or 3, not "2".'],
    [['up', '--instance', '../x'], '"../x" is no instance name: small letters, digits and dashes.'],
  ])('infra/servers.mjs %j: one clear line', (args, line) => {
    const run = spawnSync(process.execPath, [join(root, 'infra/servers.mjs'), ...args], { encoding: 'utf8' });
    expect({ status: run.status, error: run.stderr.trim() }).toEqual({ status: 1, error: line });
  });

  test('names all programs that are missing, a line each', () => {
    const run = spawnSync(process.execPath, [join(root, 'infra/servers.mjs'), 'up', '--instance', 'missing'], {
      encoding: 'utf8',
      env: { PATH: '/nowhere' },
    });
    expect(run.status).toBe(1);
    expect(run.stderr).toContain('Redis is missing: install the package "redis-server"');
    expect(run.stderr).toContain('Java is missing: install "default-jre-headless"');
    spawnSync(process.execPath, [join(root, 'infra/servers.mjs'), 'wipe', '--instance', 'missing']);
  });
});

function pidOf(name: string, servers: { name: string; pid: number }[]): number {
  return Number(servers.find((server) => server.name === name)?.pid);
}

async function settingsOfNewTopic(addresses: ServerAddresses): Promise<Record<string, string>> {
  return withAdmin(addresses, async (admin) => {
    await admin.createTopics({ topics: [{ topic: 'durable', numPartitions: 2 }], waitForLeaders: true });
    const answer = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: 'durable' }],
    });
    return Object.fromEntries(
      answer.resources.flatMap((each) => each.configEntries.map((entry) => [entry.configName, entry.configValue])),
    );
  });
}

function topics(addresses: ServerAddresses): Promise<string[]> {
  return withAdmin(addresses, (admin) => admin.listTopics());
}

async function withAdmin<T>(
  addresses: ServerAddresses,
  action: (admin: ReturnType<Kafka['admin']>) => Promise<T>,
): Promise<T> {
  const kafka = new Kafka({ brokers: addresses.KAFKA_BROKERS.split(','), logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await action(admin);
  } finally {
    await admin.disconnect();
  }
}

async function query(addresses: ServerAddresses, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: addresses.DATABASE_URL });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
