/** How the runtime's readers get their records: each subscription follows one partition from its own offset, in order. */
import type { EventLog, LogRecord, LogStart, OnFault } from './ports.js';

export interface Subscription {
  /** No batch is handed out after this; a handler that still runs is not waited for. */
  close(): Promise<void>;
}

/** The next batch waits for the promise. */
export type OnRecords = (records: readonly LogRecord[]) => void | Promise<void>;

export interface TailSource {
  subscribe(start: LogStart, onRecords: OnRecords, onFault: OnFault): Promise<Subscription>;
}

/** One tail of the log per subscription: for tests, tools, and processes with few readers. */
export function directTails(log: EventLog): TailSource {
  return {
    subscribe: (start, onRecords, onFault) => log.tail([start], (_at, records) => onRecords(records), onFault),
  };
}
