/** `mutuel verify anchor` with an export beside it: the log of before, logs rewritten since, and files that are not what they should be. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { TsaClient } from '#mutuel/adapters';
import { type AnchorFile, type AnchorHead, ExportWriter } from '#mutuel/verify';
import { TimeStampAuthority } from '../../../test/trust/time-stamp-authority.js';
import { addVerify } from '../src/verify-command.js';

const dir = mkdtempSync(join(tmpdir(), 'mutuel-verify-anchor-'));
const path = (name: string): string => join(dir, name);
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

interface Writer {
  readonly src: string;
  readonly inc: string;
  readonly epoch: number;
}
const market: Writer = { src: 'market', inc: 'm', epoch: 1 };
const first: Writer = { src: 'shard-0', inc: 'a', epoch: 1 };
/** Whoever took the log of the first one over. */
const second: Writer = { src: 'shard-0', inc: 'b', epoch: 2 };

const start = (writer: Writer): string => JSON.stringify({ v: 1, kind: 'started', ...writer });
/** One decision, after the text of the record before it. */
function decision(writer: Writer, seq: number, before: string | undefined, note = ''): string {
  const prev = before === undefined ? '0'.repeat(64) : digest(before);
  const command = writer.epoch === 1 ? seq - 1 : 0;
  return JSON.stringify({
    ...{ v: 1, kind: 'decision', ...writer, seq, in: [writer.epoch, command, 0], prev },
    ...{ at: seq, events: [], posts: [], note },
  });
}
/** A start and so many decisions, each one chained to the one before; of the third the note may be another. */
function chain(writer: Writer, many: number, third = ''): string[] {
  const texts = [start(writer)];
  for (let seq = 1; seq <= many; seq++)
    texts.push(decision(writer, seq, seq === 1 ? undefined : texts[seq - 1], seq === 3 ? third : ''));
  return texts;
}

const MARKET = chain(market, 3);
const HONEST = chain(first, 7);
const HEADS: readonly AnchorHead[] = [
  { source: 'market', seq: 3, head: digest(MARKET[3] as string) },
  { source: 'shard-0', seq: 7, head: digest(HONEST[7] as string) },
];

function exportOf(shard: readonly string[], others: Readonly<Record<string, readonly string[]>> = {}): Buffer {
  const logs: Readonly<Record<string, readonly string[]>> = {
    ...{ 'market.decisions': MARKET, 'shard.decisions': shard },
    ...others,
  };
  const writer = new ExportWriter();
  const topics = Object.fromEntries(Object.keys(logs).map((topic) => [topic, 1]));
  const head = writer.head({ shards: 1, topics });
  const lines = Object.entries(logs).flatMap(([topic, texts]) =>
    texts.map((text, offset) => writer.record({ topic, partition: 0, offset, time: 1, value: Buffer.from(text) })),
  );
  return Buffer.concat([head, ...lines, writer.end()]);
}

let house: TimeStampAuthority;
let newest: AnchorFile;
let older: AnchorFile;

async function anchorOf(url: string, day: string, previous: string | null): Promise<AnchorFile> {
  const statement = JSON.stringify({ kind: 'mutuel-anchor', v: 1, day, madeAt: 1, heads: HEADS, previous });
  const token = await new TsaClient(url).stamp(createHash('sha256').update(statement).digest());
  return { statement, token: Buffer.from(token).toString('base64') };
}

