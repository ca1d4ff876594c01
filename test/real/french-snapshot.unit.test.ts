/** Odds that a real operator showed, from the stakes it showed beside them: what the folded pool and the tick must come to. */

import { describe, expect, it } from 'vitest';
import { ruleSetFor } from '#mutuel/tote';
import { CYCLE_MS, computeTick, OddsBook } from '#mutuel/views';
import { marketFact, marketLog, shardFact, shardLog, ticket } from '../../libs/views/test/support/decisions.js';

/**
 * The online win pool of a French race of 2021-05-29 a minute after its off (PMU programme, 12:01:04 UTC): whole euros and odds as
 * shown. Gross 20,636; less 13.9 % is 17,767.596; over the stake, cut to 0.1 below 10 and to 1 from there:
 * 17,767.596 / 3,538 = 5.02 -> 5, / 3,958 = 4.48 -> 4.4, / 1,523 = 11.66 -> 11, / 96 = 185.07 -> 185.
 */
const SNAPSHOT = [
  ['1', 1_523, '11'],
  ['2', 408, '43'],
  ['3', 3_958, '4.4'],
  ['4', 96, '185'],
  ['5', 5_764, '3'],
  ['6', 3_538, '5'],
  ['7', 1_364, '13'],
  ['8', 2_672, '6.6'],
  ['9', 177, '100'],
  ['10', 1_136, '15'],
] as const;

const SHARDS = 2;

describe('the win odds of a real French pool', () => {
  it('are those the operator showed, published from bets of two shards up to the cut of a tick', () => {
    const ruleSet = ruleSetFor('FR', 'WIN', '2021-05-29');
    if (ruleSet === null) throw new Error('no French win rules of that day');
    expect(ruleSet.takeout).toBe('0.139');
    const book = new OddsBook(SHARDS);
    const market = marketLog();
    const shards = Array.from({ length: SHARDS }, (_, shard) => shardLog(shard));
    const card = meetingOf(ruleSet);
    book.offer('market', marketFact(market, 1, { t: 'MeetingPublished', meeting: card }));
    for (const [shard, log] of shards.entries())
      book.offer(shard, shardFact(log, 1, { t: 'MeetingPublished', meeting: card }));
    // Half a pool in each shard; the bet after the cut is of the next tick.
    for (const [runner, euros] of SNAPSHOT)
      for (const [shard, log] of shards.entries()) {
        const unit = shard === 0 ? euros * 100 - 50 : 50;
        book.offer(shard, ticket(log, 2, [{ pool: 'R-WIN', sel: runner, unit }]));
      }
    const [first] = shards;
    if (first) book.offer(0, ticket(first, CYCLE_MS + 1, [{ pool: 'R-WIN', sel: '4', unit: 1_000_000 }]));

    const tick = computeTick(book, { cycle: 1, prevCycle: null, at: CYCLE_MS, late: false });

    const [pool] = tick.pools;
    expect(pool?.gross).toBe(2_063_600);
    // The takeout's fraction of a cent stays in the net pool: 286,840.4 is 286,840.
    expect(pool?.net).toBe(1_776_760);
    const shown = (pool?.rows ?? []).map(([c, stake, price]) => [c, stake / 100, trimmed(price ?? '')]);
    expect(shown).toEqual(SNAPSHOT);
  });
});

function meetingOf(ruleSet: NonNullable<ReturnType<typeof ruleSetFor>>) {
  const runners = SNAPSHOT.map(([number]) => ({ number, name: `Runner ${number}` }));
  const pools = [{ poolId: 'R-WIN', type: ruleSet.poolType, ruleSet, carryInMinor: 0 }];
  const race = { raceId: 'R', number: 1, name: 'The race', postTime: 1_622_289_600_000, runners, pools };
  const day = { course: 'France', date: '2021-05-29', country: 'FR', currency: 'EUR', exponent: 2 };
  return { meetingId: 'M', ...day, races: [race] };
}

/** 5.0 and 5 are the same odds; 100 keeps its zeros. */
const trimmed = (odds: string): string => (odds.includes('.') ? odds.replace(/\.?0+$/, '') : odds);
