/** Pools over several races to the cent: each case with its sum in words, from tickets to dividends. */

import { describe, expect, it } from 'vitest';
import {
  type Field,
  favouriteOf,
  isRefusal,
  type Leg,
  legKeyLabel,
  legKeys,
  legResult,
  linesMatching,
  linesWithout,
  type PoolType,
  priceLegs,
  type RuleSet,
  ratio,
  readSelection,
  refundedLegRunners,
  ruleSetFor,
  type Sheet,
  willPayKeys,
  willPays,
} from '#mutuel/tote';

const rulesOf = (name: string, type: PoolType, own: Partial<RuleSet> = {}): RuleSet => {
  const rules = ruleSetFor(name, type);
  if (!rules) throw new Error(`no rules ${name} for ${type}`);
  return { ...rules, ...own };
};

const card = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
const leg = (finish: Leg['finish'], own: Partial<Leg> = {}): Leg => ({ declared: card, finish, ...own });
/** The leg in which these won, in a dead heat where there are several. */
const won = (...winners: readonly string[]): Leg => leg([winners]);

interface Pool {
  readonly rules: RuleSet;
  readonly legs: readonly Leg[];
  /** Text of a bet and minor units on each of its lines. */
  readonly bets: Readonly<Record<string, number>>;
  readonly gross?: number;
  readonly net?: number;
  readonly carryIn?: number;
  readonly jackpotIn?: number;
  readonly mandatory?: boolean;
  readonly guarantee?: number;
}

/** From tickets to a sheet, as shards and market do it: keys, lines that match them, price. */
function price({ rules, legs, bets, ...money }: Pool): Sheet {
  const field: Field = { declared: [], legs };
  const out = refundedLegRunners(rules, legs);
  const tickets = Object.entries(bets).map(([text, unit]) => {
    const selection = readSelection(rules.poolType, text, field, rules);
    if (isRefusal(selection)) throw new Error(selection.message);
    return { selection, unit };
  });
  const staked = tickets.reduce((sum, { selection, unit }) => sum + selection.lines * unit, 0);
  const left = tickets.reduce((sum, { selection, unit }) => sum + linesWithout(selection, out) * unit, 0);
  const keys = new Set([...legKeys(rules, legs), ...willPayKeys(rules, legs)]);
  const stakeOf = (key: string) => {
    if (!keys.has(key)) throw new Error(`${key} was not asked for`);
    return ratio(tickets.reduce((sum, { selection, unit }) => sum + linesMatching(selection, key, out) * unit, 0));
  };
  return priceLegs({
    ruleSet: rules,
    result: legResult(rules, legs),
    grossMinor: (money.gross ?? staked) + (money.gross === undefined ? 0 : staked - left),
    refundsMinor: staked - left,
    carryInMinor: money.carryIn ?? 0,
    jackpotInMinor: money.jackpotIn ?? 0,
    ...(money.net === undefined ? {} : { netMinor: money.net }),
    ...(money.mandatory && { mandatory: true }),
    guaranteeMinor: money.guarantee ?? 0,
    stakeOf,
  });
}

const paid = (sheet: Sheet): Record<string, string> =>
  Object.fromEntries(sheet.dividends.map(({ tier, c, price: text }) => [`${tier} ${legKeyLabel(c)}`, text]));

const free: Partial<RuleSet> = { takeout: '0' };

