/**
 * Two readers, one log. Writers that lose answers, come back from the dead, take over from each other and now and then write
 * nonsense fill a log that errs, doubles and writes late; the runtime's reader and the second calculator's must take the same
 * decisions from it, and end at the same record where it cannot be followed.
 */
import { describe, expect, it } from 'vitest';
import { faultyLog, openMemoryLog, seededRandom } from '#mutuel/adapters';
import { AuditLogBroken, AuditLogReader } from '#mutuel/audit';
import { type DecisionRecord, encodeRecord, GENESIS, sha256, TOPICS } from '#mutuel/contracts';
import { type EventLog, LogFault, type LogRecord, validRecords } from '#mutuel/runtime';

const AT = { topic: TOPICS.shardDecisions, partition: 0 };
const PLAN = { refused: 0.05, lostBefore: 0.05, lostAfter: 0.08, late: 0.08, duplicate: 0.08, delay: 0.1, delayMs: 3 };
const STEPS = 120;

interface Chain {
  readonly seq: number;
  readonly head: string;
  readonly offset: number;
}

/** What a writer believes; a faulty append leaves it believing what may not be so. */
class Writer {
  readonly inc: string;
  #chain: Chain = { seq: 0, head: GENESIS, offset: -1 };

  constructor(
    private readonly log: EventLog,
    private readonly random: () => number,
    no: number,
  ) {
    this.inc = no.toString(16).padStart(32, '0');
  }

  async start(): Promise<void> {
    await this.#append([encodeRecord({ v: 1, kind: 'started', src: 'shard-0', epoch: 1, inc: this.inc })]);
    await this.catchUp();
  }

  /** Reads the log as an honest decider does before it decides; tells whether it is the one to decide. */
  async catchUp(): Promise<boolean> {
    const reader = validRecords('shard-0', AT);
    try {
      for (const record of await this.log.read({ ...AT, from: 0 }, 100_000)) reader.accept(record);
    } catch {
      return false;
    }
    this.#chain = { seq: reader.seq, head: reader.head, offset: reader.lastIn?.[1] ?? -1 };
    return reader.incarnation === this.inc;
  }

  async say(many: number, nonsense: boolean): Promise<void> {
    const records: Uint8Array[] = [];
    for (let i = 0; i < many; i++) {
      const bytes = encodeRecord(this.#next(nonsense && i === many - 1 ? this.#bend() : {}));
      const { seq, offset } = this.#chain;
      this.#chain = { seq: seq + 1, head: sha256(bytes), offset: offset + 1 };
      records.push(bytes);
    }
    await this.#append(records);
  }

  #next(bend: Partial<DecisionRecord>): DecisionRecord {
    const { seq, head, offset } = this.#chain;
    const said = { events: [], posts: [], at: 1, time: Math.floor(this.random() * 1e6), cid: 'c'.repeat(32) };
    const place = { epoch: 1, seq: seq + 1, in: [1, offset + 1, 0], prev: head, inc: this.inc } as const;
    return { v: 1, kind: 'decision', src: 'shard-0', ...said, ...place, ...bend };
  }

  #bend(): Partial<DecisionRecord> {
    const { seq, offset } = this.#chain;
    const bends: readonly Partial<DecisionRecord>[] = [
      { seq: seq + 2 },
      { seq: Math.max(1, seq) },
      { prev: GENESIS },
      { in: [1, offset + 2, 0] },
      { in: [1, offset + 1, 1] },
      { epoch: 2 },
    ];
    return bends[Math.floor(this.random() * bends.length)] as Partial<DecisionRecord>;
  }

  async #append(values: readonly Uint8Array[]): Promise<void> {
    const appender = await this.log.appender();
    // What became of a failed append the writer may not know; this one does not ask.
    await appender.append(AT, values).catch(() => undefined);
    await appender.close();
  }
}

