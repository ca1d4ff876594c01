/** The fold over decisions: what stands is what was taken less what was withdrawn, whatever the shards say of it. */
import { describe, expect, it } from 'vitest';
import { AuditFold, AuditRefused, type AuditRules, parseSelectionText } from '../src/index.js';

const rules: AuditRules = {
  id: 'test',
  takeout: '0.20',
  split: 'SINGLE_PRICE',
  deadHeat: 'PROFIT_SPLIT',
  placesBy: 'RUNNERS',
  breakTo: '0.10',
  breakPer: '1',
  breakAt: 'PRICE',
  rounding: 'DOWN',
  digits: 2,
  minimum: '1.10',
  payment: 'DOWN',
  noWinner: ['FIRST_2', 'FIRST_1', 'REFUND'],
  carry: 'NET',
  coupling: 'ENTRY',
  minInterests: 2,
};

const runners = ['1', '1A', '2', '3', '4', '5'].map((number) =>
  number.startsWith('1') ? { number, name: number, entry: 'stable' } : { number, name: number },
);
const pools = [{ poolId: 'R1-TRIFECTA', type: 'TRIFECTA', ruleSet: rules, carryInMinor: 1000 }];
const published = fact({ t: 'MeetingPublished', meeting: { races: [{ raceId: 'R1', runners, pools }] } });

function fact(news: object) {
  return { events: [{ t: 'FactApplied', n: 1, fact: news }] };
}

const taken = (sel: string, lines: number, unit: number) => ({
  events: [{ t: 'TicketAccepted', bets: [{ pool: 'R1-TRIFECTA', sel, lines, unit, stake: lines * unit }] }],
});

const refunded = (cause: string, i: number, amount: number) => ({
  events: [{ t: 'BetsRefunded', pool: 'R1-TRIFECTA', cause, items: [{ i, amount }] }],
});

const cancelled = (i: number, amount: number) => ({
  events: [{ t: 'TicketCancelled', bets: [{ pool: 'R1-TRIFECTA', i, no: 0, amount }] }],
});

function folded(...decisions: readonly (readonly [shard: string, decision: { events: { t: string }[] }])[]): AuditFold {
  const fold = new AuditFold();
  fold.apply('shard-0', published);
  fold.apply('shard-1', published);
  for (const [shard, decision] of decisions) fold.apply(shard, decision);
  return fold;
}

const stakesOf = (fold: AuditFold): Record<string, number> =>
  Object.fromEntries(
    fold.standingLines('R1-TRIFECTA').map(({ line, stakeMinor }) => [line.join('>'), Number(stakeMinor)]),
  );

describe('the stakes that stand', () => {
  it('are the units of all bets on a line, over all shards and forms', () => {
    const fold = folded(
      ['shard-0', taken('2>3>4', 1, 500)],
      ['shard-1', taken('BOX:2,3,4', 6, 100)],
      ['shard-1', taken('2,3>4>5', 2, 50)],
      ['shard-0', taken('2>3>4', 1, 500)],
    );
    expect(stakesOf(fold)).toEqual({
      '2>3>4': 1100,
      '2>4>3': 100,
      '3>2>4': 100,
      '3>4>2': 100,
      '4>2>3': 100,
      '4>3>2': 100,
      '2>4>5': 50,
      '3>4>5': 50,
    });
  });

  it('are without bets that were cancelled or voided after the stop, each found by its place in its own shard', () => {
    const fold = folded(
      ['shard-0', taken('2>3>4', 1, 500)],
      ['shard-0', taken('2>3>5', 1, 300)],
      ['shard-1', taken('2>4>5', 1, 200)],
      ['shard-1', taken('3>4>5', 1, 100)],
      ['shard-0', cancelled(1, 300)],
      ['shard-1', refunded('AFTER_STOP', 1, 100)],
    );
    expect(stakesOf(fold)).toEqual({ '2>3>4': 500, '2>4>5': 200 });
    expect(fold.auditPool('R1-TRIFECTA', [['2'], ['3'], ['4']])).toMatchObject({ bets: 2, problems: [] });
  });

  it('still count a pool that its ladder refunded: it was priced before', () => {
    const fold = folded(['shard-0', taken('2>3>4', 1, 500)], ['shard-0', refunded('POOL_REFUNDED', 0, 500)]);
    expect(stakesOf(fold)).toEqual({ '2>3>4': 500 });
  });
});

