/**
 * What one append may hold, checked before any byte leaves, the same on every log so that code proven on one cannot fail on the
 * other. It must never trim or split an append: an append is atomic and its base offset names all of it.
 */
import { MAX_APPEND_RECORDS, MAX_RECORD_BYTES } from '#mutuel/contracts';
import { AppendFault } from '#mutuel/runtime';

/** The topics' `max.message.bytes` is set to twice this, which leaves room for Kafka's framing of a batch. */
export const MAX_APPEND_BYTES = 4_000_000;

/** Throws `NOT_APPENDED` when the append is empty, has too many records, or is too large. */
export function checkAppend(values: readonly Uint8Array[]): void {
  if (values.length === 0) refuse('an append needs at least one record');
  if (values.length > MAX_APPEND_RECORDS)
    refuse(`${values.length} records in one append; ${MAX_APPEND_RECORDS} at most`);
  let total = 0;
  for (const value of values) {
    if (value.byteLength > MAX_RECORD_BYTES)
      refuse(`a record of ${value.byteLength} bytes; ${MAX_RECORD_BYTES} at most`);
    total += value.byteLength;
  }
  if (total > MAX_APPEND_BYTES) refuse(`${total} bytes in one append; ${MAX_APPEND_BYTES} at most`);
}

function refuse(reason: string): never {
  throw new AppendFault(`Nothing was appended: ${reason}`, 'NOT_APPENDED');
}
