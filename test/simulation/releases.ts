/**
 * Two releases side by side: the next one writes commands in a format that this one does not know, and reads them as if they were of
 * the old one. Nothing but the format's number differs, so that both decide alike and only reading is under test.
 */
import { COMMAND_FORMAT } from '#mutuel/contracts';
import type { LogRecord, TailSource } from '#mutuel/runtime';

const KNOWN = Buffer.from(`{"v":${COMMAND_FORMAT},"cid":`);
const NEWER = Buffer.from(`{"v":${COMMAND_FORMAT + 1},"cid":`);

export const inNewerFormat = (bytes: Uint8Array): Uint8Array => exchanged(bytes, NEWER);

/** The tails as the next release reads them. */
export function readingNewer(tails: TailSource): TailSource {
  const read = (record: LogRecord): LogRecord =>
    isNewer(record.value) ? { ...record, value: exchanged(record.value, KNOWN) } : record;
  return {
    subscribe: (start, onRecords, onFault) =>
      tails.subscribe(start, (records) => onRecords(records.map(read)), onFault),
  };
}

/** Where the format's number stands. */
const AT = '{"v":'.length;
/** The number first: nearly every record is of the older format, and each reader asks of each. */
const isNewer = (bytes: Uint8Array): boolean =>
  bytes[AT] === NEWER[AT] && NEWER.equals(bytes.subarray(0, NEWER.length));

function exchanged(bytes: Uint8Array, head: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy.set(head);
  return copy;
}
