/**
 * What shards report and the market settles by, added up again from the bets: what a correction would move, what stands on a leg's
 * runners for its favourite, and the stakes that won. An insider's figure is named with both; of honest shards nothing is said.
 */
import { describe, expect, it } from 'vitest';
import { LegsWorld } from '../../libs/engine/test/legs-world.js';
import { poolId, RACE, second, steward, World } from '../../libs/engine/test/world.js';
import { type Event, find, type Json, type Log, logsOf, recordsOf, verify } from './world-log.js';

const WIN = poolId('WIN');
const EXACTA = poolId('EXACTA');

const judged = (logs: readonly Log[]) => verify(recordsOf(logs));
const saidOf = (logs: readonly Log[]): string[] => judged(logs).findings.map(({ what }) => what);
const notCheckedOf = (world: World): string[] => [...judged(logsOf(world)).notChecked];

type Policy = 'CLAWBACK' | 'UNDERPAY_ONLY';

/** Twenty bets of four accounts on each of two pools, and a result. */
function day(corrections: Policy = 'CLAWBACK'): World {
  const world = World.open({ types: ['WIN', 'EXACTA'], corrections });
  for (let i = 0; i < 20; i++) {
    world.bet(`acc-${i % 4}`, WIN, String((i % 6) + 1), 200 + 10 * i);
    world.bet(`acc-${i % 4}`, EXACTA, `BOX:${(i % 6) + 1},${((i + 1) % 6) + 1}`, 100, 2);
  }
  world.ask({ type: 'ScratchRunner', race: RACE, runner: '6', reason: 'lame', by: steward });
  world.settleRace([['2'], ['3'], ['1']]);
  return world;
}

/** Takes what an account has out of the system, all but so much. */
function emptied(world: World, account: string, left = 0): void {
  world.send(account, { type: 'Withdraw', account, ref: 'out', amount: world.balance(account) - left });
}

/**
 * Alters a report of this kind as its shard made it, in what came before it in its decision, and as the market heard it: by every chain
 * and comparison that there is it was never another.
 */
function alter(
  logs: readonly Log[],
  t: string,
  fits: (report: Json) => boolean,
  change: (report: Json) => void,
): string {
  const isIt = ({ report }: Event): boolean => (report as Event).t === t && fits(report as Json);
  const { log, decision, event } = find(logs, 'Report', 'shard', isIt);
  const shard = Number(log.src.replace('shard-', ''));
  const heard = find(logs, 'ReportReceived', 'market', (one) => one['shard'] === shard && one['n'] === event['n']);
  for (const said of [event, heard.event]) change(said['report'] as Json);
  for (const step of decision['events'] as Event[])
    if (step.t === 'BetsWeighed')
      for (const name of Object.keys(step['sums'] as Json)) {
        (step['sums'] as Json)[name] = (event['report'] as Json)[name];
      }
  return `report ${event['n']} of shard ${shard}`;
}

const more =
  (name: string, by: number) =>
  (report: Json): void => {
    report[name] = Number(report[name]) + by;
  };
const any = (): boolean => true;

