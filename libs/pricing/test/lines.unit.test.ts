/** The pricing commands as an outsider uses them: worked cases as lines, refusals with their place, and the protocol. */

import { describe, expect, it } from 'vitest';
import { countLine, type PricingCommand, priceLine, probablesLine, runPricing, schemaOf } from '#mutuel/pricing';

const win = { type: 'WIN', currency: 'USD', exponent: 2 };
const of = (type: string) => ({ type, currency: 'USD', exponent: 2 });
const prices = (answer: object): Record<string, string> | object =>
  'dividends' in answer
    ? Object.fromEntries((answer.dividends as { c: string; price: string }[]).map(({ c, price }) => [c, price]))
    : answer;

describe('price', () => {
  it.each<[string, object, Record<string, string>]>([
    [
      'R01: (194230.00 - 1317.00) x 0.82 / 23872.00 = 6.6265, the dime 6.60',
      {
        ruleSet: 'US-STANDARD',
        rules: { takeout: '0.18' },
        pool: win,
        gross: 19_423_000,
        refunds: 131_700,
        winning: [{ tier: 'WIN', c: '4', minor: 2_387_200 }],
      },
      { '4': '6.60' },
    ],
    [
      'R02: 1028.00 x 0.8575 = 881.51, / 110 = 8.0137, to the nearest cent',
      {
        rules: { takeout: '0.1425', breakTo: 'none', rounding: 'NEAREST', digits: 2 },
        pool: win,
        result: [['4']],
        stakes: [60, 140, 24, 110, 220, 94, 300, 80].map((dollars, i) => ({ c: String(i + 1), minor: dollars * 100 })),
      },
      { '4': '8.01' },
    ],
    [
      'S01: net 8000, dead heat of 1000 and 3000: 1 + 2000/1000 and 1 + 2000/3000',
      {
        ruleSet: 'US',
        pool: win,
        net: 800_000,
        result: [['A', 'B']],
        winning: [
          { c: 'A', minor: 100_000 },
          { c: 'B', minor: 300_000 },
        ],
      },
      { A: '3.00', B: '1.60' },
    ],
    [
      'S01 from the winning stakes alone: a dead heat is shared by profit',
      {
        ruleSet: 'US',
        pool: win,
        net: 800_000,
        winning: [
          { c: 'A', minor: 100_000 },
          { c: 'B', minor: 300_000 },
        ],
      },
      { A: '3.00', B: '1.60' },
    ],
    [
      'S03: net 10000, profit 8000: half, a quarter, a quarter',
      {
        ruleSet: 'US',
        pool: of('PLACE'),
        net: 1_000_000,
        result: [['1'], ['2', '3']],
        winning: [
          { c: '1', minor: 100_000 },
          { c: '2', minor: 50_000 },
          { c: '3', minor: 50_000 },
        ],
      },
      { '1': '5.00', '2': '5.00', '3': '5.00' },
    ],
    [
      'S03 with its shares written out',
      {
        ruleSet: 'US',
        rules: { shares: ['1/2', '1/4', '1/4'] },
        pool: of('PLACE'),
        net: 1_000_000,
        winning: [
          { c: '1', minor: 100_000 },
          { c: '2', minor: 50_000 },
          { c: '3', minor: 50_000 },
        ],
      },
      { '1': '5.00', '2': '5.00', '3': '5.00' },
    ],
    [
      'S05: profit 9000, 3000 each: 1.0429 is raised to 1.05',
      {
        ruleSet: 'US-STANDARD',
        rules: { takeout: '0.16', minimum: '1.05' },
        pool: of('SHOW'),
        gross: 10_000_000,
        winning: [
          { c: 'A', minor: 7_000_000 },
          { c: 'B', minor: 200_000 },
          { c: 'C', minor: 300_000 },
        ],
      },
      { A: '1.05', B: '2.50', C: '2.00' },
    ],
    [
      'S15: nobody on A>B: profit 7200, 3600 each to A first and to B second',
      {
        ruleSet: 'US',
        pool: of('EXACTA'),
        net: 800_000,
        winning: [
          { c: 'A>*', minor: 50_000 },
          { c: '*>B', minor: 30_000 },
        ],
      },
      { 'A>*': '8.20', '*>B': '13.00' },
    ],
    [
      'S15 from all stakes and the result: the ladder is found',
      {
        ruleSet: 'US',
        rules: { takeout: '0' },
        pool: of('EXACTA'),
        result: [['A'], ['B'], ['C']],
        stakes: [
          { c: 'A>C', minor: 50_000 },
          { c: 'C>B', minor: 30_000 },
          { c: 'C>A', minor: 720_000 },
        ],
      },
      { 'A>*': '8.20', '*>B': '13.00' },
    ],
    [
      'S16: Japan without a winner pays the net rate 0.725 as 70 per 100',
      {
        rules: { takeout: '0.275', split: 'JAPAN', breakTo: '10', breakPer: '100', noWinner: ['PAY_NET_RATE'] },
        pool: { type: 'WIN', currency: 'JPY', exponent: 0 },
        gross: 1_000_000,
        winning: [],
      },
      { '*': '0.70' },
    ],
    [
      'S08: two-step minimum, a calculated 0.91',
      {
        rules: {
          takeout: '0.09',
          breakTo: '0.10',
          minimum: [
            { atMost: '0.90', pay: '1.02' },
            { below: '1.10', pay: '1.10' },
          ],
        },
        pool: win,
        gross: 10_000,
        winning: [{ c: '1', minor: 10_000 }],
      },
      { '1': '1.10' },
    ],
    [
      'R09: the French way shares 600000 of profit in three',
      {
        rules: { takeout: '0.2', split: 'PROFIT_SPLIT', breakTo: '10', breakPer: '100' },
        pool: { type: 'SHOW', exponent: 0 },
        gross: 1_000_000,
        winning: [
          { c: '1', minor: 100_000 },
          { c: '2', minor: 80_000 },
          { c: '3', minor: 20_000 },
        ],
      },
      { '1': '3.00', '2': '3.50', '3': '11.00' },
    ],
    [
      'R09: the Japanese way taxes winning stakes too',
      {
        rules: { takeout: '0.2', split: 'JAPAN', breakTo: '10', breakPer: '100' },
        pool: { type: 'SHOW', exponent: 0 },
        gross: 1_000_000,
        winning: [
          { c: '1', minor: 100_000 },
          { c: '2', minor: 80_000 },
          { c: '3', minor: 20_000 },
        ],
      },
      { '1': '2.90', '2': '3.40', '3': '11.40' },
    ],
    [
      'units: 2.15 winning units of 2.00 in a net pool of 43.00 pay 10.00',
      { ruleSet: 'US', pool: win, net: 4_300, unit: 200, winning: [{ c: '1', units: '2.15' }] },
      { '1': '10.00' },
    ],
    [
      'a quinella names its pair in any order',
      {
        ruleSet: 'US',
        rules: { takeout: '0' },
        pool: of('QUINELLA'),
        result: [['10'], ['9'], ['2']],
        stakes: [
          { c: '10-9', minor: 100 },
          { c: '2-9', minor: 300 },
        ],
      },
      { '9-10': '4.00' },
    ],
  ])('%s', (_, line, expected) => {
    expect(prices(priceLine(line))).toEqual(expected);
  });

  it('takes scratched stakes out as refunds and lets a coupled runner stand', () => {
    const answer = priceLine({
      id: 'place',
      ruleSet: 'US-STANDARD',
      rules: { takeout: '0' },
      pool: of('PLACE'),
      runners: { declared: ['1', '1A', '2', '3', '4'], scratched: ['3'], entries: [['1', '1A']] },
      result: [['2'], ['1', '1A']],
      stakes: [
        { c: '2', minor: 11_000 },
        { c: '1A', minor: 11_000 },
        { c: '3', minor: 5_000 },
        { c: '4', minor: 22_000 },
      ],
    });
    // 440 in the pool, 220 of profit, half to 2 and half to the entry: 1 + 110/110.
    expect(answer).toMatchObject({
      id: 'place',
      ruleSet: 'US-STANDARD@2026-01-01',
      gross: 44_000,
      refunds: 5_000,
      dividends: [
        { tier: 'PLACE', c: '2', price: '2.00', exact: '2/1', stake: 11_000, paid: 22_000 },
        { tier: 'PLACE', c: '1', price: '2.00' },
      ],
      tiers: [{ tier: 'PLACE', pool: 44_000 }],
    });
  });

  it('balances: gross + carry-in = takeout + paid + refunded + breakage - top-up + carry-out + jackpot', () => {
    const line = {
      ruleSet: 'US',
      pool: of('TRIFECTA'),
      gross: 1_234_567,
      carryIn: 89,
      winning: [{ c: '1>2>3', minor: 4_321 }],
    };
    const sheet = priceLine(line);
    if ('error' in sheet) throw new Error(sheet.error.message);
    const paid = sheet.dividends.reduce((sum, dividend) => sum + dividend.paid, 0);
    const out = sheet.takeout + paid + sheet.refunded + sheet.breakage - sheet.topUp + sheet.carryOut + sheet.jackpot;
    expect(sheet.gross + sheet.carryIn).toBe(out);
  });

  it('a pool without a winner is refunded, or carried where the rules carry', () => {
    const line = { ruleSet: 'US', pool: of('TRIFECTA'), gross: 10_000, winning: [] };
    expect(priceLine(line)).toMatchObject({ outcome: 'REFUND', refunded: 10_000, takeout: 0, dividends: [] });
    const carried = priceLine({ ...line, rules: { takeout: '0.25', noWinner: ['CARRY'] } });
    expect(carried).toMatchObject({ outcome: 'CARRIED', takeout: 2_500, carryOut: 7_500 });
  });
});

