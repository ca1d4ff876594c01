/**
 * `price` for a report: a chain of bets in which what one wins is staked on the next. It has no pool of its own, so the line
 * says what the pool of each part paid, and the answer what came into hand. The mathematics is in `#mutuel/tote`.
 */
import {
  frenchReport,
  isRefusal,
  parseRatio,
  type Ratio,
  type ReportPart,
  ratio,
  ratioText,
  rollReport,
} from '#mutuel/tote';
import { refuseLine } from './refusal.js';
import type { PriceInput, PriceOutput } from './schema.js';

type Dividend = PriceOutput['dividends'][number];

/** Fields of a pool, which a report has not. */
const OF_POOLS = ['winning', 'result', 'results', 'legs', 'sources', 'gross', 'net', 'refunds', 'carryIn'] as const;

/**
 * Each stake through the chain. `gross` and `paid` are what came into hand; `price` is that over the first stake, which may
 * be more than was won on the last part. Refusals as for any line.
 */
export function pricedReport(input: PriceInput): PriceOutput {
  const parts = partsOf(input);
  const foreign = OF_POOLS.find((field) => input[field] != null);
  if (foreign) refuseLine('INCONSISTENT', `A report has no pool of its own: it has no ${foreign}.`, `/${foreign}`);
  if (input.ruleSet !== undefined && input.ruleSet.split('@')[0] !== 'FR')
    refuseLine('UNKNOWN_RULE_SET', 'Only FR has a report.', '/ruleSet');
  const rolled = (input.stakes ?? []).map((stake, index) => chainOf(input, parts, stake, `/stakes/${index}`));
  if (rolled.length === 0) refuseLine('MISSING_FIELD', 'Give the first stake of each report.', '/stakes');
  const paid = rolled.reduce((sum, { dividend }) => sum + dividend.paid, 0);
  return {
    ...(input.id === undefined ? {} : { id: input.id }),
    ruleSet: input.ruleSet ?? null,
    outcome: 'PAID',
    ...{ gross: paid, refunds: 0, takeout: 0, net: paid, carryIn: 0 },
    dividends: rolled.map(({ dividend }) => dividend),
    tiers: [{ tier: 'REPORT', pool: paid }],
    ...{ refunded: 0, breakage: 0, topUp: 0, carryOut: 0, jackpotIn: 0, jackpot: 0 },
    steps: rolled.flatMap(({ steps }) => steps),
  };
}

function partsOf({ parts }: PriceInput): readonly ReportPart[] {
  if (parts === undefined) return refuseLine('MISSING_FIELD', 'Give what the pool of each part paid for 1.', '/parts');
  return parts.map(({ price, quarters = 4 }) => ({ price, quarters: quarters as ReportPart['quarters'] }));
}

function chainOf(
  { rules }: PriceInput,
  parts: readonly ReportPart[],
  { c, minor }: { readonly c: string; readonly minor: number },
  at: string,
): { readonly dividend: Dividend; readonly steps: readonly string[] } {
  if (c.split('/').length !== parts.length)
    refuseLine('INVALID_COMBINATION', `${JSON.stringify(c)} does not name the ${parts.length} parts.`, `${at}/c`);
  const least = rules?.minStakeMinor ?? frenchReport.leastMinor;
  const report = rollReport(minor, parts, { ...frenchReport, leastMinor: least });
  if (isRefusal(report)) return refuseLine('INVALID_SELECTION', report.message, `${at}/minor`);
  const price = ratio(report.paidMinor, minor);
  return {
    dividend: {
      tier: 'REPORT',
      c,
      price: cents(price),
      exact: ratioText(price),
      stake: minor,
      paid: report.paidMinor,
    },
    steps: [...stepsOf(c, parts, report.stakes), `${c}: ${report.paidMinor} in hand for ${minor}`],
  };
}

function stepsOf(c: string, parts: readonly ReportPart[], stakes: readonly number[]): readonly string[] {
  return stakes.map((stake, index) => {
    const { price, quarters } = parts[index] ?? { price: '0', quarters: 4 };
    const { n, d } = parseRatio(price) ?? ratio(0);
    const proceeds = (BigInt(stake) * n) / d;
    const next = stakes[index + 1] ?? 0;
    const rolls = next > 0 ? `${next} goes on, ${quarters} quarters of it rounded down` : 'nothing goes on';
    return `${c} part ${index + 1}: ${proceeds} = ${stake} x ${price}, rounded down to a minor unit; ${rolls}`;
  });
}

/** Two digits, rounded down: what 1 became. */
function cents({ n, d }: Ratio): string {
  const whole = ((n * 100n) / d).toString().padStart(3, '0');
  return `${whole.slice(0, -2)}.${whole.slice(-2)}`;
}
