/**
 * Situations of the rule book as outsiders write them, pool by pool and law by law: dead heats at every rank, entries,
 * scratches, nobody on the winner, jackpots, several takeouts. Each row says its sum in words; most leave the takeout out.
 */

import { describe, expect, it } from 'vitest';
import { type PriceOutput, priceLine, probablesLine } from '#mutuel/pricing';

const upTo = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i + 1));
const of = (stakes: Record<string, number>): object[] => Object.entries(stakes).map(([c, minor]) => ({ c, minor }));
const ranks = (text: string): string[][] => text.split(' ').map((rank) => rank.split('='));

/** A race without takeout: `"1 2=3"` is a dead heat for second; entries and scratches as `runners` has them. */
const race = (law: string, type: string, finish: string, stakes: Record<string, number>, own: object = {}): object => ({
  ...{ ruleSet: law, rules: { takeout: '0' }, pool: { type } },
  ...{ runners: { declared: upTo(9) }, result: ranks(finish), stakes: of(stakes) },
  ...own,
});
const card = (count: number, own: object = {}): object => ({ runners: { declared: upTo(count), ...own } });
const coupled = { runners: { declared: ['1', '1A', '1X', '2', '3', '4', '5'], entries: [['1', '1A', '1X']] } };

const priced = (line: object): PriceOutput => {
  const answer = priceLine(line);
  if ('error' in answer) throw new Error(`${answer.error.message} ${answer.error.at}`);
  return answer;
};
const paid = (line: object): Record<string, string> => {
  const { type } = (line as { pool: { type: string } }).pool;
  const { dividends } = priced(line);
  return Object.fromEntries(
    dividends.map(({ tier, c, price, source }) => [
      `${tier === type ? '' : `${tier} `}${c}${source === undefined ? '' : ` @${source}`}`,
      price,
    ]),
  );
};
const left = (line: object): number => {
  const { gross, carryIn, jackpotIn, takeout, dividends, refunded, breakage, topUp, carryOut, jackpot } = priced(line);
  const out = takeout + dividends.reduce((sum, one) => sum + one.paid, 0) + refunded + breakage - topUp;
  return gross + carryIn + jackpotIn - out - carryOut - jackpot;
};

type Row = readonly [sentence: string, line: object, prices: Record<string, string>];