describe('bad lines are refused with code and place', () => {
  const good = {
    ruleSet: 'US',
    pool: win,
    runners: { declared: ['1', '2', '3'] },
    result: [['1'], ['2']],
    stakes: [
      { c: '1', minor: 100 },
      { c: '2', minor: 100 },
    ],
  };

  it.each<[string, object, string, string]>([
    ['an unknown runner in the result', { result: [['9']] }, 'UNKNOWN_RUNNER', '/result/0/0'],
    ['an unknown runner in a stake', { stakes: [{ c: '9', minor: 1 }] }, 'UNKNOWN_RUNNER', '/stakes/0/c'],
    ['a runner twice in the result', { result: [['1'], ['2', '1']] }, 'REPEATED_RUNNER', '/result/1/1'],
    ['a runner declared twice', { runners: { declared: ['1', '2', '1'] } }, 'REPEATED_RUNNER', '/runners/declared/2'],
    [
      'a runner in two entries',
      {
        runners: {
          declared: ['1', '2', '3'],
          entries: [
            ['1', '2'],
            ['2', '3'],
          ],
        },
      },
      'REPEATED_RUNNER',
      '/runners/entries/1/0',
    ],
    [
      'a scratched runner that finished',
      { runners: { declared: ['1', '2', '3'], scratched: ['2'] } },
      'INCONSISTENT',
      '/result/1/0',
    ],
    ['a hole in the ranks', { result: [['1'], [], ['2']] }, 'RANK_HOLE', '/result/1'],
    ['a rank that is nothing', { result: [['1'], null, ['2']] }, 'RANK_HOLE', '/result/1'],
    ['more dead-heaters than runners', { result: [['1', '2', '3', '4']] }, 'TOO_MANY_DEAD_HEATERS', '/result/0'],
    [
      'too few runners for the pool',
      { pool: of('TRIFECTA'), runners: { declared: ['1', '2'] }, stakes: [{ c: '1>2>1', minor: 1 }] },
      'TOO_FEW_RUNNERS',
      '/runners/declared',
    ],
    [
      'too few runners for a show',
      { pool: of('SHOW'), runners: { declared: ['1', '2', '3'] } },
      'TOO_FEW_RUNNERS',
      '/runners/declared',
    ],
    ['shares that do not add to one', { rules: { shares: ['1/2', '1/3'] } }, 'SHARES_NOT_ONE', '/rules/shares'],
    [
      'tiers that do not add to one',
      {
        rules: {
          tiers: [
            { name: 'ORDER', share: '0.5' },
            { name: 'DISORDER', share: '0.4' },
          ],
        },
      },
      'SHARES_NOT_ONE',
      '/rules/tiers',
    ],
    [
      'a place table with a hole',
      {
        pool: of('PLACE'),
        rules: {
          places: [
            { from: 4, places: 2 },
            { from: 8, places: 4 },
          ],
        },
      },
      'PLACES_HOLE',
      '/rules/places/1',
    ],
    ['a pool of zero', { stakes: [{ c: '1', minor: 0 }] }, 'EMPTY_POOL', '/stakes'],
    ['a gross pool of zero', { stakes: undefined, gross: 0 }, 'EMPTY_POOL', '/gross'],
    [
      'a carry-in of another currency',
      { carryIn: { minor: 5, currency: 'EUR' } },
      'CURRENCY_MISMATCH',
      '/carryIn/currency',
    ],
    [
      'a tier that the pool has not',
      { stakes: undefined, gross: 500, winning: [{ tier: 'ORDER', c: '1', minor: 1 }] },
      'UNKNOWN_TIER',
      '/winning/0/tier',
    ],
    ['an amount beyond 2^53', { stakes: [{ c: '1', minor: 2 ** 53 }] }, 'AMOUNT_TOO_LARGE', '/stakes/0/minor'],
    [
      'amounts together beyond 2^53',
      {
        stakes: [
          { c: '1', minor: 2 ** 53 - 1 },
          { c: '2', minor: 9 },
        ],
      },
      'AMOUNT_TOO_LARGE',
      '/stakes',
    ],
    ['a fraction of a minor unit', { stakes: [{ c: '1', minor: 1.5 }] }, 'FRACTIONAL_AMOUNT', '/stakes/0/minor'],
    ['a negative stake', { stakes: [{ c: '1', minor: -1 }] }, 'NEGATIVE_AMOUNT', '/stakes/0/minor'],
    ['an amount as text', { gross: '100' }, 'INVALID_INPUT', '/gross'],
    ['an unknown field', { grosss: 1 }, 'UNKNOWN_FIELD', '/grosss'],
    ['an unknown field of a stake', { stakes: [{ c: '1', minor: 1, note: 'x' }] }, 'UNKNOWN_FIELD', '/stakes/0/note'],
    ['a misspelt rule', { rules: { takeOut: '0.1' } }, 'UNKNOWN_FIELD', '/rules/takeOut'],
    ['a takeout as a number', { rules: { takeout: 0.1 } }, 'INVALID_INPUT', '/rules/takeout'],
    ['a takeout above one', { rules: { takeout: '1.1' } }, 'INVALID_RULE', '/rules/takeout'],
    ['a rung that does not exist', { rules: { noWinner: ['LOTTERY'] } }, 'INVALID_RULE', '/rules/noWinner'],
    ['an unknown rule set', { ruleSet: 'XX' }, 'UNKNOWN_RULE_SET', '/ruleSet'],
    ['a rule set of a month 13', { ruleSet: 'US@2026-13-01' }, 'UNKNOWN_RULE_SET', '/ruleSet'],
    ['a rule set that lacks the pool type', { ruleSet: 'FR', pool: of('SHOW') }, 'UNKNOWN_RULE_SET', '/ruleSet'],
    ['no rules at all', { ruleSet: undefined }, 'MISSING_FIELD', '/ruleSet'],
    ['no pool', { pool: undefined }, 'MISSING_FIELD', '/pool'],
    ['an unknown pool type', { pool: of('LOTTO') }, 'INVALID_INPUT', '/pool/type'],
    ['stakes above the gross pool', { gross: 150 }, 'INCONSISTENT', '/gross'],
    ['refunds above the gross pool', { gross: 300, refunds: 301 }, 'INCONSISTENT', '/refunds'],
    ['a net pool above the gross pool', { net: 201, gross: 200 }, 'INCONSISTENT', '/net'],
    [
      'refunds below the scratched stakes',
      { result: [['1']], runners: { declared: ['1', '2', '3'], scratched: ['2'] }, refunds: 1 },
      'INCONSISTENT',
      '/refunds',
    ],
    ['a pair in a win pool', { stakes: [{ c: '1>2', minor: 1 }] }, 'INVALID_COMBINATION', '/stakes/0/c'],
    ['neither result nor winners', { result: undefined }, 'MISSING_FIELD', '/result'],
    ['no money', { stakes: undefined, winning: [{ c: '1', minor: 0 }] }, 'MISSING_FIELD', '/gross'],
    [
      'a winner that did not win',
      { stakes: undefined, gross: 500, winning: [{ c: '3', minor: 1 }] },
      'INCONSISTENT',
      '/winning/0/c',
    ],
    [
      'a winner with more than the pool',
      { stakes: undefined, gross: 500, winning: [{ c: '1', minor: 501 }] },
      'INCONSISTENT',
      '/winning/0',
    ],
    [
      'a winner twice',
      {
        stakes: undefined,
        gross: 500,
        winning: [
          { c: '1', minor: 1 },
          { c: '1', minor: 1 },
        ],
      },
      'INVALID_COMBINATION',
      '/winning/1/c',
    ],
    ['a fractional carry-in', { carryIn: 1.5 }, 'FRACTIONAL_AMOUNT', '/carryIn'],
    [
      'fractional units as a number',
      { stakes: undefined, gross: 500, unit: 200, winning: [{ c: '1', units: 2.15 }] },
      'FRACTIONAL_AMOUNT',
      '/winning/0/units',
    ],
    [
      'negative units',
      { stakes: undefined, gross: 500, unit: 200, winning: [{ c: '1', units: '-1' }] },
      'NEGATIVE_AMOUNT',
      '/winning/0/units',
    ],
    [
      'units and minor that differ',
      { stakes: undefined, gross: 900, unit: 200, winning: [{ c: '1', minor: 500, units: '2.15' }] },
      'INCONSISTENT',
      '/winning/0/units',
    ],
    [
      'an order in a quinella',
      { pool: of('QUINELLA'), stakes: [{ c: '2>1', minor: 1 }] },
      'INVALID_COMBINATION',
      '/stakes/0/c',
    ],
    [
      'a set in an exacta',
      { pool: of('EXACTA'), stakes: [{ c: '2-1', minor: 1 }] },
      'INVALID_COMBINATION',
      '/stakes/0/c',
    ],
    ['an empty result', { result: [] }, 'RANK_HOLE', '/result'],
    ['a jackpot in net pricing', { rules: { pricing: 'NET' }, jackpotIn: 100 }, 'NOT_SUPPORTED', '/jackpotIn'],
    ['a jackpot that no tier could win', { jackpotIn: 100 }, 'NOT_SUPPORTED', '/jackpotIn'],
    ['a jackpot by the Japanese split', { ruleSet: 'JP', jackpotIn: 100 }, 'NOT_SUPPORTED', '/jackpotIn'],
    ['a guarantee in net pricing', { rules: { pricing: 'NET' }, guarantee: 100 }, 'NOT_SUPPORTED', '/guarantee'],
    ['parts of a chain', { parts: [{ price: '2.00' }] }, 'INCONSISTENT', '/parts'],
    [
      'units without their price',
      { stakes: undefined, gross: 500, winning: [{ c: '1', units: 2 }] },
      'MISSING_FIELD',
      '/unit',
    ],
    [
      'a minimum beyond all money',
      { rules: { minimum: '999999999' }, gross: 2 ** 52, stakes: [{ c: '1', minor: 2 ** 52 }] },
      'AMOUNT_TOO_LARGE',
      '',
    ],
  ])('%s', (_, change, code, at) => {
    expect(priceLine({ ...good, ...change })).toMatchObject({ error: { code, at } });
  });

  it('a value in none of its shapes is told where they stand', () => {
    const message = 'minimum is in none of the shapes it may have; "mutuel schema price" shows them.';
    expect(priceLine({ ...good, rules: { minimum: null } })).toMatchObject({
      error: { message, at: '/rules/minimum' },
    });
  });

  it('says in words what is wrong with a number or a name', () => {
    const said = (change: object): string | undefined =>
      (priceLine({ ...good, ...change }) as { error?: { message: string } }).error?.message;
    expect(said({ gross: -5 })).toBe('-5 is less than 0.');
    expect(said({ gross: 0.5 })).toBe('0.5 is not a whole number.');
    expect(said({ gross: Number.POSITIVE_INFINITY })).toBe('An amount is at most 2^53 - 1.');
    expect(said({ result: [['1'], []] })).toBe('A rank has at least one runner.');
    expect(said({ pool: {} })).toBe('type is missing.');
    expect(said({ unit: 200, winning: [{ c: '1', units: 2.15 }] })).toBe(
      '2.15 is not a whole number: write "2.15", in quotes.',
    );
    expect(said({ rules: { carry: 'BOTH' } })).toBe('Expected one of NET, GROSS.');
  });

  it.each<[string, object, string, string]>([
    ['a pool of its own', { gross: 500 }, 'INCONSISTENT', '/gross'],
    ['another country', { ruleSet: 'US' }, 'UNKNOWN_RULE_SET', '/ruleSet'],
    ['no parts', { parts: undefined }, 'MISSING_FIELD', '/parts'],
    ['no stakes', { stakes: undefined }, 'MISSING_FIELD', '/stakes'],
    ['a part too few', { stakes: [{ c: '4', minor: 500 }] }, 'INVALID_COMBINATION', '/stakes/0/c'],
    ['less than the least stake', { stakes: [{ c: '4/3', minor: 99 }] }, 'INVALID_SELECTION', '/stakes/0/minor'],
    [
      'five quarters',
      { parts: [{ price: '1', quarters: 5 }, { price: '2' }] },
      'AMOUNT_TOO_LARGE',
      '/parts/0/quarters',
    ],
  ])('a report with %s', (_, change, code, at) => {
    const report = {
      pool: { type: 'REPORT' },
      stakes: [{ c: '4/3', minor: 500 }],
      parts: [{ price: '2' }, { price: '3' }],
    };
    expect(priceLine({ ...report, ...change })).toMatchObject({ error: { code, at } });
  });

  it('the good line itself is answered', () => {
    expect(priceLine(good)).toMatchObject({ outcome: 'PAID' });
  });

  it.each<[string, object, string, string]>([
    [
      'a runner outside the field',
      { form: 'BOX', runners: ['1', '13', '2'], field: 12 },
      'UNKNOWN_RUNNER',
      '/runners/1',
    ],
    ['a box too small', { form: 'BOX', runners: ['1', '2'] }, 'INVALID_SELECTION', '/runners'],
    ['the field without its number', { form: 'WHEEL', columns: [['1'], ['2'], ['ALL']] }, 'MISSING_FIELD', '/field'],
    ['a negative unit', { form: 'BOX', runners: ['1', '2', '3'], unit: -100 }, 'NEGATIVE_AMOUNT', '/unit'],
    ['a fractional unit', { form: 'BOX', runners: ['1', '2', '3'], unit: 0.5 }, 'FRACTIONAL_AMOUNT', '/unit'],
    ['a negative stake', { form: 'BOX', runners: ['1', '2', '3'], stake: -1 }, 'NEGATIVE_AMOUNT', '/stake'],
    [
      'a runner twice in a column',
      { form: 'WHEEL', columns: [['1', '1'], ['2'], ['3']] },
      'REPEATED_RUNNER',
      '/columns/0/1',
    ],
    ['a unit of nothing', { form: 'BOX', runners: ['1', '2', '3'], unit: 0 }, 'INVALID_INPUT', '/unit'],
    ['legs in one race', { form: 'MULTI_LEG', columns: [['1'], ['2'], ['3']] }, 'INVALID_SELECTION', '/form'],
    ['a cost beyond 2^53', { form: 'BOX', runners: ['1', '2', '3'], unit: 2 ** 53 - 1 }, 'AMOUNT_TOO_LARGE', '/unit'],
  ])('count: %s', (_, change, code, at) => {
    expect(countLine({ type: 'TRIFECTA', unit: 100, ...change })).toMatchObject({ error: { code, at } });
  });

  it.each<[string, object, string, string]>([
    ['of nothing', {}, 'MISSING_FIELD', '/stakes'],
    ['of a report', { pool: { type: 'REPORT' } }, 'NOT_SUPPORTED', '/pool/type'],
  ])('probables: odds %s', (_, change, code, at) => {
    expect(probablesLine({ ruleSet: 'US', pool: win, ...change })).toMatchObject({ error: { code, at } });
  });

  it('probables: a result is not among the stakes', () => {
    expect(probablesLine(good)).toMatchObject({ error: { code: 'UNKNOWN_FIELD', at: '/result' } });
  });
});

