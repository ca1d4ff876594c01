/** A card that comes again after its races have left the state: it must not sell what was run and paid. */
import { describe, expect, it } from 'vitest';
import { card, poolId, RACE, steward, tote, World } from './world.js';

const DAY_MS = 86_400_000;

/** A race that was voided, so that it leaves the state a day after. */
function paidAndGone(days: number): World {
  const world = World.open();
  world.ask({ type: 'VoidRace', race: RACE, reason: 'fog', by: steward });
  world.now += days * DAY_MS;
  world.ask({ type: 'PublishMeeting', meeting: renamed(card(), 'later'), by: tote });
  expect(world.market.state.races.has(RACE)).toBe(false);
  return world;
}

/** The same card under names of its own, but for those that are given. */
function renamed(meeting: ReturnType<typeof card>, suffix: string, kept: { race?: string; pool?: string } = {}) {
  const [race] = meeting.races;
  if (!race) throw new Error('no race');
  const pools = race.pools.map((pool, i) => ({
    ...pool,
    poolId: i === 0 && kept.pool !== undefined ? kept.pool : `${pool.poolId}-${suffix}`,
  }));
  const races = [{ ...race, raceId: kept.race ?? `${race.raceId}-${suffix}`, pools }];
  return { ...meeting, meetingId: `${meeting.meetingId}-${suffix}`, races };
}

describe('a card whose races have left the state', () => {
  it('is refused when it is published again, and so is another one that names one of its races or pools', () => {
    const world = paidAndGone(2);
    const publish = (meeting: ReturnType<typeof card>) => world.ask({ type: 'PublishMeeting', meeting, by: tote });
    expect(publish(card())).toMatchObject({ code: 'CARD_INVALID', pointer: '/meetingId' });
    expect(publish(renamed(card(), 'x', { race: RACE }))).toMatchObject({ code: 'CARD_INVALID' });
    expect(publish(renamed(card(), 'x', { pool: poolId('WIN') }))).toMatchObject({ code: 'CARD_INVALID' });
    expect(publish(renamed(card(), 'x')).code).toBeUndefined();
  });

  it('is refused from a snapshot, too', () => {
    const world = paidAndGone(2);
    const { decider, state } = world.market;
    const again = decider.restore(decider.image(state));
    expect([...again.retired.keys()]).toEqual([...state.retired.keys()]);
    expect(again.retired.has(`race ${RACE}`)).toBe(true);
  });

  it('is forgotten after a hundred days: what is remembered stays bounded', () => {
    const world = paidAndGone(2);
    world.now += 101 * DAY_MS;
    world.ask({ type: 'PublishMeeting', meeting: renamed(card(), 'much-later'), by: tote });
    expect(world.market.state.retired.has(`race ${RACE}`)).toBe(false);
  });
});
