/**
 * Apache Kafka from its own jars (KRaft, no container): one node for development, three with replication 3 for the durability
 * tests. The settings are those the event log relies on: append time as record time, no unclean election, delete-only cleanup
 * and no retention limit, so that the broker never drops a decision by itself.
 */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask, findProgram, InfraError, untilReady } from './process.mjs';

const pomFile = fileURLToPath(new URL('../kafka/pom.xml', import.meta.url));
const logSettings = fileURLToPath(new URL('../kafka/log4j2.xml', import.meta.url));
const version = /<kafka\.version>([^<]+)</.exec(readFileSync(pomFile, 'utf8'))[1];
const jars = join(cacheFolder(), `kafka-${version}`);

/** Where downloads are kept between runs and clones. */
export function cacheFolder() {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'mutuel');
}

/** Brings the broker's jars into the cache folder, once per version of the pom. */
export function provideJars() {
  const stamp = join(jars, '.pom-sha256');
  const wanted = createHash('sha256').update(readFileSync(pomFile)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const maven = findProgram('mvn');
  if (maven === null)
    throw new InfraError('Maven is missing: install the package "maven" (or run `npm run provision`).');
  // A folder of our own first, then one rename: two starts at a time never see half a set of jars.
  const coming = `${jars}.${process.pid}`;
  mkdirSync(coming, { recursive: true });
  const args = [
    '-q',
    '-B',
    '-f',
    pomFile,
    'dependency:copy-dependencies',
    '-DincludeScope=runtime',
    `-DoutputDirectory=${coming}`,
  ];
  const run = spawnSync(maven, args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  if (run.status !== 0) {
    rmSync(coming, { recursive: true, force: true });
    throw new InfraError(`The jars of Kafka ${version} cannot be fetched: ${firstErrorOf(run.stdout + run.stderr)}`);
  }
  writeFileSync(join(coming, '.pom-sha256'), wanted);
  rmSync(jars, { recursive: true, force: true });
  renameSync(coming, jars);
}

/** The servers of a cluster by name; each has a port of its name and another one with `-controller` behind it. */
export function kafkaNodeNames(brokers) {
  return Array.from({ length: brokers }, (_, index) => `kafka-${index + 1}`);
}

/**
 * Starts all nodes and waits until each of them answers and knows all the others. `doors` are further listeners of a single node
 * (name, protocol and port), with the settings they need and what their users are made with when the storage is prepared.
 */
export async function startKafka({ folder, brokers, ports, start, doors }) {
  const java = findProgram('java', process.env.JAVA_HOME ? [join(process.env.JAVA_HOME, 'bin')] : []);
  if (java === null)
    throw new InfraError('Java is missing: install "default-jre-headless", 17 or later (or run `npm run provision`).');
  provideJars();
  const nodes = kafkaNodeNames(brokers).map((name, index) => ({
    id: index + 1,
    name,
    port: ports[name],
    controllerPort: ports[`${name}-controller`],
    // A second door for clients, who are told another address than the one it listens on: what stands between is theirs to place.
    behindPort: ports[`${name}-behind`],
    proxyPort: ports[`${name}-proxy`],
    folder: join(folder, `of-${brokers}`, `node-${index + 1}`),
    listeners: doors?.listeners ?? [],
    settings: doors?.settings ?? {},
    formatting: doors?.formatting ?? [],
  }));
  const clusterId = clusterIdIn(join(folder, `of-${brokers}`));
  for (const node of nodes) prepareNode({ java, node, nodes, clusterId });
  const servers = nodes.map((node) => start(nodeProcess(java, node)));
  await Promise.all(servers.map((server) => untilReady(server, () => knowsBrokers(server.port, brokers))));
  return nodes.map((node) => `127.0.0.1:${node.port}`).join(',');
}

function nodeProcess(java, node) {
  return {
    name: node.name,
    command: java,
    args: [...jvmOptions, 'kafka.Kafka', join(node.folder, 'server.properties')],
    logFile: join(node.folder, 'server.log'),
    port: node.port,
  };
}

/**
 * A small serial heap with the quick compiler only: steady right after a start, on two cores shared with everything else. What runs for
 * long does better with `-XX:TieredStopAtLevel=4`; KAFKA_OPTS, Kafka's own variable, wins over these.
 */
const jvmOptions = [
  '-XX:+UseSerialGC',
  '-Xmx256m',
  '-XX:TieredStopAtLevel=1',
  '-Djava.awt.headless=true',
  `-Dlog4j2.configurationFile=${logSettings}`,
  ...(process.env.KAFKA_OPTS ?? '').split(' ').filter((option) => option !== ''),
  '-cp',
  join(jars, '*'),
];

function prepareNode({ java, node, nodes, clusterId }) {
  const data = join(node.folder, 'data');
  const settings = join(node.folder, 'server.properties');
  mkdirSync(data, { recursive: true });
  writeFileSync(settings, propertiesOf({ node, nodes, data }));
  if (readdirSync(data).includes('meta.properties')) return;
  const args = [
    ...jvmOptions,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    clusterId,
    '-c',
    settings,
    '--ignore-formatted',
    ...node.formatting,
  ];
  const run = spawnSync(java, args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  if (run.status !== 0)
    throw new InfraError(`Kafka's storage cannot be prepared in ${data}: ${firstErrorOf(run.stderr + run.stdout)}`);
}

function propertiesOf({ node, nodes, data }) {
  const replicas = nodes.length;
  const insync = replicas > 1 ? 2 : 1;
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'log.dirs': data,
    listeners: `PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}${behind(node, node.behindPort)}${further(node)}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.port}${behind(node, node.proxyPort)}${further(node)}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': [
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,BEHIND:PLAINTEXT',
      ...node.listeners.map(({ name, protocol }) => `${name}:${protocol}`),
    ].join(),
    'controller.quorum.voters': nodes.map((each) => `${each.id}@127.0.0.1:${each.controllerPort}`).join(','),
    // What the event log relies on.
    'log.message.timestamp.type': 'LogAppendTime',
    'log.cleanup.policy': 'delete',
    'log.retention.ms': -1,
    'log.retention.bytes': -1,
    'unclean.leader.election.enable': false,
    'auto.create.topics.enable': false,
    'default.replication.factor': replicas,
    'min.insync.replicas': insync,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': insync,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': insync,
    'offsets.topic.num.partitions': 4,
    // A takeover within two seconds: the defaults are 6 s and 3 s.
    'group.min.session.timeout.ms': 500,
    'group.initial.rebalance.delay.ms': 0,
    'broker.heartbeat.interval.ms': 500,
    'broker.session.timeout.ms': 3000,
    // Small, for a machine that runs everything at once.
    'num.network.threads': 2,
    'num.io.threads': 4,
    'log.cleaner.dedupe.buffer.size': 4_194_304,
    ...node.settings,
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

const behind = (node, port) => (node.behindPort === undefined ? '' : `,BEHIND://127.0.0.1:${port}`);

const further = ({ listeners }) => listeners.map(({ name, port }) => `,${name}://127.0.0.1:${port}`).join('');

/** A cluster's id is made once and kept beside its data: a node refuses to start on data of another cluster. */
function clusterIdIn(folder) {
  const file = join(folder, 'cluster-id');
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    // A leading dash would be read as an option by the storage tool.
    writeFileSync(file, randomBytes(16).toString('base64url').replace(/^-/, 'm'));
  }
  return readFileSync(file, 'utf8');
}

/** Asks for the cluster's metadata (version 4, no topics) and compares the number of live brokers in the answer. */
async function knowsBrokers(port, count) {
  const clientId = Buffer.from('probe');
  const body = Buffer.alloc(8 + 2 + clientId.length + 4 + 1);
  body.writeInt16BE(3, 0); // Metadata
  body.writeInt16BE(4, 2);
  body.writeInt32BE(1, 4); // correlation id
  body.writeInt16BE(clientId.length, 8);
  clientId.copy(body, 10); // then: no topics (int32 0), no auto creation (boolean false)
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  const answer = await ask(port, Buffer.concat([size, body]));
  // size, correlation id, throttle time, then the number of brokers
  return answer !== null && answer.length >= 16 && answer.readInt32BE(12) === count;
}

function firstErrorOf(output) {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => /ERROR|Exception/.test(line)) ?? lines[0] ?? 'no output';
}
