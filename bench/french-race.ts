/**
 * A French race as it happened: bets and cancels over the public API so that the stake on each runner is what the operator's
 * pool held at each snapshot, and after each the published win odds beside those that the operator showed. Reads a CSV file with
 * the columns ts, runner, odds, win_stake_eur (whole euros), consistent (1 where stake and odds belong together); keeps none of it.
 *
 * `npx tsx --conditions=src bench/french-race.ts FILE [--url=URL]`, after a build; a tick every five seconds makes it seven minutes.
 */
import { readFileSync } from 'node:fs';
import { v7 } from 'uuid';
import { type Bettor, House, pause, withSystem } from './support/house.js';

interface Row {
  readonly runner: string;
  readonly shown: string;
  readonly stakeMinor: number;
  readonly isConsistent: boolean;
}

interface Ticket {
  readonly ticketId: string;
  readonly bettor: Bettor;
  readonly stake: number;
}

interface OddsRow {
  readonly c: string;
  readonly stake: number;
  readonly price: string | null;
}

const UNIT = 100;
const TICK_WITHIN_MS = 300_000;
const LOOK_AGAIN_MS = 100;

const file = process.argv.slice(2).find((word) => !word.startsWith('--'));
const url = process.argv.find((word) => word.startsWith('--url='))?.slice('--url='.length);
async function main(at: string, snapshots: readonly (readonly Row[])[]): Promise<void> {
  const house = await House.enter(at);
  const raceId = `french-race-${Date.now().toString(36)}-C1`;
  const poolId = `${raceId}-WIN`;
  await house.publish(cardOf(raceId, snapshots[0] ?? []));
  await house.open(raceId);
  const book = new Book(house, poolId);
  const wrong: string[] = [];
  let compared = 0;
  for (const [no, snapshot] of snapshots.entries()) {
    const moved = await book.moveTo(snapshot);
    const published = await book.published(snapshot, moved);
    for (const row of snapshot.filter((one) => one.isConsistent && one.stakeMinor > 0)) {
      compared++;
      const price = published.find((one) => one.c === row.runner)?.price ?? null;
      if (!sameOdds(price, row.shown)) wrong.push(`snapshot ${no} runner ${row.runner}: ${price}, shown ${row.shown}`);
    }
    if (no % 10 === 0 || no === snapshots.length - 1)
      console.log(`snapshot ${no + 1} of ${snapshots.length}: ${compared - wrong.length} of ${compared} odds equal`);
  }
  for (const line of wrong.slice(0, 20)) console.log(line);
  console.log(
    `french race: ${compared - wrong.length} of ${compared} published win odds equal those the operator showed; ` +
      `${snapshots.length} snapshots, ${book.placed} tickets, ${book.cancelled} cancelled`,
  );
  await house.client.close();
  if (wrong.length > 0) process.exitCode = 1;
}

/** What stands in the pool, ticket by ticket. */
class Book {
  placed = 0;
  cancelled = 0;
  readonly #standing = new Map<string, Ticket[]>();

  constructor(
    private readonly house: House,
    private readonly poolId: string,
  ) {}

  /** Bets what is missing; where a stake fell, gives the newest tickets back first. Tells whether anything moved. */
  async moveTo(snapshot: readonly Row[]): Promise<boolean> {
    let moved = false;
    for (const { runner, stakeMinor } of snapshot) {
      const tickets = this.#standing.get(runner) ?? [];
      this.#standing.set(runner, tickets);
      const standing = (): number => tickets.reduce((sum, ticket) => sum + ticket.stake, 0);
      while (standing() > stakeMinor) {
        moved = true;
        await this.#cancel(tickets.pop() as Ticket);
      }
      if (standing() < stakeMinor) {
        moved = true;
        tickets.push(await this.#place(runner, stakeMinor - standing()));
      }
    }
    return moved;
  }

  async #place(runner: string, stake: number): Promise<Ticket> {
    const bettor = this.house.bettors[this.placed++ % this.house.bettors.length] as Bettor;
    const { accountId, token, currency } = bettor;
    const deposit = { ref: v7(), amount: stake };
    await this.house.send(`/v1/accounts/${accountId}/deposits`, deposit, token);
    const bet = { betRef: 'a', poolId: this.poolId, form: 'STRAIGHT', columns: [[runner]], unitStake: stake, stake };
    const ticket = { ticketRef: v7(), accountId, currency, bets: [bet] };
    const { body } = await this.house.send('/v1/tickets', ticket, token);
    return { ticketId: String(body['ticketId']), bettor, stake };
  }

