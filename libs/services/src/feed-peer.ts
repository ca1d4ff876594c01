/**
 * One connection of the feed: its subscription, where it stands, and how much it may be sent. A reader that does not keep up gets
 * the latest state when it can take it, never a growing queue; it is closed only after the lag that its status stated.
 */
import {
  type ConflationReason,
  type FeedCode,
  fieldsOf,
  isInitialClock,
  MAX_REQUEST_CHARS,
  readClock,
  type StatusFrame,
  type SubscribeRequest,
  subscribeFrame,
} from './feed-frames.js';
import type { FeedGroup, FeedMetrics, FeedPlace, Frame } from './feed-group.js';

/** What carries the text; a websocket, or a test. */
export interface FeedConnection {
  send(text: string): void;
  /** Bytes handed over and not yet taken by the other side. */
  bufferedAmount(): number;
  close(): void;
}

export interface FeedLimits {
  readonly maxConnections: number;
  readonly maxPools: number;
  /** Requests within ten seconds. */
  readonly maxRequests: number;
  /** While more than this waits in a connection, it is sent nothing: it holds this and one frame at most. */
  readonly maxBufferedBytes: number;
  /** A connection that cannot be sent anything for longer is closed; the status states it. */
  readonly maxLagMs: number;
  /** Time to subscribe. */
  readonly subscribeWithinMs: number;
}

const REQUEST_WINDOW_MS = 10_000;

/** What a connection needs of the hub. */
export interface PeerHost {
  readonly limits: FeedLimits;
  readonly durable: boolean;
  readonly metrics: FeedMetrics;
  now(): number;
  place(): FeedPlace;
  covers(place: { readonly cycle: number; readonly seq: number }): boolean;
  group(filter: SubscribeRequest['filter'], fields: SubscribeRequest['fields']): FeedGroup<FeedPeer>;
  /** Drops a group without members. */
  release(group: FeedGroup<FeedPeer>): void;
  gone(peer: FeedPeer): void;
  fault(fault: Error): void;
}

interface Subscription {
  readonly id: number;
  readonly group: FeedGroup<FeedPeer>;
  readonly heartbeatMs: number;
  readonly conflateMs: number;
  /** What of an image waits to be sent. */
  readonly parts: Frame[];
  rev: number;
  place: FeedPlace;
  held: ConflationReason | undefined;
  sentAt: number;
  changedAt: number;
}

export class FeedPeer {
  readonly connectionId: string;
  readonly #connection: FeedConnection;
  readonly #host: PeerHost;
  readonly #connectedAt: number;
  #subscription: Subscription | undefined;
  #requests: number[] = [];
  #slowSince: number | undefined;
  #isOpen = true;

  constructor(connection: FeedConnection, connectionId: string, host: PeerHost) {
    this.connectionId = connectionId;
    this.#connection = connection;
    this.#host = host;
    this.#connectedAt = host.now();
  }

  /** A text frame of the client. */
  receive(text: string): void {
    if (!this.#isOpen) return;
    try {
      this.#request(text);
    } catch (fault) {
      this.#host.fault(fault as Error);
      this.end('UNEXPECTED_ERROR', 'This is our fault. Connect again.');
    }
  }

  closed(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#leave();
    this.#host.gone(this);
  }

  /** Says why and closes. */
  end(code: FeedCode, detail: string): void {
    if (!this.#isOpen) return;
    this.#status({ id: this.#subscription?.id ?? null, code, detail, connectionClosed: true });
    this.closed();
    this.#connection.close();
  }

  // ── Requests ───────────────────────────────────────────────────────────────────────────────────────────────────

  #request(text: string): void {
    const { maxRequests } = this.#host.limits;
    const recent = this.#recentRequests();
    const tooMany = `At most ${maxRequests} requests in ten seconds.`;
    // Answers to a flood are a flood too.
    if (recent > 2 * maxRequests) {
      this.end('TOO_MANY_REQUESTS', tooMany);
      return;
    }
    const read = readRequest(text);
    if (recent > maxRequests) this.#refuse(read.id, 'TOO_MANY_REQUESTS', tooMany);
    else if (read.request === undefined) this.#refuse(read.id, read.code ?? 'INVALID_INPUT', read.detail);
    else this.#subscribe(read.request);
  }

  #recentRequests(): number {
    const now = this.#host.now();
    this.#requests = this.#requests.filter((at) => now - at < REQUEST_WINDOW_MS);
    return this.#requests.push(now);
  }

