// The small parts both pages are made of: saddle cloths, pills, problems said in words, skeletons, the masthead. They must
// never fetch.
import type { CSSProperties, ReactNode } from 'react';
import { LostAnswer, ProblemError } from '../http.js';
import type { Problem } from '../wire.js';
import { faceOf } from './race-face.js';

/** Saddle-cloth colours as they are worn: number → cloth, figures. Past 24 the cloth is plain. */
export const CLOTHS: readonly (readonly [string, string])[] = [
  ['#c8252c', '#ffffff'],
  ['#ffffff', '#111111'],
  ['#1f4fa3', '#ffffff'],
  ['#f2c31b', '#111111'],
  ['#1d7a3f', '#ffffff'],
  ['#17181a', '#f4c531'],
  ['#ee7d1d', '#111111'],
  ['#f3a9be', '#111111'],
  ['#3dbfc0', '#111111'],
  ['#6a3594', '#ffffff'],
  ['#9aa0a5', '#650a0e'],
  ['#a6d13a', '#111111'],
  ['#6b4326', '#ffffff'],
  ['#7a1f33', '#f4d03c'],
  ['#c2b280', '#111111'],
  ['#8db8d9', '#7d0c12'],
  ['#1a2a56', '#ffffff'],
  ['#1f4d33', '#f4d03c'],
  ['#2a56c0', '#ffd7d7'],
  ['#ad2074', '#fbe45a'],
  ['#c3b1e1', '#111111'],
  ['#c99a2e', '#111111'],
  ['#4a5a3a', '#ffffff'],
  ['#d9d2c3', '#7a1f33'],
];

export function clothStyle(number: string): CSSProperties {
  const [cloth, ink] = CLOTHS[Number.parseInt(number, 10) - 1] ?? ['#5b6670', '#ffffff'];
  return { '--cloth': cloth, '--cloth-ink': ink } as CSSProperties;
}

export function Cloth({ number, little = false, out = false }: { number: string; little?: boolean; out?: boolean }) {
  return (
    <span className={`cloth${little ? ' little' : ''}${out ? ' out' : ''}`} style={clothStyle(number)}>
      {number}
    </span>
  );
}

/** A combination as cloths: `4>7` with arrows, `4-7` side by side. */
export function Combination({ c }: { c: string }) {
  const runners = c.split(/[>\-/]/u);
  const arrow = c.includes('>') ? '›' : '';
  return (
    <span className="row nowrap" style={{ gap: 4, flexWrap: 'nowrap', display: 'inline-flex' }}>
      {runners.map((runner, index) => (
        <span key={`${runner}${index > 0 ? runners[index - 1] : ''}`} style={{ display: 'inline-flex', gap: 4 }}>
          {index > 0 && arrow !== '' ? (
            <span aria-hidden className="muted">
              {arrow}
            </span>
          ) : null}
          {/^\d+\w?$/u.test(runner) ? (
            <Cloth number={runner} little />
          ) : (
            <span className="muted">{runner === '*' ? 'any' : runner}</span>
          )}
        </span>
      ))}
      <span className="sr">{c}</span>
    </span>
  );
}

export function StatusPill({ status }: { status: string }) {
  const face = faceOf(status);
  return <span className={`pill ${face.tone}`}>{face.label}</span>;
}

/** A failure as a sentence with its code; nothing when there is none. */
export function ProblemNote({ failure, testId = 'problem' }: { failure: unknown; testId?: string }) {
  if (failure === null || failure === undefined) return null;
  if (failure instanceof ProblemError) return <ProblemText problem={failure.problem} testId={testId} />;
  const sentence =
    failure instanceof LostAnswer
      ? 'The tote did not answer. It will be asked again.'
      : 'Something unexpected went wrong on this page.';
  return (
    <div className="note bad" role="alert" data-testid={testId}>
      <strong>{sentence}</strong>
    </div>
  );
}

export function ProblemText({ problem, testId = 'problem' }: { problem: Problem; testId?: string }) {
  const sentence = problem.detail ?? problem.title ?? 'The tote refused this.';
  return (
    <div className="note bad" role="alert" data-testid={testId}>
      <strong>{sentence}</strong>
      {(problem.errors ?? [])
        .filter((error) => error.detail !== sentence)
        .map((error) => (
          <div key={error.pointer + error.code}>{error.detail}</div>
        ))}
      <code data-testid={`${testId}-code`}>{problem.code}</code>
      {problem.correlationId === undefined ? null : <code> · {problem.correlationId}</code>}
    </div>
  );
}

/** Grey bars in the place of what is still on its way. */
export function Bones({ rows, height = 20 }: { rows: number; height?: number }) {
  return (
    <div className="stack" style={{ padding: 18 }} aria-hidden data-testid="loading">
      {Array.from({ length: rows }, (_, index) => index).map((row) => (
        <div key={row} className="bone" style={{ height, width: `${96 - ((row * 17) % 38)}%` }} />
      ))}
    </div>
  );
}

export function Masthead({ here, children }: { here: 'board' | 'ops'; children?: ReactNode }) {
  return (
    <header className="masthead">
      <a className="skip" href="#main">
        Skip to the race
      </a>
      <a className="wordmark" href="/" aria-label="Mutuel, the board">
        <img src="/favicon.svg" alt="" />
        <span>Mutuel</span>
      </a>
      <nav aria-label="Pages">
        <a href="/" aria-current={here === 'board' ? 'page' : undefined}>
          Board
        </a>
        <a href="/ops" aria-current={here === 'ops' ? 'page' : undefined}>
          Stewards
        </a>
      </nav>
      {children}
    </header>
  );
}
