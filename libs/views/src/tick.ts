/**
 * The tick: what the odds of a cycle were, where in the log they were computed from, and how it stands in the `odds` topic. Same
 * cut, same bytes: a tick must hold nothing that another computer could not work out from the cut it names, but for the moment it
 * was computed (`at`) and whether that was late.
 */
import { MAX_RECORD_BYTES, parseJson, UnreadableRecord } from '#mutuel/contracts';
import type { Cut, OddsBook, OddsPool } from './odds-book.js';
import type { OddsRow } from './pool-book.js';

export const TICK_FORMAT = 1;
/** Every so many cycles (ten minutes) a tick lists all unsettled pools, so that a new reader need not go back further. */
export const FULL_EVERY = 120;
/** Left for the frame around the pools of one record. */
const MAX_PART_BYTES = MAX_RECORD_BYTES - 4_096;

/** A pool that moved since the cycle before, with absolute values. */
export interface TickPool {
  readonly id: string;
  /** Version of the pool at the cut: how many changes it has seen. */
  readonly v: number;
  readonly gross: number;
  /** After takeout, before carry-in. */
  readonly net: number;
  readonly carryIn: number;
  /** Sealed by every shard and the market: the odds it closed at. */
  readonly final: boolean;
  readonly rows: readonly OddsRow[];
}

/** A pool as its newest tick told it, and when that was. */
export interface LastOdds {
  readonly cycle: number;
  /** When it was computed, milliseconds UTC. */
  readonly at: number;
  readonly pool: TickPool;
}

export interface Tick {
  readonly v: typeof TICK_FORMAT;
  readonly cycle: number;
  /** The cycle before in this topic; null for the very first. */
  readonly prevCycle: number | null;
  /** When it was computed, milliseconds UTC. */
  readonly at: number;
  /** Computed after the cycle's time: the figures are the cycle's all the same. */
  readonly late: boolean;
  /** Lists every unsettled pool, moved or not. */
  readonly full: boolean;
  readonly cut: Cut;
  readonly pools: readonly TickPool[];
}

/** One record of the topic: a tick is one of these, or several where its pools do not fit one; `by` names the writer. */
interface TickPart extends Tick {
  readonly by: string;
  readonly part: number;
  readonly parts: number;
}

export interface TickFrame {
  readonly cycle: number;
  readonly prevCycle: number | null;
  readonly at: number;
  readonly late: boolean;
}

/** Advances the book to the cycle's cut and computes its tick. */
export function computeTick(book: OddsBook, frame: TickFrame): Tick {
  const { cycle, prevCycle, at, late } = frame;
  const cut = book.advanceTo(cycle);
  const moved = book.takeMoved();
  const full = prevCycle === null || cycle % FULL_EVERY === 0;
  const pools = (full ? book.all() : moved).map(tickPool);
  return { v: TICK_FORMAT, cycle, prevCycle, at, late, full, cut, pools };
}

/** The tick as records of the topic, each within the size of one append's record. */
export function encodeTick(tick: Tick, by: string): Uint8Array[] {
  const encoder = new TextEncoder();
  const groups: string[][] = [[]];
  let bytes = 0;
  for (const pool of tick.pools) {
    const text = JSON.stringify(pool);
    // Ids and prices are ASCII; a character counts for one byte.
    if (bytes + text.length > MAX_PART_BYTES && bytes > 0) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(text);
    bytes += text.length + 1;
  }
  const { pools: _, ...frame } = tick;
  const parts = groups.length;
  return groups.map((texts, part) => {
    const head = JSON.stringify({ ...frame, by, part, parts });
    return encoder.encode(`${head.slice(0, -1)},"pools":[${texts.join(',')}]}`);
  });
}

/**
 * Reads the topic in order: the first whole tick of a cycle counts, from whichever writer; others of the cycle, and parts of a
 * writer that stopped half-way, are passed over.
 */
export class TickReader {
  #last = Number.NEGATIVE_INFINITY;
  readonly #open = new Map<string, TickPart[]>();

  /** The tick that this record completes, if it does. */
  accept(bytes: Uint8Array): Tick | undefined {
    const part = readPart(bytes);
    if (part.cycle <= this.#last) return undefined;
    const key = `${part.cycle}/${part.by}`;
    const known = part.part === 0 ? [] : (this.#open.get(key) ?? []);
    if (known.length !== part.part) return undefined;
    known.push(part);
    this.#open.set(key, known);
    if (known.length < part.parts) return undefined;
    this.#last = part.cycle;
    this.#open.clear();
    const { by: _by, part: _part, parts: _parts, pools: _pools, ...frame } = part;
    return { ...frame, pools: known.flatMap((one) => one.pools) };
  }

  /** The cycle of the last whole tick. */
  get last(): number | null {
    return Number.isFinite(this.#last) ? this.#last : null;
  }
}

/** A tick's row as the named values that screens and the interface use. */
export interface OddsValue {
  readonly c: string;
  readonly stake: number;
  readonly price: string | null;
  readonly low: string | null;
  readonly high: string | null;
}

export function oddsValue([c, stake, price, low, high]: OddsRow): OddsValue {
  return { c, stake, price: price ?? null, low: low ?? null, high: high ?? null };
}

function tickPool(pool: OddsPool): TickPool {
  const { id, version, gross, net, carryIn, final } = pool;
  return { id, v: version, gross, net, carryIn, final, rows: pool.rows() };
}

function readPart(bytes: Uint8Array): TickPart {
  const part = parseJson(bytes) as Partial<TickPart> | null;
  if (typeof part !== 'object' || part === null || part.v !== TICK_FORMAT) {
    throw new UnreadableRecord(`tick format ${String(part?.v)} is not one this release reads (${TICK_FORMAT})`);
  }
  if (typeof part.cycle !== 'number' || typeof part.by !== 'string' || !Array.isArray(part.pools)) {
    throw new UnreadableRecord('a tick needs cycle, by and pools');
  }
  return part as TickPart;
}
