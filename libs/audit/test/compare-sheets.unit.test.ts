/** A difference between two calculators is a sentence with both figures. */
import { expect, it } from 'vitest';
import { compareSheets, type DividendSheet } from '../src/index.js';

const sheet: DividendSheet = {
  outcome: 'PAID',
  grossMinor: 1000,
  refundsMinor: 0,
  takeoutMinor: 200,
  netMinor: 800,
  carryInMinor: 0,
  dividends: [{ tier: 'QUINELLA', c: '2-10', price: '8.00', stakeMinor: 100, paidMinor: 800 }],
  paidMinor: 800,
  refundedMinor: 0,
  breakageMinor: 0,
  topUpMinor: 0,
  carryOutMinor: 0,
  jackpotInMinor: 0,
  jackpotMinor: 0,
};
const [winner] = sheet.dividends as [DividendSheet['dividends'][0]];

it('equal sheets have no differences, however an unordered combination is written', () => {
  expect(compareSheets(sheet, { ...sheet, dividends: [{ ...winner, c: '10-2' }] })).toEqual([]);
});

it('an amount that one side does not know is not compared', () => {
  expect(compareSheets(sheet, { outcome: 'PAID', dividends: sheet.dividends, grossMinor: 1000 })).toEqual([]);
});

it('names what differs, whose figure is which, down to one minor unit', () => {
  const other = { ...sheet, breakageMinor: 1, dividends: [{ ...winner, price: '7.90', paidMinor: 790 }] };
  expect(compareSheets(sheet, other, ['the audit', 'the engine'])).toEqual([
    'breakage in minor units: the audit has 0, the engine has 1',
    'price of QUINELLA 2-10: the audit has 8.00, the engine has 7.90',
    'payout on QUINELLA 2-10 in minor units: the audit has 800, the engine has 790',
  ]);
});

it('shows a combination that only one side pays, and one that a side lists twice', () => {
  const other = { ...sheet, outcome: 'REFUND', dividends: [] };
  expect(compareSheets(sheet, other)).toEqual([
    'outcome: the first has PAID, the second has REFUND',
    'price of QUINELLA 2-10: the first has 8.00, the second has none',
  ]);
  expect(compareSheets(sheet, { ...sheet, dividends: [winner, winner] })).toEqual([
    'price of QUINELLA 2-10 (again): the first has none, the second has 8.00',
  ]);
});