describe('an audited pool', () => {
  it('is priced to the cent: 800.00 and a carry-in of 10.00 less 20 % of the first is 650.00, over 100.00', () => {
    const fold = folded(
      ['shard-0', taken('2>3>4', 1, 10000)],
      ['shard-1', taken('BOX:3,4,5', 6, 10000)],
      ['shard-1', taken('5>4>2', 1, 10000)],
    );
    const { sheet, problems } = fold.auditPool('R1-TRIFECTA', [['2'], ['3'], ['4'], ['5']]);
    expect(problems).toEqual([]);
    expect(sheet).toMatchObject({
      grossMinor: 80000,
      takeoutMinor: 16000,
      carryInMinor: 1000,
      dividends: [{ tier: 'TRIFECTA', c: '2>3>4', price: '6.50', stakeMinor: 10000, paidMinor: 65000 }],
      breakageMinor: 0,
    });
  });

  it('finds the refund of a scratch by itself and holds the shards to it', () => {
    // The box of 2, 3, 4, 5 has 24 lines of 100; 18 name runner 5.
    const scratched = fact({ t: 'RunnerScratched', race: 'R1', runner: '5' });
    const before = [
      ['shard-0', taken('BOX:2,3,4,5', 24, 100)],
      ['shard-0', scratched],
      ['shard-1', scratched],
    ] as const;
    const honest = folded(...before, ['shard-0', refunded('SCRATCHED', 0, 1800)]).auditPool('R1-TRIFECTA', [['2']]);
    expect(honest).toMatchObject({ problems: [], sheet: { grossMinor: 600, refundsMinor: 1800 } });
    const short = folded(...before, ['shard-0', refunded('SCRATCHED', 0, 1700)]).auditPool('R1-TRIFECTA', [['2']]);
    expect(short.problems).toEqual(['shards gave back 1700 for scratched runners, their lines hold 1800']);
  });

  it('forgets the scratch refund of a bet that is withdrawn later with the rest of its stake', () => {
    const fold = folded(
      ['shard-0', taken('BOX:2,3,4,5', 24, 100)],
      ['shard-0', taken('2>3>4', 1, 100)],
      ['shard-0', fact({ t: 'RunnerScratched', race: 'R1', runner: '5' })],
      ['shard-0', refunded('SCRATCHED', 0, 1800)],
      ['shard-0', refunded('AFTER_OFF', 0, 600)],
    );
    expect(fold.auditPool('R1-TRIFECTA', [['2'], ['3'], ['4']])).toMatchObject({
      problems: [],
      sheet: { grossMinor: 100, refundsMinor: 0 },
    });
  });

  it('has a problem where a bet was sold with another number of lines than it covers', () => {
    const fold = folded(['shard-0', taken('BOX:2,3,4', 5, 100)]);
    expect(fold.auditPool('R1-TRIFECTA', [['2'], ['3'], ['4']]).problems).toEqual([
      '"BOX:2,3,4" was sold as 5 lines and covers 6',
    ]);
  });

  it('has a problem where a bet is withdrawn twice or with another amount than its stake', () => {
    const fold = folded(
      ['shard-0', taken('2>3>4', 1, 500)],
      ['shard-0', taken('2>3>4', 1, 500)],
      ['shard-0', cancelled(0, 500)],
      ['shard-0', cancelled(0, 500)],
      ['shard-0', cancelled(1, 400)],
    );
    expect(fold.auditPool('R1-TRIFECTA', [['2'], ['3'], ['4']]).problems).toEqual([
      'bet 0 of shard-0 is withdrawn but does not stand',
      'bet 1 of shard-0 is withdrawn with 400 of its stake of 500',
    ]);
  });

  it('is refused while its card has not been seen, and once it is forgotten', () => {
    expect(() => new AuditFold().auditPool('R1-TRIFECTA', [['2']])).toThrow(AuditRefused);
    const fold = folded();
    expect(fold.poolIds).toEqual(['R1-TRIFECTA']);
    fold.forget('R1-TRIFECTA');
    expect(() => fold.auditPool('R1-TRIFECTA', [['2']])).toThrow('no decision seen so far has published pool');
  });
});

