/** Which pools wait for a calculator, told from the market's decisions: where a pool over several races ends with a void one. */
import { describe, expect, it } from 'vitest';
import { RaceWatch } from '#mutuel/services';
import { LegsWorld } from '../../libs/engine/test/legs-world.js';

const SIX_HOURS = 6 * 3_600_000;

/** A watch that has read all that the market decided. */
function watching(world: LegsWorld): () => RaceWatch {
  const watch = new RaceWatch();
  let read = 0;
  return () => {
    for (const { events } of world.market.decisions.slice(read)) watch.apply({ events });
    read = world.market.decisions.length;
    return watch;
  };
}

describe('a void race that a pool over several races ends with', () => {
  it('is asked for again when an earlier leg is corrected, and its meeting is over with the time for corrections', () => {
    const world = LegsWorld.over('PICK3', 'US');
    const watch = watching(world);
    world.bet('acc-0', 'PICK3', '1/2/6', 100);
    world.run(1, [['1']]);
    world.run(2, [['2']]);
    world.voidLeg(3);
    expect(watch().asks('ENGINE')).toMatchObject([{ race: 'R3', pool: { poolId: 'PICK3' }, corrects: false }]);
    world.makeOfficial(3);
    expect([watch().asks('ENGINE'), watch().takeOver()]).toEqual([[], []]);
    world.enter(1, [['5']], 'photo');
    world.makeOfficial(1);
    expect(watch().asks('AUDIT')).toMatchObject([{ race: 'R3', pool: { poolId: 'PICK3' }, corrects: true }]);
    world.makeOfficial(3);
    expect(watch().takeOver()).toEqual([]);
    world.now += SIX_HOURS;
    world.renewLease();
    expect(watch().takeOver()).toEqual(['M1']);
  });
});