describe('daily double', () => {
  const rules = rulesOf('US', 'DAILY_DOUBLE', free);

  it('both winners: 1000.00 / 100.00 = 10.00', () => {
    const sheet = price({ rules, legs: [won('3'), won('7')], bets: { '3/7': 10_000, '3/8': 40_000, '1/7': 50_000 } });
    expect(paid(sheet)).toEqual({ 'DAILY_DOUBLE 3/7': '10.00' });
  });

  it('dead heat in the second leg: profit 1000 - 300 = 700 in halves; 1 + 350/100 = 4.50, 1 + 350/200 = 2.75 breaks to 2.70', () => {
    const sheet = price({
      rules,
      legs: [won('3'), won('7', '8')],
      bets: { '3/7': 10_000, '3/8': 20_000, '1/2': 70_000 },
    });
    expect(paid(sheet)).toEqual({ 'DAILY_DOUBLE 3/7': '4.50', 'DAILY_DOUBLE 3/8': '2.70' });
  });

  it('dead heat with one pair uncovered: the covered pair takes all', () => {
    const sheet = price({ rules, legs: [won('3'), won('7', '8')], bets: { '3/8': 20_000, '1/2': 80_000 } });
    expect(paid(sheet)).toEqual({ 'DAILY_DOUBLE 3/8': '5.00' });
  });

  it('ladder: nobody has both, profit 1000 - 300 = 700 in halves to either winner; 1 + 350/100, 1 + 350/200', () => {
    const sheet = price({ rules, legs: [won('3'), won('7')], bets: { '3/1': 10_000, '2/7': 20_000, '1/2': 70_000 } });
    expect(paid(sheet)).toEqual({ 'DAILY_DOUBLE 3/*': '4.50', 'DAILY_DOUBLE */7': '2.70' });
    expect(sheet.rungName).toBe('EITHER');
  });

  it('ladder: only one side covered takes all; then both seconds; then a refund', () => {
    const legs = [leg([['3'], ['4']]), leg([['7'], ['5']])];
    const oneSide = price({ rules, legs, bets: { '3/1': 10_000, '1/2': 90_000 } });
    expect(paid(oneSide)).toEqual({ 'DAILY_DOUBLE 3/*': '10.00' });
    const seconds = price({ rules, legs, bets: { '4/5': 10_000, '1/2': 90_000 } });
    expect(paid(seconds)).toEqual({ 'DAILY_DOUBLE 4/5': '10.00' });
    expect(price({ rules, legs, bets: { '1/2': 90_000 } })).toMatchObject({ outcome: 'REFUND', refundedMinor: 90_000 });
  });

  it('rule book 6.10, late scratch in the second leg: consolation 800 / 400 = 2.00 leaves first, 800 - 200 = 600 / 100 = 6.00', () => {
    const legs = [won('1'), leg([['4']], { scratchedAfterClose: ['6'] })];
    const sheet = price({ rules, legs, bets: { '1/4': 10_000, '1/5': 20_000, '1/6': 10_000, '2/4': 40_000 } });
    expect(paid(sheet)).toEqual({ 'DAILY_DOUBLE 1/4': '6.00', 'CONSOLATION 1/6': '2.00' });
    expect([sheet.paidMinor, sheet.breakageMinor]).toEqual([80_000, 0]);
  });

  it('a consolation is not broken to the dime: 800 / 300 = 2.666 pays 2.66', () => {
    const legs = [won('1'), leg([['4']], { scratchedAfterClose: ['6'] })];
    const sheet = price({ rules, legs, bets: { '1/4': 20_000, '1/6': 10_000, '2/4': 50_000 } });
    expect(paid(sheet)).toMatchObject({ 'CONSOLATION 1/6': '2.66' });
  });

  it('with a consolation paid, the ladder passes its tickets over', () => {
    const legs = [won('1'), leg([['4']], { scratchedAfterClose: ['6'] })];
    const sheet = price({ rules, legs, bets: { '1/5': 10_000, '1/6': 10_000, '2/8': 60_000 } });
    // Consolation 800 / 200 = 4.00 takes 400; the other 400 go to 1/5 alone, the only side covered: 400 / 100 = 4.00.
    expect(paid(sheet)).toEqual({ 'DAILY_DOUBLE 1/*': '4.00', 'CONSOLATION 1/6': '4.00' });
    expect(sheet.breakageMinor).toBe(0);
  });

  it('a scratch in the first leg, or in the second before the close, is refunded', () => {
    const legs = [leg([['1']], { scratchedAfterClose: ['9'] }), leg([['4']], { scratched: ['6'] })];
    const sheet = price({ rules, legs, bets: { '1/4': 10_000, '1/6': 20_000, '9/4': 30_000, '2/4': 10_000 } });
    expect(sheet).toMatchObject({ refundsMinor: 50_000, grossMinor: 20_000 });
    expect(paid(sheet)).toEqual({ 'DAILY_DOUBLE 1/4': '2.00' });
  });

  it('second leg cancelled: single price 1000 / 300 = 3.33 to all on the first winner; first leg cancelled: refund', () => {
    const bets = { '3/7': 10_000, '3/8': 20_000, '1/2': 70_000 };
    expect(paid(price({ rules, legs: [won('3'), leg(null)], bets }))).toEqual({ 'DAILY_DOUBLE 3/*': '3.30' });
    expect(price({ rules, legs: [leg(null), won('7')], bets })).toMatchObject({
      outcome: 'REFUND',
      refundedMinor: 100_000,
    });
  });
});

