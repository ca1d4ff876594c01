/** The second calculator's reader: which records count, and where it stops. The rules are the log's; the reader is its own. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AuditLogBroken, AuditLogReader, decisionsThatCount, type RawRecord } from '../src/index.js';

const [A, B] = ['a'.repeat(32), 'b'.repeat(32)];
const bytes = (record: object): Uint8Array => new TextEncoder().encode(JSON.stringify(record));

interface Bend {
  readonly seq?: number;
  readonly prev?: string;
  readonly in?: readonly [number, number, number];
  readonly epoch?: number;
  readonly cid?: string;
}

/** A log as it is written: honest records go on from each other, bent ones leave the chain where it was. */
class Writing {
  readonly log: Uint8Array[] = [];
  epoch = 1;
  #seq = 0;
  #offset = -1;
  #head = '0'.repeat(64);

  start(inc: string, epoch = 1): this {
    this.log.push(bytes({ v: 1, kind: 'started', src: 'shard-3', epoch, inc }));
    return this;
  }

  says(inc: string, many = 1): this {
    for (let i = 0; i < many; i++) {
      const record = this.#record(inc, {});
      this.log.push(record);
      this.#seq += 1;
      this.#offset += 1;
      this.#head = createHash('sha256').update(record).digest('hex');
    }
    return this;
  }

