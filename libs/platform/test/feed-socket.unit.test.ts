/** What a stranger can do to the server with an upgrade that nobody offers. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFeedSocket } from '../src/http/feed-socket.js';

let server: Server;
let feed: ReturnType<typeof openFeedSocket>;
const sockets: Socket[] = [];

beforeEach(async () => {
  sockets.length = 0;
  server = createServer((_, response) => response.end('here'));
  server.on('connection', (socket) => sockets.push(socket));
  feed = openFeedSocket(server, { connect: () => ({ receive: () => undefined, closed: () => undefined }) });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  await feed.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

const port = (): number => (server.address() as AddressInfo).port;

function ask(path: string): Socket {
  const socket = connect({ port: port(), host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined);
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`);
  return socket;
}

describe('an upgrade at another address than the feed', () => {
  test.each(['/x', '/feed/'])(
    'at %s is a 404 and the end of its connection, even where the other side keeps it',
    async (path) => {
      const socket = ask(path);
      const answer = await new Promise((resolve) => socket.once('data', (data) => resolve(String(data))));
      expect(answer).toMatch(/^HTTP\/1\.1 404 /);
      await expect.poll(() => sockets.map(({ destroyed }) => destroyed)).toEqual([true]);
      socket.destroy();
    },
  );

  test('that is reset right away does not end the process', async () => {
    // Each on a turn of its own: the reset has to meet the server between its answer and the end of the connection.
    for (let i = 0; i < 50; i++) {
      const socket = ask('/x');
      await new Promise((resolve) => socket.once('connect', resolve));
      if (i % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
      socket.resetAndDestroy();
    }
    await expect.poll(() => sockets.length > 0 && sockets.every(({ destroyed }) => destroyed)).toBe(true);
    expect(await (await fetch(`http://127.0.0.1:${port()}/`)).text()).toBe('here');
  });
});
