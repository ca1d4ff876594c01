/** What every store of snapshots must do, whoever keeps the bytes. */
import { afterEach, describe, expect, it } from 'vitest';
import type { SnapshotStore } from '#mutuel/runtime';

export interface SnapshotFixture {
  readonly store: SnapshotStore;
  /** The same snapshots, seen by a process started later. */
  reopen(): SnapshotStore;
  dispose(): Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (read: Uint8Array): string => Buffer.from(read).toString('utf8');

export function describeSnapshots(name: string, open: () => Promise<SnapshotFixture>): void {
  describe(`${name} as a store of snapshots`, () => {
    let fixture: SnapshotFixture;
    const start = async (): Promise<SnapshotFixture> => {
      fixture = await open();
      return fixture;
    };
    afterEach(() => fixture.dispose());

    it('has none to begin with', async () => {
      const { store } = await start();
      expect(await store.list('market')).toEqual([]);
      await expect(store.read('market', 1)).rejects.toThrow();
    });

    it('gives back what was written, whole or its beginning, to a process started later', async () => {
      const { store, reopen } = await start();
      await store.write('shard-1', 7, [bytes('head|'), bytes(''), bytes('body')]);
      expect(await store.list('shard-1')).toEqual([7]);
      expect(text(await reopen().read('shard-1', 7))).toBe('head|body');
      expect(text(await reopen().read('shard-1', 7, 4))).toBe('head');
      expect(text(await reopen().read('shard-1', 7, 4_000))).toBe('head|body');
    });

    it('keeps the two newest of each source, newest first', async () => {
      const { store } = await start();
      for (const seq of [5, 900, 20]) await store.write('shard-0', seq, [bytes(`at ${seq}`)]);
      await store.write('market', 1, [bytes('m')]);
      expect(await store.list('shard-0')).toEqual([900, 20]);
      expect(await store.list('market')).toEqual([1]);
      expect(text(await store.read('shard-0', 20))).toBe('at 20');
    });

    it('replaces one of the same place', async () => {
      const { store } = await start();
      await store.write('market', 3, [bytes('a longer one')]);
      await store.write('market', 3, [bytes('short')]);
      expect(text(await store.read('market', 3))).toBe('short');
      expect(await store.list('market')).toEqual([3]);
    });
  });
}
