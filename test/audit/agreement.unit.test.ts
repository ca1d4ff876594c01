/**
 * Two calculators, one answer. Random races of every pool type and rule set are priced by the symbolic calculator (counts,
 * no line ever written out) and by the brute-force one (every line, every finishing order); the sheets must agree to the
 * minor unit. A failure prints the seed and the smallest race that still differs.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AuditedPoolType, AuditFold, auditedPoolTypes, compareSheets } from '#mutuel/audit';
import {
  keptNonRunners,
  linesMatching,
  linesWithout,
  payoutMinor,
  type RuleSet,
  ruleSetFor,
  ruleSets,
  type Sheet,
  scratchedInterests,
} from '#mutuel/tote';
import { legRaceDifferences, legRaceOf } from './support/leg-races.js';
import { type Race, type ReadBet, raceDifferences, raceOf, readBets, symbolic } from './support/races.js';

/** Races per rule set; `bench/agreement.ts` runs as many as one likes. */
const RACES = 25;
/** Where only the break point differs from a rule set before. */
const FEW_RACES = 5;
const SEED = 20_260_101;

/** The same pool through the shards' decisions: bets over two shards, some of them cancelled, scratches refunded. */
function byFold(race: Race, rules: RuleSet, bets: readonly ReadBet[], cancelled: (bet: number) => boolean) {
  const fold = new AuditFold({ settlements: true });
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
  fact({ t: 'ResultEntered', race: 'R', version: 1, finish: race.finish });
  fact({ t: 'DividendsDeclared', race: 'R', version: 1, pools: [{ pool: 'P' }] });
  expect(fold.settlement('P', 1).sheet).toEqual(fold.auditPool('P', race.finish).sheet);
  return { ...fold.settlement('P', 1), betOf: (no: number) => betIn(fold, places[no] as (typeof places)[number]) };
}

function betIn(fold: AuditFold, { shard, i }: { readonly shard: number; readonly i: number }) {
  const { selection = [], unit = [] } = fold.betsOf(`shard-${shard}`, 'P') ?? {};
  return [selection[i] as number, unit[i] as number] as const;
}

/** Bets that the two calculators would give another sum, leave another stake, or call won with another one, as sentences. */
function dueOtherwise(
  race: Race,
  rules: RuleSet,
  bets: readonly ReadBet[],
  folded: ReturnType<typeof byFold>,
  first: Sheet,
): string[] {
  const out = scratchedInterests(race.field, rules.coupling);
  const kept = keptNonRunners(rules);
  return bets.flatMap(({ read, unitMinor }, no) => {
    const [selection, unit] = folded.betOf(no);
    if (selection < 0) return [];
    const left = linesWithout(read, out, kept) * unitMinor;
    const paid = first.dividends.reduce((sum, { c, price }) => {
      const lines = linesMatching(read, c, out, kept);
      return sum + (lines === 0 ? 0 : payoutMinor(rules, price, lines * unitMinor));
    }, 0);
    const due = first.outcome === 'REFUND' ? left : paid;
    const won = first.dividends.reduce((sum, { c }) => sum + linesMatching(read, c, out, kept) * unitMinor, 0);
    const own = folded.dueOn(selection, unit);
    if (own.left === left && own.due === due && own.won === won) return [];
    const second = `${own.left}, ${own.due} and ${own.won}`;
    return [`${read.text} at ${unitMinor}: ${left} left, ${due} due, ${won} won; the second calculator ${second}`];
  });
}

const audited = ruleSets.filter(({ poolType }) => auditedPoolTypes.some((type) => type === poolType));

const lawOf = ({ id: _, name: __, validFrom: ___, breakTo: ____, ...law }: RuleSet): string => JSON.stringify(law);
const firstOf = new Map(ruleSets.toReversed().map((rules) => [lawOf(rules), rules]));
const racesFor = (rules: RuleSet, most: number): number =>
  firstOf.get(lawOf(rules)) === rules ? most : Math.min(most, FEW_RACES);

/** On a machine that does other things too. */
const BUSY_MS = 60_000;

