// One dialog for every command that needs a reason: says what will happen, asks why, sends, and shows the market's answer.
// It must never close on a refusal.
import { Modal } from '@mantine/core';
import { useId, useState } from 'react';
import { ProblemNote } from '../common/parts.js';
import type { OperatorSession } from '../common/session.js';
import type { Race } from '../wire.js';
import { type Acknowledged, useCommand } from './queries.js';
import type { Action } from './roles.js';

interface Words {
  title: string;
  says: string;
  verb: string;
  reasons: readonly string[];
  grave: boolean;
}

export const WORDS: Readonly<Record<Exclude<Action, 'result' | 'confirm'>, Words>> = {
  open: {
    title: 'Open betting',
    says: 'All pools of this race start to sell.',
    verb: 'Open betting',
    reasons: ['As scheduled'],
    grave: false,
  },
  suspend: {
    title: 'Suspend betting',
    says: 'No bet is taken until betting is resumed. Bets already taken stand.',
    verb: 'Suspend',
    reasons: ['Runner loose', 'Trouble at the start', 'Doubt about a runner'],
    grave: false,
  },
  resume: {
    title: 'Resume betting',
    says: 'All pools of this race sell again.',
    verb: 'Resume',
    reasons: ['Cleared'],
    grave: false,
  },
  close: {
    title: 'Stop betting',
    says: 'The stop counts from the moment the market writes it down. Bets that reach a shard later are voided and refunded.',
    verb: 'Stop betting',
    reasons: ['They are off', 'At post time', 'Order of the stewards'],
    grave: true,
  },
  scratch: {
    title: 'Scratch a runner',
    says: 'New bets naming it are refused; earlier ones are refunded or changed by the rule of each pool.',
    verb: 'Scratch',
    reasons: ['Veterinary', 'Withdrawn by the trainer', 'Refused to start'],
    grave: true,
  },
  'late-off': {
    title: 'Record the real off',
    says: 'The race was off before betting stopped. Every bet after the real off is voided and refunded.',
    verb: 'Record the off',
    reasons: ['Off before the stop, seen on film'],
    grave: true,
  },
  void: {
    title: 'Void the race',
    says: 'Every stake on this race is refunded. This cannot be taken back.',
    verb: 'Void the race',
    reasons: ['Race abandoned', 'No race', 'Failure of the tote'],
    grave: true,
  },
};

export interface CommandDialogProps {
  action: keyof typeof WORDS;
  race: Race;
  operator: OperatorSession;
  onClose: () => void;
  onDone: (action: keyof typeof WORDS, answer: Acknowledged) => void;
}

export function CommandDialog({ action, race, operator, onClose, onDone }: CommandDialogProps) {
  const words = WORDS[action];
  const command = useCommand(operator, race.raceId);
  const [reason, setReason] = useState('');
  const [runner, setRunner] = useState('');
  const [off, setOff] = useState(() => timeText(race.stopAt ?? new Date().toISOString()));
  const reasonId = useId();
  const extra = action === 'scratch' ? { runner } : action === 'late-off' ? { offAt: offAt(off, race.stopAt) } : {};
  return (
    <Modal
      opened
      onClose={onClose}
      title={`${words.title}: race ${race.number}`}
      centered
      size="md"
      data-testid="command-dialog"
    >
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          command.mutate(
            { action, body: { reason: reason.trim(), ...extra } },
            { onSuccess: (answer) => onDone(action, answer) },
          );
        }}
      >
        <p className="small muted">{words.says}</p>
        {race.result?.status === 'OFFICIAL' ? (
          <p className="note warn">
            <strong>The result is official and has been paid.</strong>
            {action === 'void'
              ? 'Once another person confirms it, every stake is given back, less what was paid.'
              : 'Its stakes are given back now; the order is entered again and paid as the difference once another person confirms it.'}
          </p>
        ) : null}
        {action === 'scratch' ? (
          <label className="field">
            Runner
            <select
              required
              value={runner}
              onChange={(event) => setRunner(event.target.value)}
              data-testid="scratch-runner"
            >
              <option value="" disabled>
                Choose the runner
              </option>
              {race.runners
                .filter((one) => one.status !== 'SCRATCHED')
                .map((one) => (
                  <option key={one.number} value={one.number}>
                    {one.number} {one.name}
                  </option>
                ))}
            </select>
          </label>
        ) : null}
        {action === 'late-off' ? (
          <label className="field">
            The real off
            <input
              type="time"
              step={1}
              required
              value={off}
              onChange={(event) => setOff(event.target.value)}
              data-testid="off-at"
            />
          </label>
        ) : null}
        <div className="field">
          <label htmlFor={reasonId}>Reason, kept in the audit trail</label>
          <input
            id={reasonId}
            required
            maxLength={200}
            autoComplete="off"
            data-autofocus
            value={reason}
            onChange={(event) => setReason(event.target.value)}
            data-testid="reason"
          />
          <div className="choices">
            {words.reasons.map((one) => (
              <button
                key={one}
                type="button"
                className="choice"
                aria-pressed={reason === one}
                onClick={() => setReason(one)}
              >
                {one}
              </button>
            ))}
          </div>
        </div>
        <ProblemNote failure={command.error} testId="command-problem" />
        <div className="row" style={{ justifyContent: 'flex-end' }}>
          <button type="button" className="act" onClick={onClose}>
            Leave it
          </button>
          <button
            type="submit"
            className={`act ${words.grave ? 'stop' : 'main'}`}
            disabled={command.isPending}
            data-testid="send-command"
          >
            {command.isPending ? 'Sending' : words.verb}
          </button>
        </div>
      </form>
    </Modal>
  );
}

/** `14:05:09` of an instant, in the reader's own zone, as a time box wants it. */
function timeText(at: string): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** The instant of a wall-clock time on the day of the stop. */
function offAt(text: string, stopAt: string | null): string {
  const date = new Date(stopAt ?? Date.now());
  const [hours = 0, minutes = 0, seconds = 0] = text.split(':').map(Number);
  date.setHours(hours, minutes, seconds, 0);
  return date.toISOString();
}
