/**
 * French rule sets (PMU). Data only. Each figure names its source or says `own`: general knowledge of the trade that a
 * human should check against the regulation in force (arrete of 22 November 2017) before real money.
 * A field without a note goes with the one above it, or says what the pool is: one price for its one winner, `own` as the rest.
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
    report: { mostTimes: 1_000 }, // first and rolled stakes up to a thousand times the least: decree on the report; in which pools: own
  },
  PLACE: {
    split: 'PROFIT_SPLIT', // rules of the PMU, art. 25
    deadHeat: 'PROFIT_SPLIT',
    places: [
      { from: 4, places: 2 },
      { from: 8, places: 3 },
    ], // 4 to 7 on the card: 2; 8 and more: 3; fewer: not offered. Rules of the PMU, art. 23
    noWinner: ['NEXT', 'REFUND'], // own
    report: { mostTimes: 1_000 }, // first and rolled stakes up to a thousand times the least: decree on the report; in which pools: own
    minInterests: 2, // own
  },
  QUINELLA: {
    split: 'SINGLE_PRICE', // couple gagnant
    deadHeat: 'PROFIT_SPLIT', // PMU regulation, couple
    noWinner: ['EITHER', 'REFUND'], // own
    report: { mostTimes: 1_000 }, // first and rolled stakes up to a thousand times the least: decree on the report; in which pools: own
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

/** Two prices of the same horses never cross: an order pays at least what the disorder pays. `own`: the table is unread. */
const orderFirst = { ratio: '1' } as const;

/**
 * Pools of the first three, four and five, and of some of them. Their takeouts: 1turf.com, 30 % for the pick 5 and 26 %
 * for the others.
 */
const exotics: Readonly<Partial<Record<PoolType, Omit<Own, 'deadHeat'> & { readonly validFrom: string }>>> = {
  QUINELLA_PLACE: {
    validFrom: '2011-01-01',
    takeout: '0.26',
    split: 'PROFIT_SPLIT', // a third of the profit to each pair: rules of the couple place, art. 40.5
    noWinner: ['REFUND'], // own
    report: { mostTimes: 1_000 }, // first and rolled stakes up to a thousand times the least: decree on the report; in which pools: own
    minInterests: 4, // own
  },
  TRIO: {
    validFrom: '2011-01-01',
    takeout: '0.26',
    split: 'SINGLE_PRICE',
    tiers: [
      { name: 'TRIO', share: '0.70' }, // parts: own
      { name: '1NP', share: '0.20' }, // ranks with one and two non-runners, never above the one before: PMU regulation
      { name: '2NP', share: '0.10' },
    ],
    tierProfit: 'INCREMENTS',
    noWinner: ['REFUND'], // own
    minInterests: 4, // own
  },
  TIERCE: {
    validFrom: '2011-01-01',
    takeout: '0.26',
    split: 'SINGLE_PRICE',
    tiers: [
      { name: 'ORDER', share: '0.5', ratio: '5' }, // at least five times the disorder: own, after the press; shares: own
      { name: 'DISORDER', share: '0.5' },
    ],
    breakAt: 'UNIT',
    complements: 1, // one horse named by the bettor, free, appended at the end of the order: order of 16 June 2005
    noWinner: ['SET_124', 'SET_134', 'SET_234', 'REFUND'], // decree of 11 December 2001, a sister text
    minInterests: 3, // own
  },
  QUARTE: {
    validFrom: '2011-01-01',
    takeout: '0.26',
    split: 'SINGLE_PRICE',
    tiers: [
      { name: 'ORDER', share: '0.25', ...orderFirst }, // shares: own
      { name: 'DISORDER', share: '0.35', ratio: '4' }, // the bonus at most a quarter of the disorder: PMU, art. 86.7
      { name: 'BONUS3', share: '0.40' },
    ],
    breakAt: 'UNIT',
    complements: 1, // one horse named by the bettor, free, appended at the end of the order: order of 16 June 2005
    noWinner: ['REFUND'], // own
    minInterests: 4, // own
    minStakeMinor: 150, // base stakes on the French cards of 2020-12-31
  },
  PICK5_FR: {
    validFrom: '2011-01-01',
    takeout: '0.30',
    split: 'SINGLE_PRICE',
    tiers: [
      { name: 'PICK5_FR', share: '0.75' }, // three quarters to the full rank: PMU, "calcul des rapports"; for the pick 5: own
      { name: '1NP', share: '0.25' },
    ],
    tierProfit: 'INCREMENTS', // PMU, pick 5: the lower rank's part over the stakes of both
    noWinner: ['REFUND'], // own
    minInterests: 5, // own
  },
  DEUX_SUR_QUATRE: {
    validFrom: '2011-01-01',
    takeout: '0.26',
    split: 'SINGLE_PRICE', // six pairs at one common price: own
    noWinner: ['REFUND'], // own
    minInterests: 5, // refunded when fewer than five horses take part: rules of the 2 sur 4
    minStakeMinor: 300, // base stakes on the French cards of 2020-12-31
  },
  MULTI: {
    validFrom: '2011-01-01',
    takeout: '0.26',
    split: 'SINGLE_PRICE',
    weights: { M4: '105', M5: '21', M6: '7', M7: '3' }, // own: 35, 7, 7/3 and 1
    breakAt: 'UNIT', // published dividends keep the exact ratios
    minimum: '0', // own: it has a minimum of its own, the law's is not for it
    noWinner: ['REFUND'], // own
    minInterests: 4, // own
    minStakeMinor: 300, // zone-turf.fr, "multi, les raisons du succes"
  },
};

