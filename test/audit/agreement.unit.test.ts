/**
 * Two calculators, one answer. Random races of every pool type and rule set are priced by the symbolic calculator (counts,
 * no line ever written out) and by the brute-force one (every line, every finishing order); the sheets must agree to the
 * minor unit. A failure prints the seed and the smallest race that still differs.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AuditedPoolType,
  AuditFold,
  auditedPoolTypes,
  compareSheets,
  type DividendSheet,
  parseSelectionText,
  priceByForce,
} from '#mutuel/audit';
import {
  type Field,
  isRefusal,
  linesMatching,
  linesWithout,
  pricePool,
  type ReadSelection,
  type RuleSet,
  resolveSelection,
  ruleSetFor,
  ruleSets,
  type Selection,
  type Sheet,
  scratchedInterests,
} from '#mutuel/tote';

/** Races per rule set. 33 rule sets of the audited types ship, so a run prices 3,960 races twice. */
const RACES = 120;
const SEED = 20_260_101;

interface Race {
  readonly field: Required<Field>;
  readonly finish: readonly (readonly string[])[];
  readonly carryInMinor: number;
  readonly bets: readonly Bet[];
}

interface Bet {
  readonly selection: Selection;
  readonly unitMinor: number;
}

// Random races.

const names = ['1', '1A', '2', '3', '4', '5', '6', '7', '8', '10', '11'];

/** Few runners, many ties and small fields: everything rare on a race course is common here. */
const raceOf = (type: AuditedPoolType): fc.Arbitrary<Race> =>
  fc.integer({ min: 2, max: names.length }).chain((size) => {
    const declared = names.slice(0, size);
    const some = (max: number) => fc.subarray([...declared], { minLength: 0, maxLength: Math.min(max, size - 1) });
    return fc
      .record({
        scratched: fc.oneof({ weight: 3, arbitrary: fc.constant<string[]>([]) }, { weight: 2, arbitrary: some(3) }),
        coupled: fc.oneof({ weight: 1, arbitrary: fc.constant<string[]>([]) }, { weight: 2, arbitrary: some(4) }),
        order: fc.shuffledSubarray(declared, { minLength: size, maxLength: size }),
        ties: fc.array(fc.boolean(), { minLength: size, maxLength: size }),
        tied: fc.boolean(),
        finishers: fc.oneof(
          { weight: 4, arbitrary: fc.constant(size) },
          { weight: 1, arbitrary: fc.nat({ max: size }) },
        ),
        carryInMinor: fc.oneof(
          { weight: 3, arbitrary: fc.constant(0) },
          { weight: 1, arbitrary: fc.nat({ max: 99_999 }) },
        ),
        bets: fc.oneof(...[3, 14].map((maxLength) => fc.array(betOn(type, declared), { maxLength }))),
      })
      .map(({ scratched, coupled, order, ties, tied, finishers, carryInMinor, bets }) => ({
        field: { declared, scratched, entries: coupled.length > 1 ? [coupled] : [] },
        finish: ranked(
          order.filter((runner) => !scratched.includes(runner)).slice(0, finishers),
          (place) => tied && ties[place] === true,
        ),
        carryInMinor,
        bets,
      }));
  });

function ranked(order: readonly string[], tiesWithPrevious: (place: number) => boolean): string[][] {
  const ranks: string[][] = [];
  for (const [place, runner] of order.entries()) {
    if (place > 0 && tiesWithPrevious(place)) ranks.at(-1)?.push(runner);
    else ranks.push([runner]);
  }
  return ranks;
}

const picks: Readonly<Record<AuditedPoolType, number>> = {
  WIN: 1,
  PLACE: 1,
  SHOW: 1,
  QUINELLA: 2,
  EXACTA: 2,
  TRIFECTA: 3,
};

function betOn(type: AuditedPoolType, declared: readonly string[]): fc.Arbitrary<Bet> {
  const size = picks[type];
  const any = fc.shuffledSubarray([...declared], { minLength: 1, maxLength: Math.min(declared.length, 5) });
  const one = fc.constantFrom(...declared).map((runner) => [runner]);
  const orders = fc.constantFrom('ALL', 'ONE', 'FIELD', undefined);
  const columnsOf = (column: fc.Arbitrary<string[]>) => fc.array(column, { minLength: size, maxLength: size });
  const selection: fc.Arbitrary<Selection> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ form: fc.constant('STRAIGHT' as const), columns: columnsOf(one) }) },
    { weight: 2, arbitrary: fc.record({ form: fc.constant('WHEEL' as const), columns: columnsOf(any) }) },
    { weight: 2, arbitrary: fc.record({ form: fc.constant('BOX' as const), runners: any, orders }) },
    {
      weight: 2,
      arbitrary: fc.record({
        form: fc.constantFrom('KEY' as const, 'BANKER' as const, 'CHAMP_REDUIT' as const),
        bases: one,
        associated: any,
        orders,
      }),
    },
    { weight: 1, arbitrary: fc.record({ form: fc.constant('CHAMP_TOTAL' as const), bases: one, orders }) },
  );
  // A heavy stake now and then makes minus pools; odd minor units make every rounding show.
  const unitMinor = fc.oneof(fc.integer({ min: 1, max: 999 }), fc.constantFrom(100, 200, 5000, 1_000_000));
  return fc.record({ selection, unitMinor });
}

