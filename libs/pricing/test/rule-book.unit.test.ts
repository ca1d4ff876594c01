/**
 * The rule book's worked cases for pools of one race, as lines an outsider writes, each with its sum in words; and the
 * list of what naive implementations miss, by name.
 */

import { describe, expect, it } from 'vitest';
import { countLine, priceLine, probablesLine } from '#mutuel/pricing';
import { ruleSetFor } from '#mutuel/tote';

interface Answer {
  readonly dividends: readonly { readonly tier: string; readonly c: string; readonly price: string }[];
  readonly tiers: readonly { readonly tier: string; readonly pool: number }[];
  readonly [amount: string]: unknown;
}

const pool = (type: string, currency = 'EUR', exponent = 2): object => ({ pool: { type, currency, exponent } });
const price = (line: object): Answer => {
  const answer = priceLine(line);
  if ('error' in answer) throw new Error(`${answer.error.code} ${answer.error.at}: ${answer.error.message}`);
  return answer as unknown as Answer;
};
/** Prices by tier and combination; the tier is left out where it has the pool's own name. */
const paid = (line: object): Record<string, string> => {
  const { type } = (line as { pool: { type: string } }).pool;
  return Object.fromEntries(
    price(line).dividends.map(({ tier, c, price: text }) => [tier === type ? c : `${tier} ${c}`, text]),
  );
};
const stakes = (of: Record<string, number>): object => ({
  stakes: Object.entries(of).map(([c, minor]) => ({ c, minor })),
});
const winning = (of: Record<string, number>): object => ({
  winning: Object.entries(of).map(([key, minor]) => {
    const [tier, c] = key.includes(' ') ? key.split(' ') : [undefined, key];
    return { ...(tier ? { tier } : {}), c, minor };
  }),
});
const runners = (count: number): object => ({
  runners: { declared: Array.from({ length: count }, (_, i) => String(i + 1)) },
});
const order = (...places: string[]): object => ({ result: places.map((place) => place.split('=')) });

const balanced = (answer: Answer): void => {
  const { gross, carryIn, jackpotIn, takeout, refunded, breakage, topUp, carryOut, jackpot } =
    answer as unknown as Record<string, number>;
  const out = answer.dividends.reduce((sum, one) => sum + (one as unknown as { paid: number }).paid, 0);
  const all = [takeout, out, refunded, breakage, -(topUp ?? 0), carryOut, jackpot];
  expect((gross ?? 0) + (carryIn ?? 0) + (jackpotIn ?? 0)).toBe(
    all.reduce<number>((sum, value) => sum + (value ?? 0), 0),
  );
};

