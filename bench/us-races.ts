/**
 * A season of American races, win, place and show, priced by both calculators from the stakes of each runner: do they agree
 * to the cent, is money conserved, which races were dead heats, which pools were minus pools. It reads a CSV file with the
 * columns event, track, race, post_position, win_stake, place_stake, show_stake (whole dollars) and finish (1 to 3 or empty)
 * and keeps none of it. `npx tsx --conditions=src bench/us-races.ts FILE [--rules=US-NICKEL]`.
 */
import { readFileSync } from 'node:fs';
import { compareSheets, type DividendSheet, priceByForce } from '#mutuel/audit';
import { pricePool, type RuleSet, ruleSetFor } from '#mutuel/tote';

const TYPES = ['WIN', 'PLACE', 'SHOW'] as const;
type Type = (typeof TYPES)[number];

interface Runner {
  readonly number: string;
  readonly finish: number;
  /** Minor units by pool type. */
  readonly stakes: Readonly<Record<Type, number>>;
}

interface Race {
  readonly name: string;
  readonly runners: readonly Runner[];
}

interface Tally {
  pools: number;
  paid: number;
  refunded: number;
  differing: number;
  unbalanced: number;
  grossMinor: number;
  takeoutMinor: number;
  paidMinor: number;
  breakageMinor: number;
  topUpMinor: number;
}

const file = process.argv.slice(2).find((word) => !word.startsWith('--'));
const rulesName = process.argv.find((word) => word.startsWith('--rules='))?.slice('--rules='.length) ?? 'US';

if (file === undefined) console.log('us-races: name a CSV file of races to price them; none was named, nothing to do.');
else main(readRaces(readFileSync(file, 'utf8')));

function main(races: readonly Race[]): void {
  const deadHeats = races.flatMap((race) => deadHeatOf(race) ?? []);
  const minusPools: string[] = [];
  const differences: string[] = [];
  const spent = { symbolic: 0, force: 0 };
  console.log(`${races.length} races under the rules ${rulesName}`);
  for (const type of TYPES) {
    const tally = emptyTally();
    for (const race of races) {
      const sheets = priceTwice(race, type, spent);
      count(tally, sheets.second);
      const found = compareSheets(sheets.first, sheets.second, ['tote', 'audit']);
      if (found.length > 0) tally.differing += 1;
      differences.push(...found.map((sentence) => `${race.name} ${type}: ${sentence}`));
      const { topUpMinor } = sheets.second;
      if (topUpMinor > 0)
        minusPools.push(`${race.name} ${type}: short of ${dollars(topUpMinor)}, ${pricesOf(sheets.second)}`);
    }
    report(type, tally);
  }
  console.log(`symbolic ${spent.symbolic.toFixed(0)} ms, by force ${spent.force.toFixed(0)} ms`);
  list('differences between the calculators', differences);
  list('dead heats', deadHeats);
  list('minus pools', minusPools);
  if (differences.length > 0) process.exitCode = 1;
}

function priceTwice(race: Race, type: Type, spent: { symbolic: number; force: number }) {
  const ruleSet = rulesOf(type);
  const field = { declared: race.runners.map(({ number }) => number), scratched: [], entries: [] };
  const finish = finishOf(race);
  const stakes = new Map(race.runners.map(({ number, stakes }) => [number, stakes[type]]));
  const start = performance.now();
  const first = pricePool({
    ruleSet,
    field,
    finish,
    grossMinor: [...stakes.values()].reduce((sum, stake) => sum + stake, 0),
    refundsMinor: 0,
    carryInMinor: 0,
    stakeOn: (c) => stakes.get(c) ?? 0,
  });
  const between = performance.now();
  const tickets = [...stakes]
    .filter(([, stake]) => stake > 0)
    .map(([number, unitMinor]) => ({ selection: { form: 'STRAIGHT' as const, runners: [number] }, unitMinor }));
  const second = priceByForce({ poolType: type, ruleSet, field, finish, carryInMinor: 0, tickets });
  spent.symbolic += between - start;
  spent.force += performance.now() - between;
  return { first, second };
}

function rulesOf(type: Type): RuleSet {
  const rules = ruleSetFor(rulesName, type);
  if (!rules) throw new Error(`there are no rules ${rulesName} for ${type}`);
  return rules;
}

