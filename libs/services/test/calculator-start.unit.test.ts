/** Where a calculator begins to read after a restart: before the oldest meeting that is not over, to the same proposals as from the beginning. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { DividendProposal, MarketEvent } from '#mutuel/engine';
import { type EventLog, type NoteStore, type OnRecords, TailHub, type TailSource } from '#mutuel/runtime';
import { auditCalculator, type CalculatorOptions, engineCalculator } from '../src/index.js';
import { House, KEY, meeting, operator, RACE, START, steward, until } from './support/house.js';

const TYPES = ['WIN', 'EXACTA', 'TRIFECTA'] as const;
const ACCOUNTS = ['acc-1', 'acc-2', 'acc-3'];
/** The same card under another name. */
const other = <T>(value: T): T => JSON.parse(JSON.stringify(value).replaceAll('-R1', '-R7')) as T;
const OLD_RACE = other(RACE);

let house: House;
let alarms: string[];
let kept: Map<string, string>;
/** Records that calculators were given to read. */
let handedOut = 0;

const notes: NoteStore = {
  read: async (name) => kept.get(name),
  write: async (name, text) => void kept.set(name, text),
};

beforeEach(async () => {
  house = await House.open(2);
  alarms = [];
  kept = new Map();
  for (const account of ACCOUNTS) await house.fund(account, 10_000_000);
});

function options(more: Partial<CalculatorOptions> = {}): CalculatorOptions {
  const { clock } = house;
  const { log = house.log } = more;
  let n = 0;
  const hub = new TailHub(log, clock);
  const tails: TailSource = {
    subscribe: (start, onRecords, onFault) => {
      const take: OnRecords = (records) => {
        handedOut += records.length;
        return onRecords(records);
      };
      return hub.subscribe(start, take, onFault);
    },
  };
  return {
    ...{ log, tails, clock, serviceKey: KEY, shards: 2 },
    entropy: { bytes: (count) => new Uint8Array(count).fill(++n) },
    onAlarm: (code, detail) => alarms.push(`${code} ${detail}`),
    ...more,
  };
}

async function publish(card: ReturnType<typeof meeting>, race: string): Promise<void> {
  await house.act({ type: 'PublishMeeting', meeting: card, by: operator });
  await house.act({ type: 'OpenRace', race, reason: 'on time', by: operator });
}

async function sell(race: string, rounds: number): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    house.clock.time += 1_000;
    await house.renewLease();
    const account = ACCOUNTS[i % 3] ?? '';
    await house.bet(account, { pool: `${race}-WIN`, sel: String((i % 6) + 1), unit: 1_000 + 50 * i });
    await house.bet(account, { pool: `${race}-EXACTA`, sel: 'BOX:1,2,3', unit: 100, stake: 600 });
    await house.bet(account, { pool: `${race}-TRIFECTA`, sel: '1>2>3,4,5', unit: 100, stake: 300 });
  }
}

