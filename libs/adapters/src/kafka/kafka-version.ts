/**
 * Whether the broker is one this system was proved on. It asks for the protocol's own table of versions before the client library
 * speaks, since that one meets a broker it does not understand with an error of its own. It must never refuse for want of an answer.
 */
import net from 'node:net';
import { SetupFault } from '../setup-fault.js';
import type { KafkaConnection } from './client.js';

const API_VERSIONS = 18;
const FETCH = 1;
/** Apache Kafka 4.0 took the first four versions of Fetch away (KIP-896); every earlier broker still offers version 0. */
const FIRST_FETCH_OF_4_0 = 4;
const PATIENCE_MS = 3_000;

/** Throws `SetupFault` (`VERSION`) where the first broker that answers is older than 4.0; encrypted connections are not asked. */
export async function requireKafkaVersion({ brokers, security }: KafkaConnection): Promise<void> {
  if (security !== undefined) return;
  for (const broker of brokers) {
    const answer = await ask(broker);
    if (answer === undefined) continue;
    const oldest = oldestFetch(answer);
    if (oldest === undefined || oldest >= FIRST_FETCH_OF_4_0) return;
    throw new SetupFault('VERSION', `The broker at ${broker} is older than Apache Kafka 4.0: start 4.0 or later.`);
  }
}

/** The body of the answer to ApiVersions in its version 0; undefined where nobody answers it. */
function ask(broker: string): Promise<Buffer | undefined> {
  const [host = '', port = ''] = broker.split(/:(?=\d+$)/);
  return new Promise((resolve) => {
    const socket = net.connect({ host, port: Number(port) });
    const parts: Buffer[] = [];
    const end = (answer: Buffer | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PATIENCE_MS, () => end(undefined));
    socket.once('error', () => end(undefined));
    socket.once('close', () => end(undefined));
    socket.on('data', (part) => {
      parts.push(part);
      const all = Buffer.concat(parts);
      if (all.length >= 4 && all.length >= 4 + all.readInt32BE(0)) end(all.subarray(4));
    });
    socket.write(question());
  });
}

function question(): Buffer {
  const body = Buffer.alloc(10);
  body.writeInt16BE(API_VERSIONS, 0);
  body.writeInt16BE(0, 2); // Its version.
  body.writeInt32BE(1, 4); // Correlation id.
  body.writeInt16BE(-1, 8); // No client id.
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

/** Correlation id, error code, then a list of (api, oldest version, newest version). */
function oldestFetch(answer: Buffer): number | undefined {
  if (answer.length < 10) return undefined;
  const count = answer.readInt32BE(6);
  for (let at = 10; at + 6 <= answer.length && at < 10 + 6 * count; at += 6)
    if (answer.readInt16BE(at) === FETCH) return answer.readInt16BE(at + 2);
  return undefined;
}
