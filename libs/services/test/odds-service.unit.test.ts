/** The odds service over real deciders and a log in memory: cycles without holes, and ticks that anybody can compute again. */
import { beforeEach, describe, expect, it } from 'vitest';
import { openMemoryCache } from '#mutuel/adapters';
import { type Clock, directTails, type NoteStore, type OnRecords, type TailSource } from '#mutuel/runtime';
import { CYCLE_MS, cycleAt, encodeTick, type Tick } from '#mutuel/views';
import { ODDS_KEY, OddsService, recomputeTick, ticksBack } from '../src/index.js';
import { type Floor, MeetingFloor } from '../src/meeting-floor.js';
import { House, meeting, operator, poolOf, RACE, START, steward, until } from './support/house.js';

const WIN = poolOf('WIN');
const FIRST = cycleAt(START);

let house: House;
let alarms: string[];
let seed = 0;
/** Records that services were given to read. */
let handedOut = 0;

beforeEach(async () => {
  house = await House.open(2);
  alarms = [];
  await house.act({ type: 'PublishMeeting', meeting: meeting(['WIN', 'PLACE', 'EXACTA', 'TRIFECTA']), by: operator });
  await house.act({ type: 'OpenRace', race: RACE, reason: 'on time', by: operator });
  for (const account of ['acc-1', 'acc-2', 'acc-3']) await house.fund(account, 10_000_000);
});

function service(cache = openMemoryCache(), clock: Clock = house.clock, notes?: NoteStore) {
  const { log } = house;
  const n = ++seed;
  const entropy = { bytes: (count: number) => new Uint8Array(count).fill(n) };
  const counted: TailSource = {
    subscribe: (start, onRecords, onFault) => {
      const take: OnRecords = (records) => {
        handedOut += records.length;
        return onRecords(records);
      };
      return directTails(log).subscribe(start, take, onFault);
    },
  };
  return new OddsService({
    ...{ log, clock, entropy, cache, notes, tails: counted, shards: 2 },
    onAlarm: (code) => alarms.push(code),
  });
}

const ticks = async (): Promise<readonly Tick[]> => (await ticksBack(house.log, () => false)).ticks;
const reached = (cycle: number) => until(async () => ((await ticks()).at(-1)?.cycle ?? 0) >= cycle, `cycle ${cycle}`);
const text = (tick: Tick): string =>
  encodeTick(tick, 'x')
    .map((part) => Buffer.from(part).toString())
    .join();

/** The first cycle is due as the test begins. */
async function begin(odds: OddsService): Promise<void> {
  await odds.start();
  house.clock.time += 200;
  await reached(FIRST);
}

async function sell(cycles: number): Promise<void> {
  for (let i = 0; i < cycles; i++) {
    house.clock.time = (cycleAt(house.clock.time) + 1) * CYCLE_MS - 1_000;
    await house.renewLease();
    await house.bet(`acc-${(i % 3) + 1}`, { pool: WIN, sel: String((i % 5) + 1), unit: 1_000 + 50 * i });
    await house.bet('acc-2', { pool: poolOf('TRIFECTA'), sel: 'BOX:1,2,4', unit: 100, stake: 600 });
    await house.bet('acc-3', { pool: poolOf('PLACE'), sel: String((i % 6) + 1), unit: 700 });
    house.clock.time += 1_200;
    await reached(cycleAt(house.clock.time));
  }
}

