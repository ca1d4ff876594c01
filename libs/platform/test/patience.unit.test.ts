/** Start-up questions to a database that is busy. */
import { expect, test } from 'vitest';
import { patiently } from '../src/patience.js';

function clockFrom(at: number) {
  return {
    now: () => at,
    sleep: async (ms: number) => {
      at += ms;
    },
  };
}
const fault = (retriable: boolean) => Object.assign(new Error('timeout exceeded'), { retriable });

test('a busy database is asked again until it answers', async () => {
  let asked = 0;
  const ask = async () => {
    if (++asked < 4) throw fault(true);
    return 'rows';
  };
  expect(await patiently(clockFrom(0), ask)).toBe('rows');
  expect(asked).toBe(4);
});

test('a fault that stays is told at once, one that does not pass within a minute after that', async () => {
  let asked = 0;
  const failing = (retriable: boolean) => async () => {
    asked++;
    throw fault(retriable);
  };
  await expect(patiently(clockFrom(0), failing(false))).rejects.toThrow('timeout exceeded');
  expect(asked).toBe(1);
  await expect(patiently(clockFrom(0), failing(true))).rejects.toThrow('timeout exceeded');
  expect(asked).toBe(1 + 121);
});
