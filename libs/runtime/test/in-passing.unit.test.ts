/** What is held in passing behaves as a map would, in whatever order its entries come and go. */
import { describe, expect, it } from 'vitest';
import { seededRandom } from '#mutuel/adapters';
import { InPassing } from '#mutuel/runtime';

describe('what is held in passing', () => {
  it('holds what a map holds, oldest first, however entries come and go (seeds 1 to 20)', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      const [held, map] = [new InPassing<string, object>(), new Map<string, object>()];
      for (let step = 0; step < 2_000; step++) {
        const key = `k${Math.floor(random() * 40)}`;
        if (random() < 0.5) {
          const value = { step };
          held.set(key, value);
          map.set(key, value);
        } else {
          held.delete(key);
          map.delete(key);
        }
        expect(held.get(key)).toBe(map.get(key));
        expect(held.has(key)).toBe(map.has(key));
        expect(held.size).toBe(map.size);
        expect(held.oldest).toBe(map.values().next().value);
      }
      expect([...held.values()]).toEqual([...map.values()]);
    }
  });

  it('goes on where entries leave while it is gone through', () => {
    const held = new InPassing<string, string>();
    for (const key of ['a', 'b', 'c', 'd']) held.set(key, key.toUpperCase());
    const met: string[] = [];
    for (const value of held.values()) {
      met.push(value);
      held.delete(value.toLowerCase());
      held.delete('c');
    }
    expect(met).toEqual(['A', 'B', 'D']);
    expect(held.size).toBe(0);
    expect(held.oldest).toBeUndefined();
  });
});