describe('pick n', () => {
  const pick3 = rulesOf('US', 'PICK3', free);
  const pick5 = rulesOf('US', 'PICK5', free);
  const pick6 = rulesOf('US', 'PICK6', free);
  const sixth = (...last: readonly string[]): Leg[] => [won('1'), won('1'), won('1'), won('1'), won('1'), won(...last)];

  it('rule book 6.2, a dead heat in a leg is a single price: 900 / (100 + 200) = 3.00 for both, where a split would pay 4.00 and 2.50', () => {
    const bets = { '1/1/7': 10_000, '1/1/8': 20_000, '2/2/2': 60_000 };
    expect(paid(price({ rules: pick3, legs: [won('1'), won('1'), won('7', '8')], bets }))).toEqual({
      'PICK3 1/1/7,8': '3.00',
    });
  });

  it('rule book 6.11, the favourite of the win pool at the close stands in for a non-runner: 800 / (100 + 100) = 4.00', () => {
    const stakes: Readonly<Record<string, number>> = { '4': 500, '5': 900, '7': 900 };
    const favourite = favouriteOf({ declared: card, scratched: ['9'] }, pick3, (c) => stakes[c] ?? 0);
    expect(favourite).toBe('5'); // 5 and 7 are equal: the lower number
    const legs = [won('1'), leg([['5']], { scratchedAfterClose: ['9'], favourite }), won('2')];
    const bets = { '1/9/2': 10_000, '1/5/2': 10_000, '3/3/3': 60_000 };
    expect(paid(price({ rules: pick3, legs, bets }))).toEqual({ 'PICK3 1/5/2': '4.00' });
    const lost = legs.with(1, leg([['7']], { scratchedAfterClose: ['9'], favourite }));
    const other = price({ rules: pick3, legs: lost, bets: { ...bets, '1/7/2': 20_000 } });
    expect(paid(other)).toEqual({ 'PICK3 1/7/2': '5.00' });
  });

  it('the bettor’s own reserve stands in first: 9 with reserve 7 wins with 7, though the favourite is 5', () => {
    const legs = [won('1'), leg([['7']], { scratchedAfterClose: ['9'], favourite: '5' }), won('2')];
    const sheet = price({ rules: pick3, legs, bets: { '1/9+7/2': 10_000, '1/9/2': 10_000, '3/3/3': 60_000 } });
    expect(paid(sheet)).toEqual({ 'PICK3 1/7/2': '8.00' });
  });

  it('a cancelled leg is won by every selection: 900 / 300 = 3.00', () => {
    const sheet = price({
      rules: pick3,
      legs: [won('1'), leg(null), won('2')],
      bets: { '1/1,2,3/2': 10_000, '4/4/4': 60_000 },
    });
    expect(paid(sheet)).toEqual({ 'PICK3 1/*/2': '3.00' });
  });

  it('all legs cancelled: refund', () => {
    const sheet = price({
      rules: pick3,
      legs: [leg(null), leg(null), leg(null)],
      bets: { '1/1/2': 10_000 },
      carryIn: 5_000,
    });
    expect(sheet).toMatchObject({ outcome: 'REFUND', refundedMinor: 10_000, carryOutMinor: 5_000 });
  });

  it('rule book 6.12 method 3: nobody has all three, those with most share all: 900 / 100 = 9.00; nobody any: refund', () => {
    const legs = [won('1'), won('1'), won('1')];
    const sheet = price({ rules: pick3, legs, bets: { '1/1/2': 10_000, '1/2/2': 20_000, '3/3/3': 60_000 } });
    expect(paid(sheet)).toEqual({ '2/3 1/1/1': '9.00' });
    expect(price({ rules: pick3, legs, bets: { '3/3/3': 60_000 } })).toMatchObject({ outcome: 'REFUND' });
  });

  it('method 1: a quarter of 1000 to the most right, 250 / 100 = 2.50; 750 is carried and won later with the net, untaxed', () => {
    const legs = [won('1'), won('1'), won('1'), won('1'), won('1')];
    const sheet = price({ rules: pick5, legs, bets: { '1/1/1/1/2': 10_000, '3/3/3/3/3': 90_000 } });
    expect(paid(sheet)).toEqual({ '4/5 1/1/1/1/1': '2.50' });
    expect(sheet.carryOutMinor).toBe(75_000);
    const taxed = rulesOf('US', 'PICK5', { takeout: '0.20' });
    // 1000 less 20 % = 800, and the carry-over 750 untaxed: 1550 / 100 = 15.50.
    const later = price({ rules: taxed, legs, bets: { '1/1/1/1/1': 10_000, '3/3/3/3/3': 90_000 }, carryIn: 75_000 });
    expect(paid(later)).toEqual({ 'PICK5 1/1/1/1/1': '15.50' });
  });

  it('method 2: 750 + carry 250 / 100 = 10.00 to six, 250 / 200 = 1.25 breaks to 1.20 to the second most, here four of six', () => {
    const bets = { '1/1/1/1/1/1': 10_000, '1/1/1/1/2/2': 20_000, '3/3/3/3/3/3': 70_000 };
    const sheet = price({ rules: pick6, legs: sixth('1'), bets, carryIn: 25_000 });
    expect(paid(sheet)).toEqual({ '6/6 1/1/1/1/1/1': '10.00', '4/6 1/1/1/1/1/1': '1.20' });
    expect(sheet.tiers).toEqual([
      { tier: '6/6', poolMinor: 100_000 },
      { tier: '5/6', poolMinor: 25_000 },
    ]);
  });

  it('method 2 without six: the minor share to the most right, 250 / 100 = 2.50; major share and carry are carried', () => {
    const bets = { '1/1/1/1/1/2': 10_000, '1/1/1/1/2/2': 20_000, '3/3/3/3/3/3': 70_000 };
    const sheet = price({ rules: pick6, legs: sixth('1'), bets, carryIn: 25_000 });
    expect(paid(sheet)).toEqual({ '5/6 1/1/1/1/1/1': '2.50' });
    expect(sheet.carryOutMinor).toBe(100_000);
  });

  it('mandatory day: 750 + 250 to the most right, 1000 / 100 = 10.00; 250 / 200 = 1.25 to the next', () => {
    const bets = { '1/1/1/1/1/2': 10_000, '1/1/1/1/2/2': 20_000, '3/3/3/3/3/3': 70_000 };
    const sheet = price({ rules: pick6, legs: sixth('1'), bets, carryIn: 25_000, mandatory: true });
    expect(paid(sheet)).toEqual({ '5/6 1/1/1/1/1/1': '10.00', '4/6 1/1/1/1/1/1': '1.20' });
    expect(sheet.carryOutMinor).toBe(0);
  });

  it('carry-over at its cap is frozen: it is carried on, and the whole day, 750 + 250, goes to the most right: 10.00', () => {
    const legs = pick6.legs ? { ...pick6.legs, carryCapMinor: 25_000 } : undefined;
    const bets = { '1/1/1/1/1/2': 10_000, '3/3/3/3/3/3': 90_000 };
    const sheet = price({ rules: { ...pick6, ...(legs && { legs }) }, legs: sixth('1'), bets, carryIn: 25_000 });
    expect(paid(sheet)).toEqual({ '5/6 1/1/1/1/1/1': '10.00' });
    expect(sheet.carryOutMinor).toBe(25_000);
  });
});