describe.each<readonly [string, readonly Row[]]>([
  [
    'win',
    [
      [
        'an uncovered half of an American dead heat drops out: 100 / 10',
        race('US', 'WIN', '1=2', { '1': 1_000, '3': 9_000 }),
        { '1': '10.00' },
      ],
      [
        'two parts of an entry tied for first are no dead heat: 100 / 20',
        race('US', 'WIN', '1=1A', { '1': 1_000, '1A': 1_000, '3': 8_000 }, coupled),
        { '1': '5.00' },
      ],
      [
        'nobody on the winner, to the second: 100 / 10',
        race('US', 'WIN', '1 2 3', { '2': 1_000, '3': 9_000 }),
        { '2': '10.00' },
      ],
      [
        'Hong Kong goes on to the third: 100 / 10',
        race('HK', 'WIN', '1 2 3', { '3': 1_000, '4': 9_000 }),
        { '3': '10.00' },
      ],
      [
        'Hong Kong halves the net pool: 50 / 10 and 50 / 40',
        race('HK', 'WIN', '1=2', { '1': 1_000, '2': 4_000, '4': 5_000 }),
        { '1': '5.00', '2': '1.25' },
      ],
      [
        'Japan pays everybody the net rate, 80 of 100',
        race('JP', 'WIN', '1 2', { '3': 9_000 }, { rules: {} }),
        { '*': '0.80' },
      ],
      [
        'a bet on an entry stands on the part that runs: 100 / 10',
        race('US', 'WIN', '1A', { '1': 1_000, '3': 9_000 }, { runners: { ...coupled.runners, scratched: ['1'] } }),
        { '1': '10.00' },
      ],
      [
        'an écurie: 1 is paid with 2, the stable’s 3 did not run and is refunded; 100 / 20',
        race(
          'FR',
          'WIN',
          '2 4',
          { '1': 1_000, '2': 1_000, '3': 500, '4': 8_000 },
          card(8, { scratched: ['3'], entries: [['1', '2', '3']] }),
        ),
        { '1': '5.00', '2': '5.00' },
      ],
      [
        'an écurie in a dead heat: profit 100 - 60, half each: 1 + 20 / 20, 1 + 20 / 40',
        race(
          'FR',
          'WIN',
          '2=4',
          { '1': 1_000, '2': 1_000, '4': 4_000, '5': 4_000 },
          card(8, { entries: [['1', '2']] }),
        ),
        { '1': '2.00', '2': '2.00', '4': '1.50' },
      ],
      [
        'a minus pool: 83 / 90 is 0.92, 1.10 would cost 99: 1.05',
        race('US', 'WIN', '1', { '1': 9_000, '2': 1_000 }, { rules: { takeout: '0.17' } }),
        { '1': '1.05' },
      ],
      [
        'California’s minimum is 1.05 always: 100 / 93',
        race('US-CA', 'WIN', '1', { '1': 9_300, '2': 700 }),
        { '1': '1.05' },
      ],
      [
        'Kentucky before the law of 2022 by dimes: 100 / 14 = 7.142',
        race('US-KY@2022-07-13', 'WIN', '1', { '1': 1_400, '2': 8_600 }),
        { '1': '7.10' },
      ],
      ['and by the penny since', race('US-KY@2022-07-14', 'WIN', '1', { '1': 1_400, '2': 8_600 }), { '1': '7.14' }],
      [
        'Japan, ten yen more: 0.8 x 100 / 80 = 1.00; 1.10 x 80 is within the 100 sold',
        race('JP', 'WIN', '1', { '1': 8_000, '2': 2_000 }, { rules: {} }),
        { '1': '1.10' },
      ],
      [
        'but 1.10 x 95 is not: the stake is paid',
        race('JP', 'WIN', '1', { '1': 9_500, '2': 500 }, { rules: {} }),
        { '1': '1.00' },
      ],
    ],
  ],
  [
    'place and show',
    [
      [
        'an entry first and second has the whole pool: 100 / 20',
        race('US', 'PLACE', '1 1A 2', { '1': 2_000, '2': 8_000 }, coupled),
        { '1': '5.00' },
      ],
      ['one of two covered: 100 / 20', race('US', 'PLACE', '1 2 3', { '1': 2_000, '3': 8_000 }), { '1': '5.00' }],
      ['neither: to the third, 100 / 20', race('US', 'PLACE', '1 2 3', { '3': 2_000, '4': 8_000 }), { '3': '5.00' }],
      [
        'three tied for second: profit 80, half to the first, a sixth each: 1 + 40 / 10, 1 + 13.33 / 10',
        race('US', 'PLACE', '1 2=3=4', { '1': 1_000, '2': 1_000, '3': 1_000, '4': 1_000, '5': 8_000 }),
        { '1': '5.00', '2': '2.30', '3': '2.30', '4': '2.30' },
      ],
      [
        'three tied for first, as a show pool: profit 90, a third each',
        race('US', 'PLACE', '1=2=3 4', { '1': 1_000, '2': 1_000, '3': 1_000, '5': 9_000 }),
        { '1': '4.00', '2': '4.00', '3': '4.00' },
      ],
      [
        'an entry in two of three show places has two thirds: profit 90: 1 + 60 / 20, 1 + 30 / 10',
        race('US', 'SHOW', '1 2 1A', { '1': 2_000, '2': 1_000, '4': 9_000 }, coupled),
        { '1': '4.00', '2': '4.00' },
      ],
      [
        'an entry in all three: 100 / 20',
        race('US', 'SHOW', '1 1X 1A', { '1': 2_000, '4': 8_000 }, coupled),
        { '1': '5.00' },
      ],
      [
        'two tied for third: profit 60, thirds, the last one in halves',
        race('US', 'SHOW', '1 2 3=4', { '1': 1_000, '2': 1_000, '3': 1_000, '4': 1_000, '5': 6_000 }),
        { '1': '3.00', '2': '3.00', '3': '2.00', '4': '2.00' },
      ],
      [
        'two tied for second are second and third: a third each of 60',
        race('US', 'SHOW', '1 2=3 4', { '1': 1_000, '2': 1_000, '3': 1_000, '5': 6_000 }),
        { '1': '3.00', '2': '3.00', '3': '3.00' },
      ],
      [
        'three tied for second share two thirds: profit 90: 1 + 30 / 10, 1 + 20 / 10',
        race('US', 'SHOW', '1 2=3=4', { '1': 1_000, '2': 1_000, '3': 1_000, '4': 1_000, '5': 9_000 }),
        { '1': '4.00', '2': '3.00', '3': '3.00', '4': '3.00' },
      ],
      [
        'nobody on the first three: the fourth, 100 / 10',
        race('US', 'SHOW', '1 2 3 4', { '4': 1_000, '5': 9_000 }),
        { '4': '10.00' },
      ],
      [
        'France, eight on the card and seven run: three places; profit 60, 20 each',
        race('FR', 'PLACE', '1 2 3', { '1': 1_000, '2': 1_000, '3': 1_000, '4': 6_000 }, card(8, { scratched: ['8'] })),
        { '1': '3.00', '2': '3.00', '3': '3.00' },
      ],
      [
        'France, seven on the card: two places; profit 90 - 20 = 70, 35 each',
        race('FR', 'PLACE', '1 2 3', { '1': 1_000, '2': 1_000, '3': 1_000, '4': 6_000 }, card(7)),
        { '1': '4.50', '2': '4.50' },
      ],
      [
        'Great Britain, eight declared and seven run: two places, 50 / 10 each',
        race('UK', 'PLACE', '1 2 3', { '1': 1_000, '2': 1_000, '3': 1_000, '4': 7_000 }, card(8, { scratched: ['8'] })),
        { '1': '5.00', '2': '5.00' },
      ],
      [
        'Great Britain, a handicap of sixteen: four places, 30 / 10 each',
        race(
          'UK',
          'PLACE',
          '1 2 3 4 5',
          { '1': 1_000, '2': 1_000, '3': 1_000, '4': 1_000, '5': 8_000 },
          card(16, { handicap: true }),
        ),
        { '1': '3.00', '2': '3.00', '3': '3.00', '4': '3.00' },
      ],
      [
        'Great Britain, two tied for third share a third: 40 / 10, 20 / 10',
        race('UK', 'PLACE', '1 2 3=4', { '1': 1_000, '2': 1_000, '3': 1_000, '4': 1_000, '5': 8_000 }, card(8)),
        { '1': '4.00', '2': '4.00', '3': '2.00', '4': '2.00' },
      ],
      [
        'Hong Kong, seven declared: three places, the third unbacked: half of 90 each',
        race('HK', 'PLACE', '1 2 3', { '1': 1_000, '2': 1_000, '4': 7_000 }, card(7, { scratched: ['7'] })),
        { '1': '4.50', '2': '4.50' },
      ],
      [
        'Hong Kong, two finish: those are paid',
        race('HK', 'PLACE', '1 2', { '1': 1_000, '2': 1_000, '4': 7_000 }, card(7)),
        { '1': '4.50', '2': '4.50' },
      ],
      [
        'Japan counts covered winners: 0.8 x (10 + 80 / 2) / 10',
        race('JP', 'PLACE', '1 2 3', { '1': 1_000, '2': 1_000, '4': 8_000 }, { rules: {} }),
        { '1': '4.00', '2': '4.00' },
      ],
      [
        'Australia, seven left of eight: two places by half of 100 / 10',
        race('AU', 'PLACE', '1 2 3', { '1': 1_000, '2': 1_000, '4': 8_000 }, card(8, { scratched: ['8'] })),
        { '1': '5.00', '2': '5.00' },
      ],
    ],
  ],
  [
    'pairs',
    [
      [
        'three tied for first: each quinella of two of them, profit 90 in thirds',
        race('US', 'QUINELLA', '1=2=3', { '1-2': 1_000, '1-3': 1_000, '2-3': 1_000, '4-5': 9_000 }),
        { '1-2': '4.00', '1-3': '4.00', '2-3': '4.00' },
      ],
      [
        'two tied for second: the winner with each; profit 70 in halves: 1 + 35 / 10, 1 + 35 / 20',
        race('US', 'QUINELLA', '1 2=3', { '1-2': 1_000, '1-3': 2_000, '2-3': 1_000, '4-5': 6_000 }),
        { '1-2': '4.50', '1-3': '2.70' },
      ],
      [
        'nobody has the pair: half to tickets with the winner, half to those with the second',
        race('US', 'QUINELLA', '1 2 3', { '1-3': 1_000, '2-4': 2_000, '4-5': 7_000 }),
        { '1-*': '4.50', '2-*': '2.70' },
      ],
      [
        'one side alone takes it all: 100 / 20',
        race('US', 'QUINELLA', '1 2 3', { '2-4': 2_000, '4-5': 8_000 }),
        { '2-*': '5.00' },
      ],
      [
        'an entry first and second makes the pair with the next: 100 / 20',
        race('US', 'QUINELLA', '1 1A 2', { '1-2': 2_000, '2-3': 8_000 }, coupled),
        { '1-2': '5.00' },
      ],
      [
        'a swinger of six declared and five running is the first two alone: 100 / 10',
        race(
          'UK',
          'QUINELLA_PLACE',
          '1 2 3',
          { '1-2': 1_000, '1-3': 1_000, '2-3': 1_000, '4-5': 7_000 },
          card(6, { scratched: ['6'] }),
        ),
        { '1-2': '10.00' },
      ],
      [
        'couplé placé, two tied for third, who never pay together: profit 50, thirds, two of them in halves',
        race('FR', 'QUINELLA_PLACE', '1 2 3=4', {
          ...{ '1-2': 1_000, '1-3': 1_000, '1-4': 1_000, '2-3': 1_000, '2-4': 1_000, '3-4': 1_000 },
          '5-6': 4_000,
        }),
        { '1-2': '2.60', '1-3': '1.80', '1-4': '1.80', '2-3': '1.80', '2-4': '1.80' },
      ],
      [
        'couplé placé, two tied for second, who do: profit 90 in thirds',
        race('FR', 'QUINELLA_PLACE', '1 2=3 4', {
          ...{ '1-2': 1_000, '1-3': 1_000, '2-3': 1_000, '1-4': 1_000 },
          '5-6': 8_000,
        }),
        { '1-2': '4.00', '1-3': '4.00', '2-3': '4.00' },
      ],
      [
        'wide: two covered pairs: 0.775 x (10 + 80 / 2) / 10 = 3.87',
        race('JP', 'QUINELLA_PLACE', '1 2 3', { '1-2': 1_000, '1-3': 1_000, '5-6': 8_000 }, { rules: {} }),
        { '1-2': '3.80', '1-3': '3.80' },
      ],
      [
        'exacta, tied for first: both orders; profit 70 in halves',
        race('US', 'EXACTA', '1=2', { '1>2': 1_000, '2>1': 2_000, '3>4': 7_000 }),
        { '1>2': '4.50', '2>1': '2.70' },
      ],
      [
        'exacta, tied for second, one pair uncovered: 100 / 10',
        race('US', 'EXACTA', '1 2=3', { '1>2': 1_000, '3>4': 9_000 }),
        { '1>2': '10.00' },
      ],
      [
        '2 sur 4, two tied for fourth, who never pay together: 40 / 20',
        race('FR', 'DEUX_SUR_QUATRE', '1 2 3 4=5', { '1-2': 1_000, '4-5': 1_000, '1-4': 1_000, '6-7': 1_000 }),
        { '1-2': '2.00', '1-4': '2.00' },
      ],
    ],
  ],
  [
    'three and more in order',
    [
      [
        'trifecta to the first two: 100 / 10',
        race('US', 'TRIFECTA', '1 2 3', { '1>2>4': 1_000, '3>4>5': 9_000 }),
        { '1>2>*': '10.00' },
      ],
      ['then to the first', race('US', 'TRIFECTA', '1 2 3', { '1>3>4': 1_000, '3>4>5': 9_000 }), { '1>*>*': '10.00' }],
      [
        'two finish: whoever has them in order, 100 / 20',
        race('US', 'TRIFECTA', '1 2', { '1>2>4': 1_000, '1>2>5': 1_000, '3>4>5': 8_000 }),
        { '1>2>*': '5.00' },
      ],
      [
        'tied for third: profit 70 in halves',
        race('US', 'TRIFECTA', '1 2 3=4', { '1>2>4': 1_000, '1>2>3': 2_000, '3>4>5': 7_000 }),
        { '1>2>3': '2.70', '1>2>4': '4.50' },
      ],
      [
        'a British trifecta: 75 / 90 is raised to 1.10',
        race('UK', 'TRIFECTA', '1 2 3', { '1>2>3': 9_000, '3>4>5': 1_000 }, { rules: {} }),
        { '1>2>3': '1.10' },
      ],
      [
        'in a dead heat only to 0.60: 37.5 / 90 and 37.5 / 10',
        race('UK', 'TRIFECTA', '1 2 3=4', { '1>2>3': 9_000, '1>2>4': 1_000 }, { rules: {} }),
        { '1>2>3': '0.60', '1>2>4': '3.70' },
      ],
      [
        'superfecta to the first two: 100 / 10',
        race('US', 'SUPERFECTA', '1 2 3 4', { '1>2>4>5': 1_000, '5>6>7>8': 9_000 }),
        { '1>2>*>*': '10.00' },
      ],
      [
        'Ohio’s super high five comes down to the winner: 100 / 10',
        race('US-OH', 'SUPER_HIGH_5', '1 2 3 4 5', { '1>7>6>5>4': 1_000, '8>7>6>5>4': 9_000 }),
        { '1>*>*>*>*': '10.00' },
      ],
    ],
  ],
  [
    'French tiers',
    [
      [
        'tiercé: half of 1000 over 10, half over 50',
        race('FR', 'TIERCE', '1 2 3', { '1>2>3': 1_000, '3>2>1': 5_000, '8>7>6': 94_000 }),
        { 'ORDER 1>2>3': '50.00', 'DISORDER 1-2-3': '10.00' },
      ],
      [
        'order 25 is below five times 10: 1000 / (5 x 20 + 50) = 6.67, cut to 6.60, then 33.00',
        race('FR', 'TIERCE', '1 2 3', { '1>2>3': 2_000, '3>2>1': 5_000, '8>7>6': 93_000 }),
        { 'ORDER 1>2>3': '33.00', 'DISORDER 1-2-3': '6.60' },
      ],
      [
        'three tied for first: one price for every order, 1000 / 50',
        race('FR', 'TIERCE', '1=2=3', { '1>2>3': 1_000, '3>2>1': 4_000, '8>7>6': 95_000 }),
        { 'ORDER 1>2>3': '20.00', 'ORDER 3>2>1': '20.00' },
      ],
      [
        'nobody in order: the other orders have it all, 1000 / 50',
        race('FR', 'TIERCE', '1 2 3', { '3>2>1': 5_000, '8>7>6': 95_000 }),
        { 'DISORDER 1-2-3': '20.00' },
      ],
      [
        'nobody at all: first, second and fourth',
        race('FR', 'TIERCE', '1 2 3 4', { '4>2>1': 5_000, '8>7>6': 95_000 }),
        { 'DISORDER 1-2-4': '20.00' },
      ],
      [
        'trio with a non-runner: profit 100 - 20; three tenths of it over both: 1 + 24 / 20; and 56 over 10 more',
        race(
          'FR',
          'TRIO',
          '1 2 3',
          { '1-2-3': 1_000, '1-2-9': 1_000, '1-3-9': 1_000, '4-5-6': 7_000 },
          {
            runners: { declared: upTo(9), scratched: ['9'] },
          },
        ),
        { '1-2-3': '7.80', '1NP 1-2-9': '2.20' },
      ],
      [
        'multi: 400 / (105 x 3 + 21 x 3 + 7 x 3 + 3 x 3 = 408) is 0.98, cut to 0.90',
        race('FR', 'MULTI', '1 2 3 4', {
          ...{ '1-2-3-4': 300, '1-2-3-4-5': 300, '1-2-3-4-5-6': 300, '1-2-3-4-5-6-7': 300 },
          '6-7-8-9': 38_800,
        }),
        { 'M4 1-2-3-4': '94.50', 'M5 1-2-3-4-*': '18.90', 'M6 1-2-3-4-*-*': '6.30', 'M7 1-2-3-4-*-*-*': '2.70' },
      ],
      [
        'quinté of 2002, a reserve of 100 for the order alone: 450 / (50 x 10 + 500) = 0.45 x 50, and 100 / 10',
        {
          ruleSet: 'FR@2002-01-01',
          rules: { takeout: '0', jackpot: { share: '0', of: 'NET' }, breakTo: '0.05' },
          pool: { type: 'QUINTE' },
          net: 100_000,
          jackpotIn: 10_000,
          winning: [
            { tier: 'ORDER', c: '1>2>3>4>5', minor: 1_000 },
            { tier: 'DISORDER', c: '1-2-3-4-5', minor: 50_000 },
            { tier: 'BONUS4', c: '1-2-3-4', minor: 1_000 },
            { tier: 'BONUS3', c: '1-2-3', minor: 10_000 },
          ],
        },
        { 'ORDER 1>2>3>4>5': '32.50', 'DISORDER 1-2-3-4-5': '1.10', 'BONUS4 1-2-3-4': '20.00', 'BONUS3 1-2-3': '3.50' },
      ],
    ],
  ],
])('%s', (_, rows) => {
  it.each(rows)('%s', (_sentence, line, prices) => {
    const answer = paid(line);
    expect(answer).toEqual(prices);
    expect(left(line)).toBe(0);
  });
});