describe('worked cases', () => {
  it.each<[string, object, Record<string, string>]>([
    [
      'S10 couple place: 10000 to share, 1000 staked on three pairs, profit 9000, 3000 each: 1 + 3000/500, /300, /200',
      {
        ruleSet: 'FR',
        ...pool('QUINELLA_PLACE'),
        net: 1_000_000,
        ...winning({ '1-2': 50_000, '1-3': 30_000, '2-3': 20_000 }),
      },
      { '1-2': '7.00', '1-3': '11.00', '2-3': '16.00' },
    ],
    [
      'S18 multi: 105 x 100 + 21 x 300 + 7 x 900 + 3 x 2000 = 29100; 30000 / 29100 = 1.03, cut to 1.00, then 105, 21, 7, 3',
      {
        ruleSet: 'FR',
        ...pool('MULTI'),
        net: 3_000_000,
        ...winning({ 'M4 1-2-3-4': 10_000, 'M5 1-2-3-4': 30_000, 'M6 1-2-3-4': 90_000, 'M7 1-2-3-4': 200_000 }),
      },
      { 'M4 1-2-3-4': '105.00', 'M5 1-2-3-4': '21.00', 'M6 1-2-3-4': '7.00', 'M7 1-2-3-4': '3.00' },
    ],
    [
      'S07 by the standard method: profit 8000 - 5400 = 2600, 1300 each: 1.26 and 4.25, by dimes',
      {
        ruleSet: 'US',
        rules: { takeout: '0.20' },
        ...pool('PLACE', 'USD'),
        gross: 1_000_000,
        ...winning({ '1': 500_000, '2': 40_000 }),
      },
      { '1': '1.20', '2': '4.20' },
    ],
    [
      'S07 by net pricing: net bets 4000 and 320, profit 8000 - 4320 = 3680, 1840 each: (1 + 0.46) x 0.8 = 1.168, (1 + 5.75) x 0.8 = 5.40',
      {
        ruleSet: 'US',
        rules: { takeout: '0.20', pricing: 'NET' },
        ...pool('PLACE', 'USD'),
        gross: 1_000_000,
        ...winning({ '1': 500_000, '2': 40_000 }),
      },
      { '1': '1.10', '2': '5.40' },
    ],
    [
      'S16 Japan without a winner: every ticket the net rate 0.775, by tens of yen per hundred 0.70',
      {
        ruleSet: 'JP',
        rules: { takeout: '0.225' },
        ...pool('QUINELLA', 'JPY', 0),
        ...runners(8),
        ...order('1', '2', '3'),
        ...stakes({ '3-4': 10_000 }),
      },
      { '*': '0.70' },
    ],
    [
      'R08 Japan: 0.8 x (5000000 + 4000000) = 7200000 over 5000000: 1.44, by tens of yen 1.40',
      {
        ruleSet: 'JP',
        rules: { takeout: '0.20' },
        ...pool('WIN', 'JPY', 0),
        gross: 9_000_000,
        ...winning({ '1': 5_000_000 }),
      },
      { '1': '1.40' },
    ],
    [
      'S15 exacta nobody has: profit 8000 - 800 = 7200, half each: 1 + 3600/500, 1 + 3600/300',
      { ruleSet: 'US', ...pool('EXACTA', 'USD'), net: 800_000, ...winning({ 'A>*': 50_000, '*>B': 30_000 }) },
      { 'A>*': '8.20', '*>B': '13.00' },
    ],
    [
      'a British dead heat by halves of the net pool: 7500 / 10000 = 0.75, by dimes 0.70, above the floor of 0.60; 7.50',
      {
        ruleSet: 'UK',
        ...pool('WIN', 'GBP'),
        net: 15_000,
        ...order('1=2'),
        ...winning({ '1': 10_000, '2': 1_000 }),
      },
      { '1': '0.70', '2': '7.50' },
    ],
    [
      'a merged quartet pool: net 75000 less 0.5 % of 100000 = 74500, half each: 37250 / 1000 and 37250 / 4000, by dollars per ten',
      {
        ruleSet: 'HK',
        ...pool('QUARTET', 'HKD'),
        ...runners(8),
        ...order('1', '2', '3', '4', '5'),
        ...stakes({ '1>2>3>4': 1_000, '1-2-3-4': 4_000, '8>7>6>5': 95_000 }),
      },
      { '1>2>3>4': '37.20', 'FIRST4 1-2-3-4': '9.30' },
    ],
    [
      'quarte: bonus 40 % of 60000 / 100 = 240, disorder 35 % / 100 = 210, below four times the bonus: 45000 / (4 x 100 + 100) = 90: 360 and 90; order 25 % / 10 = 1500',
      {
        ruleSet: 'FR',
        ...pool('QUARTE'),
        net: 6_000_000,
        ...winning({ 'ORDER 1>2>3>4': 1_000, 'DISORDER 1-2-3-4': 10_000, 'BONUS3 1-2-3': 10_000 }),
      },
      { 'ORDER 1>2>3>4': '1500.00', 'DISORDER 1-2-3-4': '360.00', 'BONUS3 1-2-3': '90.00' },
    ],
    [
      'quinte of 2019: bonus 4 17 % of 100000 / 1000 = 17 is below bonus 3 26 % / 1000 = 26: 43000 / (3 x 1000 + 1000) = 10.75, cut to 10.70, then 32.10 and 10.70',
      {
        ruleSet: 'FR',
        ...pool('QUINTE'),
        net: 10_000_000,
        ...winning({
          'ORDER 1>2>3>4>5': 200,
          'DISORDER 1-2-3-4-5': 10_000,
          'BONUS4 1-2-3-4': 100_000,
          'BONUS3 1-2-3': 100_000,
        }),
      },
      {
        'ORDER 1>2>3>4>5': '14000.00',
        'DISORDER 1-2-3-4-5': '290.00',
        'BONUS4 1-2-3-4': '32.10',
        'BONUS3 1-2-3': '10.70',
      },
    ],
    [
      'a tier of fixed price first: 100 x 1.10 of 6110, then 20, 15 and 25 sixtieths of 6000: 2000 / 10, 1500 / 50, 2500 / 100',
      {
        rules: {
          takeout: '0',
          minimum: '1.10',
          breakTo: '0.10',
          breakAt: 'UNIT',
          tiers: [
            { name: 'ORDER', share: '20/60', ratio: '2' },
            { name: 'DISORDER', share: '15/60' },
            { name: 'BONUS3', share: '25/60' },
            { name: 'BONUS2', share: '0' },
          ],
        },
        ...pool('QUARTE'),
        net: 611_000,
        ...winning({ 'ORDER 1>2>3>4': 1_000, 'DISORDER 1-2-3-4': 5_000, 'BONUS3 1-2-3': 10_000, 'BONUS2 1-2': 10_000 }),
      },
      { 'ORDER 1>2>3>4': '200.00', 'DISORDER 1-2-3-4': '30.00', 'BONUS3 1-2-3': '25.00', 'BONUS2 1-2': '1.10' },
    ],
    [
      'order at least twice the disorder: 35000 / (2 x 1000 + 1000) = 11.67, cut to 11.60, then 23.20; never 23.30',
      {
        rules: {
          takeout: '0',
          breakTo: '0.10',
          breakAt: 'UNIT',
          tiers: [
            { name: 'ORDER', share: '20/60', ratio: '2' },
            { name: 'DISORDER', share: '15/60' },
            { name: 'BONUS3', share: '25/60' },
          ],
        },
        ...pool('QUARTE'),
        net: 6_000_000,
        ...winning({ 'ORDER 1>2>3>4': 100_000, 'DISORDER 1-2-3-4': 100_000, 'BONUS3 1-2-3': 100_000 }),
      },
      { 'ORDER 1>2>3>4': '23.20', 'DISORDER 1-2-3-4': '11.60', 'BONUS3 1-2-3': '25.00' },
    ],
    [
      'pick 5 with a non-runner: profit 1000 - 150 = 850; a quarter over both stakes 1 + 212.5 / 150 = 2.41; three quarters more over 50: 15.16',
      {
        ruleSet: 'FR',
        ...pool('PICK5_FR'),
        net: 100_000,
        ...winning({ 'PICK5_FR 1-2-3-4-5': 5_000, '1NP 1-2-3-4-9': 10_000 }),
      },
      { '1-2-3-4-5': '15.10', '1NP 1-2-3-4-9': '2.40' },
    ],
    [
      'a French quinella online with a non-runner: 9000 - 1500 = 7500 over the stakes; three quarters over 500, a quarter over 1000: 1 + 11.25, 1 + 1.875',
      {
        ruleSet: 'FR-ONLINE',
        rules: { takeout: '0.10' },
        ...pool('QUINELLA'),
        runners: { declared: ['1', '2', '3', '4', '9'], scratched: ['9'] },
        ...order('1', '2', '3'),
        ...stakes({ '1-2': 500, '1-9': 1_000, '2-9': 3_500, '3-4': 5_000 }),
      },
      { '1-2': '12.20', '1NP 1-9': '2.80' },
    ],
    [
      'a super high five that Texas consoles: a quarter of 75000 = 18750 to the first four, / 1000',
      {
        ruleSet: 'US-TX',
        ...pool('SUPER_HIGH_5', 'USD'),
        ...runners(8),
        ...order('1', '2', '3', '4', '5'),
        ...stakes({ '1>2>3>4>6': 1_000, '6>2>3>4>5': 99_000 }),
      },
      { '1>2>3>4>*': '18.70' },
    ],
  ])('%s', (_, line, expected) => {
    expect(paid(line)).toEqual(expected);
    balanced(price(line));
  });

  it.each<[string, string, Record<string, number>, number]>([
    ['2002', 'FR@2002-01-01', { QUINTE: 32_800_500, BONUS4: 14_578_000, BONUS3: 25_511_500 }, 1_110_000],
    ['2019', 'FR', { ORDER: 20_720_000, DISORDER: 21_460_000, BONUS4: 12_580_000, BONUS3: 19_240_000 }, 0],
  ])(
    'S11 quinte of %s: 740000 to share by its tiers, 1.5 %% to the reserve first in 2002',
    (_, ruleSet, tiers, jackpot) => {
      const answer = price({ ruleSet, ...pool('QUINTE'), net: 74_000_000 });
      expect(Object.fromEntries(answer.tiers.map(({ tier, pool: money }) => [tier, money]))).toEqual(tiers);
      expect(answer['jackpot']).toBe(jackpot);
    },
  );

  it('explains itself: each tier, each merging with its weights, each rounding by name', () => {
    const line = { ruleSet: 'FR', ...pool('QUARTE'), net: 6_000_000 };
    const tiers = { 'ORDER 1>2>3>4': 1_000, 'DISORDER 1-2-3-4': 10_000, 'BONUS3 1-2-3': 10_000 };
    expect(price({ ...line, ...winning(tiers) })['steps']).toEqual([
      'net 6000000 as given, takeout 0, carry-in 0',
      'tier ORDER: 1500000',
      'tier DISORDER: 2100000',
      'tier BONUS3: 2400000',
      'DISORDER pays less than its ratio to BONUS3: merged, 4500000 over DISORDER x 4, BONUS3 x 1',
      'ORDER 1>2>3>4: exact price 1500/1 (SINGLE_PRICE, down to 0.10 per 1, then minimum) = 1500.00; paid 1500000 = 1000 x 1500.00, rounded down',
      'DISORDER 1-2-3-4: exact price 360/1 (weight 4: the price of weight 1 down to 0.10 per 1, then times 4, then minimum) = 360.00; paid 3600000 = 10000 x 360.00, rounded down',
      'BONUS3 1-2-3: exact price 90/1 (weight 1: the price of weight 1 down to 0.10 per 1, then times 1, then minimum) = 90.00; paid 900000 = 10000 x 90.00, rounded down',
      'breakage 0 = pool 6000000 - paid 6000000',
    ]);
  });

  it('a quinte line is paid at its own best rank only, lower ranks by who finished behind', () => {
    const line = {
      ruleSet: 'FR',
      ...pool('QUINTE'),
      ...runners(9),
      ...order('1', '2', '3', '4', '5', '6', '7'),
      ...stakes({
        '1>2>3>4>5': 200, // order
        '5>4>3>2>1': 400, // disorder
        '1>2>3>4>6': 1_000, // bonus 4: the first four and one worse than fifth
        '1>2>3>5>6': 2_000, // bonus 3: the fifth is worse than fourth
        '1>2>4>5>6': 4_000, // nothing
        '9>8>7>6>4': 92_400,
      }),
    };
    const stakeOf = Object.fromEntries(
      price(line).dividends.map((one) => [one.tier, (one as unknown as { stake: number }).stake]),
    );
    expect(stakeOf).toEqual({ ORDER: 200, DISORDER: 400, BONUS4: 1_000, BONUS3: 2_000 });
    balanced(price(line));
  });

  it('British money not won is carried gross; a part-backed dividend is the whole net pool for one unit, its fraction is paid', () => {
    // 1000 - 25 % = 750 for one unit; 0.40 of it backed: 300 paid, and the other 0.60 of 1000 goes on, untaxed.
    const part = price({
      ruleSet: 'UK',
      ...pool('TRIFECTA', 'GBP'),
      gross: 100_000,
      unit: 100,
      winning: [{ c: '1>2>3', units: '0.40' }],
    });
    expect(part).toMatchObject({ takeout: 10_000, carryOut: 60_000, dividends: [{ price: '750.00', paid: 30_000 }] });
    const none = price({ ruleSet: 'UK', ...pool('TRIFECTA', 'GBP'), gross: 100_000, carryIn: 5_000, winning: [] });
    expect(none).toMatchObject({ outcome: 'CARRIED', takeout: 0, carryOut: 105_000 });
  });

  it('a guarantee is paid by the operator: 100000 promised, 60000 staked, 40000 topped up, 75000 for the winner', () => {
    const line = {
      ruleSet: 'UK',
      ...pool('TRIFECTA', 'GBP'),
      gross: 60_000,
      guarantee: 100_000,
      ...winning({ '1>2>3': 1_000 }),
    };
    expect(price(line)).toMatchObject({ takeout: 25_000, topUp: 40_000, dividends: [{ price: '75.00' }] });
    expect(price(line)['steps']).toContain(
      'net pool 75000 = gross 60000 + guarantee 40000 + carry-in 0 - exact takeout 25000',
    );
    balanced(price(line));
  });

  it('a guarantee is the gross pool by the Japanese split too: 1,000,000 x 0.8 over 40,000 is 20.00', () => {
    const line = {
      ruleSet: 'JP',
      ...pool('WIN', 'JPY'),
      gross: 100_000,
      guarantee: 1_000_000,
      ...winning({ '1': 40_000 }),
    };
    expect(price(line)).toMatchObject({ takeout: 200_000, topUp: 900_000, breakage: 0 });
    expect(price(line)).toMatchObject({ dividends: [{ price: '20.00', paid: 800_000 }] });
    balanced(price(line));
  });

  it('a jackpot of an unbacked combination goes back to the jackpot', () => {
    const line = {
      ruleSet: 'HK',
      ...pool('QUARTET', 'HKD'),
      ...runners(8),
      ...order('1', '2', '3', '4', '5'),
      jackpotIn: 5_000_000,
    };
    const unbacked = price({ ...line, ...stakes({ '1-2-3-4': 4_000, '8>7>6>5': 96_000 }) });
    expect(unbacked['jackpot']).toBe(5_000_000 + 500);
    const backed = price({ ...line, ...stakes({ '1>2>3>4': 1_000, '1-2-3-4': 4_000, '8>7>6>5': 95_000 }) });
    expect(backed['jackpot']).toBe(500);
    for (const answer of [unbacked, backed]) balanced(answer);
  });

  it('several takeouts: each site breaks by its own, keeps its own breakage, and its dividends carry its name', () => {
    // Net bets: host 0.83 x 5000, 400; guest 0.80 x 500, 40. N = 8300 + 800 = 9100; B = 4550 and 364; profit 4186.
    // Bases 1 + 2093 / 4550 = 1.46 and 1 + 2093 / 364 = 6.75. Host 1.2118, 5.6025; guest 1.168, 5.40.
    const bets = (share: number): { c: string; minor: number }[] => [
      { c: '1', minor: 500_000 / share },
      { c: '2', minor: 40_000 / share },
      { c: '3', minor: 460_000 / share },
    ];
    const answer = price({
      ruleSet: 'US',
      ...pool('PLACE', 'USD'),
      ...order('1', '2', '3'),
      sources: [
        { id: 'host', takeout: '0.17', stakes: bets(1) },
        { id: 'guest', takeout: '0.20', stakes: bets(10) },
      ],
    });
    expect(answer.dividends).toMatchObject([
      { source: 'host', c: '1', price: '1.20' },
      { source: 'host', c: '2', price: '5.60' },
      { source: 'guest', c: '1', price: '1.10' },
      { source: 'guest', c: '2', price: '5.40' },
    ]);
    expect(answer['sources']).toMatchObject([
      { id: 'host', takeout: 170_000, net: 830_000, paid: 824_000, breakage: 6_000 },
      { id: 'guest', takeout: 20_000, net: 80_000, paid: 76_600, breakage: 3_400 },
    ]);
    balanced(answer);
  });
});

