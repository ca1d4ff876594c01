/** One record of the log as a line for a person, whatever it is; what cannot be read is said to be so and shown by its first bytes. */

export interface LogFilter {
  readonly account?: string;
  readonly race?: string;
  readonly ticket?: string;
}

export interface LogPlace {
  readonly topic: string;
  readonly partition: number;
}

type Fields = Readonly<Record<string, unknown>>;

const SHOWN_BYTES = 60;
const SHOWN_TEXT = 160;

/** The record as JSON, a signed command opened; undefined where it is no JSON object. */
export function readEntry(bytes: Uint8Array): Fields | undefined {
  const outer = parsed(Buffer.from(bytes).toString('utf8'));
  const signed = outer?.['signed'];
  return typeof signed === 'string' ? { ...outer, cmd: parsed(signed) } : outer;
}

/** Looks for the id as a whole value anywhere in the record: no kind of record can be forgotten. */
export function matches(entry: Fields | undefined, { account, race, ticket }: LogFilter): boolean {
  const wanted: readonly ((text: string) => boolean)[] = [
    ...(account === undefined ? [] : [(text: string) => text === account || text === `acc:${account}`]),
    ...(race === undefined
      ? []
      : [(text: string) => text === race || text.startsWith(`${race}-`) || text.startsWith(`pool:${race}-`)]),
    ...(ticket === undefined ? [] : [(text: string) => text === ticket || text.startsWith(`${ticket}-`)]),
  ];
  return wanted.every((is) => holds(entry, is));
}

function holds(value: unknown, is: (text: string) => boolean): boolean {
  if (typeof value === 'string') return is(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some((inner) => holds(inner, is));
}

export function lineOf(
  { topic, partition }: LogPlace,
  record: { readonly offset: number; readonly time: number; readonly value: Uint8Array },
  entry: Fields | undefined,
): string {
  const head = `${new Date(record.time).toISOString()} ${topic}[${partition}]@${record.offset}`;
  if (entry === undefined)
    return `${head} UNREADABLE ${Buffer.from(record.value.subarray(0, SHOWN_BYTES)).toString('hex')}`;
  return `${head} ${bodyOf(entry)}`;
}

function bodyOf(entry: Fields): string {
  if (entry['kind'] === 'started') return `started incarnation ${String(entry['inc']).slice(0, 8)}`;
  if (entry['kind'] === 'decision') return decisionText(entry);
  if (typeof entry['cycle'] === 'number') return tickText(entry);
  const command = entry['cmd'] as Fields | undefined;
  if (command === undefined) return brief(entry);
  const { type, ...rest } = command;
  return `${entry['mac'] === undefined ? '' : 'signed '}${String(type)} ${brief(rest)}`;
}

function decisionText(entry: Fields): string {
  const { seq, code, detail } = entry;
  const events = (entry['events'] as Fields[] | undefined) ?? [];
  const outcome = code === undefined ? '' : ` refused ${String(code)}: ${String(detail ?? '')}`;
  return `#${String(seq)}${outcome}${events.map((event) => ` | ${eventText(event)}`).join('')}`;
}

function eventText(event: Fields): string {
  const { t, ...rest } = event;
  const inner = (rest['fact'] ?? rest['report']) as Fields | undefined;
  if (inner === undefined) return `${String(t)} ${brief(rest)}`;
  const { t: kind, ...facts } = inner;
  return `${String(t)} ${String(rest['n'])} ${String(kind)} ${brief(facts)}`;
}

function tickText(entry: Fields): string {
  const pools = (entry['pools'] as Fields[] | undefined) ?? [];
  const late = entry['late'] === true ? ', late' : '';
  return `tick ${String(entry['cycle'])}${late}: ${pools.length} pools ${pools
    .map((pool) => `${String(pool['id'])} ${String(pool['gross'])}`)
    .join(', ')
    .slice(0, SHOWN_TEXT)}`;
}

/** `name=value` for what is short; lists and objects by their size. */
function brief(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${valueText(value)}`)
    .join(' ')
    .slice(0, 4 * SHOWN_TEXT);
}

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= SHOWN_TEXT ? text : `${text.slice(0, SHOWN_TEXT)}…`;
}

function parsed(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}