describe('count', () => {
  const count = (line: object): object => countLine({ unit: 100, ...line });
  const columns = (text: string): string[][] => text.split('/').map((column) => column.split(','));
  const upTo = (n: number, from = 1): string[] => Array.from({ length: n - from + 1 }, (_, i) => String(from + i));

  it.each<[string, object, object]>([
    [
      'R23 a wheel of 2 x 3 x 2',
      { type: 'TRIFECTA', form: 'WHEEL', columns: columns('4,7/1,9,11/2,5'), field: 12 },
      { lines: 12, cost: 1200 },
    ],
    [
      'R23 a full wheel of 12',
      { type: 'TRIFECTA', form: 'WHEEL', columns: columns('9/3/ALL'), field: 12 },
      { lines: 10 },
    ],
    [
      'R24 an exacta box of 12 at two dollars',
      { type: 'EXACTA', form: 'BOX', runners: upTo(12), unit: 200 },
      { lines: 132, cost: 26_400 },
    ],
    [
      'R22 a part wheel at twenty cents',
      { type: 'SUPER_HIGH_5', form: 'WHEEL', columns: columns('1,2/1,2,3/1,2,3,4/1,2,3,4,5/1,2,3,4,5,6'), unit: 20 },
      { lines: 32, cost: 640 },
    ],
    [
      'R22 a key of one over 2..10',
      { type: 'SUPER_HIGH_5', form: 'KEY', bases: ['1'], associated: upTo(10, 2), unit: 20 },
      { lines: 3024, cost: 60_480 },
    ],
    [
      'R25 champ total, two bases, 16 runners, all orders',
      { type: 'TIERCE', form: 'CHAMP_TOTAL', bases: ['1', '2'], field: 16, orders: 'ALL' },
      { lines: 84 },
    ],
    [
      'R25 the same in one order',
      { type: 'TIERCE', form: 'CHAMP_TOTAL', bases: ['1', '2'], field: 16, orders: 'ONE' },
      { lines: 14 },
    ],
    [
      'R26 quinte, two bases and eight, field orders',
      { type: 'QUINTE', form: 'CHAMP_REDUIT', bases: ['1', '2'], associated: upTo(10, 3), orders: 'FIELD', unit: 200 },
      { lines: 336, cost: 67_200, ranks: { BONUS4: 28, BONUS3: 8 } },
    ],
    [
      'R27 placepot legs 3 x 1 x 1 x 1 x 1 x 2',
      { type: 'PLACEPOT', form: 'MULTI_LEG', columns: columns('1,2,3/1/1/1/1/4,5') },
      { lines: 6, cost: 600 },
    ],
    [
      'R20 flexi: 15.00 on 60 lines is a quarter; 200.00 collects 50.00',
      { type: 'TRIFECTA', form: 'BOX', runners: upTo(5), stake: 1500, dividend: '200.00' },
      { lines: 60, cost: 1500, flexi: '1/4', refund: 0, collect: 5000 },
    ],
    [
      'R21 whole percent: 3.00 of 60.00 is 5 %; 1000 collects 50',
      { type: 'TRIFECTA', form: 'BOX', runners: upTo(5), stake: 300, flexiPolicy: 'WHOLE_PERCENT', dividend: '1000' },
      { flexi: '1/20', refund: 0, collect: 5000 },
    ],
    [
      'whole percent gives back: 10.00 of 60.00 is 16 % = 9.60',
      { type: 'TRIFECTA', form: 'BOX', runners: upTo(5), stake: 1000, flexiPolicy: 'WHOLE_PERCENT' },
      { flexi: '4/25', cost: 960, refund: 40 },
    ],
    [
      'a box of 24 over five places is counted, not listed',
      { type: 'SUPER_HIGH_5', form: 'BOX', runners: ['ALL'], field: 24 },
      { lines: 5_100_480 },
    ],
  ])('%s', (_, line, expected) => {
    expect(count(line)).toMatchObject(expected);
  });
});