describe('pools over several races', () => {
  const legs = (
    type: string,
    results: readonly string[],
    stakes: Record<string, number>,
    own: object = {},
  ): object => ({
    ...{ ruleSet: 'US', rules: { takeout: '0' }, pool: { type }, results: results.map(ranks), stakes: of(stakes) },
    ...own,
  });
  const six = (finish: string): readonly string[] => new Array<string>(6).fill(finish);

  it.each<Row>([
    [
      'a double, nobody on either winner: both seconds, 100 / 10',
      legs('DAILY_DOUBLE', ['1 2', '4 5'], { '2/5': 1_000, '3/6': 9_000 }),
      { '2/5': '10.00' },
    ],
    [
      'pick six: 75 and the 10 carried in over 1; 25 to the next most right, here four, over 2',
      legs('PICK6', six('1 2'), { '1/1/1/1/1/1': 100, '1/1/1/1/2/2': 200, '2/2/2/2/2/2': 9_700 }, { carryIn: 1_000 }),
      { '6/6 1/1/1/1/1/1': '85.00', '4/6 1/1/1/1/1/1': '12.50' },
    ],
    [
      'on the last day everything goes: five right 85 / 1, four right 25 / 2',
      legs(
        'PICK6',
        six('1 2'),
        { '1/1/1/1/1/2': 100, '1/1/1/1/2/2': 200, '2/2/2/2/2/2': 9_700 },
        { carryIn: 1_000, mandatory: true },
      ),
      { '5/6 1/1/1/1/1/1': '85.00', '4/6 1/1/1/1/1/1': '12.50' },
    ],
    [
      'quadpot: the winner of four runners, two of five, three of eight, four of a handicap of sixteen; 100 / 10',
      legs(
        'QUADPOT',
        ['1 2', '1 2 3', '1 2 3 4', '1 2 3 4 5'],
        { '1/2/3/4': 1_000, '2/1/1/1': 4_000, '1/3/1/1': 5_000 },
        {
          ruleSet: 'UK',
          legs: [{ runners: 4 }, { runners: 5 }, { runners: 8 }, { runners: 16, handicap: true }],
        },
      ),
      { '1/1,2/1,2,3/1,2,3,4': '10.00' },
    ],
    [
      'WIN5, a dead heat: 0.7 x (1 + 96 / 2) + 1000 / 2 over 1; 0.7 x (3 + 48) + 500 over 3',
      legs(
        'WIN5',
        ['1=2', '1', '1', '1', '1'],
        { '1/1/1/1/1': 100, '2/1/1/1/1': 300, '3/3/3/3/3': 9_600 },
        { ruleSet: 'JP', rules: {}, carryIn: 100_000 },
      ),
      { '1/1/1/1/1': '534.30', '2/1/1/1/1': '178.50' },
    ],
    [
      'rows that nobody names are every ticket of their tier; 5/7 would pay 13 kronor a row and is carried',
      {
        ...{ ruleSet: 'SE', pool: { type: 'V75' }, gross: 1_000_000, unit: 50 },
        winning: [
          { tier: '7/7', c: '*', units: 1 },
          { tier: '6/7', c: '*', units: 5 },
          { tier: '5/7', c: '*', units: 200 },
        ],
      },
      { '7/7 *': '5200.00', '6/7 *': '520.00' },
    ],
  ])('%s', (_, line, prices) => {
    expect(paid(line)).toEqual(prices);
    expect(left(line)).toBe(0);
  });

  it('a double whose first half has a single runner left is refunded, whoever wins it', () => {
    const first = { runners: { declared: ['1', '2'], scratched: ['2'] } };
    const line = legs('DAILY_DOUBLE', ['1', '4'], { '1/4': 1_000 }, { legs: [first, { runners: ['4', '5'] }] });
    expect(priced(line)).toMatchObject({ outcome: 'REFUND', refunded: 1_000 });
    const two = { runners: { declared: ['1', '2'] } };
    expect(priced({ ...line, legs: [two, { runners: ['4', '5'] }] })).toMatchObject({ outcome: 'PAID' });
  });

  it('a pick six without a single right leg is refunded, but joins money that was carried in', () => {
    const line = legs('PICK6', six('1 2'), { '2/2/2/2/2/2': 1_000 }, { rules: { takeout: '0.25' } });
    expect(priced(line)).toMatchObject({ outcome: 'REFUND', refunded: 1_000 });
    expect(priced({ ...line, carryIn: 500 })).toMatchObject({ outcome: 'CARRIED', carryOut: 1_250 });
  });

  it('a jackpot of Great Britain is carried gross, with what was carried in', () => {
    const line = legs('JACKPOT', six('1 2'), { '2/2/2/2/2/2': 1_000 }, { ruleSet: 'UK', rules: {}, carryIn: 700 });
    expect(priced(line)).toMatchObject({ outcome: 'CARRIED', carryOut: 1_700, takeout: 0 });
  });
});