describe('rules as an outsider writes them', () => {
  it('a whole shipped rule set stands as rules, without a name to look up', () => {
    for (const type of ['WIN', 'TRIO', 'QUINTE', 'MULTI'] as const) {
      const rules = ruleSetFor('FR', type);
      const line = { ...pool(type), ...runners(9), ...order('1', '2', '3', '4', '5', '6') };
      const bet = { WIN: '1', TRIO: '1-2-3', QUINTE: '1>2>3>4>5', MULTI: '1-2-3-4' }[type];
      const priced = { ...line, ...stakes({ [bet]: 1_000 }) };
      expect(paid({ ...priced, rules })).toEqual(paid({ ...priced, ruleSet: 'FR' }));
    }
  });

  it('sources may give their gross and only the stakes that matter, and the winners by name', () => {
    const site = (id: string, takeout: string, gross: number, of: Record<string, number>): object => ({
      ...{ id, takeout, gross },
      ...stakes(of),
    });
    const line = {
      ruleSet: 'US',
      ...pool('PLACE', 'USD'),
      winning: [{ c: '1' }, { c: '2' }],
      sources: [
        site('host', '0.17', 1_000_000, { '1': 500_000, '2': 40_000 }),
        site('guest', '0.20', 100_000, { '1': 50_000, '2': 4_000 }),
      ],
    };
    expect(price(line).dividends.map(({ price: text }) => text)).toEqual(['1.20', '5.60', '1.10', '5.40']);
  });
});

