/**
 * Invented cards: courses, horses and strengths that exist nowhere. A card is the very body of `POST /v1/operator/meetings`; its
 * strengths stay here, known to the simulated bettors and to the simulated finish, and never reach the system.
 */
import type { Chance } from './chance.js';
import type { Country, PoolTerms } from './countries.js';

export interface RaceBody {
  readonly raceId: string;
  readonly number: number;
  readonly name: string;
  /** RFC 3339. */
  readonly postTime: string;
  readonly runners: readonly { readonly number: string; readonly name: string }[];
  readonly pools: readonly (PoolTerms & { readonly type: string; readonly ruleSet: string })[];
}

export interface CardBody {
  readonly meetingId: string;
  readonly course: string;
  readonly date: string;
  readonly country: string;
  readonly currency: string;
  readonly exponent: number;
  readonly races: readonly RaceBody[];
  /** Pools over several races. */
  readonly pools: readonly (PoolTerms & {
    readonly type: string;
    readonly ruleSet: string;
    readonly legs: readonly string[];
  })[];
}

const FIRST = [
  'Silver',
  'Quiet',
  'Northern',
  'Amber',
  'Royal',
  'Distant',
  'Golden',
  'Wild',
  'Lucky',
  'Velvet',
  'Iron',
  'Merry',
  'Crimson',
  'Paper',
];
const LAST = [
  'Harbour',
  'Sparrow',
  'Lantern',
  'Meadow',
  'Comet',
  'Whistle',
  'Orchard',
  'Thunder',
  'Compass',
  'Duchess',
  'Pilgrim',
  'Rapids',
  'Fable',
  'Saffron',
];

export interface CardPlan {
  readonly country: Country;
  readonly date: string;
  readonly meetingNo: number;
  readonly races: number;
  /** Post time of the first race, milliseconds UTC, and the distance to the next of this meeting. */
  readonly firstPost: number;
  readonly everyMs: number;
}

export function inventCard(chance: Chance, plan: CardPlan): CardBody {
  const { country, date, meetingNo } = plan;
  const meetingId = `${date}-R${meetingNo}`;
  const races = Array.from({ length: plan.races }, (_, i): RaceBody => {
    const number = i + 1;
    const feature = country.feature?.race === number ? country.feature : undefined;
    const { field, pools } = feature ?? country;
    const names = horseNames(chance, field[0] + chance.below(field[1] - field[0] + 1));
    return {
      raceId: `${meetingId}-C${number}`,
      number,
      name: country.title(chance.pick(country.honours)),
      postTime: new Date(plan.firstPost + i * plan.everyMs).toISOString(),
      runners: names.map((name, k) => ({ number: String(k + 1), name })),
      pools: pools.map((type) => ({ type, ruleSet: country.ruleSet, ...feature?.terms?.[type] })),
    };
  });
  const course = country.courses[meetingNo % country.courses.length] as string;
  const pools = (country.legPools ?? [])
    .filter((pool) => pool.races.every((number) => number <= races.length))
    .map(({ type, races: legs, terms }) => ({
      ...{ type, ruleSet: country.ruleSet, ...terms },
      legs: legs.map((no) => `${meetingId}-C${no}`),
    }));
  return { meetingId, course, date, country: country.code, currency: 'EUR', exponent: 2, races, pools };
}

/** Chances to win, summing to one: a clear favourite, a middle, and long shots. */
export function inventStrengths(chance: Chance, runners: number): number[] {
  const raw = Array.from({ length: runners }, () => Math.exp(1.1 * chance.normal()));
  const sum = raw.reduce((a, b) => a + b, 0);
  return raw.map((x) => x / sum);
}

/** A finishing order drawn runner by runner by strength; now and then two cannot be told apart. */
export function runRace(chance: Chance, runners: readonly string[], strengths: readonly number[]): string[][] {
  const left = runners.map((number, i) => ({ number, strength: strengths[i] as number }));
  const order: string[] = [];
  while (left.length > 0) {
    const i = chance.weighted(left.map((r) => r.strength));
    order.push((left[i] as { number: string }).number);
    left.splice(i, 1);
  }
  const ranks = order.map((number) => [number]);
  const tied = chance.below(3);
  if (chance.next() < DEAD_HEAT && ranks.length > tied + 1)
    ranks.splice(tied, 2, [...(ranks[tied] as string[]), ...(ranks[tied + 1] as string[])]);
  return ranks;
}

/** More often than in life, so that a visitor meets one. */
const DEAD_HEAT = 0.06;

function horseNames(chance: Chance, count: number): string[] {
  const names = new Set<string>();
  while (names.size < count) names.add(`${chance.pick(FIRST)} ${chance.pick(LAST)}`);
  return [...names];
}
