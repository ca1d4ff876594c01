/**
 * The bets of a load test in the proportions of a national tote: win before place before pairs and trifectas, boxes among the exotic
 * ones, and two races of the card that nearly everybody plays. Shared by k6 and the light generator; it draws, and sends nothing.
 */

/** Parts of the bets by pool type, and how many runners one line names. */
const TYPES = [
  { type: 'WIN', part: 40, places: 1, boxLines: 1 },
  { type: 'PLACE', part: 22, places: 1, boxLines: 1 },
  { type: 'QUINELLA', part: 14, places: 2, boxLines: 3 },
  { type: 'TRIFECTA', part: 14, places: 3, boxLines: 24 },
  { type: 'EXACTA', part: 10, places: 2, boxLines: 6 },
];
/** Parts of the first races of the card; the others share what is left of 1. */
const HOT = [0.4, 0.25];
/** Of the exotic bets; the others name one line. */
const BOXED = 0.4;
const UNIT_MINOR = 100;

/** One bet on the card's races: `[{ runners: ['1', …], pools: [{ poolId, type, minStake }] }]`, by draws of `random` (0 to 1). */
export function betOn(races, random) {
  const race = races[raceAt(races.length, random())];
  const { pool, places, boxLines } = poolOf(race.pools, random());
  const isBox = places > 1 && race.runners.length > places && random() < BOXED;
  const runners = drawn(race.runners, isBox ? places + 1 : places, random);
  const lines = isBox ? boxLines : 1;
  const unitStake = Math.max(UNIT_MINOR, pool.minStake);
  const bet = { betRef: 'a', poolId: pool.poolId, unitStake, stake: unitStake * lines };
  return isBox
    ? { ...bet, form: 'BOX', runners }
    : { ...bet, form: 'STRAIGHT', columns: runners.map((runner) => [runner]) };
}

function raceAt(count, draw) {
  if (count <= HOT.length) return Math.floor(draw * count);
  let left = draw;
  for (const [index, part] of HOT.entries()) {
    if (left < part) return index;
    left -= part;
  }
  const others = 1 - HOT.reduce((sum, part) => sum + part, 0);
  return Math.min(count - 1, HOT.length + Math.floor((left / others) * (count - HOT.length)));
}

/** The pool drawn, with what a line of its type names. */
function poolOf(offered, draw) {
  const there = TYPES.flatMap((each) =>
    offered.filter(({ type }) => type === each.type).map((pool) => ({ ...each, pool })),
  );
  let left = draw * there.reduce((sum, { part }) => sum + part, 0);
  for (const each of there) {
    if (left < each.part) return each;
    left -= each.part;
  }
  return there[there.length - 1];
}

/** Whether any bet of the mix can be placed on the race. */
export function isPlayable({ pools }) {
  return pools.some(({ type }) => TYPES.some((each) => each.type === type));
}

function drawn(runners, count, random) {
  const named = [];
  while (named.length < count) {
    const runner = runners[Math.floor(random() * runners.length)];
    if (!named.includes(runner)) named.push(runner);
  }
  return named;
}
