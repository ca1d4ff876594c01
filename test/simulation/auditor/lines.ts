/** Selections as the auditor understands them: every line written out, by the second calculator's reader of their texts. */
import { type AuditedPoolType, expandSelection, parseSelectionText } from '#mutuel/audit';

const ORDERED = new Set(['WIN', 'PLACE', 'EXACTA', 'TIERCE']);
const known = new Map<string, readonly (readonly string[])[] | undefined>();

/** A bet over several races, `1,2+4/3`: a runner of each leg to a line, and the bettor's own reserve behind a plus. */
export interface LegLines {
  readonly lines: readonly (readonly string[])[];
  readonly reserves: readonly (string | undefined)[];
  /** Of one race: who stands in, behind the others, for whoever does not run. */
  readonly complement?: readonly string[];
}

/** Undefined when one of the runners is not on the card of its leg, or stands there twice. */
export function legLinesOf(text: string, fields: readonly (readonly string[])[]): LegLines | undefined {
  const legs = text.split('/').map((leg) => leg.split('+'));
  const columns = legs.map(([runners = '']) => runners.split(','));
  const reserves = legs.map(([, reserve]) => reserve);
  const isOf = columns.length === fields.length && columns.every((column, leg) => isColumn(column, fields[leg] ?? []));
  const areReserves = reserves.every(
    (reserve, leg) => reserve === undefined || isColumn([...(columns[leg] ?? []), reserve], fields[leg] ?? []),
  );
  if (!isOf || !areReserves) return undefined;
  const lines = columns.reduce<string[][]>(
    (before, column) => before.flatMap((line) => column.map((runner) => [...line, runner])),
    [[]],
  );
  return { lines, reserves };
}

/** Each of them on the card, and once. */
export const isColumn = (column: readonly string[], runners: readonly string[]): boolean =>
  column.every((runner, i) => runners.includes(runner) && column.indexOf(runner) === i);

/**
 * Whether a line is right in every leg of `3/1,2`, or in exactly two of three where the text begins with `2@`. `7~9` is won by 7, and 9
 * did not run: whoever has it has their reserve, or the favourite, who is right (`~`) or not (`!`). `*` is anybody who ran.
 */
export function isRightIn(line: readonly string[], text: string, reserves: LegLines['reserves']): boolean {
  const [, many, legs = ''] = /^(?:(\d+)@)?(.*)$/.exec(text) ?? [];
  const right = legs.split('/').filter((leg, i) => isRight(leg, line[i] as string, reserves[i])).length;
  return right === (many === undefined ? line.length : Number(many));
}

function isRight(leg: string, runner: string, reserve: string | undefined): boolean {
  const [, winners = '', mark, absent = ''] = /^([^~!]*)([~!])?(.*)$/.exec(leg) ?? [];
  const isOut = (one: string): boolean => absent.split(',').includes(one);
  const wins = (one: string): boolean => winners === '*' || winners.split(',').includes(one);
  if (!isOut(runner)) return wins(runner);
  if (winners === '*') return false;
  return reserve === undefined || isOut(reserve) ? mark === '~' : wins(reserve);
}

/** The lines of a selection; undefined when it cannot be one of these runners in this pool. */
export function linesOf(
  type: string,
  text: string,
  runners: readonly string[],
): readonly (readonly string[])[] | undefined {
  const key = `${type} ${runners.length} ${text}`;
  if (!known.has(key)) known.set(key, expand(type, text, runners));
  return known.get(key);
}

function expand(type: string, text: string, runners: readonly string[]): readonly (readonly string[])[] | undefined {
  try {
    const lines = expandSelection(parseSelectionText(text), type as AuditedPoolType, (runner) => runner);
    const isOf = lines.every((line) => line.every((runner) => runners.includes(runner)));
    return lines.length > 0 && isOf ? lines : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether a line is one of a combination's: `4>7`, `4-7`, with `*` for any runner. A set in a pool of orders stands for each of its
 * orders but those behind a `!`.
 */
export function isOn(type: string, line: readonly string[], combination: string): boolean {
  const [head = '', ...except] = combination.split('!');
  const members = head.split(/[>-]/);
  const isInOrder = (order: readonly string[]): boolean =>
    order.every((member, i) => member === '*' || member === line[i]);
  if (except.some((order) => isInOrder(order.split('>')))) return false;
  if (ORDERED.has(type) && !head.includes('-')) return isInOrder(members);
  return members.every((member) => member === '*' || line.includes(member));
}

/**
 * The lines of a bet as they run: who does not run is struck out, the others move up, and the bettor's complements that run are
 * written behind them in the order named. A line that is still too short is given back.
 */
export function asRun(
  lines: readonly (readonly string[])[],
  complement: readonly string[],
  scratched: readonly string[],
): readonly (readonly string[])[] {
  const ready = complement.filter((runner) => !scratched.includes(runner));
  return lines.flatMap((line) => {
    const left = line.filter((runner) => !scratched.includes(runner));
    const mended = [...left, ...ready.slice(0, line.length - left.length)];
    return mended.length === line.length ? [mended] : [];
  });
}

/** Price times stake in whole minor units: rounded down, or to the nearest with halves upwards. */
export function payment(price: string, stake: number, how: 'DOWN' | 'NEAREST'): number {
  const [whole = '0', decimals = ''] = price.split('.');
  const scale = 10n ** BigInt(decimals.length);
  const product = BigInt(whole + decimals) * BigInt(stake);
  return Number(how === 'DOWN' ? product / scale : (2n * product + scale) / (2n * scale));
}
