/**
 * Kafka behind TLS and behind passwords, PostgreSQL and Redis behind TLS, on servers of their own: the log does all there that it does
 * elsewhere, and what keeps a process out is one line with the code of a setting.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureKafkaTopics, type KafkaConnection, openDatabase, openKafkaLog, redisAdapters } from '#mutuel/adapters';
import { freePort, up, wipe } from '../../infra/native/index.mjs';
import { describeLog, type LogFixture } from '../../libs/adapters/test/log-features.js';
import { EXIT, openLogReader, readConfig } from '../../libs/platform/src/index.js';
import { kafkaOf } from '../../libs/platform/src/kafka-connection.js';
import { openSeams } from '../../libs/platform/src/seams.js';
import { versionsOf3 } from './versions-answer.js';

const INSTANCE = 'secured-servers';
const USER = { KAFKA_USER: 'mutuel', KAFKA_PASSWORD: 'hidden' };
const certificates = mkdtempSync(join(tmpdir(), 'mutuel-certificates-'));
const file = (name: string): string => join(certificates, name);
/** The broker's doors: without anything, by TLS, by TLS with a password. */
const doors = { plain: '', tls: '', named: '' };
let servers: Record<string, string>;

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: certificates, stdio: 'pipe' });
}

/** Two authorities, and a broker's certificate by the first. */
function makeCertificates(): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-sha256'];
  for (const name of ['ours', 'foreign'])
    openssl(
      'req',
      '-x509',
      ...key,
      '-subj',
      `/CN=${name}`,
      '-days',
      '2',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
    );
  openssl('req', ...key, '-subj', '/CN=broker', '-keyout', 'broker.key', '-out', 'broker.csr');
  writeFileSync(file('names'), 'subjectAltName=IP:127.0.0.1');
  const signing = ['-CA', 'ours.pem', '-CAkey', 'ours.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
  openssl('x509', '-req', '-in', 'broker.csr', ...signing, '-out', 'broker.crt');
  writeFileSync(
    file('broker.pem'),
    readFileSync(file('broker.key'), 'utf8') + readFileSync(file('broker.crt'), 'utf8'),
  );
}

beforeAll(async () => {
  await wipe({ instance: INSTANCE });
  makeCertificates();
  const [tls, named] = [await freePort(), await freePort()];
  servers = {
    ...(await up({
      instance: INSTANCE,
      doors: {
        listeners: [
          { name: 'SECRET', protocol: 'SSL', port: tls },
          { name: 'NAMED', protocol: 'SASL_SSL', port: named },
        ],
        settings: {
          'ssl.keystore.type': 'PEM',
          'ssl.keystore.location': file('broker.pem'),
          'listener.name.named.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
          'listener.name.named.scram-sha-512.sasl.jaas.config':
            'org.apache.kafka.common.security.scram.ScramLoginModule required;',
        },
        formatting: ['--add-scram', `SCRAM-SHA-512=[name=${USER.KAFKA_USER},password=${USER.KAFKA_PASSWORD}]`],
      },
    })),
  };
  const { KAFKA_BROKERS = '' } = servers;
  Object.assign(doors, { plain: KAFKA_BROKERS, tls: `127.0.0.1:${tls}`, named: `127.0.0.1:${named}` });
});
afterAll(async () => {
  await wipe({ instance: INSTANCE });
  rmSync(certificates, { recursive: true });
});

const configOf = (KAFKA_BROKERS: string, env: Record<string, string> = {}) =>
  readConfig({ args: [], env: { ...servers, KAFKA_BROKERS, ...env }, demoByDefault: false });

const openFixture = async (): Promise<LogFixture> => {
  const config = configOf(doors.named, { KAFKA_CA_FILE: file('ours.pem'), ...USER });
  // A broker encrypts slowly at the compiler level that suits a start.
  const to = { ...(kafkaOf(config, 'test', () => undefined) as KafkaConnection), requestTimeoutMs: 60_000 };
  const topic = `test-${randomBytes(6).toString('hex')}`;
  await ensureKafkaTopics({ ...to, topics: { [topic]: 3 }, replication: 1, minInsync: 1 });
  const log = await openKafkaLog(to);
  return { log, topic, reopen: () => openKafkaLog(to), dispose: () => log.close() };
};

describeLog('Kafka by TLS with a password', openFixture);

