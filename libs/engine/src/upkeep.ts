/**
 * What every decider does for its own log, whatever it decides: the daily checkpoint, the format its records are written in, and the
 * command that two people have set aside because deciding it ended three incarnations. It must never move money.
 */
import { assert, type Context, type Decision, refuse } from './decider.js';

/** What the state was when the day was checked: whoever folds the log compares its own. */
export interface CheckpointTaken {
  readonly t: 'Checkpoint';
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string;
  /** The layout of the state; the hash of another layout says nothing. */
  readonly schema: number;
  /** SHA-256 of the state's image right before this decision, hex. */
  readonly state: string;
}

/** A command of a service that was decided `QUARANTINED`: it had no effect but that its number counts as taken. */
export interface CommandSetAside {
  readonly t: 'SetAside';
  /** Who asked for it and who agreed: two people. */
  readonly by: readonly [asked: string, agreed: string];
  readonly reason: string;
  /** Kind of what was set aside, as its sender called it. */
  readonly what: string;
  /** Number of a market fact. */
  readonly fact?: number;
  /** Shard and number of a shard's report. */
  readonly report?: readonly [shard: number, n: number];
}

export type UpkeepEvent = CheckpointTaken | CommandSetAside;

/** What two people have decided about one command. */
export type TwoPeoplesWord = Pick<CommandSetAside, 'by' | 'reason'>;

export interface Upkeep {
  /** The day of the last checkpoint; empty before the first. */
  checkpointDay: string;
  /** The record format that decisions are written in. */
  recordFormat: number;
}

/** Written from the beginning of every log. */
const FIRST_RECORD_FORMAT = 1;

export const newUpkeep = (): Upkeep => ({ checkpointDay: '', recordFormat: FIRST_RECORD_FORMAT });

const DAY = /^\d{4}-\d\d-\d\d$/;
const MAX_KIND = 60;

/** Whether the JSON of a command is one of `Checkpoint`; only a service may ask for one. */
export const isCheckpoint = (c: Readonly<Record<string, unknown>>): boolean =>
  typeof c['day'] === 'string' && DAY.test(c['day']);

export function takeCheckpoint<E>(
  upkeep: Upkeep,
  day: string,
  schema: number,
  { host }: Context,
): Decision<E | CheckpointTaken> {
  if (day <= upkeep.checkpointDay) return refuse('ALREADY_APPLIED', `${upkeep.checkpointDay} was checked before.`);
  assert(host !== undefined, () => 'a checkpoint needs a host that can hash the state');
  return { events: [{ t: 'Checkpoint', day, schema, state: host.stateHash() }], posts: [] };
}

/** The decision on a command that is not run; `value` is its JSON, of whatever kind. */
export function setAside(value: unknown, { by, reason }: TwoPeoplesWord): Decision<CommandSetAside> {
  const { type, n, fact, shard, report } = value as Readonly<Record<string, unknown>>;
  const kind = type === 'MarketFact' ? kindOf(fact) : type === 'ShardReport' ? kindOf(report) : type;
  const counted = typeof n === 'number' && Number.isSafeInteger(n) ? n : undefined;
  const event: CommandSetAside = {
    t: 'SetAside',
    by,
    reason,
    what: String(kind).slice(0, MAX_KIND),
    ...(type === 'MarketFact' && counted !== undefined ? { fact: counted } : {}),
    ...(type === 'ShardReport' && counted !== undefined && typeof shard === 'number'
      ? { report: [shard, counted] as const }
      : {}),
  };
  const detail = `Set aside by ${by[0]} and ${by[1]} without being run: ${reason}`;
  return { code: 'QUARANTINED', detail, events: [event], posts: [] };
}

const kindOf = (message: unknown): unknown => (message as { readonly t?: unknown } | undefined)?.t;
