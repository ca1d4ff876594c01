import { describe, expect, it } from 'vitest';
import { Chance, crowdBet, crowdShares, inventCard, inventStrengths, rateAt, runRace } from '../src/index.js';

const card = (seed: number) =>
  inventCard(new Chance(seed), {
    date: '2026-11-22',
    meetingNo: 3,
    races: 8,
    firstPost: 1_795_300_000_000,
    everyMs: 180_000,
  });

describe('the invented day', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(card(7)).toEqual(card(7));
    expect(card(7)).not.toEqual(card(8));
  });

  it('has eight to sixteen differently named runners a race, and post times in order', () => {
    for (const race of card(1).races) {
      expect(race.runners.length).toBeGreaterThanOrEqual(8);
      expect(race.runners.length).toBeLessThanOrEqual(16);
      expect(new Set(race.runners.map((r) => r.name)).size).toBe(race.runners.length);
    }
    const posts = card(1).races.map((race) => Date.parse(race.postTime));
    expect(posts).toEqual([...posts].sort((a, b) => a - b));
  });

  it('lets the strong win about as often as they should, and every runner finish once', () => {
    const chance = new Chance(5);
    const strengths = [0.5, 0.3, 0.15, 0.05];
    let firsts = 0;
    for (let i = 0; i < 2_000; i++) {
      const finish = runRace(chance, ['1', '2', '3', '4'], strengths);
      expect(finish.flat().sort()).toEqual(['1', '2', '3', '4']);
      if (finish[0]?.[0] === '1') firsts++;
    }
    expect(firsts / 2_000).toBeGreaterThan(0.45);
    expect(firsts / 2_000).toBeLessThan(0.55);
  });
});

describe('the crowd', () => {
  it('bets twenty-seven times faster at the off than five minutes before it', () => {
    expect(rateAt(2_000, 0)).toBe(2_000);
    expect(rateAt(2_000, 300_000)).toBeCloseTo(2_000 / 27);
    expect(rateAt(2_000, 3_600_000)).toBeCloseTo(2_000 / 27);
  });

  it('overbets long shots and underbets favourites', () => {
    const strengths = [0.6, 0.3, 0.1];
    const shares = crowdShares(strengths);
    const sum = shares.reduce((a, b) => a + b, 0);
    expect((shares[0] as number) / sum).toBeLessThan(0.6);
    expect((shares[2] as number) / sum).toBeGreaterThan(0.1);
  });

  it('names only runners that run, and pays for exactly the lines it buys', () => {
    const chance = new Chance(11);
    const race = card(2).races[0];
    if (!race) throw new Error('no race');
    const strengths = inventStrengths(chance, race.runners.length);
    for (let i = 0; i < 500; i++) {
      const bet = crowdBet(chance, race, strengths, new Set(['2']));
      const named = bet?.runners ?? bet?.columns?.flat() ?? [];
      expect(named).not.toContain('2');
      expect(new Set(named).size).toBe(named.length);
      expect((bet?.stake ?? 0) % (bet?.unitStake ?? 1)).toBe(0);
    }
  });

  it('draws counts around their mean, small and large', () => {
    const chance = new Chance(3);
    for (const mean of [0.4, 5, 200]) {
      let sum = 0;
      for (let i = 0; i < 3_000; i++) sum += chance.count(mean);
      expect(Math.abs(sum / 3_000 - mean)).toBeLessThan(0.1 * mean + 0.05);
    }
  });
});