describe('jackpots', () => {
  it('a quartet of which only three finished sends its jackpot back, with the day’s part', () => {
    const line = race('HK', 'QUARTET', '1 2 3', { '1>2>3>4': 1_000, '8>7>6>5': 9_000 }, { jackpotIn: 50_000 });
    expect(priced(line)).toMatchObject({ outcome: 'PAID', jackpot: 50_050 });
    expect(left(line)).toBe(0);
  });

  it('the reserve of the quinté of 2002 is never for the disorder', () => {
    const stakes = { '5>4>3>2>1': 1_000, '9>8>7>6>5': 99_000 };
    const line = race('FR@2002-01-01', 'QUINTE', '1 2 3 4 5 6', stakes, { jackpotIn: 1_000_000 });
    expect(priced(line)['jackpot']).toBe(1_001_500);
  });

  it('a super high five for a single ticket: 75 of 100 to two units, the rest joins the jackpot; all of it to one', () => {
    const rules = {
      ...{ takeout: '0', noWinner: ['CARRY'], unique: { tier: 'SUPER_HIGH_5', unit: 20 } },
      tiers: [{ name: 'SUPER_HIGH_5', share: '0.75' }],
    };
    const line = (units: number): object =>
      race(
        'US',
        'SUPER_HIGH_5',
        '1 2 3 4 5',
        { '1>2>3>4>5': 20 * units, '8>7>6>5>4': 10_000 - 20 * units },
        { rules, jackpotIn: 50_000 },
      );
    expect([paid(line(2)), priced(line(2)).jackpot]).toEqual([{ '1>2>3>4>5': '187.50' }, 52_500]);
    expect([paid(line(1)), priced(line(1)).jackpot]).toEqual([{ '1>2>3>4>5': '3000.00' }, 0]);
  });
});

