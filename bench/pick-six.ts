/**
 * A pick six of 200,000 systems of up to ten million lines each: texts read, lines counted by the number of right legs, every
 * tier's stake summed and the pool priced, on one core. A part of the same work is done by listing every line, for the ratio.
 *
 * `npm run bench -- pick-six [--systems=200000]`
 */
import { performance } from 'node:perf_hooks';
import {
  expandLines,
  type Field,
  isRefusal,
  type Leg,
  legKeys,
  legResult,
  linesMatching,
  priceLegs,
  type ReadSelection,
  ratio,
  readSelection,
  ruleSetFor,
} from '#mutuel/tote';

const RUNNERS = 16;
const LEGS = 6;
const UNIT = 50;
const MOST_LINES = 10_000_000;
const SEED = 20_260_601;
/** Systems listed line by line for the ratio: no more lines than this, or it takes minutes. */
const BY_FORCE_LINES = 1_000_000;

const systems = Number(
  process.argv.find((word) => word.startsWith('--systems='))?.split('=')[1] ??
    (process.argv.includes('--small') ? 1_000 : 200_000),
);
const shipped = ruleSetFor('US', 'PICK6');
if (!shipped) throw new Error('no rules for the pick six');
const rules = { ...shipped, maxLines: MOST_LINES };
const declared = Array.from({ length: RUNNERS }, (_, i) => `${i + 1}`);
const race: Leg = { declared, scratched: ['16'], favourite: '4', finish: [['4'], ['2']] };
const legs = Array.from(
  { length: LEGS },
  (_, leg): Leg => ({ ...race, finish: leg === 3 ? [['4', '5']] : race.finish }),
);
const field: Field = { declared: [], legs };
const chance = chances(SEED);
const texts = Array.from({ length: systems }, text);

const keys = legKeys(rules, legs);
const cpuBefore = process.cpuUsage();
const started = performance.now();
const sums = keys.map(() => 0);
let lines = 0;
let widest = 0;
for (const one of texts) {
  const read = selection(one);
  lines += read.lines;
  widest = Math.max(widest, read.lines);
  for (let k = 0; k < keys.length; k++) sums[k] = (sums[k] ?? 0) + linesMatching(read, keys[k] ?? '') * UNIT;
}
const countedAt = performance.now();
const stakes = new Map(keys.map((key, k) => [key, sums[k] ?? 0]));
const sheet = priceLegs({
  ruleSet: rules,
  result: legResult(rules, legs),
  grossMinor: lines * UNIT,
  refundsMinor: 0,
  carryInMinor: 100_000_000,
  stakeOf: (key) => ratio(stakes.get(key) ?? 0),
});
const pricedAt = performance.now();
const cpu = process.cpuUsage(cpuBefore);

console.log(`${systems} systems, ${lines} lines together, ${widest} in the widest, seed ${SEED}`);
console.log(`read and counted for ${keys.length} keys ${ms(countedAt - started)}, priced ${ms(pricedAt - countedAt)}`);
console.log(
  `together ${ms(pricedAt - started)}, ${((1_000 * (pricedAt - started)) / systems).toFixed(1)} us a system; ${ms((cpu.user + cpu.system) / 1_000)} of processor`,
);
for (const { tier, price } of sheet.dividends) console.log(`${tier}: ${price}`);
byForce();

/** The same count by listing lines, on the first systems that are small enough to list. */
function byForce(): void {
  const small: ReadSelection[] = [];
  let listed = 0;
  for (const one of texts.map(selection)) {
    if (listed + one.lines > BY_FORCE_LINES) continue;
    listed += one.lines;
    small.push(one);
  }
  const winners = legs.map((leg) => new Set([...(leg.finish?.[0] ?? []), '16']));
  const forceAt = performance.now();
  let right = 0;
  for (const one of small)
    for (const line of expandLines(one)) if (line.split('/').every((runner, leg) => winners[leg]?.has(runner))) right++;
  const forced = performance.now() - forceAt;
  const again = performance.now();
  const all = keys.find((key) => !key.includes('@')) ?? '';
  const counted = small.reduce((sum, one) => sum + linesMatching(one, all), 0);
  const closed = performance.now() - again;
  if (counted !== right) throw new Error(`${counted} winning lines counted, ${right} listed`);
  const ratioText = closed > 0 ? `, ${Math.round(forced / closed)} times as long` : '';
  console.log(
    `${small.length} systems of ${listed} lines: listed ${ms(forced)}, counted ${ms(closed)}${ratioText}; ${right} winning lines both ways`,
  );
}

function selection(one: string): ReadSelection {
  const found = readSelection('PICK6', one, field, rules);
  if (isRefusal(found)) throw new Error(found.message);
  return found;
}

/** A system as tickets are kept: legs of one to sixteen runners, at most ten million lines together. */
function text(): string {
  const columns: string[] = [];
  let product = 1;
  for (let leg = 0; leg < LEGS; leg++) {
    const size = Math.min(1 + Math.floor(chance() * RUNNERS), Math.floor(MOST_LINES / product));
    product *= size;
    columns.push(subset(size).join(','));
  }
  return columns.join('/');
}

/** So many runners by chance, in their order. */
function subset(size: number): string[] {
  let left = size;
  return declared.filter((_, i) => {
    const isIn = chance() * (RUNNERS - i) < left;
    if (isIn) left--;
    return isIn;
  });
}

/** Numbers from 0 to 1 by a seed: xorshift. */
function chances(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

function ms(time: number): string {
  return `${time.toFixed(0)} ms`;
}
