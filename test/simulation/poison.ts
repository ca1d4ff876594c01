/**
 * Commands that kill whoever decides them, three times in each process: what a bug in a decider would do. A record is poisoned on
 * its way to the reader, so that the runner under test is the real one.
 */
import type { LogRecord, TailSource, TopicPartition } from '#mutuel/runtime';

/** Deaths after which the real runner sets a client's command aside. */
const DEATHS = 3;

export function withPoison(
  tails: TailSource,
  isPoison: (at: TopicPartition, record: LogRecord) => boolean,
): TailSource {
  const deaths = new Map<string, number>();
  const poisoned = (at: TopicPartition, record: LogRecord): LogRecord => {
    if (!isPoison(at, record)) return record;
    const key = `${at.topic}/${at.partition}/${record.offset}`;
    const died = deaths.get(key) ?? 0;
    if (died >= DEATHS) return record;
    return {
      offset: record.offset,
      time: record.time,
      get value(): Uint8Array {
        deaths.set(key, died + 1);
        throw new Error('the decider has a bug with this command');
      },
    };
  };
  return {
    subscribe: (start, onRecords, onFault) =>
      tails.subscribe(start, (records) => onRecords(records.map((record) => poisoned(start, record))), onFault),
  };
}
