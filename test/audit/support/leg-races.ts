/**
 * Random pools over several races, and the two ways of pricing them: by symbol (keys counted leg by leg) and by force (every
 * kind of line). Ties, entries, legs that are not run, scratches before and after the close, reserves: all common here.
 */
import fc from 'fast-check';
import { type AuditLeg, compareSheets, type DividendSheet, type LegBet, priceLegPool } from '#mutuel/audit';
import {
  isRefusal,
  legResult,
  linesMatching,
  linesWithout,
  noJackpotBy,
  priceLegs,
  type RuleSet,
  ratio,
  readSelection,
  refundedLegRunners,
  type Sheet,
  shapeOf,
} from '#mutuel/tote';
import { balance } from './races.js';

export interface LegRace {
  readonly legs: readonly AuditLeg[];
  readonly bets: readonly LegBet[];
  readonly carryInMinor: number;
  readonly jackpotInMinor: number;
  readonly guaranteeMinor: number;
  readonly mandatory: boolean;
}

const declared = ['1', '1A', '2', '3', '4'];

const legOf: fc.Arbitrary<AuditLeg> = fc
  .record({
    order: fc.shuffledSubarray(declared, { minLength: declared.length }),
    tied: fc.constantFrom(1, 1, 1, 2, 3),
    placeTied: fc.boolean(),
    before: fc.constantFrom(0, 0, 0, 1, 2),
    after: fc.constantFrom(0, 0, 0, 1),
    isRun: fc.constantFrom(true, true, true, true, true, true, true, false),
    coupled: fc.boolean(),
    favourite: fc.nat({ max: 9 }),
  })
  .map(({ order, tied, placeTied, before, after, isRun, coupled, favourite }) => {
    const scratched = order.slice(0, before);
    const scratchedAfterClose = order.slice(before, before + after);
    const running = order.slice(before + after);
    const entries = coupled ? [['1', '1A']] : [];
    const first = running.slice(0, tied);
    const second = running.slice(tied, tied + (placeTied ? 2 : 1));
    const rest = running.slice(tied + second.length).map((runner) => [runner]);
    const finish = isRun ? [first, ...(second.length > 0 ? [second] : []), ...rest] : null;
    return {
      declared,
      scratched,
      scratchedAfterClose,
      entries,
      finish,
      favourite: running[favourite % running.length] ?? null,
    };
  });

export function legRaceOf(rules: RuleSet): fc.Arbitrary<LegRace> {
  const { poolType } = rules;
  const { picks } = shapeOf(poolType);
  const column = fc.subarray(declared, { minLength: 1, maxLength: 4 });
  const reserve = fc.constantFrom(null, null, ...declared);
  const bet = fc.record({
    columns: fc.array(column, { minLength: picks, maxLength: picks }),
    reserves: fc.array(reserve, { minLength: picks, maxLength: picks }),
    unitMinor: fc.oneof(fc.integer({ min: 1, max: 999 }), fc.constantFrom(200, 100_000)),
  });
  const amount = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 99_999 }) });
  return fc.record({
    legs: fc.array(legOf, { minLength: picks, maxLength: picks }),
    bets: fc.oneof(...[3, 12].map((maxLength) => fc.array(bet, { maxLength }))),
    carryInMinor: amount,
    jackpotInMinor: noJackpotBy(rules) === undefined ? amount : fc.constant(0),
    guaranteeMinor: fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.nat({ max: 999_999 }) },
    ),
    mandatory: fc.constantFrom(false, false, false, true),
  });
}

/** Bets that the sale would have taken, as the text of each says. */
export function readLegBets(race: LegRace, rules: RuleSet) {
  return race.bets.flatMap((bet) => {
    const text = bet.columns
      .map((column, leg) => column.join(',') + (bet.reserves?.[leg] == null ? '' : `+${bet.reserves[leg]}`))
      .join('/');
    const legs = race.legs.map(({ declared, entries }) => ({ declared, entries }));
    const read = readSelection(rules.poolType, text, { declared: [], legs }, rules);
    return isRefusal(read) ? [] : [{ read, bet }];
  });
}

export function symbolicLegs(race: LegRace, rules: RuleSet, bets: ReturnType<typeof readLegBets>): Sheet {
  const out = refundedLegRunners(rules, race.legs);
  const sum = (count: (bet: (typeof bets)[number]) => number): number =>
    bets.reduce((total, one) => total + count(one) * Number(one.bet.unitMinor), 0);
  return priceLegs({
    ruleSet: rules,
    result: legResult(rules, race.legs),
    grossMinor: sum(({ read }) => read.lines),
    refundsMinor: sum(({ read }) => read.lines - linesWithout(read, out)),
    carryInMinor: race.carryInMinor,
    jackpotInMinor: race.jackpotInMinor,
    guaranteeMinor: race.guaranteeMinor,
    mandatory: race.mandatory,
    stakeOf: (key) => ratio(sum(({ read }) => linesMatching(read, key, out))),
  });
}

/** What the calculators disagree on, and whether a sheet loses or makes money; nothing when all is well. */
export function legRaceDifferences(race: LegRace, rules: RuleSet): readonly string[] {
  const bets = readLegBets(race, rules);
  const first = symbolicLegs(race, rules, bets);
  const { poolType } = rules;
  const { legs, carryInMinor, jackpotInMinor, guaranteeMinor, mandatory } = race;
  const pool = { poolType, ruleSet: rules, legs, carryInMinor, jackpotInMinor, guaranteeMinor, mandatory };
  const second: DividendSheet = priceLegPool(
    pool,
    bets.map(({ bet }) => bet),
  );
  const adrift = [first, second].flatMap((sheet, no) => {
    const left = sheet.grossMinor + sheet.carryInMinor + sheet.jackpotInMinor - balance(sheet);
    return left === 0 ? [] : [`the ${no === 0 ? 'first' : 'second'} sheet has ${left} adrift`];
  });
  return [...compareSheets(first, second), ...adrift];
}