describe('too few runners', () => {
  it.each<[string, string, object]>([
    ['UK', 'QUINELLA_PLACE', { declared: upTo(5) }],
    ['US-CA', 'SUPERFECTA', { declared: upTo(5) }],
    ['FR', 'PLACE', { declared: upTo(3) }],
  ])('%s %s: not offered', (ruleSet, type, runners) => {
    const line = { ruleSet, pool: { type }, runners, result: [['1'], ['2']], stakes: [] };
    expect(priceLine(line)).toMatchObject({ error: { code: 'TOO_FEW_RUNNERS', at: '/runners/declared' } });
  });

  it.each<[string, string, number, number]>([
    ['US', 'WIN', 2, 1],
    ['US', 'EXACTA', 2, 1],
    ['US', 'PLACE', 3, 2],
    ['US', 'QUINELLA', 3, 2],
    ['US', 'TRIFECTA', 3, 2],
    ['US', 'SHOW', 4, 3],
    ['US', 'SUPERFECTA', 4, 3],
    ['US-CA', 'SUPERFECTA', 6, 5],
    ['FR', 'DEUX_SUR_QUATRE', 5, 4],
  ])('%s %s: stands with %i, is refunded with %i', (ruleSet, type, enough, few) => {
    const { outcome } = priced({
      ...{ ruleSet, pool: { type }, gross: 1_000, result: [['1']] },
      runners: { declared: upTo(enough), scratched: upTo(enough).slice(few) },
      winning: [],
    });
    expect(outcome).toBe('REFUND');
    const line = { ruleSet, rules: { noWinner: ['CARRY'] }, pool: { type }, gross: 1_000, winning: [] };
    const standing = { ...line, runners: { declared: upTo(enough) }, result: upTo(enough).map((runner) => [runner]) };
    expect(priced(standing).outcome).toBe('CARRIED');
  });
});