  #subscribe(request: SubscribeRequest): void {
    const { id, filter, fields, heartbeatMs, conflateMs, initialClk = null, clk = null } = request;
    const from = clk === null ? undefined : readClock(clk);
    const isClock =
      clk === null ? initialClk === null : initialClk !== null && isInitialClock(initialClk) && from !== undefined;
    if (!isClock) {
      this.#refuse(id, 'INVALID_CLOCK', BAD_CLOCK);
      return;
    }
    const { limits } = this.#host;
    const group = this.#host.group(filter, fields);
    if (group.size > limits.maxPools) {
      this.#host.release(group);
      this.#refuse(id, 'SUBSCRIPTION_LIMIT_EXCEEDED', `${group.size} pools match; at most ${limits.maxPools} may.`);
      return;
    }
    this.#leave(group);
    group.members.add(this);
    const now = this.#host.now();
    const isResumed = from !== undefined && initialClk === group.initialClk && this.#host.covers(from);
    const parts = isResumed ? [group.resumption(from)] : [...group.image()];
    const place = this.#host.place();
    const start = { rev: group.rev, place, held: undefined, sentAt: now, changedAt: now };
    this.#subscription = { id, group, heartbeatMs, conflateMs, parts, ...start };
    this.#status({
      id,
      code: 'SUCCESS',
      connectionClosed: false,
      fields: [...fieldsOf(fields)],
      heartbeatMs,
      conflateMs,
      maxLagMs: limits.maxLagMs,
      connectionsAvailable: Math.max(0, limits.maxConnections - this.#host.metrics.connections),
    });
    this.deliver();
  }

  /** The former subscription ends, unless the next one is of the same group. */
  #leave(next?: FeedGroup<FeedPeer>): void {
    const group = this.#subscription?.group;
    this.#subscription = undefined;
    if (!group || group === next) return;
    group.members.delete(this);
    this.#host.release(group);
  }

  #refuse(id: number | null, code: FeedCode, detail: string): void {
    this.#status({ id, code, detail, connectionClosed: false });
  }

  #status(status: Omit<StatusFrame, 'op' | 'connectionId' | 'durability'>): void {
    const { id, code, ...rest } = status;
    const mark = this.#host.durable ? {} : { durability: 'single-node' };
    this.#send(JSON.stringify({ op: 'status', id, code, connectionId: this.connectionId, ...rest, ...mark }));
  }

  // ── Changes ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends what is due and can be taken. */
  deliver(): void {
    const s = this.#subscription;
    if (!s) return;
    while (s.parts.length > 0 && this.#hasRoom()) this.#frame(s, s.parts.shift() as Frame);
    if (s.parts.length > 0 || s.rev === s.group.rev) return;
    if (!this.#hasRoom()) {
      s.held = 'CLIENT_SLOW';
      return;
    }
    const now = this.#host.now();
    if (now - s.changedAt < s.conflateMs) {
      s.held ??= 'REQUESTED';
      return;
    }
    const con = s.group.rev - s.rev > 1 ? (s.held ?? 'SERVER') : undefined;
    const frame = s.group.delta(s.place, s.rev, con);
    this.#arrive(s);
    if (!frame) return;
    if (con !== undefined) this.#host.metrics.conflated++;
    s.changedAt = now;
    this.#frame(s, frame);
  }

  /** Called several times a second: heartbeats, held changes, and the ends of patience. */
  sweep(): void {
    const { limits } = this.#host;
    const now = this.#host.now();
    const s = this.#subscription;
    if (!s) {
      if (now - this.#connectedAt > limits.subscribeWithinMs) this.end('TIMEOUT', 'Nothing was subscribed.');
      return;
    }
    this.deliver();
    if (!this.#hasRoom()) {
      this.#slowSince ??= now;
      if (now - this.#slowSince <= limits.maxLagMs) return;
      this.#host.metrics.closedSlow++;
      this.end('TIMEOUT', `Nothing was taken for ${limits.maxLagMs} ms.`);
      return;
    }
    this.#slowSince = undefined;
    if (now - s.sentAt >= s.heartbeatMs) this.heartbeat();
  }

  heartbeat(): void {
    const s = this.#subscription;
    if (!s || s.parts.length > 0 || !this.#hasRoom()) return;
    if (s.rev === s.group.rev) this.#arrive(s);
    this.#frame(s, s.group.heartbeat(s.place));
  }

  /** Stands where the hub stands. */
  #arrive(s: Subscription): void {
    s.rev = s.group.rev;
    s.place = this.#host.place();
    s.held = undefined;
  }

  #hasRoom(): boolean {
    return this.#connection.bufferedAmount() <= this.#host.limits.maxBufferedBytes;
  }

  #frame(s: Subscription, frame: Frame): void {
    s.sentAt = this.#host.now();
    this.#host.metrics.sent++;
    this.#send(frame.text(s.id));
  }

  #send(text: string): void {
    if (!this.#isOpen) return;
    try {
      this.#connection.send(text);
    } catch {
      // A socket that broke between two frames: its owner will say so too.
      this.closed();
    }
  }
}

interface ReadRequest {
  readonly id: number | null;
  readonly request?: SubscribeRequest;
  /** `INVALID_INPUT` where nothing else is said. */
  readonly code?: FeedCode;
  readonly detail: string;
}

const BAD_CLOCK = 'Send both clocks as last received, or neither for an image.';
const CLOCKS: readonly unknown[] = ['clk', 'initialClk'];

function readRequest(text: string): ReadRequest {
  if (text.length > MAX_REQUEST_CHARS)
    return { id: null, detail: `A request is ${MAX_REQUEST_CHARS} characters at most.` };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { id: null, detail: 'The frame is not JSON.' };
  }
  const given = (value as { id?: unknown } | null)?.id;
  const id = Number.isSafeInteger(given) ? (given as number) : null;
  const { success, data, error } = subscribeFrame.safeParse(value);
  if (success) return { id, request: data, detail: '' };
  // A clock that is none is told as that, whether it does not read or is no text at all.
  const issue = error.issues.find(({ path }) => !CLOCKS.includes(path[0]));
  if (!issue) return { id, code: 'INVALID_CLOCK', detail: BAD_CLOCK };
  return { id, detail: `${issue.path.join('.') || 'the frame'}: ${issue.message}` };
}