// The two calculators.

interface ReadBet {
  readonly read: ReadSelection;
  readonly unitMinor: number;
}

function readBets(race: Race, rules: RuleSet): readonly ReadBet[] {
  return race.bets.flatMap(({ selection, unitMinor }) => {
    const read = resolveSelection(rules.poolType, selection, { ...race.field, scratched: [] }, rules);
    return isRefusal(read) ? [] : [{ read, unitMinor }];
  });
}

function symbolic(race: Race, rules: RuleSet, bets: readonly ReadBet[]): Sheet {
  const out = scratchedInterests(race.field, rules.coupling);
  const sum = (lines: (read: ReadSelection) => number) =>
    bets.reduce((total, { read, unitMinor }) => total + lines(read) * unitMinor, 0);
  return pricePool({
    ruleSet: rules,
    field: race.field,
    finish: race.finish,
    grossMinor: sum((read) => read.lines),
    refundsMinor: sum((read) => read.lines - linesWithout(read, out)),
    carryInMinor: race.carryInMinor,
    stakeOn: (c) => sum((read) => linesMatching(read, c, out)),
  });
}

const byForce = (race: Race, rules: RuleSet, bets: readonly ReadBet[]): DividendSheet =>
  priceByForce({
    poolType: rules.poolType as AuditedPoolType,
    ruleSet: rules,
    field: race.field,
    finish: race.finish,
    carryInMinor: race.carryInMinor,
    tickets: bets.map(({ read, unitMinor }) => ({ selection: parseSelectionText(read.text), unitMinor })),
  });

const balance = (s: DividendSheet | Sheet): number =>
  s.takeoutMinor + s.paidMinor + s.refundedMinor + s.breakageMinor - s.topUpMinor + s.carryOutMinor;

/** The same pool through the shards' decisions: bets over two shards, some of them cancelled, scratches refunded. */
function byFold(race: Race, rules: RuleSet, bets: readonly ReadBet[], cancelled: (bet: number) => boolean) {
  const fold = new AuditFold();
  const out = scratchedInterests(race.field, rules.coupling);
  const { declared, entries } = race.field;
  const runners = declared.map((number) => (entries[0]?.includes(number) ? { number, entry: 'stable' } : { number }));
  const pools = [{ poolId: 'P', type: rules.poolType, ruleSet: rules, carryInMinor: race.carryInMinor }];
  const say = (shard: number, ...events: readonly { readonly t: string }[]) => fold.apply(`shard-${shard}`, { events });
  const fact = (news: object): void => {
    for (const shard of [0, 1]) say(shard, { t: 'FactApplied', ...{ fact: news } });
  };
  fact({ t: 'MeetingPublished', meeting: { races: [{ raceId: 'R', runners, pools }] } });
  const taken = [0, 0];
  const places = bets.map(({ read, unitMinor }, no) => {
    const shard = no % 2;
    const bet = { no: 0, pool: 'P', sel: read.text, lines: read.lines, unit: unitMinor, stake: read.lines * unitMinor };
    say(shard, { t: 'TicketAccepted', ...{ bets: [bet] } });
    const i = taken[shard] ?? 0;
    taken[shard] = i + 1;
    return { shard, i, stake: bet.stake, back: (read.lines - linesWithout(read, out)) * unitMinor };
  });
  for (const runner of race.field.scratched) fact({ t: 'RunnerScratched', race: 'R', runner });
  for (const { shard, i, back } of places) {
    if (back > 0) say(shard, { t: 'BetsRefunded', ...{ pool: 'P', cause: 'SCRATCHED', items: [{ i, amount: back }] } });
  }
  for (const [no, { shard, i, stake, back }] of places.entries()) {
    if (cancelled(no)) say(shard, { t: 'TicketCancelled', ...{ bets: [{ pool: 'P', i, amount: stake - back }] } });
  }
  return fold.auditPool('P', race.finish);
}

const audited = ruleSets.filter(({ poolType }) => auditedPoolTypes.some((type) => type === poolType));

describe('both calculators agree to the minor unit and conserve money', () => {
  it.each(audited.map((rules) => [rules.id, rules] as const))('%s', (_id, rules) => {
    fc.assert(
      fc.property(raceOf(rules.poolType as AuditedPoolType), (race) => {
        const bets = readBets(race, rules);
        const [first, second] = [symbolic(race, rules, bets), byForce(race, rules, bets)];
        expect(compareSheets(first, second)).toEqual([]);
        for (const sheet of [first, second]) expect(balance(sheet)).toBe(sheet.grossMinor + sheet.carryInMinor);
      }),
      { seed: SEED, numRuns: RACES },
    );
  });
});

