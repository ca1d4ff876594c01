/** A decider small enough to be obvious: it adds numbers, works through jobs step by step, and breaks when asked to. */
import { encodeCommand } from '#mutuel/contracts';
import type { Decider, Decision } from '#mutuel/engine';

export type CounterCommand =
  | { readonly type: 'Add'; readonly n: number }
  | { readonly type: 'Boom' | 'Lopsided' | 'Huge' }
  | { readonly type: 'Job'; readonly steps: number }
  | { readonly type: 'Continue'; readonly cursor: number }
  | { readonly type: 'Fact'; readonly n: number; readonly fact: string }
  | { readonly type: 'Raise'; readonly format: number }
  | { readonly type: 'Checkpoint'; readonly day: string }
  | { readonly type: 'Malformed'; readonly cause: string };

export type CounterEvent =
  | { readonly t: 'Added'; readonly n: number }
  | { readonly t: 'JobStarted'; readonly steps: number }
  | { readonly t: 'Stepped'; readonly cursor: number }
  | { readonly t: 'FactTaken'; readonly n: number }
  | { readonly t: 'Raised'; readonly format: number }
  | { readonly t: 'Checkpoint'; readonly day: string; readonly schema: number; readonly state: string }
  | { readonly t: 'Said'; readonly n: number; readonly text: string };

export interface CounterState {
  sum: number;
  seq: number;
  factNo: number;
  said: number;
  format: number;
  left: number;
  cursor: number;
  readonly seen: number[];
}

const MOVES = (n: number): Decision<CounterEvent>['posts'] => [
  ['house', -n],
  ['player', n],
];

export function counter(): Decider<CounterState, CounterCommand, CounterEvent> {
  return {
    initialState: () => ({ sum: 0, seq: 0, factNo: 0, said: 0, format: 1, left: 0, cursor: 0, seen: [] }),
    decide(state, command, { seq, host }) {
      switch (command.type) {
        case 'Add':
          // Every hundredth is announced, as a shard announces its seals.
          return {
            events:
              (state.sum + command.n) % 100 === 0
                ? [
                    { t: 'Added', n: command.n },
                    { t: 'Said', n: state.said + 1, text: `seq ${seq}` },
                  ]
                : [{ t: 'Added', n: command.n }],
            posts: MOVES(command.n),
          };
        case 'Boom':
          throw new Error('boom');
        case 'Lopsided':
          return { events: [], posts: [['player', 1]] };
        case 'Huge':
          return { events: [{ t: 'Said', n: 0, text: 'x'.repeat(1_000_000) }], posts: [] };
        case 'Job':
          return { events: [{ t: 'JobStarted', steps: command.steps }], posts: [] };
        case 'Continue':
          return command.cursor === state.cursor && state.left > 0
            ? { events: [{ t: 'Stepped', cursor: command.cursor + 1 }], posts: MOVES(1) }
            : { code: 'STEP_PASSED', detail: 'this step was done before', events: [], posts: [] };
        case 'Fact':
          if (command.n <= state.factNo) return { code: 'SEEN', detail: 'known', events: [], posts: [] };
          return command.n === state.factNo + 1
            ? { events: [{ t: 'FactTaken', n: command.n }], posts: [] }
            : { code: 'RELAY_GAP', detail: `expected ${state.factNo + 1}`, events: [], posts: [] };
        case 'Raise':
          return { events: [{ t: 'Raised', format: command.format }], posts: [] };
        case 'Checkpoint':
          return {
            events: [{ t: 'Checkpoint', day: command.day, schema: 1, state: host?.stateHash() ?? '' }],
            posts: [],
          };
        case 'Malformed':
          return { code: 'MALFORMED', detail: command.cause, events: [], posts: [] };
      }
    },
    evolve(state, decided) {
      state.seq = decided.seq;
      state.seen.push(decided.seq);
      for (const event of decided.events) {
        if (event.t === 'Added') state.sum += event.n;
        else if (event.t === 'JobStarted') state.left = event.steps;
        else if (event.t === 'Said') state.said = event.n;
        else if (event.t === 'FactTaken') state.factNo = event.n;
        else if (event.t === 'Raised') state.format = event.format;
        else if (event.t === 'Checkpoint') continue;
        else {
          state.left--;
          state.cursor = event.cursor;
        }
      }
    },
    pending: (state) => (state.left > 0 ? { type: 'Continue', cursor: state.cursor } : undefined),
    schema: 1,
    image: (state) => ({ text: JSON.stringify(state), parts: [] }),
    restore: ({ text }) => JSON.parse(text) as CounterState,
    sent: (state) => state.said,
    recordFormat: ({ format }) => format,
    setAside: (value, { by }) => ({
      ...{ code: 'QUARANTINED', detail: `set aside by ${by.join(' and ')}`, posts: [] },
      events: [{ t: 'FactTaken', n: (value as { n: number }).n }],
    }),
  };
}

const KNOWN = new Set([
  ...['Add', 'Boom', 'Lopsided', 'Huge', 'Job', 'Continue', 'Fact', 'Raise', 'Checkpoint', 'Malformed'],
]);

export function readCounterCommand(value: unknown, trusted: boolean): CounterCommand {
  const command = value as CounterCommand;
  if (KNOWN.has(command.type)) return command;
  if (trusted) throw new Error(`${command.type} is not known to this release`);
  return { type: 'Malformed', cause: `${command.type} is no command` };
}

let commands = 0;

/** A client's command under a fresh id. */
export function command(cmd: CounterCommand | { readonly type: string }): Uint8Array {
  return encodeCommand((++commands).toString(16).padStart(32, '0'), cmd);
}