describe('published results', () => {
  it('Hong Kong 2012-11-25, race 8 at Sha Tin: first tied at 5 and 56; half of 82.5 % each: 25 and 282.5 for ten', () => {
    // Published by the Jockey Club. 1000000 staked: 165000 on the 5.0, 14602 on the 56.5; 412500 each: 2.50 and 28.25.
    const line = {
      ruleSet: 'HK',
      ...pool('WIN', 'HKD'),
      ...runners(14),
      ...order('6=8', '9'),
      ...stakes({ '6': 16_500_000, '8': 1_460_170, '9': 82_039_830 }),
    };
    expect(paid(line)).toEqual({ '6': '2.50', '8': '28.25' });
  });
});

describe('formulas', () => {
  const lines = (line: object): number => (countLine({ unit: 100, ...line }) as { lines: number }).lines;
  const upTo = (count: number, from = 1): string[] =>
    Array.from({ length: count - from + 1 }, (_, i) => String(i + from));

  it.each([5, 6, 7, 8, 9, 10])('R22 super high five of %i runners at 0.20: box, 1/2/rest, 1/rest', (n) => {
    const cost = {
      5: [24, 1.2, 4.8],
      6: [144, 4.8, 24],
      7: [504, 12, 72],
      8: [1344, 24, 168],
      9: [3024, 42, 336],
      10: [6048, 67.2, 604.8],
    };
    const counted = [
      lines({ type: 'SUPER_HIGH_5', form: 'BOX', runners: upTo(n) }),
      lines({ type: 'SUPER_HIGH_5', form: 'WHEEL', columns: [['1'], ['2'], upTo(n, 3), upTo(n, 3), upTo(n, 3)] }),
      lines({ type: 'SUPER_HIGH_5', form: 'KEY', bases: ['1'], associated: upTo(n, 2) }),
    ];
    expect(counted.map((count) => count * 20)).toEqual(
      (cost[n as 5] ?? []).map((dollars) => Math.round(dollars * 100)),
    );
  });

  it.each([
    ['1/2,3/2,3/4,5/4,5', 4],
    ['1/2,3,4/2,3,4/2,3,4/5,6,7', 18],
    ['1/2,3,4,5/2,3,4,5/2,3,4,5/6', 24],
    ['1,2/1,2,3/1,2,3,4/1,2,3,4,5/1,2,3,4,5,6', 32],
    ['1/2,3,4/2,3,4/2,3,4/5,6,7,8,9,10', 36],
    ['1/2,3/2,3,4/2,3,4,5/2,3,4,5,6,7,8,9,10', 48],
    ['1/2,3/2,3,4/2,3,4,5/6', 8],
  ])('R22 part-wheel %s has %i lines, tuples of different runners', (text, count) => {
    const columns = text.split('/').map((column) => column.split(','));
    expect(lines({ type: 'SUPER_HIGH_5', form: 'WHEEL', columns })).toBe(count);
  });

  it.each([
    ['4,7/1,9,11/2,5', 12],
    ['5/1,2,3/1,2,3', 6],
    ['5/1,2,3,4/1,2,3,4', 12],
    ['9/3/ALL', 10],
  ])('R23 trifecta %s: %i lines', (text, count) => {
    const columns = text.split('/').map((column) => column.split(','));
    expect(lines({ type: 'TRIFECTA', form: 'WHEEL', columns, field: 12 })).toBe(count);
  });

  it('R24 exacta and trifecta boxes and trifecta wheels: n (n - 1), n (n - 1) (n - 2), (n - 1) (n - 2)', () => {
    const box = (type: string, n: number): number => lines({ type, form: 'BOX', runners: upTo(n) });
    const wheel = (n: number): number => lines({ type: 'TRIFECTA', form: 'KEY', bases: ['1'], associated: upTo(n, 2) });
    expect(upTo(12, 2).map((n) => 2 * box('EXACTA', Number(n)))).toEqual([
      4, 12, 24, 40, 60, 84, 112, 144, 180, 220, 264,
    ]);
    expect(upTo(8, 3).map((n) => box('TRIFECTA', Number(n)))).toEqual([6, 24, 60, 120, 210, 336]);
    expect(upTo(12, 6).map((n) => wheel(Number(n)))).toEqual([20, 30, 42, 56, 72, 90, 110]);
  });

  it('R25 tierce: combinee of 6, champ total in 16, champ partiel of 5, simplified and in every order', () => {
    const tierce = { type: 'TIERCE', bases: ['1', '2'] };
    const associated = upTo(7, 3);
    expect([
      lines({ type: 'TIERCE', form: 'BOX', runners: upTo(6), orders: 'ONE' }),
      lines({ type: 'TIERCE', form: 'BOX', runners: upTo(6), orders: 'ALL' }),
      lines({ ...tierce, form: 'CHAMP_TOTAL', field: 16, orders: 'ONE' }),
      lines({ ...tierce, form: 'CHAMP_TOTAL', field: 16, orders: 'ALL' }),
      lines({ ...tierce, form: 'CHAMP_REDUIT', associated, orders: 'ONE' }),
      lines({ ...tierce, form: 'CHAMP_REDUIT', associated, orders: 'ALL' }),
    ]).toEqual([20, 120, 14, 84, 5, 30]);
  });

  it('R26 quinte of 2 bases and 8 associated: 56 sets, 336 in the orders of the field, 672.00 euro, 28 bonus-4 pairs', () => {
    const line = { type: 'QUINTE', form: 'CHAMP_REDUIT', bases: ['1', '2'], associated: upTo(10, 3), unit: 200 };
    expect(countLine({ ...line, orders: 'ONE' })).toMatchObject({ lines: 56 });
    expect(countLine({ ...line, orders: 'FIELD' })).toMatchObject({
      lines: 336,
      cost: 67_200,
      ranks: { BONUS4: 28, BONUS3: 8 },
    });
  });

  it.each([
    ['R20', 1_500, 'EXACT', '200.00', '1/4', 5_000, 0],
    ['R21', 300, 'WHOLE_PERCENT', '1000', '1/20', 5_000, 0],
    ['R21', 1_800, 'WHOLE_PERCENT', '1000', '3/10', 30_000, 0],
    ['a stake of 10.01 buys 16 percent for 9.60', 1_001, 'WHOLE_PERCENT', '1000', '4/25', 16_000, 41],
  ])('%s box of five, 60 lines, for %i: %s', (_, stake, flexiPolicy, dividend, flexi, collect, refund) => {
    const line = { type: 'TRIFECTA', form: 'BOX', runners: upTo(5), unit: 100, stake, flexiPolicy, dividend };
    expect(countLine(line)).toMatchObject({ lines: 60, flexi, collect, refund });
  });

  it('the field is ALL, alone or in a list; a key may be written by columns, a wheel by its bases', () => {
    const wheel = { type: 'TRIFECTA', form: 'WHEEL', field: 12 };
    expect(lines({ ...wheel, columns: [['9'], ['3'], 'ALL'] })).toBe(10);
    expect(lines({ ...wheel, bases: ['9'], associated: 'ALL' })).toBe(110);
    expect(lines({ ...wheel, form: 'KEY', columns: [['5'], ['1', '2', '3'], ['1', '2', '3']] })).toBe(6);
  });

  it('multi with bases: C(P, m - b) lines; a box of 24 over five places 5,100,480', () => {
    const multi = { type: 'MULTI', form: 'CHAMP_REDUIT', bases: ['1', '2'], associated: upTo(8, 3) };
    expect([4, 5, 6, 7].map((size) => lines({ ...multi, size }))).toEqual([15, 20, 15, 6]);
    expect(lines({ type: 'SUPER_HIGH_5', form: 'BOX', runners: ['ALL'], field: 24 })).toBe(5_100_480);
  });
});

