/** Selections as the auditor understands them: every line written out, by the second calculator's reader of their texts. */
import { type AuditedPoolType, expandSelection, parseSelectionText } from '#mutuel/audit';

const ORDERED = new Set(['EXACTA', 'TRIFECTA']);
const known = new Map<string, readonly (readonly string[])[] | undefined>();

/** A bet over several races, `1,2+4/3`: a runner of each leg to a line, and the bettor's own reserve behind a plus. */
export interface LegLines {
  readonly lines: readonly (readonly string[])[];
  readonly reserves: readonly (string | undefined)[];
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

const isColumn = (column: readonly string[], runners: readonly string[]): boolean =>
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

/** Whether a line is one of a combination's: `4>7`, `4-7`, with `*` for any runner. */
export function isOn(type: string, line: readonly string[], combination: string): boolean {
  const members = combination.split(/[>-]/);
  if (ORDERED.has(type)) return members.every((member, i) => member === '*' || member === line[i]);
  return members.every((member) => member === '*' || line.includes(member));
}

/** Price times stake in whole minor units: rounded down, or to the nearest with halves upwards. */
export function payment(price: string, stake: number, how: 'DOWN' | 'NEAREST'): number {
  const [whole = '0', decimals = ''] = price.split('.');
  const scale = 10n ** BigInt(decimals.length);
  const product = BigInt(whole + decimals) * BigInt(stake);
  return Number(how === 'DOWN' ? product / scale : (2n * product + scale) / (2n * scale));
}
