import { createHash } from 'node:crypto';
// What a client of the feed relies on: whatever it misses, merges or resumes, it ends with the state that the hub has.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OddsRow, TickPool } from '#mutuel/views';
import { SealTail } from '../src/seal-tail.js';
import { card, FeedClient, type FeedNode, FeedWorld, oracle, pool, TYPES } from './support/feed-world.js';

const WIN: readonly OddsRow[] = [
  ['1', 600, '1.40'],
  ['2', 400, '2.10'],
  ['3', 0],
  ['10', 900, '1.10'],
];

/** One race, open, with a first tick of its win pool. */
function openRace(): { world: FeedWorld; node: FeedNode } {
  const world = new FeedWorld();
  const node = world.node();
  world.fact({ t: 'MeetingPublished', meeting: card(1) });
  world.fact({ t: 'RaceOpened', race: 'R1' });
  world.tick([pool('R1-WIN', 1, WIN)]);
  node.read();
  return { world, node };
}

const changed = (price: string): OddsRow[] => [['1', 650, price], ...WIN.slice(1)];

describe('a subscription', () => {
  test('is confirmed with the values that hold, then comes the image of every pool', () => {
    const { node } = openRace();
    const client = new FeedClient().connect(node).subscribe({ heartbeatMs: 1, conflateMs: 999_999 });
    expect(client.frames).toHaveLength(2);
    expect(client.frames[0]).toMatchObject({
      ...{ op: 'status', id: 1, code: 'SUCCESS', connectionClosed: false, heartbeatMs: 500, conflateMs: 120_000 },
      ...{ fields: ['TOTALS', 'ODDS', 'PROBABLES', 'DEF', 'LATE_MONEY'], maxLagMs: 30_000 },
    });
    expect(client.frames[1]).toMatchObject({ op: 'pcm', id: 1, ct: 'SUB_IMAGE', cycle: node.world.ticks[0]?.cycle });
    expect([...client.pools.keys()]).toEqual(['R1-EXACTA', 'R1-PLACE', 'R1-WIN']);
    expect(client.text('R1-WIN')).toBe(oracle(node.world, 'R1-WIN'));
  });

  test('shows a definition, totals and rows in the shapes of the contract', () => {
    const { node } = openRace();
    const client = new FeedClient().connect(node).subscribe({ filter: { pools: ['R1-WIN'] } });
    expect(client.last['pc']).toEqual([
      {
        id: 'R1-WIN',
        img: true,
        v: 1,
        def: {
          ...{ status: 'OPEN', ruleVersion: 'FR-WIN', raceId: 'R1', type: 'WIN', scratched: [] },
          ...{ offTime: expect.any(Number), ruleVersion: expect.any(String) },
        },
        tot: { gross: 1900, net: 1520, carryIn: 0, cur: 'EUR', exp: 2, final: false },
        rc: [
          { c: '1', st: 'ACTIVE', amt: 600, odds: '1.40', big: false },
          { c: '10', st: 'ACTIVE', amt: 900, odds: '1.10', big: false },
          { c: '2', st: 'ACTIVE', amt: 400, odds: '2.10', big: false },
          { c: '3', st: 'ACTIVE', amt: 0, big: false },
        ],
        h: client.hash('R1-WIN'),
      },
    ]);
  });

  test('tells the seal of a pool once all shards are in, and no other pool of the race', () => {
    const { world, node } = openRace();
    const client = new FeedClient().connect(node).subscribe({});
    world.fact({ t: 'BettingClosed', race: 'R1', closeNo: 1, stopAt: 1_795_300_001_000 });
    node.read();
    const seal = { t: 'Seal', pool: 'R1-WIN', closeNo: 1, lastSeq: 9, markerAt: 1, bets: 3, stake: 1_900 } as const;
    const none = { withdrawnBets: 0, withdrawnStake: 0, voidedBets: 0, voidedStake: 0 };
    const report = { ...seal, ...none, leaves: 3, root: 'ab' };
    world.decide({ t: 'ReportReceived', shard: 0, n: 1, report });
    node.read();
    // SHA-256 of "pool:ab".
    const sealRoot = createHash('sha256').update('pool:ab').digest('hex');
    expect(client.last['pc']).toEqual([
      { id: 'R1-WIN', v: 1, def: { closeNo: 1, sealBets: 3, sealStake: 1_900, sealRoot }, h: client.hash('R1-WIN') },
    ]);
    expect(client.text('R1-WIN')).toBe(oracle(world, 'R1-WIN'));
  });

  describe('of the signature of a seal', () => {
    const signed = {
      poolId: 'R1-WIN',
      closeNo: 1,
      statement: '{"kind":"mutuel-seal"}',
      keyId: 'k1',
      signature: 'c2ln',
    };
    const { poolId: _, ...shown } = signed;
    const sealed = () => {
      const { world, node } = openRace();
      world.fact({ t: 'BettingClosed', race: 'R1', closeNo: 1, stopAt: 1_795_300_001_000 });
      const seal = { t: 'Seal', pool: 'R1-WIN', closeNo: 1, lastSeq: 9, markerAt: 1, bets: 3, stake: 1_900 } as const;
      const none = { withdrawnBets: 0, withdrawnStake: 0, voidedBets: 0, voidedStake: 0 };
      world.decide({ t: 'ReportReceived', shard: 0, n: 1, report: { ...seal, ...none, leaves: 3, root: 'ab' } });
      const other = world.node();
      for (const one of [node, other]) one.read();
      return { world, node, other };
    };

    test('tells it once it is there, beside what h covers, and in every image from then on', () => {
      const { node } = sealed();
      const client = new FeedClient().connect(node).subscribe({});
      const before = client.hash('R1-WIN');
      expect(node.hub.unsigned()).toEqual(['R1-WIN']);
      node.hub.onSeals([signed]);
      expect(client.last['pc']).toEqual([{ id: 'R1-WIN', v: 1, seal: shown, h: before }]);
      const { length } = client.frames;
      node.hub.onSeals([signed]);
      expect(client.frames).toHaveLength(length);
      expect(node.hub.unsigned()).toEqual([]);
      const late = new FeedClient().connect(node).subscribe({ filter: { pools: ['R1-WIN'] } });
      expect(late.last['pc']).toMatchObject([{ id: 'R1-WIN', img: true, seal: shown }]);
    });

    test('tells it not to whoever does not look at definitions', () => {
      const { node } = sealed();
      const client = new FeedClient().connect(node).subscribe({ fields: ['TOTALS'] });
      const { length } = client.frames;
      node.hub.onSeals([signed]);
      expect(client.frames).toHaveLength(length);
      expect(JSON.stringify(new FeedClient().connect(node).subscribe({ fields: ['TOTALS'] }).last)).not.toContain(
        'c2ln',
      );
    });

    test('tells it again to whoever comes back soon after it, to this node or another, and not much later', () => {
      const { world, node, other } = sealed();
      const client = new FeedClient().connect(node).subscribe({});
      client.hangUp();
      node.hub.onSeals([signed]);
      other.hub.onSeals([signed]);
      for (const one of [other, node]) {
        client.connect(one).subscribe({});
        expect(client.last).toMatchObject({ ct: 'RESUB_DELTA', pc: [{ id: 'R1-WIN', seal: shown }] });
      }
      for (let v = 2; v < 6; v++) world.tick([pool('R1-WIN', v, changed(`1.${v}0`))]);
      for (const one of [other, node]) one.read();
      expect(client.last['pc']).toMatchObject([{ id: 'R1-WIN', v: 5 }]);
      client.hangUp();
      client.connect(other).subscribe({});
      expect(client.last).toMatchObject({ ct: 'RESUB_DELTA', pc: [] });
    });

    test('is looked for in the read models while a pool waits for it, however often they are away', async () => {
      const { node } = sealed();
      const client = new FeedClient().connect(node).subscribe({});
      const asked: unknown[] = [];
      const faults: string[] = [];
      const answers = [
        () => Promise.reject(Object.assign(new Error('away'), { retriable: true })),
        async () => [],
        async () => [
          { pool_id: 'R1-WIN', close_no: 1, statement: signed.statement, key_id: 'k1', signature: signed.signature },
        ],
      ];
      const tail: SealTail = new SealTail({
        db: {
          query: async <Row>(_text: string, values: readonly unknown[] = []) => {
            asked.push(values[0]);
            return (await answers.shift()?.()) as Row[];
          },
        },
        clock: { now: () => 0, sleep: () => new Promise((wake) => setImmediate(wake)) },
        feed: node.hub,
        onFault: ({ message }) => faults.push(message),
      });
      tail.start();
      while (node.hub.unsigned().length > 0) await new Promise((wake) => setImmediate(wake));
      await tail.stop();
      expect(asked).toEqual([['R1-WIN'], ['R1-WIN'], ['R1-WIN']]);
      expect(faults).toEqual([]);
      expect(client.last['pc']).toMatchObject([{ id: 'R1-WIN', seal: shown }]);
    });
  });

  test.each([
    ['all', {}, 6],
    ['a meeting', { meetings: ['M1'] }, 3],
    ['a race', { races: ['R2'] }, 3],
    ['a type', { poolTypes: ['WIN', 'PLACE'] }, 4],
    ['a race and a type', { races: ['R2'], poolTypes: ['WIN'] }, 1],
    ['none, by an empty list', { races: [] }, 0],
  ])('is filtered: %s', (_name, filter, count) => {
    const { world, node } = openRace();
    world.fact({ t: 'MeetingPublished', meeting: card(1, 2) });
    node.read();
    expect(new FeedClient().connect(node).subscribe({ filter }).pools.size).toBe(count);
  });

  test.each([
    [['DEF'], ['def']],
    [['TOTALS'], ['tot']],
    [
      ['ODDS', 'TOTALS'],
      ['tot', 'rc'],
    ],
    [['PROBABLES'], []],
  ])('of the fields %j has %j of a win pool, and the hash is of just that', (fields, parts) => {
    const { world, node } = openRace();
    const client = new FeedClient().connect(node).subscribe({ fields, filter: { poolTypes: ['WIN'] } });
    const [image] = client.last['pc'] as object[];
    expect(Object.keys(image ?? {})).toEqual(['id', 'img', 'v', ...parts, 'h']);
    world.tick([pool('R1-WIN', 2, changed('1.30'))]);
    node.read();
    world.fact({ t: 'RaceSuspended', race: 'R1' });
    node.read();
    expect(
      client.frames
        .slice(1)
        .flatMap((frame) => frame['pc'] as { h: string }[])
        .at(-1)?.h,
    ).toBe(client.hash('R1-WIN'));
  });

  test('replaces the one before it on the same connection', () => {
    const { world, node } = openRace();
    const client = new FeedClient()
      .connect(node)
      .subscribe()
      .subscribe({ filter: { races: [] }, clk: null, initialClk: null });
    client.frames = [];
    world.tick([pool('R1-WIN', 2, changed('1.30'))]);
    node.read();
    expect(client.frames).toEqual([]);
    expect(node.hub.metrics.subscriptions).toBe(1);
  });
});

