/**
 * Every format that a record ever had is still read as it was meant: the bytes beside this file were written by the releases that wrote
 * that format, a race from card to cash with a refusal, a checkpoint and, in the newer one, the fact that switched it on. They are
 * never written again: a file that differs from its sum has been tampered with, and a new format gets a folder of its own.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decisionsThatCount } from '#mutuel/audit';
import {
  decodeRecord,
  encodeRecord,
  NEWEST_RECORD_FORMAT,
  NewerRecord,
  openCommand,
  sha256,
  UnreadableRecord,
} from '#mutuel/contracts';
import { marketDecider, shardDecider } from '#mutuel/engine';
import { MARKET_SOURCE, shardSource, validRecords } from '#mutuel/runtime';

const FOLDER = new URL('./', import.meta.url);
const KEY = new Uint8Array(32).fill(9);
const SHARDS = 2;
const FORMATS = Array.from({ length: NEWEST_RECORD_FORMAT }, (_, i) => i + 1);

const recordsOf = (format: number, partition: string): Uint8Array[] =>
  readFileSync(new URL(`format-${format}/${partition}.jsonl`, FOLDER), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => Buffer.from(line));

const fold = (format: number, src: string, partition: string) => {
  const source = src === 'market' ? MARKET_SOURCE : shardSource(Number(src.slice(-1)));
  const valid = validRecords<never>(src, source.at);
  const accepted = recordsOf(format, partition).map((value, offset) => valid.accept({ offset, time: 0, value }));
  const decisions = accepted.flatMap((one) => (one.kind === 'valid' ? [one] : []));
  return { valid, decisions, dropped: accepted.filter(({ kind }) => kind === 'dropped') };
};

const LOGS = FORMATS.flatMap((format) => [
  [format, 'market', 'market.decisions-0'] as const,
  [format, 'shard-0', 'shard.decisions-0'] as const,
  [format, 'shard-1', 'shard.decisions-1'] as const,
]);

test('the bytes of every format are those that were written', () => {
  const sums = new Map(
    readFileSync(new URL('SHA256SUMS', FOLDER), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.split('  ').reverse() as [string, string]),
  );
  for (const format of FORMATS)
    for (const name of readdirSync(new URL(`format-${format}`, FOLDER))) {
      const file = `format-${format}/${name}`;
      expect([file, sha256(readFileSync(new URL(file, FOLDER)))]).toEqual([file, sums.get(file)]);
    }
});

describe('records of format', () => {
  test.each(LOGS)(
    '%i of the log of %s form a chain, for us and for the second calculator',
    (format, src, partition) => {
      const { valid, decisions, dropped } = fold(format, src, partition);
      expect(dropped).toEqual([]);
      expect(decisions.length).toBeGreaterThan(10);
      const values = recordsOf(format, partition);
      const again = [
        ...decisionsThatCount(
          src,
          values.map((value, offset) => ({ offset, value })),
        ),
      ];
      expect(again.map(({ seq }) => seq)).toEqual(decisions.map(({ decision }) => decision.seq));
      expect(again.map(({ events, posts }) => [events, posts])).toEqual(
        decisions.map(({ decision }) => [decision.events, decision.posts]),
      );
      // The head is over the bytes as they lie there, whatever they are read as.
      expect(valid.head).toBe(sha256(values.at(-1) as Uint8Array));
    },
  );

  test.each(LOGS)(
    '%i of the log of %s are written as they were: reading them changes no byte',
    (format, _, partition) => {
      for (const value of recordsOf(format, partition)) {
        const { record, hash } = decodeRecord(value);
        expect(Buffer.from(encodeRecord(record)).toString('utf8')).toBe(Buffer.from(value).toString('utf8'));
        expect(hash).toBe(sha256(value));
      }
    },
  );

  test.each(FORMATS)(
    '%i fold to the balances that were paid, the format they ended in, and its checkpoints',
    (format) => {
      const balances: number[] = [];
      for (let shard = 0; shard < SHARDS; shard++) {
        const decider = shardDecider({ shard, shards: SHARDS, hash: sha256 });
        const state = decider.initialState();
        for (const { decision } of fold(format, `shard-${shard}`, `shard.decisions-${shard}`).decisions)
          decider.evolve(state, decision);
        balances.push(...[...state.accounts.values()].map(({ balance }) => balance));
        expect(state.upkeep).toEqual({ checkpointDay: '2027-01-15', recordFormat: format });
      }
      // 10,000 each; 6,000 lost on the one, 4,000 on the winner paid 8,000: net of 17 % it is 2.075, broken to 2.00.
      expect(balances).toEqual([4_000, 14_000]);
      const decider = marketDecider({ shards: SHARDS, hash: sha256 });
      const state = decider.initialState();
      for (const { decision } of fold(format, 'market', 'market.decisions-0').decisions)
        decider.evolve(state, decision);
      expect([...state.races.values()].map(({ status }) => status)).toEqual(['SETTLED']);
      expect(state.upkeep).toEqual({ checkpointDay: '2027-01-15', recordFormat: format });
    },
  );

  test.each(FORMATS)('%i stand beside commands that still open', (format) => {
    for (const partition of ['market.commands-0', 'shard.commands-0', 'shard.commands-1'])
      for (const value of recordsOf(format, partition)) expect(openCommand(value, KEY)).toHaveProperty('cmd');
  });

  test('2 leave out what is empty and say which release claims the log', () => {
    const said = recordsOf(2, 'shard.decisions-0').map((value) => JSON.parse(Buffer.from(value).toString('utf8')));
    const of2 = said.filter(({ v }) => v === 2);
    expect(of2.some(({ posts }) => posts === undefined)).toBe(true);
    expect(of2.some(({ events, posts }) => events?.length === 0 || posts?.length === 0)).toBe(false);
    const started = encodeRecord({ v: 2, kind: 'started', src: 'shard-0', epoch: 1, inc: 'a', release: '1.2.3' });
    expect(decodeRecord(started).record).toMatchObject({ v: 2, release: '1.2.3' });
  });
});

describe('what is no format of this release', () => {
  const bytes = (v: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify({ v, kind: 'decision' }));

  test('is told apart: a newer one asks for the later release, any other is damage', () => {
    expect(() => decodeRecord(bytes(NEWEST_RECORD_FORMAT + 1))).toThrow(NewerRecord);
    for (const v of [0, -1, 1.5, '1', null, undefined, 'toString']) {
      expect(() => decodeRecord(bytes(v))).toThrow(UnreadableRecord);
      expect(() => decodeRecord(bytes(v))).not.toThrow(NewerRecord);
    }
  });
});
