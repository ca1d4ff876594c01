/**
 * The heads of an exported log's chains at the decisions that anchors name. Only decisions that count have one: each log is followed
 * from its first record on, so a hash that holds says the same of everything before it. It must never answer with a record that no
 * chain leads to.
 */
import { hash } from 'node:crypto';
import { AuditLogBroken } from '#mutuel/audit';
import type { AnchorHead } from './anchor.js';
import type { ExportedRecord } from './export-file.js';
import { LogChains, placeOf } from './log-chains.js';

export class LogHeads {
  readonly #asked: ReadonlySet<string>;
  readonly #heads = new Map<string, string>();
  readonly #chains = new LogChains();
  /** By log, where it cannot be followed any further. */
  readonly #broken = new Map<string, string>();

  /** `asked`: the heads of all anchors that will be compared. */
  constructor(asked: readonly AnchorHead[]) {
    this.#asked = new Set(asked.map(({ source, seq }) => `${source} ${seq}`));
  }

  /** Takes the next record of the file. */
  take(record: ExportedRecord): void {
    const src = sourceOf(record);
    if (src === undefined || this.#broken.has(src)) return;
    try {
      const decision = this.#chains.take(src, record);
      if (!decision) return;
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
    return [...this.#chains.contradictions.map(({ at, what }) => `${at}: ${what}`), ...this.#broken.values()];
  }
}

/** Whose log of decisions it is from; other topics hold no chain. */
function sourceOf({ topic, partition }: ExportedRecord): string | undefined {
  if (topic === 'market.decisions') return 'market';
  return topic === 'shard.decisions' ? `shard-${partition}` : undefined;
}