describe('the odds service', () => {
  it('writes every cycle once, each naming the one before, and anybody recomputes the same bytes from its cut', async () => {
    const cache = openMemoryCache();
    const odds = service(cache);
    await begin(odds);
    await sell(4);
    await house.act({ type: 'ScratchRunner', race: RACE, runner: '2', reason: 'lame', by: steward });
    await sell(1);
    await house.act({ type: 'StopBetting', race: RACE, reason: 'off', by: operator });
    house.clock.time += CYCLE_MS;
    await reached(cycleAt(house.clock.time));
    await odds.stop();
    const all = await ticks();
    expect(all.map((tick) => tick.cycle)).toEqual(all.map((_, i) => FIRST + i));
    expect(all.slice(1).map((tick) => tick.prevCycle)).toEqual(all.slice(1).map((_, i) => FIRST + i));
    for (const tick of all) expect(text(await recomputeTick(house.log, 2, tick))).toBe(text(tick));
    const last = all.at(-1)?.pools.find((pool) => pool.id === WIN);
    expect(last).toMatchObject({ final: true });
    expect(JSON.parse((await cache.get(ODDS_KEY(WIN)))?.value ?? '{}')).toMatchObject({ id: WIN, final: true });
    expect(alarms).toEqual([]);
  });

  it('emits what it missed late and flagged, with the figures of each cycle', async () => {
    const first = service();
    await begin(first);
    await sell(2);
    await first.stop();
    const before = (await ticks()).at(-1)?.cycle ?? 0;
    // The house goes on without odds for three cycles.
    for (let i = 0; i < 3; i++) {
      house.clock.time += CYCLE_MS;
      await house.renewLease();
      await house.bet('acc-1', { pool: WIN, sel: '1', unit: 1_000 });
    }
    house.clock.time += 1_000;
    const secondLife = service();
    await secondLife.start();
    await reached(cycleAt(house.clock.time));
    await secondLife.stop();
    const missed = (await ticks()).filter((tick) => tick.cycle > before);
    expect(missed.map((tick) => tick.cycle)).toEqual([before + 1, before + 2, before + 3]);
    expect(missed.slice(0, 2).every((tick) => tick.late)).toBe(true);
    const gross = missed.map((tick) => tick.pools.find((pool) => pool.id === WIN)?.gross ?? 0);
    // 1,000 and 1,050 were sold before; in the first missed cycle the pool did not move.
    expect(gross).toEqual([0, 3_050, 4_050]);
    for (const tick of missed) expect(text(await recomputeTick(house.log, 2, tick))).toBe(text(tick));
    expect(alarms).toContain('ODDS_LATE');
  });

  it('does no harm when two of it run', async () => {
    const pair = [service(), service()];
    await Promise.all(pair.map((one) => one.start()));
    await sell(3);
    await Promise.all(pair.map((one) => one.stop()));
    const all = await ticks();
    expect(all.map((tick) => tick.cycle)).toEqual(all.map((_, i) => FIRST + i));
    for (const tick of all) expect(text(await recomputeTick(house.log, 2, tick))).toBe(text(tick));
  });

  it.each([400, 900, 2_500])('leaves nothing out of a cut with a clock %i ms ahead of the log', async (ahead) => {
    const { clock } = house;
    const odds = service(openMemoryCache(), {
      now: () => clock.now() + ahead,
      sleep: (ms, signal) => clock.sleep(ms, signal),
    });
    await odds.start();
    clock.time += 200;
    await reached(FIRST);
    const moment = (FIRST + 1) * CYCLE_MS;
    clock.time = moment - 3_000;
    await house.renewLease();
    // By the clock of the odds the moment is over and its grace, too; by the log's it is still to come.
    clock.time = moment - ahead + 151;
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect((await ticks()).at(-1)?.cycle).toBe(FIRST);
    clock.time = moment;
    await house.bet('acc-1', { pool: WIN, sel: '1', unit: 1_000 });
    clock.time = moment + 151;
    await reached(FIRST + 1);
    await odds.stop();
    const tick = (await ticks()).at(-1) as Tick;
    expect(tick.pools.find((pool) => pool.id === WIN)?.gross).toBe(1_000);
    expect(text(await recomputeTick(house.log, 2, tick))).toBe(text(tick));
    expect(alarms).not.toContain('ODDS_CUT_SHORT');
  });

  it('says so when a tick went out too early all the same: the clock was set forward a moment before', async () => {
    const { clock } = house;
    let ahead = 0;
    const odds = service(openMemoryCache(), {
      now: () => clock.now() + ahead,
      sleep: (ms, signal) => clock.sleep(ms, signal),
    });
    await odds.start();
    clock.time += 200;
    await reached(FIRST);
    clock.time += 3_000;
    await house.renewLease();
    ahead = CYCLE_MS;
    await reached(FIRST + 1);
    await house.bet('acc-1', { pool: WIN, sel: '1', unit: 1_000 });
    await until(() => alarms.includes('ODDS_CUT_SHORT'), 'the alarm');
    await odds.stop();
  });
});

