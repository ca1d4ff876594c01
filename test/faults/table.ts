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
