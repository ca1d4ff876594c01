/**
 * The feed's websocket at `/feed`, on the HTTP port: sockets in, the hub's frames out. It must never take a frame larger than a
 * subscription, keep a socket that does not answer pings, or hold text for a reader beyond what the hub allows.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

/** What the hub offers. */
export interface FeedEntry {
  connect(connection: { send(text: string): void; bufferedAmount(): number; close(): void }): {
    receive(text: string): void;
    closed(): void;
  };
}

const PATH = '/feed';
const MAX_FRAME_BYTES = 64 * 1024;
const PING_MS = 30_000;
/** The going away of a server that is stopped or replaced; clients connect again. */
const GOING_AWAY = 1001;

export function openFeedSocket(server: Server, hub: FeedEntry): { close(): Promise<void> } {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    // Frames are encoded once for all; compressing them for each would cost more than it saves.
    perMessageDeflate: false,
    clientTracking: true,
  });
  const alive = new WeakSet<WebSocket>();
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (request.url?.split('?')[0] !== PATH) {
      // Node listens to this socket no longer: its error would end the process, and nobody else would close it.
      socket.on('error', () => socket.destroy());
      socket.once('finish', () => socket.destroy());
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      alive.add(client);
      client.on('pong', () => alive.add(client));
      join(client, hub);
    });
  };
  server.on('upgrade', onUpgrade);
  const pinging = setInterval(() => {
    for (const client of sockets.clients) {
      if (!alive.delete(client)) client.terminate();
      else client.ping();
    }
  }, PING_MS);
  return {
    async close() {
      clearInterval(pinging);
      server.off('upgrade', onUpgrade);
      for (const client of sockets.clients) client.close(GOING_AWAY);
      await new Promise((resolve) => setTimeout(resolve, sockets.clients.size > 0 ? 100 : 0));
      for (const client of sockets.clients) client.terminate();
      await new Promise<void>((resolve) => sockets.close(() => resolve()));
    },
  };
}

function join(client: WebSocket, hub: FeedEntry): void {
  const receiver = hub.connect({
    send: (text) => client.send(text),
    bufferedAmount: () => client.bufferedAmount,
    close: () => client.close(),
  });
  client.on('message', (data, isBinary) => receiver.receive(isBinary ? '' : data.toString()));
  client.once('close', () => receiver.closed());
  // A broken socket closes by itself right after.
  client.on('error', () => undefined);
}