describe('both calculators agree to the minor unit and conserve money', () => {
  it.each(audited.map((rules) => [rules.id, rules] as const))(
    '%s',
    (_id, rules) => {
      fc.assert(
        fc.property(raceOf(rules.poolType as AuditedPoolType), (race) => {
          expect(raceDifferences(race, rules)).toEqual([]);
        }),
        { seed: SEED, numRuns: racesFor(rules, RACES) },
      );
    },
    BUSY_MS,
  );
});

describe('complements: both calculators agree on lines that non-runners left and others joined', () => {
  const own = (name: string, type: AuditedPoolType): RuleSet => ({
    ...(ruleSetFor(name, type) as RuleSet),
    complements: 2,
  });
  const several = [
    own('US', 'TRIFECTA'),
    own('HK', 'TRIO'),
    own('HK', 'QUARTET'),
    own('US', 'SUPERFECTA'),
    own('US', 'SUPER_HIGH_5'),
  ];
  it.each([...audited.filter(({ complements }) => complements), ...several].map((rules) => [rules.id, rules] as const))(
    '%s',
    (_id, rules) => {
      fc.assert(
        fc.property(raceOf(rules.poolType as AuditedPoolType), (race) => {
          expect(raceDifferences(race, rules)).toEqual([]);
          const bets = readBets(race, rules);
          const plain = { ...race, guaranteeMinor: 0, jackpotInMinor: 0 };
          const folded = byFold(plain, rules, bets, () => false);
          expect(folded.problems).toEqual([]);
          const first = symbolic(plain, rules, bets);
          expect(compareSheets(first, folded.sheet)).toEqual([]);
          expect(dueOtherwise(plain, rules, bets, folded, first)).toEqual([]);
        }),
        { seed: SEED, numRuns: 40 },
      );
    },
  );
});

describe('pools over several races: both calculators agree to the minor unit and conserve money', () => {
  it.each(ruleSets.filter(({ legs }) => legs).map((rules) => [rules.id, rules] as const))(
    '%s',
    (_id, rules) => {
      fc.assert(
        fc.property(legRaceOf(rules), (race) => {
          expect(legRaceDifferences(race, rules)).toEqual([]);
        }),
        { seed: SEED, numRuns: racesFor(rules, RACES) },
      );
    },
    BUSY_MS,
  );
});

describe('the books kept from the decisions', () => {
  it.each(audited.filter(({ name }) => name !== 'FR').map((rules) => [rules.id, rules] as const))(
    '%s',
    (_id, rules) => {
      fc.assert(
        fc.property(raceOf(rules.poolType as AuditedPoolType), fc.nat({ max: 255 }), (drawn, mask) => {
          const race = { ...drawn, guaranteeMinor: 0, jackpotInMinor: 0 };
          const cancelled = (bet: number): boolean => ((mask >> (bet % 8)) & 1) === 1;
          const bets = readBets(race, rules);
          const standing = bets.filter((_, no) => !cancelled(no));
          const folded = byFold(race, rules, bets, cancelled);
          expect(folded.problems).toEqual([]);
          const first = symbolic(race, rules, standing);
          expect(compareSheets(first, folded.sheet)).toEqual([]);
          expect(dueOtherwise(race, rules, bets, folded, first)).toEqual([]);
        }),
        { seed: SEED, numRuns: racesFor(rules, 10) },
      );
    },
    BUSY_MS,
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

  it.each(['WIN', 'PLACE', 'SHOW', 'QUINELLA', 'EXACTA', 'TRIFECTA'] as const)('%s', (type) => {
    const rules = ruleSetFor(type === 'SHOW' ? 'US' : 'FR', type) as RuleSet;
    fc.assert(
      fc.property(raceOf(type), variantOf(rules), (race, variant) => {
        expect(raceDifferences(race, variant)).toEqual([]);
      }),
      { seed: SEED, numRuns: 4 * RACES },
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
  expect([...seen].filter(([, times]) => times < RACES)).toEqual([]);
  expect(seen.size).toBe(7);
});
