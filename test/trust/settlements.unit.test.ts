/**
 * What bets are due, what pools carry on and which seals were published, worked out again from a log: nothing is said of what an honest
 * house did, and whoever is given another's money is named, though every sum of the log is right.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type RuleSet, ruleSets, shapeOf } from '#mutuel/tote';
import { LogVerifier, type PublishedSeals, poolRoot, readPublishedSeals, trustedKeys } from '#mutuel/verify';
import { LegsWorld } from '../../libs/engine/test/legs-world.js';
import { card, hash, poolId, RACE, steward, tote, World } from '../../libs/engine/test/world.js';
import { type Event, find, type Json, type Log, logsOf, recordsOf, verify } from './world-log.js';

const WIN = poolId('WIN');
const EXACTA = poolId('EXACTA');

const judged = (logs: readonly Log[]) => verify(recordsOf(logs));
const saidOf = (logs: readonly Log[]): string[] => judged(logs).findings.map(({ what }) => what);

/** Twenty bets of four accounts on each of two pools, a non-runner, a result; and another one, if there is to be one. */
function day(...corrections: readonly (readonly string[])[][]): World {
  const world = World.open({ types: ['WIN', 'EXACTA'] });
  for (let i = 0; i < 20; i++) {
    world.bet(`acc-${i % 4}`, WIN, String((i % 6) + 1), 200 + 10 * i);
    world.bet(`acc-${i % 4}`, EXACTA, `BOX:${(i % 6) + 1},${((i + 1) % 6) + 1}`, 100, 2);
  }
  world.ask({ type: 'ScratchRunner', race: RACE, runner: '6', reason: 'lame', by: steward });
  world.settleRace([['2'], ['3'], ['1']]);
  for (const finish of corrections) world.correct(finish);
  return world;
}

interface Taken {
  readonly i: number;
  readonly ticket: string;
  readonly no: number;
  readonly account: string;
  readonly sel: string;
}

/** The bets on a pool in a shard, as they are numbered there. */
const takenIn = ({ decisions }: Log, pool: string): Taken[] =>
  decisions
    .flatMap(({ events }) => events as Event[])
    .filter(({ t }) => t === 'TicketAccepted')
    .flatMap(({ bets, ...event }) =>
      (bets as Json[])
        .filter((bet) => bet['pool'] === pool)
        .map((bet) => ({ ticket: event['ticket'], account: event['account'], no: bet['no'], sel: bet['sel'] })),
    )
    .map((bet, i) => ({ i, ...bet }) as Taken);

const itemsOf = (event: Event): Json[] => event['items'] as Json[];

/** The first event of a kind that moves money on a pool, with the shard's log. */
const movement = (logs: readonly Log[], t: string, pool: string) =>
  find(logs, t, 'shard', (event) => event['pool'] === pool && itemsOf(event).length > 0);

/** Makes a movement one of another bet of the same account, of which `fits` holds. */
function handOver(log: Log, pool: string, item: Json, fits: (bet: Taken) => boolean): void {
  const other = takenIn(log, pool).find((bet) => bet.account === item['account'] && fits(bet));
  const { i, ticket, no } = other as Taken;
  Object.assign(item, { i, ticket, no });
}

