/** The veto's report: what a steward reads when two calculators do not agree. */
import { expect, it } from 'vitest';
import { differenceReport, type ReportedSheet } from '../src/index.js';

const engine: ReportedSheet = {
  name: 'ENGINE',
  outcome: 'PAID',
  grossMinor: 12_345_600,
  takeoutMinor: 2_469_120,
  dividends: [{ tier: 'WIN', c: '4', price: '8.10', stakeMinor: 1_219_300, paidMinor: 9_876_330 }],
  paidMinor: 9_876_330,
  breakageMinor: 150,
  steps: ['98,764.80 / 12,193.00 = 8.1001, cut to 8.10'],
};

it('shows both sheets side by side, marks what differs, and gives each its own arithmetic', () => {
  const audit: ReportedSheet = {
    ...engine,
    name: 'AUDIT',
    dividends: [
      { tier: 'WIN', c: '4', price: '8.00', stakeMinor: 1_219_300, paidMinor: 9_754_400 },
      { tier: 'WIN', c: '9', price: '1.10', stakeMinor: 100, paidMinor: 110 },
    ],
    paidMinor: 9_754_510,
    steps: [],
  };
  expect(differenceReport('R1-C3-WIN', [engine, audit], 2)).toEqual([
    'R1-C3-WIN: ENGINE and AUDIT differ in 4 points. Nothing is paid until they agree.',
    '                     ENGINE       AUDIT',
    '  outcome              PAID        PAID',
    '  gross pool     123,456.00  123,456.00',
    '  takeout         24,691.20   24,691.20',
    '! payout          98,763.30   97,545.10',
    '  breakage             1.50        1.50',
    '! WIN 4: price         8.10        8.00',
    '  WIN 4: stake    12,193.00   12,193.00',
    '! WIN 4: payout   98,763.30   97,544.00',
    '! WIN 9: price         none        1.10',
    '! WIN 9: stake         none        1.00',
    '! WIN 9: payout        none        1.10',
    'ENGINE reckons:',
    '  1. 98,764.80 / 12,193.00 = 8.1001, cut to 8.10',
  ]);
});

it('has nothing to say of sheets that agree', () => {
  expect(differenceReport('R1-C3-WIN', [engine, { ...engine, name: 'AUDIT' }], 2)).toEqual([]);
});

it('writes yen without a point and a negative amount with its sign', () => {
  const yen = { ...engine, grossMinor: 7_892_310, breakageMinor: -5 };
  const report = differenceReport('JP', [yen, { ...yen, name: 'AUDIT', grossMinor: 7_892_311 }], 0).join('\n');
  expect(report).toContain('gross pool     7,892,310  7,892,311');
  expect(report).toContain('-5');
});