test('a node that starts long after a race was over shows its last figures as every other node does', () => {
  const { world, node } = openRace();
  const last = pool('R1-WIN', 2, changed('1.30'), { final: true });
  const { cycle, at } = world.tick([last]);
  world.tick([]);
  node.read();
  const young = world.node();
  young.readMarket();
  young.hub.begin([{ cycle, at, pool: last }]);
  young.ticks = world.ticks.length;
  world.tick([pool('R1-PLACE', 1, WIN)]);
  world.settle();
  const shown = [node, young].map((one) => new FeedClient().connect(one).subscribe({ filter: { pools: ['R1-WIN'] } }));
  const [everywhere, here] = shown.map((client) => client.last['pc']);
  expect(everywhere).toMatchObject([{ v: 2, tot: { gross: 1_950, final: true } }]);
  expect(here).toEqual(everywhere);
});

describe('a change', () => {
  test('holds only what changed', () => {
    const { world, node } = openRace();
    const client = new FeedClient().connect(node).subscribe();
    world.tick([pool('R1-WIN', 2, changed('1.30'))]);
    node.read();
    expect(client.last).toEqual({
      op: 'pcm',
      id: 1,
      clk: client.clk,
      pt: world.clock.time,
      cycle: world.ticks[1]?.cycle,
      pc: [
        {
          id: 'R1-WIN',
          v: 2,
          tot: { gross: 1950, net: 1560 },
          rc: [{ c: '1', amt: 650, odds: '1.30' }],
          h: client.hash('R1-WIN'),
        },
      ],
    });
  });

  test('of the market shows at once, between two ticks', () => {
    const { world, node } = openRace();
    const client = new FeedClient().connect(node).subscribe({ filter: { pools: ['R1-WIN'] } });
    world.fact({ t: 'BettingClosed', race: 'R1', closeNo: 1, stopAt: 1_795_300_001_000 });
    node.readMarket();
    expect(client.last['pc']).toMatchObject([
      { id: 'R1-WIN', def: { status: 'CLOSED', stopAt: 1_795_300_001_000 }, h: client.hash('R1-WIN') },
    ]);
  });

  test('that takes a price away is told by an image, and a scratched runner stays on the list', () => {
    const { world, node } = openRace();
    const client = new FeedClient().connect(node).subscribe({ filter: { pools: ['R1-WIN'] } });
    world.fact({ t: 'RunnerScratched', race: 'R1', runner: '2' });
    node.readMarket();
    expect(client.last['pc']).toMatchObject([{ id: 'R1-WIN', img: true, def: { scratched: ['2'] } }]);
    expect(client.pools.get('R1-WIN')?.rc.get('2')).toEqual({ c: '2', st: 'SCRATCHED', amt: 0, big: false });
    world.tick([pool('R1-WIN', 2, [WIN[0] as OddsRow, WIN[2] as OddsRow, WIN[3] as OddsRow])]);
    node.read();
    expect(client.text('R1-WIN')).toBe(oracle(world, 'R1-WIN'));
  });

  test('is marked as late money where a tenth of the pool came in one cycle, for that cycle', () => {
    const { world, node } = openRace();
    const client = new FeedClient().connect(node).subscribe();
    const big = (): unknown => client.pools.get('R1-WIN')?.rc.get('3')?.['big'];
    world.tick([pool('R1-WIN', 2, [...WIN.filter(([c]) => c !== '3'), ['3', 300, '5.00']])]);
    node.read();
    expect(big()).toBe(true);
    world.tick([]);
    node.read();
    expect(big()).toBe(false);
  });

  test('of pools not subscribed sends nothing', () => {
    const { world, node } = openRace();
    const client = new FeedClient().connect(node).subscribe({ filter: { poolTypes: ['PLACE'] } });
    client.frames = [];
    world.tick([pool('R1-WIN', 2, changed('1.30'))]);
    node.read();
    expect(client.frames).toEqual([]);
  });
});

