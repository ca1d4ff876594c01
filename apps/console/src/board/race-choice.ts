// Which race the board shows by itself: the next to be off. It must never jump away from a race that somebody picked.
import { isAhead, isSelling } from '../common/race-face.js';
import type { RaceSummary } from '../wire.js';

/** A card that never ends is shown as a window around the race in view. */
const BEFORE = 6;
const AFTER = 12;
/** A race this far past its post time without being opened is no longer what people wait for. */
const GIVEN_UP_MS = 30 * 60_000;

const byPost = (a: RaceSummary, b: RaceSummary) => Date.parse(a.postTime) - Date.parse(b.postTime);

/** The next to be off: of those ahead, the earliest that sells, else the earliest; null when none is ahead. */
export function nextRace(races: readonly RaceSummary[], now: number): RaceSummary | null {
  const ahead = races
    .filter((race) => isAhead(race.status) && (isSelling(race.status) || Date.parse(race.postTime) > now - GIVEN_UP_MS))
    .sort(byPost);
  return ahead.find((race) => race.status !== 'DRAFT') ?? ahead[0] ?? null;
}

/** A race that has just stopped stays in view this long, so that its closing is seen; its result then moves aside. */
const HELD_MS = 45_000;

/** The race the board shows by itself: the one in view while its stop is fresh, then the next, else the last one run. */
export function followed(races: readonly RaceSummary[], inView: string | null, now: number): RaceSummary | null {
  const held = races.find((race) => race.raceId === inView);
  const fresh = held?.stopAt != null && !isAhead(held.status) && now - Date.parse(held.stopAt) < HELD_MS;
  return fresh ? held : (nextRace(races, now) ?? lastRun(races));
}

/** The last race whose betting has stopped; a voided one has no result to show. */
export function lastRun(races: readonly RaceSummary[]): RaceSummary | null {
  return (
    races
      .filter((race) => !isAhead(race.status))
      .sort(byPost)
      .at(-1) ?? null
  );
}

/** The part of the card around the race in view, by post time; abandoned races of other meetings are left out. */
export function cardAround(races: readonly RaceSummary[], shown: string | null): RaceSummary[] {
  const meeting = races.find((race) => race.raceId === shown)?.meetingId;
  const all = races.filter((race) => race.status !== 'VOID' || race.meetingId === meeting).sort(byPost);
  const at = Math.max(
    0,
    all.findIndex((race) => race.raceId === shown),
  );
  return all.slice(Math.max(0, at - BEFORE), at + AFTER);
}