/** Long enough for a running calculator to note where it stands, twice. */
async function minutesPass(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    house.clock.time += 61_000;
    await house.renewLease();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

type Make = typeof engineCalculator | typeof auditCalculator;

/** An old meeting that ends while the next one sells, all of it followed by a calculator that is stopped then. */
async function oneMeetingAfterAnother(make: Make): Promise<void> {
  await publish(other(meeting([...TYPES])), OLD_RACE);
  await sell(OLD_RACE, 40);
  const calculator = make(options({ notes }));
  await calculator.start();
  await minutesPass();
  await publish(meeting([...TYPES]), RACE);
  await sell(RACE, 3);
  // What the older one still owes comes between the bets of the newer one.
  await sell(OLD_RACE, 2);
  await house.act({ type: 'VoidRace', race: OLD_RACE, reason: 'fog', by: steward });
  await sell(RACE, 3);
  await until(async () => {
    await minutesPass();
    return kept.size > 0;
  }, 'a note');
  await calculator.stop();
}

/** What a calculator that starts now proposes for the race once it is run, and how many records it read for it. */
async function proposals(make: Make, more: Partial<CalculatorOptions>): Promise<readonly DividendProposal[]> {
  handedOut = 0;
  const calculator = make(options(more));
  await calculator.start();
  const found: DividendProposal[] = [];
  await until(async () => {
    const events = (await house.pump()).flatMap(({ events }) => events as readonly MarketEvent[]);
    for (const event of events) if (event.t === 'ProposalReceived') found.push(event.proposal);
    return found.length === TYPES.length;
  }, 'a proposal for each pool');
  await calculator.stop();
  return found.toSorted((a, b) => (a.pool < b.pool ? -1 : 1));
}

/** The order is entered anew, so that every calculator is asked again. */
async function result(version: number): Promise<void> {
  if (version === 1) await house.act({ type: 'StopBetting', race: RACE, reason: 'off', by: operator });
  else await house.act({ type: 'ScratchRunner', race: RACE, runner: String(7 - version), reason: 'x', by: steward });
  const order = { finish: [['1'], ['2'], ['3']], disqualified: [], reason: 'as seen' };
  await house.act({ type: 'EnterResult', race: RACE, ...order, by: steward });
}

describe.each<[string, Make]>([
  ['engine', engineCalculator],
  ['audit', auditCalculator],
])('the calculator of the %s', (name, make) => {
  const note = `calculator-${name}`;

  it('begins before the oldest meeting that is not over, and proposes what it would from the beginning', async () => {
    await oneMeetingAfterAnother(make);
    const { places } = JSON.parse((JSON.parse(kept.get(note) ?? '') as { body: string }).body);
    expect(Object.keys(places).sort()).toEqual(name === 'audit' ? ['market', 'shard-0', 'shard-1'] : ['market']);
    await result(1);
    const fromTheNote = await proposals(make, { notes });
    const read = handedOut;
    const engine = make === engineCalculator ? auditCalculator : engineCalculator;
    const ofTheOther = await proposals(engine, {});
    for (const [i, { inputHash, dividends, paidMinor }] of ofTheOther.entries()) {
      expect(fromTheNote[i]).toMatchObject({ inputHash, paidMinor });
      expect(fromTheNote[i]?.dividends.length).toBe(dividends.length);
    }
    expect(fromTheNote.every(({ grossMinor }) => grossMinor > 0)).toBe(true);
    const again = options();
    handedOut = 0;
    const fromTheBeginning = make(again);
    await fromTheBeginning.start();
    await until(() => handedOut > 0 && handedOut >= read, 'the whole log');
    await new Promise((resolve) => setTimeout(resolve, 30));
    await fromTheBeginning.stop();
    expect(read).toBeLessThan(0.8 * handedOut);
    expect(alarms).toEqual([]);
  });

  it.each([
    ['is rotten', (text: string) => text.replace('offset', 'offzet').replace('checkpoint', 'chockpoint')],
    ['was written by another release', (text: string) => text.replace('"v":1', '"v":9')],
  ])('reads all of the log where the note %s, and that is said', async (_why, spoil) => {
    await oneMeetingAfterAnother(make);
    kept.set(note, spoil(kept.get(note) ?? ''));
    await result(1);
    const found = await proposals(make, { notes });
    expect(found.every(({ grossMinor }) => grossMinor > 0)).toBe(true);
    expect(alarms).toHaveLength(1);
    expect(alarms[0]).toMatch(/^CALCULATOR_NOTE_IGNORED .+ all of the log is read$/);
  });

  it('reads all of the log where the note is of another one, and that is said', async () => {
    await oneMeetingAfterAnother(make);
    house = await House.open(2);
    house.clock.time = START + 1;
    for (const account of ACCOUNTS) await house.fund(account, 10_000_000);
    await publish(meeting([...TYPES]), RACE);
    await sell(RACE, 4);
    await result(1);
    expect((await proposals(make, { notes })).every(({ grossMinor }) => grossMinor > 0)).toBe(true);
    expect(alarms).toHaveLength(1);
    expect(alarms[0]).toMatch(/^CALCULATOR_NOTE_IGNORED /);
  });

  it('does not start where the log no longer keeps what it needs, and says so', async () => {
    await oneMeetingAfterAnother(make);
    const { log } = house;
    const shortened: EventLog = Object.assign(Object.create(log) as EventLog, {
      bounds: async (at: Parameters<EventLog['bounds']>[0]) => ({ ...(await log.bounds(at)), start: 1_000_000 }),
    });
    for (const more of [{ notes }, {}]) {
      alarms = [];
      const calculator = make(options({ ...more, log: shortened }));
      await calculator.start();
      await calculator.stop();
      expect(alarms).toHaveLength(1);
      expect(alarms[0]).toMatch(/^CALCULATOR_STOPPED .+older than the log keeps: restore/);
    }
  });
});
