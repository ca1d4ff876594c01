/**
 * A case over several races as an outsider wrote it: the runners and finish of each leg, and stakes or winning stakes by
 * combinations such as `3/1/1,2/7`. Everything that can be wrong is refused here, with its pointer.
 */
import {
  type Coupling,
  combinationText,
  countLegs,
  type Field,
  type Finish,
  type Leg,
  type LegCover,
  legKeyLabel,
  legsWithout,
  type Ratio,
  type RuleSet,
  ratio,
  readLegKey,
  refundedLegRunners,
  shapeOf,
} from '#mutuel/tote';
import { refuseAbsent } from './case.js';
import { refuseLine } from './refusal.js';
import type { PriceInput, ProbablesInput } from './schema.js';

/** Lines of one bet are counted exactly up to here. */
const MOST_LINES = 1_000_000_000_000n;

export type LegInput = ProbablesInput & Pick<PriceInput, 'winning' | 'mandatory'>;

/** Stakes of one line of input as the lines they cover; `hasStar`: a stated key such as `3/*`. */
export interface LegStake {
  readonly at: string;
  readonly c: string;
  readonly cover: LegCover;
  readonly minor: number;
  readonly hasStar: boolean;
}

export const isOverLegs = (type: RuleSet['poolType']): boolean => shapeOf(type).arrangement === 'LEGS';

/**
 * What a rule set without rules for legs is taken to mean: a double profit-splits and consoles, others do not. Without a
 * card of the first leg nothing depends on how many run in it.
 */
export function withLegRules(shipped: RuleSet, { rules: asked, legs }: LegInput): RuleSet {
  const rules = legs?.[0]?.runners === undefined ? { ...shipped, minInterests: 0 } : shipped;
  if (rules.legs) return rules;
  const isDouble = rules.poolType === 'DAILY_DOUBLE';
  const isPlaced = rules.poolType === 'PLACEPOT' || rules.poolType === 'QUADPOT';
  return {
    ...rules,
    deadHeat: asked?.deadHeat !== undefined || isDouble || rules.split === 'JAPAN' ? rules.deadHeat : 'SINGLE_PRICE',
    legs: {
      right: isPlaced ? 'PLACED' : 'WINNER',
      scratch: isDouble ? 'CONSOLATION' : 'FAVOURITE',
      leastRun: 1,
      lower: 'EXACT',
      carryTo: 'FIRST',
    },
  };
}

// Legs.

/** The legs with their finish; without results none is run, and while the last one is open it needs none. Runners that are not given are those that anything names. */
export function legsOf(input: LegInput, rules: RuleSet, isOpen = false): readonly Leg[] {
  const { picks } = shapeOf(rules.poolType);
  const { results, legs = [] } = input;
  const least = isOpen ? picks - 1 : picks;
  if (results && (results.length < least || results.length > picks))
    refuseLine('INCONSISTENT', `${rules.poolType} has ${picks} legs; ${results.length} results are given.`, '/results');
  if (legs.length > 0 && legs.length !== picks)
    refuseLine('INCONSISTENT', `${rules.poolType} has ${picks} legs; ${legs.length} are given.`, '/legs');
  return Array.from({ length: picks }, (_, index) => legOf(input, rules, index));
}

function legOf(input: LegInput, rules: RuleSet, index: number): Leg {
  const given = input.legs?.[index];
  const at = `/legs/${index}`;
  const card = cardOf(given?.runners);
  const declared = card?.declared ?? namedIn(input, index);
  readOnce(declared, new Set(declared), (i) => `${at}/runners/declared/${i}`);
  const known = new Set(declared);
  const scratched = card?.scratched ?? [];
  const late =
    typeof given?.scratchedAfterClose === 'string' ? [given.scratchedAfterClose] : (given?.scratchedAfterClose ?? []);
  readOnce(scratched, known, (i) => `${at}/runners/scratched/${i}`);
  readOnce(late, known, (i) => `${at}/scratchedAfterClose/${i}`);
  const favourite = given?.favourite ?? null;
  if (favourite !== null) readOnce([favourite], known, () => `${at}/favourite`);
  const ranks = input.results?.[index];
  const isRun = given?.cancelled !== true && ranks != null && ranks.length > 0;
  const finish: Finish | null = isRun ? ranks : null;
  const out = new Set([...scratched, ...late]);
  if (favourite !== null && out.has(favourite))
    refuseLine('INCONSISTENT', `Runner ${favourite} was scratched and cannot be the favourite.`, `${at}/favourite`);
  refuseRanks(finish ?? [], known, `/results/${index}`);
  refuseAbsent(finish ?? [], (runner) => out.has(runner), `/results/${index}`);
  if (finish !== null && rules.legs?.right === 'PLACED' && card === null)
    refuseLine('MISSING_FIELD', 'The number of places depends on the runners: give them.', `${at}/runners`);
  return {
    declared,
    scratched,
    ...(card?.entries && { entries: card.entries }),
    ...(given?.handicap && { handicap: true }),
    scratchedAfterClose: late,
    favourite,
    finish,
  };
}

