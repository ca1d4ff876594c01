import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ExportedRecord, type ExportHead, ExportReader, ExportWriter, exportOrder } from '#mutuel/verify';

const HEAD: ExportHead = {
  shards: 2,
  topics: {
    'shard.decisions': 2,
    'market.decisions': 1,
    'shard.commands': 2,
    odds: 1,
    cluster: 1,
    'market.commands': 1,
  },
};
const record = (topic: string, partition: number, offset: number, text = `{"n":${offset}}`): ExportedRecord => ({
  ...{ topic, partition, offset, time: 1_000 + offset },
  value: Buffer.from(text),
});
const RECORDS = [
  record('market.decisions', 0, 0),
  record('market.decisions', 0, 1),
  record('shard.commands', 0, 5, 'not JSON\nat all'),
  record('shard.decisions', 0, 0),
  record('shard.decisions', 1, 0, ''),
];

function fileOf(records: readonly ExportedRecord[], head = HEAD): Buffer {
  const writer = new ExportWriter();
  return Buffer.concat([writer.head(head), ...records.map((one) => writer.record(one)), writer.end()]);
}

function read(file: Buffer, chunk = file.length): ExportedRecord[] {
  const reader = new ExportReader();
  const records: ExportedRecord[] = [];
  for (let at = 0; at < file.length; at += chunk)
    for (const one of reader.take(file.subarray(at, at + chunk)))
      records.push({ ...one, value: Buffer.from(one.value) });
  reader.finish();
  return records;
}

const altered = (change: (lines: string[]) => string[]): Buffer =>
  Buffer.from(change(fileOf(RECORDS).toString('latin1').split('\n')).join('\n'), 'latin1');

describe('an export file', () => {
  it('gives back every record, byte for byte, whatever the size of the pieces it is read in', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), (chunk) => {
        expect(read(fileOf(RECORDS), chunk).map(({ byte: _byte, ...record }) => record)).toEqual(RECORDS);
      }),
      { seed: 7, numRuns: 100 },
    );
  });

  it('says of every record where in the file its bytes begin, and of a bad line where that one begins', () => {
    const file = fileOf(RECORDS);
    for (const { byte = -1, value } of read(file, 50)) {
      const written = file.subarray(byte, file.indexOf('\n', byte)).toString();
      expect([value.toString(), `base64:${Buffer.from(value).toString('base64')}`]).toContain(written);
    }
    const bad = altered((lines) => lines.map((line, i) => (i === 3 ? line.replace('shard.', 'other.') : line)));
    const at = bad.indexOf('other.');
    for (const chunk of [7, 90, bad.length])
      expect(() => read(bad, chunk)).toThrow(expect.objectContaining({ line: 4, byte: at }));
  });

  it('holds a shard’s commands before its decisions, and everything of the market before the shards', () => {
    expect(exportOrder(HEAD).map(([topic, partition]) => `${topic}/${partition}`)).toEqual([
      'cluster/0',
      'market.commands/0',
      'market.decisions/0',
      'odds/0',
      'shard.commands/0',
      'shard.decisions/0',
      'shard.commands/1',
      'shard.decisions/1',
    ]);
  });

  it.each([
    ['is empty', () => Buffer.alloc(0), 'line 1: the file is empty'],
    [
      'is foreign',
      () => Buffer.from('PK zip\n'),
      'line 1: it does not begin with mutuel-log-export: this is no export of a log',
    ],
    [
      'has a head of another form',
      () => Buffer.from('mutuel-log-export 1 {"shards":-1,"topics":{}}\n'),
      'line 1: the head is not of its form: shards is out of its range',
    ],
    [
      'has more partitions than any log',
      () => Buffer.from('mutuel-log-export 1 {"shards":2,"topics":{"odds":1000000000}}\n'),
      'line 1: the head is not of its form: topics.odds is out of its range',
    ],
    [
      'is of a later version',
      () => Buffer.from('mutuel-log-export 2 {}\n'),
      'line 1: version 2 of the format is not one that this release reads (1)',
    ],
    [
      'has no end line',
      () => altered((lines) => [...lines.slice(0, 5), '']),
      'line 6: the file has no end line: it is truncated',
    ],
    [
      'ends in the middle of a line',
      () => fileOf(RECORDS).subarray(0, -10),
      'line 7: the file ends in the middle of a line: it is truncated',
    ],
    [
      'misses a line',
      () => altered((lines) => lines.filter((_, at) => at !== 3)),
      'line 6: the end line counts 5 records, the file holds 4: lines are missing',
    ],
    [
      'misses a line in the middle of a partition',
      () => altered((lines) => lines.filter((_, at) => at !== 1)),
      'line 6: the end line counts 5 records, the file holds 4: lines are missing',
    ],
    [
      'has lines exchanged',
      () => altered(([head, a, b, ...rest]) => [head, b, a, ...rest] as string[]),
      'line 3: market.decisions/0: offset 2 was to come, this is 0',
    ],
    [
      'has partitions exchanged',
      () => altered(([head, a, b, c, d, ...rest]) => [head, a, d, b, c, ...rest] as string[]),
      'line 4: market.decisions/0 comes again: the file is reordered',
    ],
    [
      'holds a foreign record',
      () => altered(([head, ...rest]) => [head, 'other.topic 0 0 1 {}', ...rest] as string[]),
      'line 2: the head names no other.topic/0: a foreign record',
    ],
    [
      'was altered in one byte',
      () => altered((lines) => lines.map((line) => line.replace('"n":1', '"n":7'))),
      'line 7: the digest of the end line does not fit the lines: the file was altered after the export',
    ],
    [
      'goes on after its end',
      () => Buffer.concat([fileOf(RECORDS), Buffer.from('more\n')]),
      'line 8: there are lines after the end line',
    ],
  ])('that %s is refused with the line and what is wrong', (_, file, message) => {
    expect(() => read(file())).toThrow(message);
  });
});
