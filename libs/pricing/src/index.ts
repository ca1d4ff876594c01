/**
 * The pricing commands, pure: text in, lines out. An outsider recomputes a dividend, counts a formula or checks odds
 * without any server. Reads no file and writes nowhere but to the function it is handed.
 */
import { ToteFault } from '#mutuel/tote';
import { countedLine } from './count-line.js';
import { pricedLine } from './price-line.js';
import { probablesOf } from './probables-line.js';
import { LineRefused, type RefusalLine } from './refusal.js';
import type { CountOutput, PriceOutput, PricingCommand, ProbablesOutput } from './schema.js';

export { explained, explainRuleSet } from './explain.js';
export type { LineCode, RefusalLine } from './refusal.js';
export {
  type MoneyDifference,
  moneyDifference,
  type PoolDifference,
  rulesDifference,
} from './rules-diff.js';
export { type CountOutput, type PriceOutput, type PricingCommand, type ProbablesOutput, schemaOf } from './schema.js';

/** One pool to its dividends. Never throws for what an outsider can send. */
export const priceLine = (value: unknown): PriceOutput | RefusalLine => answered(value, pricedLine);

/** One formula to its lines and cost. */
export const countLine = (value: unknown): CountOutput | RefusalLine => answered(value, countedLine);

/** One pool's stakes to its odds. */
export const probablesLine = (value: unknown): ProbablesOutput | RefusalLine => answered(value, probablesOf);

const answerers: Readonly<Record<PricingCommand, (value: unknown) => object>> = {
  price: priceLine,
  count: countLine,
  probables: probablesLine,
};

/**
 * The line protocol: one JSON object a line, or one object in the whole text; an answer for each, in order, written
 * without its line end. Returns the exit code: 0 when every line was answered, 2 when any was refused.
 */
export function runPricing(command: PricingCommand, textInput: string, write: (line: string) => void): 0 | 2 {
  let code: 0 | 2 = 0;
  for (const line of linesOf(textInput)) {
    const answer = answerJson(line, answerers[command]);
    if ('error' in answer) code = 2;
    write(JSON.stringify(answer));
  }
  return code;
}

/** A text that is one object over several lines is one line; otherwise each line that is not blank. */
function linesOf(text: string): readonly string[] {
  const clean = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const lines = clean.split(/\r?\n/).filter((line) => line.trim() !== '');
  const isOneObject = lines.length > 1 && !isJson(lines[0] ?? '') && (isJson(clean) || lines[0]?.trim() === '{');
  if (lines.length === 0) return [''];
  return isOneObject ? [clean] : lines;
}

function answerJson(text: string, answer: (value: unknown) => object): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message : 'not JSON';
    return refusal('MALFORMED', `The line is not JSON: ${why}.`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refusal('MALFORMED', 'A line is one JSON object.');
  }
  return answer(value);
}

function answered<T>(value: unknown, answer: (value: unknown) => T): T | RefusalLine {
  try {
    return answer(value);
  } catch (error) {
    const id = typeof value === 'object' && value !== null ? Reflect.get(value, 'id') : undefined;
    const { code, message, at } = asRefused(error);
    return typeof id === 'string' ? { id, error: { code, message, at } } : { error: { code, message, at } };
  }
}

/** What the mathematics calls a bug of its caller is, for an outsider's line, an amount it should not have sent. */
function asRefused(error: unknown): LineRefused {
  if (error instanceof LineRefused) return error;
  if (!(error instanceof ToteFault)) throw error;
  return new LineRefused('AMOUNT_TOO_LARGE', `The case cannot be priced: ${error.message}.`, '');
}

const refusal = (code: 'MALFORMED', message: string): RefusalLine => ({ error: { code, message, at: '' } });

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
