/**
 * The market as this process sees it: every valid market decision folded by the decider's own `evolve`, with the cards and the audit
 * trail beside it. A projection for reading; it decides nothing and may be a moment late.
 */
import { type DecisionRecord, type StateBytes, utf8 } from '#mutuel/contracts';
import {
  type Actor,
  type MarketEvent,
  type MarketPool,
  type MarketRace,
  type MarketState,
  type MeetingCard,
  marketDecider,
} from '#mutuel/engine';
import { checkState } from '#mutuel/runtime';

export interface AuditEntry {
  readonly seq: number;
  readonly at: string;
  readonly action: string;
  readonly actor: { readonly user: string; readonly roles: readonly string[]; readonly device: string };
  readonly raceId: string | null;
  readonly reason: string | null;
  readonly outcome: 'ACCEPTED' | 'REFUSED';
  readonly code: string | null;
  readonly detail: string | null;
}

/** What people did is rare: this is weeks of it. */
const MAX_AUDIT = 50_000;
/** Raised with every change to what stands beside the market's state in an image. */
const LAYOUT = 2;
const LAYOUTS_OF_STATE = 1_000;

/** What stands beside the market's state, which is the image's one part. */
interface Beside {
  readonly cards: readonly MeetingCard[];
  readonly audit: readonly AuditEntry[];
}

export class MarketView {
  /** Of an image: an image of another one is not read. */
  readonly schema: number;
  readonly state: MarketState;
  readonly cards = new Map<string, MeetingCard>();
  /** Oldest first. */
  readonly audit: AuditEntry[] = [];
  seq = 0;
  readonly #evolve: (record: DecisionRecord<MarketEvent>) => void;
  readonly #listeners = new Set<(record: DecisionRecord<MarketEvent>) => void>();

  readonly #imageOfState: () => string;

  /** As it was when the image was taken, of this schema, at that decision; without one, before the first decision. */
  constructor(shards: number, begun?: { readonly seq: number; readonly image: StateBytes }) {
    // The hash is for deciding; folding needs none.
    const decider = marketDecider({ shards, hash: () => '' });
    this.schema = LAYOUT * LAYOUTS_OF_STATE + decider.schema;
    this.state = begun ? decider.restore({ text: partOf(begun.image), parts: [] }) : decider.initialState();
    if (begun) this.#remember(begun.seq, JSON.parse(begun.image.text) as Beside);
    this.#imageOfState = () => decider.image(this.state).text;
    this.#evolve = (record) => {
      checkState(decider, this.state, record);
      decider.evolve(this.state, record);
    };
  }

  apply(record: DecisionRecord<MarketEvent>): void {
    this.#evolve(record);
    this.seq = record.seq;
    for (const event of record.events) {
      if (event.t === 'Acted') this.#note(record, event);
      else if (event.t === 'Fact' && event.fact.t === 'MeetingPublished') this.#publish(event.fact.meeting);
    }
    for (const listener of this.#listeners) listener(record);
  }

  image(): StateBytes {
    const beside: Beside = { cards: [...this.cards.values()], audit: this.audit };
    return { text: JSON.stringify(beside), parts: [utf8(this.#imageOfState())] };
  }

  #remember(seq: number, { cards, audit }: Beside): void {
    this.seq = seq;
    for (const card of cards) this.cards.set(card.meetingId, card);
    this.audit.push(...audit);
  }

  /** With a new card the decider lets go of meetings long over; the read models keep them. */
  #publish(meeting: MeetingCard): void {
    this.cards.set(meeting.meetingId, meeting);
    for (const id of this.cards.keys()) if (!this.state.meetings.has(id)) this.cards.delete(id);
  }

  onDecision(listener: (record: DecisionRecord<MarketEvent>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  race(raceId: string): MarketRace | undefined {
    return this.state.races.get(raceId);
  }

  pool(
    poolId: string,
  ): { readonly pool: MarketPool; readonly race: MarketRace; readonly meeting: MeetingCard } | undefined {
    const pool = this.state.pools.get(poolId);
    const race = pool && this.state.races.get(pool.race);
    const meeting = race && this.cards.get(race.meeting);
    return pool && race && meeting && { pool, race, meeting };
  }

  /** Of races settled or void: no tick tells them again. */
  poolsOver(): string[] {
    const pools = [...this.state.pools.values()];
    const isOver = ({ race }: MarketPool): boolean => {
      const status = this.race(race)?.status;
      return status === 'SETTLED' || status === 'VOID';
    };
    return pools.filter(isOver).map(({ card }) => card.poolId);
  }

  /** Newest first, older than `before` where given. */
  auditPage(limit: number, before?: number, raceId?: string): { entries: AuditEntry[]; next: string | null } {
    const entries: AuditEntry[] = [];
    for (let i = this.audit.length - 1; i >= 0; i--) {
      const entry = this.audit[i] as AuditEntry;
      if (before !== undefined && entry.seq >= before) continue;
      if (raceId !== undefined && entry.raceId !== raceId) continue;
      if (entries.length === limit) return { entries, next: String((entries[limit - 1] as AuditEntry).seq) };
      entries.push(entry);
    }
    return { entries, next: null };
  }

  #note(record: DecisionRecord<MarketEvent>, event: Extract<MarketEvent, { t: 'Acted' }>): void {
    const by: Actor = event.by;
    this.audit.push({
      seq: record.seq,
      at: new Date(record.at).toISOString(),
      action: event.action,
      actor: { user: by.user, roles: by.roles, device: by.device },
      raceId: event.race ?? null,
      reason: event.reason || null,
      outcome: record.code === undefined ? 'ACCEPTED' : 'REFUSED',
      code: record.code ?? null,
      detail: record.detail ?? null,
    });
    if (this.audit.length > MAX_AUDIT) this.audit.splice(0, MAX_AUDIT / 10);
  }
}

const partOf = ({ parts: [state = new Uint8Array()] }: StateBytes): string => Buffer.from(state).toString('utf8');