describe('several takeouts', () => {
  const site = (id: string, takeout: string, stakes: Record<string, number>): object => ({
    ...{ id, takeout, stakes: of(stakes) },
  });

  it('a double: net bets 800 and 750 in a net pool of 8750: 5.645 x 0.80 and x 0.75', () => {
    const line = {
      ...{ ruleSet: 'US', pool: { type: 'DAILY_DOUBLE' }, results: [[['1']], [['4']]] },
      sources: [site('a', '0.20', { '1/4': 1_000, '1/5': 9_000 }), site('b', '0.25', { '1/4': 1_000 })],
    };
    expect(paid(line)).toEqual({ '1/4 @a': '4.50', '1/4 @b': '4.20' });
    expect(left(line)).toBe(0);
  });

  it('a pick three nobody has: to the most right, 12000 / 8000 x 0.80', () => {
    const line = {
      ...{ ruleSet: 'US', pool: { type: 'PICK3' }, results: [[['1']], [['4']], [['5']]] },
      sources: [site('a', '0.20', { '1/4/1': 1_000, '1/5/5': 9_000, '2/2/2': 5_000 })],
    };
    expect(paid(line)).toEqual({ '2/3 1/4/5 @a': '1.20' });
    expect(left(line)).toBe(0);
  });

  it('one pool is a minus pool or none: a guest with all its money on the winner is paid the usual minimum', () => {
    // Net 8080 in all over net bets of 7576 on the winner: 1.0665 x 0.80 = 0.853, raised to 1.10 it costs 10417: minus.
    // With little on it the pool bears it, though the guest alone pays out more than it has.
    const win = (favourite: number): object => ({
      ...{ ruleSet: 'US', pool: { type: 'PLACE' }, ...card(6), result: [['1'], ['2'], ['3']] },
      sources: [
        site('host', '0.20', { '1': favourite, '2': 10_000, '3': 10_000 }),
        site('guest', '0.20', { '1': 1_000 }),
      ],
    });
    expect(paid(win(30_000))['1 @guest']).toBe('1.05');
    // Net bets 4000 + 800 on 1, 8000 on 2 in 20800: profit 8000, half each; 1 + 4000 / 4800 = 1.833 x 0.80 = 1.467.
    expect(paid(win(5_000))['1 @guest']).toBe('1.40');
  });

  it('stakes on a scratched runner are shown as refunds', () => {
    const line = {
      ...{ ruleSet: 'US', pool: { type: 'WIN' }, ...card(4, { scratched: ['4'] }), result: [['1']] },
      sources: [site('a', '0.20', { '1': 1_000, '2': 1_000, '4': 500 })],
    };
    expect(priced(line)).toMatchObject({ refunds: 500, gross: 2_000 });
  });

  it.each<[string, object, string, string]>([
    [
      'tiers',
      {
        ...{ ruleSet: 'FR', pool: { type: 'TIERCE' }, result: [['1'], ['2'], ['3']] },
        sources: [site('a', '0.1', { '1>2>3': 100 })],
      },
      'NOT_SUPPORTED',
      '/sources',
    ],
    [
      'tiers of several races',
      { pool: { type: 'PICK6' }, results: upTo(6).map(() => [['1']]) },
      'NOT_SUPPORTED',
      '/sources',
    ],
    ['no result', { pool: { type: 'PICK3' } }, 'MISSING_FIELD', '/results'],
    [
      'money of the whole pool',
      { pool: { type: 'PICK3' }, results: [[['1']], [['1']], [['1']]], gross: 5 },
      'INCONSISTENT',
      '/gross',
    ],
    [
      'a runner that is not declared',
      {
        pool: { type: 'PICK3' },
        results: [[['1']], [['1']], [['1']]],
        legs: [{ runners: 2 }, { runners: 2 }, { runners: 2 }],
        sources: [site('a', '0.1', { '1/1/7': 5 })],
      },
      'UNKNOWN_RUNNER',
      '/sources/0/stakes/0/c',
    ],
  ])('%s: refused', (_, own, code, at) => {
    const line = { ruleSet: 'US', sources: [site('a', '0.1', {})], ...own };
    expect(priceLine(line)).toMatchObject({ error: { code, at } });
  });
});

