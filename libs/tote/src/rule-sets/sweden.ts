/**
 * Swedish rule sets (AB Trav och Galopp). Data only. The pools over several races follow published turnovers, tiers and
 * payments (V4 of 2019-04-04, V75 of 2023-05-27, GS75 of 2024-09-22); what is marked `own` wants a human check.
 * A field without a note goes with the one above it, or says what the pool is: one price for its one winner, `own` as the rest.
 */
import type { PoolType } from '../pool-type.js';
import type { RuleSet } from '../rule-set.js';
import { datedRuleSets, type Own, type Pools } from './dated.js';

const common = {
  jurisdiction: 'SE',
  placesBy: 'RUNNERS', // own
  breakAt: 'PRICE',
  rounding: 'DOWN',
  digits: 2,
  payment: 'DOWN', // own
  carry: 'NET', // a jackpot was taxed when it was staked: own
  coupling: 'NONE', // own
  scratch: 'REFUND',
  minInterests: 0, // own
} as const satisfies Partial<RuleSet>;

const oneRace = {
  breakTo: '0.01', // odds are published with two digits
  breakPer: '1',
  minimum: '1.00', // own
  minStakeMinor: 500, // own
  unitMultipleMinor: 100, // own
} as const;

/**
 * A pool of `legs` races with one row at `row` kronor: the payment of a row is cut to a whole krona, the net pool to a
 * whole krona, tiers are rounded to one (published games). A tier that would pay less than 15 kronor a row is carried.
 */
const rows = (row: string, takeout: string, tiers?: readonly [string, string, string]): Own<typeof common> => ({
  takeout,
  split: 'SINGLE_PRICE',
  deadHeat: 'SINGLE_PRICE',
  breakTo: '1',
  breakPer: row,
  minimum: '0', // own: a tier below its least payment is not paid at all
  ...(tiers && {
    tiers: [
      { name: tiers[0], share: '0.4', uncovered: 'CARRY' }, // 40, 20, 40: published tier pools of 2023
      { name: tiers[1], share: '0.2', uncovered: 'CARRY' },
      { name: tiers[2], share: '0.4', uncovered: 'CARRY' },
    ],
  }),
  noWinner: ['CARRY'],
  minStakeMinor: Number(row.replace('.', '')) * (row.includes('.') ? 1 : 100),
  legs: {
    right: 'WINNER',
    scratch: 'FAVOURITE', // own: the reserve, else the favourite
    leastRun: 1, // own
    lower: 'EXACT',
    carryTo: 'FIRST', // own: into the tier of all right
    leastPaid: '15', // own: the V75 of 2023-05-27 did not pay its third tier at 11 kronor and paid its second at 76
    wholeMinor: 100, // published games
  },
});

const pools: Pools<typeof common> = {
  WIN: { ...oneRace, takeout: '0.20', split: 'SINGLE_PRICE', deadHeat: 'PROFIT_SPLIT', noWinner: ['REFUND'] }, // own
  PLACE: {
    ...oneRace,
    takeout: '0.20', // own
    split: 'PROFIT_SPLIT', // own
    deadHeat: 'PROFIT_SPLIT',
    places: [
      { from: 3, places: 2 },
      { from: 6, places: 3 },
    ], // own
    noWinner: ['REFUND'],
  },
  QUINELLA: { ...oneRace, takeout: '0.20', split: 'SINGLE_PRICE', deadHeat: 'PROFIT_SPLIT', noWinner: ['REFUND'] }, // own: tvilling
  EXACTA: { ...oneRace, takeout: '0.20', split: 'SINGLE_PRICE', deadHeat: 'PROFIT_SPLIT', noWinner: ['REFUND'] }, // own: komb
  TRIFECTA: { ...oneRace, takeout: '0.30', split: 'SINGLE_PRICE', deadHeat: 'PROFIT_SPLIT', noWinner: ['REFUND'] }, // own: trio
  DAILY_DOUBLE: {
    ...oneRace,
    takeout: '0.25', // own
    split: 'SINGLE_PRICE',
    deadHeat: 'SINGLE_PRICE', // own
    noWinner: ['CARRY'], // own
    legs: { right: 'WINNER', scratch: 'FAVOURITE', leastRun: 1, lower: 'EXACT', carryTo: 'FIRST' }, // own
  },
  V4: rows('2', '0.25'), // 75 % back: V4 of 2019-04-04
  V5: rows('1', '0.35'), // own
  V64: rows('1', '0.35', ['6/6', '5/6', '4/6']),
  V65: rows('1', '0.35', ['6/6', '5/6', '4/6']), // own: its tiers
  V75: rows('0.50', '0.35', ['7/7', '6/7', '5/7']), // 65 % back in 40, 20, 40: V75 of 2023-05-27
  V86: rows('0.25', '0.35', ['8/8', '7/8', '6/8']), // 65 % in 40, 20, 40 at 25 ore a row: nettavisen.no, 2020-08
} satisfies Partial<Record<PoolType, Own<typeof common>>>;

export const swedenRuleSets: readonly RuleSet[] = datedRuleSets('SE', '2019-01-01', common, pools);