function finishOf(race: Race): readonly (readonly string[])[] {
  const placed = race.runners.filter(({ finish }) => finish > 0);
  const ranks = [...new Set(placed.map(({ finish }) => finish))].sort((a, b) => a - b);
  return ranks.map((rank) => placed.filter(({ finish }) => finish === rank).map(({ number }) => number));
}

function deadHeatOf(race: Race): string | null {
  const tied = finishOf(race).filter((rank) => rank.length > 1);
  return tied.length === 0
    ? null
    : `${race.name}: ${finishOf(race)
        .map((rank) => rank.join(' = '))
        .join(', ')}`;
}

function emptyTally(): Tally {
  return {
    pools: 0,
    paid: 0,
    refunded: 0,
    differing: 0,
    unbalanced: 0,
    grossMinor: 0,
    takeoutMinor: 0,
    paidMinor: 0,
    breakageMinor: 0,
    topUpMinor: 0,
  };
}

function count(tally: Tally, sheet: DividendSheet): void {
  const { grossMinor, takeoutMinor, paidMinor, refundedMinor, breakageMinor, topUpMinor } = sheet;
  tally.pools += 1;
  if (sheet.outcome === 'PAID') tally.paid += 1;
  else tally.refunded += 1;
  if (grossMinor !== takeoutMinor + paidMinor + refundedMinor + breakageMinor - topUpMinor) tally.unbalanced += 1;
  tally.grossMinor += grossMinor;
  tally.takeoutMinor += takeoutMinor;
  tally.paidMinor += paidMinor;
  tally.breakageMinor += breakageMinor;
  tally.topUpMinor += topUpMinor;
}

function report(type: Type, tally: Tally): void {
  const { pools, paid, refunded, differing, unbalanced } = tally;
  console.log(
    `${type}: ${pools} pools, ${paid} paid, ${refunded} refunded; ${differing} differ, ${unbalanced} out of balance`,
  );
  console.log(
    `  gross ${dollars(tally.grossMinor)}, takeout ${dollars(tally.takeoutMinor)}, paid ${dollars(tally.paidMinor)}, ` +
      `breakage ${dollars(tally.breakageMinor)}, top-up ${dollars(tally.topUpMinor)}`,
  );
}

function list(title: string, lines: readonly string[]): void {
  console.log(`${title}: ${lines.length}`);
  for (const line of lines) console.log(`  ${line}`);
}

function pricesOf(sheet: DividendSheet): string {
  return sheet.dividends.map(({ c, price }) => `${c} pays ${price}`).join(', ');
}

/** Whole minor units as text, without a floating point number on the way. */
function dollars(minor: number): string {
  const text = String(minor).padStart(3, '0');
  return `${text.slice(0, -2)}.${text.slice(-2)}`;
}

// Reading the file.

function readRaces(csv: string): readonly Race[] {
  const [header = '', ...rows] = csv.trim().split(/\r?\n/);
  const columns = header.split(',');
  const races = new Map<string, Runner[]>();
  for (const row of rows) {
    const cells = row.split(',');
    const cell = (name: string): string => cells[columns.indexOf(name)] ?? '';
    const name = `event ${cell('event')}, track ${cell('track')} race ${cell('race')}`;
    const runners = races.get(name) ?? [];
    races.set(name, runners);
    runners.push({
      number: unusedNumber(runners, cell('post_position')),
      finish: Number(cell('finish')),
      stakes: { WIN: minor(cell('win_stake')), PLACE: minor(cell('place_stake')), SHOW: minor(cell('show_stake')) },
    });
  }
  return [...races].map(([name, runners]) => ({ name, runners }));
}

/** One file in a thousand lists a post position twice: the second runner is told apart by a letter. */
function unusedNumber(runners: readonly Runner[], number: string): string {
  return runners.some((runner) => runner.number === number) ? unusedNumber(runners, `${number}A`) : number;
}

function minor(wholeDollars: string): number {
  const stake = Number(wholeDollars);
  if (!Number.isSafeInteger(stake) || stake < 0) throw new Error(`"${wholeDollars}" is not a stake in whole dollars`);
  return stake * 100;
}
