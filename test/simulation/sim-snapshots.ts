/**
 * The disk that snapshots lie on, one for all engine hosts: what a process was writing when it died is not there, a byte may rot, a
 * write may fail. Within that it keeps what the port promises: a snapshot is there whole, or not at all.
 */
import { sha256 } from '#mutuel/contracts';
import { type Decider, marketDecider, shardDecider } from '#mutuel/engine';
import {
  type EventLog,
  MARKET_SOURCE,
  type SnapshotStore,
  shardSource,
  type TakeElsewhere,
  takeSnapshot,
} from '#mutuel/runtime';
import { type Crashes, nothing } from './crashes.js';
import type { SimProcess } from './kernel.js';
import type { Random } from './random.js';
import type { Strikes } from './strikes.js';

const KEPT = 2;

export class SimSnapshots {
  readonly #bySource = new Map<string, Map<number, Uint8Array>>();

  constructor(
    private readonly shards: number,
    private readonly random: Random,
    private readonly strikes: Strikes,
    private readonly crashes: Crashes,
  ) {}

  seenBy(process: SimProcess): SnapshotStore {
    return {
      list: async (src) => this.#list(src),
      read: async (src, seq, limit) => {
        const bytes = this.#bySource.get(src)?.get(seq)?.slice(0, limit);
        if (!bytes) throw new Error(`${src} has no snapshot at ${seq}`);
        if (this.strikes.happens('snapshot-rot')) {
          const at = this.random.below(bytes.length);
          bytes[at] = (bytes[at] as number) ^ (1 << this.random.below(8));
        }
        return bytes;
      },
      write: async (src, seq, pieces) => {
        const bytes = new Uint8Array(Buffer.concat(pieces));
        await process.clock.sleep(this.random.between(1, 30));
        if (this.crashes.strike('before', 'snapshot', process)) return nothing();
        if (this.strikes.happens('snapshot-failed')) throw new Error('the disk is full');
        const kept = this.#bySource.get(src) ?? new Map<number, Uint8Array>();
        this.#bySource.set(src, kept.set(seq, bytes));
        for (const old of this.#list(src).slice(KEPT)) kept.delete(old);
        if (this.crashes.strike('after', 'snapshot', process)) return nothing();
      },
    };
  }

  /** What a helper process does for a leader: folds from the log and writes. */
  takenFrom(process: SimProcess, log: Pick<EventLog, 'bounds' | 'read'>): TakeElsewhere {
    const store = this.seenBy(process);
    return async (wanted) => {
      for (const { src, end } of wanted) {
        const [source, decider] = this.#sourceOf(src);
        await takeSnapshot({ log, store, source, decider, end, now: process.clock.now, onAlarm: () => undefined });
      }
    };
  }

  #list(src: string): number[] {
    return [...(this.#bySource.get(src)?.keys() ?? [])].sort((a, b) => b - a);
  }

  #sourceOf(src: string) {
    const { shards } = this;
    type Any = Decider<unknown, unknown, unknown>;
    if (src === MARKET_SOURCE.src) return [MARKET_SOURCE, marketDecider({ shards, hash: sha256 }) as Any] as const;
    const shard = Number(src.slice('shard-'.length));
    return [shardSource(shard), shardDecider({ shard, shards, hash: sha256 }) as Any] as const;
  }
}