function cardOf(runners: NonNullable<LegInput['legs']>[number]['runners']): {
  readonly declared: readonly string[];
  readonly scratched?: readonly string[];
  readonly entries?: readonly string[][];
} | null {
  if (runners === undefined) return null;
  if (Array.isArray(runners)) return { declared: runners };
  if (typeof runners === 'number') return { declared: Array.from({ length: runners }, (_, i) => `${i + 1}`) };
  return { declared: runners.declared, scratched: runners.scratched ?? [], entries: runners.entries ?? [] };
}

function readOnce(runners: readonly string[], known: ReadonlySet<string>, at: (index: number) => string): void {
  runners.forEach((runner, index) => {
    if (!known.has(runner))
      refuseLine('UNKNOWN_RUNNER', `Runner ${JSON.stringify(runner)} is not declared.`, at(index));
    if (runners.indexOf(runner) < index)
      refuseLine('REPEATED_RUNNER', `Runner ${JSON.stringify(runner)} is named twice.`, at(index));
  });
}

/** Every runner of the ranks declared, and once in them; no dead heat of more runners than there are. */
function refuseRanks(finish: Finish, known: ReadonlySet<string>, at: string): void {
  const crowd = finish.findIndex((rank) => rank.length > known.size);
  if (crowd >= 0)
    refuseLine(
      'TOO_MANY_DEAD_HEATERS',
      `The dead heat has more runners than the ${known.size} declared.`,
      `${at}/${crowd}`,
    );
  const places = finish.flatMap((rank, i) => rank.map((_, j) => `${at}/${i}/${j}`));
  readOnce(finish.flat(), known, (index) => places[index] ?? at);
}

/** Without a card, a leg's runners are those that anything names. */
function namedIn({ stakes = [], winning = [], results, legs }: LegInput, index: number): readonly string[] {
  const texts = [...stakes, ...winning].flatMap(({ c }) => (c.split('/')[index] ?? '').split(/[,+]/));
  const given = legs?.[index];
  const late = given?.scratchedAfterClose ?? [];
  const others = [...(results?.[index] ?? []).flat(), ...late, ...(given?.favourite == null ? [] : [given.favourite])];
  return [...new Set([...texts, ...others])].filter((runner) => /^[A-Za-z0-9]{1,8}$/.test(runner));
}

// Combinations and stakes.

/** The legs of a combination's text; a star stands for every runner of its leg, a runner behind a plus is the bettor's reserve. */
export function legStake(
  { c, minor, at }: { readonly c: string; readonly minor: number; readonly at: string },
  legs: readonly Field[],
  coupling: Coupling,
): LegStake {
  const parts = c === '*' ? legs.map(() => '*') : c.split('/');
  if (parts.length !== legs.length)
    refuseLine('INVALID_COMBINATION', `${JSON.stringify(c)} does not name ${legs.length} legs.`, `${at}/c`);
  const read = (part: string, leg: number) =>
    columnOf(part, legs[leg] ?? { declared: [] }, { c, at: `${at}/c`, coupling });
  const named = parts.map((part) => part.split('+'));
  const columns = named.map(([part = ''], leg) => read(part, leg));
  const alternates = named.map(([, reserve], leg) => (reserve === undefined ? null : reserveOf(read(reserve, leg))));
  const twice = alternates.findIndex((reserve, leg) => reserve !== null && columns[leg]?.includes(reserve));
  if (twice >= 0)
    refuseLine(
      'REPEATED_RUNNER',
      `${JSON.stringify(c)} names a runner and its reserve alike in leg ${twice + 1}.`,
      `${at}/c`,
    );
  const hasReserve = alternates.some((reserve) => reserve !== null);
  const cover: LegCover = { kind: 'LEGS', columns, ...(hasReserve ? { alternates } : {}) };
  if (linesOf(cover) > MOST_LINES) refuseLine('TOO_MANY_LINES', `At most ${MOST_LINES} lines are taken.`, `${at}/c`);
  return { at, c, minor, cover, hasStar: parts.includes('*') };
}

