/**
 * The chains of an export's logs of decisions, each followed from its first record on. It must never hand on a decision that no chain
 * leads to.
 */
import { AuditLogReader, type LoggedDecision } from '#mutuel/audit';
import type { ExportedRecord } from './export-file.js';

export class LogChains {
  readonly #readers = new Map<string, AuditLogReader>();
  /** By log, where its writer contradicted itself and nobody has started since. */
  readonly #contradicted = new Map<string, string>();

  /** Whether a record of this log was taken. */
  knows(src: string): boolean {
    return this.#readers.has(src);
  }

  /** The decision in the next record of the log, if it counts. Throws `AuditLogBroken` where reading must end. */
  take(src: string, record: ExportedRecord): LoggedDecision | undefined {
    const reader = this.#readers.get(src) ?? new AuditLogReader(src);
    this.#readers.set(src, reader);
    const decision = reader.take(record);
    if (reader.isWriterDead && !this.#contradicted.has(src)) this.#contradicted.set(src, placeOf(record));
    // Whoever goes on from what was read has seen nothing wrong with it.
    if (decision) this.#contradicted.delete(src);
    return decision;
  }

  contradictedSince(src: string): string | undefined {
    return this.#contradicted.get(src);
  }

  /** After the last record: what nobody has gone on from. */
  get contradictions(): readonly { readonly at: string; readonly what: string }[] {
    return [...this.#contradicted].map(([src, at]) => ({
      at,
      what: `the writer of ${src} contradicts itself: the record before it was altered or is missing, all behind it counts for nothing`,
    }));
  }
}

/** Topic, partition and offset; of a file the byte where the record begins, too. */
export const placeOf = ({ topic, partition, offset, byte }: ExportedRecord): string =>
  `${topic}/${partition} #${offset}${byte === undefined ? '' : ` (byte ${byte})`}`;