describe('the books kept from the decisions', () => {
  it.each(audited.filter(({ name }) => name !== 'FR').map((rules) => [rules.id, rules] as const))(
    '%s',
    (_id, rules) => {
      fc.assert(
        fc.property(raceOf(rules.poolType as AuditedPoolType), fc.nat({ max: 255 }), (race, mask) => {
          const cancelled = (bet: number): boolean => ((mask >> (bet % 8)) & 1) === 1;
          const bets = readBets(race, rules);
          const standing = bets.filter((_, no) => !cancelled(no));
          const { sheet, problems } = byFold(race, rules, bets, cancelled);
          expect(problems).toEqual([]);
          expect(compareSheets(symbolic(race, rules, standing), sheet)).toEqual([]);
        }),
        { seed: SEED, numRuns: 40 },
      );
    },
  );
});

describe('rules of other laws, put together at random', () => {
  const variantOf = (rules: RuleSet): fc.Arbitrary<RuleSet> =>
    fc
      .record({
        takeout: fc.constantFrom('0', '0.139', '1/3', '0.999'),
        split: fc.constantFrom('SINGLE_PRICE', 'PROFIT_SPLIT', 'GROSS_SPLIT', 'JAPAN'),
        deadHeat: fc.constantFrom('SINGLE_PRICE', 'PROFIT_SPLIT', 'GROSS_SPLIT', 'JAPAN'),
        breakTo: fc.constantFrom('0.10', '0.05', 'none', '10', '0.2'),
        breakPer: fc.constantFrom('1', '2', '100'),
        rounding: fc.constantFrom('DOWN', 'NEAREST'),
        digits: fc.constantFrom(0, 2, 4),
        minimum: fc.constantFrom('0', '1', '1.10', [
          { atMost: '0.90', pay: '1.02' },
          { below: '1.10', pay: '1.10' },
        ]),
        noWinner: ladderOf(rules),
        carry: fc.constantFrom('NET', 'GROSS'),
        coupling: fc.constantFrom('ENTRY', rules.poolType === 'WIN' ? 'STABLE' : 'NONE'),
        placesBy: fc.constantFrom('CARD', 'RUNNERS'),
        minInterests: fc.nat({ max: 5 }),
      })
      .map((own) => ({ ...rules, ...own }) as RuleSet)
      // A gross carry has no place in the Japanese formula, which taxes each winner's stake by itself.
      .filter(({ carry, split, deadHeat }) => carry === 'NET' || (split !== 'JAPAN' && deadHeat !== 'JAPAN'));

  it.each(auditedPoolTypes)('%s', (type) => {
    const rules = ruleSetFor(type === 'SHOW' ? 'US' : 'FR', type) as RuleSet;
    fc.assert(
      fc.property(raceOf(type), variantOf(rules), (race, variant) => {
        const bets = readBets(race, variant);
        const [first, second] = [symbolic(race, variant, bets), byForce(race, variant, bets)];
        expect(compareSheets(first, second)).toEqual([]);
        for (const sheet of [first, second]) expect(balance(sheet)).toBe(sheet.grossMinor + sheet.carryInMinor);
      }),
      { seed: SEED, numRuns: RACES },
    );
  });
});

function ladderOf({ poolType }: RuleSet): fc.Arbitrary<readonly string[]> {
  const end = fc.constantFrom('REFUND', 'CARRY', 'PAY_NET_RATE');
  const rungs: Readonly<Record<string, readonly string[]>> = { EXACTA: ['EITHER', 'FIRST_1'], QUINELLA: ['EITHER'] };
  const steps = poolType === 'TRIFECTA' ? ['FIRST_2', 'FIRST_1'] : (rungs[poolType] ?? ['NEXT', 'NEXT']);
  return fc.tuple(fc.nat({ max: steps.length }), end).map(([kept, last]) => [...steps.slice(0, kept), last]);
}

it('the random races hold every rare case many times over', () => {
  const seen = new Map<string, number>();
  const see = (what: string, is: boolean): void => {
    if (is) seen.set(what, (seen.get(what) ?? 0) + 1);
  };
  for (const rules of audited) {
    for (const race of fc.sample(raceOf(rules.poolType as AuditedPoolType), { seed: SEED, numRuns: RACES })) {
      const sheet = symbolic(race, rules, readBets(race, rules));
      see('paid', sheet.outcome === 'PAID');
      see('paid by a rung of the ladder', (sheet.rung ?? 0) > 0);
      see('refunded by the ladder', sheet.outcome === 'REFUND' && sheet.grossMinor > 0);
      see('paid in a dead heat', sheet.outcome === 'PAID' && race.finish.some((rank) => rank.length > 1));
      see('a minus pool', sheet.topUpMinor > 0);
      see('refunds of a scratched runner', sheet.refundsMinor > 0);
      see('paid with an entry', sheet.outcome === 'PAID' && race.field.entries.length > 0 && rules.coupling !== 'NONE');
    }
  }
  expect([...seen].filter(([, times]) => times < 100)).toEqual([]);
  expect(seen.size).toBe(7);
});
