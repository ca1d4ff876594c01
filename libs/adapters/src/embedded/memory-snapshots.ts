/** Snapshots in memory, for tests and simulations: the same promises as the files', for as long as the process lives. */
import type { SnapshotStore } from '#mutuel/runtime';

const KEPT = 2;

export function openMemorySnapshots(): SnapshotStore {
  const bySource = new Map<string, Map<number, Uint8Array>>();
  const kept = (src: string): Map<number, Uint8Array> => bySource.get(src) ?? new Map<number, Uint8Array>();
  const list = async (src: string): Promise<readonly number[]> => [...kept(src).keys()].sort((a, b) => b - a);
  return {
    list,
    async read(src, seq, limit) {
      const bytes = kept(src).get(seq);
      if (!bytes) throw new Error(`${src} has no snapshot at ${seq}`);
      return bytes.slice(0, limit);
    },
    async write(src, seq, pieces) {
      const bytes = Buffer.concat(pieces);
      bySource.set(src, kept(src).set(seq, bytes));
      for (const old of (await list(src)).slice(KEPT)) kept(src).delete(old);
    },
  };
}
