/**
 * What one cycle's changes cost for 2,000 connections, against sending each of them a constant text of the same length: the ratio is
 * what the feed adds to its transport. Three audiences: all follow the whole day, each follows one race, and a tenth has a
 * subscription of its own. The sockets are counters, since theirs is not the cost measured.
 * `npx tsx --conditions=src bench/feed-fanout.ts [connections] [rounds]`.
 */
import { GENESIS } from '#mutuel/contracts';
import { type MarketFact, type MeetingCard, marketDecider } from '#mutuel/engine';
import { FeedHub } from '#mutuel/services';
import { type PoolType, ruleSetFor } from '#mutuel/tote';
import { CYCLE_MS, type OddsRow, type Tick } from '#mutuel/views';

const RACES = 50;
const RUNNERS = 16;
const TYPES: readonly PoolType[] = ['WIN', 'PLACE', 'EXACTA'];
/** Pools that move in a cycle: a busy day, not a storm. */
const MOVED_RACES = 10;

const numbers = process.argv.slice(2).map(Number).filter(Number.isFinite);
const isSmall = process.argv.includes('--small');
const [connections = isSmall ? 100 : 2_000, rounds = isSmall ? 2 : 15] = numbers;

measure('all follow the whole day', () => ({}));
measure('each follows one race', (i) => ({ races: [`R${i % RACES}`] }));
measure('a tenth follows lists of their own', (i) => (i % 10 === 0 ? { races: [`R${i % RACES}`, `X${i}`] } : {}));

function measure(name: string, filterOf: (i: number) => object): void {
  const clock = { time: 0, now: () => clock.time, sleep: async () => undefined };
  const decider = marketDecider({ shards: 1, hash: () => '' });
  const cards = new Map<string, MeetingCard>([['M', meeting()]]);
  const market = { state: decider.initialState(), cards, seq: 1 };
  decider.evolve(market.state, published(meeting()));
  const hub = new FeedHub({ market, clock });
  let cycle = 359_060_001;
  const next = (full: boolean): Tick => {
    cycle++;
    clock.time = cycle * CYCLE_MS;
    return tick(cycle, full);
  };
  hub.onTick(next(true));
  let bytes = 0;
  let frames = 0;
  const send = (text: string): void => {
    // A socket writes bytes: without this a text would not even be put together.
    bytes += Buffer.byteLength(text);
    frames++;
  };
  for (let i = 0; i < connections; i++) {
    const receiver = hub.connect({ send, bufferedAmount: () => 0, close: () => undefined });
    receiver.receive(JSON.stringify({ op: 'subscribe', id: 1, filter: filterOf(i) }));
  }
  const times: number[] = [];
  const constants: number[] = [];
  const encodedBefore = hub.metrics.encoded;
  let sent = 0;
  for (let round = 0; round < rounds; round++) {
    bytes = 0;
    frames = 0;
    const moved = next(false);
    let began = processorMs();
    hub.onTick(moved);
    times.push(processorMs() - began);
    sent += frames;
    const constant = 'x'.repeat(Math.max(1, Math.round(bytes / Math.max(1, frames))));
    const count = frames;
    began = processorMs();
    for (let i = 0; i < count; i++) send(constant);
    constants.push(processorMs() - began);
  }
  const [feed, floor] = [median(times), median(constants)];
  console.log(
    `${name}: ${Math.round(sent / rounds)} frames a tick of ${Math.round(bytes / Math.max(1, frames))} bytes, ` +
      `${((hub.metrics.encoded - encodedBefore) / rounds).toFixed(1)} encoded; ${feed.toFixed(1)} ms of processor a tick, ` +
      `a constant text ${floor.toFixed(1)} ms, ratio ${(feed / floor).toFixed(1)}; median of ${rounds}`,
  );
  hub.close();
}

/** Processor time of this process: other work on the machine does not count. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function tick(cycle: number, full: boolean): Tick {
  const races = full ? RACES : MOVED_RACES;
  const pools = Array.from({ length: races }, (_, i) => (full ? i : (cycle * MOVED_RACES + i) % RACES)).flatMap(
    (race) =>
      TYPES.map((type) => {
        const rows = combos(type).map((c, i): OddsRow => {
          // One row in four moves.
          const amt = 1_000 + i + ((i + cycle) % 4 === 0 ? cycle % 1_000 : 0);
          const price = `${1 + ((i * 7 + amt) % 50)}.${amt % 10}0`;
          return type === 'PLACE' ? [c, amt, null, price, price] : [c, amt, price];
        });
        const gross = rows.reduce((sum, [, stake]) => sum + stake, 0);
        return { id: `R${race}-${type}`, v: cycle, gross, net: gross, carryIn: 0, final: false, rows };
      }),
  );
  const prevCycle = full ? null : cycle - 1;
  return { v: 1, cycle, prevCycle, at: cycle * CYCLE_MS, late: false, full, cut: { shards: [0], market: 0 }, pools };
}

function combos(type: PoolType): string[] {
  const runners = Array.from({ length: RUNNERS }, (_, i) => String(i + 1));
  if (type !== 'EXACTA') return runners;
  return runners.flatMap((a) => runners.filter((b) => b !== a).map((b) => `${a}>${b}`));
}

function published(card: MeetingCard) {
  const fact: MarketFact = { t: 'MeetingPublished', meeting: card };
  return {
    ...({
      v: 1,
      kind: 'decision',
      src: 'market',
      epoch: 0,
      seq: 1,
      in: [0, 0, 0],
      cid: '',
      inc: '',
      prev: GENESIS,
    } as const),
    ...{ at: 0, time: 0, events: [{ t: 'Fact' as const, n: 1, fact }], posts: [] },
  };
}

function meeting(): MeetingCard {
  return {
    ...{ meetingId: 'M', course: 'Bench', date: '2026-11-22', country: 'FR', currency: 'EUR', exponent: 2 },
    races: Array.from({ length: RACES }, (_, no) => ({
      ...{ raceId: `R${no}`, number: no, name: 'Bench', postTime: 0 },
      runners: Array.from({ length: RUNNERS }, (_, i) => ({ number: String(i + 1), name: 'Horse' })),
      pools: TYPES.map((type) => {
        const ruleSet = ruleSetFor('FR', type);
        if (!ruleSet) throw new Error(`no rule set for ${type}`);
        return { poolId: `R${no}-${type}`, type, ruleSet, carryInMinor: 0 };
      }),
    })),
  };
}
