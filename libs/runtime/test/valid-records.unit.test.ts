import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DecisionRecord, encodeRecord, GENESIS, MAX_APPEND_RECORDS, sha256 } from '#mutuel/contracts';
import { LogFault } from '../src/ports.js';
import { type Accepted, validRecords } from '../src/valid-records.js';

const AT = { topic: 'shard.decisions', partition: 3 };
const A = 'a'.repeat(32);
const B = 'b'.repeat(32);

const started = (inc: string, epoch = 1): Uint8Array =>
  encodeRecord({ v: 1, kind: 'started', src: 'shard-3', epoch, inc });

/** One writer's honest chain; every field of the next record can be bent. */
class Chain {
  seq = 0;
  head = GENESIS;
  offset = -1;
  epoch = 1;

  next(inc: string, bend: Partial<DecisionRecord> = {}): Uint8Array {
    const record = this.#record(inc, bend);
    const bytes = encodeRecord(record);
    this.seq = record.seq;
    this.head = sha256(bytes);
    this.offset = record.in[1];
    return bytes;
  }

  /** As `next`, but the chain itself stays where it is. */
  bent(inc: string, bend: Partial<DecisionRecord> = {}): Uint8Array {
    return encodeRecord(this.#record(inc, bend));
  }

  copy(): Chain {
    return Object.assign(new Chain(), this);
  }

  #record(inc: string, bend: Partial<DecisionRecord>): DecisionRecord {
    const { seq, head, offset, epoch } = this;
    const position = [epoch, offset + 1, 0] as const;
    const cid = 'c'.repeat(32);
    const base = { v: 1, kind: 'decision', src: 'shard-3', epoch, seq: seq + 1, in: position, cid, inc } as const;
    return { ...base, prev: head, at: 1000, time: 1001, events: [], posts: [], ...bend };
  }
}

const at = (offset: number, value: Uint8Array) => ({ offset, time: 1000 + offset, value });

function readAll(log: readonly Uint8Array[], from = validRecords('shard-3', AT)): Accepted[] {
  return log.slice(from.next).map((value) => from.accept(at(from.next, value)));
}

const verdicts = (log: readonly Uint8Array[]) =>
  readAll(log).map((a) => (a.kind === 'dropped' ? a.reason : a.kind === 'valid' ? a.decision.seq : 'STARTED'));

describe('a record is valid', () => {
  test('when it is the current incarnation’s, next in sequence, chained to the head and about the next command', () => {
    const c = new Chain();
    expect(verdicts([started(A), c.next(A), c.next(A), started(B), c.next(B)])).toEqual([
      'STARTED',
      1,
      2,
      'STARTED',
      3,
    ]);
  });

  test('at the first offset of a new cluster epoch, whose command log begins anew', () => {
    const c = new Chain();
    const log = [started(A), c.next(A), c.next(A), started(B, 2)];
    c.epoch = 2;
    c.offset = -1;
    expect(verdicts([...log, c.next(B), c.next(B)])).toEqual(['STARTED', 1, 2, 'STARTED', 3, 4]);
  });
});

describe('a record is dropped', () => {
  test('as a zombie’s once another incarnation has started, even when it extends the head', () => {
    const c = new Chain();
    expect(verdicts([started(A), c.next(A), started(B), c.bent(A), c.next(B)])).toEqual([
      'STARTED',
      1,
      'STARTED',
      'ZOMBIE',
      2,
    ]);
  });

  test('as a zombie’s before anyone has started', () => {
    expect(verdicts([new Chain().bent(A)])).toEqual(['ZOMBIE']);
  });

  test('as a duplicate when a whole append comes twice', () => {
    const c = new Chain();
    const append = Array.from({ length: MAX_APPEND_RECORDS }, () => c.next(A));
    const log = [started(A), ...append, ...append, c.next(A)];
    expect(verdicts(log).slice(-2)).toEqual(['DUPLICATE', MAX_APPEND_RECORDS + 1]);
  });

  test('and kills its incarnation when an older one than an append can hold comes again', () => {
    const c = new Chain();
    const records = Array.from({ length: MAX_APPEND_RECORDS + 1 }, () => c.next(A));
    expect(verdicts([started(A), ...records, records[0] as Uint8Array, c.next(A)]).slice(-2)).toEqual([
      'KILLED',
      'DEAD',
    ]);
  });

  test('when its start was seen before, which does not bring its incarnation back', () => {
    const c = new Chain();
    expect(verdicts([started(A), c.next(A), started(B), started(A), c.bent(A), c.next(B)])).toEqual([
      'STARTED',
      1,
      'STARTED',
      'REPEATED_START',
      'ZOMBIE',
      2,
    ]);
  });

  test('when it starts an incarnation of a cluster epoch that is over', () => {
    expect(verdicts([started(A, 2), started(B, 1)])).toEqual(['STARTED', 'ZOMBIE']);
  });

  test.each<[string, Partial<DecisionRecord>]>([
    ['skips a sequence number', { seq: 3 }],
    ['says something else under a sequence number already used', { seq: 1, prev: GENESIS, cid: 'd'.repeat(32) }],
    ['does not extend the head', { prev: GENESIS }],
    ['skips a command', { in: [1, 2, 0] }],
    ['decides a command again', { in: [1, 0, 0] }],
    ['decides inside an envelope, which this format has not', { in: [1, 1, 1] }],
    ['speaks for another cluster epoch', { epoch: 2, in: [2, 0, 0] }],
  ])('and kills its incarnation when it %s; the next incarnation goes on', (_name, bend) => {
    const c = new Chain();
    const log = [started(A), c.next(A), c.bent(A, bend), c.bent(A), started(B), c.next(B)];
    expect(verdicts(log)).toEqual(['STARTED', 1, 'KILLED', 'DEAD', 'STARTED', 2]);
  });
});

