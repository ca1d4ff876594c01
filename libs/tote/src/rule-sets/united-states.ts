/**
 * American rule sets after the model rules (ARCI) and the state rules that copy them. Data only. US breaks to the dime,
 * US-NICKEL to five cents, US-PENNY to the cent; US-CA is California, US-KY Kentucky, US-OH Ohio, US-TX Texas. Takeouts are `own`, typical of 16 to 25 %: each
 * state and track differs.
 * A field without a note goes with the one above it, or says what the pool is: one price for its one winner, `own` as the rest.
 */
import type { LegRules } from '../leg-rules.js';
import type { RuleSet } from '../rule-set.js';
import { datedRuleSets, type Pools } from './dated.js';

const common = {
  jurisdiction: 'US',
  placesBy: 'RUNNERS',
  breakTo: '0.10', // the dime; the other names have their own
  breakPer: '1', // the one-dollar price is broken, then multiplied: Oklahoma 325:65-9-1
  breakAt: 'PRICE',
  rounding: 'DOWN',
  digits: 2,
  minimum: '1.10', // Ohio 3769-13-09, Oregon 462-200-0020, Montana
  minimumInMinusPool: '1.05', // five per cent in a minus pool: the same
  payment: 'DOWN', // own
  carry: 'NET', // own: a carry-over was taxed when it was staked
  deadHeat: 'PROFIT_SPLIT', // Ohio 3769-13-16 (win), 3769-13-20 (quinella), South Dakota 20:04 (exacta), Ohio 3769-13-23
  coupling: 'ENTRY',
  scratch: 'REFUND',
  unitMultipleMinor: 10, // own; with the dime every payment is whole cents
  cancelWindowMs: 900_000, // own: house policy, always before the stop
} as const satisfies Partial<RuleSet>;

/** Pools over several races: the favourite stands in, a leg that is not run is won by every selection. */
const legs = {
  right: 'WINNER',
  scratch: 'FAVOURITE', // by win pool money, ties to the lowest number: ARCI as applied to a pick four
  leastRun: 1, // a last day pays if one leg is official: thehorses.com, ARCI pick-n changes
  lower: 'MOST', // second greatest number of winners: Oklahoma 325:65-9-7, method 2
  carryTo: 'FIRST',
} as const satisfies LegRules;

const pick = {
  takeout: '0.25', // own
  split: 'SINGLE_PRICE', // Oklahoma 325:65-9-7
  deadHeat: 'SINGLE_PRICE', // each winning unit alike, no profit split: Illinois 323
  minInterests: 0, // own
  minStakeMinor: 50, // own
  legs: {
    ...legs,
    refundNone: true, // no ticket with a single winner: thehorses.com, ARCI pick-n changes
  },
} as const;

const pools: Pools<typeof common> = {
  WIN: {
    takeout: '0.17', // own
    split: 'SINGLE_PRICE',
    noWinner: ['NEXT', 'REFUND'], // Virginia 11VAC10-20-320
    minInterests: 2, // Oklahoma 325:65-1-42
    minStakeMinor: 200, // own
  },
  PLACE: {
    takeout: '0.17', // own
    split: 'PROFIT_SPLIT', // Illinois 301.30
    places: 2,
    noWinner: ['NEXT', 'REFUND'], // third, then refund: Illinois 301.30
    minInterests: 3, // Oklahoma 325:65-1-42
    minStakeMinor: 200, // own
  },
  SHOW: {
    takeout: '0.17', // own
    split: 'PROFIT_SPLIT', // Oklahoma 325:65-9-4
    places: 3,
    noWinner: ['NEXT', 'REFUND'], // fourth, then refund: Oklahoma 325:65-9-4
    minInterests: 4, // Oklahoma 325:65-1-42
    minStakeMinor: 200, // own
  },
  QUINELLA: {
    takeout: '0.20', // own
    split: 'SINGLE_PRICE',
    noWinner: ['EITHER', 'REFUND'], // Ohio 3769-13-20, Montana
    minInterests: 3, // Oklahoma 325:65-1-42
    minStakeMinor: 200, // own
  },
  EXACTA: {
    takeout: '0.20', // own
    split: 'SINGLE_PRICE',
    noWinner: ['EITHER', 'REFUND'], // Connecticut 12-574-A18
    minInterests: 2, // Oklahoma 325:65-1-42
    minStakeMinor: 100, // own
  },
  TRIFECTA: {
    takeout: '0.25', // own
    split: 'SINGLE_PRICE',
    noWinner: ['FIRST_2', 'FIRST_1', 'REFUND'], // own, after the ARCI model rules
    minInterests: 3, // Oklahoma 325:65-1-42
    minStakeMinor: 50, // own
  },
  SUPERFECTA: {
    takeout: '0.25', // own
    split: 'SINGLE_PRICE',
    noWinner: ['FIRST_3', 'FIRST_2', 'FIRST_1', 'REFUND'], // Ohio 3769-13-23
    minInterests: 4, // Oklahoma 325:65-1-42
    minStakeMinor: 10, // own
  },
  SUPER_HIGH_5: {
    takeout: '0.25', // own
    split: 'SINGLE_PRICE',
    noWinner: ['CARRY'], // the whole net pool to the next one: Texas 16 TAC 321.320, first variant
    minInterests: 5, // own
    minStakeMinor: 20, // own
  },
  DAILY_DOUBLE: {
    takeout: '0.20', // own
    split: 'SINGLE_PRICE', // Illinois 303.20
    noWinner: ['EITHER', 'SECONDS', 'REFUND'], // winner of either, both seconds, refund: Illinois 303.20
    minInterests: 2, // in the first half: Oklahoma 325:65-1-42
    minStakeMinor: 100, // own
    legs: {
      ...legs,
      scratch: 'CONSOLATION', // Illinois 303.40; its formula own, after the ARCI model rules
      firstMustRun: true, // own, after the ARCI model rules; the second leg not run: Illinois 303.50
    },
  },
  PICK3: { ...pick, noWinner: ['MOST_RIGHT', 'REFUND'] }, // method 3: Oklahoma 325:65-9-7
  PICK4: { ...pick, noWinner: ['MOST_RIGHT', 'REFUND'] }, // method 3
  PICK5: { ...pick, noWinner: ['MOST_RIGHT', 'CARRY'], ladderShare: '0.25' }, // method 1; its share: own
  PICK6: {
    ...pick,
    tiers: [
      { name: '6/6', share: '0.75', uncovered: 'CARRY' }, // method 2; its shares: own
      { name: '5/6', share: '0.25', uncovered: 'CARRY' },
    ],
    noWinner: ['CARRY'],
  },
};

