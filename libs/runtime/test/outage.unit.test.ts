import { beforeEach, expect, test } from 'vitest';
import { OUTAGE_MS, Outage } from '../src/outage.js';

const clock = { time: 0, now: () => clock.time };
let outage: Outage;

beforeEach(() => {
  clock.time = 1_000;
  outage = new Outage(clock);
});

/** Tries again at these moments, in vain. */
const failsAt = (...moments: number[]): void => {
  for (const moment of moments) {
    clock.time = moment;
    outage.failed(`in vain at ${moment}`);
  }
};

test('what has failed once, or for moments, is nobody’s business', () => {
  expect(outage.text).toBeUndefined();
  failsAt(2_000, 3_000, 2_000 + OUTAGE_MS - 1);
  expect([outage.text, outage.ms]).toEqual([undefined, 0]);
});

test('what has failed again and again for some seconds is told, with how long and the last reason', () => {
  failsAt(2_000, 4_000, 2_000 + OUTAGE_MS);
  clock.time += 2_500;
  expect(outage.text).toBe('for 7 s: in vain at 7000');
  expect(outage.ms).toBe(7_500);
});

test('a single failure long ago tells nothing: nobody has tried since', () => {
  failsAt(2_000);
  clock.time += 10 * OUTAGE_MS;
  expect(outage.text).toBeUndefined();
});

test('one success ends it, and the next failure begins anew', () => {
  failsAt(2_000, 8_000);
  outage.ended();
  expect(outage.text).toBeUndefined();
  failsAt(9_000);
  expect(outage.text).toBeUndefined();
});

test('it is forgotten where nobody meets it any more: who is not asked must not stay away for it', () => {
  failsAt(2_000, 8_000);
  expect(outage.text).toBeDefined();
  clock.time = 60_000;
  expect(outage.text).toBeUndefined();
  failsAt(60_000);
  expect(outage.text).toBeUndefined();
});
