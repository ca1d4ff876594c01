/**
 * Asks brokers for the protocol's own table of versions over plain sockets, before and beside the client library: which of them runs
 * at all, and which release it is. It must never keep a connection, nor speak where connections are encrypted.
 */
import net from 'node:net';

const API_VERSIONS = 18;
const PATIENCE_MS = 3_000;
/** Beyond it the client library looks for itself. */
const FIRST_ANSWER_MS = 1_000;

/** All brokers, the one first that answers first; in another order each time where none does. */
export async function firstToAnswer(brokers: readonly string[]): Promise<string[]> {
  if (brokers.length === 1) return [...brokers];
  const answers = brokers.map(async (broker) => {
    if ((await askVersions(broker, FIRST_ANSWER_MS)) === undefined) throw new Error(`${broker} does not answer`);
    return broker;
  });
  const any = brokers[Math.floor(Math.random() * brokers.length)] as string;
  const first = await Promise.any(answers).catch(() => any);
  return [first, ...brokers.filter((broker) => broker !== first)];
}

/** The body of the answer to ApiVersions in its version 0; undefined where nobody answers it in time. */
export function askVersions(broker: string, patienceMs = PATIENCE_MS): Promise<Buffer | undefined> {
  const [host = '', port = ''] = broker.split(/:(?=\d+$)/);
  return new Promise((resolve) => {
    const socket = net.connect({ host, port: Number(port) });
    const parts: Buffer[] = [];
    const end = (answer: Buffer | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(patienceMs, () => end(undefined));
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