describe('a tier that nobody is in, without a carry-over', () => {
  const tiers = [
    { name: '6/6', share: '0.75' },
    { name: '5/6', share: '0.25' },
  ];
  const rules = rulesOf('US', 'PICK6', { ...free, tiers, noWinner: ['REFUND'] });
  const all = new Array<Leg>(6).fill(won('1'));
  const lost = { '3/3/3/3/3/3': 90_000 };

  it('joins the next one: 750 + 250 to five right, 1000 / 100 = 10.00; the lower one the upper; nobody at all: refund', () => {
    const five = price({ rules, legs: all, bets: { '1/1/1/1/1/2': 10_000, ...lost } });
    expect(paid(five)).toEqual({ '5/6 1/1/1/1/1/1': '10.00' });
    const six = price({ rules, legs: all, bets: { '1/1/1/1/1/1': 10_000, ...lost } });
    expect(paid(six)).toEqual({ '6/6 1/1/1/1/1/1': '10.00' });
    expect(price({ rules, legs: all, bets: lost })).toMatchObject({ outcome: 'REFUND', refundedMinor: 90_000 });
  });

  it('goes to the jackpot where its rule says so: 750 wait', () => {
    const [first = { name: '6/6', share: '0.75' }, second = { name: '5/6', share: '0.25' }] = tiers;
    const jackpot = { ...rules, tiers: [{ ...first, uncovered: 'JACKPOT' as const }, second] };
    const sheet = price({ rules: jackpot, legs: all, bets: { '1/1/1/1/1/2': 10_000, ...lost } });
    expect([paid(sheet)['5/6 1/1/1/1/1/1'], sheet.jackpotMinor]).toEqual(['2.50', 75_000]);
  });
});

