/**
 * A server that stands still with all its processes: PostgreSQL has one for each connection, and those answer on while their parent
 * stands. It must never leave one of them standing.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { childrenOf } from '../../infra/native/index.mjs';

const STANDS_WITHIN_MS = 5_000;

/** The process and its children stand still until the answer is called. */
export async function standStill(pid: number): Promise<() => void> {
  process.kill(pid, 'SIGSTOP');
  const standing = [pid];
  const wake = (): void => {
    for (const each of standing.toReversed()) signal(each, 'SIGCONT');
  };
  try {
    // From then on it begins no others, and those that end stay in its list.
    for (const until = performance.now() + STANDS_WITHIN_MS; !stands(pid); await pause(1))
      if (performance.now() > until) throw new Error(`process ${pid} does not stand still`);
    for (const child of childrenOf(pid)) {
      signal(child, 'SIGSTOP');
      standing.push(child);
    }
  } catch (fault) {
    wake();
    throw fault;
  }
  return wake;
}

function stands(pid: number): boolean {
  // The program's name stands in brackets and may hold blanks.
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.startsWith('T') === true;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
