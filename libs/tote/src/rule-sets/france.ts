/**
 * French rule sets (PMU). Data only. Each figure names its source or says `own`: general knowledge of the trade that a
 * human should check against the regulation in force (arrete of 22 November 2017) before real money.
 */
import type { PoolType } from '../pool-type.js';
import type { RuleSet } from '../rule-set.js';

const common = {
  name: 'FR',
  jurisdiction: 'FR',
  placesBy: 'CARD', // places by the official card, not by starters: rules of the PMU in English, art. 23
  breakTo: '0.10', // the rapport is cut to ten centimes per euro: 1turf.com, "calcul du rapport au PMU"
  breakPer: '1',
  breakAt: 'PRICE',
  rounding: 'DOWN',
  digits: 2,
  minimum: '1.10', // 1turf.com, as above; the missing money comes from rounding remainders and the operator
  payment: 'NEAREST', // payment to the nearest cent: 1turf.com and the decree of 30 November 2010
  carry: 'NET', // own: no pool here carries over
  coupling: 'NONE', // every horse by itself except in the simple gagnant: rules of the PMU, art. 22 to 26
  scratch: 'REFUND',
  minStakeMinor: 100, // base stakes on the French cards of 2020-12-31: 1.00 euro
  unitMultipleMinor: 50, // own
  cancelWindowMs: 900_000, // 15 minutes after the sale: turfoo.fr, "annulation paris PMU"
} as const satisfies Partial<RuleSet>;

/** Odds as the French operator shows them: 0.1 below 10, whole numbers from 10 (observed on 663 published odds of 2021). */
const display = [{ below: '10', step: '0.1' }, { step: '1' }] as const;

type Own = Omit<RuleSet, keyof typeof common | 'id' | 'poolType' | 'validFrom' | 'takeout' | 'display'> &
  Partial<RuleSet>;

const pools: Readonly<Partial<Record<PoolType, Own>>> = {
  WIN: {
    split: 'SINGLE_PRICE', // rules of the PMU, art. 25
    deadHeat: 'PROFIT_SPLIT', // "benefice a repartir": rules of the PMU, art. 25
    noWinner: ['NEXT', 'REFUND'], // own
    coupling: 'STABLE', // a stable's horses share the win dividend: rules of the PMU, art. 22 to 26
    minInterests: 2, // offered from two runners: rules of the PMU
  },
  PLACE: {
    split: 'PROFIT_SPLIT', // rules of the PMU, art. 25
    deadHeat: 'PROFIT_SPLIT',
    places: [
      { from: 4, places: 2 },
      { from: 8, places: 3 },
    ], // 4 to 7 on the card: 2; 8 and more: 3; fewer: not offered. Rules of the PMU, art. 23
    noWinner: ['NEXT', 'REFUND'], // own
    minInterests: 2, // own
  },
  QUINELLA: {
    split: 'SINGLE_PRICE', // couple gagnant
    deadHeat: 'PROFIT_SPLIT', // PMU regulation, couple
    noWinner: ['EITHER', 'REFUND'], // own
    minInterests: 2, // own
  },
  EXACTA: {
    split: 'SINGLE_PRICE', // couple ordre
    deadHeat: 'PROFIT_SPLIT',
    noWinner: ['EITHER', 'REFUND'], // own
    minInterests: 2, // own
  },
  TRIFECTA: {
    split: 'SINGLE_PRICE', // trio ordre
    deadHeat: 'PROFIT_SPLIT',
    noWinner: ['FIRST_2', 'FIRST_1', 'REFUND'], // own
    minInterests: 3, // own
  },
};

/** Takeouts by day. 2011: 1turf.com (13.70 % simple, 26 % others). 2021: see WIN below. */
const versions: readonly {
  readonly validFrom: string;
  readonly takeout: Readonly<Partial<Record<PoolType, string>>>;
}[] = [
  {
    validFrom: '2011-01-01',
    takeout: { WIN: '0.137', PLACE: '0.137', QUINELLA: '0.26', EXACTA: '0.26', TRIFECTA: '0.26' },
  },
  {
    validFrom: '2021-01-01',
    // WIN: what the published odds of a race of 2021-05-29 imply, to the digit; the others as before.
    takeout: { WIN: '0.139', PLACE: '0.137', QUINELLA: '0.26', EXACTA: '0.26', TRIFECTA: '0.26' },
  },
  {
    validFrom: '2026-01-01',
    takeout: { WIN: '0.139', PLACE: '0.139', QUINELLA: '0.26', EXACTA: '0.26', TRIFECTA: '0.26' }, // PLACE: own
  },
];

export const franceRuleSets: readonly RuleSet[] = versions.flatMap(({ validFrom, takeout }) =>
  Object.entries(pools).map(([type, own]) => {
    const poolType = type as PoolType;
    return {
      ...common,
      ...own,
      id: `FR-${poolType}@${validFrom}`,
      poolType,
      validFrom,
      takeout: takeout[poolType] ?? '0.26',
      display,
    };
  }),
);