describe('what every bet is due', () => {
  it('is told of each result that was paid, and nothing is left out', () => {
    const report = judged(logsOf(day([['3'], ['2'], ['1']], [['2'], ['3'], ['1']])));
    expect(report.findings).toEqual([]);
    expect(report.notChecked.filter((what) => !what.includes('Weighed'))).toEqual([]);
    expect(report.dividends).toBe(6);
  });

  it('names a winning bet that is not paid, and the losing one that has its money: by every sum they are alike', () => {
    const logs = logsOf(day());
    const { log, event } = movement(logs, 'BetsPaid', WIN);
    const [item] = itemsOf(event) as [Json];
    const [amount, own] = [item['amount'], item['i']];
    handOver(log, WIN, item, ({ sel }) => sel !== '2' && sel !== '6');
    expect(saidOf(logs).sort()).toEqual(
      [
        expect.stringMatching(`^bet ${item['i']} of ${WIN} in shard \\d \\(t.+\\) is given ${amount}, 0 is due to it$`),
        expect.stringMatching(`^bet ${own} of ${WIN} in shard \\d \\(t.+\\) is given 0, ${amount} is due to it$`),
      ].sort((a, b) => (Number(item['i']) < Number(own) ? String(a).localeCompare(String(b)) : -1)),
    );
  });

  it('names two winning bets of one account that have each other’s money', () => {
    const logs = logsOf(day());
    const { event } = find(logs, 'BetsPaid', 'shard', (one) => itemsOf(one).length > 1 && one['pool'] === WIN);
    const [a] = itemsOf(event) as [Json];
    const b = itemsOf(event).findLast(({ account }) => account === a['account']) as Json;
    expect(b).not.toBe(a);
    for (const [item, more] of [
      [a, 10],
      [b, -10],
    ] as const)
      item['amount'] = Number(item['amount']) + more;
    for (const item of itemsOf(event).slice(0, -1))
      if (item['account'] === a['account'] && item !== b) item['balance'] = Number(item['balance']) + 10;
    expect(saidOf(logs)).toEqual([
      expect.stringMatching(/^bet \d+ of .*-WIN in shard \d \(t.+\) is given \d+, \d+ is due to it$/),
      expect.stringMatching(/^bet \d+ of .*-WIN in shard \d \(t.+\) is given \d+, \d+ is due to it$/),
    ]);
  });

  it('names a payment that goes to somebody else', () => {
    const logs = logsOf(day());
    const { event, log } = movement(logs, 'BetsPaid', WIN);
    const [item] = itemsOf(event) as [Json];
    const other = takenIn(log, WIN).find(({ account }) => account !== item['account']) as Taken;
    item['account'] = other.account;
    expect(saidOf(logs)).toContainEqual(
      expect.stringMatching(/^it moves bet \d+ of .*-WIN as bet 1 of t.+, of acc-\d; that is bet 1 of t.+, of acc-\d$/),
    );
  });

  it('names a bet that has a non-runner’s stake back, and the one that has not', () => {
    const logs = logsOf(day());
    const { log, event } = movement(logs, 'BetsRefunded', EXACTA);
    let root = hash('refunds');
    const [first] = itemsOf(event) as [Json];
    handOver(log, EXACTA, first, ({ sel }) => !sel.includes('6') && !sel.includes('2,3'));
    for (const { ticket, no, amount } of itemsOf(event)) root = hash(`${root}|${ticket}|${no}|${amount}`);
    event['root'] = root;
    expect(saidOf(logs)).toEqual([
      expect.stringMatching(/^of bet \d+ of .*-EXACTA in shard \d \(t.+\) (?:0|200) is left after its non-runners/),
      expect.stringMatching(/^of bet \d+ of .*-EXACTA in shard \d \(t.+\) (?:0|200) is left after its non-runners/),
    ]);
  });

  it('names a bet that came in time and is given back as too late', () => {
    const logs = logsOf(day());
    movement(logs, 'BetsRefunded', WIN).event['cause'] = 'AFTER_OFF';
    expect(saidOf(logs)).toContainEqual(
      expect.stringMatching(/gives bet \d+ of .*-WIN back as too late, which came in/),
    );
  });

  it('names a shard that knows another result than the market', () => {
    const logs = logsOf(day());
    const isResult = ({ fact }: Event): boolean => (fact as Event).t === 'ResultEntered';
    (find(logs, 'FactApplied', 'shard', isResult).event['fact'] as Json)['finish'] = [['3'], ['2'], ['1']];
    expect(saidOf(logs)).toContainEqual(expect.stringMatching(/^shard \d applies another fact \d+ than the market's$/));
  });

  it('names a fact that a shard leaves out', () => {
    const logs = logsOf(day());
    const isScratch = ({ fact }: Event): boolean => (fact as Event).t === 'RunnerScratched';
    find(logs, 'FactApplied', 'shard', isScratch).decision['events'] = [];
    expect(saidOf(logs)).toContainEqual(
      expect.stringMatching(/^shard \d applies fact \d+ of the market, \d+ was to come/),
    );
  });

  describe('of a correction', () => {
    const corrected = (): World => day([['3'], ['2'], ['1']]);

    it('is named where another bet of the account has it', () => {
      const logs = logsOf(corrected());
      const { log, event } = find(logs, 'BetsCorrected', 'shard', (one) => itemsOf(one).some(({ was }) => was === 0));
      const pool = String(event['pool']);
      const item = itemsOf(event).find(({ was }) => was === 0) as Json;
      const untouched = new Set(itemsOf(event).map(({ i }) => i));
      handOver(log, pool, item, ({ i, sel }) => !untouched.has(i) && !sel.includes('6'));
      expect(saidOf(logs)).toEqual([
        expect.stringMatching(/^bet \d+ of .* is given \d+, \d+ is due to it$/),
        expect.stringMatching(/^bet \d+ of .* is given \d+, \d+ is due to it$/),
      ]);
    });

    it('is named where more is moved than the difference', () => {
      const logs = logsOf(corrected());
      const { event } = movement(logs, 'BetsCorrected', WIN);
      const [item] = itemsOf(event) as [Json];
      item['amount'] = Number(item['amount']) + 1;
      expect(saidOf(logs)).toContainEqual(
        expect.stringMatching(/^it moves -?\d+ for bet \d+ of .*, of which \d+ is held/),
      );
    });

    it('is named where an account is said to owe another sum than it does', () => {
      const world = day();
      const winner = 'acc-1';
      const out = { type: 'Withdraw', account: winner, ref: 'out', amount: world.balance(winner) } as const;
      world.send(winner, out);
      world.correct([['3'], ['4'], ['1']]);
      expect(world.owed(winner)).toBeGreaterThan(0);
      const logs = logsOf(world);
      expect(saidOf(logs)).toEqual([]);
      const isShort = (one: Event): boolean => itemsOf(one).some(({ net }) => net !== undefined);
      const { event } = find(logs, 'BetsCorrected', 'shard', isShort);
      const item = itemsOf(event).find(({ net }) => net !== undefined) as Json;
      item['net'] = Number(item['net']) - 1;
      expect(saidOf(logs)).toContainEqual(
        expect.stringMatching(/^acc-1 owes \d+ and is to owe -\d+ less, it should be -\d+$/),
      );
    });
  });

  it('is nothing to be said of where an off becomes known after the seal, and names a bet after it that is paid', () => {
    const world = World.open({ types: ['WIN'] });
    world.bet('acc-0', WIN, '1', 500);
    world.now += 1_000;
    const off = world.now;
    world.now += 1_000;
    world.bet('acc-1', WIN, '1', 700);
    world.stop();
    world.ask({ type: 'DeclareLateOff', race: RACE, offAt: off, reason: 'gate', by: steward });
    world.confirm(world.price([['1'], ['2']]));
    expect(world.clearing(WIN)).toBe(0);
    const logs = logsOf(world);
    expect(saidOf(logs)).toEqual([]);
    const refund = movement(logs, 'BetsRefunded', WIN);
    refund.event['items'] = [];
    expect(saidOf(logs)).toContainEqual(expect.stringMatching(/is paid with the pool and came after the stop$/));
  });

  it('is nothing to be said of where a later leg is void while the pool sells', () => {
    const world = LegsWorld.over('PICK3', 'US');
    world.voidLeg(2);
    world.bet('acc-0', 'PICK3', '1/2/3', 100);
    world.run(1, [['1']]);
    world.run(3, [['3']]);
    expect(world.raceAt(3).status).toBe('SETTLED');
    expect(saidOf(logsOf(world))).toEqual([]);
  });

  /** All pools of one race that a law has, in one; every fourth bet is cancelled, two run as one entry, two are out, two are level. */
  const laws = [...new Set(ruleSets.map(({ name }) => name))];
  it.each(laws)('is nothing to be said of by the rules of %s, with non-runners, a tie and other results', (law) => {
    const types = [...new Set(ruleSets.filter((one) => one.name === law && !one.legs).map((one) => one.poolType))];
    const world = World.open({ types, rules: law, runners: 9, balance: 100_000_000, entries: { 1: 'A', 5: 'A' } });
    let taken = 0;
    for (const type of types)
      for (let i = 0; i < 18; i++) {
        const { sel, lines } = someBet(type, i);
        const { code, events } = world.bet(`acc-${i % 4}`, poolId(type), sel, 1_000 * (1 + (i % 3)), lines);
        if (code !== undefined) continue;
        taken += 1;
        const { account, ticket } = events[0] as unknown as Taken;
        if (i % 4 === 3) world.send(account, { type: 'CancelTicket', account, ticket, reason: 'mine', by: account });
      }
    expect(taken).toBeGreaterThan(types.length);
    for (const runner of ['4', '9'])
      world.ask({ type: 'ScratchRunner', race: RACE, runner, reason: 'lame', by: steward });
    world.settleRace([['2', '3'], ['1'], ['5'], ['6'], ['7']]);
    world.correct([['1'], ['2'], ['3'], ['6'], ['5'], ['7'], ['8']]);
    world.ask({ type: 'ScratchRunner', race: RACE, runner: '8', reason: 'did not run', by: steward });
    world.correct([['7'], ['6'], ['5'], ['3'], ['2'], ['1']]);
    expect(world.market.state.races.get(RACE)?.status).toBe('SETTLED');
    const { findings, notChecked } = judged(logsOf(world));
    expect(findings).toEqual([]);
    expect(notChecked.filter((what) => /dividend|takeout/.test(what))).toEqual([]);
  });
});

/** A box of one runner more than a line names, or of the seven of a multi; and how many lines it has. */
function someBet(type: RuleSet['poolType'], i: number): { readonly sel: string; readonly lines: number } {
  const { picks, arrangement } = shapeOf(type);
  const runner = (k: number): string => String(((i + k * 2) % 9) + 1);
  const named = [...new Set(Array.from({ length: picks + (i % 2) }, (_, k) => runner(k)))];
  if (picks === 1) return { sel: runner(0), lines: 1 };
  const many = (from: number, to: number): number => (from < to ? 1 : from * many(from - 1, to));
  const orders = many(named.length, named.length - picks + 1);
  const lines = arrangement === 'ORDERED' ? orders : orders / many(picks, 1);
  return { sel: `BOX:${named.join()}`, lines };
}

describe('what nobody wins', () => {
  const NEXT = '2026-11-29-R1-C1';
  const meetingOf = (race: string, more: object): ReturnType<typeof card> => {
    const meeting = card({ race, types: ['WIN'], rules: 'FR' });
    const carries = { noWinner: ['CARRY'], carry: 'NET' } as const;
    const races = meeting.races.map((one) => ({
      ...one,
      pools: one.pools.map((pool) => ({ ...pool, ruleSet: { ...pool.ruleSet, ...carries }, ...more })),
    }));
    return { ...meeting, races };
  };

  /** 5,000 less 13.9 %: 4,305 that nobody has won go into the next meeting's pool. */
  function carried(): World {
    const world = new World();
    world.ask({ type: 'PublishMeeting', meeting: meetingOf(RACE, {}), by: tote });
    world.ask({ type: 'OpenRace', race: RACE, reason: 'card', by: tote });
    world.renewLease();
    for (let i = 0; i < 3; i++) world.fund(`acc-${i}`, 100_000);
    world.bet('acc-0', WIN, '1', 2_000);
    world.bet('acc-1', WIN, '2', 3_000);
    world.settleRace([['5'], ['4']]);
    world.ask({
      type: 'PublishMeeting',
      meeting: meetingOf(NEXT, { carryInMinor: 4_305, carryFrom: [WIN] }),
      by: tote,
    });
    return world;
  }

  it('waits for the pool that names it, also where a correction finds a winner after that', () => {
    const world = carried();
    expect(saidOf(logsOf(world))).toEqual([]);
    world.correct([['1'], ['2']]);
    expect(world.ledger.get(`carry-over:${WIN}`)).toBe(4_305);
    expect(saidOf(logsOf(world))).toEqual([]);
    world.correct([['5'], ['4']]);
    expect(saidOf(logsOf(world))).toEqual([]);
    world.ask({ type: 'VoidRace', race: NEXT, reason: 'frost', by: steward });
    expect(judged(logsOf(world))).toMatchObject({ findings: [], dividends: 3 });
  });

  const declaration = (logs: readonly Log[]): [string, number][] => {
    const isDeclared = ({ fact }: Event): boolean => (fact as Event).t === 'DividendsDeclared';
    return find(logs, 'Fact', 'market', isDeclared).decision['posts'] as [string, number][];
  };

  it('is named where less is carried on, and the rest kept as breakage', () => {
    const logs = logsOf(carried());
    const posts = declaration(logs);
    (posts.find(([account]) => account === `carry-over:${WIN}`) as [string, number])[1] -= 7;
    posts.push(['house:breakage', 7]);
    expect(saidOf(logs)).toEqual([`4298 stands on carry-over:${WIN}; of what nobody has won 4305 is left`]);
  });

  it('is named where less is carried on, and the rest left in the pool', () => {
    const logs = logsOf(carried());
    const posts = declaration(logs);
    for (const [name, more] of [
      [`carry-over:${WIN}`, -7],
      [`pool:${WIN}`, 7],
    ] as const)
      (posts.find(([account]) => account === name) as [string, number])[1] += more;
    expect(saidOf(logs)).toContain(`-4993 is booked to ${WIN} beside its bets, priced again -5000`);
  });

  it('is named where a card takes more than is there', () => {
    const logs = logsOf(carried());
    const isNext = ({ fact }: Event): boolean => JSON.stringify((fact as Json)['meeting'] ?? '').includes(NEXT);
    for (const { decisions } of logs)
      for (const event of decisions.flatMap(({ events }) => events as Event[]))
        if (event['fact'] !== undefined && isNext(event)) {
          const { races } = (event['fact'] as Json)['meeting'] as { races: { pools: Json[] }[] };
          (races[0]?.pools[0] as Json)['carryInMinor'] = 5_000;
        }
    expect(saidOf(logs)).toEqual([`${poolId('WIN', NEXT)} takes 5000 of ${WIN}, where 4305 is left`]);
  });

  it('is named where an account pays more than it holds', () => {
    const logs = logsOf(carried());
    const posts = declaration(logs);
    posts.push([`carry-over:${WIN}`, -5_000], ['house:breakage', 5_000]);
    expect(saidOf(logs)).toContain(`carry-over:${WIN} falls to -695`);
  });
});

describe('published seals', () => {
  const MINUTES = 60_000;
  const house = generateKeyPairSync('ed25519');
  const keys = trustedKeys([
    { keyId: 'house', publicKey: house.publicKey.export({ format: 'der', type: 'spki' }).toString('base64') },
  ]);
  const signed = (said: Json, key = house.privateKey) => {
    const statement = JSON.stringify(said);
    const signature = sign(null, Buffer.from(statement), key).toString('base64');
    return { poolId: said['poolId'], closeNo: said['closeNo'], statement, keyId: 'house', signature };
  };

  /** Three races with a win pool each and one over all, ten minutes apart. */
  function threeRaces() {
    const world = LegsWorld.over('PICK3', 'US');
    for (const leg of [1, 2, 3]) {
      for (let i = 0; i < 4; i++) world.bet(`acc-${i}`, `R${leg}-WIN`, String(leg + (i % 2)), 500);
      if (leg === 1) world.bet('acc-0', 'PICK3', '1/2/3', 100);
      world.run(leg, [[String(leg)]]);
      world.now += 10 * MINUTES;
      world.renewLease();
    }
    const logs = logsOf(world);
    const said = world.shards.flatMap(({ decisions }, shard) =>
      decisions.flatMap(({ events }) =>
        events.flatMap((event) =>
          event.t === 'Report' && event.report.t === 'Seal' ? [{ shard, ...event.report }] : [],
        ),
      ),
    );
    const raceOf = (pool: string): string => (pool === 'PICK3' ? 'R3' : pool.slice(0, 2));
    const statements = [...new Set(said.map(({ pool }) => pool))].map((pool) => {
      const parts = said.filter((part) => part.pool === pool);
      const sum = (name: 'bets' | 'stake' | 'voidedBets' | 'voidedStake'): number =>
        parts.reduce((total, part) => total + part[name], 0);
      return {
        ...{ kind: 'mutuel-seal', v: 1, poolId: pool, raceId: raceOf(pool), closeNo: 1 },
        sealedAt: Math.max(...parts.map(({ markerAt }) => markerAt)),
        ...{ bets: sum('bets'), stake: sum('stake'), voidedBets: sum('voidedBets'), voidedStake: sum('voidedStake') },
        root: poolRoot(parts.map(({ root }) => root)),
        shards: parts.map(({ shard, lastSeq, bets, stake, leaves, root }) => ({
          ...{ shard, lastSeq, bets, stake, leaves, root },
        })),
      };
    });
    return { logs, statements };
  }

  const { logs, statements } = threeRaces();
  const compared = (...files: readonly object[][]) =>
    against(files.map((seals) => readPublishedSeals({ seals }, 'seals.json', keys)));
  const against = (published: readonly PublishedSeals[]) => {
    const topics = { 'market.decisions': 1, 'shard.decisions': 2, 'market.commands': 1, 'shard.commands': 2, odds: 1 };
    const verifier = new LogVerifier({ shards: 2, topics }, published);
    for (const record of recordsOf(logs)) verifier.take(record);
    const { findings, sealsPublished, notChecked } = verifier.finish();
    return { sealsPublished, says: findings.map(({ at, what }) => `${at}: ${what}`), notChecked };
  };
  const all = statements.map((one) => signed(one));

  it('are those of the log', () => {
    expect(compared(all)).toEqual({
      sealsPublished: 4,
      says: [],
      notChecked: expect.not.arrayContaining([expect.stringMatching(/seals/)]),
    });
    // The same in two answers, as of two moments.
    expect(compared(all, all)).toMatchObject({ sealsPublished: 4, says: [] });
  });

  it.each<readonly [string, (seals: Json[]) => object[], RegExp]>([
    [
      'that says other than the log',
      (seals) => seals.with(1, { ...seals[1], stake: 1 }).map((one) => signed(one)),
      /^market\.decisions\/0 #\d+: the seal of .*, close 1, is published with stake 1, the log says \d+$/,
    ],
    [
      'whose shard says other than the log',
      (seals) =>
        seals.map((one) => signed({ ...one, shards: (one['shards'] as Json[]).map((s) => ({ ...s, lastSeq: 1 })) })),
      /is published with lastSeq 1 of shard 0, the log says \d+$/,
    ],
    [
      'by a foreign key',
      (seals) => [
        ...seals.slice(1).map((one) => signed(one)),
        signed(seals[0] as Json, generateKeyPairSync('ed25519').privateKey),
      ],
      /^published seals: the seal of .*, close 1: the signature of key house does not fit/,
    ],
    [
      'of a close that the log does not hold',
      (seals) => [...seals, { ...(seals[0] as Json), closeNo: 2 }].map((one) => signed(one)),
      /^published seals: the seal of .*, close 2, is published, and the log holds no such close$/,
    ],
    [
      'and another one for the same close',
      (seals) => [...seals, { ...(seals[0] as Json), stake: 1 }].map((one) => signed(one)),
      /is published twice, as two different ones$/,
    ],
    [
      'left out',
      (seals) => seals.filter((one) => one['poolId'] !== 'R2-WIN').map((one) => signed(one)),
      /^market\.decisions\/0 #\d+: the seal of R2-WIN, close 1, is not among the published seals$/,
    ],
  ])('name one %s', (_, tamper, words) => {
    expect(compared(tamper(structuredClone(statements) as unknown as Json[])).says).toContainEqual(
      expect.stringMatching(words),
    );
  });

  it('of one race, or of the last hours, say nothing of others', () => {
    const ofRace = statements.filter(({ raceId }) => raceId === 'R2').map((one) => signed(one));
    const latest = statements.filter(({ raceId }) => raceId !== 'R1').map((one) => signed(one));
    const older = expect.arrayContaining([expect.stringMatching(/^seals of the log that are older or newer/)]);
    for (const seals of [ofRace, latest])
      expect(compared(seals)).toEqual({ sealsPublished: seals.length, says: [], notChecked: older });
  });

  it('that are all there are name each that is missing, of whatever race and however young', () => {
    const none = { seals: [], faults: [], areAll: true };
    expect(against([none])).toEqual({
      sealsPublished: 0,
      says: statements.map((one) => expect.stringContaining(`the seal of ${one.poolId}, close ${one.closeNo}, is not`)),
      notChecked: expect.not.arrayContaining([expect.stringMatching(/seals/)]),
    });
  });

  it('are refused where the file is no answer', () => {
    expect(() => readPublishedSeals({ seals: [{ poolId: 'P' }] }, 'seals.json', keys)).toThrow(
      'seals.json is no answer of GET /v1/seals: seals[0].closeNo is missing',
    );
  });
});
