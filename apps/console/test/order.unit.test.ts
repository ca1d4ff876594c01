// The judge's order as it is tapped in, and which race the board follows.
import { describe, expect, it } from 'vitest';
import { followed, lastRun, nextRace } from '../src/board/race-choice.js';
import { ranks } from '../src/board/result.js';
import { EMPTY_ORDER, finishOf, gap, type Order, ordinal, pick, placeOf, readOut, tap } from '../src/ops/order.js';
import type { RaceSummary } from '../src/wire.js';

const taps = (...runners: string[]): Order => runners.reduce((order, runner) => tap(order, runner), EMPTY_ORDER);

describe('entering the order', () => {
  it('fills one rank after another', () => {
    expect(finishOf(taps('4', '7', '1'))).toEqual([['4'], ['7'], ['1']]);
  });

  it('makes a dead heat of a tap into a rank that is taken, and goes on at the next empty one', () => {
    const order = tap(tap(pick(taps('4', '7'), 0), '2'), '9');
    expect(finishOf(order)).toEqual([['4', '2'], ['7'], ['9']]);
    expect(order.ranks.map((_, index) => placeOf(order, index))).toEqual([1, 3, 4, 5]);
  });

  it('takes a runner back with a second tap and waits at the hole it leaves', () => {
    const order = tap(taps('4', '7', '1'), '7');
    expect(gap(order, 1)).toBe('Nobody is 2nd yet, but a later place is filled.');
    expect(finishOf(tap(order, '2'))).toEqual([['4'], ['2'], ['1']]);
  });

  it('keeps the disqualified out of the order', () => {
    const order = tap(pick(taps('4'), 'DISQUALIFIED'), '8');
    expect(order.disqualified).toEqual(['8']);
    expect(finishOf(order)).toEqual([['4']]);
  });

  it('is not sent before the places that the pools price are filled', () => {
    expect(gap(EMPTY_ORDER, 3)).toBe('Tap the winner first.');
    expect(gap(taps('4', '7'), 3)).toBe('The pools of this race need the first 3; 2 are placed.');
    expect(gap(taps('4', '7', '1'), 3)).toBeNull();
  });

  it('is read out with its ties', () => {
    expect(readOut([['4'], ['7'], ['1', '2'], ['9']])).toBe('1st 4 · 2nd 7 · 3rd 1 and 2, dead heat · 5th 9');
    expect([1, 2, 3, 4, 11, 12, 13, 21, 22].map(ordinal).join(' ')).toBe('1st 2nd 3rd 4th 11th 12th 13th 21st 22nd');
  });
});

describe('the ranks of the board', () => {
  it('skip the places a dead heat takes', () => {
    expect(ranks([['4', '2'], ['7']]).map(({ rank }) => rank)).toEqual([0, 2]);
  });
});

describe('the race the board follows', () => {
  const race = (number: number, status: string, minutes: number): RaceSummary => ({
    raceId: `C${number}`,
    meetingId: 'M',
    number,
    name: '',
    postTime: new Date(minutes * 60_000).toISOString(),
    status,
    stopAt: null,
    offAt: null,
    runnerCount: 8,
  });
  const card = [
    race(1, 'SETTLED', 0),
    race(2, 'PROVISIONAL', 7),
    race(3, 'OPEN', 14),
    race(4, 'OPEN', 21),
    race(5, 'DRAFT', 28),
  ];

  it('is the earliest that still sells, and the last one run stays beside it', () => {
    expect(nextRace(card, 0)?.raceId).toBe('C3');
    expect(lastRun(card)?.raceId).toBe('C2');
  });

  it('stays on a race for a while after its stop and then moves on', () => {
    const stopped = card.map((one) =>
      one.number === 2 ? { ...one, stopAt: new Date(7 * 60_000).toISOString() } : one,
    );
    expect(followed(stopped, 'C2', 7 * 60_000 + 30_000)?.raceId).toBe('C2');
    expect(followed(stopped, 'C2', 7 * 60_000 + 50_000)?.raceId).toBe('C3');
    expect(followed(stopped, null, 7 * 60_000 + 30_000)?.raceId).toBe('C3');
  });

  it('is the first to be opened when none sells, and none after the last', () => {
    expect(nextRace([race(1, 'SETTLED', 0), race(2, 'DRAFT', 7)], 0)?.raceId).toBe('C2');
    expect(nextRace([race(1, 'SETTLED', 0)], 0)).toBeNull();
  });
});