describe('what a naive implementation misses', () => {
  const place = (split: string): Record<string, string> =>
    paid({
      rules: { takeout: '0.20', split, places: 3, breakTo: '10', breakPer: '100' },
      ...pool('PLACE', 'JPY', 0),
      gross: 1_000_000,
      ...winning({ A: 100_000, B: 80_000, C: 20_000 }),
    });

  it('1: profit split, gross split and the Japanese formula give one pool three prices', () => {
    expect(place('PROFIT_SPLIT')).toEqual({ A: '3.00', B: '3.50', C: '11.00' });
    expect(place('JAPAN')).toEqual({ A: '2.90', B: '3.40', C: '11.40' });
    // 800000 / 3 = 266666.67 over each stake.
    expect(place('GROSS_SPLIT')).toEqual({ A: '2.60', B: '3.30', C: '13.30' });
  });

  it('2: a dead heat in a leg of a pick three is one price for all, in a double and in one race a split', () => {
    // 80000 / (1000 + 3000) = 20.00 for both; a split of the profit of 76000 would pay 39.00 and 13.67.
    const of = (type: string, line: object): Record<string, string> =>
      paid({ ruleSet: 'US', ...pool(type, 'USD'), net: 80_000, ...line });
    expect(of('PICK3', winning({ '3/1/1': 1_000, '3/2/1': 3_000 }))).toEqual({ '3/1/1': '20.00', '3/2/1': '20.00' });
    expect(of('DAILY_DOUBLE', winning({ '3/1': 1_000, '3/2': 3_000 }))).toEqual({ '3/1': '39.00', '3/2': '13.60' });
    expect(of('WIN', winning({ '1': 1_000, '2': 3_000 }))).toEqual({ '1': '39.00', '2': '13.60' });
  });

  it('3: a carry-in is taxed where it is gross and never where it is net', () => {
    const line = { ...pool('WIN'), gross: 10_000, carryIn: 10_000, ...winning({ '1': 1_000 }) };
    expect(paid({ ...line, rules: { takeout: '0.20', carry: 'NET' } })).toEqual({ '1': '18.00' });
    expect(paid({ ...line, rules: { takeout: '0.20', carry: 'GROSS' } })).toEqual({ '1': '16.00' });
  });

  it('4: in Japan a carry-in is shared by combination, not by stake', () => {
    // 0.75 x (1000 + 0 / 2) / 1000 + 10000 / (2 x 1000) = 5.75; on 4000: 0.75 + 10000 / 8000 = 2.00.
    const line = {
      rules: { takeout: '0.25', split: 'JAPAN' },
      ...pool('EXACTA', 'JPY', 0),
      gross: 5_000,
      carryIn: 10_000,
    };
    expect(paid({ ...line, ...winning({ '1>2': 1_000, '2>1': 4_000 }) })).toEqual({ '1>2': '5.75', '2>1': '2.00' });
  });

  it('5: the one-dollar price is broken, not the ticket: 3.36 is 3.30, for two dollars 6.60 and not 6.70', () => {
    // 3.36 pays 3.30 a dollar, 6.60 for two; broken as a two-dollar ticket 6.72 would pay 6.70.
    const line = { ruleSet: 'US', ...pool('WIN', 'USD'), net: 336_000, ...winning({ '1': 100_000 }) };
    expect(paid(line)).toEqual({ '1': '3.30' });
    expect(paid({ ...line, rules: { breakPer: '2' } })).toEqual({ '1': '3.35' });
  });

  it.each([
    ['0.90', '1.02'],
    ['0.91', '1.10'],
    ['1.09', '1.10'],
    ['1.19', '1.10'],
  ])('6: a British win of %s pays %s', (calculated, payable) => {
    const line = { ruleSet: 'UK', ...pool('WIN', 'GBP'), net: Math.round(Number(calculated) * 10_000) };
    expect(paid({ ...line, ...winning({ '1': 10_000 }) })).toEqual({ '1': payable });
  });

  it.each([
    ['0.70', '1.02'],
    ['0.71', '1.10'],
    ['1.34', '1.30'],
  ])('6: a British swinger of %s pays %s', (calculated, payable) => {
    const line = { ruleSet: 'UK', ...pool('QUINELLA_PLACE', 'GBP'), net: Math.round(Number(calculated) * 10_000) };
    expect(paid({ ...line, ...winning({ '1-2': 10_000 }) })).toEqual({ '1-2': payable });
  });

  it('6: a British dead heat may pay less than the stake, never less than 0.60', () => {
    const line = { ruleSet: 'UK', ...pool('WIN', 'GBP'), ...order('1=2'), net: 11_000 };
    expect(paid({ ...line, ...winning({ '1': 10_000, '2': 1_000 }) })).toEqual({ '1': '0.60', '2': '5.50' });
  });

  it('7: an ecurie shares the win dividend only', () => {
    const line = {
      ruleSet: 'FR',
      runners: { declared: ['1', '2', '3', '4', '5', '6', '7', '8'], entries: [['1', '2']] },
      ...order('1', '3', '4'),
      ...stakes({ '1': 1_000, '2': 1_000, '3': 2_000, '4': 2_000, '5': 4_000 }),
    };
    expect(Object.keys(paid({ ...line, ...pool('WIN') }))).toEqual(['1', '2']);
    expect(Object.keys(paid({ ...line, ...pool('PLACE') }))).toEqual(['1', '3', '4']);
  });

  it('8: places by the card in France, by those that run in the United Kingdom', () => {
    const line = {
      runners: { declared: ['1', '2', '3', '4', '5', '6', '7', '8'], scratched: ['8'] },
      ...order('1', '2', '3'),
      ...stakes({ '1': 1_000, '2': 1_000, '3': 1_000, '4': 1_000 }),
    };
    expect(Object.keys(paid({ ...line, ruleSet: 'FR', ...pool('PLACE') }))).toEqual(['1', '2', '3']);
    expect(Object.keys(paid({ ...line, ruleSet: 'UK', ...pool('PLACE', 'GBP') }))).toEqual(['1', '2']);
  });

  it('9: French tiers that merge are rounded before they are multiplied: 11.67 is 11.60, twice it 23.20 and not 23.30', () => {
    const tiers = [
      { name: 'ORDER', share: '0.5', ratio: '2' },
      { name: 'DISORDER', share: '0.5' },
    ];
    const line = { ...pool('TIERCE'), net: 35_000, ...winning({ 'ORDER 1>2>3': 1_000, 'DISORDER 1-2-3': 1_000 }) };
    const rules = { takeout: '0', breakTo: '0.10', tiers };
    expect(paid({ ...line, rules: { ...rules, breakAt: 'UNIT' } })).toEqual({
      'ORDER 1>2>3': '23.20',
      'DISORDER 1-2-3': '11.60',
    });
    expect(paid({ ...line, rules: { ...rules, breakAt: 'PRICE' } })).toEqual({
      'ORDER 1>2>3': '23.30',
      'DISORDER 1-2-3': '11.60',
    });
  });

  it('10: a late scratch in the second half of a double is consoled before pricing: 800 / 400 = 2.00; 800 - 200 = 600 / 100 = 6.00', () => {
    const line = {
      ruleSet: 'US',
      ...pool('DAILY_DOUBLE', 'USD'),
      legs: [{ runners: ['1', '2', '3'] }, { runners: ['5', '6', '7'], scratchedAfterClose: ['7'] }],
      results: [[['3']], [['5']]],
      ...stakes({ '3/5': 10_000, '3/7': 10_000, '3/6': 20_000, '1/6': 60_000 }),
    };
    expect(paid(line)).toEqual({ '3/5': '6.00', 'CONSOLATION 3/7': '2.00' });
  });

  it('11: the favourite of the win pool at the close stands in for a non-runner: 8000 / (1000 + 1000) = 4.00', () => {
    const line = {
      ruleSet: 'US',
      rules: { takeout: '0.20' },
      ...pool('PICK3', 'USD'),
      legs: [{ runners: 3 }, { runners: 2, scratchedAfterClose: '2', favourite: '1' }, { runners: 4 }],
      results: [[['1']], [['1']], [['4']]],
      ...stakes({ '1/1/4': 1_000, '1/2/4': 1_000, '2/1/4': 8_000 }),
    };
    expect(paid(line)).toEqual({ '1/1/4': '4.00' });
    const [first, , last] = line.legs;
    expect(priceLine({ ...line, legs: [first, { runners: 2, scratchedAfterClose: '2' }, last] })).toMatchObject({
      error: { code: 'MISSING_FIELD', at: '/legs/1/favourite' },
    });
  });

  it('12: nobody has the winner: refund, the next rung, a carry-over, or Japan pays everybody', () => {
    const line = { ...pool('WIN'), ...runners(8), ...order('1', '2', '3'), ...stakes({ '2': 1_000, '3': 9_000 }) };
    const outcome = (noWinner: string[]): unknown =>
      price({ ...line, rules: { takeout: '0.20', noWinner } })['outcome'];
    expect([['REFUND'], ['CARRY'], ['NEXT']].map(outcome)).toEqual(['REFUND', 'CARRIED', 'PAID']);
    expect(paid({ ...line, rules: { takeout: '0.20', noWinner: ['NEXT', 'REFUND'] } })).toEqual({ '2': '8.00' });
    expect(paid({ ...line, rules: { takeout: '0.20', noWinner: ['PAY_NET_RATE'] } })).toEqual({ '*': '0.80' });
  });

  it('13: net pricing changes place prices even with one takeout, and win prices never', () => {
    const at = (type: string, pricing: string, of: Record<string, number>): Record<string, string> =>
      paid({
        rules: { takeout: '0.20', pricing },
        ...pool(type, 'USD'),
        gross: 1_000_000,
        ...winning(of),
      });
    const both = { '1': 500_000, '2': 40_000 };
    expect(at('PLACE', 'STANDARD', both)).toEqual({ '1': '1.26', '2': '4.25' });
    expect(at('PLACE', 'NET', both)).toEqual({ '1': '1.16', '2': '5.40' });
    expect(at('WIN', 'NET', { '1': 500_000 })).toEqual(at('WIN', 'STANDARD', { '1': 500_000 }));
  });

  it('14: a price of the stake alone is topped up only if all that is paid then stays within the sales', () => {
    // 0.8 x (8000 + 2000) / 8000 = 1.00: 1.10 costs 8800 of 10000; 0.8 x (9500 + 500) / 9500 is 0.84, raised to 1.00: 1.10 would cost 10450.
    const rules = { takeout: '0.20', topUp: { from: '1', to: '1.10' } };
    const line = { ruleSet: 'JP', rules, ...pool('WIN', 'JPY', 0), gross: 10_000 };
    expect(paid({ ...line, ...winning({ '1': 8_000 }) })).toEqual({ '1': '1.10' });
    expect(paid({ ...line, ...winning({ '1': 9_500 }) })).toEqual({ '1': '1.00' });
  });

  it('15: unique is said of the stake on all winning combinations: two of a dead heat on one ticket are two units, no jackpot', () => {
    const line = {
      rules: {
        takeout: '0',
        tiers: [
          { name: '6/6', share: '0.85' },
          { name: '5/6', share: '0.15' },
        ],
        unique: { tier: '6/6', unit: 20 },
      },
      ...pool('PICK6', 'USD'),
      net: 100_000,
      jackpotIn: 500_000,
    };
    const both = { '6/6 1/2/3/4/5/6': 20, '6/6 1/2/3/4/5/7': 20, '5/6 *': 100 };
    expect(price({ ...line, ...winning(both) })['jackpot']).toBe(500_000);
    expect(price({ ...line, ...winning({ '6/6 1/2/3/4/5/6': 20, '5/6 *': 100 }) })['jackpot']).toBe(0);
  });
});

