/** Bad input of every kind: each is a refusal with a stable code, and none of them stops a decider or moves money. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type Actor,
  type MarketCommand,
  type Role,
  readMarketCommand,
  readShardCommand,
  shardOf,
} from '../src/index.js';
import { card, poolId, RACE, second, steward, tote, World } from './world.js';

const HOUR = 3_600_000;

const WIN = poolId('WIN');
const EXACTA = poolId('EXACTA');
const SRC = new URL('../src/', import.meta.url);
const TEST = new URL('./', import.meta.url);

describe('a refusal code', () => {
  it('of the engine is one that some test of the engine sees', () => {
    const texts = (folder: URL, end: string): string =>
      readdirSync(folder)
        .filter((name) => name.endsWith(end))
        .map((name) => readFileSync(new URL(name, folder), 'utf8'))
        .join('\n');
    const codes = new Set(
      [...texts(SRC, '.ts').matchAll(/(?:refuse(?:<\w+>)?\(\s*|code: )'([A-Z_]+)'/g)].map(
        (match) => match[1] as string,
      ),
    );
    const tests = texts(TEST, '.unit.test.ts');
    expect(codes.size).toBeGreaterThan(40);
    expect([...codes].filter((code) => !tests.includes(`'${code}'`))).toEqual([]);
  });
});

describe('a card', () => {
  type Json = Record<string, unknown>;
  const changed = (change: (meeting: Json, race: Json, pool: Json) => void): unknown => {
    const meeting = JSON.parse(JSON.stringify(card({ race: 'new', types: ['WIN', 'PLACE'] })));
    change(meeting, meeting.races[0], meeting.races[0].pools[0]);
    return meeting;
  };
  const set = (where: 'meeting' | 'race' | 'pool', name: string, value: unknown) =>
    changed((meeting, race, pool) => {
      ({ meeting, race, pool })[where][name] = value;
    });

  it.each([
    ['no races', set('meeting', 'races', []), '/races'],
    ['races that are no list', set('meeting', 'races', 'x'), '/races'],
    [
      'thirty-one races',
      set(
        'meeting',
        'races',
        Array.from({ length: 31 }, () => ({})),
      ),
      '/races',
    ],
    ['a race that is null', set('meeting', 'races', [null]), '/races/0'],
    ['no currency', set('meeting', 'currency', undefined), '/currency'],
    ['a date in words', set('meeting', 'date', 'today'), '/date'],
    ['a broken exponent', set('meeting', 'exponent', 1.5), '/exponent'],
    ['a meeting published before', set('meeting', 'meetingId', card().meetingId), '/meetingId'],
    ['no runners', set('race', 'runners', undefined), '/races/0/runners'],
    ['one runner', set('race', 'runners', [{ number: '1', name: 'x' }]), '/races/0/runners'],
    [
      'a runner in an odd script',
      set('race', 'runners', [{ number: '1>2', name: 'x' }, {}]),
      '/races/0/runners/0/number',
    ],
    ['a runner without a name', set('race', 'runners', [{ number: '1' }, {}]), '/races/0/runners/0/name'],
    [
      'a runner twice',
      set('race', 'runners', [
        { number: '1', name: 'x' },
        { number: '1', name: 'y' },
      ]),
      '/races/0/runners',
    ],
    [
      'an entry that is a number',
      set('race', 'runners', [{ number: '1', name: 'x', entry: 7 }, {}]),
      '/races/0/runners/0/entry',
    ],
    ['a race published before', set('race', 'raceId', RACE), '/races/0/raceId'],
    ['no post time', set('race', 'postTime', undefined), '/races/0/postTime'],
    ['no number', set('race', 'number', -1), '/races/0/number'],
    ['a stop in words', set('race', 'scheduledStop', 'noon'), '/races/0/scheduledStop'],
    ['no pools', set('race', 'pools', []), '/races/0/pools'],
    ['a pool of no type', set('pool', 'type', 'LUCK'), '/races/0/pools/0/type'],
    ['a pool nobody can price', set('pool', 'type', 'REPORT'), '/races/0/pools/0/type'],
    ['a pool without rules', set('pool', 'ruleSet', undefined), '/races/0/pools/0/ruleSet'],
    [
      'rules of another pool',
      changed((_, race, pool) => (pool['ruleSet'] = (race['pools'] as Json[])[1]?.['ruleSet'])),
      '/races/0/pools/0/ruleSet',
    ],
    [
      'a takeout above one',
      changed((_, __, pool) => (pool['ruleSet'] = { ...(pool['ruleSet'] as Json), takeout: '1.2' })),
      '/races/0/pools/0/ruleSet/takeout',
    ],
    [
      'rules that price several sources net',
      changed((_, __, pool) => (pool['ruleSet'] = { ...(pool['ruleSet'] as Json), pricing: 'NET' })),
      '/races/0/pools/0/ruleSet/pricing',
    ],
    ['a negative carry-in', set('pool', 'carryInMinor', -1), '/races/0/pools/0/carryInMinor'],
    [
      'a pool twice',
      changed((_, race, pool) => (pool['poolId'] = (race['pools'] as Json[])[1]?.['poolId'])),
      '/races/0/pools/1',
    ],
    ['a pool published before', set('pool', 'poolId', WIN), '/races/0/pools/0'],
    // 170,000 characters of three bytes each would be a record too large to write.
    ['more bytes than fit into a record', set('race', 'name', '馬'.repeat(170_000)), '/races'],
  ])('with %s is refused with its place', (_, meeting, pointer) => {
    const world = World.open({ types: ['WIN'] });
    const decided = world.ask({ type: 'PublishMeeting', meeting, by: tote } as MarketCommand);
    expect(decided).toMatchObject({ code: 'CARD_INVALID', pointer });
    expect(world.market.state.races.size).toBe(1);
  });
});

describe("a person's command", () => {
  // Of every command that a person gives: a new one does not compile before it stands here.
  const allowed: Record<Extract<MarketCommand, { by: Actor }>['type'], readonly Role[]> = {
    PublishMeeting: ['TOTE_OPERATOR'],
    OpenRace: ['TOTE_OPERATOR'],
    SuspendRace: ['TOTE_OPERATOR', 'STEWARD'],
    ResumeRace: ['TOTE_OPERATOR', 'STEWARD'],
    StopBetting: ['TOTE_OPERATOR', 'STEWARD'],
    ScratchRunner: ['STEWARD'],
    DeclareLateOff: ['STEWARD'],
    EnterResult: ['STEWARD'],
    ConfirmSettlement: ['STEWARD', 'ACCOUNTANT'],
    VoidRace: ['STEWARD'],
    ProposeRecordFormat: ['TOTE_OPERATOR'],
    ConfirmRecordFormat: ['TOTE_OPERATOR', 'STEWARD'],
  };
  const order = { finish: [['1']], disqualified: [], previewHash: 'x' };
  const more = { race: RACE, reason: 'x', runner: '1', offAt: 0, format: 2, ...order };

  it.each(Object.keys(allowed) as (keyof typeof allowed)[])(
    '%s is for its roles alone, and is recorded also when it is refused',
    (type) => {
      for (const role of ['STEWARD', 'TOTE_OPERATOR', 'ACCOUNTANT', 'SERVICE'] as const) {
        const world = World.open({ types: ['WIN'] });
        const by = { user: 'x', roles: [role], device: 'd' };
        const decided = world.ask({ type, ...more, meeting: card(), by } as never);
        expect(decided.code === 'NOT_AUTHORIZED').toBe(!allowed[type].includes(role));
        expect(decided.events[0]).toMatchObject({ t: 'Acted', action: type, by });
      }
    },
  );

  it('on a race that is not in its turn is refused whatever it is', () => {
    const world = World.open({ types: ['WIN'] });
    const code = (command: object): string | undefined =>
      world.ask({
        race: RACE,
        reason: 'x',
        by: { ...steward, roles: ['STEWARD', 'TOTE_OPERATOR'] },
        ...command,
      } as never).code;
    expect(code({ type: 'OpenRace', race: 'none' })).toBe('RACE_UNKNOWN');
    expect(code({ type: 'OpenRace' })).toBe('RACE_STATUS');
    expect(code({ type: 'ResumeRace' })).toBe('RACE_STATUS');
    expect(code({ type: 'SuspendRace' })).toBeUndefined();
    expect(code({ type: 'SuspendRace' })).toBe('RACE_STATUS');
    expect(world.bet('acc-0', WIN, '1', 200).code).toBe('POOL_NOT_OPEN');
    expect(code({ type: 'ScratchRunner', runner: '9' })).toBe('RUNNER_UNKNOWN');
    expect(code({ type: 'ScratchRunner', runner: '6' })).toBeUndefined();
    expect(code({ type: 'ScratchRunner', runner: '6' })).toBe('ALREADY_SCRATCHED');
    expect(code({ type: 'ResumeRace' })).toBeUndefined();
    expect(code({ type: 'ConfirmSettlement', previewHash: 'x' })).toBe('RACE_STATUS');
    expect(code({ type: 'StopBetting' })).toBeUndefined();
    expect(code({ type: 'StopBetting' })).toBe('RACE_STATUS');
    world.settleRace([['1'], ['2']]);
    for (const type of ['StopBetting', 'OpenRace', 'SuspendRace']) expect(code({ type })).toBe('RACE_STATUS');
    expect(code({ type: 'DeclareLateOff', offAt: world.now - 1 })).toBe('RACE_STATUS');
    // What is official is corrected, and a correction has its reason.
    expect(code({ type: 'EnterResult', finish: [['2']], disqualified: [], reason: '' })).toBe('REASON_REQUIRED');
    const gone = World.open({ types: ['WIN'] });
    gone.ask({ type: 'VoidRace', race: RACE, reason: 'fog', by: steward });
    const late = { race: RACE, reason: 'x', by: steward };
    expect(gone.ask({ type: 'ScratchRunner', runner: '1', ...late }).code).toBe('RACE_STATUS');
    expect(gone.ask({ type: 'VoidRace', ...late }).code).toBe('RACE_STATUS');
    expect(gone.ask({ type: 'EnterResult', finish: [['2']], disqualified: [], ...late }).code).toBe('RACE_STATUS');
  });

  it.each([
    ['in the future', 1_000],
    ['six hours and more ago', -6 * 3_600_000 - 1_000],
  ])('that declares an off %s is refused', (_, ms) => {
    const world = World.open({ types: ['WIN'] });
    world.stop();
    const command = { type: 'DeclareLateOff', race: RACE, offAt: world.now + ms, reason: 'x', by: steward } as const;
    expect(world.ask(command).code).toBe('OFF_INVALID');
  });

  it('may move the off back and never forward', () => {
    const world = World.open({ types: ['WIN'] });
    world.stop();
    const declare = (offAt: number) =>
      world.ask({ type: 'DeclareLateOff', race: RACE, offAt, reason: 'x', by: steward });
    const off = world.now - 100;
    expect(declare(off).code).toBeUndefined();
    expect(declare(off + 1).code).toBe('OFF_INVALID');
    expect(declare(off - 1).code).toBeUndefined();
  });

  it.each([
    ['nine tied for three places', [['1', '2', '3', '4', '5', '6', '7', '8', '9']], {}],
    [
      'two dozen tied behind an entry',
      [['1', '2'], Array.from({ length: 24 }, (_, i) => String(i + 3))],
      { 1: 'a', 2: 'a' },
    ],
  ])('that enters %s is refused before anything is listed', (_, finish, entries) => {
    const world = World.open({ types: ['WIN', 'TRIFECTA'], runners: 26, entries });
    world.stop();
    const entered = world.ask({ type: 'EnterResult', race: RACE, finish, disqualified: [], reason: '', by: steward });
    expect(entered).toMatchObject({ code: 'FINISH_INVALID', pointer: '/finish' });
    const fair = [
      ['1', '3'],
      ['4', '5'],
    ];
    expect(
      world.ask({ type: 'EnterResult', race: RACE, finish: fair, disqualified: [], reason: '', by: steward }).code,
    ).toBeUndefined();
  });

  it('is malformed where a name or a list is too long to be recorded', () => {
    const world = World.open({ types: ['WIN'] });
    const long = 'x'.repeat(501);
    const enter = { type: 'EnterResult', race: RACE, finish: [['1']], disqualified: [], reason: '', by: steward };
    for (const change of [
      { reason: long },
      { by: { ...steward, user: long } },
      { by: { ...steward, device: long } },
      { by: { ...steward, roles: Array.from({ length: 101 }, () => 'STEWARD') } },
      { finish: [[long]] },
      { finish: [[]] },
      { finish: Array.from({ length: 101 }, () => ['1']) },
      { disqualified: 'no list' },
    ])
      expect(world.ask({ ...enter, ...change } as never).code).toBe('MALFORMED');
  });
});

describe('a proposal', () => {
  const wrong = (change: object) => {
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '1', 500);
    world.stop();
    world.ask({ type: 'EnterResult', race: RACE, finish: [['1']], disqualified: [], reason: '', by: steward });
    return world.ask({ type: 'SubmitProposal', proposal: { ...world.proposal(WIN, 'ENGINE'), ...change } });
  };
  const dividend = { tier: 'WIN', c: '1', price: '1.0', stakeMinor: 500, paidMinor: 500 };

  it.each([
    ['a price that is no decimal', { dividends: [{ ...dividend, price: '1e3' }] }],
    ['a price of ten digits', { dividends: [{ ...dividend, price: '1000000000.0' }] }],
    ['an outcome nobody knows', { outcome: 'KEPT' }],
    ['a fraction of a cent', { paidMinor: 0.5 }],
    ['too many dividends', { dividends: Array.from({ length: 2_001 }, () => dividend) }],
  ])('with %s is malformed', (_, change) => {
    expect(wrong(change).code).toBe('MALFORMED');
  });

  it('for an unknown pool, by an unknown calculator or for another result is refused', () => {
    expect(wrong({ pool: 'x' }).code).toBe('POOL_UNKNOWN');
    expect(wrong({ source: 'ORACLE' }).code).toBe('SOURCE_UNKNOWN');
    expect(wrong({ version: 2 }).code).toBe('PROPOSAL_OUTDATED');
  });

  type Proposal = ReturnType<World['proposal']>;
  const cases: readonly [string, (p: Proposal) => Partial<Proposal>][] = [
    [
      'keeps a takeout of a refunded pool',
      () => ({
        outcome: 'REFUND',
        dividends: [],
        paidMinor: 0,
        refundedMinor: 400,
        takeoutMinor: 100,
        breakageMinor: 0,
        topUpMinor: 0,
      }),
    ],
    ['refunds a part of what it pays', (p) => ({ refundedMinor: 1, breakageMinor: p.breakageMinor - 1 })],
    [
      'pays another sum than its dividends',
      (p) => ({ paidMinor: p.paidMinor - 1, breakageMinor: p.breakageMinor + 1 }),
    ],
    [
      'finds more stakes than were sealed',
      (p) => ({ grossMinor: p.grossMinor + 100, breakageMinor: p.breakageMinor + 100 }),
    ],
    ['uses a carry-in that the card has not', (p) => ({ carryInMinor: 7, carryOutMinor: p.carryOutMinor + 7 })],
    ['leaves one cent unaccounted for', (p) => ({ breakageMinor: p.breakageMinor - 1 })],
    [
      'prices a stake that was not counted',
      (p) => ({ dividends: p.dividends.map((d) => ({ ...d, stakeMinor: d.stakeMinor + 1 })) }),
    ],
  ];

  it.each(cases)('that %s blocks the declaration even when all three agree', (_, change) => {
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '1', 500);
    world.bet('acc-1', WIN, '2', 700);
    world.stop();
    world.ask({ type: 'EnterResult', race: RACE, finish: [['1']], disqualified: [], reason: '', by: steward });
    for (const source of ['ENGINE', 'AUDIT', 'PROJECTOR'] as const) {
      const sound = world.proposal(WIN, source);
      world.ask({ type: 'SubmitProposal', proposal: { ...sound, ...change(sound) } });
    }
    expect(world.market.state.races.get(RACE)?.previewHash).toBeNull();
    expect(world.market.state.pools.get(WIN)?.differences).not.toEqual([]);
    world.proposeAll();
    expect(world.market.state.races.get(RACE)?.previewHash).not.toBeNull();
  });
});

describe('two people', () => {
  it('are needed still when another person has tried to enter the order and was refused', () => {
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '1', 500);
    world.stop();
    const previewHash = world.price([['1']]) ?? '';
    const wrong = {
      type: 'EnterResult',
      race: RACE,
      finish: [['9']],
      disqualified: [],
      reason: '',
      by: second,
    } as const;
    expect(world.ask(wrong).code).toBe('FINISH_INVALID');
    expect(world.ask({ type: 'ConfirmSettlement', race: RACE, previewHash, by: steward }).code).toBe('SAME_PERSON');
  });
});

describe('a carry-over', () => {
  it('goes from its account into the pool and, where nobody can win, back onto it', () => {
    const world = new World();
    const meeting = JSON.parse(JSON.stringify(card({ types: ['WIN'] })));
    meeting.races[0].pools[0].carryInMinor = 900;
    world.ask({ type: 'PublishMeeting', meeting, by: tote });
    world.ask({ type: 'OpenRace', race: RACE, reason: 'card', by: tote });
    world.renewLease();
    world.fund('acc-0', 1_000);
    world.bet('acc-0', WIN, '1', 1_000);
    world.stop();
    world.ask({ type: 'EnterResult', race: RACE, finish: [['1']], disqualified: [], reason: '', by: steward });
    // 1,000 staked and 900 carried in: 1,500 to the one winner at 1.50, 200 of takeout, 150 carried on, 50 of breakage.
    const sheet = { outcome: 'PAID', grossMinor: 1_000, takeoutMinor: 200, netMinor: 800, carryInMinor: 900 } as const;
    const paid = { paidMinor: 1_500, refundedMinor: 0, breakageMinor: 50, topUpMinor: 0, carryOutMinor: 150 };
    const dividends = [{ tier: 'WIN', c: '1', price: '1.50', stakeMinor: 1_000, paidMinor: 1_500 }];
    for (const source of ['ENGINE', 'AUDIT', 'PROJECTOR'] as const)
      world.ask({
        type: 'SubmitProposal',
        proposal: { pool: WIN, version: 1, source, inputHash: 'x', ...sheet, ...paid, dividends, steps: [] },
      });
    const previewHash = world.market.state.races.get(RACE)?.previewHash ?? '';
    world.ask({ type: 'ConfirmSettlement', race: RACE, previewHash, by: second });
    expect(world.balance('acc-0')).toBe(1_500);
    const booked = (account: string) => world.ledger.get(account) ?? 0;
    expect(['carry-over', 'house:takeout', 'house:breakage'].map(booked)).toEqual([-900, 200, 50]);
    expect(booked(`carry-over:${WIN}`)).toBe(150);
    expect(world.clearing(WIN)).toBe(0);
    expect(world.market.state.races.get(RACE)?.status).toBe('SETTLED');
  });
});

describe('a void', () => {
  it('keeps the stop that was, and closes for the first time a race that was never stopped', () => {
    const voidIt = (world: World) => world.ask({ type: 'VoidRace', race: RACE, reason: 'fog', by: steward });
    const stopped = World.open({ types: ['WIN'] });
    const stop = stopped.stop();
    voidIt(stopped);
    expect(stopped.market.state.races.get(RACE)).toMatchObject({ status: 'VOID', closeNo: 1, stopAt: stop.at });
    const selling = World.open({ types: ['WIN'] });
    const at = voidIt(selling).at;
    expect(selling.market.state.races.get(RACE)).toMatchObject({ closeNo: 1, stopAt: at });
    expect(selling.market.state.pools.get(WIN)?.seals[0]?.closeNo).toBe(1);
  });
});

describe('a preview', () => {
  it('and the proposals behind it are gone when the order is entered again', () => {
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '1', 500);
    world.stop();
    const previewHash = world.price([['1'], ['2']]) ?? '';
    const enter = {
      type: 'EnterResult',
      race: RACE,
      finish: [['2'], ['1']],
      disqualified: [],
      reason: '',
      by: steward,
    } as const;
    world.ask(enter);
    expect(world.market.state.pools.get(WIN)).toMatchObject({ proposals: {}, agreed: false });
    const confirmed = world.ask({ type: 'ConfirmSettlement', race: RACE, previewHash, by: second });
    expect(confirmed).toMatchObject({
      code: 'PREVIEW_NOT_READY',
      detail: expect.stringContaining('no proposal from AUDIT'),
    });
  });

  it('is gone as soon as one calculator says something else, and comes back when they agree again', () => {
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '1', 500);
    world.stop();
    const previewHash = world.price([['1']]) ?? '';
    world.ask({ type: 'SubmitProposal', proposal: world.proposal(WIN, 'AUDIT', { inputHash: 'y' }) });
    expect(world.ask({ type: 'ConfirmSettlement', race: RACE, previewHash, by: second }).code).toBe(
      'PREVIEW_NOT_READY',
    );
    world.ask({ type: 'SubmitProposal', proposal: world.proposal(WIN, 'AUDIT') });
    expect(world.ask({ type: 'ConfirmSettlement', race: RACE, previewHash, by: second }).code).toBeUndefined();
  });

  it('is not made when the shards count another sum than they sealed', () => {
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '1', 500);
    world.stop();
    const enter = {
      type: 'EnterResult',
      race: RACE,
      finish: [['1']],
      disqualified: [],
      reason: '',
      by: steward,
    } as const;
    world.market.decide(enter, ++world.now);
    for (const [shard, stake] of [501, 0].entries()) {
      const n = (world.market.state.reportNo[shard] as number) + 1;
      const keys = [{ c: '1', stake: stake === 0 ? 0 : 500, bets: 1 }];
      const report = { t: 'Stakes', pool: WIN, version: 1, stake, keys } as const;
      world.market.decide({ type: 'ShardReport', shard, n, report }, ++world.now);
    }
    for (const source of ['ENGINE', 'AUDIT', 'PROJECTOR'] as const) {
      const p = world.proposal(WIN, source);
      const proposal = { ...p, grossMinor: 500, breakageMinor: p.breakageMinor - 1 };
      world.market.decide({ type: 'SubmitProposal', proposal }, ++world.now);
    }
    expect(world.market.state.pools.get(WIN)?.differences[0]).toMatch(/^the shards count/);
  });
});

describe("a shard's report", () => {
  it('may be repeated, may not skip one, and comes from a shard there is', () => {
    const world = World.open({ types: ['WIN'] });
    world.stop();
    const report = world.market.state.pools.get(WIN)?.seals[0];
    if (!report) throw new Error('the pool is sealed');
    const code = (shard: number, n: number) =>
      world.market.decide({ type: 'ShardReport', shard, n, report }, ++world.now).code;
    expect(code(0, 1)).toBe('ALREADY_APPLIED');
    expect(code(0, 3)).toBe('RELAY_GAP');
    expect(code(2, 1)).toBe('SHARD_UNKNOWN');
  });

  it('of a kind that this release does not know stops the market', () => {
    const command = { type: 'ShardReport', shard: 0, n: 1, report: { t: 'Correction', pool: WIN } };
    expect(() => readMarketCommand(command, true)).toThrow(/not known to this release/);
    expect(readMarketCommand(command, false).type).toBe('Malformed');
  });

  it.each([
    ['one cent more than rounding explains', -1, 'PAYING'],
    ['nothing that is not explained', 0, 'SETTLED'],
  ])('that payments leave %s decides whether the race is settled', (_, change, status) => {
    const world = World.open({ types: ['WIN'] });
    for (let i = 0; i < 4; i++) world.bet(`acc-${i}`, WIN, '2', 1_000);
    world.stop();
    const previewHash = world.price([['2'], ['1']]) ?? '';
    world.market.decide({ type: 'ConfirmSettlement', race: RACE, previewHash, by: second }, ++world.now);
    const declared = world.market.state.pools.get(WIN)?.declared;
    if (!declared) throw new Error('declared');
    // One price was declared: four winners and the declared total are each rounded by less than one, five together at most.
    const left = declared.paidMinor - 4_000;
    for (const shard of [0, 1]) {
      const clearing = shard === 0 ? -left + (change === 0 ? 5 : 6) : 0;
      const winners = shard === 0 ? 4 : 0;
      const wonStake = shard === 0 ? 4_000 : 0;
      const report = { t: 'Paid', pool: WIN, version: 1, wonStake, paid: 0, refunded: 0, winners, clearing } as const;
      const n = (world.market.state.reportNo[shard] as number) + 1;
      world.market.decide({ type: 'ShardReport', shard, n, report }, ++world.now);
    }
    expect(world.market.state.races.get(RACE)?.status).toBe(status);
    if (status === 'PAYING') expect(world.market.state.pools.get(WIN)?.differences[0]).toMatch(/more than rounding/);
  });
});

describe('a selling lease', () => {
  it('of more than thirty seconds is refused', () => {
    const world = World.open();
    expect(world.ask({ type: 'RenewLease', ttlMs: 30_001 }).code).toBe('LEASE_TOO_LONG');
    expect(world.ask({ type: 'RenewLease', ttlMs: 30_000 }).code).toBeUndefined();
  });
});

describe('limits', () => {
  it('sent again later do not lift newer ones', () => {
    const world = World.open({ types: ['WIN'] });
    const old = { type: 'SetLimits', account: 'acc-0', version: 7, limits: {} } as const;
    expect(world.send('acc-0', old).code).toBeUndefined();
    expect(world.send('acc-0', { ...old, version: 8, limits: { blocked: true } }).code).toBeUndefined();
    expect(world.send('acc-0', old).code).toBe('LIMITS_OUTDATED');
    expect(world.send('acc-0', { ...old, version: 8 }).code).toBe('LIMITS_OUTDATED');
    expect(world.bet('acc-0', WIN, '1', 200).code).toBe('ACCOUNT_BLOCKED');
  });

  it.each([
    ...[{ dayStake: '100' }, { ticketMax: -1 }, { blocked: 1 }, { excludedUntil: 1.5 }, { weekStake: 100 }, null],
    // The holder's own exclusion: 24 hours to 12 months.
    ...[{ excludeForMs: 24 * HOUR - 1 }, { excludeForMs: 366 * 24 * HOUR + 1 }, { later: { from: 0 } }],
  ])('that this release cannot read are malformed, not no limits: %j', (limits) => {
    const command = { type: 'SetLimits', account: 'acc-0', version: 1, limits };
    expect(readShardCommand(command, true).type).toBe('Malformed');
  });

  describe('that change', () => {
    const open = () => {
      const world = World.open({ types: ['WIN'] });
      let version = 0;
      const set = (limits: object, at = world.now) => {
        const decided = world.send('acc-0', { type: 'SetLimits', account: 'acc-0', version: ++version, limits }, at);
        const [event] = decided.events;
        return event?.t === 'LimitsSet' ? event.limits : decided.code;
      };
      const bet = (stake: number, at: number) => {
        world.now = at - 100;
        world.renewLease();
        return world.send('acc-0', world.ticket('acc-0', [[WIN, '1', stake]]), at).code;
      };
      return { world, set, bet, start: world.now };
    };

    it('hold at once when they are lower, and a day after they were asked for when they are higher', () => {
      const { set, bet, start } = open();
      expect(set({ ticketMax: 500 })).toEqual({ ticketMax: 500 });
      const asked = set({ ticketMax: 900 }, start + 10);
      expect(asked).toEqual({ ticketMax: 500, later: { ticketMax: 900, from: start + 10 + 24 * HOUR } });
      expect(bet(600, start + 9 + 24 * HOUR)).toBe('PLAYER_LIMIT_STAKE');
      expect(bet(900, start + 10 + 24 * HOUR)).toBeUndefined();
      expect(bet(1_000, start + 10 + 24 * HOUR)).toBe('PLAYER_LIMIT_STAKE');
    });

    it.each([
      // In force 500 a ticket and 2,000 a day; 900 a ticket is asked for at 10 and holds from 24 h 10 ms on.
      [
        'one limit lower',
        { dayStake: 1_000 },
        { ticketMax: 500, dayStake: 1_000 },
        { ticketMax: 900, dayStake: 1_000 },
        10,
      ],
      [
        'less than what waits',
        { ticketMax: 700 },
        { ticketMax: 500, dayStake: 2_000 },
        { ticketMax: 700, dayStake: 2_000 },
        10,
      ],
      [
        'more than what waits',
        { ticketMax: 901 },
        { ticketMax: 500, dayStake: 2_000 },
        { ticketMax: 901, dayStake: 2_000 },
        60,
      ],
      ['none at all', { ticketMax: null }, { ticketMax: 500, dayStake: 2_000 }, { dayStake: 2_000 }, 60],
      ['the one in force', { ticketMax: 500 }, { ticketMax: 500, dayStake: 2_000 }, undefined, 0],
      ['below the one in force', { ticketMax: 400 }, { ticketMax: 400, dayStake: 2_000 }, undefined, 0],
      ['nothing', {}, { ticketMax: 500, dayStake: 2_000 }, { ticketMax: 900, dayStake: 2_000 }, 10],
    ])('while a higher one waits: %s', (_, asked, held, later, waits) => {
      const { set, start } = open();
      set({ ticketMax: 500, dayStake: 2_000 });
      set({ ticketMax: 900 }, start + 10);
      const waiting = later && { later: { ...later, from: start + waits + 24 * HOUR } };
      expect(set(asked, start + 60)).toEqual({ ...held, ...waiting });
    });

    it('leave an exclusion as long as it was, and it ends by itself', () => {
      const { set, bet, start } = open();
      expect(set({ excludeForMs: 48 * HOUR }, start)).toEqual({ excludedUntil: start + 48 * HOUR });
      expect(set({ excludeForMs: 24 * HOUR, ticketMax: 500 }, start + 10)).toEqual({
        ...{ excludedUntil: start + 48 * HOUR, ticketMax: 500 },
      });
      expect(set({ excludedUntil: start + 1 }, start + 20)).toMatchObject({ excludedUntil: start + 48 * HOUR });
      expect(bet(200, start + 48 * HOUR - 1)).toBe('SELF_EXCLUDED');
      expect(bet(200, start + 48 * HOUR)).toBeUndefined();
      expect(set({}, start + 48 * HOUR)).toEqual({ ticketMax: 500 });
    });

    it.each<[string, object, string]>([
      ['excluded', { excludeForMs: 24 * HOUR }, 'SELF_EXCLUDED'],
      ['blocked', { blocked: true }, 'ACCOUNT_BLOCKED'],
    ])('let an %s account take money out and not in', (_, limits, code) => {
      const { world, set } = open();
      const before = world.balance('acc-0');
      const move = (type: 'Deposit' | 'Withdraw', ref: string) =>
        world.send('acc-0', { type, account: 'acc-0', ref, amount: 100 }).code;
      expect(move('Deposit', 'before')).toBeUndefined();
      set(limits);
      expect([move('Deposit', 'new'), move('Deposit', 'before'), move('Withdraw', 'out')]).toEqual([
        ...[code, 'REPLAY', undefined],
      ]);
      expect(world.balance('acc-0')).toBe(before);
      set({ blocked: false }, world.now);
      expect(move('Deposit', 'again')).toBe(code === 'ACCOUNT_BLOCKED' ? undefined : code);
    });

    it('keep their meaning in a record from before: what it says is in force', () => {
      const { world } = open();
      const shard = world.shards[shardOf('acc-0', 2)] as (typeof world.shards)[number];
      const account = () => shard.state.accounts.get('acc-0');
      shard.decider.evolve(shard.state, {
        ...{ seq: shard.seq, at: world.now, cid: '', posts: [] },
        events: [{ t: 'LimitsSet', account: 'acc-0', version: 1, limits: { ticketMax: 900, blocked: true } }],
      });
      expect(account()?.limits).toEqual({ ticketMax: 900, blocked: true });
    });
  });

  it('hold to the last cent and from midnight on anew', () => {
    const world = World.open({ types: ['WIN'] });
    world.send('acc-0', {
      type: 'SetLimits',
      account: 'acc-0',
      version: 1,
      limits: { ticketMax: 600, dayStake: 1_000, excludedUntil: world.now + 3 },
    });
    const at = world.now + 1;
    expect(world.send('acc-0', world.ticket('acc-0', [[WIN, '1', 600]]), at).code).toBe('SELF_EXCLUDED');
    world.now += 3;
    expect(world.bet('acc-0', WIN, '1', 700).code).toBe('PLAYER_LIMIT_STAKE');
    expect(world.bet('acc-0', WIN, '1', 600).code).toBeUndefined();
    expect(world.bet('acc-0', WIN, '1', 500).code).toBe('PLAYER_LIMIT_STAKE');
    expect(world.bet('acc-0', WIN, '1', 400).code).toBeUndefined();
    world.now = (Math.floor(world.now / 86_400_000) + 1) * 86_400_000;
    world.renewLease();
    expect(world.bet('acc-0', WIN, '1', 600).code).toBeUndefined();
  });
});

describe('an account', () => {
  it('is opened once, known by its exact name, and shares no reference with another', () => {
    const world = World.open();
    expect(world.send('acc-0', { type: 'OpenAccount', account: 'acc-0', currency: 'USD' }).code).toBe('ACCOUNT_EXISTS');
    const stranger = 'nobody';
    expect(world.send(stranger, { type: 'SetLimits', account: stranger, version: 1, limits: {} }).code).toBe(
      'ACCOUNT_UNKNOWN',
    );
    const one = new World(1);
    one.fund('a', 100);
    one.fund('a b', 100);
    expect(one.send('a', { type: 'Deposit', account: 'a', ref: 'b c', amount: 5 }).code).toBeUndefined();
    expect(one.send('a b', { type: 'Deposit', account: 'a b', ref: 'c', amount: 5 }).code).toBeUndefined();
    expect(one.balance('a b')).toBe(105);
  });

  it('has so many references an hour and so many deposits, and a pool so much of its shard', () => {
    const world = World.open({ types: ['WIN'] });
    const shard = world.shards.find(({ state }) => state.accounts.has('acc-0'));
    const account = shard?.state.accounts.get('acc-0');
    const book = shard?.state.pools.get(WIN)?.book;
    if (!account || !book) throw new Error('known');
    world.bet('acc-0', WIN, '1', 200);
    account.hourRefs = 99_999;
    const last = world.ticket('acc-0', [[WIN, '1', 200]]);
    expect(world.send('acc-0', last).code).toBeUndefined();
    expect(world.bet('acc-0', WIN, '1', 200).code).toBe('TOO_MANY_REFS');
    expect(world.send('acc-0', { type: 'AbandonRef', account: 'acc-0', ref: world.freshRef() }).code).toBe(
      'TOO_MANY_REFS',
    );
    expect(world.send('acc-0', last).code).toBe('REPLAY');
    world.now += 3_600_000;
    world.renewLease();
    expect(world.bet('acc-0', WIN, '1', 200).code).toBeUndefined();
    expect(account.hourRefs).toBe(1);
    book.standingStake = 8_000_000_000_000 - 299;
    expect(world.bet('acc-0', WIN, '1', 300).code).toBe('ABOVE_MAX');
  });

  it('takes no deposit beyond 100,000 movements, and its balance can be withdrawn for ever: beyond twice as many all of it at once', () => {
    const world = World.open({ types: ['WIN'], balance: 5_000 });
    const account = world.shards[shardOf('acc-0', 2)]?.state.accounts.get('acc-0');
    if (!account) throw new Error('no account');
    const move = (type: 'Deposit' | 'Withdraw', ref: string, amount: number) =>
      world.send('acc-0', { type, account: 'acc-0', ref, amount });
    account.moneyRefs = 100_000;
    expect(move('Deposit', 'd', 1).code).toBe('TOO_MANY_REFS');
    expect(move('Deposit', 'opening', 5_000).code).toBe('REPLAY');
    expect(move('Withdraw', 'some', 1_000).code).toBeUndefined();
    account.moneyRefs = 200_000;
    expect(move('Withdraw', 'a part', 1_000)).toMatchObject({ code: 'TOO_MANY_REFS', pointer: '/amount' });
    expect(move('Withdraw', 'all', 4_000).code).toBeUndefined();
    expect(move('Withdraw', 'more', 1).code).toBe('INSUFFICIENT_FUNDS');
    expect(world.balance('acc-0')).toBe(0);
  });
});

describe('a bet', () => {
  it.each([
    ['BELOW_MIN', 99, 99],
    ['STAKE_NOT_MULTIPLE', 150, 150],
  ])('is refused as %s by the rule set', (code, unit, stake) => {
    const world = new World();
    const meeting = JSON.parse(JSON.stringify(card({ types: ['WIN'] })));
    Object.assign(meeting.races[0].pools[0].ruleSet, { minStakeMinor: 100, unitMultipleMinor: 100 });
    world.ask({ type: 'PublishMeeting', meeting, by: tote });
    world.ask({ type: 'OpenRace', race: RACE, reason: 'card', by: tote });
    world.renewLease();
    world.fund('acc-0', 1_000);
    const ticket = world.ticket('acc-0', [[WIN, '1', unit]]);
    expect(ticket.bets[0]?.stake).toBe(stake);
    expect(world.send('acc-0', ticket).code).toBe(code);
  });

  it('in a currency that is not the account’s, or in a pool that is not, is refused', () => {
    const world = World.open({ types: ['WIN'] });
    expect(world.send('acc-0', world.ticket('acc-0', [[WIN, '1', 200]], { currency: 'EUR' })).code).toBe(
      'CURRENCY_MISMATCH',
    );
    world.send('euro', { type: 'OpenAccount', account: 'euro', currency: 'EUR' });
    world.send('euro', { type: 'Deposit', account: 'euro', ref: 'd', amount: 1_000 });
    expect(world.send('euro', world.ticket('euro', [[WIN, '1', 200]], { currency: 'EUR' })).code).toBe(
      'CURRENCY_MISMATCH',
    );
  });

  it('costs all there is and not a cent more, and is sold to the last millisecond of the lease', () => {
    const world = World.open({ types: ['WIN'], balance: 500 });
    const { issuedAt, ttlMs } = (world.shards[0] as (typeof world.shards)[number]).state.lease;
    expect(world.bet('acc-0', WIN, '1', 600).code).toBe('INSUFFICIENT_FUNDS');
    const last = world.ticket('acc-0', [[WIN, '1', 500]]);
    expect(world.send('acc-1', { ...last, account: 'acc-1' }, issuedAt + ttlMs + 1).code).toBe('CHANNEL_LEASE_EXPIRED');
    expect(world.send('acc-0', last, issuedAt + ttlMs).code).toBeUndefined();
    expect(world.balance('acc-0')).toBe(0);
  });
});

describe('a scratch', () => {
  it('leaves lines that name the non-runner out of what a starred key of the ladder counts and pays', () => {
    const world = World.open({ types: ['EXACTA'] });
    world.bet('acc-0', EXACTA, '1>4,5', 100, 2);
    world.bet('acc-1', EXACTA, '6>3', 100);
    world.ask({ type: 'ScratchRunner', race: RACE, runner: '5', reason: 'lame', by: steward });
    expect(world.balance('acc-0')).toBe(99_900);
    world.stop();
    const previewHash = world.price([['1'], ['2'], ['4']]) ?? '';
    const counted = (c: string) =>
      world.market.state.pools
        .get(EXACTA)
        ?.stakes.reduce((sum, r) => sum + (r?.keys.find((k) => k.c === c)?.stake ?? 0), 0);
    // 1>4 stands and 1>5 was refunded: one line of 100 has the first in its place, none has the second.
    expect([counted('1>2'), counted('1>*'), counted('*>2')]).toEqual([0, 100, 0]);
    world.ask({ type: 'ConfirmSettlement', race: RACE, previewHash, by: second });
    const declared = world.market.state.pools.get(EXACTA)?.declared;
    expect(declared?.dividends.map((d) => d.c)).toEqual(['1>*']);
    expect(world.balance('acc-0')).toBe(99_900 + (declared?.paidMinor ?? 0));
    expect(world.market.state.races.get(RACE)?.status).toBe('SETTLED');
    expect(world.clearing(EXACTA)).toBe(0);
  });

  it('of one half of an entry refunds nothing while the other half runs, and everything when neither does', () => {
    const world = World.open({ types: ['WIN', 'EXACTA'], entries: { 1: 'stable', 2: 'stable' } });
    world.bet('acc-0', WIN, '1', 500);
    world.bet('acc-1', WIN, '2', 700);
    world.bet('acc-2', WIN, '3', 900);
    world.ask({ type: 'ScratchRunner', race: RACE, runner: '1', reason: 'lame', by: steward });
    expect([world.balance('acc-0'), world.balance('acc-1')]).toEqual([99_500, 99_300]);
    expect(world.bet('acc-0', WIN, '1', 200).code).toBeUndefined();
    world.ask({ type: 'ScratchRunner', race: RACE, runner: '2', reason: 'lame', by: steward });
    expect([world.balance('acc-0'), world.balance('acc-1'), world.balance('acc-2')]).toEqual([
      100_000, 100_000, 99_100,
    ]);
    expect(world.bet('acc-0', WIN, '1', 200).code).toBe('RUNNER_SCRATCHED');
    world.settleRace([['3'], ['4']]);
    expect(world.market.state.races.get(RACE)?.status).toBe('SETTLED');
    expect(world.clearing(WIN)).toBe(0);
  });
});
