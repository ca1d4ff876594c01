/** A process that gives way does so with all its threads, and only its own session with it. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { platform } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Said {
  /** How nice each thread is. */
  readonly threads: readonly number[];
  readonly session: string;
}

const MODULE = fileURLToPath(new URL('../src/priority.ts', import.meta.url));
const LOOK = `
  import { readdirSync, readFileSync, existsSync } from 'node:fs';
  const { giveWay } = await import(${JSON.stringify(MODULE)});
  giveWay(Number(process.argv[1]));
  const niceOf = (id) => Number(readFileSync('/proc/self/task/' + id + '/stat', 'utf8').split(') ').at(-1).split(' ')[16]);
  const session = existsSync('/proc/self/autogroup') ? readFileSync('/proc/self/autogroup', 'utf8').trim() : '';
  console.log(JSON.stringify({ threads: readdirSync('/proc/self/task').map(niceOf), session }));
`;

/** What a process of its own says after it gave way. */
function lowered(nice: number, ownSession: boolean): Promise<Said> {
  const args = ['--conditions=src', '--import', 'tsx', '--input-type=module', '-e', LOOK, String(nice)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: ownSession });
  let said = '';
  child.stdout.on('data', (part) => {
    said += String(part);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(JSON.parse(said) as Said));
  });
}

const SWITCH = '/proc/sys/kernel/sched_autogroup_enabled';
const LINUX = platform() === 'linux';
const SESSIONS = existsSync(SWITCH) && readFileSync(SWITCH, 'utf8').trim() === '1';

describe('A process that gives way', () => {
  it('does so with every thread, those that collect garbage among them', async () => {
    const { threads } = LINUX ? await lowered(15, true) : { threads: [15, 15] };
    expect(threads.length).toBeGreaterThan(1);
    expect(new Set(threads)).toEqual(new Set([15]));
  });

  it('takes its session with it only where it began that', async () => {
    const own = SESSIONS ? (await lowered(15, true)).session : '/autogroup-1 nice 15';
    const shared = SESSIONS ? (await lowered(15, false)).session : '/autogroup-2 nice 0';
    expect(own).toMatch(/ nice 15$/);
    expect(shared).not.toMatch(/ nice 15$/);
  });

  it('stays as it is where it is told 0', async () => {
    const { threads } = LINUX ? await lowered(0, true) : { threads: [0] };
    expect(Math.max(...threads)).toBeLessThan(15);
  });
});
