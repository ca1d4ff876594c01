/**
 * All connections with one subscription: what they are sent is encoded once, for each place that some of them stand at. It must
 * never keep a text longer than until the next change.
 */
import type { FeedPool, FeedPosition, FeedState } from '#mutuel/views';
import {
  type ConflationReason,
  clockOf,
  type FeedField,
  type FeedFilter,
  initialClockOf,
  maskOf,
} from './feed-frames.js';

/** Images are cut into parts of about this size. */
const MAX_PART_CHARS = 1024 * 1024;

/** One frame for many: only the request's id differs, and mostly not even that. */
class Frame {
  readonly #body: string;
  readonly #texts = new Map<number, string>();

  constructor(body: string) {
    this.#body = body;
  }

  text(id: number): string {
    let text = this.#texts.get(id);
    if (text === undefined) {
      text = `{"op":"pcm","id":${id},${this.#body}}`;
      this.#texts.set(id, text);
    }
    return text;
  }
}

export type { Frame };

export interface FeedMetrics {
  connections: number;
  subscriptions: number;
  /** Frames encoded and frames sent: their ratio is what sharing saves. */
  encoded: number;
  sent: number;
  conflated: number;
  closedSlow: number;
}

/** Where a connection stands, with the time at which its odds were computed. */
export interface FeedPlace extends FeedPosition {
  readonly pt: number;
}

export class FeedGroup<Member> {
  readonly key: string;
  readonly initialClk: string;
  readonly members = new Set<Member>();
  /** Counts the changes of its pools: members at one count are sent the same. */
  rev = 0;
  readonly #o: GroupOptions;
  readonly #mask: ReturnType<typeof maskOf>;
  readonly #matches: (pool: FeedPool) => boolean;
  #pools: readonly FeedPool[] = [];
  #listing = -1;
  readonly #images = new Map<string, readonly Frame[]>();
  readonly #frames = new Map<string, Frame | undefined>();

  constructor(options: GroupOptions) {
    this.#o = options;
    this.#mask = maskOf(options.fields);
    this.#matches = matcher(options.filter);
    this.key = options.key;
    this.initialClk = initialClockOf(options.key);
  }

  get size(): number {
    return this.#list().length;
  }

  /** Takes note of changed pools; true if one of them is subscribed here. */
  touch(pools: readonly FeedPool[]): boolean {
    this.refresh();
    if (!pools.some(this.#matches)) return false;
    this.rev++;
    return true;
  }

  /** Forgets the frames: they say when the odds were computed. */
  refresh(): void {
    this.#images.clear();
    this.#frames.clear();
  }

  image(): readonly Frame[] {
    const known = this.#images.get('');
    if (known) return known;
    const parts: string[][] = [[]];
    let chars = 0;
    for (const pool of this.#list()) {
      const text = pool.image(this.#mask);
      if (chars > 0 && chars + text.length > MAX_PART_CHARS) {
        parts.push([]);
        chars = 0;
      }
      parts.at(-1)?.push(text);
      chars += text.length;
    }
    const last = parts.length - 1;
    const frames = parts.map((texts, i) => {
      const seg = last === 0 ? '' : `,"seg":"${i === 0 ? 'SEG_START' : i === last ? 'SEG_END' : 'SEG'}"`;
      const clocks = i === last ? `,"initialClk":"${this.initialClk}"${this.#clk()}` : '';
      return this.#frame(`"ct":"SUB_IMAGE"${seg}${clocks}${this.#times()},"pc":[${texts.join()}]`);
    });
    this.#images.set('', frames);
    return frames;
  }

  /** What changed for members at `rev`, who were last sent what stood at `from`; undefined if they see nothing of it. */
  delta(from: FeedPosition, rev: number, con: ConflationReason | undefined): Frame | undefined {
    return this.#once(`${rev}/${con ?? ''}`, () => {
      const changes = this.#since(from);
      if (changes.length === 0) return undefined;
      const conflated = con === undefined ? '' : `,"con":true,"reason":"${con}"`;
      return `${this.#clk().slice(1)}${this.#times()}${conflated},"pc":[${changes.join()}]`;
    });
  }

  /** The answer to a client that comes back with a clock. */
  resumption(from: FeedPosition): Frame {
    return this.#once(`from ${from.cycle}/${from.seq}`, () => {
      const changes = this.#since(from);
      const conflated = changes.length === 0 ? '' : ',"con":true,"reason":"SERVER"';
      return `"ct":"RESUB_DELTA","initialClk":"${this.initialClk}"${this.#clk()}${this.#times()}${conflated},"pc":[${changes.join()}]`;
    }) as Frame;
  }

  heartbeat(at: FeedPlace): Frame {
    return this.#once(`heartbeat ${at.cycle}/${at.seq}`, () => {
      const isLate = this.#o.isLate();
      const times = `,"pt":${at.pt},"cycle":${at.cycle}`;
      return `"ct":"HEARTBEAT","clk":"${clockOf(at)}"${times},"status":${isLate ? 503 : null}`;
    }) as Frame;
  }

  #since(from: FeedPosition): readonly string[] {
    const texts: string[] = [];
    for (const pool of this.#list()) {
      if (!pool.isMoved(from)) continue;
      const text = pool.since(from, this.#mask);
      if (text !== undefined) texts.push(text);
    }
    return texts;
  }

  #list(): readonly FeedPool[] {
    const { state } = this.#o;
    if (this.#listing !== state.listing) {
      this.#pools = [...state.pools.values()].filter(this.#matches).sort((a, b) => (a.id < b.id ? -1 : 1));
      this.#listing = state.listing;
    }
    return this.#pools;
  }

  #once(key: string, body: () => string | undefined): Frame | undefined {
    if (this.#frames.has(key)) return this.#frames.get(key);
    const text = body();
    const frame = text === undefined ? undefined : this.#frame(text);
    this.#frames.set(key, frame);
    return frame;
  }

  #frame(body: string): Frame {
    this.#o.metrics.encoded++;
    return new Frame(body);
  }

  #clk(): string {
    return `,"clk":"${clockOf(this.#o.state.position)}"`;
  }

  #times(): string {
    const late = this.#o.isLate() ? ',"status":503' : '';
    return `,"pt":${this.#o.state.pt},"cycle":${this.#o.state.position.cycle}${late}`;
  }
}

export interface GroupOptions {
  readonly key: string;
  readonly state: FeedState;
  readonly filter: FeedFilter;
  readonly fields: readonly FeedField[];
  readonly metrics: FeedMetrics;
  readonly isLate: () => boolean;
}

function matcher({ meetings, races, pools, poolTypes }: FeedFilter): (pool: FeedPool) => boolean {
  const test = (values: readonly string[] | undefined): ((value: string) => boolean) => {
    if (values === undefined) return () => true;
    const set = new Set(values);
    return (value) => set.has(value);
  };
  const [inMeetings, inRaces, inPools, inTypes] = [test(meetings), test(races), test(pools), test(poolTypes)];
  return (pool) => inTypes(pool.type) && inPools(pool.id) && pool.races.some(inRaces) && inMeetings(pool.meetingId);
}
