/**
 * American rule sets after the model rules (ARCI) and the state rules that copy them. Data only. US breaks to the dime,
 * US-NICKEL to five cents, US-PENNY to the cent. Takeouts are `own`, typical of 16 to 25 %: each state and track differs.
 */
import type { PoolType } from '../pool-type.js';
import type { RuleSet } from '../rule-set.js';

const common = {
  jurisdiction: 'US',
  placesBy: 'RUNNERS',
  breakPer: '1', // the one-dollar price is broken, then multiplied: Oklahoma 325:65-9-1
  breakAt: 'PRICE',
  rounding: 'DOWN',
  digits: 2,
  minimum: '1.10', // Ohio 3769-13-09, Oregon 462-200-0020, Montana
  minimumInMinusPool: '1.05', // five per cent in a minus pool: the same
  payment: 'DOWN', // own
  carry: 'NET', // own: a carry-over was taxed when it was staked
  coupling: 'ENTRY',
  scratch: 'REFUND',
  unitMultipleMinor: 10, // own; with the dime every payment is whole cents
  cancelWindowMs: 900_000, // own: house policy, always before the stop
} as const satisfies Partial<RuleSet>;

type Own = Omit<RuleSet, keyof typeof common | 'id' | 'name' | 'poolType' | 'validFrom' | 'breakTo'>;

const pools: Readonly<Partial<Record<PoolType, Own>>> = {
  WIN: {
    takeout: '0.17', // own
    split: 'SINGLE_PRICE',
    deadHeat: 'PROFIT_SPLIT', // Ohio 3769-13-16
    noWinner: ['NEXT', 'REFUND'], // Virginia 11VAC10-20-320
    minInterests: 2, // Oklahoma 325:65-1-42
    minStakeMinor: 200, // own
  },
  PLACE: {
    takeout: '0.17', // own
    split: 'PROFIT_SPLIT', // Illinois 301.30
    deadHeat: 'PROFIT_SPLIT',
    places: 2,
    noWinner: ['NEXT', 'REFUND'], // third, then refund: Illinois 301.30
    minInterests: 3, // Oklahoma 325:65-1-42
    minStakeMinor: 200, // own
  },
  SHOW: {
    takeout: '0.17', // own
    split: 'PROFIT_SPLIT', // Oklahoma 325:65-9-4
    deadHeat: 'PROFIT_SPLIT',
    places: 3,
    noWinner: ['NEXT', 'REFUND'], // fourth, then refund: Oklahoma 325:65-9-4
    minInterests: 4, // Oklahoma 325:65-1-42
    minStakeMinor: 200, // own
  },
  QUINELLA: {
    takeout: '0.20', // own
    split: 'SINGLE_PRICE',
    deadHeat: 'PROFIT_SPLIT', // Ohio 3769-13-20
    noWinner: ['EITHER', 'REFUND'], // Ohio 3769-13-20, Montana
    minInterests: 3, // Oklahoma 325:65-1-42
    minStakeMinor: 200, // own
  },
  EXACTA: {
    takeout: '0.20', // own
    split: 'SINGLE_PRICE',
    deadHeat: 'PROFIT_SPLIT', // South Dakota 20:04
    noWinner: ['EITHER', 'REFUND'], // Connecticut 12-574-A18
    minInterests: 2, // Oklahoma 325:65-1-42
    minStakeMinor: 100, // own
  },
  TRIFECTA: {
    takeout: '0.25', // own
    split: 'SINGLE_PRICE',
    deadHeat: 'PROFIT_SPLIT', // Ohio 3769-13-23, by analogy with the superfecta
    noWinner: ['FIRST_2', 'FIRST_1', 'REFUND'], // own, after the ARCI model rules
    minInterests: 3, // Oklahoma 325:65-1-42
    minStakeMinor: 50, // own
  },
};

/** The break point is all that differs between the American names. */
const breaks: readonly (readonly [name: string, breakTo: string])[] = [
  ['US', '0.10'],
  ['US-NICKEL', '0.05'],
  ['US-PENNY', '0.01'],
];

const validFrom = '2026-01-01';

export const unitedStatesRuleSets: readonly RuleSet[] = breaks.flatMap(([name, breakTo]) =>
  Object.entries(pools).map(([type, own]) => {
    const poolType = type as PoolType;
    return { ...common, ...own, id: `${name}-${poolType}@${validFrom}`, name, poolType, validFrom, breakTo };
  }),
);
