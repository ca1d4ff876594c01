/**
 * Hong Kong rule sets (Jockey Club). Data only. Win and place pay back 82.5 %, read from 4,750 published results; what is
 * marked `own` is general knowledge of the trade and wants a human check against the club's rule 3.
 * A field without a note goes with the one above it, or says what the pool is: one price for its one winner, `own` as the rest.
 */
import type { RuleSet } from '../rule-set.js';
import { datedRuleSets, type Pools } from './dated.js';

const common = {
  jurisdiction: 'HK',
  placesBy: 'CARD', // declared starters when betting opens: HKJC, dividend calculation
  breakTo: '0.50', // dividends per ten dollars move by half a dollar: 4,750 published results
  breakPer: '10',
  breakAt: 'PRICE',
  rounding: 'DOWN', // own
  digits: 2,
  minimum: '1.01', // the least of 14,000 published place dividends is 10.1 for ten dollars, 140 times
  payment: 'DOWN', // own
  deadHeat: 'GROSS_SPLIT', // the net pool divided between the dead-heaters: HKJC, dividend calculation
  carry: 'NET', // own
  coupling: 'NONE', // own
  scratch: 'REFUND',
  minStakeMinor: 1_000, // own: ten dollars
  unitMultipleMinor: 1_000, // own
} as const satisfies Partial<RuleSet>;

/** Dividends of three and more horses, and of two in order, are whole dollars per ten: published results. */
const wholeDollars = { breakTo: '1', breakPer: '10' } as const;

const tierce = {
  ...wholeDollars,
  takeout: '0.25', // own
  split: 'SINGLE_PRICE',
  noWinner: ['FIRST_2', 'FIRST_1', 'REFUND'], // own
  minInterests: 4, // own
} as const;

const pools: Pools<typeof common> = {
  WIN: {
    takeout: '0.175', // published results
    split: 'SINGLE_PRICE',
    noWinner: ['NEXT', 'NEXT', 'REFUND'], // second, third, refund: HKJC, dividend calculation
    minInterests: 2, // own
  },
  PLACE: {
    takeout: '0.175', // published results
    split: 'GROSS_SPLIT',
    places: [
      { from: 4, places: 2 },
      { from: 7, places: 3 },
    ], // 4 to 6: 2; 7 and more: 3: HKJC, dividend calculation
    noWinner: ['REFUND'], // all unbacked: refund: HKJC, dividend calculation
    minInterests: 4,
  },
  QUINELLA: { takeout: '0.175', split: 'SINGLE_PRICE', noWinner: ['EITHER', 'REFUND'], minInterests: 3 }, // own
  QUINELLA_PLACE: { takeout: '0.175', split: 'GROSS_SPLIT', noWinner: ['REFUND'], minInterests: 4 }, // own: backed pairs share
  EXACTA: { ...wholeDollars, takeout: '0.195', split: 'SINGLE_PRICE', noWinner: ['EITHER', 'REFUND'], minInterests: 3 }, // own: forecast
  TRIO: { ...wholeDollars, takeout: '0.25', split: 'SINGLE_PRICE', noWinner: ['REFUND'], minInterests: 4 }, // own
  TIERCE: tierce, // the club's own name for the first three in order
  TRIFECTA: tierce,
  FIRST4: { ...wholeDollars, takeout: '0.25', split: 'SINGLE_PRICE', noWinner: ['REFUND'], minInterests: 4 }, // own
  QUARTET: {
    ...wholeDollars,
    takeout: '0.25', // own
    split: 'SINGLE_PRICE',
    tiers: [
      { name: 'QUARTET', share: '0.5', uncovered: 'MERGE' }, // two bets in one pool since 2015: HKJC; halves: own
      { name: 'FIRST4', share: '0.5', uncovered: 'MERGE' },
    ],
    jackpot: { share: '0.005', of: 'GROSS' }, // 0.5 % of the turnover to the jackpot: HKJC, 2015
    noWinner: ['REFUND'], // own
    minInterests: 4, // own
  },
  DAILY_DOUBLE: {
    takeout: '0.175', // own
    split: 'SINGLE_PRICE',
    noWinner: ['EITHER', 'REFUND'], // own
    minInterests: 0,
    legs: { right: 'WINNER', scratch: 'REFUND', leastRun: 2, lower: 'EXACT', carryTo: 'FIRST' }, // own
  },
};

export const hongKongRuleSets: readonly RuleSet[] = datedRuleSets('HK', '2026-01-01', common, pools);
