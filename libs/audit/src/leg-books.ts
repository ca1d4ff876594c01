/**
 * Bets over several races as they stand in the decision logs, and who stands in for a runner that does not run: read and worked out
 * here a second time, from the rules alone. What this cannot read is a fault of the log and is refused.
 */
import { bettingInterest, runsOf } from './expansion.js';
import type { LegBet } from './leg-lines.js';
import { type AuditField, AuditRefused, type AuditRules } from './sheet.js';

/** What stands on each runner of a win pool in one shard, minor units. */
export type Favoured = ReadonlyMap<string, bigint>;

const NAME = /^[A-Za-z0-9]+$/;

/** `3,4+5/1/2`: a column a leg, a reserve behind a plus. */
export function legBet(text: string): Omit<LegBet, 'unitMinor'> {
  const legs = text.split('/').map((leg) => {
    const [column = '', reserve = null, ...more] = leg.split('+');
    const runners = column.split(',');
    if (more.length > 0 || ![...runners, ...(reserve === null ? [] : [reserve])].every((one) => NAME.test(one)))
      throw new AuditRefused(`the selection "${text}" cannot be read`);
    return { runners, reserve };
  });
  return { columns: legs.map(({ runners }) => runners), reserves: legs.map(({ reserve }) => reserve) };
}

/** The runner with most money in the win pool of its race among those that run; of equal ones the first on the card. */
export function favouriteAmong(
  field: AuditField,
  coupling: AuditRules['coupling'],
  shards: readonly Favoured[],
): string | null {
  const interestOf = bettingInterest({ ...field, scratched: [] }, coupling === 'ENTRY' ? 'ENTRY' : 'NONE');
  const stakes = new Map<string, bigint>();
  for (const favoured of shards)
    for (const [runner, stake] of favoured)
      stakes.set(interestOf(runner), (stakes.get(interestOf(runner)) ?? 0n) + stake);
  let best: string | null = null;
  for (const interest of new Set(runsOf(field).map(interestOf)))
    if (best === null || (stakes.get(interest) ?? 0n) > (stakes.get(best) ?? 0n)) best = interest;
  return best;
}