describe('the jackpot of a single winner', () => {
  const rules = rulesOf('US-CA', 'PICK6', free);
  const all = [won('1'), won('1'), won('1'), won('1'), won('1'), won('1')];
  const day = { rules, gross: 30_000_000, jackpotIn: 50_000_000 };

  it('S13 two perfect tickets: 70 % of 300,000 = 210,000 / 2 = 105,000 each; 15 % / 50 = 900; 500,000 + 45,000 wait', () => {
    const sheet = price({ ...day, legs: all, bets: { '1/1/1/1/1/1': 400, '1/1/1/1/1/2': 10_000 } });
    // Per dollar of a two-dollar ticket: 52,500 and 450.
    expect(paid(sheet)).toEqual({ '6/6 1/1/1/1/1/1': '52500.00', '5/6 1/1/1/1/1/1': '450.00' });
    expect(sheet.jackpotMinor).toBe(54_500_000);
  });

  it('a tier that is the only one has its own name: 80 % of 1,000.00 are 800.00 / 4 = 200.00 for 1; 200.00 wait', () => {
    const alone: RuleSet = { ...rules, tiers: [{ name: '6/6', share: '0.8' }] };
    const sheet = price({ rules: alone, legs: all, bets: { '1/1/1/1/1/1': 400, '3/3/3/3/3/3': 99_600 } });
    expect(paid(sheet)).toEqual({ '6/6 1/1/1/1/1/1': '200.00' });
    expect(sheet.jackpotMinor).toBe(20_000);
  });

  it('S13 one perfect ticket: 210,000 + 545,000 = 755,000; nothing waits', () => {
    const sheet = price({ ...day, legs: all, bets: { '1/1/1/1/1/1': 200, '1/1/1/1/1/2': 10_000 } });
    expect(paid(sheet)).toEqual({ '6/6 1/1/1/1/1/1': '377500.00', '5/6 1/1/1/1/1/1': '450.00' });
    expect(sheet.jackpotMinor).toBe(0);
  });

  it('rule book 6.15, unique is the stake on the winning combinations: one ticket with both of a dead heat holds two units, no jackpot', () => {
    const legs = all.with(-1, won('1', '2'));
    const both = price({ ...day, legs, bets: { '1/1/1/1/1/1,2': 200 } });
    expect([both.jackpotMinor, both.dividends[0]?.stakeMinor]).toEqual([54_500_000, 400]);
    const one = price({ ...day, legs, bets: { '1/1/1/1/1/2': 200 } });
    expect([one.jackpotMinor, one.dividends[0]?.stakeMinor]).toEqual([0, 200]);
  });

  it('nobody perfect: 70 % is carried, the jackpot waits', () => {
    const sheet = price({ ...day, legs: all, bets: { '1/1/1/1/1/2': 10_000 } });
    expect([sheet.carryOutMinor, sheet.jackpotMinor]).toEqual([21_000_000, 54_500_000]);
  });
});