describe('silence', () => {
  test('is broken by a heartbeat with the newest place once the interval has passed', () => {
    const { world, node } = openRace();
    const client = new FeedClient().connect(node).subscribe({ heartbeatMs: 5_000, filter: { poolTypes: ['PLACE'] } });
    world.tick([pool('R1-WIN', 2, changed('1.30'))]);
    node.read();
    node.hub.sweep();
    expect(client.last).toMatchObject({
      op: 'pcm',
      id: 1,
      ct: 'HEARTBEAT',
      cycle: world.ticks[1]?.cycle,
      status: null,
    });
    const count = client.frames.length;
    node.hub.sweep();
    expect(client.frames).toHaveLength(count);
    world.clock.time += 4_999;
    node.hub.sweep();
    expect(client.frames).toHaveLength(count);
    world.clock.time += 1;
    node.hub.sweep();
    expect(client.frames).toHaveLength(count + 1);
  });

  test('of the odds is told with 503 at once, keeps the connection, and ends with the next tick', () => {
    const { world, node } = openRace();
    const client = new FeedClient().connect(node).subscribe({ heartbeatMs: 30_000 });
    world.clock.time += 10_001;
    node.hub.sweep();
    expect(client.last).toMatchObject({ ct: 'HEARTBEAT', status: 503 });
    expect(client.isClosed).toBe(false);
    world.tick([pool('R1-WIN', 2, changed('1.30'))], 2);
    node.read();
    expect(client.frames.slice(-2)).toMatchObject([{ ct: 'HEARTBEAT', status: null }, { pc: [{ id: 'R1-WIN' }] }]);
    expect(client.last).not.toHaveProperty('status');
  });
});

