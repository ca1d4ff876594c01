/**
 * A quinté+ of a million tickets with mixed formulas settled on one core: winning lines of every ticket at every rank by
 * closed forms, stakes summed, the pool priced, every ticket paid. A part of the same tickets is settled line by line, for
 * the ratio. And what the odds and the counting of formulas take: a trifecta matrix of 24 runners, counts of every form.
 *
 * `npm run bench -- quinte [--tickets=1000000]`
 */
import { performance } from 'node:perf_hooks';
import {
  combinationMatches,
  countSelection,
  expandLines,
  isRefusal,
  lineCounter,
  linesMatching,
  payoutMinor,
  pricePool,
  probables,
  type ReadSelection,
  type RuleSet,
  resolveSelection,
  resultKeys,
  ruleSetFor,
  type Selection,
  type Sheet,
} from '#mutuel/tote';

const RUNNERS = 18;
const UNIT_MINOR = 200;
const SEED = 20_260_601;
/** Tickets settled line by line for the ratio: no more lines than this, or it takes minutes. */
const BY_FORCE_LINES = 300_000;

const tickets = Number(
  process.argv.find((word) => word.startsWith('--tickets='))?.split('=')[1] ??
    (process.argv.includes('--small') ? 5_000 : 1_000_000),
);
const declared = Array.from({ length: RUNNERS }, (_, i) => `${i + 1}`);
const field = { declared };
const finish = [['4'], ['7'], ['1'], ['12'], ['9'], ['2'], ['3']];
const rules = shipped('FR', 'QUINTE');
const chance = chances(SEED);

const read = Array.from({ length: tickets }, ticket);
const keys = resultKeys(rules, field, finish).flatMap((rung) => rung.keys.map(({ c }) => c));
const counters = keys.map((key) => ({ key, count: lineCounter('QUINTE', key) }));
const started = performance.now();
const startedCpu = process.cpuUsage();
const stakes = new Map(keys.map((key) => [key, 0]));
const won: (readonly [key: string, lines: number])[][] = [];
let lines = 0;
for (const one of read) {
  lines += one.lines;
  let own: (readonly [string, number])[] | null = null;
  for (const { key, count } of counters) {
    const matching = count(one);
    if (matching === 0) continue;
    if (own) own.push([key, matching]);
    else own = [[key, matching]];
    stakes.set(key, (stakes.get(key) ?? 0) + matching * UNIT_MINOR);
  }
  if (own) won.push(own);
}
const countedAt = performance.now();
const sheet = priced(lines);
const paid = pay(sheet);
const settledAt = performance.now();
const { user, system } = process.cpuUsage(startedCpu);
console.log(`${tickets} tickets, ${lines} lines, ${won.length} winning tickets, seed ${SEED}`);
console.log(`counted ${keys.length} keys ${ms(countedAt - started)}, priced and paid ${ms(settledAt - countedAt)}`);
console.log(
  `together ${ms(settledAt - started)} by the clock, ${ms((user + system) / 1_000)} of processor time, ${((user + system) / tickets).toFixed(2)} us a ticket`,
);
for (const { tier, price } of sheet.dividends) console.log(`${tier}: ${price}`);
console.log(`paid ${paid} of ${sheet.grossMinor}`);
byForce();
matrix();
counts();

function priced(all: number): Sheet {
  return pricePool({
    ...{ ruleSet: rules, field, finish, refundsMinor: 0, carryInMinor: 0 },
    grossMinor: all * UNIT_MINOR,
    stakeOn: (key) => stakes.get(key) ?? 0,
  });
}

function pay({ dividends }: Sheet): number {
  const prices = new Map(dividends.map(({ c, price }) => [c, price]));
  let total = 0;
  for (const own of won)
    for (const [key, count] of own) total += payoutMinor(rules, prices.get(key) ?? '0', count * UNIT_MINOR);
  return total;
}

/** The same ranks by listing lines, on the first tickets that are small enough to list. */
function byForce(): void {
  const small: ReadSelection[] = [];
  let listed = 0;
  for (const one of read) {
    if (listed + one.lines > BY_FORCE_LINES) continue;
    listed += one.lines;
    small.push(one);
  }
  const forceAt = performance.now();
  let right = 0;
  for (const one of small)
    for (const line of expandLines(one)) for (const key of keys) if (combinationMatches('QUINTE', line, key)) right++;
  const forced = performance.now() - forceAt;
  const again = performance.now();
  const counted = small.reduce((sum, one) => sum + keys.reduce((found, key) => found + linesMatching(one, key), 0), 0);
  const closed = performance.now() - again;
  if (counted !== right) throw new Error(`${counted} winning lines counted, ${right} listed`);
  console.log(
    `${small.length} tickets of ${listed} lines: listed ${ms(forced)}, counted ${ms(closed)}, ${Math.round(forced / closed)} times as long; ${right} winning lines both ways`,
  );
}