beforeAll(async () => {
  house = new TimeStampAuthority();
  const url = await house.start();
  older = await anchorOf(url, '2026-11-21', null);
  newest = await anchorOf(url, '2026-11-22', digest(older.statement));
  const altered = { ...older, statement: older.statement.replace('"seq":7', '"seq":6') };
  const files: Readonly<Record<string, string | Buffer>> = {
    'authority.pem': house.authority,
    'cut.pem': house.authority.slice(0, 200),
    'anchor.json': JSON.stringify(newest),
    'anchors.json': JSON.stringify({ anchors: [newest, older] }),
    'anchors-older-altered.json': JSON.stringify({ anchors: [newest, altered] }),
    'no-anchors.json': '{"anchors":[]}',
    'cut.json': '{"anchors":[',
    'good.log': exportOf(HONEST),
    'cut.log': exportOf(HONEST).subarray(0, -3),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(path(name), content);
});
afterAll(async () => {
  await house.stop();
  rmSync(dir, { recursive: true, force: true });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

async function run(anchor: string, log?: string | Buffer, authority = 'authority.pem') {
  const made = typeof log === 'string' ? log : 'made.log';
  if (log !== undefined && typeof log !== 'string') writeFileSync(path(made), log);
  const said: string[] = [];
  vi.spyOn(console, 'error').mockImplementation((line: string) => void said.push(line));
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  const program = new Command().exitOverride();
  addVerify(program);
  const beside = log === undefined ? [] : ['--log', path(made)];
  await program.parseAsync([
    ...['node', 'mutuel', 'verify', 'anchor', path(anchor), '--authority', path(authority)],
    ...beside,
  ]);
  return { code: process.exitCode ?? 0, said: said.join('\n') };
}

const UP_TO_7 = 'the log of shard-0 up to decision 7 is the one that was anchored';

describe('mutuel verify anchor with a log', () => {
  it('holds where the log up to the heads is the one of then', async () => {
    const { code, said } = await run('anchor.json', 'good.log');
    expect(said).toContain('the log of market up to decision 3 is the one that was anchored');
    expect(said).toContain(UP_TO_7);
    expect(code).toBe(0);
  });

  it('names the place where one decision was altered and those behind it were left alone', async () => {
    const altered = HONEST.with(3, decision(first, 3, HONEST[2], 'altered'));
    const { code, said } = await run('anchor.json', exportOf(altered));
    expect(said).toMatch(/FAILS {4}shard\.decisions\/0 #4 \(byte \d+\): the writer of shard-0 contradicts itself/);
    expect(said).not.toContain(UP_TO_7);
    expect(code).toBe(1);
  });

  it('names the place where a record is missing', async () => {
    const { code, said } = await run('anchor.json', exportOf(HONEST.toSpliced(1, 1)));
    expect(said).toMatch(/FAILS {4}shard\.decisions\/0 #1 \(byte \d+\): .*does not continue what was read/);
    expect(said).not.toContain(UP_TO_7);
    expect(code).toBe(1);
  });

  it.each([
    ['behind it as what a lost writer left', [...chain({ ...first, inc: 'z' }, 7, 'altered'), HONEST[7] as string]],
    ['behind another start', [...chain(first, 7, 'altered'), start(second), HONEST[7] as string]],
  ])('sees a log chained anew, with the anchored record put %s', async (_, texts) => {
    const { code, said } = await run('anchor.json', exportOf(texts));
    expect(said).toContain('decision 7 of shard-0 has another hash than the anchor: the log was rewritten');
    expect(code).toBe(1);
  });

  it('accuses nobody where a writer that had lost the log woke up and wrote a record of the same number', async () => {
    const woken = decision(first, 7, HONEST[6], 'too late');
    const log = [...HONEST, start(second), woken, decision(second, 8, HONEST[7])];
    const { code, said } = await run('anchor.json', exportOf(log));
    expect(said).toContain(UP_TO_7);
    expect(code).toBe(0);
  });

  it('reads chains where there are chains: in the logs of decisions that it knows', async () => {
    const others = { 'x.decisions': ['{"src":"shard-0","seq":7}'] };
    const { code, said } = await run('anchor.json', exportOf(HONEST, others));
    expect(said).toContain(UP_TO_7);
    expect(code).toBe(0);
  });

  const unplaced = { ...(JSON.parse(HONEST[2] as string) as object), in: undefined };

  it.each([
    ['that is none', '{"v":1,', 'it is not UTF-8 JSON'],
    ['that decides nobody knows what', JSON.stringify(unplaced), 'it does not say which command it decides (`in`)'],
  ])('names a record %s', async (_, text, words) => {
    const { code, said } = await run('anchor.json', exportOf(HONEST.with(2, text)));
    expect(said).toMatch(/FAILS {4}shard\.decisions\/0 #2 \(byte \d+\): /);
    expect(said).toContain(words);
    expect(said).toContain('the log of market up to decision 3 is the one that was anchored');
    expect(code).toBe(1);
  });
});

describe('mutuel verify anchor with several anchors', () => {
  it('checks each one, and that they follow each other', async () => {
    const { code, said } = await run('anchors.json', 'good.log');
    expect(said).toContain(`holds    2026-11-22: ${UP_TO_7}`);
    expect(said).toContain(`holds    2026-11-21: ${UP_TO_7}`);
    expect(said).toContain('the anchors from 2026-11-21 to 2026-11-22 follow each other');
    expect(code).toBe(0);
  });

  it('fails where an older one was altered', async () => {
    const { code, said } = await run('anchors-older-altered.json');
    expect(said).toContain('FAILS    2026-11-21: the token stamps another statement: one of them was altered');
    expect(said).toContain('FAILS    the anchor of 2026-11-22 does not follow that of 2026-11-21');
    expect(code).toBe(1);
  });
});

describe('mutuel verify anchor', () => {
  it.each([
    [
      'a truncated log',
      ['anchor.json', 'cut.log'],
      /^\S+cut\.log, byte \d+, line 14: the file ends in the middle of a line: it is truncated$/,
    ],
    [
      'an anchor in the place of a log',
      ['anchor.json', 'anchor.json'],
      /^\S+anchor\.json, byte 0, line 1: the file ends in the middle/,
    ],
    ['a truncated anchor', ['cut.json'], /^\S+cut\.json is not readable JSON/],
    [
      'a truncated authority',
      ['anchor.json', undefined, 'cut.pem'],
      /^\S+cut\.pem is not a certificate in PEM: it is truncated or something else$/,
    ],
    [
      'an authority that is none',
      ['anchor.json', undefined, 'anchor.json'],
      /^\S+anchor\.json is not a certificate in PEM/,
    ],
  ] as const)('names the file: %s', async (_, [anchor, log, authority], words) => {
    const { code, said } = await run(anchor, log, authority);
    expect(said).toMatch(words);
    expect(code).toBe(2);
  });

  it('says of a list without anchors that there is none', async () => {
    const { code, said } = await run('no-anchors.json');
    expect(said).toContain('this is no anchor: the list holds none');
    expect(code).toBe(1);
  });
});