describe('where the odds begin to read', () => {
  const kept = new Map<string, string>();
  const notes: NoteStore = {
    read: async (name) => kept.get(name),
    write: async (name, text) => void kept.set(name, text),
  };

  /** Many cycles with nothing on sale, then a meeting that sells. */
  async function quietDaysAndAMeeting(): Promise<void> {
    kept.clear();
    house = await House.open(2);
    await house.renewLease();
    const odds = service(openMemoryCache(), house.clock, notes);
    await begin(odds);
    for (let i = 0; i < 26; i++) {
      house.clock.time = (cycleAt(house.clock.time) + 1) * CYCLE_MS - 1_000;
      await house.renewLease();
      for (const account of ['acc-1', 'acc-2', 'acc-3']) await house.fund(account, 1_000_000);
      house.clock.time += 1_200;
      await reached(cycleAt(house.clock.time));
    }
    await house.act({ type: 'PublishMeeting', meeting: meeting(['WIN', 'PLACE', 'EXACTA', 'TRIFECTA']), by: operator });
    await house.act({ type: 'OpenRace', race: RACE, reason: 'on time', by: operator });
    await sell(4);
    await odds.stop();
  }

  const recomputed = async (): Promise<void> => {
    for (const tick of await ticks()) expect(text(await recomputeTick(house.log, 2, tick))).toBe(text(tick));
  };

  it('is before the oldest meeting that is not settled, and every tick is what it would be from the beginning', async () => {
    await quietDaysAndAMeeting();
    handedOut = 0;
    const again = service(openMemoryCache(), house.clock, notes);
    await again.start();
    await sell(3);
    await again.stop();
    const read = handedOut;
    handedOut = 0;
    const fromTheBeginning = service();
    await fromTheBeginning.start();
    await sell(1);
    await fromTheBeginning.stop();
    expect(read).toBeLessThan(0.7 * handedOut);
    expect((await ticks()).at(-1)?.pools.find((pool) => pool.id === WIN)?.gross).toBeGreaterThan(0);
    await recomputed();
    expect(alarms).toEqual([]);
  });

  it.each([
    ['is rotten', (note: string) => note.replace('until', 'untol')],
    ['was written by another release', (note: string) => note.replace('"v":1', '"v":2')],
  ])('is the logs’ beginning where the note %s, and that is said', async (_why, spoil) => {
    await quietDaysAndAMeeting();
    kept.set('odds-floor', spoil(kept.get('odds-floor') ?? ''));
    const again = service(openMemoryCache(), house.clock, notes);
    await again.start();
    await sell(2);
    await again.stop();
    await recomputed();
    expect(alarms).toEqual(['ODDS_NOTE_IGNORED']);
  });

  it('is the logs’ beginning where the note is of other logs, and that is said', async () => {
    await quietDaysAndAMeeting();
    house = await House.open(2);
    await house.renewLease();
    await house.fund('acc-1', 5);
    const again = service(openMemoryCache(), house.clock, notes);
    await begin(again);
    await again.stop();
    await recomputed();
    expect(alarms).toEqual(['ODDS_NOTE_IGNORED']);
  });

  it('stays before a meeting until all of its races are settled', () => {
    const at = (until: number): Floor => ({ until, places: {} });
    const published = (meetingId: string) =>
      ({ events: [{ t: 'FactApplied', fact: { t: 'MeetingPublished', meeting: { meetingId } } }] }) as never;
    const floor = new MeetingFloor(undefined);
    const [a, b, c] = [at(1), at(2), at(3)];
    floor.mark(1, () => a);
    floor.mark(2, () => b);
    expect(floor.now).toBe(a);
    floor.see(published('m-1'));
    floor.mark(3, () => c);
    floor.see(published('m-2'));
    expect(floor.now).toBe(a);
    floor.over('m-1');
    expect(floor.now).toBe(b);
    // What was read by the moment of a place must be in a tick that is out.
    floor.over('m-2');
    floor.mark(2, () => at(9));
    expect(floor.now).toBe(b);
    floor.mark(3, () => at(9));
    expect(floor.now).toBe(c);
  });
});
