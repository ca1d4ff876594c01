/**
 * Australian rule sets (TAB). Data only. The win pool's rate and break are those of a published worked example; nearly all
 * the rest is `own`: each state's totalisator rules differ and want a human check.
 * A field without a note goes with the one above it, or says what the pool is: one price for its one winner, `own` as the rest.
 */
import type { RuleSet } from '../rule-set.js';
import { datedRuleSets, type Pools } from './dated.js';

const common = {
  jurisdiction: 'AU',
  placesBy: 'RUNNERS', // after scratchings: own
  breakTo: '0.10', // down to ten cents per dollar: ozmium forum, worked example
  breakPer: '1',
  breakAt: 'PRICE',
  rounding: 'DOWN',
  digits: 2,
  minimum: '1.00', // own: at least the stake
  payment: 'DOWN', // own
  deadHeat: 'GROSS_SPLIT', // own
  carry: 'NET', // own
  coupling: 'NONE', // own
  scratch: 'REFUND',
  minInterests: 2, // own
  minStakeMinor: 50, // own
  unitMultipleMinor: 50, // own
  flexi: { percentOf: 100, least: 1 }, // a whole per cent of a dollar unit, the rest of the stake is not taken: own
} as const satisfies Partial<RuleSet>;

const legs = {
  right: 'WINNER',
  scratch: 'FAVOURITE', // ties: first in the list: Queensland rule for totalisators
  leastRun: 1, // own
  lower: 'EXACT',
  carryTo: 'FIRST', // own
} as const;

const pools: Pools<typeof common> = {
  WIN: { takeout: '0.145', split: 'SINGLE_PRICE', noWinner: ['NEXT', 'REFUND'] }, // rate: worked example; ladder: own
  PLACE: {
    takeout: '0.1425', // own
    split: 'GROSS_SPLIT', // published coding brief of a totalisator: a third of the whole net pool each
    places: [
      { from: 5, places: 2 },
      { from: 8, places: 3 },
    ], // own
    noWinner: ['NEXT', 'REFUND'], // own
  },
  QUINELLA: { takeout: '0.175', split: 'SINGLE_PRICE', noWinner: ['REFUND'] }, // own
  QUINELLA_PLACE: { takeout: '0.175', split: 'GROSS_SPLIT', noWinner: ['REFUND'], minInterests: 4 }, // own: duet
  EXACTA: { takeout: '0.18', split: 'SINGLE_PRICE', noWinner: ['REFUND'] }, // rate: coding brief; ladder: own
  TRIFECTA: { takeout: '0.20', split: 'SINGLE_PRICE', noWinner: ['CARRY'], minInterests: 3 }, // own
  SUPERFECTA: { takeout: '0.225', split: 'SINGLE_PRICE', noWinner: ['CARRY'], minInterests: 4 }, // own: first four
  DAILY_DOUBLE: {
    takeout: '0.17', // own
    split: 'SINGLE_PRICE',
    deadHeat: 'SINGLE_PRICE', // own
    noWinner: ['CARRY'], // own
    minInterests: 0,
    legs,
  },
  PICK4: {
    takeout: '0.20', // own: quaddie
    split: 'SINGLE_PRICE',
    deadHeat: 'SINGLE_PRICE', // own
    noWinner: ['CARRY'], // own
    minInterests: 0,
    legs,
  },
};

export const australiaRuleSets: readonly RuleSet[] = datedRuleSets('AU', '2026-01-01', common, pools);
