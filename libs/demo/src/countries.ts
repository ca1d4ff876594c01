/**
 * The six racing days of the demo: each country with courses and race titles that exist nowhere, the size of its fields and the pools
 * that its totes sell. One operator sells them all, so every stake is in its own currency; the rules are those of the host country.
 */

/** What a pool is played for beside its bets, as a card says it: minor units. */
export interface PoolTerms {
  readonly guarantee?: number;
  readonly carryIn?: number;
  readonly jackpotIn?: number;
  readonly mandatory?: boolean;
}

export interface Country {
  /** ISO 3166 code of the meeting. */
  readonly code: string;
  /** The rule sets that price it, as the card names them. */
  readonly ruleSet: string;
  readonly courses: readonly string[];
  /** A race's title: before and after one of `honours`. */
  readonly title: (honour: string) => string;
  readonly honours: readonly string[];
  /** Smallest and largest field. */
  readonly field: readonly [least: number, most: number];
  readonly pools: readonly string[];
  /** Pools over several races, by their numbers. */
  readonly legPools?: readonly {
    readonly type: string;
    readonly races: readonly number[];
    readonly terms?: PoolTerms;
  }[];
  /** The day's great race has a large field and these pools besides. */
  readonly feature?: {
    readonly race: number;
    readonly field: readonly [number, number];
    readonly pools: readonly string[];
    readonly terms?: Readonly<Record<string, PoolTerms>>;
  };
}

export const COUNTRIES: readonly Country[] = [
  {
    code: 'FR',
    ruleSet: 'FR',
    courses: ['Longueville', 'Valmorin', 'Saint-Aubert', 'Clairfontaine-les-Bois', 'Haute-Rive', 'Beaulac'],
    title: (honour) => `Prix ${honour}`,
    honours: [
      'des Tilleuls',
      'du Vieux Pont',
      'de la Lande',
      'des Deux Rives',
      'du Moulin',
      'de l’Étang',
      'des Chênes',
    ],
    field: [8, 16],
    pools: ['WIN', 'PLACE', 'QUINELLA', 'QUINELLA_PLACE', 'EXACTA', 'TRIO', 'TRIFECTA'],
    feature: {
      race: 3,
      field: [14, 18],
      pools: ['WIN', 'PLACE', 'QUINELLA', 'DEUX_SUR_QUATRE', 'MULTI', 'TIERCE', 'QUARTE', 'QUINTE'],
      // An announced day: the reserve goes to the order.
      terms: { QUINTE: { guarantee: 2_000_000, jackpotIn: 500_000 } },
    },
  },
  {
    code: 'US',
    ruleSet: 'US',
    courses: ['Cedar Hollow', 'Palmetto Downs', 'Prairie Fork'],
    title: (honour) => `The ${honour} Stakes`,
    honours: ['Harbor Light', 'Blue Ridge', 'Cottonwood', 'Old Mill', 'Silver Creek', 'Lantern', 'Mockingbird'],
    field: [6, 12],
    pools: ['WIN', 'PLACE', 'SHOW', 'EXACTA', 'TRIFECTA', 'SUPERFECTA'],
    legPools: [
      { type: 'DAILY_DOUBLE', races: [1, 2] },
      { type: 'PICK3', races: [2, 3, 4] },
      { type: 'PICK4', races: [5, 6, 7, 8] },
      // The last day of the meeting: whatever was carried in has to go.
      { type: 'PICK6', races: [3, 4, 5, 6, 7, 8], terms: { carryIn: 1_250_000, mandatory: true } },
    ],
  },
  {
    code: 'GB',
    ruleSet: 'UK',
    courses: ['Ashcombe', 'Wetherlow', 'Market Hinton'],
    title: (honour) => `${honour} Handicap`,
    honours: ['Foxglove', 'Abbey Gate', 'Millstone', 'Long Barrow', 'Hazelwood', 'Kingfisher', 'Ridgeway'],
    field: [7, 16],
    pools: ['WIN', 'PLACE', 'QUINELLA_PLACE', 'EXACTA', 'TRIFECTA'],
    legPools: [
      { type: 'PLACEPOT', races: [1, 2, 3, 4, 5, 6], terms: { guarantee: 1_000_000 } },
      { type: 'QUADPOT', races: [3, 4, 5, 6] },
    ],
  },
  {
    code: 'HK',
    ruleSet: 'HK',
    courses: ['Pearl Bay', 'Lantau Heights'],
    title: (honour) => `${honour} Plate`,
    honours: ['Jade', 'Kowloon Lights', 'Dragon Boat', 'Harbour', 'Lotus', 'Bauhinia', 'Red Lantern'],
    field: [10, 14],
    pools: ['WIN', 'PLACE', 'QUINELLA', 'QUINELLA_PLACE', 'TRIO', 'TIERCE', 'FIRST4'],
    legPools: [{ type: 'DAILY_DOUBLE', races: [1, 2] }],
  },
  {
    code: 'JP',
    ruleSet: 'JP',
    courses: ['Asagiri', 'Minamino', 'Shirakawa'],
    title: (honour) => `${honour} Tokubetsu`,
    honours: ['Sakura', 'Momiji', 'Hayate', 'Tsubame', 'Aozora', 'Yukiguni', 'Asahi'],
    field: [12, 18],
    pools: ['WIN', 'PLACE', 'QUINELLA', 'QUINELLA_PLACE', 'EXACTA', 'TRIO', 'TRIFECTA'],
    legPools: [{ type: 'WIN5', races: [4, 5, 6, 7, 8] }],
  },
  {
    code: 'SE',
    ruleSet: 'SE',
    courses: ['Granvik', 'Björkdalen', 'Norra Vallen'],
    title: (honour) => `${honour} pris`,
    honours: ['Fyrbåkens', 'Skogsbrynets', 'Midvinterns', 'Lärkans', 'Granens', 'Hamnens', 'Norrskenets'],
    field: [8, 15],
    pools: ['WIN', 'PLACE', 'QUINELLA', 'EXACTA', 'TRIFECTA'],
    legPools: [
      { type: 'V4', races: [1, 2, 3, 4] },
      { type: 'V64', races: [3, 4, 5, 6, 7, 8] },
    ],
  },
];

/** A country by its code; an unknown one is a mistake in the command. */
export function countryOf(code: string): Country {
  const country = COUNTRIES.find((one) => one.code === code);
  if (!country) throw new Error(`no day is made up for ${code}: ${COUNTRIES.map((one) => one.code).join(', ')}`);
  return country;
}
