/** Racing that the folded market has let go of, beside what it still holds: the read models keep all of it. */
import { expect, test } from 'vitest';
import { type DecisionRecord, GENESIS } from '#mutuel/contracts';
import type { MarketEvent, MeetingCard } from '#mutuel/engine';
import { ruleSetFor } from '#mutuel/tote';
import type { PoolReads } from '../src/doors.js';
import { MarketView } from '../src/market-view.js';
import { Racing } from '../src/racing.js';

const NOW = 1_795_300_000_000;
const DAY = '2026-11-22';
const ruleSet = ruleSetFor('FR', 'TRIFECTA');
if (!ruleSet) throw new Error('no rules for a trifecta');
const runners = ['1', '2', '3', '4'].map((number) => ({ number, name: `Horse ${number}` }));
const race = (raceId: string) => ({
  ...{ raceId, number: 1, name: 'Prix du Test', postTime: NOW, runners },
  pools: [{ poolId: `${raceId}-TRIFECTA`, type: 'TRIFECTA' as const, ruleSet, carryInMinor: 0 }],
});
const place = { course: 'Vincennes', date: DAY, country: 'FR', currency: 'EUR', exponent: 2 };
const live: MeetingCard = { meetingId: 'LIVE', ...place, races: [race('A'), race('B')] };

/** A market that holds one meeting of two races, of which the first was let go of; a meeting of the morning is gone whole. */
function racing(): Racing {
  const view = new MarketView(1);
  const event: MarketEvent = { t: 'Fact', n: 1, fact: { t: 'MeetingPublished', meeting: live } };
  view.apply({
    ...{ v: 1, kind: 'decision', src: 'market', epoch: 1, seq: 1, in: [1, 1, 0], cid: '', inc: '', prev: GENESIS },
    ...{ at: NOW, time: NOW, events: [event], posts: [] },
  } as DecisionRecord<MarketEvent>);
  view.state.races.delete('A');
  view.state.pools.delete('A-TRIFECTA');
  const kept = (meetingId: string) => ({ meetingId, ...place, races: [{ raceId: 'A' }, { raceId: 'B' }] });
  const pools = {
    meetings: async () => [kept('MORNING'), kept('LIVE')],
    meeting: async (id: string) => kept(id),
    published: async (poolId: string) =>
      poolId === 'A-TRIFECTA' ? { ruleSet, field: { declared: ['1', '2', '3', '4'] } } : null,
    probable: async (poolId: string, c: string) => ({
      poolId,
      cycle: 77,
      c,
      stake: 400,
      price: '9.10',
      low: null,
      high: null,
    }),
  } as unknown as PoolReads;
  return new Racing({ market: view, odds: { latest: () => undefined }, pools, now: () => NOW });
}

const names = (answer: object, list: string, id: string): unknown[] =>
  (Reflect.get(answer, list) as object[]).map((one) => Reflect.get(one, id));

test('a meeting of which a race is long over still has it, in the order of the card', async () => {
  expect(names(await racing().meeting('LIVE'), 'races', 'raceId')).toEqual(['A', 'B']);
});

test('a day has its meetings that are gone from the market, too, and each once', async () => {
  expect(names(await racing().meetings(DAY), 'meetings', 'meetingId')).toEqual(['MORNING', 'LIVE']);
  expect(names(await racing().meetings(undefined), 'meetings', 'meetingId')).toEqual(['LIVE']);
});

test('a combination of a pool that is long over has its last odds, however it is written', async () => {
  expect(await racing().probable('A-TRIFECTA', '4>2>1')).toMatchObject({ c: '4>2>1', cycle: 77, price: '9.10' });
  await expect(racing().probable('A-TRIFECTA', '4>2')).rejects.toMatchObject({ code: 'INVALID_SELECTION' });
  await expect(racing().probable('Z-TRIFECTA', '4>2>1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
