/** What came of each fault as a row of a table that a page can take over as it is. It must never leave a finding without a column. */
import type { Outcome } from './trial.js';

/** What must be zero, by the sentences of the checker. */
const ZEROS: readonly (readonly [heading: string, sentence: RegExp])[] = [
  ['lost', /^lost: /],
  ['doubled', /^doubled: |accepted twice|^\S+ was t\S+; again:/],
  ['standing', /stands at the seal of/],
  ['adrift', /^adrift: |postings sum|falls below zero|gives .+ back|whole amount/],
  ['seal ≠ fold', /the seal of .+ says/],
];
const HEADINGS = [
  'fault',
  'seed',
  'accepted',
  'refused',
  '503',
  'delayed',
  'unknown→resolved',
  'again ms',
  'longest gap ms',
  ...ZEROS.map(([heading]) => heading),
  'else',
];
const FAULT_WIDTH = 38;

/** Kill -9 of a leading engine to the first acceptance, where another one stands by, and no silence after it that is longer. */
const STANDBY_WITHIN_MS = 2_000;

/** With what is found by the clock: a warm standby that was not there in time. A machine that others use may be the reason. */
export function judged(outcome: Outcome): Outcome {
  const { name, againMs, gapMs, findings } = outcome;
  const silentMs = againMs === undefined ? undefined : Math.max(againMs, gapMs);
  const inTime = silentMs !== undefined && silentMs <= STANDBY_WITHIN_MS;
  if (!name.includes('a standby is warm') || inTime) return outcome;
  const late = `accepts nothing for ${silentMs ?? 'ever so many'} ms after the kill, longer than ${STANDBY_WITHIN_MS} ms`;
  return { ...outcome, findings: [...findings, late] };
}

export function headOfTable(): string {
  return `${line(HEADINGS)}\n${line(HEADINGS.map((heading, i) => '-'.repeat(i === 0 ? FAULT_WIDTH : heading.length)))}`;
}

export function rowOf(outcome: Outcome): string {
  const { name, seed, accepted, refused, turnedAway, delayed, unknown, resolved, againMs, gapMs, findings } = outcome;
  const zeros = ZEROS.map(([, sentence]) => findings.filter((finding) => sentence.test(finding)).length);
  const others = findings.length - zeros.reduce((sum, count) => sum + count, 0);
  const told = [seed, accepted, refused, turnedAway, delayed, `${unknown}→${resolved}`, againMs ?? 'never', gapMs];
  return line([name, ...told, ...zeros, others]);
}

function line(cells: readonly (string | number)[]): string {
  const padded = cells.map((cell, i) =>
    i === 0 ? String(cell).padEnd(FAULT_WIDTH) : String(cell).padStart(HEADINGS[i]?.length ?? 0),
  );
  return `| ${padded.join(' | ')} |`;
}
