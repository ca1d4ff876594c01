/**
 * Japanese rule sets (Japan Racing Association). Data only. The formula and the payment without a winner follow the
 * published explanations of the law; the rates are those of 2014 on; what is marked `own` wants a human check.
 * A field without a note goes with the one above it, or says what the pool is: one price for its one winner, `own` as the rest.
 */
import type { RuleSet } from '../rule-set.js';
import { datedRuleSets, type Pools } from './dated.js';

const common = {
  jurisdiction: 'JP',
  placesBy: 'CARD', // own: declared when the sale starts
  split: 'JAPAN', // R (W + D / P): shaitan.hatenablog.com, wp-test.biz
  deadHeat: 'JAPAN',
  breakTo: '10', // ten yen in a hundred
  breakPer: '100',
  breakAt: 'PRICE',
  rounding: 'DOWN',
  digits: 2,
  minimum: '1.00', // at least the stake
  payment: 'DOWN', // own; with the ten-yen break every payment is whole yen
  noWinner: ['PAY_NET_RATE'], // every ticket is paid the net rate: keiba.morelents.com
  carry: 'NET', // not taxed again: chariloto.tayori.com
  coupling: 'NONE', // own
  scratch: 'REFUND',
  minStakeMinor: 100, // own: a hundred yen, and the yen has no minor unit
  unitMultipleMinor: 100,
  flexi: 'NONE', // own: every line is bet in hundreds of yen
} as const satisfies Partial<RuleSet>;

/** A price of the stake alone is ten yen more where the sales bear it, in pools of one race: regimag.net, fellkanpo.com. */
const plusTen = { topUp: { from: '1.00', to: '1.10' } } as const;

const pools: Pools<typeof common> = {
  WIN: { ...plusTen, takeout: '0.20', minInterests: 2 },
  PLACE: {
    ...plusTen,
    takeout: '0.20',
    places: [
      { from: 5, places: 2 },
      { from: 8, places: 3 },
    ], // own
    minInterests: 2, // own
  },
  QUINELLA: { ...plusTen, takeout: '0.225', minInterests: 3 },
  QUINELLA_PLACE: { ...plusTen, takeout: '0.225', minInterests: 4 },
  EXACTA: { ...plusTen, takeout: '0.25', minInterests: 3 },
  TRIO: { ...plusTen, takeout: '0.25', minInterests: 4 },
  TRIFECTA: { ...plusTen, takeout: '0.275', minInterests: 4 },
  WIN5: {
    takeout: '0.30',
    noWinner: ['CARRY'],
    minInterests: 0,
    legs: {
      right: 'WINNER',
      scratch: 'FAVOURITE', // own: the selection with most support stands in
      leastRun: 1, // own
      lower: 'EXACT',
      carryTo: 'FIRST',
    },
  },
};

export const japanRuleSets: readonly RuleSet[] = datedRuleSets('JP', '2014-06-07', common, pools);
