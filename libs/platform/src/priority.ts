/**
 * How a process gives way on a machine that it shares: whoever takes or decides bets comes first, what only reads behind them waits. It
 * only ever lowers itself, and where the system does not let it, it goes on as it is.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

const THREADS = '/proc/self/task';
const SESSION = '/proc/self/autogroup';

/** `nice` from 0, as everybody, to 19, only when nobody else wants to run. */
export function giveWay(nice: number): void {
  if (nice <= 0) return;
  for (const thread of threads()) attempt(() => setPriority(thread, nice));
  // Linux may share the processor between sessions first: what is nice within one of its own is nice to nobody.
  if (leadsSession()) attempt(() => writeFileSync(SESSION, String(nice)));
}

/** Linux keeps a priority for each thread: those that collect garbage and read files were made before us. */
function threads(): number[] {
  try {
    return readdirSync(THREADS).map(Number);
  } catch {
    return [process.pid];
  }
}

/** The session's priority is everybody's in it: only who began it may speak for it. */
function leadsSession(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    // The second field is the program's name in brackets and may hold blanks: count from its end.
    const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
    return Number(fields[3]) === process.pid;
  } catch {
    return false;
  }
}

function attempt(change: () => void): void {
  try {
    change();
  } catch {
    // Not allowed, or not Linux: it only runs as it did before.
  }
}