/** California: five per cent is the minimum always (rule 1960), no superfecta of fewer than six (rule 1979.1). */
const california: Pools<typeof common> = Object.fromEntries(
  Object.entries(pools).map(([type, own]) => [
    type,
    {
      ...own,
      ...{ minimum: '1.05', minimumInMinusPool: '1.05' },
      ...(type === 'SUPERFECTA' && { minInterests: 6 }),
    },
  ]),
);

const santaAnitaPick6 = {
  ...pick,
  minimum: '1.05',
  tiers: [
    { name: '6/6', share: '0.70', uncovered: 'CARRY' }, // 70, 15 and 15 for a single winner: drf.com, Santa Anita
    { name: '5/6', share: '0.15', uncovered: 'CARRY' },
  ],
  unique: { tier: '6/6', unit: 200 }, // all winning stake together is one ticket of two dollars
  noWinner: ['CARRY'],
} as const;

/** What else a super high five without a winner becomes: Ohio goes down the ladder, Texas also gives 25 % of it. */
const downTheLadder = ['FIRST_4', 'FIRST_3', 'FIRST_2', 'FIRST_1'] as const;
const ohio: Pools<typeof common> = {
  SUPER_HIGH_5: {
    takeout: '0.25', // own
    split: 'SINGLE_PRICE',
    noWinner: [...downTheLadder, 'REFUND'], // Ohio 3769-13-35
    minInterests: 5, // own
  },
};
const texas: Pools<typeof common> = {
  SUPER_HIGH_5: {
    takeout: '0.25', // own
    split: 'SINGLE_PRICE',
    ladderShare: '0.25', // Texas 16 TAC 321.320, second variant: a consolation, the rest is carried
    noWinner: [...downTheLadder, 'CARRY'],
    minInterests: 5, // own
  },
};

const validFrom = '2026-01-01';

/** The break point is all that differs between the American names. */
const broken = (
  name: string,
  breakTo: string,
  own: Pools<typeof common> = pools,
  from = validFrom,
): readonly RuleSet[] => datedRuleSets(name, from, { ...common, breakTo }, own);

export const unitedStatesRuleSets: readonly RuleSet[] = [
  ...broken('US', '0.10'),
  ...broken('US-NICKEL', '0.05'),
  ...broken('US-PENNY', '0.01'),
  ...broken('US-OH', '0.10', ohio),
  ...broken('US-TX', '0.10', texas),
  ...broken('US-CA', '0.10', { ...california, PICK6: santaAnitaPick6 }),
  // Kentucky: the dime until the law of 2022, House Bill 607, then the penny; in force from the middle of July, the days are own.
  ...broken('US-KY', '0.10', pools, '2000-01-01'),
  ...broken('US-KY', '0.01', pools, '2022-07-14'),
];