describe('what a shard weighed before a correction', () => {
  it.each(['bets', 'toPay', 'toTakeBack', 'short', 'kept'])(
    'is named where its %s is another sum than its bets make',
    (name) => {
      const world = day();
      world.correct([['3'], ['2'], ['1']]);
      const logs = logsOf(world);
      const report = alter(logs, 'Weighed', ({ pool }) => pool === WIN, more(name, 50));
      expect(saidOf(logs)).toEqual([
        expect.stringMatching(
          new RegExp(`^${report} weighs ${name} \\d+ for the correction of ${WIN}, its bets make \\d+$`),
        ),
      ]);
    },
  );

  it('is told of balances as they were then: who could not have paid it back then, and who can since', () => {
    const world = day();
    for (const account of ['acc-0', 'acc-1', 'acc-2', 'acc-3']) emptied(world, account, 700);
    const previewHash = world.reenter([['3'], ['4'], ['1']]);
    world.send('acc-1', { type: 'Deposit', account: 'acc-1', ref: 'back', amount: 100_000 });
    world.confirm(previewHash);
    const logs = logsOf(world);
    expect(saidOf(logs)).toEqual([]);
    const short = alter(logs, 'Weighed', (said) => Number(said['short']) > 0, more('short', -1));
    expect(saidOf(logs)).toEqual([expect.stringMatching(`^${short} weighs short \\d+ for the correction of `)]);
  });

  it('is nothing to be said of in any order of results, also one that nobody confirms, by either policy', () => {
    for (const corrections of ['CLAWBACK', 'UNDERPAY_ONLY'] as const) {
      const world = day(corrections);
      world.reenter([['3'], ['2'], ['1']]);
      emptied(world, 'acc-2');
      world.correct([['4'], ['5'], ['1']]);
      world.correct([['2'], ['3'], ['1']]);
      world.correct([['2', '3'], ['1']]);
      world.ask({ type: 'ScratchRunner', race: RACE, runner: '2', reason: 'did not run', by: steward });
      world.correct([['3'], ['4'], ['1']]);
      world.ask({ type: 'VoidRace', race: RACE, reason: 'wrong course', by: steward });
      world.proposeAll();
      world.confirm(world.market.state.races.get(RACE)?.previewHash ?? null);
      world.correct([['3'], ['1'], ['4']]);
      expect(world.market.state.races.get(RACE)?.status).toBe('SETTLED');
      expect(saidOf(logsOf(world))).toEqual([]);
      expect(notCheckedOf(world)).toEqual([]);
    }
  });

  it('is named where it is told of another pool, or of another question, than was asked', () => {
    const world = day();
    world.correct([['3'], ['2'], ['1']]);
    const asked = logsOf(world);
    const report = alter(asked, 'Weighed', any, more('ask', -1));
    expect(saidOf(asked)).toContainEqual(
      expect.stringMatching(`^${report} weighs .* by fact \\d+, it was asked by fact \\d+`),
    );
  });

  it('is named where the market lets it be weighed at another price than the pool makes', () => {
    const world = day();
    world.correct([['3'], ['2'], ['1']]);
    const logs = logsOf(world);
    for (const log of logs)
      for (const { events } of log.decisions)
        for (const { fact } of events as Event[])
          if ((fact as Event | undefined)?.t === 'CorrectionPriced')
            ((fact as Json)['pools'] as { prices: Json[] }[])[0]!.prices[0]!['price'] = '9.99';
    expect(saidOf(logs)).toContainEqual(
      expect.stringMatching(/^a correction of .*-WIN is weighed at WIN 3 9\.99, priced again WIN 3 \d/),
    );
  });

  it('is not judged where the shard heard of another non-runner in between: by which field it weighed cannot be known', () => {
    const world = day();
    world.ask({
      type: 'EnterResult',
      race: RACE,
      finish: [['3'], ['2'], ['1']],
      disqualified: [],
      reason: 'x',
      by: steward,
    });
    const asked = () =>
      world.market.decisions.some(({ events }) =>
        events.some((e) => e.t === 'Fact' && e.fact.t === 'CorrectionPriced'),
      );
    const scratch = { type: 'ScratchRunner', race: RACE, runner: '3', reason: 'did not run', by: steward } as const;
    const ask = world.ask.bind(world);
    world.ask = (command) => {
      const decided = world.market.decide(command, ++world.now);
      if (asked()) world.market.decide(scratch, ++world.now);
      world.settle();
      return decided;
    };
    world.proposeAll();
    world.ask = ask;
    expect(asked()).toBe(true);
    world.correct([['2'], ['4'], ['1']]);
    expect(saidOf(logsOf(world))).toEqual([]);
    expect(notCheckedOf(world)).toContainEqual(expect.stringMatching(/^what shards weighed while .* \(\d\)$/));
  });
});

