/**
 * What a process says: a line for a person at a terminal, a JSON object where machines collect it (`LOG_FORMAT=json`, or in
 * production). Lines of one request share its correlation id, which the client has in its answer and a trace in its first span. No
 * line holds a person, a reference or a token (operators are named in lines about their calls): what a fault's own text may carry of them
 * is masked.
 */

import type { OperatorCall } from '../http/operator-calls.js';

/** What a line is about, for machines. */
export interface LineFacts {
  readonly code?: string;
  readonly correlationId?: string;
  /** A call at the operators' door. */
  readonly call?: OperatorCall;
}

/** Lines for people: what happened, and what somebody should look at. */
export interface Voice {
  say(line: string, facts?: LineFacts): void;
  warn(line: string, facts?: LineFacts): void;
}

export type LogFormat = 'json' | 'text';

export interface VoiceOptions {
  readonly format: LogFormat;
  /** The roles of the process. */
  readonly roles: string;
  readonly now?: () => Date;
  readonly out?: (text: string) => void;
  readonly err?: (text: string) => void;
}

/** A wrong value is told with the other settings; here it is text. */
export function logFormatOf(env: Readonly<Record<string, string | undefined>>): LogFormat {
  const { LOG_FORMAT: asked, NODE_ENV: mode } = env;
  if (asked === 'json' || asked === 'text') return asked;
  return mode === 'production' ? 'json' : 'text';
}

export function voiceOf({
  format,
  roles,
  now = () => new Date(),
  out = console.log,
  err = console.error,
}: VoiceOptions): Voice {
  // At a terminal calls that went well would bury what somebody should look at.
  const isPlain = ({ call }: LineFacts): boolean => call?.code === null;
  if (format === 'text')
    return { say: (line, facts = {}) => (isPlain(facts) ? undefined : out(line)), warn: (line) => err(masked(line)) };
  const text = (level: string, line: string, facts: LineFacts): string =>
    JSON.stringify({ time: now().toISOString(), level, roles, ...facts, message: masked(line) });
  return {
    say: (line, facts = {}) => out(text('info', line, facts)),
    warn: (line, facts = {}) => err(text('warn', line, facts)),
  };
}

const TOKEN = /\beyJ[\w-]+\.[\w-]+\.[\w-]*|\bBearer\s+\S+/g;
/** References of tickets and of money are UUIDs; command ids and incarnations are not written so. */
const REFERENCE = /\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi;
const ACCOUNT = /\bacc[-_][\w-]+/gi;
/** Up to the last @ before a space: who writes a password as it is may have any character in it. */
const PASSWORD = /(:\/\/[^:/@\s]*):\S*@/g;
const NAMED_SECRET = /([?&][\w-]*(?:pass|passwd|password|pwd|secret|token|key)=)[^&\s"']*/gi;

/** Addresses without the passwords in them, wherever an address may have one. */
export const withoutPasswords = (text: string): string =>
  text.replace(NAMED_SECRET, '$1***').replace(PASSWORD, '$1:***@');

export const masked = (line: string): string =>
  withoutPasswords(line.replace(TOKEN, '***'))
    .replace(REFERENCE, (reference) => `${reference.slice(0, 8)}-***`)
    .replace(ACCOUNT, 'acc-***');