/** Odds on every one of the 12,144 trifectas of 24 runners. */
function matrix(): void {
  const runners = Array.from({ length: 24 }, (_, i) => `${i + 1}`);
  const bets: Record<string, number> = {};
  for (const a of runners)
    for (const b of runners)
      for (const c of runners)
        if (a !== b && b !== c && a !== c) bets[`${a}>${b}>${c}`] = 100 + Math.floor(chance() * 5_000);
  const grossMinor = Object.values(bets).reduce((sum, stake) => sum + stake, 0);
  const ruleSet = shipped('US', 'TRIFECTA');
  const input = { ruleSet, field: { declared: runners }, grossMinor, carryInMinor: 0, stakes: bets };
  const times = Array.from({ length: 9 }, () => {
    const [at, cpu] = [performance.now(), process.cpuUsage()];
    const { odds } = probables(input);
    if (odds.length !== 12_144) throw new Error(`${odds.length} odds`);
    return { clock: performance.now() - at, processor: processorMs(cpu) };
  });
  const middle = (of: 'clock' | 'processor'): string | undefined =>
    times
      .map((time) => time[of])
      .sort((a, b) => a - b)[4]
      ?.toFixed(1);
  console.log(
    `trifecta matrix of 24 runners, 12,144 odds: medians ${middle('processor')} ms of processor time, ${middle('clock')} ms by the clock`,
  );
}

function counts(): void {
  const all = Array.from({ length: 24 }, (_, i) => `${i + 1}`);
  const rest = all.slice(2);
  const forms: readonly Selection[] = [
    { form: 'BOX', runners: all },
    { form: 'WHEEL', columns: [all, all, all, all, all] },
    { form: 'KEY', bases: ['1'], associated: all.slice(1) },
    { form: 'BANKER', bases: ['1', '2'], associated: rest },
    { form: 'CHAMP_TOTAL', bases: ['1', '2'] },
    { form: 'CHAMP_REDUIT', bases: ['1', '2'], associated: rest, orders: 'FIELD' },
    { form: 'STRAIGHT', runners: all.slice(0, 5) },
  ];
  const card = { declared: all };
  for (const selection of forms) {
    for (let i = 0; i < 2_000; i++) countSelection('QUINTE', selection, card, { maxLines: 1e12 });
    const at = process.cpuUsage();
    for (let i = 0; i < 20_000; i++) countSelection('QUINTE', selection, card, { maxLines: 1e12 });
    const took = processorMs(at) / 20;
    const count = countSelection('QUINTE', selection, card, { maxLines: 1e12 });
    console.log(
      `count ${selection.form} of 24 over five: ${String(count)} lines in ${took.toFixed(1)} us of processor time`,
    );
  }
}

/** Processor time since then, ms. */
function processorMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}

/** Half single lines; boxes, champs with bases and wheels beside them. */
function ticket(): ReadSelection {
  const kind = chance();
  if (kind < 0.5) return selection({ form: 'STRAIGHT', runners: pick(5) });
  if (kind < 0.7) return selection({ form: 'BOX', runners: pick(5 + Math.floor(chance() * 4)), orders: 'ALL' });
  if (kind < 0.75)
    return selection({ form: 'CHAMP_TOTAL', bases: pick(2 + Math.floor(chance() * 2)), orders: 'FIELD' });
  const named = pick(8);
  if (kind < 0.95)
    return selection({ form: 'CHAMP_REDUIT', bases: named.slice(0, 2), associated: named.slice(2), orders: 'FIELD' });
  return selection({ form: 'WHEEL', columns: [pick(2), pick(3), pick(3), pick(4), pick(5)] });
}

function selection(one: Selection): ReadSelection {
  const found = resolveSelection('QUINTE', one, field, rules);
  return isRefusal(found) ? ticket() : found;
}

/** So many different runners, good ones more often. */
function pick(count: number): string[] {
  const taken: string[] = [];
  while (taken.length < count) {
    const runner = declared[Math.floor(chance() * chance() * RUNNERS)] ?? '1';
    if (!taken.includes(runner)) taken.push(runner);
  }
  return taken;
}

function shipped(name: string, type: 'QUINTE' | 'TRIFECTA'): RuleSet {
  const found = ruleSetFor(name, type);
  if (!found) throw new Error(`no rules ${name} for ${type}`);
  return found;
}

/** Numbers from zero to one, the same on every run (a linear congruential generator). */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function ms(time: number): string {
  return `${time.toFixed(0)} ms`;
}