describe('a client that comes back', () => {
  test.each(['the same node', 'a node started since'])('with its clocks to %s gets what changed', (where) => {
    const { world, node } = openRace();
    const client = new FeedClient().connect(node).subscribe();
    client.hangUp();
    world.tick([pool('R1-WIN', 2, changed('1.30'))]);
    world.fact({ t: 'RaceSuspended', race: 'R1' });
    world.tick([pool('R1-PLACE', 1, [['1', 100, null, '1.10', '1.20']])]);
    node.read();
    const next = where === 'the same node' ? node : world.node();
    next.read();
    client.connect(next).subscribe();
    expect(client.last).toMatchObject({ ct: 'RESUB_DELTA', con: true, reason: 'SERVER' });
    expect(client.last['pc']).toMatchObject([
      { id: 'R1-EXACTA', def: { status: 'SUSPENDED' } },
      { id: 'R1-PLACE', def: { status: 'SUSPENDED' } },
      { id: 'R1-WIN', def: { status: 'SUSPENDED' }, rc: [{ c: '1', amt: 650, odds: '1.30' }] },
    ]);
    for (const type of TYPES) expect(client.text(`R1-${type}`)).toBe(oracle(world, `R1-${type}`));
  });

  test('is served changes for more than ten minutes and an image after twenty', () => {
    const { world, node } = openRace();
    const client = new FeedClient().connect(node).subscribe();
    client.hangUp();
    const clocks = { clk: client.clk, initialClk: client.initialClk };
    for (let i = 0; i < 239; i++) world.tick([pool('R1-WIN', 2 + i, changed(`${1 + i}.00`))]);
    node.read();
    client.connect(node).subscribe(clocks);
    expect(client.last).toMatchObject({ ct: 'RESUB_DELTA' });
    world.tick([]);
    node.read();
    client.connect(node).subscribe(clocks);
    expect(client.last).toMatchObject({ ct: 'SUB_IMAGE' });
    expect(client.text('R1-WIN')).toBe(oracle(world, 'R1-WIN'));
  });

  test.each([
    ['asks for something else', { filter: { poolTypes: ['WIN'] } }],
    ['asks for other fields', { fields: ['DEF'] }],
  ])('and %s gets an image', (_name, request) => {
    const { node } = openRace();
    const client = new FeedClient().connect(node).subscribe().subscribe(request);
    expect(client.last).toMatchObject({ ct: 'SUB_IMAGE', id: 2 });
  });

  test('from a node that is further on gets an image', () => {
    const { world, node } = openRace();
    const behind = world.node();
    behind.read();
    world.tick([pool('R1-WIN', 2, changed('1.30'))]);
    node.read();
    const client = new FeedClient().connect(node).subscribe();
    client.connect(behind).subscribe();
    expect(client.last).toMatchObject({ ct: 'SUB_IMAGE' });
    behind.read();
    expect(client.text('R1-WIN')).toBe(oracle(world, 'R1-WIN'));
  });

  test('to a node that missed a tick gets an image until a full tick has come by', () => {
    const { world, node } = openRace();
    const client = new FeedClient().connect(node).subscribe();
    world.tick([pool('R1-WIN', 2, changed('1.30'))]);
    node.ticks++;
    world.tick([]);
    node.read();
    client.connect(node).subscribe();
    expect(client.last).toMatchObject({ ct: 'SUB_IMAGE' });
  });
});

