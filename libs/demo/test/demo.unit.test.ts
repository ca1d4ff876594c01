import { describe, expect, it } from 'vitest';
import {
  Chance,
  COUNTRIES,
  countryOf,
  crowdBet,
  crowdShares,
  inventCard,
  inventStrengths,
  rateAt,
  runRace,
} from '../src/index.js';

const card = (seed: number, code = 'FR') =>
  inventCard(new Chance(seed), {
    country: countryOf(code),
    date: '2026-11-22',
    meetingNo: 3,
    races: 8,
    firstPost: 1_795_300_000_000,
    everyMs: 180_000,
  });

/** Runners that one line names, and whether their order counts; races of a pool over several. */
const LINES: Readonly<Record<string, readonly [picks: number, ordered: boolean]>> = {
  WIN: [1, true],
  PLACE: [1, true],
  SHOW: [1, true],
  QUINELLA: [2, false],
  QUINELLA_PLACE: [2, false],
  DEUX_SUR_QUATRE: [2, false],
  EXACTA: [2, true],
  TRIO: [3, false],
  TRIFECTA: [3, true],
  TIERCE: [3, true],
  FIRST4: [4, false],
};
const LEGS: Readonly<Record<string, number>> = {
  ...{ DAILY_DOUBLE: 2, PICK3: 3, PICK4: 4, QUADPOT: 4, V4: 4, WIN5: 5, PICK6: 6, PLACEPOT: 6, V64: 6 },
};

describe('the invented day', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(card(7)).toEqual(card(7));
    expect(card(7)).not.toEqual(card(8));
  });

  it.each(COUNTRIES)(
    'of $code has differently named runners in fields of the usual size, and post times in order',
    ({ code, field, feature }) => {
      const { country, races } = card(1, code);
      expect(country).toBe(code);
      for (const race of races) {
        const [least, most] = feature?.race === race.number ? feature.field : field;
        expect(race.runners.length).toBeGreaterThanOrEqual(least);
        expect(race.runners.length).toBeLessThanOrEqual(most);
        expect(new Set(race.runners.map((r) => r.name)).size).toBe(race.runners.length);
      }
      const posts = races.map((race) => Date.parse(race.postTime));
      expect(posts).toEqual([...posts].sort((a, b) => a - b));
    },
  );

  it('knows six countries, and says which when asked for another', () => {
    expect(COUNTRIES.map((one) => one.code)).toEqual(['FR', 'US', 'GB', 'HK', 'JP', 'SE']);
    expect(() => countryOf('XX')).toThrow('no day is made up for XX: FR, US, GB, HK, JP, SE');
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

  const lineCount = (type: string, named: readonly string[], boxed: boolean): number => {
    if (!boxed) return 1;
    const [picks, ordered] = LINES[type] ?? [0, false];
    // A box of p + 1 runners: (p + 1)! orders of p of them, or p + 1 sets.
    expect(named).toHaveLength(picks + 1);
    return ordered ? ([1, 2, 6, 24, 120][picks] ?? 0) : picks + 1;
  };

  it.each(COUNTRIES)(
    'of $code names only runners that run, in every pool, and pays for exactly the lines it buys',
    ({ code }) => {
      const chance = new Chance(11);
      const seen = new Set<string>();
      for (const race of card(2, code).races) {
        const pools = race.pools.map(({ type }) => ({ poolId: `${race.raceId}-${type}`, type, minStake: 200 }));
        const { runners } = race;
        const strengths = inventStrengths(chance, runners.length);
        for (let i = 0; i < 500; i++) {
          const bet = crowdBet(chance, { runners, strengths, scratched: new Set(['2']) }, pools);
          if (!bet) throw new Error('no bet');
          const named = bet.runners ?? bet.columns?.flat() ?? [];
          expect(named).not.toContain('2');
          expect(new Set(named).size).toBe(named.length);
          const type = bet.poolId.slice(race.raceId.length + 1);
          seen.add(type);
          expect(bet.unitStake % 200).toBe(0);
          expect(bet.stake).toBe(bet.unitStake * lineCount(type, named, bet.form === 'BOX'));
        }
      }
      const { pools, feature } = countryOf(code);
      expect([...seen].sort()).toEqual([...new Set([...pools, ...(feature?.pools ?? [])])].sort());
    },
  );

  it('marks some runners that run in each race of a pool over several, and pays for the product of them', () => {
    const chance = new Chance(4);
    const { races, pools } = card(3, 'SE');
    const others = new Map(
      races.map(({ raceId, runners }) => {
        const strengths = inventStrengths(chance, runners.length);
        return [raceId, { runners, strengths, scratched: new Set(['1']) }];
      }),
    );
    for (const { type, legs } of pools) {
      const pool = { poolId: `${legs[0]}-${type}`, type, legs, minStake: 50 };
      for (let i = 0; i < 50; i++) {
        const first = others.get(legs[0] ?? '');
        const bet = first && crowdBet(chance, first, [pool], others);
        if (!bet?.columns) throw new Error('no bet');
        expect(bet.columns).toHaveLength(LEGS[type] ?? 0);
        expect(bet.columns.flat()).not.toContain('1');
        for (const column of bet.columns) expect(new Set(column).size).toBe(column.length);
        expect(bet.stake).toBe(50 * bet.columns.reduce((lines, column) => lines * column.length, 1));
      }
    }
  });

  it.each(COUNTRIES)('of $code finds pools over several races whose legs are on the card, in order', ({ code }) => {
    const { races, pools } = card(1, code);
    for (const { type, legs } of pools) {
      expect(legs).toHaveLength(LEGS[type] ?? 0);
      const places = legs.map((leg) => races.findIndex(({ raceId }) => raceId === leg));
      expect(places).toEqual([...places].sort((a, b) => a - b));
      expect(places[0]).toBeGreaterThanOrEqual(0);
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