describe('odds where others win too', () => {
  interface Odds {
    readonly odds: readonly {
      readonly c: string;
      readonly price: string | null;
      readonly low: string | null;
      readonly high: string | null;
    }[];
  }

  it('a quinte order shows what it would be paid, by the code that pays', () => {
    const bets = stakes({
      '1>2>3>4>5': 200,
      '5>4>3>2>1': 400,
      '1>2>3>4>6': 1_000,
      '1>2>3>5>6': 2_000,
      '9>8>7>6>4': 100_000,
    });
    const line = { ruleSet: 'FR', ...pool('QUINTE'), ...runners(9), ...bets };
    const { odds } = probablesLine(line) as unknown as Odds;
    const shown = odds.find(({ c }) => c === '1>2>3>4>5');
    expect(shown).toMatchObject({
      price: paid({ ...line, ...order('1', '2', '3', '4', '5', '6') })['ORDER 1>2>3>4>5'],
    });
  });

  it('a multi of five goes from its most to its least backed four; 2 sur 4 from its dearest to its cheapest company', () => {
    const multi = probablesLine({
      ruleSet: 'FR',
      ...pool('MULTI'),
      net: 5_000,
      ...stakes({ '1-2-3-4': 1_000, '1-2-3-4-5': 1_000 }),
    }) as unknown as Odds;
    // With 1-2-3-4 first: 5000 / (105 x 1000 + 21 x 1000), no more than 0.03; without it 5000 / 21000 = 0.23, cut to 0.20.
    expect(multi.odds[1]).toEqual({ c: '1-2-3-4-5', price: null, low: '0.00', high: '4.20' });
    const pairs = probablesLine({
      ruleSet: 'FR',
      ...pool('DEUX_SUR_QUATRE'),
      ...runners(6),
      rules: { takeout: '0' },
      ...stakes({ '1-2': 1_000, '3-4': 1_000, '5-6': 2_000 }),
    }) as unknown as Odds;
    // 4000 over 1-2 and 3-4, over 1-2 and 5-6, over 1-2 alone.
    expect(pairs.odds[0]).toEqual({ c: '1-2', price: null, low: '1.30', high: '4.00' });
  });

  it('a pool in which nobody has bet has no price', () => {
    const { odds } = probablesLine({
      ruleSet: 'US',
      ...pool('WIN', 'USD'),
      ...stakes({ '1': 0, '2': 0 }),
    }) as unknown as Odds;
    expect(odds.map(({ price: shown }) => shown)).toEqual([null, null]);
  });

  it('every trifecta of a card of 24 is listed, without a price where nobody bet', () => {
    const line = {
      ruleSet: 'US',
      ...pool('TRIFECTA', 'USD'),
      ...runners(24),
      ...stakes({ '1>2>3': 1_000, '3>2>1': 3_000 }),
    };
    const { odds } = probablesLine(line) as unknown as Odds;
    expect(odds).toHaveLength(12_144);
    expect(odds.filter(({ price: shown }) => shown !== null)).toHaveLength(2);
  });

  it('a swinger goes from its most to its least backed company: a third of 16100 over 100, raised; over 20, 2.60 to 8.00', () => {
    const answer = probablesLine({
      ruleSet: 'UK',
      ...pool('QUINELLA_PLACE', 'GBP'),
      ...runners(6),
      ...stakes({ '1-2': 10_000, '1-3': 5_000, '2-3': 2_000, '4-5': 0, '1-6': 3_000, '5-6': 3_000 }),
    }) as { odds: { c: string; low: string | null; high: string | null }[] };
    const odds = new Map(answer.odds.map((one) => [one.c, one]));
    // 1-2 with 3: 5366.67 / 10000 = 0.54: 1.02; with 6 only 1-6 is backed: 8050 / 10000; with 4 alone 1.61.
    expect(odds.get('1-2')).toMatchObject({ low: '1.02', high: '1.60' });
    // 2-3 with 1: 5366.67 / 2000 = 2.68; with 4 alone 8.05.
    expect(odds.get('2-3')).toMatchObject({ low: '2.60', high: '8.00' });
    expect(odds.get('4-5')).toMatchObject({ low: null, high: null });
  });
});