describe('a request that cannot be served', () => {
  const clk = 'tbqrb-2-000000';
  test.each([
    ['no JSON', '{', 'INVALID_INPUT', null],
    ['binary', '', 'INVALID_INPUT', null],
    ['an array', '[]', 'INVALID_INPUT', null],
    ['null', 'null', 'INVALID_INPUT', null],
    ['too long', ' '.repeat(70_000), 'INVALID_INPUT', null],
    ['another operation', { op: 'order', id: 3 }, 'INVALID_INPUT', 3],
    ['no id', { op: 'subscribe' }, 'INVALID_INPUT', null],
    ['a fractional id', { op: 'subscribe', id: 1.5 }, 'INVALID_INPUT', null],
    ['an unknown field', { op: 'subscribe', id: 3, fields: ['WEATHER'] }, 'INVALID_INPUT', 3],
    ['an unknown filter', { op: 'subscribe', id: 3, filter: { horses: ['1'] } }, 'INVALID_INPUT', 3],
    ['a filter of numbers', { op: 'subscribe', id: 3, filter: { races: [3] } }, 'INVALID_INPUT', 3],
    ['too many names', { op: 'subscribe', id: 3, filter: { races: Array(1_001).fill('R') } }, 'INVALID_INPUT', 3],
    ['a heartbeat in words', { op: 'subscribe', id: 3, heartbeatMs: '5s' }, 'INVALID_INPUT', 3],
    ['one clock of two', { op: 'subscribe', id: 3, clk }, 'INVALID_CLOCK', 3],
    ['the other clock of two', { op: 'subscribe', id: 3, initialClk: 'x' }, 'INVALID_CLOCK', 3],
    ['clocks made up', { op: 'subscribe', id: 3, clk, initialClk: `${'0'.repeat(16)}-000000` }, 'INVALID_CLOCK', 3],
    ['a clock too long', { op: 'subscribe', id: 3, clk: 'x'.repeat(101), initialClk: 'x' }, 'INVALID_CLOCK', 3],
    ['a clock that is a number', { op: 'subscribe', id: 3, clk, initialClk: 7 }, 'INVALID_CLOCK', 3],
    ['a clock and a field', { op: 'subscribe', id: 3, clk: 7, fields: ['WEATHER'] }, 'INVALID_INPUT', 3],
  ])('%s is refused, and the connection stays', (_name, request, code, id) => {
    const { node } = openRace();
    const client = new FeedClient().connect(node);
    client.say(request);
    expect(client.last).toMatchObject({ op: 'status', id, code, connectionClosed: false });
    expect(client.isClosed).toBe(false);
    client.subscribe({ id: 9 });
    expect(client.last).toMatchObject({ ct: 'SUB_IMAGE', id: 9 });
  });

  test('a clock with one character changed is refused', () => {
    const { node } = openRace();
    const client = new FeedClient().connect(node).subscribe();
    const { clk } = client;
    client.subscribe({ clk: `${clk?.slice(0, -1)}${clk?.endsWith('0') ? '1' : '0'}` });
    expect(client.last).toMatchObject({ code: 'INVALID_CLOCK' });
  });

  test('more pools than the limit are refused, and what was subscribed before goes on', () => {
    const { world } = openRace();
    const node = world.node({ limits: { maxPools: 2 } });
    node.read();
    const client = new FeedClient().connect(node).subscribe({ filter: { poolTypes: ['WIN'] } });
    client.subscribe();
    expect(client.last).toMatchObject({ code: 'SUBSCRIPTION_LIMIT_EXCEEDED', connectionClosed: false });
    world.tick([pool('R1-WIN', 2, changed('1.30'))]);
    node.read();
    expect(client.last).toMatchObject({ id: 1, pc: [{ id: 'R1-WIN' }] });
  });

  test('requests beyond the limit are refused, and a flood is hung up on', () => {
    const { world, node } = openRace();
    const client = new FeedClient().connect(node);
    for (let i = 0; i < 20; i++) client.subscribe();
    expect(client.last).toMatchObject({ ct: 'RESUB_DELTA' });
    client.subscribe();
    expect(client.last).toMatchObject({ code: 'TOO_MANY_REQUESTS', connectionClosed: false });
    world.clock.time += 10_000;
    client.subscribe();
    expect(client.last).toMatchObject({ ct: 'RESUB_DELTA' });
    for (let i = 0; i < 40; i++) client.say('x');
    expect(client.last).toMatchObject({ code: 'TOO_MANY_REQUESTS', connectionClosed: true });
    expect(client.isClosed).toBe(true);
    expect(node.hub.metrics).toMatchObject({ connections: 0, subscriptions: 0 });
  });

  test('a connection beyond the limit is told so and closed', () => {
    const { world } = openRace();
    const node = world.node({ limits: { maxConnections: 1 } });
    new FeedClient().connect(node);
    const second = new FeedClient().connect(node);
    expect(second.last).toMatchObject({ code: 'MAX_CONNECTION_LIMIT_EXCEEDED', connectionClosed: true });
    expect(second.isClosed).toBe(true);
  });

  test('a connection that never subscribes is closed', () => {
    const { world, node } = openRace();
    const client = new FeedClient().connect(node);
    world.clock.time += 30_001;
    node.hub.sweep();
    expect(client.last).toMatchObject({ code: 'TIMEOUT', connectionClosed: true });
    expect(client.isClosed).toBe(true);
  });
});

