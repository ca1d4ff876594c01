/**
 * The heads of an exported log's chains at the decisions that anchors name. Only decisions that count have one: each log is followed
 * from its first record on, so a hash that holds says the same of everything before it. It must never answer with a record that no
 * chain leads to.
 */
import { hash } from 'node:crypto';
import { AuditLogBroken, AuditLogReader } from '#mutuel/audit';
import type { AnchorHead } from './anchor.js';
import type { ExportedRecord } from './export-file.js';

export class LogHeads {
  readonly #asked: ReadonlySet<string>;
  readonly #heads = new Map<string, string>();
  readonly #readers = new Map<string, AuditLogReader>();
  /** By log, where it cannot be followed any further. */
  readonly #broken = new Map<string, string>();
  /** By log, where its writer contradicted itself and nobody has started since. */
  readonly #contradicted = new Map<string, string>();

  /** `asked`: the heads of all anchors that will be compared. */
  constructor(asked: readonly AnchorHead[]) {
    this.#asked = new Set(asked.map(({ source, seq }) => `${source} ${seq}`));
  }

  /** Takes the next record of the file. */
  take(record: ExportedRecord): void {
    const src = sourceOf(record);
    if (src === undefined || this.#broken.has(src)) return;
    const reader = this.#readers.get(src) ?? new AuditLogReader(src);
    this.#readers.set(src, reader);
    try {
      const decision = reader.take(record);
      if (reader.isWriterDead && !this.#contradicted.has(src)) this.#contradicted.set(src, placeOf(record));
      if (!decision) return;
      // Whoever goes on from what was read has seen nothing wrong with it.
      this.#contradicted.delete(src);
      const key = `${src} ${decision.seq}`;
      if (this.#asked.has(key)) this.#heads.set(key, hash('sha256', record.value));
    } catch (fault) {
      if (!(fault instanceof AuditLogBroken)) throw fault;
      this.#broken.set(src, `${placeOf(record)}: ${fault.message}`);
    }
  }

  /** The hash of the record of this decision; undefined where no chain leads to it. */
  headOf(source: string, seq: number): string | undefined {
    return this.#heads.get(`${source} ${seq}`);
  }

  /** Where the chains break, after the last record; of each log the first place. */
  get faults(): readonly string[] {
    const contradictions = [...this.#contradicted].map(
      ([src, at]) =>
        `${at}: the writer of ${src} contradicts itself: the record before it was altered or is missing, all behind it counts for nothing`,
    );
    return [...contradictions, ...this.#broken.values()];
  }
}

/** Whose log of decisions it is from; other topics hold no chain. */
function sourceOf({ topic, partition }: ExportedRecord): string | undefined {
  if (topic === 'market.decisions') return 'market';
  return topic === 'shard.decisions' ? `shard-${partition}` : undefined;
}

const placeOf = ({ topic, partition, offset, byte }: ExportedRecord): string =>
  `${topic}/${partition} #${offset}${byte === undefined ? '' : ` (byte ${byte})`}`;
