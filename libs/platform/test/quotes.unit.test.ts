/** What a quote foretells: that the shard would refuse the bet, wherever the folded market can know it. */
import { beforeEach, describe, expect, test } from 'vitest';
import { type DecisionRecord, GENESIS } from '#mutuel/contracts';
import type { MarketEvent, MarketFact, MeetingCard, PoolCard } from '#mutuel/engine';
import { type PoolType, ruleSetFor } from '#mutuel/tote';
import { MarketView } from '../src/market-view.js';
import { Quotes } from '../src/quotes.js';
import { quoteSchema } from '../src/schemas.js';
import { validate } from '../src/validate.js';

const NOW = 1_795_300_000_000;
const runners = ['1', '2', '3', '4', '5', '6', '7', '8'].map((number) => ({ number, name: `Horse ${number}` }));

function pool(poolId: string, type: PoolType, legs?: string[], jurisdiction = 'FR'): PoolCard {
  const ruleSet = ruleSetFor(jurisdiction, type);
  if (!ruleSet) throw new Error(`${jurisdiction} has no ${type}`);
  return { poolId, type, ruleSet, carryInMinor: 0, ...(legs ? { legs } : {}) };
}

/** Three races; the second stops on the clock, the third ends a daily double by American rules. */
const card: MeetingCard = {
  ...{ meetingId: 'M1', course: 'Vincennes', date: '2026-11-22', country: 'FR', currency: 'EUR', exponent: 2 },
  races: [1, 2, 3].map((number) => ({
    ...{ raceId: `R${number}`, number, name: 'Prix du Test', postTime: NOW + 600_000, runners },
    ...(number === 2 ? { scheduledStop: NOW + 60_000 } : {}),
    pools: [
      pool(`R${number}-WIN`, 'WIN'),
      pool(`R${number}-TRIFECTA`, 'TRIFECTA'),
      ...(number === 3 ? [pool('R1-DD', 'DAILY_DOUBLE', ['R1', 'R3'], 'US')] : []),
    ],
  })),
};

let view: MarketView;
let now: number;
let seq: number;

function fact(one: MarketFact): void {
  const event: MarketEvent = { t: 'Fact', n: ++seq, fact: one };
  view.apply({
    ...{ v: 1, kind: 'decision', src: 'market', epoch: 1, seq, in: [1, seq, 0], cid: '', inc: '', prev: GENESIS },
    ...{ at: NOW, time: NOW, events: [event], posts: [] },
  } as DecisionRecord<MarketEvent>);
}

beforeEach(() => {
  view = new MarketView(1);
  now = NOW;
  seq = 0;
  fact({ t: 'MeetingPublished', meeting: card });
  for (const race of ['R1', 'R2', 'R3']) fact({ t: 'RaceOpened', race });
});

async function refusalOf(bet: object) {
  const body = validate(quoteSchema, { currency: 'EUR', bets: [{ unitStake: 200, ...bet }] });
  const { bets } = await new Quotes(view, { latest: () => undefined }, () => now).quote(body);
  return bets[0]?.refusal ?? null;
}

const win = (poolId: string, runner = '4') => ({ poolId, form: 'STRAIGHT', columns: [[runner]] });

describe('a quote', () => {
  test('says that a pool is closed once the stop on its card has passed, opened or not', async () => {
    now = NOW + 60_000;
    expect(await refusalOf(win('R2-WIN'))).toBeNull();
    now = NOW + 60_001;
    expect(await refusalOf(win('R2-WIN'))).toMatchObject({ code: 'POOL_CLOSED', pointer: '/bets/0/poolId' });
    expect(await refusalOf(win('R1-WIN'))).toBeNull();
  });

  test('says that a reserve over several races does not run', async () => {
    const double = { poolId: 'R1-DD', form: 'MULTI_LEG', columns: [['4'], ['5']], alternates: [null, '7'] };
    expect(await refusalOf(double)).toBeNull();
    fact({ t: 'RunnerScratched', race: 'R3', runner: '7' });
    expect(await refusalOf(double)).toMatchObject({ code: 'RUNNER_SCRATCHED', pointer: '/bets/0' });
  });
});

describe('a quote of a report', () => {
  const part = (poolId: string, runner = '4') => ({ poolId, columns: [[runner]] });
  const report = (...later: object[]) => ({ parts: [part('R1-WIN'), ...later], unitStake: 200 });

  test('finds nothing against bets on races to come, on sale or not', async () => {
    fact({ t: 'RaceSuspended', race: 'R2' });
    expect(await refusalOf(report(part('R2-WIN'), part('R3-WIN')))).toBeNull();
  });

  test.each<[string, object, string, string]>([
    ['a pool that is not there', part('R9-WIN'), 'POOL_UNKNOWN', '/bets/0/parts/1/poolId'],
    ['a pool of no reports', part('R1-DD'), 'NOT_SUPPORTED', '/bets/0/parts/1/poolId'],
    ['a race that was bet on before', part('R1-WIN', '5'), 'INVALID_SELECTION', '/bets/0/parts/1/poolId'],
    ['a runner that is not declared', part('R2-WIN', '99'), 'INVALID_SELECTION', '/bets/0/parts/1/columns/0/0'],
    ['a scratched runner', part('R2-WIN', '6'), 'RUNNER_SCRATCHED', '/bets/0/parts/1'],
    ['a pool that is closed', part('R3-WIN'), 'POOL_CLOSED', '/bets/0/parts/1/poolId'],
  ])('tells of a later bet on %s', async (_what, later, code, pointer) => {
    fact({ t: 'RunnerScratched', race: 'R2', runner: '6' });
    fact({ t: 'BettingClosed', race: 'R3', closeNo: 1, stopAt: NOW });
    expect(await refusalOf(report(later))).toMatchObject({ code, pointer });
  });

  test('tells what a line may cost at the most', async () => {
    // A thousand times the least stake of two euros.
    const dear = { ...report(part('R2-WIN')), unitStake: 200_200 };
    expect(await refusalOf(dear)).toMatchObject({ code: 'ABOVE_MAX', pointer: '/bets/0/unitStake' });
  });
});
