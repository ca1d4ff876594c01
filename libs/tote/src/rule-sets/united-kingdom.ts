/**
 * British rule sets (Tote). Data only. Most figures are those of the Tote's published betting shop rules, one page a pool
 * (chisholm.uk.com, "kiosk rules"); what is marked `own` is general knowledge of the trade and wants a human check.
 * A field without a note goes with the one above it, or says what the pool is: one price for its one winner, `own` as the rest.
 */
import type { RuleSet } from '../rule-set.js';
import { datedRuleSets, type Pools } from './dated.js';

const common = {
  jurisdiction: 'GB',
  placesBy: 'RUNNERS', // the horses that actually run: rules of the quadpot
  breakTo: '0.10', // down to the next ten pence per pound: rules of every pool
  breakPer: '1',
  breakAt: 'PRICE',
  rounding: 'DOWN',
  digits: 2,
  payment: 'DOWN', // own
  deadHeat: 'GROSS_SPLIT', // own: the net pool in equal parts, each divided by its own stakes
  noWinner: ['CARRY'], // the whole gross pool goes to another race: rules of every pool
  carry: 'GROSS', // the deduction is taken only when the money is won: rules of every pool
  partUnitMinor: 100, // less than a pound of winning stakes is part of a dividend: rules of every pool
  coupling: 'NONE', // own
  scratch: 'REFUND',
  minStakeMinor: 100, // own
  unitMultipleMinor: 10, // own
} as const satisfies Partial<RuleSet>;

/** A calculated dividend of 0.90 and less pays 1.02, one between it and 1.10 pays 1.10: rules of the win pool. */
const twoSteps = [
  { atMost: '0.90', pay: '1.02' },
  { below: '1.10', pay: '1.10' },
] as const;

/** 5 to 7 runners: 2; 8 and more: 3; handicaps of 16 and more: 4. Rules of the place pool. */
const places = [
  { from: 5, places: 2 },
  { from: 8, places: 3 },
  { from: 16, places: 4, handicap: true },
] as const;

/** In pools over several races a leg of 2 to 4 runners has its winner placed: rules of the quadpot. */
const legPlaces = [{ from: 1, places: 1 }, ...places] as const;

const legs = {
  right: 'WINNER',
  scratch: 'FAVOURITE', // the starting price favourite; joint ones: lowest card number (Paddy Power, tote rules)
  leastRun: 1, // own
  lower: 'EXACT',
  carryTo: 'FIRST', // own
} as const;

const overLegs = {
  split: 'SINGLE_PRICE', // net pool by total winning stakes: rules of the quadpot
  deadHeat: 'SINGLE_PRICE', // every qualifier is right, without reduction: rules of the quadpot
  minimum: '1.10', // rules of the quadpot
  minInterests: 0, // own
} as const;

const pools: Pools<typeof common> = {
  WIN: {
    takeout: '0.1925', // rules of the win pool
    split: 'SINGLE_PRICE',
    minimum: twoSteps,
    minimumInDeadHeat: '0.60', // rules of the win pool
    minInterests: 2,
  },
  PLACE: {
    takeout: '0.20', // rules of the place pool
    split: 'GROSS_SPLIT', // own: an equal part of the net pool to each place
    places,
    minimum: twoSteps, // own, as in the win pool
    minimumInDeadHeat: '0.60', // own, as in the win pool
    minInterests: 5, // five runners or more: rules of the place pool
  },
  QUINELLA_PLACE: {
    takeout: '0.30', // swinger: rules of the swinger
    split: 'GROSS_SPLIT', // a third of the net pool to each pair: rules of the swinger
    minimum: [
      { atMost: '0.70', pay: '1.02' },
      { below: '1.10', pay: '1.10' },
    ], // rules of the swinger
    minimumInDeadHeat: '0.50', // rules of the swinger, cut in the excerpt
    places: [
      { from: 4, places: 2 },
      { from: 6, places: 3 },
    ], // with 4 or 5 runners one pair wins, the first two: rules of the swinger
    minDeclared: 6, // the same
    minInterests: 4, // own
  },
  EXACTA: { takeout: '0.25', split: 'SINGLE_PRICE', minimum: '1.10', minInterests: 2 }, // own, by analogy with the trifecta
  TRIFECTA: {
    takeout: '0.25', // rules of the trifecta
    split: 'SINGLE_PRICE',
    minimum: '1.10', // rules of the trifecta
    minimumInDeadHeat: '0.60', // the same
    minInterests: 3, // three declared runners or more: rules of the trifecta
  },
  PLACEPOT: {
    ...overLegs,
    takeout: '0.27', // published deduction of the placepot
    places: legPlaces,
    legs: { ...legs, right: 'PLACED' },
  },
  QUADPOT: {
    ...overLegs,
    takeout: '0.26', // rules of the quadpot
    places: legPlaces,
    legs: { ...legs, right: 'PLACED' },
  },
  JACKPOT: { ...overLegs, takeout: '0.29', legs }, // own
  SCOOP6: {
    ...overLegs,
    takeout: '0.30', // own
    places: legPlaces,
    tiers: [
      { name: 'WIN_FUND', share: '1/3', uncovered: 'CARRY' }, // own: equal thirds
      { name: 'PLACE_FUND', share: '1/3', uncovered: 'CARRY' },
      { name: 'BONUS_FUND', share: '1/3', uncovered: 'CARRY' },
    ],
    legs,
  },
};

export const unitedKingdomRuleSets: readonly RuleSet[] = datedRuleSets('UK', '2026-01-01', common, pools);
