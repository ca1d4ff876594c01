import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeSnapshot, decodeSnapshotHead, encodeSnapshot, stateHash, UnusableSnapshot } from '#mutuel/contracts';
import { openMemorySnapshots, openSnapshotFiles } from '../src/index.js';
import { describeSnapshots } from './snapshot-features.js';

const dirs: string[] = [];
const folder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'mutuel-snapshots-'));
  dirs.push(dir);
  return dir;
};
afterAll(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
});

describeSnapshots('a folder', async () => {
  const dir = folder();
  return {
    store: openSnapshotFiles({ dir }),
    reopen: () => openSnapshotFiles({ dir }),
    dispose: async () => undefined,
  };
});
describeSnapshots('memory', async () => {
  const store = openMemorySnapshots();
  return { store, reopen: () => store, dispose: async () => undefined };
});

const state = { text: '{"a":1}', parts: [new Uint8Array([1, 2, 3]), new Uint8Array(0), new Uint8Array(500).fill(7)] };
const head = { src: 'shard-0', schema: 1, seq: 9, checkpoint: '{"next":12}', next: 12, sent: 3, at: 1_795_300_000_000 };
const whole = (): Uint8Array => Buffer.concat(encodeSnapshot(head, state));

describe('a crash', () => {
  it('in the middle of a write leaves the older snapshots and nothing that passes for a new one', async () => {
    const dir = folder();
    const store = openSnapshotFiles({ dir });
    await store.write('shard-0', 1, [Buffer.from('older')]);
    // A writer of its own, killed when a part of its bytes is in the file.
    const target = join(dir, 'snapshots', 'shard-0', '0000000000000002.snapshot');
    const program = `const fs = require('fs');
      const fd = fs.openSync(${JSON.stringify(target)} + '.' + process.pid + '.part', 'w');
      fs.writeSync(fd, 'half of'); console.log('written'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    expect(readdirSync(join(dir, 'snapshots', 'shard-0'))).toHaveLength(2);
    const later = openSnapshotFiles({ dir });
    expect(await later.list('shard-0')).toEqual([1]);
    await later.write('shard-0', 3, [Buffer.from('newer')]);
    expect(readdirSync(join(dir, 'snapshots', 'shard-0')).sort()).toEqual([
      '0000000000000001.snapshot',
      '0000000000000003.snapshot',
    ]);
  });

  it('of a writer that could not write leaves nothing under the name', async () => {
    const dir = folder();
    const store = openSnapshotFiles({ dir });
    mkdirSync(join(dir, 'snapshots', 'market'), { recursive: true });
    writeFileSync(join(dir, 'snapshots', 'market', 'notes.txt'), 'a person was here');
    const broken = [Buffer.from('x'), null as unknown as Uint8Array];
    await expect(store.write('market', 4, broken)).rejects.toThrow();
    expect(await store.list('market')).toEqual([]);
  });
});

describe('a snapshot', () => {
  it('reads back as it was taken, with its place and the hash of its state', () => {
    const read = decodeSnapshot(whole());
    expect(read).toMatchObject({ ...head, stateHash: stateHash(state) });
    expect(read.state.text).toBe(state.text);
    expect(read.state.parts.map((part) => Buffer.from(part))).toEqual(state.parts.map((part) => Buffer.from(part)));
    expect(decodeSnapshotHead(whole())).toEqual({ ...head, stateHash: stateHash(state) });
  });

  it('is found out wherever a single bit of it rots', () => {
    const bytes = whole();
    for (let i = 0; i < bytes.byteLength; i++) {
      const rotten = bytes.slice();
      rotten[i] = (rotten[i] as number) ^ (1 << (i % 8));
      expect(() => decodeSnapshot(rotten), `byte ${i}`).toThrow(UnusableSnapshot);
    }
  });

  it('is found out wherever it was cut off, and when something was added', () => {
    const bytes = whole();
    for (let end = 0; end < bytes.byteLength; end++)
      expect(() => decodeSnapshot(bytes.subarray(0, end)), `cut at ${end}`).toThrow(UnusableSnapshot);
    expect(() => decodeSnapshot(Buffer.concat([bytes, Buffer.from([0])]))).toThrow(UnusableSnapshot);
  });

  it('tells states apart that differ only in where their parts end', () => {
    const one = { text: '{}', parts: [new Uint8Array([1, 2]), new Uint8Array([3])] };
    const other = { text: '{}', parts: [new Uint8Array([1]), new Uint8Array([2, 3])] };
    expect(stateHash(one)).not.toBe(stateHash(other));
  });
});
