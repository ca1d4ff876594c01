// One position of the slip: a row of numbers to mark, as on a marked card. One tab stop a row; the arrow keys move along it
// and space marks.
import { type KeyboardEvent, useRef, useState } from 'react';
import { clothStyle } from '../common/parts.js';
import type { Runner } from '../wire.js';

export interface MarksProps {
  legend: string;
  runners: readonly Runner[];
  marked: readonly string[];
  /** Whether the whole field may be taken with one tap. */
  withField: boolean;
  testId: string;
  onMark: (runner: string) => void;
  onField: () => void;
}

export function Marks({ legend, runners, marked, withField, testId, onMark, onField }: MarksProps) {
  const row = useRef<HTMLDivElement>(null);
  const [stop, setStop] = useState(0);
  const going = runners.filter((runner) => runner.status !== 'SCRATCHED');
  const move = (event: KeyboardEvent) => {
    const buttons = [...(row.current?.querySelectorAll<HTMLButtonElement>('button:not(:disabled)') ?? [])];
    const next = nextStop(event.key, buttons.indexOf(document.activeElement as HTMLButtonElement), buttons.length);
    if (next === null) return;
    event.preventDefault();
    setStop(next);
    buttons[next]?.focus();
  };
  let enabled = -1;
  return (
    <fieldset>
      <legend className="legend">{legend}</legend>
      <div ref={row} className="marks" role="toolbar" aria-label={legend} onKeyDown={move} data-testid={testId}>
        {runners.map((runner) => {
          const out = runner.status === 'SCRATCHED';
          if (!out) enabled += 1;
          const mine = enabled;
          return (
            <button
              key={runner.number}
              type="button"
              style={clothStyle(runner.number)}
              aria-pressed={marked.includes(runner.number)}
              aria-label={`${runner.number} ${runner.name}${out ? ', non-runner' : ''}`}
              title={runner.name}
              disabled={out}
              tabIndex={mine === stop ? 0 : -1}
              onClick={() => {
                setStop(mine);
                onMark(runner.number);
              }}
            >
              {runner.number}
            </button>
          );
        })}
        {withField ? (
          <button
            type="button"
            className="all"
            aria-pressed={marked.length === going.length}
            tabIndex={stop === going.length ? 0 : -1}
            onClick={onField}
          >
            Field
          </button>
        ) : null}
      </div>
    </fieldset>
  );
}

function nextStop(key: string, at: number, count: number): number | null {
  if (count === 0) return null;
  if (key === 'ArrowRight' || key === 'ArrowDown') return (at + 1) % count;
  if (key === 'ArrowLeft' || key === 'ArrowUp') return (at - 1 + count) % count;
  if (key === 'Home') return 0;
  if (key === 'End') return count - 1;
  return null;
}