describe('odds', () => {
  type Odds = readonly { c: string; price: string | null; low: string | null; high: string | null; source?: string }[];
  const odds = (line: object): Odds => {
    const answer = probablesLine(line);
    if ('error' in answer) throw new Error(answer.error.message);
    return answer.odds as Odds;
  };

  it('less than a unit on a British runner wins part of a dividend: 80.75 for the unit, never 161.50', () => {
    const line = { ruleSet: 'UK', pool: { type: 'WIN' }, ...card(4), stakes: of({ '1': 50, '2': 9_950 }) };
    expect(odds(line)[0]).toMatchObject({ price: '80.70' });
  });

  it('the Japanese ten yen more are in the odds', () => {
    const line = { ruleSet: 'JP', pool: { type: 'WIN' }, ...card(8), stakes: of({ '1': 8_000, '2': 2_000 }) };
    expect(odds(line)[0]).toMatchObject({ price: '1.10' });
  });

  it('by net pricing each site’s customers have their own: 1.05 to 1.60, and 5.40 for the long shot at most backed', () => {
    // As S07: with the favourite 1 + 1840 / 320 = 6.75, less a fifth.
    const stakes = of({ '1': 500_000, '2': 40_000, '3': 460_000 });
    const line = { ruleSet: 'US', pool: { type: 'PLACE' }, ...card(5) };
    const net = odds({ ...line, rules: { takeout: '0.20', pricing: 'NET' }, stakes });
    expect(net.find(({ c }) => c === '2')).toEqual({ c: '2', price: null, low: '5.40', high: '20.00' });
    const standard = odds({ ...line, rules: { takeout: '0.20' }, stakes });
    expect(standard.find(({ c }) => c === '2')).toMatchObject({ low: '4.20' });
    const sources = [
      { id: 'host', takeout: '0.20', stakes },
      { id: 'guest', takeout: '0.25', stakes: of({ '2': 400 }) },
    ];
    const both = odds({ ...line, sources }).filter(({ c }) => c === '2');
    expect(both.map(({ source }) => source)).toEqual(['host', 'guest']);
    // One price of two that net bets make, each less its own takeout: the host's is higher.
    expect(Number(both[0]?.low)).toBeGreaterThan(Number(both[1]?.low));
  });

  it('of a pair or an order they are what price would pay if it came in', () => {
    const sources = [
      { id: 'h', takeout: '0.20', stakes: of({ '1>2': 1_000, '2>1': 9_000 }) },
      { id: 'g', takeout: '0.25', stakes: of({ '1>2': 1_000 }) },
    ];
    const line = { ruleSet: 'US', pool: { type: 'EXACTA' }, ...card(5), sources };
    const shown = odds(line).filter(({ c, price }) => c === '1>2' && price !== null);
    const dividends = paid({ ...line, result: [['1'], ['2']] });
    expect(Object.fromEntries(shown.map(({ c, price, source }) => [`${c} @${source}`, price]))).toEqual(dividends);
  });

  it('of several races they are for one takeout', () => {
    const line = { ruleSet: 'US', pool: { type: 'DAILY_DOUBLE' }, sources: [{ id: 'a', takeout: '0.1', stakes: [] }] };
    expect(probablesLine(line)).toMatchObject({ error: { code: 'NOT_SUPPORTED', at: '/sources' } });
  });
});