  async #cancel({ ticketId, bettor }: Ticket): Promise<void> {
    this.cancelled++;
    const reason = { reason: 'the pool shrank here' };
    await this.house.send(`/v1/tickets/${ticketId}/cancel`, reason, bettor.token);
  }

  /** The pool's odds of a tick whose cut holds exactly these stakes. */
  async published(snapshot: readonly Row[], moved: boolean): Promise<readonly OddsRow[]> {
    const until = Date.now() + TICK_WITHIN_MS;
    while (Date.now() < until) {
      const { body } = await this.house.client.get(`/v1/pools/${this.poolId}`);
      const odds = (body['odds'] ?? []) as OddsRow[];
      const isThere = snapshot.every(
        ({ runner, stakeMinor }) => odds.find(({ c }) => c === runner)?.stake === stakeMinor,
      );
      if (isThere && odds.length > 0) return odds;
      await pause(LOOK_AGAIN_MS);
    }
    throw new Error(`no tick showed the stakes of this snapshot${moved ? '' : ', though nothing had moved'}`);
  }
}

function cardOf(raceId: string, rows: readonly Row[]): object {
  const now = Date.now();
  const runners = rows.map(({ runner }) => ({ number: runner, name: `Runner ${runner}` }));
  const race = { raceId, number: 1, name: 'The race', postTime: new Date(now + 3_600_000).toISOString(), runners };
  const pools = [{ type: 'WIN', ruleSet: 'FR@2021-01-01' }];
  const date = new Date(now).toISOString().slice(0, 10);
  const meeting = {
    meetingId: raceId.slice(0, -3),
    course: 'As it was',
    date,
    country: 'FR',
    currency: 'EUR',
    exponent: 2,
  };
  return { ...meeting, races: [{ ...race, pools }] };
}

/** 4.4 and 4.40 are the same odds. */
function sameOdds(ours: string | null, shown: string): boolean {
  return ours !== null && trimmed(ours) === trimmed(shown);
}

const trimmed = (odds: string): string => (odds.includes('.') ? odds.replace(/\.?0+$/, '') : odds);

function readSnapshots(text: string): Row[][] {
  const [head = '', ...lines] = text.trim().split(/\r?\n/);
  const names = head.split(',');
  const snapshots = new Map<string, Row[]>();
  for (const line of lines) {
    const cells = line.split(',');
    const cell = (name: string): string => {
      const found = cells[names.indexOf(name)];
      if (found === undefined) throw new Error(`${file}: no column ${name}`);
      return found;
    };
    const rows = snapshots.get(cell('ts')) ?? [];
    snapshots.set(cell('ts'), rows);
    const stakeMinor = Number(cell('win_stake_eur')) * UNIT;
    if (!Number.isSafeInteger(stakeMinor)) throw new Error(`${file}: ${cell('win_stake_eur')} is no whole amount`);
    rows.push({ runner: cell('runner'), shown: cell('odds'), stakeMinor, isConsistent: cell('consistent') === '1' });
  }
  return [...snapshots.values()];
}

// Last, since the class above must be there.
if (file === undefined)
  console.log('french-race: name a CSV file of snapshots to run them; none was named, nothing to do.');
else await withSystem(url, ['--accounts', '20'], (at) => main(at, readSnapshots(readFileSync(file, 'utf8'))));
