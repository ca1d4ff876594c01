/**
 * A day of French racing from card to cash, over the public API: cards published with those of their pools that exist here, at
 * least 1,000 bets in every pool from 250 accounts, non-runners scratched before and during selling, the real arrival entered,
 * confirmed by the second steward, paid, and every account reconciled twice: by its own statement, and bet by bet from the declared
 * dividends, the slow way. Last, the log itself is read. Reads a JSON file: a list of races with race (R1C3), declared, arrival,
 * incidents and bets; keeps none of it.
 *
 * `npx tsx --conditions=src bench/french-cards.ts FILE [--url=URL] [--bets=1000]`, after a build.
 */
import { readFileSync } from 'node:fs';
import { v7 } from 'uuid';
import { Chance, crowdShares, inventStrengths } from '#mutuel/demo';
import { checkLogs } from '../test/trust/log-checker.js';
import { readLogFolder } from '../test/trust/read-log.js';
import { type Bettor, House, must, pause, withSystem } from './support/house.js';
import { type Declared, linesOf, naivePayment, type PlacedBet } from './support/naive-payment.js';

interface RaceSource {
  readonly race: string;
  readonly declared: number;
  readonly arrival: readonly (readonly number[])[];
  readonly incidents: readonly { readonly type: string; readonly numeroParticipants: readonly number[] }[];
  readonly bets: readonly { readonly type: string }[];
}

/** French bet names and the pools they are here. */
const POOL_OF: Readonly<Record<string, string>> = {
  E_SIMPLE_GAGNANT: 'WIN',
  E_SIMPLE_PLACE: 'PLACE',
  E_COUPLE_GAGNANT: 'QUINELLA',
  E_COUPLE_ORDRE: 'EXACTA',
  E_TIERCE: 'TRIFECTA',
  E_TRIO_ORDRE: 'TRIFECTA',
};
const DAY = '2020-12-31';
const ACCOUNTS = 250;
const AT_ONCE = 48;
const UNITS = [100, 100, 150, 200, 300, 500] as const;

interface Race {
  readonly raceId: string;
  readonly runners: readonly string[];
  readonly types: readonly string[];
  readonly finish: readonly (readonly string[])[];
  readonly nonRunners: readonly string[];
}

interface Staked {
  readonly bettor: Bettor;
  readonly bet: PlacedBet;
}

const option = (name: string): string | undefined =>
  process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
const file = process.argv.slice(2).find((word) => !word.startsWith('--'));
const perPool = Number(option('bets') ?? 1_000);
const chance = new Chance(1789);
const findings: string[] = [];
const paidPools: string[] = [];

async function main(at: string, sources: readonly RaceSource[]): Promise<void> {
  const house = await House.enter(at);
  const races = await publish(house, sources);
  const staked: Staked[] = [];
  const declared = new Map<string, Declared>();
  const table: Record<string, string | number>[] = [];
  const opening: number[] = [];
  for (const bettor of house.bettors) opening.push(await balanceOf(house, bettor));
  for (const [no, race] of races.entries()) {
    const [before, during] = splitNonRunners(race.nonRunners, no);
    for (const runner of before) await house.scratch(race.raceId, runner);
    await house.open(race.raceId);
    const out = new Set(before);
    const bets = await sell(house, race, out, async () => {
      for (const runner of during) await house.scratch(race.raceId, runner);
      for (const runner of during) out.add(runner);
    });
    staked.push(...bets);
    await house.close(race.raceId);
    const preview = await house.settle(race.raceId, race.finish);
    table.push(...(await checkRace(house, race, bets, preview, declared)));
    console.log(`${race.raceId}: ${bets.length} bets in ${race.types.length} pools, settled and paid`);
  }
  console.table(table);
  await reconcile(house, opening, staked, declared, races);
  await house.client.close();
}

// Card.