describe('a slow reader', () => {
  const limits = { maxBufferedBytes: 400, maxLagMs: 30_000 };

  test('is held to a bound, then gets the latest state as one change that says why', () => {
    const { world } = openRace();
    const node = world.node({ limits });
    node.read();
    const client = new FeedClient().connect(node).subscribe({ filter: { pools: ['R1-WIN'] } });
    const before = client.frames.length;
    client.isTaking = false;
    for (let i = 0; i < 50; i++) {
      world.tick([pool('R1-WIN', 2 + i, changed(`${2 + i}.50`))]);
      node.readTicks();
    }
    expect(client.mostBuffered).toBeLessThan(1_000);
    client.isTaking = true;
    client.take();
    node.hub.sweep();
    const [first, second, ...more] = client.frames.slice(before);
    expect(first).not.toHaveProperty('con');
    expect(client.last).toMatchObject({ con: true, reason: 'CLIENT_SLOW', pc: [{ rc: [{ c: '1', odds: '51.50' }] }] });
    expect(second).toBeDefined();
    expect(more.length).toBeLessThan(3);
    expect(client.text('R1-WIN')).toBe(oracle(world, 'R1-WIN'));
  });

  test('is closed once it has taken nothing for longer than stated, and not before', () => {
    const { world } = openRace();
    const node = world.node({ limits });
    node.read();
    const client = new FeedClient();
    client.isTaking = false;
    client.connect(node).subscribe();
    node.hub.sweep();
    world.clock.time += 30_000;
    node.hub.sweep();
    expect(client.isClosed).toBe(false);
    world.clock.time += 1;
    node.hub.sweep();
    expect(client.isClosed).toBe(true);
    expect(node.hub.metrics).toMatchObject({ connections: 0, closedSlow: 1 });
  });

  test('that asked for one change a minute gets one a minute', () => {
    const { world, node } = openRace();
    const client = new FeedClient().connect(node).subscribe({ conflateMs: 60_000, heartbeatMs: 30_000 });
    const deltas = () => client.frames.filter((frame) => frame['op'] === 'pcm' && frame['ct'] === undefined);
    for (let i = 0; i < 36; i++) {
      world.tick([pool('R1-WIN', 2 + i, changed(`${2 + i}.50`))]);
      node.readTicks();
      node.hub.sweep();
    }
    expect(deltas().length).toBeGreaterThanOrEqual(2);
    expect(deltas().length).toBeLessThanOrEqual(3);
    expect(deltas().at(-1)).toMatchObject({ con: true, reason: 'REQUESTED' });
  });

  test('of a day too large for one frame gets its image in parts, as it can take them', () => {
    const world = new FeedWorld();
    const node = world.node({ limits });
    const rows = Array.from({ length: 4_000 }, (_, i): OddsRow => [`1>${i + 2}`, 100 + i, `${i + 1}.00`]);
    for (let m = 1; m <= 10; m++) world.fact({ t: 'MeetingPublished', meeting: card(1, m) });
    world.tick(Array.from({ length: 10 }, (_, m) => pool(`R${m + 1}-EXACTA`, 1, rows)));
    node.read();
    const client = new FeedClient();
    client.isTaking = false;
    client.connect(node).subscribe();
    for (let i = 0; i < 20; i++) {
      client.take();
      node.hub.sweep();
    }
    client.take();
    const parts = client.frames.filter((frame) => frame['ct'] === 'SUB_IMAGE');
    expect(parts.map((part) => part['seg'])).toEqual(['SEG_START', 'SEG', 'SEG', 'SEG_END']);
    expect(parts.map((part) => part['clk'] !== undefined)).toEqual([false, false, false, true]);
    expect(client.pools.size).toBe(30);
    expect(client.mostBuffered).toBeLessThan(1_500_000);
  });
});

describe('encoding', () => {
  test('is done once for all that asked for the same, whatever the order of their lists', () => {
    const { world, node } = openRace();
    const filters = [{ races: ['R1', 'R9'] }, { races: ['R9', 'R1', 'R1'] }];
    const clients = Array.from({ length: 200 }, (_, i) =>
      new FeedClient().connect(node).subscribe({ filter: filters[i % 2] }),
    );
    expect(node.hub.metrics).toMatchObject({ connections: 200, subscriptions: 1, encoded: 1, sent: 200 });
    world.tick([pool('R1-WIN', 2, changed('1.30'))]);
    node.read();
    expect(node.hub.metrics).toMatchObject({ encoded: 2, sent: 400 });
    world.clock.time += 5_000;
    node.hub.sweep();
    expect(node.hub.metrics).toMatchObject({ encoded: 3, sent: 600 });
    for (const client of clients) client.hangUp();
    expect(node.hub.metrics).toMatchObject({ connections: 0, subscriptions: 0 });
  });
});

