/**
 * On a machine that runs everything, PostgreSQL gives way to whoever takes and decides bets: what it holds can be made anew from the
 * log, and nobody who bets waits for it. Linux alone; elsewhere nothing happens.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Lowers the server and each of its connections that is open now; to be done again for those that come later. */
export function lower({ pid }, nice) {
  if (!(nice > 0)) return;
  for (const each of [pid, ...childrenOf(pid)]) {
    attempt(() => setPriority(each, nice));
    // Each of them begins a session of its own, and Linux may share the processor between sessions first.
    attempt(() => writeFileSync(`/proc/${each}/autogroup`, String(nice)));
  }
}

/** The processes that it began and that still are; none where nobody can tell. */
export function childrenOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function attempt(change) {
  try {
    change();
  } catch {
    // It has ended meanwhile, or belongs to somebody else.
  }
}
