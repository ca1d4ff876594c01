/** Selections as the auditor understands them: every line written out, by the second calculator's reader of their texts. */
import { type AuditedPoolType, expandSelection, parseSelectionText } from '#mutuel/audit';

const ORDERED = new Set(['EXACTA', 'TRIFECTA']);
const known = new Map<string, readonly (readonly string[])[] | undefined>();

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