async function publish(house: House, sources: readonly RaceSource[]): Promise<Race[]> {
  const races: Race[] = [];
  const mark = Date.now().toString(36);
  const posts = Date.now() + 4 * 3_600_000;
  for (const meeting of new Set(sources.map(({ race }) => race.replace(/C\d+$/, '')))) {
    const meetingId = `${DAY}-${meeting}-${mark}`;
    const own = sources.filter(({ race }) => race.startsWith(`${meeting}C`)).map((source) => raceOf(meetingId, source));
    const card = own.map(({ raceId, runners, types }, i) => ({
      raceId,
      number: Number(/\d+$/.exec(raceId)?.[0]),
      name: `Race ${raceId}`,
      postTime: new Date(posts + i * 60_000).toISOString(),
      runners: runners.map((number) => ({ number, name: `Runner ${number}` })),
      pools: types.map((type) => ({ type, ruleSet: 'FR' })),
    }));
    const place = { course: `Meeting ${meeting}`, date: DAY, country: 'FR', currency: 'EUR', exponent: 2 };
    await house.publish({ meetingId, ...place, races: card });
    races.push(...own);
  }
  return races;
}

function raceOf(meetingId: string, source: RaceSource): Race {
  return {
    raceId: `${meetingId}-${source.race.replace(/^R\d+/, '')}`,
    runners: Array.from({ length: source.declared }, (_, i) => String(i + 1)),
    types: [...new Set(source.bets.flatMap(({ type }) => POOL_OF[type] ?? []))],
    finish: source.arrival.map((rank) => rank.map(String)),
    nonRunners: source.incidents
      .filter(({ type }) => type === 'NON_PARTANT')
      .flatMap(({ numeroParticipants }) => numeroParticipants.map(String)),
  };
}

/** Of two, one before the sales and one during them; single ones by turns. */
function splitNonRunners(all: readonly string[], no: number): [string[], string[]] {
  return [all.filter((_, i) => (i + no) % 2 === 0), all.filter((_, i) => (i + no) % 2 === 1)];
}

// Selling.