describe('probables', () => {
  it('R03: 514.00 less 14.25 %, to the nearest cent', () => {
    const stakes = [30, 70, 12, 55, 110, 47, 150, 40].map((dollars, i) => ({ c: String(i + 1), minor: dollars * 100 }));
    const answer = probablesLine({ rules: { takeout: '0.1425', rounding: 'NEAREST' }, pool: win, stakes });
    const odds = 'odds' in answer ? answer.odds.map(({ price }) => price) : answer;
    expect(odds).toEqual(['14.69', '6.30', '36.73', '8.01', '4.01', '9.38', '2.94', '11.02']);
  });

  it('leaves scratched stakes out and shows ranges where others place', () => {
    const answer = probablesLine({
      id: 'p',
      ruleSet: 'US',
      rules: { takeout: '0' },
      pool: of('PLACE'),
      runners: { declared: ['1', '2', '3', '4'], scratched: ['4'] },
      stakes: [
        { c: '1', minor: 1000 },
        { c: '2', minor: 2000 },
        { c: '3', minor: 3000 },
        { c: '4', minor: 9000 },
      ],
    });
    // 60 in the pool. 1 with 3: 1 + 10/10; with 2: 1 + 15/10. 2 with 3: 1 + 5/20; with 1: 1 + 15/20. 3 with 2: 1 + 5/30; with 1: 1 + 10/30.
    expect(answer).toEqual({
      id: 'p',
      net: 6000,
      odds: [
        { c: '1', price: null, low: '2.00', high: '2.50' },
        { c: '2', price: null, low: '1.20', high: '1.70' },
        { c: '3', price: null, low: '1.10', high: '1.30' },
      ],
    });
  });
});