async function writtenLog(seed: number, reckless: boolean): Promise<readonly LogRecord[]> {
  const random = seededRandom(seed);
  const clock = { now: () => 0 };
  const inner = await openMemoryLog({ topics: { [AT.topic]: 1 }, clock });
  const log = faultyLog(inner, { random, sleep: () => new Promise((done) => setImmediate(done)), plan: PLAN });
  const writers: Writer[] = [];
  const anyone = (): Writer => writers[Math.floor(random() * writers.length)] as Writer;
  for (let step = 0; step < STEPS; step++) {
    if (writers.length === 0 || random() < 0.1) {
      const writer = new Writer(log, random, writers.length + 1);
      writers.push(writer);
      await writer.start();
      continue;
    }
    const writer = random() < 0.7 ? (writers.at(-1) as Writer) : anyone();
    if (random() < 0.05) await writer.start();
    const mayDecide = await writer.catchUp();
    if (mayDecide || random() < (reckless ? 0.3 : 0.03))
      await writer.say(1 + Math.floor(random() * 4), random() < 0.05);
  }
  const end = await log.read({ ...AT, from: 0 }, 100_000);
  await log.close();
  return end;
}

/** Hashes of what counts, and the offset where reading ended early. */
function asRuntime(records: readonly LogRecord[]): readonly string[] {
  const reader = validRecords('shard-0', AT);
  return taken(records, LogFault, (record) => {
    const accepted = reader.accept(record);
    return accepted.kind === 'valid' ? accepted.decision : undefined;
  });
}

function asAudit(records: readonly LogRecord[]): readonly string[] {
  const reader = new AuditLogReader('shard-0');
  return taken(records, AuditLogBroken, (record) => reader.take(record));
}

type Said = { readonly seq: number; readonly inc: string };

function taken(
  records: readonly LogRecord[],
  Broken: typeof LogFault | typeof AuditLogBroken,
  take: (record: LogRecord) => Said | undefined,
): readonly string[] {
  const said: string[] = [];
  for (const record of records) {
    try {
      const decision = take(record);
      if (decision) said.push(`${record.offset}: ${decision.seq} by ${decision.inc}`);
    } catch (fault) {
      if (!(fault instanceof Broken)) throw fault;
      return [...said, `broken at ${record.offset}`];
    }
  }
  return said;
}

describe('both readers take the same decisions from a log full of faults', () => {
  it.each([
    ['writers that look before they write', false],
    ['reckless writers', true],
  ])('%s', async (_, reckless) => {
    let [counted, dropped, broken] = [0, 0, 0];
    for (let seed = 1; seed <= 60; seed++) {
      const log = await writtenLog(seed, reckless);
      const mine = asAudit(log);
      expect(mine, `seed ${seed}`).toEqual(asRuntime(log));
      counted += mine.length;
      dropped += log.length - mine.length;
      broken += Number(mine.at(-1)?.startsWith('broken'));
    }
    // The logs hold what the test is about.
    expect(counted).toBeGreaterThan(1_000);
    expect(dropped).toBeGreaterThan(500);
    expect(broken).toBeGreaterThan(3);
  });
});

describe('both readers know a start again', () => {
  const first = 'f'.repeat(32);
  const others = (many: number): string[] => Array.from({ length: many }, (_, i) => i.toString(16).padStart(32, '0'));
  const started = (inc: string): Uint8Array => encodeRecord({ v: 1, kind: 'started', src: 'shard-0', epoch: 1, inc });

  // Where it is forgotten, nothing that counts is lost: whoever led stands down for once.
  it.each([
    ['that 255 others have followed, which leaves the last of them leading', 255, true],
    ['no more that 256 others have followed, which puts the last of them down', 256, false],
  ])('%s', (_, many, isKnown) => {
    const last = others(many).at(-1) as string;
    const place = { epoch: 1, seq: 1, in: [1, 0, 0], prev: GENESIS, inc: last } as const;
    const said = { events: [], posts: [], at: 1, time: 1, cid: 'c'.repeat(32) };
    const decision = encodeRecord({ v: 1, kind: 'decision', src: 'shard-0', ...said, ...place });
    const log = [first, ...others(many), first].map(started).concat(decision);
    const records = log.map((value, offset) => ({ offset, time: offset, value }));
    expect(asRuntime(records)).toEqual(isKnown ? [`${many + 2}: 1 by ${last}`] : []);
    expect(asAudit(records)).toEqual(asRuntime(records));
  });
});
