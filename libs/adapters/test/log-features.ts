/** What every event log must do, whoever keeps the bytes: run by each adapter's spec with a factory. */
import { afterEach, describe, expect, it } from 'vitest';
import { MAX_APPEND_RECORDS, MAX_RECORD_BYTES } from '#mutuel/contracts';
import {
  AppendFault,
  type EventLog,
  LogFault,
  type LogRecord,
  RenewingAppender,
  type TopicPartition,
} from '#mutuel/runtime';
import { bytesOf, Collector, textsOf, until } from './support/log-helpers.js';

export interface LogFixture {
  readonly log: EventLog;
  /** A topic of this test's own with three empty partitions. */
  readonly topic: string;
  /** The same log, opened as by a process started later. */
  reopen(): Promise<EventLog>;
  dispose(): Promise<void>;
}

export function describeLog(name: string, open: () => Promise<LogFixture>): void {
  describe(`${name} as an event log`, () => {
    let fixture: LogFixture | undefined;
    const start = async (): Promise<LogFixture & { at: TopicPartition; other: TopicPartition }> => {
      fixture = await open();
      return { ...fixture, at: { topic: fixture.topic, partition: 0 }, other: { topic: fixture.topic, partition: 1 } };
    };
    afterEach(async () => {
      await fixture?.dispose();
      fixture = undefined;
    });

    it('says how many partitions a topic has and starts empty', async () => {
      const { log, topic, at } = await start();
      expect(await log.partitions(topic)).toBe(3);
      expect(await log.bounds(at)).toEqual({ start: 0, end: 0 });
      expect(await log.read({ ...at, from: 0 }, 10)).toEqual([]);
    });

    it('refuses to count the partitions of a topic that it does not have', async () => {
      const { log } = await start();
      await expect(log.partitions('no-such-topic')).rejects.toThrow(LogFault);
    });

    it('numbers the records of each partition from 0 without gaps and tells each append its first offset', async () => {
      const { log, at, other } = await start();
      const appender = await log.appender();
      expect(await appender.append(at, bytesOf('a', 'b'))).toEqual({ base: 0 });
      expect(await appender.append(other, bytesOf('x'))).toEqual({ base: 0 });
      expect(await appender.append(at, bytesOf('c'))).toEqual({ base: 2 });
      const records = await log.read({ ...at, from: 0 }, 10);
      expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2]);
      expect(textsOf(records)).toEqual(['a', 'b', 'c']);
      expect(await log.bounds(at)).toEqual({ start: 0, end: 3 });
    });

    it('reads at most what was asked for, from the offset asked for', async () => {
      const { log, at } = await start();
      const appender = await log.appender();
      for (const text of ['a', 'b', 'c', 'd']) await appender.append(at, bytesOf(text, `${text}2`));
      expect(textsOf(await log.read({ ...at, from: 3 }, 3))).toEqual(['b2', 'c', 'c2']);
      expect(await log.read({ ...at, from: 8 }, 3)).toEqual([]);
    });

    it('keeps arbitrary bytes as they are', async () => {
      const { log, at } = await start();
      const value = Uint8Array.from({ length: 256 }, (_, i) => i);
      await (await log.appender()).append(at, [value, new Uint8Array(0), value]);
      const read = await log.read({ ...at, from: 0 }, 3);
      expect(read.map((record) => [...record.value])).toEqual([[...value], [], [...value]]);
    });

    it('gives every record of one partition a time that never goes back', async () => {
      const { log, at } = await start();
      const appender = await log.appender();
      for (let i = 0; i < 5; i++) await appender.append(at, bytesOf(`${i}`));
      const times = (await log.read({ ...at, from: 0 }, 5)).map(({ time }) => time);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(times[0]).toBeGreaterThan(0);
    });

    it('hands a tail what was there and what comes, in order, each offset once', async () => {
      const { log, at, other } = await start();
      const appender = await log.appender();
      await appender.append(at, bytesOf('a', 'b'));
      const seen = new Collector();
      await seen.tail(log, [
        { ...at, from: 1 },
        { ...other, from: 0 },
      ]);
      await appender.append(at, bytesOf('c'));
      await appender.append(other, bytesOf('x'));
      await until(() => seen.of(at).length === 2 && seen.of(other).length === 1);
      expect(seen.texts(at)).toEqual(['b', 'c']);
      expect(seen.of(at).map(({ offset }) => offset)).toEqual([1, 2]);
      expect(seen.texts(other)).toEqual(['x']);
      await seen.close();
    });

    it('hands the records of several appenders of one partition to a tail in log order', async () => {
      const { log, at } = await start();
      const seen = new Collector();
      await seen.tail(log, [{ ...at, from: 0 }]);
      const bases = await Promise.all(
        Array.from({ length: 4 }, async (_, writer) => {
          const appender = await log.appender();
          const own: [number, string][] = [];
          for (let i = 0; i < 10; i++) {
            const text = `${writer}-${i}`;
            own.push([(await appender.append(at, bytesOf(text))).base, text]);
          }
          return own;
        }),
      );
      await until(() => seen.of(at).length === 40);
      const expected = bases.flat().sort(([a], [b]) => a - b);
      expect(seen.of(at).map(({ offset }) => offset)).toEqual(expected.map(([base]) => base));
      expect(seen.texts(at)).toEqual(expected.map(([, text]) => text));
      await seen.close();
    });

    it('waits for the handler before the next batch of that partition, while other partitions go on', async () => {
      const { log, at, other } = await start();
      const appender = await log.appender();
      const seen = new Collector();
      const gate = seen.holdNext(at);
      await seen.tail(log, [
        { ...at, from: 0 },
        { ...other, from: 0 },
      ]);
      await appender.append(at, bytesOf('a'));
      await until(() => seen.of(at).length === 1);
      await appender.append(at, bytesOf('b'));
      await appender.append(other, bytesOf('x'));
      await until(() => seen.of(other).length === 1);
      expect(seen.texts(at)).toEqual(['a']);
      gate.open();
      await until(() => seen.of(at).length === 2);
      expect(seen.texts(at)).toEqual(['a', 'b']);
      await seen.close();
    });

    it('adds, moves and removes a partition while it follows others, and loses nothing', async () => {
      const { log, at, other } = await start();
      const appender = await log.appender();
      const seen = new Collector();
      const tail = await seen.tail(log, [{ ...at, from: 0 }]);
      await appender.append(at, bytesOf('a'));
      await appender.append(other, bytesOf('x', 'y'));
      await until(() => seen.of(at).length === 1);
      await tail.add({ ...other, from: 1 });
      await appender.append(at, bytesOf('b'));
      await until(() => seen.of(at).length === 2 && seen.of(other).length === 1);
      await tail.add({ ...other, from: 0 });
      await until(() => seen.of(other).length === 3);
      expect(seen.texts(other)).toEqual(['y', 'x', 'y']);
      await tail.remove(other);
      await appender.append(other, bytesOf('z'));
      await appender.append(at, bytesOf('c'));
      await until(() => seen.of(at).length === 3);
      expect(seen.texts(at)).toEqual(['a', 'b', 'c']);
      expect(seen.texts(other)).toEqual(['y', 'x', 'y']);
      await seen.close();
    });

    it('starts a tail without partitions and follows those added later', async () => {
      const { log, at } = await start();
      await (await log.appender()).append(at, bytesOf('a'));
      const seen = new Collector();
      const tail = await seen.tail(log, []);
      await tail.add({ ...at, from: 0 });
      await until(() => seen.of(at).length === 1);
      await seen.close();
    });

    it('hands out nothing after a tail is closed', async () => {
      const { log, at } = await start();
      const appender = await log.appender();
      const [seen, witness] = [new Collector(), new Collector()];
      await seen.tail(log, [{ ...at, from: 0 }]);
      await witness.tail(log, [{ ...at, from: 0 }]);
      await appender.append(at, bytesOf('a'));
      await until(() => seen.of(at).length === 1);
      await seen.close();
      await appender.append(at, bytesOf('b'));
      await until(() => witness.of(at).length === 2);
      expect(seen.texts(at)).toEqual(['a']);
      await witness.close();
    });

    it.each([
      ['beyond the end', 2],
      ['below the start', -1],
    ])('refuses a tail and a read that start %s instead of starting elsewhere', async (_, from) => {
      const { log, at } = await start();
      await (await log.appender()).append(at, bytesOf('a'));
      await expect(
        log.tail(
          [{ ...at, from }],
          () => undefined,
          () => undefined,
        ),
      ).rejects.toThrow(LogFault);
      await expect(log.read({ ...at, from }, 1)).rejects.toThrow(LogFault);
    });

    it('kills the tail with the error of its handler, once', async () => {
      const { log, at } = await start();
      const appender = await log.appender();
      const faults: Error[] = [];
      const batches: (readonly LogRecord[])[] = [];
      await log.tail(
        [{ ...at, from: 0 }],
        (_, records) => {
          batches.push(records);
          throw new Error('the handler fell over');
        },
        (fault) => faults.push(fault),
      );
      await appender.append(at, bytesOf('a'));
      await until(() => faults.length === 1);
      await appender.append(at, bytesOf('b'));
      const witness = new Collector();
      await witness.tail(log, [{ ...at, from: 0 }]);
      await until(() => witness.of(at).length === 2);
      expect(faults.map(({ message }) => message)).toEqual(['the handler fell over']);
      expect(batches).toHaveLength(1);
      await witness.close();
    });

    it.each([
      ['no record at all', []],
      ['a record above the limit', [new Uint8Array(MAX_RECORD_BYTES + 1)]],
      ['too many records', Array.from({ length: MAX_APPEND_RECORDS + 1 }, () => new Uint8Array(1))],
      ['too many bytes in all', Array.from({ length: 5 }, () => new Uint8Array(MAX_RECORD_BYTES))],
    ])('refuses %s before anything leaves', async (_, values) => {
      const { log, at } = await start();
      const fault = await (await log.appender()).append(at, values).catch((error: unknown) => error);
      expect(fault).toBeInstanceOf(AppendFault);
      expect(fault).toMatchObject({ outcome: 'NOT_APPENDED', retriable: true });
      expect(await log.bounds(at)).toEqual({ start: 0, end: 0 });
    });

    it('takes the largest record and the fullest append', async () => {
      const { log, at } = await start();
      const appender = await log.appender();
      await appender.append(
        at,
        Array.from({ length: 4 }, () => new Uint8Array(MAX_RECORD_BYTES).fill(7)),
      );
      await appender.append(
        at,
        Array.from({ length: MAX_APPEND_RECORDS }, () => new Uint8Array(30_000).fill(8)),
      );
      const seen = new Collector();
      await seen.tail(log, [{ ...at, from: 0 }]);
      await until(() => seen.of(at).length === 4 + MAX_APPEND_RECORDS);
      expect(seen.of(at).at(3)?.value.byteLength).toBe(MAX_RECORD_BYTES);
      await seen.close();
    });

    it('lets an appender die with its first fault and a new one go on', async () => {
      const { log, at } = await start();
      const broken = await log.appender();
      await expect(broken.append(at, [])).rejects.toThrow(AppendFault);
      await expect(broken.append(at, bytesOf('a'))).rejects.toMatchObject({ outcome: 'NOT_APPENDED' });
      expect(await (await log.appender()).append(at, bytesOf('b'))).toEqual({ base: 0 });
    });

    it('refuses an append to a partition that the topic does not have', async () => {
      const { log, topic } = await start();
      const append = (await log.appender()).append({ topic, partition: 99 }, bytesOf('a'));
      await expect(append).rejects.toMatchObject({ name: 'AppendFault', outcome: 'NOT_APPENDED' });
    });

    it('refuses a closed appender', async () => {
      const { log, at } = await start();
      const appender = await log.appender();
      await appender.close();
      await expect(appender.append(at, bytesOf('a'))).rejects.toMatchObject({ outcome: 'NOT_APPENDED' });
    });

    it('appends to several partitions at once, each part whole and behind what was there, and answers when all are in', async () => {
      const { log, at, other } = await start();
      const appender = new RenewingAppender(log);
      await appender.append(other, bytesOf('before'));
      const parts = (...texts: string[]) => [at, other].map((to) => ({ at: to, values: bytesOf(...texts) }));
      await appender.appendAll(parts('a', 'b'));
      expect([await log.bounds(at), await log.bounds(other)]).toEqual([
        { start: 0, end: 2 },
        { start: 0, end: 3 },
      ]);
      await appender.appendAll(parts('c'));
      expect(textsOf(await log.read({ ...at, from: 0 }, 9))).toEqual(['a', 'b', 'c']);
      expect(textsOf(await log.read({ ...other, from: 0 }, 9))).toEqual(['before', 'a', 'b', 'c']);
      await appender.close();
    });

    it.each([
      ['a part that is too large', 1, [new Uint8Array(MAX_RECORD_BYTES + 1)]],
      ['an empty part', 1, []],
      ['a part for a partition that the topic does not have', 99, bytesOf('b')],
    ])('calls an append with %s refused only where no part of it is in, and goes on', async (_, partition, values) => {
      const { log, topic, at, other } = await start();
      const appender = new RenewingAppender(log);
      const wrong = { at: { topic, partition }, values };
      const right = { at, values: bytesOf('a') };
      const refused = async (groups: Parameters<typeof appender.appendAll>[0]): Promise<void> => {
        const before = (await log.bounds(at)).end;
        const fault = await appender.appendAll(groups).catch((error: unknown) => error);
        expect(fault).toBeInstanceOf(AppendFault);
        const isIn = (await log.bounds(at)).end > before;
        expect((fault as AppendFault).outcome).toBe(isIn ? 'UNKNOWN' : 'NOT_APPENDED');
      };
      await refused([wrong, right]);
      await refused([right, wrong]);
      expect((await log.bounds(other)).end).toBe(0);
      await appender.appendAll([right, { at: other, values: bytesOf('b') }]);
      expect((await log.bounds(other)).end).toBe(1);
      await appender.close();
    });

    it('gives everything back to a process that opens it later, and numbers on from there', async () => {
      const { log, at, reopen } = await start();
      const appender = await log.appender();
      for (let i = 0; i < 5; i++) await appender.append(at, bytesOf(`${i}`, `${i}+`));
      const before = await log.read({ ...at, from: 0 }, 100);
      const later = await reopen();
      expect(plain(await later.read({ ...at, from: 0 }, 100))).toEqual(plain(before));
      expect(await (await later.appender()).append(at, bytesOf('more'))).toEqual({ base: 10 });
      const seen = new Collector();
      await seen.tail(later, [{ ...at, from: 9 }]);
      await until(() => seen.of(at).length === 2);
      expect(seen.texts(at)).toEqual(['4+', 'more']);
      await seen.close();
      await later.close();
    });
  });
}

const plain = (records: readonly LogRecord[]) =>
  records.map(({ offset, time, value }) => ({ offset, time, value: [...value] }));
