/**
 * The seam to where snapshots lie. A store keeps the two newest of each source; what was written is there whole after a crash or not
 * at all. It must never look into what it keeps.
 */
export interface SnapshotStore {
  /** The sequence numbers of a source's snapshots, newest first. */
  list(src: string): Promise<readonly number[]>;
  /** The bytes as they are, or the first `limit` of them. Rejects when there is no such snapshot. */
  read(src: string, seq: number, limit?: number): Promise<Uint8Array>;
  /** Durable when it resolves; older ones beyond two are then gone. */
  write(src: string, seq: number, pieces: readonly Uint8Array[]): Promise<void>;
}
