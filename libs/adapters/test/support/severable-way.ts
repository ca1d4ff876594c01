import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a server that can be cut for good, or whose server answers no more on the connections there are (`hold`). */
export async function severableWay(target: string): Promise<{ url: string; hold(): void; cut(): void }> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const upstreams = new Set<Socket>();
  const proxy = createServer((socket) => {
    const upstream = connect(Number(port), hostname);
    upstreams.add(upstream);
    for (const one of [socket, upstream]) sockets.add(one.on('error', () => undefined));
    socket.pipe(upstream).pipe(socket);
  });
  const url = new URL(target);
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  url.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  return {
    url: url.href,
    hold() {
      for (const upstream of upstreams) upstream.unpipe();
    },
    cut() {
      proxy.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