  bent(inc: string, bend: Bend): this {
    this.log.push(this.#record(inc, bend));
    return this;
  }

  again(index: number): this {
    this.log.push(this.log[index] as Uint8Array);
    return this;
  }

  newEpoch(inc: string): this {
    this.epoch += 1;
    this.#offset = -1;
    return this.start(inc, this.epoch);
  }

  get counted(): readonly number[] {
    return [...decisionsThatCount('shard-3', numbered(this.log))].map(({ seq }) => seq);
  }

  #record(inc: string, bend: Bend): Uint8Array {
    const place = { epoch: this.epoch, seq: this.#seq + 1, in: [this.epoch, this.#offset + 1, 0], prev: this.#head };
    return bytes({ v: 1, kind: 'decision', src: 'shard-3', cid: 'c', inc, events: [], posts: [], ...place, ...bend });
  }
}

const numbered = (log: readonly Uint8Array[]): RawRecord[] => log.map((value, offset) => ({ offset, value }));

describe('a decision counts', () => {
  it('when the writer that started last continues the sequence, the chain and the commands', () => {
    expect(new Writing().start(A).says(A, 2).start(B).says(B).counted).toEqual([1, 2, 3]);
  });

  it('at offset 0 of a new cluster epoch', () => {
    expect(new Writing().start(A).says(A, 2).newEpoch(B).says(B, 2).counted).toEqual([1, 2, 3, 4]);
  });
});

describe('a decision does not count', () => {
  it('before anyone has started', () => expect(new Writing().bent(A, {}).start(A).says(A).counted).toEqual([1]));

  it('of a writer that another has taken over from, even where it would fit', () => {
    expect(new Writing().start(A).says(A).start(B).bent(A, {}).says(B).counted).toEqual([1, 2]);
  });

  it('of a writer whose start was seen before, or who starts in an epoch that is over', () => {
    expect(new Writing().start(A).says(A).start(B).again(0).bent(A, {}).says(B).counted).toEqual([1, 2]);
    const over = new Writing().start(A).newEpoch(B).says(B).start('d'.repeat(32), 1);
    expect(over.says(B).counted).toEqual([1, 2]);
  });

  it('when an append of 128 records stands there twice; the writer goes on', () => {
    const writing = new Writing().start(A).says(A, 128);
    for (let i = 1; i <= 128; i++) writing.again(i);
    expect(writing.says(A).counted.at(-1)).toBe(129);
  });

  it('when an older record than an append can hold comes again, nor does anything its writer says after', () => {
    expect(new Writing().start(A).says(A, 129).again(1).says(A).counted.at(-1)).toBe(129);
  });

  it.each<[string, Bend]>([
    ['a sequence number is left out', { seq: 3 }],
    ['a sequence number says something else', { seq: 1, prev: '0'.repeat(64), cid: 'other' }],
    ['the chain is broken', { prev: '1'.repeat(64) }],
    ['a command is left out', { in: [1, 2, 0] }],
    ['a command is decided again', { in: [1, 0, 0] }],
    ['a command inside an envelope is decided', { in: [1, 1, 1] }],
    ['another epoch is spoken for', { epoch: 2, in: [2, 0, 0] }],
  ])('when %s, nor does anything its writer says after; the next writer goes on', (_what, bend) => {
    expect(new Writing().start(A).says(A).bent(A, bend).bent(A, {}).start(B).says(B).counted).toEqual([1, 2]);
  });
});

describe('reading ends', () => {
  const reading = (records: readonly RawRecord[]) => () => [...decisionsThatCount('shard-3', records)];

  it.each<[string, readonly RawRecord[], RegExp]>([
    ['a hole', [{ offset: 1, value: bytes({}) }], /at offset 1: 0 was to come/],
    ['what is no JSON', numbered([new Uint8Array([0xff])]), /not UTF-8 JSON/],
    ['another format', numbered([bytes({ v: 3, kind: 'decision', src: 'shard-3' })]), /format 3/],
    ['another log', numbered([bytes({ v: 1, kind: 'started', src: 'shard-4' })]), /written by shard-4/],
    ['another kind', numbered([bytes({ v: 1, kind: 'note', src: 'shard-3' })]), /kind note/],
  ])('at %s', (_what, records, sentence) => {
    expect(reading(records)).toThrow(sentence);
    expect(reading(records)).toThrow(AuditLogBroken);
  });

  it('at a decision that does not say which command it decides', () => {
    const said = { v: 1, kind: 'decision', src: 'shard-3', epoch: 1, inc: A, seq: 1, prev: '0'.repeat(64), events: [] };
    const log = [...new Writing().start(A).log, bytes(said)];
    expect(reading(numbered(log))).toThrow('at offset 1: it does not say which command it decides (`in`)');
  });

  it('at a new writer who does not continue what was read: acknowledged decisions were lost', () => {
    const writing = new Writing().start(A).says(A, 2).start(B).bent(B, { seq: 2 });
    expect(reading(numbered(writing.log))).toThrow(/does not continue/);
  });
});

describe('a reader that goes on from what another one remembered', () => {
  const writing = new Writing().start(A).says(A, 130).again(2).again(130).start(B).bent(A, {}).says(B, 2).again(0);
  writing.start('d'.repeat(32)).bent('d'.repeat(32), {}).says('d'.repeat(32)).bent('d'.repeat(32), { seq: 9 });
  const records = numbered(writing.newEpoch('e'.repeat(32)).says('e'.repeat(32), 2).log);

  it('counts what that one would have counted, wherever it begins', () => {
    const whole = new AuditLogReader('shard-3');
    const memories = records.map((record) => {
      const { memory } = whole;
      return { memory, counted: whole.take(record) !== undefined };
    });
    for (const [from, { memory }] of memories.entries()) {
      const reader = new AuditLogReader('shard-3', memory);
      expect(reader.nextOffset).toBe(from);
      for (const [i, record] of records.slice(from).entries())
        expect(reader.take(record) !== undefined, `${from} + ${i}`).toBe(memories[from + i]?.counted);
    }
  });

  it('agrees with the log it was made of, and with no other that has another decision there', () => {
    const reader = new AuditLogReader('shard-3');
    for (const record of records.slice(0, 50)) reader.take(record);
    const again = new AuditLogReader('shard-3', reader.memory);
    expect(again.agreesWith(records.slice(30))).toBe(true);
    const other = new Writing().start(A).says(A, 48).bent(A, { cid: 'other' });
    expect(again.agreesWith(numbered(other.log))).toBe(false);
    // What tells nothing speaks against nothing.
    expect(again.agreesWith([])).toBe(true);
  });

  it.each([
    ['another format', (memory: string) => memory.replace('"v":1', '"v":2')],
    ['another log', (memory: string) => memory.replace('shard-3', 'shard-4')],
  ])('is refused with a memory of %s', (_what, spoil) => {
    const { memory } = new AuditLogReader('shard-3');
    expect(() => new AuditLogReader('shard-3', spoil(memory))).toThrow(/it is of format/);
  });
});