/** Tickets of one bet in every pool of the race; half way through, `interrupt` scratches who does not run. */
async function sell(
  house: House,
  race: Race,
  out: ReadonlySet<string>,
  interrupt: () => Promise<void>,
): Promise<Staked[]> {
  const strengths = inventStrengths(chance, race.runners.length);
  const placed: Staked[] = [];
  const sellSome = async (count: number): Promise<void> => {
    let left = count;
    const worker = async (): Promise<void> => {
      while (left-- > 0) placed.push(...(await placeTicket(house, race, strengths, out)));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  };
  await sellSome(Math.ceil(perPool / 2));
  await interrupt();
  await sellSome(Math.ceil(perPool / 2));
  return placed;
}

async function placeTicket(
  house: House,
  race: Race,
  strengths: readonly number[],
  out: ReadonlySet<string>,
): Promise<Staked[]> {
  const bettor = chance.pick(house.bettors);
  const bets = race.types.map((type) => inventBet(race, type, strengths, out));
  const wire = bets.map(({ poolId, form, runners, unit, stake }, i) => {
    const lines = form === 'BOX' ? { runners } : { columns: runners.map((runner) => [runner]) };
    return { betRef: `b${i}`, poolId, form, ...lines, unitStake: unit, stake };
  });
  const { accountId, currency, token } = bettor;
  const send = () =>
    house.send('/v1/tickets', { ticketRef: v7(), accountId, currency, atomic: true, bets: wire }, token);
  // The opening reaches one shard after the other: who comes too early comes again.
  for (let early = 0; ; early++) {
    const refusal = await send().then(
      () => undefined,
      (fault: Error) => fault,
    );
    if (refusal === undefined) break;
    if (early > 50 || !refusal.message.includes('POOL_NOT_OPEN')) throw refusal;
    await pause(100);
  }
  return bets.map((bet) => ({ bettor, bet }));
}

function inventBet(race: Race, type: string, strengths: readonly number[], out: ReadonlySet<string>): PlacedBet {
  const unit = chance.pick(UNITS);
  const positions = { WIN: 1, PLACE: 1, TRIFECTA: 3 }[type] ?? 2;
  const isBox = positions > 1 && chance.next() < 0.3;
  const running = race.runners.filter((runner) => !out.has(runner));
  const weights = crowdShares(strengths).filter((_, i) => !out.has(race.runners[i] as string));
  const runners = draw(running, weights, positions + (isBox ? 1 : 0));
  const form = isBox ? 'BOX' : 'STRAIGHT';
  const lines = linesOf({ type, form, runners }).length;
  return { poolId: `${race.raceId}-${type}`, type, form, runners, unit, stake: lines * unit };
}

function draw(runners: readonly string[], weights: readonly number[], count: number): string[] {
  const left = runners.map((runner, i) => ({ runner, weight: weights[i] as number }));
  return Array.from({ length: count }, () => {
    const [drawn] = left.splice(chance.weighted(left.map(({ weight }) => weight)), 1);
    return drawn?.runner ?? '';
  });
}

// Checking.

/** Compares each pool's sheet with the bets that were placed, and writes its row of the table. */
async function checkRace(
  house: House,
  race: Race,
  bets: readonly Staked[],
  preview: Record<string, unknown>,
  declared: Map<string, Declared>,
): Promise<Record<string, string | number>[]> {
  const shown = preview['pools'] as { poolId: string; proposals: { agrees: boolean }[] }[];
  const rows: Record<string, string | number>[] = [];
  for (const type of race.types) {
    const poolId = `${race.raceId}-${type}`;
    // The read models show the sheet a moment after the race is settled.
    const sheet = await house.wait(`the sheet of ${poolId}`, `/v1/pools/${poolId}/dividends`, undefined, () => true);
    const answer = sheet as unknown as Declared;
    declared.set(poolId, answer);
    paidPools.push(poolId);
    const { outcome, gross, takeout, carryIn, dividends, breakage, topUp, carryOut, refunded } = answer.sheet;
    const own = bets.filter(({ bet }) => bet.poolId === poolId).map(({ bet }) => bet);
    const due = own.map((bet) => naivePayment(bet, new Set(race.nonRunners), answer));
    const staked = sum(own.map(({ stake }) => stake));
    const refunds = sum(due.map(({ refund }) => refund));
    const paid = sum(due.map(({ payout }) => payout));
    // A refunded pool's gross is what its ladder gives back; what scratches gave back left it before.
    if (gross - refunded + refunds !== staked)
      findings.push(`${poolId}: staked ${staked}, refunds ${refunds}, gross ${gross}`);
    const out = takeout + breakage + carryOut + refunded + sum(dividends.map((dividend) => dividend.paid));
    if (gross + carryIn + topUp !== out)
      findings.push(`${poolId}: its sheet takes in ${gross + carryIn + topUp} and gives out ${out}`);
    const agreeing = shown.find((pool) => pool.poolId === poolId)?.proposals.filter(({ agrees }) => agrees).length ?? 0;
    if (agreeing !== 3) findings.push(`${poolId}: ${agreeing} of 3 calculators agree`);
    if (own.length < perPool) findings.push(`${poolId}: only ${own.length} bets`);
    const prices = dividends.map(({ c, price }) => `${c}: ${price}`).join(' ') || outcome;
    rows.push({
      pool: poolId.replace(`${DAY}-`, ''),
      bets: own.length,
      staked,
      refunds,
      takeout,
      paid,
      breakage,
      topUp,
      prices,
    });
  }
  return rows;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

interface Movement {
  readonly position: string;
  readonly kind: string;
  readonly amount: number;
  readonly before: number;
  readonly after: number;
}

async function reconcile(
  house: House,
  opening: readonly number[],
  staked: readonly Staked[],
  declared: ReadonlyMap<string, Declared>,
  races: readonly Race[],
): Promise<void> {
  const out = new Map(
    races.flatMap((race) => race.types.map((t) => [`${race.raceId}-${t}`, new Set(race.nonRunners)])),
  );
  let movements = 0;
  let reconciled = 0;
  for (const [i, bettor] of house.bettors.entries()) {
    let expected = opening[i] as number;
    for (const { bet } of staked.filter((one) => one.bettor === bettor)) {
      const due = naivePayment(bet, out.get(bet.poolId) ?? new Set(), declared.get(bet.poolId) as Declared);
      expected += due.refund + due.payout - bet.stake;
    }
    const balance = await settledBalance(house, bettor, expected);
    const statement = await statementOf(house, bettor);
    movements += statement.length;
    const summed = statement.reduce((sum, { amount }) => sum + amount, 0);
    const before = findings.length;
    if (balance !== expected) findings.push(`${bettor.accountId}: balance ${balance}, by its bets ${expected}`);
    if (balance !== summed) findings.push(`${bettor.accountId}: balance ${balance}, by its statement ${summed}`);
    for (const [k, movement] of statement.entries())
      if (movement.before !== (statement[k - 1]?.after ?? 0) || movement.after !== movement.before + movement.amount)
        findings.push(`${bettor.accountId}: its statement breaks at ${movement.position}`);
    if (findings.length === before) reconciled++;
  }
  console.log(
    `french cards: ${races.length} races, ${declared.size} pools, ${staked.length} bets; ${reconciled} of ${house.bettors.length} ` +
      `accounts reconciled over ${movements} movements; ${findings.length} findings`,
  );
}

const balanceOf = async (house: House, { accountId, token }: Bettor): Promise<number> => {
  const { body } = must(await house.client.get(`/v1/accounts/${accountId}`, token), accountId);
  return (body['balance'] as { available: number }).available;
};

/** Read models follow the log within moments: looks again before it calls a difference one. */
async function settledBalance(house: House, bettor: Bettor, expected: number): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt++) {
    if ((await balanceOf(house, bettor)) === expected) break;
    await new Promise((wake) => setTimeout(wake, 250));
  }
  return balanceOf(house, bettor);
}

