import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { TOPICS } from '#mutuel/contracts';
import { Chain, sha256 } from './auditor/chain.js';
import { asRun, isOn, isRightIn, type LegLines, legLinesOf, payment } from './auditor/lines.js';
import { merkleRoot } from './auditor/merkle.js';
import { OddsBooks } from './auditor/odds-books.js';
import { type Answer, Told } from './auditor/told.js';
import { Coverage } from './coverage.js';
import { FAULTS, FEATURES, planOf } from './plan.js';
import { runSeed } from './run.js';

const allBut = (...names: string[]): ReadonlySet<string> =>
  new Set([...FAULTS, ...FEATURES].filter((name) => !names.includes(name)));

const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

describe('the simulation', () => {
  test.each([11, 12, 13, 14])(
    'comes to rest with every rule kept (seed %i)',
    async (seed) => {
      const { failure, settled, decisions } = await runSeed(planOf(seed, 250));
      expect(failure).toBeUndefined();
      expect(settled).toBeGreaterThan(0);
      expect(decisions).toBeGreaterThan(100);
    },
    60_000,
  );

  it('writes the same bytes in the same order for the same seed', async () => {
    const [first, second] = [await runSeed(planOf(21, 200)), await runSeed(planOf(21, 200))];
    expect(second.trace).toBe(first.trace);
    expect(second.steps).toBe(first.steps);
  });

  it('asks officials for what no state allows as well: it is refused, judged, and counted by the state', async () => {
    const without = allBut('acts-out-of-turn', 'suspensions', 'voids', 'corrections');
    const refused = new Set<string>();
    const { failure, hits } = await runSeed(planOf(15, 40, { without }), ({ topic }, { value }) => {
      if (topic === TOPICS.marketDecisions) refused.add((JSON.parse(`${Buffer.from(value)}`) as { code: string }).code);
    });
    expect(failure).toBeUndefined();
    expect(refused).toContain('RACE_STATUS');
    const wrong = /^(OpenRace.(?!DRAFT)|SuspendRace.(?!OPEN)|ResumeRace.(?!SUSPENDED)|StopBetting.(?!OPEN|SUSPENDED))/;
    expect([...hits.keys()].filter((pair) => wrong.test(pair))).not.toEqual([]);
  });

  it('ends with a log that has lost what was acknowledged: all that read it stop for good', async () => {
    const { failure, hits } = await runSeed(planOf(21, 20, { without: allBut('log-forked') }));
    expect(failure).toBeUndefined();
    expect(hits.has('log-forked/SETTLED')).toBe(true);
  });

  it('leaves out what the command line takes out, and nothing else', () => {
    const plan = planOf(5, 100);
    const [fault] = plan.faults.keys();
    const less = planOf(5, 100, { without: new Set([fault as string]) });
    expect([...less.faults.keys()]).toEqual([...plan.faults.keys()].slice(1));
    expect(less.features).toEqual(plan.features);
  });

  it('switches every fault and every feature on in some seeds and off in others', () => {
    const plans = Array.from({ length: 60 }, (_, seed) => planOf(seed, 100));
    for (const fault of FAULTS) expect(new Set(plans.map(({ faults }) => faults.has(fault))).size).toBe(2);
    for (const feature of FEATURES) expect(new Set(plans.map(({ features }) => features.has(feature))).size).toBe(2);
  });
});

