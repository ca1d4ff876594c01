/**
 * What a bet should have got, worked out the slow way from nothing but its own words, the scratched runners and the dividends that
 * were declared: every line listed, every dividend compared. It must share no code with what pays.
 */
export interface PlacedBet {
  readonly poolId: string;
  readonly type: string;
  readonly form: 'STRAIGHT' | 'BOX';
  /** One runner a position (STRAIGHT) or the runners of the box. */
  readonly runners: readonly string[];
  readonly unit: number;
  readonly stake: number;
}

/** A declared pool as `GET /v1/pools/{id}/dividends` tells it. */
export interface Declared {
  readonly sheet: {
    readonly outcome: 'PAID' | 'REFUND' | 'CARRIED';
    readonly gross: number;
    readonly takeout: number;
    readonly carryIn: number;
    readonly dividends: readonly { readonly c: string; readonly price: string; readonly paid: number }[];
    readonly breakage: number;
    readonly topUp: number;
    readonly carryOut: number;
    readonly refunded: number;
  };
}

const POSITIONS: Readonly<Record<string, number>> = { WIN: 1, PLACE: 1, QUINELLA: 2, EXACTA: 2, TRIFECTA: 3 };

export function naivePayment(
  bet: PlacedBet,
  scratched: ReadonlySet<string>,
  { sheet }: Declared,
): { readonly refund: number; readonly payout: number } {
  const lines = linesOf(bet);
  if (lines.length * bet.unit !== bet.stake)
    throw new Error(`${lines.length} lines of ${bet.unit} are not ${bet.stake}`);
  const running = lines.filter((line) => line.every((runner) => !scratched.has(runner)));
  const refund = (lines.length - running.length) * bet.unit;
  if (sheet.outcome === 'REFUND') return { refund: bet.stake, payout: 0 };
  if (sheet.outcome === 'CARRIED') return { refund, payout: 0 };
  let payout = 0;
  for (const { c, price } of sheet.dividends) {
    const won = running.filter((line) => wins(bet.type, line, c)).length;
    payout += toNearestMinor(price, won * bet.unit);
  }
  return { refund, payout };
}

/** Unordered lines are listed in card order. */
export function linesOf({ type, form, runners }: Pick<PlacedBet, 'type' | 'form' | 'runners'>): string[][] {
  if (form === 'STRAIGHT') return [[...runners]];
  const count = POSITIONS[type] ?? 0;
  const orders = (left: readonly string[], size: number): string[][] =>
    size === 0
      ? [[]]
      : left.flatMap((first) =>
          orders(
            left.filter((r) => r !== first),
            size - 1,
          ).map((rest) => [first, ...rest]),
        );
  const all = orders(runners, count);
  return type === 'QUINELLA' ? all.filter(([a, b]) => Number(a) < Number(b)) : all;
}

function wins(type: string, line: readonly string[], c: string): boolean {
  if (type === 'QUINELLA') {
    const named = c.split('-').filter((part) => part !== '*');
    return named.every((part) => line.includes(part));
  }
  const parts = c.split('>');
  return parts.length === line.length && parts.every((part, position) => part === '*' || part === line[position]);
}

/** Price times stake to the nearest cent, halves upwards: the payment rule of the French sets. */
function toNearestMinor(price: string, stake: number): number {
  const [whole = '0', fraction = ''] = price.split('.');
  const scale = 10n ** BigInt(fraction.length);
  const exact = BigInt(whole + fraction) * BigInt(stake);
  return Number((2n * exact + scale) / (2n * scale));
}