describe('selection texts', () => {
  it.each([
    ['4>7>1', { form: 'WHEEL', columns: [['4'], ['7'], ['1']] }],
    ['2,4-7', { form: 'WHEEL', columns: [['2', '4'], ['7']], orders: 'SET' }],
    ['BOX.ONE:4,1A', { form: 'BOX', runners: ['4', '1A'], orders: 'ONE' }],
    ['KEY:4|1,7', { form: 'KEY', bases: ['4'], associated: ['1', '7'] }],
    ['CHAMP_REDUIT.FIELD:4,2|1', { form: 'BANKER', bases: ['4', '2'], associated: ['1'], orders: 'FIELD' }],
    ['CHAMP_TOTAL:4|1,2,3', { form: 'BANKER', bases: ['4'], associated: ['1', '2', '3'] }],
  ])('%s is read', (text, selection) => {
    expect(parseSelectionText(text)).toEqual(selection);
  });

  it.each(['', '4>>1', 'BOX:', 'BOX:4,,1', 'KEY:4|1|2', 'DOUBLE:4', '4>?'])('"%s" is refused', (text) => {
    expect(() => parseSelectionText(text)).toThrow(AuditRefused);
  });
});

it('a million bets fold into one pool', () => {
  const fold = folded();
  const decisions = ['2>3>4', '3>4>5', '4>5>1', '5>1>2'].map((sel) => taken(sel, 1, 100));
  for (let i = 0; i < 1_000_000; i++) fold.apply(`shard-${i % 2}`, decisions[i % 4] as (typeof decisions)[0]);
  const { sheet, bets } = fold.auditPool('R1-TRIFECTA', [['2'], ['3'], ['4']]);
  expect(bets).toBe(1_000_000);
  expect(sheet).toMatchObject({ grossMinor: 100_000_000, dividends: [{ c: '2>3>4', stakeMinor: 25_000_000 }] });
});

describe('what settlement has given', () => {
  const paid = (i: number, amount: number) => ({
    events: [{ t: 'BetsPaid', pool: 'R1-TRIFECTA', items: [{ i, amount }] }],
  });
  const corrected = (i: number, was: number, due: number) => ({
    events: [{ t: 'BetsCorrected', pool: 'R1-TRIFECTA', items: [{ i, was, due }] }],
  });

  it('is the sum of payments and of stakes given back, each as it was corrected last', () => {
    // 900 and 200 paid, 300 given back: 1,400; the first is taken back whole, the third made 500: 700.
    const before = [
      ['shard-0', taken('1>2>3', 1, 100)],
      ['shard-0', taken('2>3>4', 1, 300)],
      ['shard-1', taken('2>3>5', 1, 300)],
      ['shard-0', paid(0, 900)],
      ['shard-0', paid(1, 200)],
      ['shard-1', refunded('POOL_REFUNDED', 0, 300)],
    ] as const;
    expect(folded(...before).settled('R1-TRIFECTA')).toBe(1_400);
    const after = folded(...before, ['shard-0', corrected(0, 900, 0)], ['shard-1', corrected(0, 300, 500)]);
    expect(after.settled('R1-TRIFECTA')).toBe(700);
    expect(after.standing('R1-TRIFECTA')).toBe(700);
  });

  it('is a problem where a correction starts from another sum than was given', () => {
    const fold = folded(
      ['shard-0', taken('2>3>4', 1, 300)],
      ['shard-0', paid(0, 900)],
      ['shard-0', corrected(0, 800, 0)],
    );
    expect(fold.auditPool('R1-TRIFECTA', [['2'], ['3'], ['4']]).problems).toEqual([
      'bet 0 of shard-0 was given 900; it is settled as if it were 800',
    ]);
  });
});