// ── The property ─────────────────────────────────────────────────────────────────────────────────────────────────

const CLIENTS = 4;
const client = fc.nat(CLIENTS - 1);
const node = fc.nat(1);
const poolIds = ['R1', 'R2', 'R3'].flatMap((race) => TYPES.map((type) => `${race}-${type}`));
const stakes = fc.array(fc.tuple(fc.constantFrom('1', '2', '3', '10'), fc.nat(4)), { maxLength: 5 });
const request = fc.record(
  {
    filter: fc.constantFrom(
      {},
      { races: ['R1'] },
      { poolTypes: ['WIN', 'EXACTA'] },
      { meetings: ['M3'], races: ['R3'] },
    ),
    fields: fc.constantFrom(null, null, ['DEF', 'ODDS', 'TOTALS'], ['PROBABLES', 'LATE_MONEY'], ['DEF']),
    conflateMs: fc.constantFrom(0, 0, 12_000),
  },
  { requiredKeys: ['filter'] },
);

const step = fc.oneof(
  fc.record({
    do: fc.constant('tick' as const),
    moves: fc.array(fc.tuple(fc.constantFrom(...poolIds), stakes), { maxLength: 3 }),
    skip: fc.nat(1),
  }),
  fc.record({
    do: fc.constant('market' as const),
    race: fc.constantFrom('R1', 'R2', 'R3'),
    act: fc.nat(7),
    runner: fc.constantFrom('1', '2', '3'),
  }),
  fc.record({ do: fc.constant('readTicks' as const), node }),
  fc.record({ do: fc.constant('readMarket' as const), node }),
  fc.record({ do: fc.constant('restart' as const), node, from: fc.nat(4) }),
  fc.record({ do: fc.constant('connect' as const), client, node }),
  fc.record({ do: fc.constant('subscribe' as const), client, request }),
  fc.record({ do: fc.constant('stall' as const), client }),
  fc.record({ do: fc.constant('sweep' as const), node, ms: fc.nat(9_000) }),
);

test('whatever is merged, missed, resumed or restarted, every client ends with the state and the hash of its pools', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 120 }), (steps) => {
      const run = new Run();
      for (const one of steps) run.step(one);
      run.finish();
    }),
    { seed: 20_261_122, numRuns: 100 },
  );
});

class Run {
  readonly world = new FeedWorld();
  readonly nodes: FeedNode[];
  readonly clients: { readonly client: FeedClient; request: Record<string, unknown>; isSubscribed: boolean }[];
  readonly #moved = new Map<string, TickPool>();

  constructor() {
    const { world } = this;
    world.fact({ t: 'MeetingPublished', meeting: card(2) });
    const limits = { maxBufferedBytes: 2_000, maxLagMs: 1e12, maxRequests: 1e9, subscribeWithinMs: 1e12 };
    this.nodes = [world.node({ limits }), world.node({ limits })];
    world.tick([]);
    this.clients = Array.from({ length: CLIENTS }, (_, i) => {
      const client = new FeedClient().connect(this.nodes[i % 2] as FeedNode);
      return { client, request: {}, isSubscribed: false };
    });
  }