const quinte = {
  takeout: '0.26',
  split: 'SINGLE_PRICE',
  breakAt: 'UNIT',
  noWinner: ['REFUND'], // own
  complements: 1, // one horse named by the bettor, free, appended at the end of the order: order of 16 June 2005
  minInterests: 5, // own
  minStakeMinor: 200, // base stakes on the French cards of 2020-12-31
} as const;

const quintes: readonly (Omit<Own, 'deadHeat'> & { readonly validFrom: string })[] = [
  {
    ...quinte,
    validFrom: '2002-01-01', // the day is own, the text is of 2002
    weights: { ORDER: '50', DISORDER: '1', BONUS4: '3', BONUS3: '1' }, // bonus 4 below bonus 3: merged with weight 3; 50: own
    jackpot: { share: '0.015', of: 'NET' }, // 1.5 % to the reserve, then 45, 20 and 35: decree of 2002, art. 95-5
    tiers: [
      { name: 'ORDER', share: '0.45', group: 'QUINTE' },
      { name: 'DISORDER', share: '0', group: 'QUINTE' },
      { name: 'BONUS4', share: '0.20', ratio: '1' },
      { name: 'BONUS3', share: '0.35' },
    ],
  },
  {
    ...quinte,
    validFrom: '2019-01-10', // 28, 29, 17 and 26, the reserve on announced days only: turfomania.fr, eurosport.fr
    weights: { BONUS4: '3', BONUS3: '1' },
    tiers: [
      { name: 'ORDER', share: '0.28', ...orderFirst }, // below the disorder: one price for both
      { name: 'DISORDER', share: '0.29' },
      { name: 'BONUS4', share: '0.17', ratio: '1' }, // below bonus 3: merged with weight 3: PMU, art. 95-5
      { name: 'BONUS3', share: '0.26' },
    ],
  },
];

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

const simpleRuleSets: readonly RuleSet[] = versions.flatMap(({ validFrom, takeout }) =>
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

function exotic(poolType: PoolType, own: Omit<Own, 'deadHeat'> & { readonly validFrom: string }): RuleSet {
  const deadHeat = own.split === 'PROFIT_SPLIT' || poolType === 'TIERCE' ? 'PROFIT_SPLIT' : 'SINGLE_PRICE';
  return { ...common, deadHeat, ...own, id: `FR-${poolType}@${own.validFrom}`, poolType } as RuleSet;
}

/** The quinella of the online text: a rank for those who named the winner beside a non-runner. */
const onlineQuinella: RuleSet = {
  ...common,
  id: 'FR-ONLINE-QUINELLA@2021-01-01',
  name: 'FR-ONLINE',
  poolType: 'QUINELLA',
  validFrom: '2021-01-01', // the day is own, the text ("calcul des rapports", rules of online betting) is of 2021
  takeout: '0.26', // 1turf.com
  split: 'SINGLE_PRICE',
  deadHeat: 'SINGLE_PRICE', // own
  tiers: [
    { name: 'QUINELLA', share: '0.75' }, // of what is over the stakes: the same text
    { name: '1NP', share: '0.25' },
  ],
  tierProfit: 'OWN', // no rank is paid more than the one above it: the same text, "proportions maxima"
  noWinner: ['REFUND'], // own
  minInterests: 2, // own
  display,
};

export const franceRuleSets: readonly RuleSet[] = [
  onlineQuinella,
  ...simpleRuleSets,
  ...Object.entries(exotics).map(([type, own]) => exotic(type as PoolType, own)),
  ...quintes.map((own) => exotic('QUINTE', own)),
];
