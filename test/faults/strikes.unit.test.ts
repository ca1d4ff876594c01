/** How long a fault is felt: counted from the strike, whatever was sold while the scenario got ready for it. */
import { expect, test } from 'vitest';
import { Strikes } from './strikes.js';

/** A ticket that is answered after 10 ms, each 100 ms. */
function sell(strikes: Strikes, from: number, to: number): void {
  for (let now = from; now <= to; now += 100) strikes.accepted(now - 10, now);
}

test('a scenario that waits before it strikes is measured from the strike', () => {
  const strikes = new Strikes();
  sell(strikes, 0, 8_000);
  strikes.struck(8_050);
  sell(strikes, 11_550, 12_000);
  expect([strikes.againMs, strikes.gapMs]).toEqual([3_500, 3_500]);
});

test('what was sent before the strike and is accepted after it is no sign that it sells again', () => {
  const strikes = new Strikes();
  strikes.struck(1_000);
  strikes.accepted(990, 1_070);
  strikes.accepted(3_900, 4_000);
  expect([strikes.againMs, strikes.gapMs]).toEqual([3_000, 2_930]);
});

test('a silence after the first ticket that slipped through is a gap', () => {
  const strikes = new Strikes();
  strikes.struck(1_000);
  strikes.accepted(1_060, 1_070);
  strikes.accepted(4_560, 4_570);
  expect([strikes.againMs, strikes.gapMs]).toEqual([70, 3_500]);
});

test('of several strikes the one that is felt longest counts', () => {
  const strikes = new Strikes();
  strikes.struck(1_000);
  strikes.accepted(1_300, 1_310);
  strikes.struck(2_000);
  strikes.accepted(2_690, 2_700);
  strikes.struck(3_000);
  strikes.accepted(3_090, 3_100);
  expect([strikes.againMs, strikes.gapMs, strikes.count]).toEqual([700, 1_390, 3]);
});

test('after a strike that nothing follows it never sells again', () => {
  const strikes = new Strikes();
  strikes.struck(1_000);
  strikes.accepted(1_300, 1_310);
  strikes.struck(2_000);
  expect(strikes.againMs).toBeUndefined();
});

test('without a strike nothing is measured', () => {
  const strikes = new Strikes();
  sell(strikes, 0, 1_000);
  expect([strikes.againMs, strikes.gapMs, strikes.count]).toEqual([undefined, 0, 0]);
});
