/**
 * Published Hong Kong results held against the rules: does one payback explain every win dividend and the odds before it,
 * are dead heats shared by the gross split, do dividends move by the break points. It reads a CSV file with the columns race,
 * `number:odds:place` of each runner, and dividends per ten dollars (`W 8=121|P 8=36.5 …`), and keeps none of it. With
 * --grid=FILE the pair odds of one race before the off are held against its pools.
 * `npx tsx --conditions=src bench/hong-kong.ts FILE [--grid=FILE]`.
 */
import { readFileSync } from 'node:fs';
import { type PoolType, pricePool, type RuleSet, ruleSetFor } from '#mutuel/tote';

interface Runner {
  readonly number: string;
  readonly odds: number;
  readonly place: number;
}

interface Race {
  readonly name: string;
  readonly runners: readonly Runner[];
  readonly dividends: readonly { readonly pool: string; readonly c: string; readonly per10: number }[];
}

interface Grid {
  readonly pools_hkd: Readonly<Record<string, number>>;
  readonly win: Readonly<Record<string, number>>;
  readonly quinella: Readonly<Record<string, number>>;
  readonly quinella_place: Readonly<Record<string, number>>;
}

/** Odds are printed up to this; what is longer is printed as this. */
const LONGEST = 99;
/** Stake that stands for a whole pool; large, so that what rounding does to it cannot be seen. */
const POOL_MINOR = 1_000_000_000_000;
const MOST_SHOWN = 20;

const words = process.argv.slice(2);
const file = words.find((word) => !word.startsWith('--'));
const gridFile = words.find((word) => word.startsWith('--grid='))?.slice('--grid='.length);
const win = shipped('WIN');

if (file === undefined)
  console.log('hong-kong: name a CSV file of results to check them; none was named, nothing to do.');
else results(readRaces(readFileSync(file, 'utf8')));
if (gridFile !== undefined) grid(JSON.parse(readFileSync(gridFile, 'utf8')) as Grid);

function results(races: readonly Race[]): void {
  const deviations: string[] = [];
  const paybacks: number[] = [];
  let deadHeats = 0;
  let met = 0;
  for (const race of races) {
    const priced = race.runners.filter(({ odds }) => odds > 0);
    if (priced.length < race.runners.length) continue;
    // Odds are payback x pool / stake, cut: their reciprocals add to one over the payback.
    paybacks.push(1 / priced.reduce((sum, { odds }) => sum + 1 / odds, 0));
    const winners = race.runners.filter(({ place }) => place === 1);
    if (winners.length > 1) deadHeats++;
    for (const { number, odds } of winners) {
      const published = race.dividends.find(({ pool, c }) => pool === 'W' && c === number);
      if (!published) deviations.push(`${race.name}: no win dividend for ${number}`);
      else if (isMet(published.per10, odds, winners)) met++;
      else
        deviations.push(
          `${race.name}: ${number} at ${odds} with ${winners.length} first is published at ${published.per10}`,
        );
    }
  }
  paybacks.sort((a, b) => a - b);
  const at = (part: number): string => (paybacks[Math.floor(part * (paybacks.length - 1))] ?? 0).toFixed(4);
  const steps = stepsOf(races);
  console.log(`${races.length} races, ${deadHeats} dead heats for first`);
  console.log(
    `payback that the odds imply: median ${at(0.5)}, 5 % ${at(0.05)}, 95 % ${at(0.95)}; the rule set says ${payback()}`,
  );
  console.log(`win dividends met by the odds and the gross split: ${met}, deviating: ${deviations.length}`);
  for (const [pool, count, off] of steps)
    console.log(
      `${pool}: ${count} dividends, ${off} off the break point (the minimum of ${shipped('PLACE').minimum} left out)`,
    );
  for (const deviation of deviations.slice(0, MOST_SHOWN)) console.log(`  ${deviation}`);
  if (deviations.length > MOST_SHOWN) console.log(`  and ${deviations.length - MOST_SHOWN} more`);
}

/**
 * Whether a dividend lies among those that the printed odds allow. Odds are cut to a tenth below ten and to whole numbers from
 * ten on; each end of what they can have been is priced by the rule set itself, alone or in its dead heat.
 */