describe('a reader stops', () => {
  test('at a hole in the offsets, naming it', () => {
    const reader = validRecords('shard-3', AT);
    expect(() => reader.accept(at(1, started(A)))).toThrow(
      /shard\.decisions\[3\] has a hole: offset 0 was expected, 1 came/,
    );
  });

  test('at a record it cannot read, with the position and what to do', () => {
    const reader = validRecords('shard-3', AT);
    const accept = () => reader.accept(at(0, new TextEncoder().encode('{"v":1,')));
    expect(accept).toThrow(LogFault);
    expect(accept).toThrow(/shard\.decisions\[3\] offset 0: the record is not valid JSON.*restore the log/);
  });

  test('at a newer record format', () => {
    const bytes = new TextEncoder().encode('{"v":3,"kind":"started"}');
    expect(() => validRecords('shard-3', AT).accept(at(0, bytes))).toThrow(
      /^shard\.decisions\[3\] offset 0: its format 3 is newer than this release, .* 1 to 2\. Start the later release$/,
    );
  });

  test('at a record of another source', () => {
    const bytes = encodeRecord({ v: 1, kind: 'started', src: 'shard-4', epoch: 1, inc: A });
    expect(() => validRecords('shard-3', AT).accept(at(0, bytes))).toThrow(/written by shard-4.*log of shard-3/);
  });

  test('at a fork: a new incarnation that does not continue what was acknowledged', () => {
    const c = new Chain();
    const reader = validRecords('shard-3', AT);
    const log = [started(A), c.next(A)];
    const lost = c.copy();
    log.push(c.next(A), started(B), lost.bent(B));
    expect(() => readAll(log, reader)).toThrow(/offset 4: incarnation b+ continues from seq 1 .* read seq 2/);
    expect(reader.next).toBe(4);
  });

  test('when its checkpoint belongs to another source', () => {
    const checkpoint = validRecords('shard-4', AT).toCheckpoint();
    expect(() => validRecords('shard-3', AT, checkpoint)).toThrow(/for shard-4, wanted format 1 for shard-3/);
  });
});

describe('whatever zombies, duplicates and contradictions are interleaved', () => {
  /** What happens to the log; numbers pick among what there is. */
  type Step =
    | { do: 'start' | 'write' | 'kill' }
    | { do: 'zombie'; pick: number; count: number }
    | { do: 'duplicate'; count: number }
    | { do: 'restart'; pick: number };

  const steps = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant<Step>({ do: 'write' }) },
      { weight: 2, arbitrary: fc.constant<Step>({ do: 'start' }) },
      { weight: 1, arbitrary: fc.constant<Step>({ do: 'kill' }) },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('zombie' as const),
          pick: fc.nat(),
          count: fc.integer({ min: 1, max: 4 }),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('duplicate' as const),
          count: fc.integer({ min: 1, max: MAX_APPEND_RECORDS }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), pick: fc.nat() }) },
    ),
    { maxLength: 120 },
  );

  /** Plays the steps, keeping beside the log what an all-knowing observer calls valid. */
  function play(script: readonly Step[]): { log: Uint8Array[]; honest: string[] } {
    const log: Uint8Array[] = [];
    const honest: string[] = [];
    const lives: { inc: string; chain: Chain }[] = [];
    let truth = new Chain();
    let own: Uint8Array[] = [];
    let dead = true;
    for (const step of script) {
      const current = lives.at(-1);
      if (step.do === 'start' || !current) {
        lives.push({ inc: lives.length.toString(16).padStart(32, '0'), chain: truth.copy() });
        log.push(started((lives.at(-1) as { inc: string }).inc));
        dead = false;
        own = [];
      } else if (step.do === 'write') {
        const bytes = current.chain.next(current.inc);
        log.push(bytes);
        if (dead) continue;
        honest.push(sha256(bytes));
        own.push(bytes);
        truth = current.chain.copy();
      } else if (step.do === 'kill' && own.length > 0) {
        log.push(truth.bent(current.inc, { in: [1, truth.offset + 2, 0] }));
        dead = true;
      } else if (step.do === 'zombie' && lives.length > 1) {
        const zombie = lives[step.pick % (lives.length - 1)] as { inc: string; chain: Chain };
        for (let i = 0; i < step.count; i++) log.push(zombie.chain.next(zombie.inc));
      } else if (step.do === 'duplicate') {
        log.push(...own.slice(-step.count));
      } else if (step.do === 'restart') {
        log.push(started((lives[step.pick % lives.length] as { inc: string }).inc));
      }
    }
    return { log, honest };
  }

  test('every reader sees exactly the honest sequence, from any checkpoint on', () => {
    fc.assert(
      fc.property(steps, fc.array(fc.nat(), { minLength: 1, maxLength: 5 }), (script, cuts) => {
        const { log, honest } = play(script);
        const whole = validRecords('shard-3', AT);
        const seen = readAll(log, whole);
        expect(seen.flatMap((a) => (a.kind === 'valid' ? [a.hash] : []))).toEqual(honest);
        for (const cut of cuts.map((n) => n % (log.length + 1))) {
          const first = validRecords('shard-3', AT);
          readAll(log.slice(0, cut), first);
          const second = validRecords('shard-3', AT, first.toCheckpoint());
          expect(second.toCheckpoint()).toBe(first.toCheckpoint());
          expect(readAll(log, second)).toEqual(seen.slice(cut));
          expect(second.toCheckpoint()).toBe(whole.toCheckpoint());
        }
      }),
      { numRuns: 300 },
    );
  });
});