async function statementOf(house: House, { accountId, token }: Bettor): Promise<Movement[]> {
  const all: Movement[] = [];
  for (let next: string | null = ''; next !== null; ) {
    const after: string = next === '' ? '' : `?after=${next}`;
    const { body } = must(await house.client.get(`/v1/accounts/${accountId}/statement${after}`, token), accountId);
    all.push(...(body['entries'] as Movement[]));
    next = body['next'] as string | null;
  }
  return all;
}

/** The stopped system's log, read by the checker that shares no code with it: every paid pool's clearing account is empty. */
async function readTheLog(dataDir: string): Promise<void> {
  const { shards, market } = await readLogFolder(dataDir);
  const verdict = checkLogs(shards, market, []);
  findings.push(...verdict.findings);
  for (const poolId of paidPools) {
    const left = verdict.clearing.get(poolId) ?? 0;
    if (left !== 0) findings.push(`${poolId}: ${left} is left in its clearing account`);
  }
  console.log(
    `the log: ${verdict.decisions} valid decisions, ${verdict.accepted} tickets, ${paidPools.length} pools cleared to zero; ` +
      `${findings.length} findings`,
  );
}

if (file === undefined)
  console.log('french-cards: name a JSON file of cards to run them; none was named, nothing to do.');
else {
  const sources = JSON.parse(readFileSync(file, 'utf8')) as RaceSource[];
  await withSystem(option('url'), ['--accounts', String(ACCOUNTS)], (at) => main(at, sources), readTheLog);
  for (const finding of findings.slice(0, 30)) console.log(`FINDING ${finding}`);
  if (findings.length > 0) process.exitCode = 1;
}
