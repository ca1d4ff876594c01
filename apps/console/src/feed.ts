// The odds feed as a browser follows it: images and deltas folded into pool states, each checked against the hash the
// server sent, on one socket that resumes where it stopped. It must never show a state whose hash disagreed, never
// guess at a missing image, and touch the world (socket, clock, timers, digest) only through `FeedPorts`.

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type Fields = { readonly [key: string]: Json };

/** A pool as the server knows it; replaced, never changed, so that a check may run later on what was shown. */
export interface PoolState {
  readonly id: string;
  readonly v: number;
  readonly def: Fields;
  readonly tot: Fields;
  readonly rc: ReadonlyMap<string, Fields>;
}

export interface PoolChange {
  id: string;
  img?: boolean;
  v?: number;
  def?: Fields | null;
  tot?: Fields | null;
  rc?: Fields[] | null;
  h?: string;
}

export interface FeedMessage {
  op: string;
  id?: number;
  ct?: string;
  seg?: string;
  initialClk?: string | null;
  clk?: string | null;
  cycle?: number;
  pt?: number;
  con?: boolean;
  status?: number | null;
  code?: string;
  heartbeatMs?: number;
  connectionClosed?: boolean;
  pc?: PoolChange[];
}

export interface FeedFilter {
  meetings?: string[];
  races?: string[];
  pools?: string[];
  poolTypes?: string[];
}

/**
 * `LATE`: the server says its calculation is behind. `OUT_OF_STEP`: a hash disagreed and a fresh image was asked for.
 * `POLLED` is never the client's own: the figures were asked for over HTTP while the socket is `OFFLINE`.
 */
export type FeedPhase = 'CONNECTING' | 'LIVE' | 'LATE' | 'OUT_OF_STEP' | 'OFFLINE' | 'POLLED';

export interface FeedSnapshot {
  readonly phase: FeedPhase;
  readonly pools: ReadonlyMap<string, PoolState>;
  readonly cycle: number | null;
  /** When the newest figures were computed, epoch milliseconds; null before the first image. */
  readonly pt: number | null;
  readonly conflated: boolean;
  /** Pool states whose hash was checked and agreed since the page was opened. */
  readonly checked: number;
}

export interface FeedSocket {
  send(text: string): void;
  close(): void;
}

export interface FeedSocketHandlers {
  opened(): void;
  text(text: string): void;
  closed(): void;
}

export interface FeedPorts {
  open(handlers: FeedSocketHandlers): FeedSocket;
  after(ms: number, run: () => void): () => void;
  random(): number;
  /** SHA-256 of the UTF-8 text as lower-case hex, or null where the browser offers no digest (plain http, not localhost). */
  sha256(text: string): Promise<string | null>;
}

const HEARTBEAT_MS = 5_000;
/** Silence after which the socket is presumed dead: two heartbeats and a half. */
const SILENCE_FACTOR = 2.5;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MOST_MS = 15_000;
/** After this many disagreements in a row the client waits as long as after failed connections: no storm of images. */
const PATIENCE = 2;

const EMPTY: FeedSnapshot = {
  phase: 'CONNECTING',
  pools: new Map(),
  cycle: null,
  pt: null,
  conflated: false,
  checked: 0,
};