describe('United Kingdom', () => {
  const quadpot = rulesOf('UK', 'QUADPOT', { takeout: '0.26' });
  const placed = (finish: Leg['finish'], own: Partial<Leg> = {}): Leg =>
    leg(finish, { declared: card.slice(0, 7), ...own });
  const legs = [placed([['1'], ['2']]), placed([['1'], ['2']]), placed([['1'], ['2']]), placed([['1'], ['2']])];

  it('placed runners of seven are two; single price 10,000 x 0.74 / 200 = 37.00', () => {
    const bets = { '1/2/1/2': 10_000, '2/2/2/2': 10_000, '3/1/1/1': 980_000 };
    expect(paid(price({ rules: quadpot, legs, bets }))).toEqual({ 'QUADPOT 1,2/1,2/1,2/1,2': '37.00' });
  });

  it('a dead heat for the last place qualifies all of them, without reduction', () => {
    const tied = legs.with(0, placed([['1'], ['2', '3']]));
    const sheet = price({ rules: quadpot, legs: tied, bets: { '3/1/1/1': 10_000, '4/1/1/1': 90_000 } });
    expect(paid(sheet)).toEqual({ 'QUADPOT 1,2,3/1,2/1,2/1,2': '7.40' });
  });

  it('four runners that run place one, a handicap of sixteen places four', () => {
    const four = legs.with(0, placed([['1'], ['2']], { declared: card.slice(0, 4) }));
    expect(legKeys(quadpot, four)).toContain('1/1,2/1,2/1,2');
    const many = Array.from({ length: 16 }, (_, i) => `${i + 1}`);
    const order = [['1'], ['2'], ['3'], ['4'], ['5']];
    expect(legKeys(quadpot, legs.with(0, leg(order, { declared: many })))).toContain('1,2,3/1,2/1,2/1,2');
    const handicap = leg(order, { declared: many, handicap: true });
    expect(legKeys(quadpot, legs.with(0, handicap))).toContain('1,2,3,4/1,2/1,2/1,2');
    const twoOut = { ...handicap, scratched: ['16'], favourite: '1' };
    expect(legKeys(quadpot, legs.with(0, twoOut))).toContain('1,2,3~16/1,2/1,2/1,2');
  });

  it('rule book 6.3, unwon: the whole gross pool is carried, and taxed once, when it is won: (1000 + 1000) x 0.74 / 100 = 14.80', () => {
    const unwon = price({ rules: quadpot, legs, bets: { '3/3/3/3': 100_000 } });
    expect(unwon).toMatchObject({ outcome: 'CARRIED', takeoutMinor: 0, carryOutMinor: 100_000 });
    const later = price({ rules: quadpot, legs, bets: { '1/1/1/1': 10_000, '3/3/3/3': 90_000 }, carryIn: 100_000 });
    expect(paid(later)).toEqual({ 'QUADPOT 1,2/1,2/1,2/1,2': '14.80' });
    expect(later.takeoutMinor).toBe(52_000);
  });

  it('part-backed: 0.40 of a pound pays the net pool 7,400.00 on its 0.40; 0.60 of the gross is carried untaxed', () => {
    const sheet = price({ rules: quadpot, legs, bets: { '1/1/1/1': 40, '3/3/3/3': 999_960 } });
    expect(paid(sheet)).toEqual({ 'QUADPOT 1,2/1,2/1,2/1,2': '7400.00' });
    expect(sheet).toMatchObject({
      paidMinor: 296_000,
      takeoutMinor: 104_000,
      carryOutMinor: 600_000,
      breakageMinor: 0,
    });
  });

  it('guaranteed 5,000: 5,000 x 0.74 / 100 = 37.00, the operator adds 4,000; not won, the 1,000 staked are carried', () => {
    const bets = { '1/1/1/1': 10_000, '3/3/3/3': 90_000 };
    const sheet = price({ rules: quadpot, legs, bets, guarantee: 500_000 });
    expect(paid(sheet)).toEqual({ 'QUADPOT 1,2/1,2/1,2/1,2': '37.00' });
    expect(sheet).toMatchObject({ takeoutMinor: 130_000, topUpMinor: 400_000, breakageMinor: 0 });
    const unwon = price({ rules: quadpot, legs, bets: { '3/3/3/3': 100_000 }, guarantee: 500_000 });
    expect(unwon).toMatchObject({ outcome: 'CARRIED', carryOutMinor: 100_000, topUpMinor: 0, takeoutMinor: 0 });
  });

  it('never less than 1.10: 100 x 0.74 / 100 = 0.74 pays 1.10, the operator adds 36.00', () => {
    const sheet = price({ rules: quadpot, legs, bets: { '1/1/1/1': 10_000 } });
    expect([paid(sheet)['QUADPOT 1,2/1,2/1,2/1,2'], sheet.topUpMinor]).toEqual(['1.10', 3_600]);
  });

  it('scoop6: the place fund is won and taxed, 3000 x 0.70 / 200 = 10.50; win and bonus fund are carried gross', () => {
    const rules = rulesOf('UK', 'SCOOP6');
    const race = placed([['1'], ['2']]);
    const sheet = price({
      rules,
      legs: new Array<Leg>(6).fill(race),
      bets: { '2/2/2/2/2/2': 20_000, '3/3/3/3/3/3': 880_000 },
    });
    expect(paid(sheet)).toEqual({ 'PLACE_FUND 1,2/1,2/1,2/1,2/1,2/1,2': '10.50' });
    expect(sheet).toMatchObject({ takeoutMinor: 90_000, carryOutMinor: 600_000 });
  });
});

