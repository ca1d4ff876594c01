/**
 * Random races of one race, and the two ways of pricing them: by symbol (counts, no line ever written out) and by force (every
 * line, every finishing order). Everything rare on a race course is common here.
 */
import fc from 'fast-check';
import {
  type AuditedPoolType,
  compareSheets,
  type DividendSheet,
  parseSelectionText,
  priceByForce,
} from '#mutuel/audit';
import {
  isRefusal,
  keptNonRunners,
  linesMatching,
  linesWithout,
  noJackpotBy,
  pricePool,
  type ReadSelection,
  type RuleSet,
  resolveSelection,
  type Selection,
  type Sheet,
  scratchedInterests,
} from '#mutuel/tote';

export interface Race {
  readonly field: { readonly [Part in 'declared' | 'scratched']: readonly string[] } & {
    readonly entries: readonly (readonly string[])[];
  };
  readonly finish: readonly (readonly string[])[];
  readonly carryInMinor: number;
  readonly guaranteeMinor: number;
  /** Put up where the rules have a jackpot that can be won. */
  readonly jackpotInMinor: number;
  readonly bets: readonly Bet[];
}

export interface Bet {
  readonly selection: Selection;
  readonly unitMinor: number;
}

// Random races.

const names = ['1', '1A', '2', '3', '4', '5', '6', '7', '8', '10', '11'];

/** Few runners, many ties and small fields: everything rare on a race course is common here. */
export const raceOf = (type: AuditedPoolType): fc.Arbitrary<Race> =>
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
        guaranteeMinor: fc.oneof(
          { weight: 4, arbitrary: fc.constant(0) },
          { weight: 1, arbitrary: fc.nat({ max: 999_999 }) },
        ),
        jackpotInMinor: fc.oneof(
          { weight: 3, arbitrary: fc.constant(0) },
          { weight: 1, arbitrary: fc.nat({ max: 99_999 }) },
        ),
        bets: fc.oneof(...[3, 14].map((maxLength) => fc.array(betOn(type, declared), { maxLength }))),
      })
      .map(({ scratched, coupled, order, ties, tied, finishers, ...money }) => ({
        field: { declared, scratched, entries: coupled.length > 1 ? [coupled] : [] },
        finish: ranked(
          order.filter((runner) => !scratched.includes(runner)).slice(0, finishers),
          (place) => tied && ties[place] === true,
        ),
        ...money,
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
  QUINELLA_PLACE: 2,
  TRIO: 3,
  SUPERFECTA: 4,
  FIRST4: 4,
  QUARTET: 4,
  SUPER_HIGH_5: 5,
  TIERCE: 3,
  QUARTE: 4,
  QUINTE: 5,
  PICK5_FR: 5,
  DEUX_SUR_QUATRE: 2,
  MULTI: 4,
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
  const multi = fc.integer({ min: 4, max: 7 }).chain((wanted) =>
    fc.record({
      form: fc.constant('BOX' as const),
      runners: fc.shuffledSubarray([...declared], { minLength: Math.min(wanted, declared.length) }),
      size: fc.constant(wanted),
    }),
  );
  const set = fc.record({ form: fc.constant('BOX' as const), runners: any, orders: fc.constant('SET' as const) });
  const special: fc.Arbitrary<Selection> = type === 'MULTI' ? multi : type === 'QUARTET' ? set : selection;
  // A heavy stake now and then makes minus pools; odd minor units make every rounding show.
  const unitMinor = fc.oneof(fc.integer({ min: 1, max: 999 }), fc.constantFrom(100, 200, 5000, 1_000_000));
  // Read only where the rules have complements.
  const complement = fc.oneof(
    fc.constant(undefined),
    fc.shuffledSubarray([...declared], { minLength: 1, maxLength: 2 }),
  );
  const complemented = fc
    .tuple(fc.oneof(selection, special), complement)
    .map(([bet, named]): Selection => (named ? { ...bet, complement: named } : bet));
  return fc.record({ selection: complemented, unitMinor });
}

// The two calculators.

export interface ReadBet {
  readonly read: ReadSelection;
  readonly unitMinor: number;
}

export function readBets(race: Race, rules: RuleSet): readonly ReadBet[] {
  return race.bets.flatMap(({ selection: { complement, ...plain }, unitMinor }) => {
    const named = complement?.slice(0, rules.complements ?? 0) ?? [];
    const selection = named.length > 0 ? { ...plain, complement: named } : plain;
    const read = resolveSelection(rules.poolType, selection, { ...race.field, scratched: [] }, rules);
    return isRefusal(read) ? [] : [{ read, unitMinor }];
  });
}

/** What is put up of it for a pool by these rules. */
export const jackpotInOf = ({ jackpotInMinor }: Race, rules: RuleSet): number =>
  noJackpotBy(rules) === undefined ? jackpotInMinor : 0;

export function symbolic(race: Race, rules: RuleSet, bets: readonly ReadBet[]): Sheet {
  const out = scratchedInterests(race.field, rules.coupling);
  const kept = keptNonRunners(rules);
  const sum = (lines: (read: ReadSelection) => number) =>
    bets.reduce((total, { read, unitMinor }) => total + lines(read) * unitMinor, 0);
  return pricePool({
    ruleSet: rules,
    field: race.field,
    finish: race.finish,
    grossMinor: sum((read) => read.lines),
    refundsMinor: sum((read) => read.lines - linesWithout(read, out, kept)),
    carryInMinor: race.carryInMinor,
    guaranteeMinor: race.guaranteeMinor,
    jackpotInMinor: jackpotInOf(race, rules),
    stakeOn: (c) => sum((read) => linesMatching(read, c, out, kept)),
  });
}

export const byForce = (race: Race, rules: RuleSet, bets: readonly ReadBet[]): DividendSheet =>
  priceByForce({
    poolType: rules.poolType as AuditedPoolType,
    ruleSet: rules,
    field: race.field,
    finish: race.finish,
    carryInMinor: race.carryInMinor,
    guaranteeMinor: race.guaranteeMinor,
    jackpotInMinor: jackpotInOf(race, rules),
    tickets: bets.map(({ read, unitMinor }) => ({ selection: parseSelectionText(read.text), unitMinor })),
  });

export const balance = (s: DividendSheet | Sheet): number =>
  s.takeoutMinor + s.paidMinor + s.refundedMinor + s.breakageMinor - s.topUpMinor + s.carryOutMinor + s.jackpotMinor;

/** What the calculators disagree on, and whether a sheet loses or makes money; nothing when all is well. */
export function raceDifferences(race: Race, rules: RuleSet): readonly string[] {
  const bets = readBets(race, rules);
  const [first, second] = [symbolic(race, rules, bets), byForce(race, rules, bets)];
  const adrift = [first, second].flatMap((sheet, no) => {
    const left = sheet.grossMinor + sheet.carryInMinor + sheet.jackpotInMinor - balance(sheet);
    return left === 0 ? [] : [`the ${no === 0 ? 'first' : 'second'} sheet has ${left} adrift`];
  });
  return [...compareSheets(first, second), ...adrift];
}
