/**
 * Stands between clients and a broker and knows one thing of the protocol: which request is an append. It can cut a connection after
 * the broker got an append and before the client hears of it, or tell somebody that an append is passing. It must never change a byte.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface ProxyPlace {
  /** Where clients come. */
  readonly port: number;
  /** Where the broker listens. */
  readonly target: number;
}

const PRODUCE = 0;

export class CuttingProxy {
  /** The share of appends whose answer is lost, from 0 to 1. */
  lose = 0;
  /** Appends whose answer was lost. */
  lost = 0;
  /** Called with the broker's port when an append has just passed. */
  #onAppend: ((target: number) => void) | undefined;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  constructor(private readonly random: () => number) {}

  async open(places: readonly ProxyPlace[]): Promise<void> {
    for (const place of places) {
      const server = createServer((client) => this.#join(client, place.target));
      this.#servers.push(server);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(place.port, '127.0.0.1', resolve);
      });
    }
  }

  /** Resolves when an append to the broker at this port has just passed; throws where none does in time. */
  appendTo(target: number, withinMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const impatience = setTimeout(() => {
        this.#onAppend = undefined;
        reject(new Error(`no append passed to port ${target} within ${withinMs} ms`));
      }, withinMs);
      this.#onAppend = (passed) => {
        if (passed !== target) return;
        this.#onAppend = undefined;
        clearTimeout(impatience);
        resolve();
      };
    });
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client: Socket, target: number): void {
    const broker = connect({ host: '127.0.0.1', port: target, noDelay: true });
    client.setNoDelay(true);
    const frames = new Frames();
    let doomed = false;
    for (const socket of [client, broker]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        broker.destroy();
      });
    }
    client.on('data', (part: Buffer) => {
      broker.write(part);
      for (const api of frames.take(part)) {
        if (api !== PRODUCE) continue;
        this.#onAppend?.(target);
        if (this.lose > 0 && this.random() < this.lose) doomed = true;
      }
    });
    broker.on('data', (part: Buffer) => {
      if (!doomed) return void client.write(part);
      this.lost++;
      client.destroy();
    });
  }
}

/** Finds the requests in a stream: a size of four bytes, then the number of the API. */
class Frames {
  #head = Buffer.alloc(0);
  #skip = 0;

  take(part: Buffer): number[] {
    const found: number[] = [];
    let rest = part;
    while (rest.length > 0) {
      if (this.#skip > 0) {
        const gone = Math.min(this.#skip, rest.length);
        this.#skip -= gone;
        rest = rest.subarray(gone);
        continue;
      }
      this.#head = Buffer.concat([this.#head, rest.subarray(0, 6 - this.#head.length)]);
      rest = rest.subarray(Math.min(rest.length, 6));
      if (this.#head.length < 6) break;
      found.push(this.#head.readInt16BE(4));
      this.#skip = this.#head.readInt32BE(0) - 2;
      this.#head = Buffer.alloc(0);
    }
    return found;
  }
}