describe('Japan', () => {
  const rules = rulesOf('JP', 'WIN5', { takeout: '0.25' });
  const legs = [won('1'), won('1'), won('1'), won('1'), won('1')];

  it('R17: 400 million less 25 % and 600 million carried, not taxed again: 900 million for two units', () => {
    const bets = { '1/1/1/1/1': 200, '3/3/3/3/3': 399_999_800 };
    const sheet = price({ rules, legs, bets, carryIn: 600_000_000 });
    expect([sheet.takeoutMinor, sheet.paidMinor]).toEqual([100_000_000, 900_000_000]);
  });

  it('rule book 6.4, the carry is shared per combination: with units 1 and 3 of a dead heat both get half of it', () => {
    // R (W + D / 2) + A / 2 with W 100 and 300, D 999,600, A 400,000: 0.75 x 499,900 + 200,000 = 574,925 for 1 unit, and
    // 0.75 x 500,100 + 200,000 = 575,075 for 3 units, 191,691.67 each, cut to ten yen.
    const sheet = price({
      rules,
      legs: legs.with(4, won('1', '2')),
      bets: { '1/1/1/1/1': 100, '1/1/1/1/2': 300, '3/3/3/3/3': 999_600 },
      carryIn: 400_000,
    });
    expect(paid(sheet)).toEqual({ 'WIN5 1/1/1/1/1': '5749.20', 'WIN5 1/1/1/1/2': '1916.90' });
  });

  it('nobody: net and carry are carried', () => {
    const sheet = price({ rules, legs, bets: { '3/3/3/3/3': 1_000_000 }, carryIn: 400_000 });
    expect(sheet).toMatchObject({ outcome: 'CARRIED', takeoutMinor: 250_000, carryOutMinor: 1_150_000 });
  });
});

