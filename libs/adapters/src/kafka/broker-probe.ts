/**
 * Sockets to brokers, and the protocol's own table of versions asked for over them, before and beside the client library: which
 * brokers run at all, which release they are, and what stands in the way where none answers. It must never keep a connection.
 */
import net from 'node:net';
import tls from 'node:tls';
import type { ISocketFactory, KafkaConfig } from 'kafkajs';

/** As the client library takes it: nothing, TLS by the authorities that Node knows, or TLS by these options. */
type BrokerTls = KafkaConfig['ssl'];

const API_VERSIONS = 18;
const PATIENCE_MS = 3_000;
/** Beyond it the client library looks for itself. */
const FIRST_ANSWER_MS = 1_000;

/** Nagle off. */
export const openSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  const options = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 };
  return ssl
    ? tls.connect({ ...options, servername: net.isIP(host) ? '' : host, ...ssl }, onConnect)
    : net.connect(options, onConnect);
};

/** A broker gave no answer, or one that is not trusted. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  constructor(
    readonly broker: string,
    /** It is there, with a certificate that no authority of ours has signed, or of another name. */
    readonly isUntrusted: boolean,
    message: string,
  ) {
    super(message);
  }
}

/** All brokers, the one first that answers first; in another order each time where none does. */
export async function firstToAnswer(brokers: readonly string[], ssl?: BrokerTls): Promise<string[]> {
  if (brokers.length === 1) return [...brokers];
  const answers = brokers.map((broker) => askVersions(broker, ssl, FIRST_ANSWER_MS).then(() => broker));
  const any = brokers[Math.floor(Math.random() * brokers.length)] as string;
  const first = await Promise.any(answers).catch(() => any);
  return [first, ...brokers.filter((broker) => broker !== first)];
}

/** The body of the answer to ApiVersions in its version 0, which is given before a password is asked for. Rejects with `NoAnswer`. */
export function askVersions(broker: string, ssl?: BrokerTls, patienceMs = PATIENCE_MS): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const onConnect = (): void => undefined;
    const socket = openSocket({ ...placeOf(broker), ssl: ssl as tls.ConnectionOptions, onConnect });
    const fail = (message: string): void => {
      const isUntrusted = socket instanceof tls.TLSSocket && Boolean(socket.authorizationError);
      reject(new NoAnswer(broker, isUntrusted, message));
      socket.destroy();
    };
    const parts: Buffer[] = [];
    socket.setTimeout(patienceMs, () => fail('it does not answer'));
    socket.once('error', ({ message }) => fail(message));
    socket.once('close', () => fail('it closed the connection'));
    socket.on('data', (part) => {
      parts.push(part);
      const all = Buffer.concat(parts);
      if (all.length < 4 || all.length < 4 + all.readInt32BE(0)) return;
      resolve(all.subarray(4));
      socket.destroy();
    });
    socket.write(question());
  });
}

function placeOf(broker: string): { readonly host: string; readonly port: number } {
  const [host = '', port = ''] = broker.split(/:(?=\d+$)/);
  return { host, port: Number(port) };
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