/** JSON with sorted keys and no spaces: the text both sides hash. */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const parts = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`);
  return `{${parts.join(',')}}`;
}

/** The text whose SHA-256 begins with the pool's `h`: its full def, tot and rows, rows in string order of `c`. */
export function stateText(pool: PoolState): string {
  const rc = [...pool.rc.values()].sort((a, b) => (String(a['c']) < String(b['c']) ? -1 : 1));
  return canonicalJson({ def: { ...pool.def }, tot: { ...pool.tot }, rc: rc.map((row) => ({ ...row })) });
}

/** The pool after a change. A null or absent field is unchanged in a delta and kept as it is in an image; null = no base. */
export function applyChange(base: PoolState | undefined, change: PoolChange): PoolState | null {
  if (change.img === true) {
    const rows = (change.rc ?? []).map((row) => [String(row['c']), row] as const);
    return { id: change.id, v: change.v ?? 0, def: change.def ?? {}, tot: change.tot ?? {}, rc: new Map(rows) };
  }
  if (base === undefined) return null;
  const rc = new Map(base.rc);
  for (const row of change.rc ?? []) {
    const key = String(row['c']);
    rc.set(key, overlay(rc.get(key) ?? {}, row));
  }
  return {
    id: base.id,
    v: change.v ?? base.v,
    def: overlay(base.def, change.def ?? {}),
    tot: overlay(base.tot, change.tot ?? {}),
    rc,
  };
}

function overlay(base: Fields, change: Fields): Fields {
  const known = Object.entries(change).filter(([, value]) => value !== null);
  return known.length === 0 ? base : { ...base, ...Object.fromEntries(known) };
}

export class FeedClient {
  #snapshot: FeedSnapshot = EMPTY;
  /** The newest fold, ahead of the snapshot by the checks under way. */
  #pools: ReadonlyMap<string, PoolState> = EMPTY.pools;
  #checks: Promise<void> = Promise.resolve();
  #filter: FeedFilter = {};
  #socket: FeedSocket | null = null;
  #attempt = 0;
  #disagreements = 0;
  #requestId = 0;
  #opened = false;
  #running = false;
  #initialClk: string | null = null;
  #clk: string | null = null;
  #heartbeatMs = HEARTBEAT_MS;
  #cancelSilence: () => void = () => {};
  #cancelRetry: () => void = () => {};
  readonly #listeners = new Set<() => void>();
  readonly #ports: FeedPorts;

  constructor(ports: FeedPorts) {
    this.#ports = ports;
  }

  readonly snapshot = (): FeedSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  start(filter: FeedFilter): void {
    this.#running = true;
    this.#filter = filter;
    this.#connect();
  }

  /** Follows something else on the same socket; what was shown before is dropped. */
  follow(filter: FeedFilter): void {
    if (canonicalJson(filter as Json) === canonicalJson(this.#filter as Json)) return;
    this.#filter = filter;
    this.#forget();
    this.#pools = new Map();
    this.#publish({ pools: this.#pools, cycle: null, pt: null, phase: 'CONNECTING' });
    if (this.#opened) this.#ask();
  }

  stop(): void {
    this.#running = false;
    this.#drop();
    this.#cancelRetry();
  }

  #connect(): void {
    this.#drop();
    const mine: FeedSocket = this.#ports.open({
      opened: () => {
        if (this.#socket !== mine) return;
        this.#opened = true;
        this.#listenForSilence();
        this.#ask();
      },
      text: (text) => {
        if (this.#socket === mine) this.#receive(text);
      },
      closed: () => {
        if (this.#socket === mine) this.#lost();
      },
    });
    this.#socket = mine;
    this.#listenForSilence();
  }

  #ask(): void {
    this.#requestId += 1;
    const request = {
      op: 'subscribe',
      id: this.#requestId,
      filter: this.#filter,
      heartbeatMs: HEARTBEAT_MS,
      conflateMs: 0,
      initialClk: this.#initialClk,
      clk: this.#clk,
    };
    this.#socket?.send(JSON.stringify(request));
  }

  #receive(text: string): void {
    const message = JSON.parse(text) as FeedMessage;
    if (message.op === 'status' && message.heartbeatMs !== undefined) this.#heartbeatMs = message.heartbeatMs;
    this.#listenForSilence();
    if (message.id !== undefined && message.id !== this.#requestId) return;
    if (message.op === 'status') this.#status(message);
    if (message.op === 'pcm') this.#fold(message);
  }

  #status(message: FeedMessage): void {
    if (message.code === 'SUCCESS' || message.code === undefined) return;
    if (message.code === 'INVALID_CLOCK') {
      this.#forget();
      this.#ask();
    } else if (message.connectionClosed !== true) {
      this.#socket?.close();
    }
  }

  #fold(message: FeedMessage): void {
    const starts = message.ct === 'SUB_IMAGE' && (message.seg === undefined || message.seg === 'SEG_START');
    const pools = new Map(starts ? [] : this.#pools);
    const touched: [PoolState, string][] = [];
    for (const change of message.pc ?? []) {
      const next = applyChange(pools.get(change.id), change);
      if (next === null) {
        this.#refresh();
        return;
      }
      pools.set(change.id, next);
      if (change.h !== undefined) touched.push([next, change.h]);
    }
    if (message.initialClk != null) this.#initialClk = message.initialClk;
    if (message.clk != null) this.#clk = message.clk;
    this.#attempt = 0;
    this.#pools = pools;
    const shown = {
      pools,
      phase: message.status === 503 ? 'LATE' : 'LIVE',
      cycle: message.cycle ?? this.#snapshot.cycle,
      pt: message.pt ?? this.#snapshot.pt,
      conflated: message.con === true,
    } as const;
    const requestId = this.#requestId;
    this.#checks = this.#checks.then(() => this.#checkThenShow(touched, requestId, shown));
  }

  async #checkThenShow(touched: [PoolState, string][], requestId: number, shown: Partial<FeedSnapshot>): Promise<void> {
    let agreed = 0;
    for (const [pool, expected] of touched) {
      const digest = await this.#ports.sha256(stateText(pool));
      if (requestId !== this.#requestId) return;
      if (digest === null) continue;
      if (!digest.startsWith(expected)) {
        this.#refresh();
        return;
      }
      agreed += 1;
    }
    if (requestId !== this.#requestId) return;
    if (agreed > 0) this.#disagreements = 0;
    this.#publish({ ...shown, checked: this.#snapshot.checked + agreed });
  }

  /** What we hold is not what the server holds: forget the place and ask for an image, without haste after repeated failures. */
  #refresh(): void {
    this.#forget();
    this.#disagreements += 1;
    this.#publish({ phase: 'OUT_OF_STEP' });
    if (this.#disagreements <= PATIENCE) {
      this.#ask();
      return;
    }
    // The number moves on, so that what still arrives for the old request is dropped.
    this.#requestId += 1;
    this.#cancelRetry();
    this.#cancelRetry = this.#ports.after(this.#backoff(this.#disagreements), () => {
      if (this.#opened) this.#ask();
    });
  }

  #lost(): void {
    this.#drop();
    if (!this.#running) return;
    this.#publish({ phase: 'OFFLINE' });
    this.#attempt += 1;
    this.#cancelRetry();
    this.#cancelRetry = this.#ports.after(this.#backoff(this.#attempt), () => this.#connect());
  }

  #backoff(attempt: number): number {
    const longest = Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt, 10));
    return longest / 2 + (longest / 2) * this.#ports.random();
  }

  #listenForSilence(): void {
    this.#cancelSilence();
    this.#cancelSilence = this.#ports.after(this.#heartbeatMs * SILENCE_FACTOR, () => this.#lost());
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#opened = false;
    this.#cancelSilence();
    socket?.close();
  }

  #forget(): void {
    this.#initialClk = null;
    this.#clk = null;
  }

  #publish(change: Partial<FeedSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    for (const listener of this.#listeners) listener();
  }
}