/** Published games of AB Trav och Galopp: turnover, tiers, systems and payments. */
describe('Sweden, published games', () => {
  interface Game {
    readonly type: PoolType;
    readonly turnover: number;
    /** Rows right in all legs, one less, two less; they are printed without their fractions. */
    readonly rows: readonly string[];
    readonly own?: Partial<RuleSet>;
  }
  const row: Readonly<Partial<Record<PoolType, number>>> = { V4: 200, V75: 50 };

  const settle = ({ type, turnover, rows, own = {} }: Game): Sheet => {
    const rules = rulesOf('SE', type, own);
    const legs = rules.poolType === 'V4' ? 4 : 7;
    const stakes = rows.map((text) => {
      const { n, d } = ratio(BigInt(text.replace('.', '')), 10n ** BigInt(text.split('.')[1]?.length ?? 0));
      return ratio(n * BigInt(own.breakPer === '1' ? 100 : (row[type] ?? 0)), d);
    });
    return priceLegs({
      ruleSet: rules,
      result: legResult(rules, new Array<Leg>(legs).fill(won('1'))),
      grossMinor: turnover,
      refundsMinor: 0,
      carryInMinor: 0,
      stakeOf: (key) => stakes[legs - (key.includes('@') ? Number(key.split('@')[0]) : legs)] ?? ratio(0),
    });
  };
  /** What one row is paid, in whole kronor. */
  const perRow = (sheet: Sheet, kronor: number): number[] =>
    sheet.dividends.map(({ price: text }) => Number(text) * kronor);

  it('V4 of 2019-04-04: 68,790.00 x 75 % = 51,592.50, cut to 51,592; / 205 rows = 251.66, 251 kronor', () => {
    const sheet = settle({ type: 'V4', turnover: 6_879_000, rows: ['205'] });
    expect(sheet.tiers).toEqual([{ tier: 'V4', poolMinor: 5_159_200 }]);
    expect(perRow(sheet, 2)).toEqual([251]);
  });

  it('too little to be paid wins no jackpot: 5,000 rows of 2 kronor, 7,500 kronor and 10,000 of the jackpot are 3 a row', () => {
    const bets = { '1/1/1/1': 1_000_000 };
    const legs = new Array<Leg>(4).fill(won('1'));
    const sheet = price({ rules: rulesOf('SE', 'V4'), legs, bets, jackpotIn: 1_000_000 });
    expect(sheet).toMatchObject({ outcome: 'CARRIED', carryOutMinor: 750_000, jackpotMinor: 1_000_000 });
    expect(sheet).toMatchObject({ paidMinor: 0, breakageMinor: 0, takeoutMinor: 250_000 });
  });

  it('V75 of 2023-05-27: 65 % cut to 76,074,150 kronor in 40, 20 and 40; 6,794 and 76 a row, five right not paid at 11', () => {
    // 4,478 systems are printed; at 4,478 rows the payment would be 6,795, so a part of a row more was right.
    const sheet = settle({ type: 'V75', turnover: 11_703_715_400, rows: ['4478.5', '198719', '2661455'] });
    expect(sheet.tiers.map(({ poolMinor }) => poolMinor)).toEqual([3_042_966_000, 1_521_483_000, 3_042_966_000]);
    expect(perRow(sheet, 0.5)).toEqual([6_794, 76]);
    expect(sheet.carryOutMinor).toBe(3_042_966_000);
  });

  it('GS75 of 2024-09-22: tier pools as published, 3,181,709, 1,333,293 and 2,666,587 kronor at a krona a row; 899, 22, five right not paid at 5', () => {
    // Rows for seven right only (7 % of the turnover) put their whole net into the first tier: the shares are not 40, 20, 40.
    const tiers = [
      { name: '7/7', share: '3181709/7181589', uncovered: 'CARRY' },
      { name: '6/7', share: '1333293/7181589', uncovered: 'CARRY' },
      { name: '5/7', share: '2666587/7181589', uncovered: 'CARRY' },
    ] as const;
    const own = { tiers, breakPer: '1', takeout: '386701201/1104860100' };
    const sheet = settle({ type: 'V75', turnover: 1_104_860_100, rows: ['3538', '59802', '470777'], own });
    expect(sheet.tiers.map(({ poolMinor }) => poolMinor)).toEqual([318_170_900, 133_329_300, 266_658_700]);
    expect(perRow(sheet, 1)).toEqual([899, 22]);
    expect(sheet.carryOutMinor).toBe(266_658_700);
  });
});

describe('will-pays after the penultimate leg', () => {
  it('each runner of the last leg at what it would be paid, non-runners by their consolation, unbacked ones without a price', () => {
    const rules = rulesOf('US', 'DAILY_DOUBLE', free);
    const last = { declared: ['4', '5', '6', '7'], finish: null, scratchedAfterClose: ['6'] };
    const legs = [won('1'), last];
    const stakes: Readonly<Record<string, number>> = { '1/4': 100, '1/5': 200, '1/6': 100, '1/*': 400 };
    const money = {
      grossMinor: 800,
      refundsMinor: 0,
      carryInMinor: 0,
      stakeOf: (key: string) => ratio(stakes[key] ?? 0),
    };
    expect(willPays(rules, legs, money).map(({ c, price: text }) => [c, text])).toEqual([
      ['1/4', '6.00'], // (800 - 200) / 100
      ['1/5', '3.00'], // (800 - 200) / 200
      ['1/7', null],
      ['1/6', '2.00'], // 800 / 400
    ]);
  });

  it('money on a non-runner counts for the favourite: (100 + 200) on 4 of 900', () => {
    const rules = rulesOf('US', 'PICK3', free);
    const last = { declared: ['4', '5', '6'], finish: null, scratchedAfterClose: ['6'], favourite: '4' };
    const bets: Readonly<Record<string, number>> = { '1/1/4~6': 300, '1/1/5!6': 100 };
    const money = {
      grossMinor: 900,
      refundsMinor: 0,
      carryInMinor: 0,
      stakeOf: (key: string) => ratio(bets[key] ?? 0),
    };
    const odds = willPays(rules, [won('1'), won('1'), last], money);
    expect(odds.map(({ c, price: text }) => [c, text])).toEqual([
      ['1/1/4', '3.00'],
      ['1/1/5', '9.00'],
    ]);
  });
});
