/**
 * What a projection must know of a pool to read its bets: type, rules and card. Kept for pools not settled yet, and filled either
 * from decisions or from the read models after a restart.
 */
import { entriesOf, type MeetingCard, type PoolCard, type RaceCard } from '#mutuel/engine';
import { expandLines, type Field, isRefusal, type ReadSelection, type RuleSet, readSelection } from '#mutuel/tote';
import { isListed } from './pool-book.js';

export interface KnownPool {
  readonly poolId: string;
  readonly raceId: string;
  readonly ruleSet: RuleSet;
  readonly carryInMinor: number;
  /** Without scratches: an accepted bet reads against the card. Over several races its `legs` alone. */
  readonly field: Field;
}

/** Distinct selections remembered per pool with their lines. */
const MAX_REMEMBERED = 20_000;

export class PoolCards {
  readonly #pools = new Map<string, KnownPool>();
  readonly #races = new Map<string, string[]>();
  readonly #fields = new Map<string, Field>();
  readonly #lines = new Map<string, Map<string, readonly string[] | null>>();

  /** A pool with a leg of an earlier meeting that was not seen here stays unknown: whoever has the read models adds it. */
  publish(meeting: MeetingCard): void {
    for (const race of meeting.races) this.#fields.set(race.raceId, fieldOf(race));
    for (const race of meeting.races)
      for (const card of race.pools) {
        const field = card.legs ? this.#legs(card.legs) : fieldOf(race);
        if (field) this.add({ ...pick(card), raceId: race.raceId, field });
      }
  }

  #legs(legs: readonly string[]): Field | undefined {
    const known = legs.flatMap((leg) => this.#fields.get(leg) ?? []);
    return known.length === legs.length ? { declared: [], legs: known } : undefined;
  }

  add(pool: KnownPool): void {
    if (this.#pools.has(pool.poolId)) return;
    this.#pools.set(pool.poolId, pool);
    this.#races.set(pool.raceId, [...(this.#races.get(pool.raceId) ?? []), pool.poolId]);
  }

  get(poolId: string): KnownPool | undefined {
    return this.#pools.get(poolId);
  }

  ofRace(raceId: string): readonly string[] {
    return this.#races.get(raceId) ?? [];
  }

  forgetRace(raceId: string): void {
    for (const poolId of this.ofRace(raceId)) {
      this.#pools.delete(poolId);
      this.#lines.delete(poolId);
    }
    this.#races.delete(raceId);
    this.#fields.delete(raceId);
  }

  /** The combinations a selection covers; null for too many to list, over several races, and where a complement may change them. */
  linesOf(poolId: string, sel: string): readonly string[] | null {
    if (this.#pools.get(poolId)?.field.legs) return null;
    let known = this.#lines.get(poolId);
    if (!known || known.size >= MAX_REMEMBERED) {
      known = new Map();
      this.#lines.set(poolId, known);
    }
    const lines = known.get(sel);
    if (lines !== undefined) return lines;
    const read = this.read(poolId, sel);
    const found = isListed(read) ? [...expandLines(read)] : null;
    known.set(sel, found);
    return found;
  }

  read(poolId: string, sel: string): ReadSelection {
    const pool = this.#pools.get(poolId);
    if (!pool) throw new Error(`a bet was accepted on ${poolId}, which no decision has published`);
    const read = readSelection(pool.ruleSet.poolType, sel, pool.field, pool.ruleSet);
    if (isRefusal(read)) throw new Error(`${poolId} holds an accepted bet that does not read: ${sel}`);
    return read;
  }
}

const pick = ({ poolId, ruleSet, carryInMinor }: PoolCard) => ({ poolId, ruleSet, carryInMinor });

const fieldOf = (race: RaceCard): Field => ({
  declared: race.runners.map((runner) => runner.number),
  entries: entriesOf(race),
});