const reserveOf = ([reserve]: readonly string[]): string | null => reserve ?? null;

function columnOf(
  part: string,
  field: Field,
  { c, at, coupling }: { readonly c: string; readonly at: string; readonly coupling: Coupling },
): readonly string[] {
  if (part === '*') return ['*'];
  if (part === '') refuseLine('INVALID_COMBINATION', `${JSON.stringify(c)} names nobody in one of its legs.`, at);
  const runners = part.split(',');
  for (const [index, runner] of runners.entries()) {
    if (!field.declared.includes(runner))
      refuseLine('UNKNOWN_RUNNER', `Runner ${JSON.stringify(runner)} of ${JSON.stringify(c)} is not declared.`, at);
    if (runners.indexOf(runner) < index)
      refuseLine('REPEATED_RUNNER', `${JSON.stringify(c)} names runner ${runner} twice in one leg.`, at);
  }
  const entry = (runner: string): string =>
    coupling === 'ENTRY' ? (field.entries?.find((members) => members.includes(runner))?.[0] ?? runner) : runner;
  return [...new Set(runners.map(entry))];
}

/** The canonical text of a cover, to compare a stated key with a key that is asked for. */
export const legText = ({ columns }: LegCover): string =>
  combinationText(
    columns.map((column) => combinationText(column, 'UNORDERED').replaceAll('-', ',')),
    'LEGS',
  );

/** A bet as it stands when lines on non-runners are given back; `before` as it was staked. */
export interface Standing extends LegStake {
  readonly before: LegCover;
}

export function standingOf(input: LegInput, rules: RuleSet, legs: readonly Leg[], at = '/stakes'): readonly Standing[] {
  const stakes = (input.stakes ?? []).map((stake, i) => legStake({ ...stake, at: `${at}/${i}` }, legs, rules.coupling));
  const refunded = refundedOf(rules, legs, stakes);
  return stakes.map((stake) => ({ ...stake, cover: legsWithout(stake.cover, refunded), before: stake.cover }));
}

/** Stakes on a key: as stated for that text with its stars, else the winning lines of all bets. */
export function stakedOn(stakes: readonly Standing[], key: string): Ratio {
  const stated = stakes.filter(({ hasStar, cover }) => hasStar && legText(cover) === legKeyLabel(key));
  if (stated.length > 0) return ratio(stated.reduce((sum, { minor }) => sum + minor, 0));
  const wanted = readLegKey(key);
  let sum = ratio(0);
  for (const { cover, before, minor, hasStar } of stakes) {
    const won = hasStar ? 0 : countLegs(cover, wanted);
    if (won === 0) continue;
    const lines = linesOf(before);
    sum = ratio(sum.n * lines + BigInt(won) * BigInt(minor) * sum.d, sum.d * lines);
  }
  return sum;
}

export const linesOf = ({ columns }: LegCover): bigint =>
  columns.reduce((lines, column) => lines * BigInt(column.length), 1n);

/** Runners whose lines are given back; where a favourite stands in it has to be known as soon as money is on them. */
function refundedOf(rules: RuleSet, legs: readonly Leg[], stakes: readonly LegStake[]): readonly string[] {
  const refunded = refundedLegRunners(rules, legs);
  legs.forEach((leg, index) => {
    const out = new Set([...(leg.scratched ?? []), ...(leg.scratchedAfterClose ?? [])]);
    const isNamed = stakes.some(({ cover }) => cover.columns[index]?.some((runner) => out.has(runner)));
    if (rules.legs?.scratch === 'FAVOURITE' && isNamed && leg.favourite == null && leg.finish !== null)
      refuseLine(
        'MISSING_FIELD',
        'A favourite stands in for the runner that was scratched: name it.',
        `/legs/${index}/favourite`,
      );
  });
  return refunded;
}