describe('A process at a secured Kafka', () => {
  /** As each role does before anything else. */
  async function start(brokers: string, env: Record<string, string>, warnings: string[] = []): Promise<number> {
    const seams = await openSeams(configOf(brokers, env), 'engine', (line) => warnings.push(line));
    const { shards } = seams;
    await seams.close();
    return shards;
  }

  it('starts by TLS, and with a password behind it', async () => {
    const KAFKA_CA_FILE = file('ours.pem');
    expect(await start(doors.tls, { KAFKA_CA_FILE })).toBe(4);
    expect(await start(doors.named, { KAFKA_CA_FILE, ...USER })).toBe(4);
  });

  it.each<[string, keyof typeof doors, () => Record<string, string>, RegExp]>([
    [
      'knows another authority',
      'tls',
      () => ({ KAFKA_CA_FILE: file('foreign.pem') }),
      /^The certificate of Kafka at \S+ is not trusted \(.+\): name the authority .* KAFKA_CA_FILE/,
    ],
    [
      'knows the authorities of Node alone',
      'tls',
      () => ({ KAFKA_TLS: 'on' }),
      /^The certificate of Kafka at \S+ is not trusted \(.+\): name the authority .* KAFKA_CA_FILE/,
    ],
    [
      'has a wrong password',
      'named',
      () => ({ KAFKA_CA_FILE: file('ours.pem'), ...USER, KAFKA_PASSWORD: 'wrong' }),
      /^Kafka at \S+ does not let this process in \(.+\): set KAFKA_USER, its password and KAFKA_SASL/,
    ],
    [
      'has another mechanism',
      'named',
      () => ({ KAFKA_CA_FILE: file('ours.pem'), ...USER, KAFKA_SASL: 'plain' }),
      /^Kafka at \S+ does not let this process in \(.+\): set KAFKA_USER, its password and KAFKA_SASL/,
    ],
    [
      'gives a name where Kafka asks for none',
      'tls',
      () => ({ KAFKA_CA_FILE: file('ours.pem'), ...USER }),
      /^Kafka at \S+ does not let this process in \(.+\): set KAFKA_USER, its password and KAFKA_SASL/,
    ],
    ['does not speak TLS where Kafka does', 'tls', () => ({}), /^Kafka at \S+ speaks TLS alone: set KAFKA_CA_FILE/],
    [
      'speaks TLS where Kafka does not',
      'plain',
      () => ({ KAFKA_CA_FILE: file('ours.pem') }),
      /^Kafka at \S+ does not speak TLS: name its port for TLS/,
    ],
  ])('says in one line that it %s', async (_, door, env, what) => {
    const warnings: string[] = [];
    const refusal = { lines: [expect.stringMatching(what) as string], exitCode: EXIT.SETTING };
    await expect(start(doors[door], env(), warnings)).rejects.toMatchObject(refusal);
    expect(warnings).toEqual([]);
    await expect(openLogReader(configOf(doors[door], env()), () => undefined)).rejects.toMatchObject(refusal);
  });

  it('says in one line that it gives no name and may be asked for one', async () => {
    await expect(start(doors.named, { KAFKA_CA_FILE: file('ours.pem') })).rejects.toMatchObject({
      lines: [expect.stringMatching(/^Kafka cannot be reached at \S+: .+ If it asks who is there, set KAFKA_USER/)],
      exitCode: EXIT.SERVER,
    });
  });

  it('says in one line that a broker behind TLS is too old', async () => {
    const secret = { key: readFileSync(file('broker.key')), cert: readFileSync(file('broker.crt')) };
    const old = createServer(secret, (socket) => socket.once('data', () => socket.write(versionsOf3())));
    await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
    const broker = `127.0.0.1:${(old.address() as AddressInfo).port}`;
    await expect(start(broker, { KAFKA_CA_FILE: file('ours.pem') })).rejects.toMatchObject({
      ...{ lines: [expect.stringMatching(/is older than Apache Kafka 4\.0: start 4\.0/)], exitCode: EXIT.VERSION },
    });
    old.close();
  });
});

describe('PostgreSQL by TLS', () => {
  const byTls = (settings: string): string => `${servers['DATABASE_URL']}?${settings}`;
  const opened = (url: string) => openDatabase({ url, max: 1, onWarning: () => undefined });

  it('is refused as a setting where it does not speak TLS', async () => {
    await expect(opened(byTls('sslmode=verify-full'))).rejects.toMatchObject({
      ...{
        name: 'SetupFault',
        kind: 'SETTING',
        message: expect.stringMatching(/refuses what DATABASE_URL says: .*SSL/),
      },
    });
  });

  it('lets in whoever names the authority that signed it, and is refused as a setting by all others', async () => {
    const plain = await opened(servers['DATABASE_URL'] ?? '');
    const [{ data_directory: data } = { data_directory: '' }] = await plain.query<{ data_directory: string }>(
      'show data_directory',
    );
    // The server reads its key only where nobody else may.
    const { uid, gid } = statSync(data);
    for (const name of ['broker.crt', 'broker.key']) {
      copyFileSync(file(name), join(data, name));
      chownSync(join(data, name), uid, gid);
      chmodSync(join(data, name), 0o600);
    }
    for (const [key, value] of Object.entries({ cert: 'broker.crt', key: 'broker.key' }))
      await plain.query(`alter system set ssl_${key}_file = '${value}'`);
    await plain.query('alter system set ssl = on');
    await plain.query('select pg_reload_conf()');
    await plain.close();
    const trusting = await opened(byTls(`sslmode=verify-full&sslrootcert=${file('ours.pem')}`));
    const bySecret = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';
    expect(await trusting.query(bySecret)).toEqual([{ ssl: true }]);
    await trusting.close();
    for (const settings of ['sslmode=verify-full', `sslmode=verify-full&sslrootcert=${file('foreign.pem')}`])
      await expect(opened(byTls(settings))).rejects.toMatchObject({
        ...{ name: 'SetupFault', kind: 'SETTING' },
        message: expect.stringMatching(/^PostgreSQL at \S+ refuses what DATABASE_URL says: .*certificate/),
      });
  });
});

describe('Redis by TLS', () => {
  it('is a fault of the setting where its certificate is not trusted: the server is there', async () => {
    const { openRedisCache } = await redisAdapters();
    const port = await freePort();
    const admin = createClient({ url: servers['REDIS_URL'] ?? '' });
    await admin.connect();
    for (const [key, value] of Object.entries({ 'cert-file': file('broker.crt'), 'key-file': file('broker.key') }))
      await admin.sendCommand(['CONFIG', 'SET', `tls-${key}`, value, 'tls-auth-clients', 'no']);
    await admin.sendCommand(['CONFIG', 'SET', 'tls-port', String(port)]);
    await admin.close();
    const opening = openRedisCache({ url: `rediss://127.0.0.1:${port}`, onWarning: () => undefined });
    await expect(opening).rejects.toMatchObject({
      ...{ name: 'SetupFault', kind: 'SETTING' },
      message: expect.stringMatching(/^Redis at \S+ refuses what REDIS_URL says: .*certificate/),
    });
  });
});
