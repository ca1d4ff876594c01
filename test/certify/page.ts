/** The one page of a run. It must never leave out a kind of finding, nor show a figure that nothing stands behind. */
import { type CertificateStatement, hasPassed, missingFrom } from '#mutuel/verify';
import { isMet, type Proof } from './proof.js';

export interface Struck {
  readonly name: string;
  /** Into the run, ms. */
  readonly at: number;
  /** From the cause being over to the first acceptance of a ticket that was sent after it, ms; undefined when none came. */
  readonly againMs: number | undefined;
}

export interface Run {
  readonly title: string;
  readonly commit: string;
  readonly seed: number;
  readonly minutes: number;
  readonly startedAt: number;
  readonly top: number;
  readonly machine: string;
  readonly sent: number;
  readonly accepted: number;
  readonly refusals: ReadonlyMap<string, number>;
  readonly unknown: number;
  readonly races: number;
  readonly receipts: number;
  readonly faults: readonly { readonly name: string; readonly how: string }[];
  /** How many faults were drawn; `struck`: those that struck. */
  readonly drawn: number;
  readonly struck: readonly Struck[];
  readonly notInjected: readonly string[];
  readonly proof: Proof;
}

type Kind = 'lost' | 'doubled' | 'late' | 'adrift' | 'other';

const KINDS: readonly (readonly [kind: Kind, words: RegExp])[] = [
  ['lost', /^lost:/],
  ['doubled', /^doubled:|accepted twice|(?:accepted|settled) a second time/],
  ['late', /after the stop/],
  [
    'adrift',
    /^adrift:|sum to|falls |below zero|whole amount|gives |is left on|is withdrawn|tells .* a balance|says (?:\w*[sS]take|amount|paid|refunded|settled|clearing) |its bets move|booked for|topped up/,
  ],
];

export const kindOf = (finding: string): Kind => KINDS.find(([, words]) => words.test(finding))?.[0] ?? 'other';

const WIDTH = 118;
const SHOWN_FINDINGS = 12;
const count = (value: number): string => value.toLocaleString('en');

export function certificateOf(run: Run): CertificateStatement {
  const { proof, commit, seed, minutes, startedAt, accepted, drawn, struck } = run;
  const many = (kind: Kind): number => proof.findings.filter((finding) => kindOf(finding) === kind).length;
  const found = { lost: many('lost'), doubled: many('doubled'), late: many('late'), adrift: many('adrift') };
  const bare = { kind: 'mutuel-certificate', v: 1, commit, seed, minutes, startedAt } as const;
  const { seals, racesSettled, retold } = proof;
  const done = {
    ...{ accepted, drawn, struck: struck.length, racesSettled, seals },
    ...{ deciders: retold.length, replayed: retold.filter(isMet).length },
  };
  const statement = { ...bare, ...found, other: many('other'), ...done, page: '' };
  return { ...statement, page: pageOf(run, statement) };
}

function pageOf(run: Run, statement: CertificateStatement): string {
  const { proof, struck } = run;
  const row = (name: string, value: string): string => `  ${name.padEnd(38)}${value}`;
  const refused = [...run.refusals].sort(([, a], [, b]) => b - a).map(([code, many]) => `${code} ${count(many)}`);
  const zero = (name: string, value: number): string => row(name, `${value}${value === 0 ? '' : '   FAILS'}`);
  const isEqual = statement.replayed > 0 && !proof.findings.some((finding) => finding.startsWith('replay:'));
  const missing = missingFrom(statement);
  return [
    `CERTIFICATE  ${run.title}`,
    row('run', `${new Date(run.startedAt).toISOString()}, ${run.minutes} min, seed ${run.seed}, commit ${run.commit}`),
    row('machine', run.machine),
    row('load', `open loop, ×27 towards each off, ${run.top} tickets/s at the off, ${run.races} races`),
    '',
    row('sent', count(run.sent)),
    row('accepted', count(run.accepted)),
    ...folded(refused.length === 0 ? 'none' : refused.join(', ')).map((line, i) => row(i === 0 ? 'refused' : '', line)),
    row('unknown at first, and resolved', count(run.unknown)),
    zero('lost', statement.lost),
    zero('doubled', statement.doubled),
    zero('late', statement.late),
    zero('cents adrift', statement.adrift),
    zero('other findings', statement.other),
    row('replay hash', `${isEqual ? 'equal' : 'DIFFERS'}  ${proof.retold.map(shortHash).join(' ')}`),
    row('seals verified', `${count(proof.seals)}, of ${count(proof.racesSettled)} races settled`),
    row('receipts with proofs verified', count(run.receipts)),
    row('dividend sheets priced again, equal', count(proof.dividends)),
    row('odds equal to their cuts', `${count(proof.tickFigures)} pools, ${count(proof.tickRows)} combinations`),
    '',
    row('fault', 'how often, and time to accept again (median, longest)'),
    ...run.faults.map(({ name, how }) =>
      faultRow(
        name,
        how,
        struck.filter((one) => one.name === name),
      ),
    ),
    ...run.notInjected.map((what) => row('not injected', what)),
    ...proof.notChecked.map((what) => row('not checked', what)),
    ...missing.map((what) => `  MISSING  ${what}`),
    ...(proof.findings.length === 0 ? [] : ['']),
    ...proof.findings.slice(0, SHOWN_FINDINGS).map((finding) => `  FOUND  ${finding}`),
    '',
    hasPassed(statement) ? 'PASSED' : `FAILED: ${proof.findings.length} findings, ${missing.length} things missing`,
  ].join('\n');
}

function faultRow(name: string, how: string, struck: readonly Struck[]): string {
  const again = struck.map(({ againMs }) => againMs ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const ms = (value: number | undefined): string =>
    value === undefined || value === Number.POSITIVE_INFINITY ? 'never' : `${count(value)} ms`;
  const times = `${struck.length} ×  ${struck.length === 0 ? '' : `${ms(again[Math.floor(again.length / 2)])}, ${ms(again.at(-1))}`}`;
  return `  ${name.padEnd(38)}${times.padEnd(30)}${how}`;
}

/** As the decider said it. */
const shortHash = ({ said = 'none' }: Proof['retold'][number]): string => said.slice(0, 12);

function folded(text: string): string[] {
  const lines = [''];
  for (const word of text.split(/(?<=, )/)) {
    if ((lines.at(-1) ?? '').length + word.length > WIDTH - 40) lines.push('');
    lines[lines.length - 1] += word;
  }
  return lines;
}
