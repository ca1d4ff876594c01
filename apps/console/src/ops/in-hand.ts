// Which race needs somebody next: one that waits for its order or its confirmation, else the next to be off.
import { lastRun, nextRace } from '../board/race-choice.js';
import type { Overview } from '../wire.js';

const WAITING = ['PROVISIONAL', 'CLOSED', 'CLOSING'];

export function inHand(races: Overview['races']): Overview['races'][number] | null {
  const waiting = WAITING.map((status) => races.find((race) => race.status === status)).find(
    (race) => race !== undefined,
  );
  const chosen = waiting ?? nextRace(races, Date.now()) ?? lastRun(races);
  return races.find((race) => race.raceId === chosen?.raceId) ?? null;
}