function isMet(per10: number, odds: number, winners: readonly Runner[]): boolean {
  const width = odds < 10 ? 0.1 : 1;
  const low = priceAt(odds, winners.length);
  const high = priceAt(odds + width, winners.length);
  return per10 >= Math.floor(low * 20) / 2 - 0.5 && (odds >= LONGEST || per10 <= high * 10 + 0.5);
}

/** The price of a winner at these odds, when this many are first. */
function priceAt(odds: number, first: number): number {
  const stake = Math.round((POOL_MINOR * payback()) / odds);
  const finish = [Array.from({ length: first }, (_, i) => `${i + 1}`)];
  const sheet = pricePool({
    ...{ ruleSet: win, field: { declared: ['1', '2', '3', '4', '5'] }, finish, grossMinor: POOL_MINOR },
    ...{ refundsMinor: 0, carryInMinor: 0, stakeOn: (c: string) => (c === '1' ? stake : 1) },
  });
  return Number(sheet.dividends.find(({ c }) => c === '1')?.price ?? 0);
}

function payback(): number {
  return 1 - Number(win.takeout);
}

/** Dividends that are no multiple of their rule set's break point. */
function stepsOf(races: readonly Race[]): readonly (readonly [pool: string, count: number, off: number])[] {
  const types: Readonly<Record<string, PoolType>> = {
    W: 'WIN',
    P: 'PLACE',
    Q: 'QUINELLA',
    QP: 'QUINELLA_PLACE',
    TC: 'TRIFECTA',
    TR: 'TRIO',
    F4: 'FIRST4',
  };
  return Object.entries(types).map(([pool, type]) => {
    const rules = shipped(type);
    const step = (Number(rules.breakTo) * 10) / Number(rules.breakPer);
    const all = races.flatMap(({ dividends }) => dividends.filter((one) => one.pool === pool));
    const off = all.filter(
      ({ per10 }) => per10 > Number(rules.minimum) * 10 && Math.abs(per10 / step - Math.round(per10 / step)) > 1e-6,
    );
    return [pool, all.length, off.length] as const;
  });
}

/** Stakes that the pair odds imply, together: one payback has to explain all pairs. */
function grid({ pools_hkd, win: winOdds, quinella, quinella_place }: Grid): void {
  const implied = (odds: Readonly<Record<string, number>>): number =>
    Object.values(odds).reduce((sum, value) => sum + 1 / value, 0);
  console.log(
    `win: ${Object.keys(winOdds).length} odds imply a payback of ${(1 / implied(winOdds)).toFixed(4)} (${pools_hkd['WIN']} HKD)`,
  );
  console.log(
    `quinella: ${Object.keys(quinella).length} pairs imply ${(1 / implied(quinella)).toFixed(4)}, the rule set says ${(1 - Number(shipped('QUINELLA').takeout)).toFixed(4)}`,
  );
  const placed = implied(quinella_place);
  console.log(
    `quinella place: ${Object.keys(quinella_place).length} pairs imply ${(3 / placed).toFixed(4)} over three pairs, the rule set says ${(1 - Number(shipped('QUINELLA_PLACE').takeout)).toFixed(4)}`,
  );
}

function shipped(type: PoolType): RuleSet {
  const found = ruleSetFor('HK', type);
  if (!found) throw new Error(`no rules HK for ${type}`);
  return found;
}

function readRaces(text: string): readonly Race[] {
  return text
    .split('\n')
    .slice(1)
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name = '', runners = '', dividends = ''] = line.split(',');
      return {
        name,
        runners: runners.split(' ').map(runnerOf),
        dividends: dividends.split('|').flatMap(poolDividends),
      };
    });
}

function runnerOf(text: string): Runner {
  const [number = '', odds = '', place = ''] = text.split(':');
  return { number, odds: Number(odds), place: Number.parseInt(place, 10) };
}

function poolDividends(text: string): Race['dividends'] {
  const [pool = '', ...prices] = text.trim().split(' ');
  return prices.map((one) => {
    const [c = '', per10 = ''] = one.split('=');
    return { pool, c, per10: Number(per10) };
  });
}