describe('what a shard counted for the favourite of a leg', () => {
  function threeLegs(): LegsWorld {
    const world = LegsWorld.over('PICK3', 'US', { entries: { 1: 'A', 4: 'A' } });
    for (let i = 0; i < 12; i++) world.bet(`acc-${i % 6}`, 'R2-WIN', String((i % 4) + 1), 500 + 100 * i);
    world.bet('acc-0', 'PICK3', '1/2/3', 100);
    world.bet('acc-1', 'PICK3', '1/3/3', 100);
    world.scratchIn(2, '3');
    world.run(1, [['1']]);
    world.run(2, [['2'], ['1']]);
    return world;
  }

  it('is named with what stands on the runner', () => {
    const world = threeLegs();
    expect(saidOf(logsOf(world))).toEqual([]);
    expect(notCheckedOf(world)).toEqual([]);
    const logs = logsOf(world);
    const stakes = (report: Json): Json[] => report['stakes'] as Json[];
    const report = alter(
      logs,
      'Backing',
      ({ pool }) => pool === 'R2-WIN',
      (said) => {
        const [own] = stakes(said).filter(({ c }) => c === '2') as [Json];
        own['stake'] = Number(own['stake']) + 10_000;
      },
    );
    expect(saidOf(logs)).toContainEqual(
      expect.stringMatching(new RegExp(`^${report} counts \\d+ on 2 for the favourite of R2-WIN, its bets make \\d+$`)),
    );
  });

  it('is named where a runner with stakes on it is left out', () => {
    const logs = logsOf(threeLegs());
    const report = alter(
      logs,
      'Backing',
      ({ pool }) => pool === 'R2-WIN',
      (said) => {
        said['stakes'] = (said['stakes'] as Json[]).filter(({ c }) => c !== '1');
      },
    );
    expect(saidOf(logs)).toContainEqual(
      expect.stringMatching(
        new RegExp(`^${report} counts nothing on 1 for the favourite of R2-WIN, its bets make \\d+$`),
      ),
    );
  });

  it('is nothing to be said of where a runner is out before the count and its stakes come back behind it', () => {
    const world = LegsWorld.over('PICK3', 'US');
    for (let i = 0; i < 12; i++) world.bet(`acc-${i % 6}`, 'R1-WIN', String((i % 4) + 1), 500);
    world.market.decide({ type: 'StopBetting', race: 'R1', reason: 'off', by: steward }, ++world.now);
    world.market.decide({ type: 'ScratchRunner', race: 'R1', runner: '2', reason: 'lame', by: steward }, ++world.now);
    world.settle();
    world.run(1, [['1']]);
    const logs = logsOf(world);
    expect(saidOf(logs)).toEqual([]);
    find(logs, 'Report', 'shard', ({ report }) => (report as Event).t === 'Backing');
  });
});

describe('the stakes that won', () => {
  it.each([
    ['of a result', (): World => day(), 1],
    [
      'of a correction',
      (): World => {
        const world = day();
        world.correct([['3'], ['2'], ['1']]);
        return world;
      },
      2,
    ],
  ])('are named where a report says others %s', (_, made, version) => {
    const logs = logsOf(made());
    const report = alter(
      logs,
      'Paid',
      (said) => said['pool'] === WIN && said['version'] === version,
      more('wonStake', 10),
    );
    expect(saidOf(logs)).toEqual([
      expect.stringMatching(new RegExp(`^${report} says that \\d+ won in ${WIN}, its bets make \\d+$`)),
    ]);
  });

  it('are none where a race is void or stakes are given back', () => {
    const world = World.open({ types: ['WIN'] });
    for (let i = 0; i < 4; i++) world.bet(`acc-${i}`, WIN, '1', 500);
    world.ask({ type: 'VoidRace', race: RACE, reason: 'fog', by: steward });
    const logs = logsOf(world);
    expect(saidOf(logs)).toEqual([]);
    const report = alter(logs, 'Paid', any, more('wonStake', 10));
    expect(saidOf(logs)).toEqual([`${report} says that 10 won in ${WIN}, its bets make 0`]);
  });

  it('are not judged, nor what is due, where the shard heard of a non-runner before it had paid', () => {
    const world = World.open({ types: ['WIN', 'EXACTA'] });
    for (let i = 0; i < 20; i++) {
      world.bet(`acc-${i % 4}`, WIN, String((i % 6) + 1), 200 + 10 * i);
      world.bet(`acc-${i % 4}`, EXACTA, `BOX:${(i % 6) + 1},${((i + 1) % 6) + 1}`, 100, 2);
    }
    world.stop();
    const previewHash = world.price([['2'], ['3'], ['1']]) ?? '';
    world.market.decide({ type: 'ConfirmSettlement', race: RACE, previewHash, by: second }, ++world.now);
    world.market.decide({ type: 'ScratchRunner', race: RACE, runner: '2', reason: 'lame', by: steward }, ++world.now);
    world.settle();
    world.correct([['3'], ['4'], ['1']]);
    expect(world.market.state.races.get(RACE)?.status).toBe('SETTLED');
    expect(saidOf(logsOf(world))).toEqual([]);
    expect(notCheckedOf(world)).toContainEqual(expect.stringMatching(/^what was due .* non-runner/));
  });
});