  step(one: typeof step extends fc.Arbitrary<infer S> ? S : never): void {
    switch (one.do) {
      case 'tick':
        this.world.tick(
          one.moves.map(([id, list]) => this.#move(id, list)),
          one.skip,
        );
        return;
      case 'market':
        this.#market(one.race, one.act, one.runner);
        return;
      case 'readTicks':
        this.nodes[one.node]?.readTicks();
        return;
      case 'readMarket':
        this.nodes[one.node]?.readMarket();
        return;
      case 'restart':
        this.#restart(one.node, one.from);
        return;
      case 'connect':
        this.#connect(one.client, one.node);
        return;
      case 'subscribe':
        this.#subscribe(one.client, one.request);
        return;
      case 'stall':
        this.#toggle(one.client);
        return;
      case 'sweep':
        this.world.clock.time += one.ms;
        this.nodes[one.node]?.hub.sweep();
    }
  }

  finish(): void {
    const { world } = this;
    // A node that begins with this tick cannot know what came in its cycle; from the next one on it does.
    if (world.ticks.at(-1)?.full) world.tick([]);
    for (const one of this.clients) {
      one.client.isTaking = true;
      one.client.take();
      if (!one.isSubscribed) one.client.subscribe(one.request);
    }
    for (const one of this.nodes) one.read();
    world.clock.time += 12_001;
    for (const one of this.nodes) for (let i = 0; i < 50; i++) one.hub.sweep();
    for (const { client } of this.clients) {
      for (const id of client.pools.keys()) this.#agrees(client, id);
    }
    const [first] = this.clients;
    first?.client.subscribe({ filter: {}, fields: null, clk: null, initialClk: null });
    expect([...(first?.client.pools.keys() ?? [])]).toEqual(
      [...(this.nodes[0]?.market.state.pools.keys() ?? [])].sort(),
    );
    for (const id of first?.client.pools.keys() ?? []) expect(first?.client.text(id)).toBe(oracle(world, id));
  }

  /** What the client holds of the pool is the oracle's, part by part. */
  #agrees(client: FeedClient, id: string): void {
    const held = client.pools.get(id);
    const all = JSON.parse(oracle(this.world, id)) as { def: object; tot: object; rc: { c: string; big?: boolean }[] };
    if (!held) return;
    if (Object.keys(held.def).length > 0) expect(held.def).toEqual(all.def);
    if (Object.keys(held.tot).length > 0) expect(held.tot).toEqual(all.tot);
    const rows = [...held.rc.values()].sort((a, b) => (String(a['c']) < String(b['c']) ? -1 : 1));
    const hasMarks = rows.some((row) => 'big' in row);
    const expected = hasMarks ? all.rc : all.rc.map(({ big: _, ...row }) => row);
    if (rows.length > 0) expect(rows).toEqual(expected);
  }

  #move(id: string, list: readonly (readonly [string, number])[]): TickPool {
    const before = this.#moved.get(id);
    const rows: OddsRow[] = list.map(([runner, n], i) => {
      const c = id.endsWith('EXACTA') ? `${runner}>${i}` : runner;
      const amt = n * 100;
      if (n === 0) return [c, amt];
      return id.endsWith('PLACE') ? [c, amt, null, `${n}.10`, `${n}.20`] : [c, amt, `${n}.50`];
    });
    const unique = [...new Map(rows.map((row) => [row[0], row])).values()];
    const next = pool(id, (before?.v ?? 0) + 1, unique);
    this.#moved.set(id, next);
    return next;
  }

  #market(race: string, act: number, runner: string): void {
    const { world } = this;
    if (race === 'R3') {
      const isKnown =
        world.decisions.length > 1 && world.decisions.some(({ events }) => JSON.stringify(events).includes('"M3"'));
      if (!isKnown) {
        world.fact({ t: 'MeetingPublished', meeting: card(1, 3) });
        return;
      }
    }
    const isOut = world.decisions.some(({ events }) =>
      events.some(
        (e) => e.t === 'Fact' && e.fact.t === 'RunnerScratched' && e.fact.race === race && e.fact.runner === runner,
      ),
    );
    const stopAt = world.clock.time;
    if (act === 0) world.fact({ t: 'RaceOpened', race });
    else if (act === 1) world.fact({ t: 'RaceSuspended', race });
    else if (act === 2) world.fact({ t: 'BettingClosed', race, closeNo: 1, stopAt });
    else if (act === 3) world.fact({ t: 'LateOffDeclared', race, closeNo: 2, offAt: stopAt - 1_000 });
    else if (act === 4 && !isOut) world.fact({ t: 'RunnerScratched', race, runner });
    else if (act === 5)
      world.fact({ t: 'ResultEntered', race, version: 1, finish: [['1']], disqualified: [], pools: [] });
    else if (act === 6) world.fact({ t: 'RaceVoided', race, closeNo: 3, stopAt });
    else world.fact({ t: 'LeaseRenewed', issuedAt: stopAt, ttlMs: 5_000 });
  }

  /** A new process in the place of the old one: reads the market from the beginning and the ticks from somewhere. */
  #restart(at: number, from: number): void {
    const old = this.nodes[at] as FeedNode;
    old.hub.close();
    const next = this.world.node({
      limits: { maxBufferedBytes: 2_000, maxLagMs: 1e12, maxRequests: 1e9, subscribeWithinMs: 1e12 },
    });
    this.nodes[at] = next;
    next.readMarket();
    // A full tick is within reach of every start.
    const full = this.world.ticks.findLastIndex((tick) => tick.full);
    next.ticks = Math.max(0, full - from);
    next.readTicks();
    for (const [i, one] of this.clients.entries()) if (one.client.isClosed) this.#connect(i, at);
  }

  #connect(i: number, at: number): void {
    const one = this.clients[i];
    if (!one) return;
    one.client.connect(this.nodes[at] as FeedNode);
    if (one.isSubscribed) one.client.subscribe(one.request);
  }

  #subscribe(i: number, request: Record<string, unknown>): void {
    const one = this.clients[i];
    if (!one) return;
    one.request = request;
    one.isSubscribed = true;
    one.client.subscribe(request);
  }

  #toggle(i: number): void {
    const one = this.clients[i];
    if (!one) return;
    one.client.isTaking = !one.client.isTaking;
    if (one.client.isTaking) one.client.take();
  }
}
