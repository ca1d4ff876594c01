/**
 * From where on the logs still matter to the odds: before the oldest meeting that is not settled was published, in every log. A start
 * from there comes to the same figures as one from the logs' beginnings, with days less to read. It keeps places and no figures, so
 * there is no layout to outgrow; it must never name a place behind the publication of a meeting that still sells or waits.
 */

import type { DecisionRecord } from '#mutuel/contracts';
import { sha256 } from '#mutuel/contracts';
import type { MarketEvent, ShardEvent } from '#mutuel/engine';

/** Where one log is read on. */
export interface Place {
  readonly checkpoint: string;
  /** The offset after the last valid decision before it: what a tick names. */
  readonly cut: number;
}

/** One moment's places, by source. Every decision before them was appended by `until`. */
export interface Floor {
  readonly until: number;
  readonly places: Readonly<Record<string, Place>>;
}

const FORMAT = 1;

export class OddsFloor {
  /** Undefined: the logs' beginnings. */
  #usable: Floor | undefined;
  /** Usable once a tick covers everything that was read by then. */
  #coming: Floor | undefined;
  /** By meeting that is not settled, in the order in which they were first seen; a floor is older than one that comes after it. */
  readonly #before = new Map<string, Floor | undefined>();

  constructor(begun: Floor | undefined) {
    this.#usable = begun;
  }

  /** To be called with each decision before it is applied, of whatever log. */
  see({ events }: DecisionRecord): void {
    for (const event of events as readonly (MarketEvent | ShardEvent)[]) {
      if ((event.t !== 'Fact' && event.t !== 'FactApplied') || event.fact.t !== 'MeetingPublished') continue;
      const { meetingId } = event.fact.meeting;
      if (!this.#before.has(meetingId)) this.#before.set(meetingId, this.#usable);
    }
  }

  /** All races of the meeting are settled, in a tick that is out. */
  over(meetingId: string): void {
    this.#before.delete(meetingId);
  }

  /** A tick for this moment is out; `here` is where every log has been read up to. */
  tick(moment: number, here: () => Floor): void {
    if (this.#coming && this.#coming.until > moment) return;
    this.#usable = this.#coming ?? this.#usable;
    this.#coming = here();
  }

  get now(): Floor | undefined {
    for (const [, oldest] of this.#before) return oldest;
    return this.#usable;
  }
}

export function encodeFloor(floor: Floor): string {
  const body = JSON.stringify(floor);
  return JSON.stringify({ v: FORMAT, hash: sha256(Buffer.from(body)), body });
}

/** Throws where it was written otherwise, or by another release. */
export function decodeFloor(text: string): Floor {
  const { v, hash, body } = JSON.parse(text) as { v?: unknown; hash?: unknown; body?: unknown };
  if (v !== FORMAT) throw new Error(`its format is ${String(v)}, this release reads ${FORMAT}`);
  if (typeof body !== 'string' || sha256(Buffer.from(body)) !== hash) throw new Error('it does not have its hash');
  return JSON.parse(body) as Floor;
}
