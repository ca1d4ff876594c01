/** A server that an adapter needs does not answer, after bounded attempts. Another attempt may succeed. */
export class ServerLost extends Error {
  override readonly name = 'ServerLost';
  readonly retriable = true;
}