describe('the coverage', () => {
  it('goes on from what earlier runs counted into the same file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mutuel-coverage-'));
    try {
      const file = join(folder, 'met.json');
      for (const pair of ['poison/OPEN', 'outage/VOID']) {
        const run = new Coverage();
        run.load(file);
        run.add(new Map([[pair, 2]]));
        run.save(file);
      }
      const all = new Coverage();
      all.load(file);
      expect(all.seeds).toBe(2);
      expect(all.missing).not.toContain('poison/OPEN');
      expect(all.missing).not.toContain('outage/VOID');
      expect(all.missing).toContain('outage/OPEN');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('the auditor', () => {
  it('imports nothing of what it judges', () => {
    const folder = join(import.meta.dirname, 'auditor');
    const imports = readdirSync(folder).flatMap((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      return [...text.matchAll(/from '([^']+)'/g)].map(([, from]) => from as string);
    });
    const foreign = imports.filter((from) => !from.startsWith('./') && !from.startsWith('node:'));
    expect([...new Set(foreign)].sort()).toEqual(['#mutuel/audit', '../strikes.js']);
  });

  it('counts the records of the current incarnation alone, in sequence, each extending the one before', () => {
    const chain = new Chain('shard-0');
    const records: unknown[] = [];
    const say = (value: unknown): number | undefined => {
      records.push(value);
      return chain.accept({ offset: records.length - 1, time: 0, value: bytes(value) })?.seq;
    };
    const decided = (seq: number, inc: string, prev: string, offset = seq - 1) => ({
      ...{ kind: 'decision', seq, in: [1, offset, 0], inc, prev, events: [], posts: [] },
    });
    const first = decided(1, 'a', '0'.repeat(64));
    const head = sha256(bytes(first));
    expect(say({ kind: 'started', inc: 'a' })).toBeUndefined();
    expect(say(first)).toBe(1);
    expect(say(first)).toBeUndefined();
    expect(say(decided(2, 'b', head))).toBeUndefined();
    expect(say({ kind: 'started', inc: 'b' })).toBeUndefined();
    expect(say({ kind: 'started', inc: 'a' })).toBeUndefined();
    expect(say(decided(2, 'a', head))).toBeUndefined();
    expect(say(decided(2, 'b', head, 2))).toBeUndefined();
    expect(say(decided(2, 'b', head))).toBeUndefined();
    expect(say({ kind: 'started', inc: 'c' })).toBeUndefined();
    expect(say(decided(2, 'c', head))).toBe(2);
    expect(chain.isForked).toBe(false);
    // What was read already, decided once more by somebody who never read it.
    expect(say({ kind: 'started', inc: 'd' })).toBeUndefined();
    expect(say(decided(2, 'd', head))).toBeUndefined();
    expect(chain.isForked).toBe(true);
  });

  it.each([
    ['a decision that is not there', { shard: 0, seq: 9, hash: 'h' }, /not in the log/],
    ['a decision that did not come to count', { shard: 0, seq: 1, hash: 'other' }, /did not come to count/],
    ['another outcome', { shard: 0, seq: 1, hash: 'h', code: 'STALE' }, /was told STALE, the log says accepted/],
    ['another ticket', { shard: 0, seq: 1, hash: 'h', ticket: 't2' }, /is another's/],
  ])('objects to an answer from %s', (_, answer, message) => {
    const decision = { events: [{ t: 'TicketAccepted', account: 'a', ref: 'r', ticket: 't1' }] } as never;
    const told = new Told((_shard, seq) => (seq === 1 ? { decision, hash: 'h' } : undefined));
    const question = { account: 'a', ref: 'r', body: 'b', type: 'PlaceTicket' };
    expect(() => told.answered(question, answer)).toThrow(message);
    told.answered(question, { shard: 0, seq: 1, hash: 'h', ticket: 't1' } satisfies Answer);
  });

  it('objects to a command in the log whose sender was told that nothing was written', () => {
    const told = new Told(() => undefined);
    told.notAppended('c1');
    expect(() => told.appended('c1')).toThrow(/G1/);
  });

  it.each([
    ['other figures than its cut holds', { gross: 400 }, /its cut holds 300/],
    ['a cycle left out', { cycle: 12 }, /follows 10/],
    ['a decision of later', { cut: 2 }, /came 1000 ms later/],
  ])('objects to an odds tick with %s', (_, change: { gross?: number; cycle?: number; cut?: number }, message) => {
    const odds = new OddsBooks(1, true);
    const tick = (cycle: number, prevCycle: number | null, gross: number, cut: number): void =>
      odds.accept({
        ...{ offset: 0, time: 0 },
        value: bytes({ cycle, prevCycle, part: 0, parts: 1, cut: { shards: [cut] }, pools: [{ id: 'P', gross }] }),
      });
    odds.moved(0, { offset: 0, time: 50_000, value: bytes({}) }, [['P', 300]]);
    tick(10, null, 300, 1);
    odds.moved(0, { offset: 1, time: 56_000, value: bytes({}) }, [['P', 100]]);
    const { gross = 300, cycle = 11, cut = 1 } = change;
    expect(() => tick(cycle, 10, gross, cut)).toThrow(message);
  });

  it.each([
    ['1.95', 101, 'DOWN', 196],
    ['1.95', 101, 'NEAREST', 197],
    ['2.5', 101, 'NEAREST', 253],
    ['3', 200, 'DOWN', 600],
  ] as const)('pays %s on %i rounded %s as %i', (price, stake, how, paid) => {
    expect(payment(price, stake, how)).toBe(paid);
  });

  it.each([
    ['1/2', '1/2', true],
    ['1/2', '1/2,3', true],
    ['1/2', '1/3', false],
    ['1/2', '1@1/3', true],
    ['1/2', '1@1/2', false],
    ['9/2', '*/2', true],
    // 9 did not run: the favourite stands in, and is right or not; who has a reserve has that.
    ['9/2', '1~9/2', true],
    ['9/2', '1!9/2', false],
    ['9+1/2', '1!9/2', true],
    ['9+4/2', '1~9/2', false],
    ['9+4/2', '1~4,9/2', true],
    ['9/2', '*!9/2', false],
  ])('takes %s for right by %s: %s', (bet, key, isRight) => {
    const card = ['1', '2', '3', '4', '9'];
    const { lines, reserves } = legLinesOf(bet, [card, card]) as LegLines;
    expect(isRightIn(lines[0] as readonly string[], key, reserves)).toBe(isRight);
  });

  it.each([
    ['1,2/3', 2],
    ['1,2+4/3,1', 4],
    ['1/3/1', undefined],
    ['1,1/3', undefined],
    ['1+1/3', undefined],
    ['7/3', undefined],
  ])('writes %s out in %s lines', (bet, many) => {
    const card = ['1', '2', '3', '4'];
    expect(legLinesOf(bet, [card, card])?.lines.length).toBe(many);
  });

  it.each([
    // 7 does not run: the others move up and the complement is the last. Two are out, and there is one complement: given back.
    [[], '4>7>1'],
    [['7'], '4>1>9'],
    [['4'], '7>1>9'],
    [['4', '7'], ''],
    [['7', '9'], ''],
    [['9'], '4>7>1'],
  ])('has 4>7>1 with 9 as complement run without %s as %s', (scratched, run) => {
    expect(asRun([['4', '7', '1']], ['9'], scratched).map((line) => line.join('>'))).toEqual(run === '' ? [] : [run]);
  });

  it.each([
    ['4>7>1', '4>7>1', true],
    ['4>7>1', '4>7>*', true],
    ['4>7>1', '7>4>1', false],
    ['4>7>1', '1-4-7', true],
    ['4>7>1', '1-4-7!4>7>1', false],
    ['7>4>1', '1-4-7!4>7>1', true],
    ['4>7>2', '1-4-7!4>7>1', false],
  ])('takes the tierce %s for one of %s: %s', (line, combination, isOne) => {
    expect(isOn('TIERCE', line.split('>'), combination)).toBe(isOne);
  });

  it('splits a tree of leaves at the largest power of two', () => {
    const node = (left: string, right: string): string => sha256(`node:${left}${right}`);
    expect(merkleRoot(['a', 'b', 'c'])).toBe(node(node('a', 'b'), 'c'));
    expect(merkleRoot(['a', 'b', 'c', 'd', 'e'])).toBe(node(node(node('a', 'b'), node('c', 'd')), 'e'));
  });
});