describe('the line protocol', () => {
  const run = (command: PricingCommand, text: string): [number, object[]] => {
    const lines: object[] = [];
    const code = runPricing(command, text, (line) => lines.push(JSON.parse(line)));
    return [code, lines];
  };
  const line = JSON.stringify({ id: 'a', type: 'EXACTA', form: 'BOX', runners: ['1', '2'], unit: 100 });

  it('answers line by line in order, refuses a broken one in its place, and exits 2', () => {
    const [code, lines] = run('count', `${line}\n\n{"id":"b"\r\n${line}\n`);
    expect(code).toBe(2);
    expect(lines).toMatchObject([
      { id: 'a', lines: 2 },
      { error: { code: 'MALFORMED', at: '' } },
      { id: 'a', lines: 2 },
    ]);
  });

  it('exits 0 when every line is answered', () => {
    expect(run('count', `\uFEFF${line}\n${line}`)[0]).toBe(0);
  });

  it('reads one object written over several lines', () => {
    expect(run('count', JSON.stringify(JSON.parse(line), null, 2))).toMatchObject([0, [{ lines: 2 }]]);
  });

  it.each(['[]', '7', 'null', '', '{\n"id":'])('refuses %j as one line', (text) => {
    expect(run('price', text)).toMatchObject([2, [{ error: { code: 'MALFORMED' } }]]);
  });

  const many = Array.from({ length: 20 }, (_, i) => String(i + 1));
  const tied = {
    ...{ ruleSet: 'US', pool: { type: 'SUPERFECTA' }, runners: { declared: many }, result: [many] },
    stakes: [{ c: '1>2>3>4', minor: 100 }],
  };
  const beyond = [
    { c: '1', minor: 1 },
    { c: '2', minor: 900_719_925_474_099 },
  ];
  it.each<[string, PricingCommand, object, string, string]>([
    ['twenty in a dead heat for four places', 'price', tied, 'TOO_MANY_DEAD_HEATERS', '/result/0'],
    ['a price beyond all money', 'probables', { ruleSet: 'US', pool: win, stakes: beyond }, 'AMOUNT_TOO_LARGE', ''],
  ])('%s is refused in its place, and the next line is answered', (_, command, broken, code, at) => {
    const fine = { id: 'b', ruleSet: 'US', pool: win, result: [['1']], stakes: [{ c: '1', minor: 100 }] };
    const { result: _result, ...odds } = fine;
    const next = command === 'price' ? fine : odds;
    const [exit, lines] = run(command, `${JSON.stringify(broken)}\n${JSON.stringify(next)}`);
    expect(exit).toBe(2);
    expect(lines).toMatchObject([{ error: { code, at } }, { id: 'b' }]);
    expect(lines[1]).not.toHaveProperty('error');
  });

  it('echoes the id of a refused line', () => {
    expect(run('price', '{"id":"x","nonsense":1}')[1]).toMatchObject([{ id: 'x', error: {} }]);
  });

  it('never throws on any JSON', () => {
    const odd = [
      '{"pool":{"type":"__proto__"}}',
      '{"__proto__":{"a":1}}',
      '{"pool":[]}',
      '{"rules":null}',
      '{"stakes":{}}',
      '{"id":1e400}',
    ];
    for (const text of odd) expect(run('price', text)[0]).toBe(2);
  });

  it.each(['price', 'count', 'probables'] as const)('has a JSON Schema for %s', (command) => {
    const { input, output } = schemaOf(command);
    expect(input).toMatchObject({ type: 'object', additionalProperties: false });
    expect(output).toMatchObject({ type: 'object' });
  });
});
