/**
 * From where on the logs still matter to a reader that is done with a meeting when its races are: before the oldest meeting that is not
 * over was published, in every log. A start from there comes to the same figures as one from the logs' beginnings, with days less to
 * read. It keeps places and no figures, so there is no layout to outgrow; it must never name a place behind the publication of a
 * meeting that is not over.
 */

import type { DecisionRecord } from '#mutuel/contracts';
import { sha256 } from '#mutuel/contracts';
import type { MarketEvent, MeetingCard, ShardEvent } from '#mutuel/engine';
import type { Clock, NoteStore } from '#mutuel/runtime';

/** Where one log is read on. */
export interface Place {
  readonly checkpoint: string;
  /** The offset after the last valid decision before it, where a tick names it. */
  readonly cut?: number;
}

/** One moment's places, by source. Every decision before them was appended by `until`, where that matters. */
export interface Floor {
  readonly until: number;
  readonly places: Readonly<Record<string, Place>>;
}

const FORMAT = 1;

export class MeetingFloor {
  /** Undefined: the logs' beginnings. */
  #usable: Floor | undefined;
  /** Usable once everything that was read by then is covered: by a tick, where there are any. */
  #coming: Floor | undefined;
  /** By meeting that is not settled, in the order in which they were first seen; a floor is older than one that comes after it. */
  readonly #before = new Map<string, Floor | undefined>();

  constructor(begun: Floor | undefined) {
    this.#usable = begun;
  }

  /** To be called with each decision before it is applied, of whatever log. */
  see({ events }: Pick<DecisionRecord, 'events'>): void {
    for (const { meetingId } of publishedIn(events)) {
      if (!this.#before.has(meetingId)) this.#before.set(meetingId, this.#usable);
    }
  }

  /** Nothing that comes will need the meeting any more. */
  over(meetingId: string): void {
    this.#before.delete(meetingId);
  }

  /** All up to this moment is covered; `here` is where every log has been read up to. */
  mark(moment: number, here: () => Floor): void {
    if (this.#coming && this.#coming.until > moment) return;
    this.#usable = this.#coming ?? this.#usable;
    this.#coming = here();
  }

  get now(): Floor | undefined {
    for (const [, oldest] of this.#before) return oldest;
    return this.#usable;
  }
}

/** The cards that a decision publishes, of the market or as a shard hears of them. */
export function publishedIn(events: DecisionRecord['events']): MeetingCard[] {
  return (events as readonly (MarketEvent | ShardEvent)[]).flatMap((event) =>
    (event.t === 'Fact' || event.t === 'FactApplied') && event.fact.t === 'MeetingPublished'
      ? [event.fact.meeting]
      : [],
  );
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

export interface FloorNoteOptions {
  readonly notes: NoteStore | undefined;
  /** Of the note. */
  readonly name: string;
  readonly clock: Pick<Clock, 'now'>;
  /** Throws where the logs do not hold what these places were taken of. */
  readonly check: (floor: Floor) => Promise<void>;
  /** Where every log has been read up to. */
  readonly here: () => Readonly<Record<string, Place>>;
  /** What is wrong with the note, as a sentence. */
  readonly onIgnored: (detail: string) => void;
}

const MARK_EVERY_MS = 60_000;

/** A floor that survives its process in a note, for readers that owe nothing but to have read. */
export class FloorNote {
  readonly #o: FloorNoteOptions;
  #floor = new MeetingFloor(undefined);
  #noted: Floor | undefined;
  #markAt = 0;

  constructor(options: FloorNoteOptions) {
    this.#o = options;
  }

  /** Where to begin; undefined for the logs' beginnings, where nothing usable was kept. */
  async begin(): Promise<Floor | undefined> {
    const { notes, name, check, onIgnored } = this.#o;
    try {
      const text = await notes?.read(name);
      if (text === undefined) return undefined;
      const floor = decodeFloor(text);
      await check(floor);
      this.#floor = new MeetingFloor(floor);
      this.#noted = floor;
      return floor;
    } catch (fault) {
      onIgnored(`where to begin is not known: ${(fault as Error).message}; all of the log is read`);
      return undefined;
    }
  }

  see(decision: Pick<DecisionRecord, 'events'>): void {
    this.#floor.see(decision);
  }

  /** To be called often, between decisions, once the logs were read; `over` are meetings that nothing will need any more. */
  async keep(over: readonly string[]): Promise<void> {
    const { notes, name, clock, here, onIgnored } = this.#o;
    for (const meeting of over) this.#floor.over(meeting);
    if (!notes || clock.now() < this.#markAt) return;
    this.#markAt = clock.now() + MARK_EVERY_MS;
    this.#floor.mark(Number.POSITIVE_INFINITY, () => ({ until: 0, places: here() }));
    const floor = this.#floor.now;
    if (floor === undefined || floor === this.#noted) return;
    this.#noted = floor;
    await notes
      .write(name, encodeFloor(floor))
      .catch((fault: Error) => onIgnored(`where to begin could not be written: ${fault.message}`));
  }
}
