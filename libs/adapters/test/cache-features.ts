/** What every hot cache must do: run in process and on Redis. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HotCache } from '#mutuel/runtime';
import { until } from './support/log-helpers.js';

export interface CacheFixture {
  /** Two nodes' views of one cache; the same object where there is one process. */
  readonly cache: HotCache;
  readonly other: HotCache;
  dispose(): Promise<void>;
}

export function describeCache(name: string, open: () => Promise<CacheFixture>): void {
  describe(`${name} as a hot cache`, () => {
    let fixture: CacheFixture;
    let cache: HotCache;
    let other: HotCache;
    beforeEach(async () => {
      fixture = await open();
      ({ cache, other } = fixture);
    });
    afterEach(() => fixture.dispose());

    it('gives back what was put, with its sequence, and nothing for an unknown key', async () => {
      expect(await cache.put('odds:R1', 7, '{"1":"2.4","é":"—"}')).toBe(true);
      expect(await other.get('odds:R1')).toEqual({ sequence: 7, value: '{"1":"2.4","é":"—"}' });
      expect(await cache.get('odds:R2')).toBeUndefined();
    });

    it.each([
      ['replaces an older value', 8, true, 'new'],
      ['keeps a value of the same sequence', 7, false, 'old'],
      ['keeps a newer value', 6, false, 'old'],
    ])('%s', async (_, sequence, stored, value) => {
      await cache.put('k', 7, 'old');
      expect(await other.put('k', sequence, 'new')).toBe(stored);
      expect(await cache.get('k')).toEqual({ sequence: Math.max(7, stored ? sequence : 7), value });
    });

    it('compares sequences as numbers, up to the largest exact one', async () => {
      await cache.put('k', 9, 'nine');
      expect(await cache.put('k', 10, 'ten')).toBe(true);
      expect(await cache.put('k', Number.MAX_SAFE_INTEGER - 1, 'a')).toBe(true);
      expect(await cache.put('k', Number.MAX_SAFE_INTEGER, 'b')).toBe(true);
      expect(await cache.get('k')).toEqual({ sequence: Number.MAX_SAFE_INTEGER, value: 'b' });
    });

    it('takes the newest of many writers, whatever their order', async () => {
      const sequences = Array.from({ length: 50 }, (_, i) => ((i * 17) % 50) + 1);
      await Promise.all(sequences.map((s, i) => (i % 2 ? cache : other).put('k', s, `v${s}`)));
      expect(await cache.get('k')).toEqual({ sequence: 50, value: 'v50' });
    });

    it('gives many keys in the order asked for', async () => {
      await cache.put('a', 1, 'A');
      await cache.put('c', 3, '');
      expect(await cache.getMany(['c', 'b', 'a'])).toEqual([
        { sequence: 3, value: '' },
        undefined,
        { sequence: 1, value: 'A' },
      ]);
      expect(await cache.getMany([])).toEqual([]);
    });

    it('fans a message out to every subscriber of the channel, on every node, in order', async () => {
      const heard: [string, string][] = [];
      await cache.subscribe('odds', (message) => heard.push(['cache', message]));
      await other.subscribe('odds', (message) => heard.push(['other', message]));
      await other.subscribe('races', (message) => heard.push(['races', message]));
      for (const message of ['1', '2', '3']) await cache.publish('odds', message);
      await until(() => heard.length === 6);
      expect(heard.filter(([who]) => who === 'cache').map(([, message]) => message)).toEqual(['1', '2', '3']);
      expect(heard.filter(([who]) => who === 'other').map(([, message]) => message)).toEqual(['1', '2', '3']);
    });

    it('ends one subscription and leaves the others, also of the same handler', async () => {
      const heard: string[] = [];
      const handler = (message: string) => heard.push(message);
      const end = await cache.subscribe('odds', handler);
      await cache.subscribe('odds', handler);
      await end();
      await other.publish('odds', 'x');
      const done: string[] = [];
      await cache.subscribe('end', (message) => done.push(message));
      await other.publish('end', 'x');
      await until(() => done.length === 1 && heard.length >= 1);
      expect(heard).toEqual(['x']);
    });

    it('takes a message that nobody listens to', async () => {
      await cache.publish('nobody', 'x');
    });
  });
}
