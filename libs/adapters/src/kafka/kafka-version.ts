/**
 * Whether the broker is one this system was proved on. It asks for the protocol's own table of versions before the client library
 * speaks, since that one meets a broker it does not understand with an error of its own. It must never refuse for want of an answer.
 */
import { SetupFault } from '../setup-fault.js';
import { askVersions } from './broker-probe.js';
import type { KafkaConnection } from './client.js';

const FETCH = 1;
/** Apache Kafka 4.0 took the first four versions of Fetch away (KIP-896); every earlier broker still offers version 0. */
const FIRST_FETCH_OF_4_0 = 4;

/** Throws `SetupFault` (`VERSION`) where the first broker that answers is older than 4.0; encrypted connections are not asked. */
export async function requireKafkaVersion({ brokers, security }: KafkaConnection): Promise<void> {
  if (security !== undefined) return;
  for (const broker of brokers) {
    const answer = await askVersions(broker);
    if (answer === undefined) continue;
    const oldest = oldestFetch(answer);
    if (oldest === undefined || oldest >= FIRST_FETCH_OF_4_0) return;
    throw new SetupFault('VERSION', `The broker at ${broker} is older than Apache Kafka 4.0: start 4.0 or later.`);
  }
}

/** Correlation id, error code, then a list of (api, oldest version, newest version). */
function oldestFetch(answer: Buffer): number | undefined {
  if (answer.length < 10) return undefined;
  const count = answer.readInt32BE(6);
  for (let at = 10; at + 6 <= answer.length && at < 10 + 6 * count; at += 6)
    if (answer.readInt16BE(at) === FETCH) return answer.readInt16BE(at + 2);
  return undefined;
}
