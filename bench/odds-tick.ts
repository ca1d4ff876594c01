/**
 * How long the tick of a busy cycle takes: 1,000 pools of 16 runners that all moved, a quarter win, a quarter place and half pair
 * matrices, and then 1,000 exacta matrices alone. `npx tsx --conditions=src bench/odds-tick.ts [rounds]`.
 */
import { type DecisionRecord, GENESIS } from '#mutuel/contracts';
import type { MeetingCard, ShardEvent } from '#mutuel/engine';
import { type PoolType, ruleSetFor } from '#mutuel/tote';
import { CYCLE_MS, computeTick, encodeTick, OddsBook } from '#mutuel/views';

const RUNNERS = 16;
const words = process.argv.slice(2).map(Number).filter(Number.isFinite);
const rounds = words[0] ?? (process.argv.includes('--small') ? 1 : 7);

measure('mixed: 250 win, 250 place, 250 quinella, 250 exacta', ['WIN', 'PLACE', 'QUINELLA', 'EXACTA'], 250);
measure('1,000 exacta matrices of 240 pairs', ['EXACTA'], 1_000);

function measure(name: string, types: readonly PoolType[], races: number): void {
  const book = new OddsBook(1);
  const card = meeting(types, races);
  let offset = 0;
  const offer = (time: number, events: readonly unknown[]): void =>
    book.offer(0, { decision: record(events as readonly ShardEvent[], offset), offset: offset++, time });
  offer(1, [{ t: 'FactApplied', n: 1, fact: { t: 'MeetingPublished', meeting: card } }]);
  for (const [no, pool] of card.races.flatMap((race) => race.pools).entries()) {
    for (const sel of selections(pool.type)) offer(2, [accepted(pool.poolId, sel, 1_000 + ((no * 7_919) % 9_001))]);
  }
  computeTick(book, { cycle: 1, prevCycle: null, at: 0, late: false });
  const computed: number[] = [];
  const encoded: number[] = [];
  let bytes = 0;
  for (let round = 0; round < rounds; round++) {
    const cycle = 2 + round;
    for (const race of card.races) {
      for (const pool of race.pools) {
        offer(cycle * CYCLE_MS, [accepted(pool.poolId, selections(pool.type)[round % 16] ?? '1', 100)]);
      }
    }
    let began = performance.now();
    const tick = computeTick(book, { cycle, prevCycle: cycle - 1, at: 0, late: false });
    computed.push(performance.now() - began);
    began = performance.now();
    bytes = encodeTick(tick, 'bench').reduce((sum, part) => sum + part.byteLength, 0);
    encoded.push(performance.now() - began);
    if (tick.pools.length !== 1_000) throw new Error(`${tick.pools.length} pools moved, not 1,000`);
  }
  const median = (values: readonly number[]): string =>
    ([...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0).toFixed(1);
  console.log(
    `${name}: computed in ${median(computed)} ms, encoded in ${median(encoded)} ms (${bytes} bytes); median of ${rounds}`,
  );
}

function selections(type: PoolType): string[] {
  const runners = Array.from({ length: RUNNERS }, (_, i) => String(i + 1));
  if (type === 'WIN' || type === 'PLACE') return runners;
  const joint = type === 'EXACTA' ? '>' : '-';
  return runners.flatMap((a, i) =>
    runners.filter((_, k) => (type === 'EXACTA' ? k !== i : k > i)).map((b) => `${a}${joint}${b}`),
  );
}

function meeting(types: readonly PoolType[], races: number): MeetingCard {
  return {
    meetingId: 'M',
    course: 'Bench',
    date: '2026-11-22',
    country: 'FR',
    currency: 'EUR',
    exponent: 2,
    races: Array.from({ length: races }, (_, no) => ({
      raceId: `R${no}`,
      number: no,
      name: 'Bench',
      postTime: 0,
      runners: Array.from({ length: RUNNERS }, (_, i) => ({ number: String(i + 1), name: 'Horse' })),
      pools: types.map((type) => {
        const ruleSet = ruleSetFor('FR', type);
        if (!ruleSet) throw new Error(`no rule set for ${type}`);
        return { poolId: `R${no}-${type}`, type, ruleSet, carryInMinor: 0 };
      }),
    })),
  };
}

function accepted(pool: string, sel: string, unit: number): unknown {
  return { t: 'TicketAccepted', bets: [{ no: 0, ref: 'a', pool, sel, lines: 1, unit, stake: unit, leaf: '' }] };
}

function record(events: readonly ShardEvent[], offset: number): DecisionRecord {
  return {
    v: 1,
    kind: 'decision',
    src: 'shard-0',
    epoch: 0,
    seq: offset + 1,
    in: [0, offset, 0],
    cid: '',
    inc: '',
    prev: GENESIS,
    at: 0,
    time: 0,
    events,
    posts: [],
  };
}
