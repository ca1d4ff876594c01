/**
 * The first connection of whoever goes to Kafka: whether its brokers are there, let this process in and are of a release that the
 * system was proved on. It asks for the protocol's own table of versions before the client library speaks, since that one meets a
 * broker that it does not understand with an error of its own. It must never refuse for want of an answer.
 */
import type { Admin, Kafka } from 'kafkajs';
import { ServerLost } from '../server-lost.js';
import { SetupFault } from '../setup-fault.js';
import { askVersions, type NoAnswer } from './broker-probe.js';
import { type KafkaConnection, kafkaClient } from './client.js';
import { typeOf } from './kafka-appender.js';

const FETCH = 1;
/** Apache Kafka 4.0 took the first four versions of Fetch away (KIP-896); every earlier broker still offers version 0. */
const FIRST_FETCH_OF_4_0 = 4;

/** Throws one clear line: `SetupFault` where somebody has to mend a setting or a broker, `ServerLost` where it may be tried again. */
export async function connectAdmin(connection: KafkaConnection): Promise<{ kafka: Kafka; admin: Admin }> {
  await requireUnderstood(connection);
  // What the library says while it tries is in the one line, or of no use any more.
  let isOpen = false;
  const onWarning = (line: string): void => (isOpen ? connection.onWarning(line) : undefined);
  const kafka = kafkaClient({ ...connection, onWarning });
  const admin = kafka.admin();
  try {
    await admin.connect();
    // Connected is who was told the versions; a door for names shuts at the first question after that.
    await admin.describeCluster();
  } catch (cause) {
    await admin.disconnect().catch(() => undefined);
    throw refusalOf(connection, cause as Error);
  }
  isOpen = true;
  return { kafka, admin };
}

function refusalOf({ brokers, security }: KafkaConnection, cause: Error): SetupFault | ServerLost {
  const { name, message } = cause;
  const where = brokers.join(', ');
  if (name.startsWith('KafkaJSSASL') || typeOf(cause)?.includes('SASL')) {
    const advice = 'set KAFKA_USER, its password and KAFKA_SASL to what the brokers know';
    return new SetupFault('SETTING', `Kafka at ${where} does not let this process in (${message}): ${advice}.`, {
      cause,
    });
  }
  const hint = security?.sasl ? '' : '. If it asks who is there, set KAFKA_USER and its password';
  return new ServerLost(`Kafka cannot be reached at ${where}: ${message}${isClosed(cause) ? hint : ''}`, { cause });
}

const isClosed = (fault: unknown): boolean =>
  fault instanceof Error && (fault.name === 'KafkaJSConnectionClosedError' || isClosed(fault.cause));

/** By the first broker that answers; where none does, by what is in the way of it. */
async function requireUnderstood({ brokers, security }: KafkaConnection): Promise<void> {
  const answers = brokers.map(async (broker) => ({ broker, answer: await askVersions(broker, security?.ssl) }));
  const first = await Promise.any(answers).catch(({ errors }: AggregateError) => errors as readonly NoAnswer[]);
  if (!('answer' in first)) return refuseSettings(first, Boolean(security?.ssl));
  const oldest = oldestFetch(first.answer);
  if (oldest === undefined || oldest >= FIRST_FETCH_OF_4_0) return;
  throw new SetupFault('VERSION', `The broker at ${first.broker} is older than Apache Kafka 4.0: start 4.0 or later.`);
}

/** Whether the brokers would answer to another setting. Nothing is said to them that anybody may not hear. */
async function refuseSettings(faults: readonly NoAnswer[], byTls: boolean): Promise<void> {
  const untrusted = faults.find(({ isUntrusted }) => isUntrusted);
  if (untrusted)
    throw new SetupFault(
      'SETTING',
      `The certificate of Kafka at ${untrusted.broker} is not trusted (${untrusted.message}): name the authority that signed it in KAFKA_CA_FILE, and the broker as its certificate does.`,
    );
  const other = byTls ? undefined : { rejectUnauthorized: false };
  const others = faults.map(({ broker }) => askVersions(broker, other).then(() => broker));
  const broker = await Promise.any(others).catch(() => undefined);
  if (broker === undefined) return;
  const advice = byTls
    ? 'does not speak TLS: name its port for TLS in KAFKA_BROKERS, or set neither KAFKA_CA_FILE nor KAFKA_TLS.'
    : 'speaks TLS alone: set KAFKA_CA_FILE, or KAFKA_TLS to on.';
  throw new SetupFault('SETTING', `Kafka at ${broker} ${advice}`);
}

/** Correlation id, error code, then a list of (api, oldest version, newest version). */
function oldestFetch(answer: Buffer): number | undefined {
  if (answer.length < 10) return undefined;
  const count = answer.readInt32BE(6);
  for (let at = 10; at + 6 <= answer.length && at < 10 + 6 * count; at += 6)
    if (answer.readInt16BE(at) === FETCH) return answer.readInt16BE(at + 2);
  return undefined;
}
