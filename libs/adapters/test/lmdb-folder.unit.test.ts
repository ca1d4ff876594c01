/** The embedded log's folder: who may use it, what a full or unwritable disk says, and what damage looks like. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type LmdbLogOptions, openLmdbLog, SetupFault } from '#mutuel/adapters';
import { LogFault } from '#mutuel/runtime';
import { openLmdbEnvironment } from '../src/embedded/lmdb-store.js';
import { bytesOf, textsOf } from './support/log-helpers.js';

const at = { topic: 'bets', partition: 0 };
let dir: string;
let warnings: string[];
const open = (more: Partial<LmdbLogOptions> = {}) =>
  openLmdbLog({ dir, topics: { bets: 2 }, clock: Date, onWarning: (sentence) => warnings.push(sentence), ...more });

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'mutuel-log-'));
  warnings = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

it('refuses a second opening of the same folder and allows it after a close', async () => {
  const log = await open();
  await expect(open()).rejects.toThrow(`The data folder ${join(dir, 'log')} is already open in this process`);
  await log.close();
  await (await open()).close();
});

it('refuses a folder that a running process holds and names the process', async () => {
  mkdirSync(join(dir, 'log'));
  writeFileSync(join(dir, 'log', 'lock'), `${process.ppid} `);
  await expect(open()).rejects.toThrow(`is in use by process ${process.ppid}; stop it first`);
});

it.each([
  ['a process that has died', '4194305 1'],
  ['a former process with our own id', `${process.pid} 1`],
  ['a process whose id was given to another one', `${process.ppid} 1`],
  ['nobody, after a torn write', ''],
])('takes the folder over from %s', async (_, holder) => {
  mkdirSync(join(dir, 'log'));
  writeFileSync(join(dir, 'log', 'lock'), holder);
  const log = await open();
  expect(readFileSync(join(dir, 'log', 'lock'), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
  await log.close();
});

it.each([
  ['is a file', () => join(dir, 'file'), 'is a file'],
  ['lies below a file', () => join(dir, 'file', 'deeper'), 'is a file'],
  ['lies where the kernel makes the files', () => '/proc/mutuel/data', 'nothing can be made there'],
  ['may not be made', () => '/sys/mutuel', 'this user may not'],
  ['has a name that is too long', () => join(dir, 'x'.repeat(300)), 'ENAMETOOLONG'],
])('says in one line and at once that a folder cannot be written which %s', async (_, folder, why) => {
  writeFileSync(join(dir, 'file'), '');
  const fault: unknown = await openLmdbLog({
    dir: folder(),
    topics: {},
    clock: Date,
    onWarning: () => undefined,
  }).catch((one: unknown) => one);
  expect(fault).toBeInstanceOf(SetupFault);
  expect((fault as SetupFault).kind).toBe('FOLDER');
  expect((fault as SetupFault).message).toMatch(
    /^The data folder .*log cannot be written \(.*\): choose another with --data/,
  );
  expect((fault as SetupFault).message).toContain(why);
});

it('refuses other partition counts than those of the first start, and takes new topics', async () => {
  await (await open()).close();
  await expect(open({ topics: { bets: 4 } })).rejects.toThrow('has 2 partitions of bets, not 4');
  const log = await open({ topics: { bets: 2, odds: 1 } });
  expect(await log.partitions('odds')).toBe(1);
  await log.close();
});

it('refuses appends on a full disk, says so, and goes on when there is room again', async () => {
  let free = 0;
  const log = await open({ freeBytes: async () => free });
  expect(warnings[0]).toContain('nearly full');
  const append = async (text: string) => (await log.appender()).append(at, bytesOf(text));
  await expect(append('a')).rejects.toMatchObject({
    outcome: 'NOT_APPENDED',
    message: expect.stringContaining('is full'),
  });
  await expect(append('a')).rejects.toThrow('is full');
  expect(log.trouble?.()).toContain('is full');
  expect(warnings.filter((line) => line.includes('refuses appends:'))).toHaveLength(1);
  free = 1e9;
  expect(await append('b')).toEqual({ base: 0 });
  expect(log.trouble?.()).toBeUndefined();
  expect(warnings.at(-1)).toBe('The log takes appends again');
  expect(textsOf(await log.read({ ...at, from: 0 }, 9))).toEqual(['b']);
  await log.close();
});

it('survives a commit that LMDB refuses', async () => {
  let refuse = false;
  const log = await open({
    openEnvironment: (folder, tables) => {
      const real = openLmdbEnvironment(folder, tables);
      return {
        openDB: (name, options) => real.openDB(name, options),
        batch: (puts) => (refuse ? Promise.reject(new Error('Input/output error')) : real.batch(puts)),
        flushed: Promise.resolve(),
        close: () => real.close(),
      };
    },
  });
  refuse = true;
  await expect((await log.appender()).append(at, bytesOf('a'))).rejects.toMatchObject({ outcome: 'NOT_APPENDED' });
  refuse = false;
  expect(await (await log.appender()).append(at, bytesOf('b'))).toEqual({ base: 0 });
  await log.close();
});

it('hands out the very bytes that were appended while they are recent, and equal ones after a restart', async () => {
  const log = await open();
  const [value] = bytesOf('a');
  await (await log.appender()).append(at, [value as Uint8Array]);
  const [first] = await log.read({ ...at, from: 0 }, 1);
  expect(first?.value).toBe(value);
  await log.close();
  const later = await open();
  expect(textsOf(await later.read({ ...at, from: 0 }, 1))).toEqual(['a']);
  await later.close();
});

it('stops at damaged bytes with their position', async () => {
  const log = await open();
  await (await log.appender()).append(at, bytesOf('first'));
  await (await log.appender()).append(at, bytesOf('second record'));
  await log.close();
  const file = join(dir, 'log', 'data.mdb');
  const bytes = readFileSync(file);
  for (let i = bytes.indexOf('second'); i >= 0; i = bytes.indexOf('second', i + 1)) bytes.write('sEcond', i);
  writeFileSync(file, bytes);
  await expect(open().then((again) => again.read({ ...at, from: 0 }, 9))).rejects.toThrow(LogFault);
  await expect(open()).rejects.toThrow('bets/0 is damaged at offset 1');
});
