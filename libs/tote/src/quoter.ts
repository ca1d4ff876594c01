/**
 * Shown prices from exact fractions, by one rule set's break point, display steps and minimum, in whole numbers of
 * 10^-digits. The fast path uses numbers and only where every product stays below 2^53; the slow one uses bigint.
 * The two must agree to the digit.
 */
import {
  compare,
  decimalDigits,
  decimalText,
  divide,
  floor,
  multiply,
  nearest,
  type Ratio,
  ratio,
  toMinor,
  toRatio,
} from './ratio.js';
import type { RuleSet } from './rule-set.js';

/** A pool's net with carry-in as num / den; exact in numbers while `num` is a safe integer, `exact` always. */
export interface Net {
  readonly num: number;
  readonly den: number;
  readonly exact: Ratio;
}

/** One combination's odds as decimal text, stake included; null without stake, and where the pool shows the others. */
export interface OddsLine {
  readonly c: string;
  readonly price: string | null;
  readonly low: string | null;
  readonly high: string | null;
}

/** The pool's money, minor units; `grossMinor` is after refunds; `netMinor` replaces the net that the takeout leaves. */
export interface OddsMoney {
  readonly grossMinor: number;
  readonly carryInMinor: number;
  readonly netMinor?: number;
}

/** A display step in units of the quoter's scale: below `below` (null: from there on), shown in multiples of `step`. */
interface ScaledStep {
  readonly below: number | null;
  readonly step: number;
}

/** Price texts up to this number of scaled units are kept, one table per number of digits: 2,000.00 with two. */
const KEPT_TEXTS = 200_000;
const keptTexts = new Map<number, (string | undefined)[]>();

export class Quoter {
  private readonly digits: number;
  private readonly scale: number;
  private readonly steps: readonly ScaledStep[];
  /** The largest multiplier of a stake in the fast path. */
  private readonly widest: number;
  private readonly isNearest: boolean;
  private readonly minimum: number;
  private readonly minusMinimum: number;
  private readonly texts: (string | undefined)[];

  constructor(private readonly rules: RuleSet) {
    const steps = displayOf(rules);
    const least = typeof rules.minimum === 'string' ? rules.minimum : '0';
    const floors = [least, rules.minimumInMinusPool ?? least].map(toRatio);
    const all = [...steps.flatMap(({ below, step }) => (below === null ? [step] : [below, step])), ...floors];
    this.digits = Math.max(rules.digits, ...all.map((value) => decimalDigits(value) ?? 0));
    this.scale = 10 ** this.digits;
    this.steps = steps.map(({ below, step }) => ({
      below: below === null ? null : this.scaled(below),
      step: this.scaled(step),
    }));
    [this.minimum = 0, this.minusMinimum = 0] = floors.map((value) => this.scaled(value));
    this.widest = Math.max(this.minimum, ...this.steps.map(({ step }) => step));
    this.isNearest = rules.display === undefined && rules.rounding === 'NEAREST';
    this.texts = textTable(this.digits);
  }

  /** Whether every product with this net pool, stakes up to `grossMinor` and `winners` winners stays below 2^53. */
  isSafe(net: Net, grossMinor: number, winners: number): boolean {
    const num = net.num + winners * grossMinor * net.den;
    const den = winners * grossMinor * net.den;
    return (
      typeof this.rules.minimum === 'string' && 2 * num * this.scale + 4 * den * this.widest < Number.MAX_SAFE_INTEGER
    );
  }

  /** The shown price net / stake of a one-winner pool; `fast` only where `isSafe` holds and the stake is within gross. */
  quote(net: Net, stake: number, fast: boolean): string {
    if (!fast) return this.quoteExact(divide(net.exact, ratio(stake)));
    const den = stake * net.den;
    const isBelow = net.num * this.scale < this.minimum * den;
    return this.text(Math.max(this.rounded(net.num * this.scale, den), isBelow ? this.minusMinimum : this.minimum));
  }

  /**
   * The shown price num / den (safe products) where several share; null where the minimum would raise it and the rule set
   * has a lower one for minus pools, so that the other winners' cost must be known.
   */
  quoteShared(num: number, den: number): string | null {
    const price = this.rounded(num * this.scale, den);
    if (price >= this.minimum) return this.text(price);
    return this.minusMinimum === this.minimum ? this.text(this.minimum) : null;
  }

  /** As `quote`, from an exact price that is alone in its pool; any amounts, minima by steps. */
  quoteExact(exact: Ratio): string {
    const shown = this.shown(exact);
    const { minimum } = this.rules;
    if (typeof minimum === 'string') {
      const isBelow = compare(exact, toRatio(minimum)) < 0;
      return this.text(Math.max(shown, isBelow ? this.minusMinimum : this.minimum));
    }
    const step = minimum.find(
      ({ atMost, below }) =>
        (atMost === undefined || compare(exact, toRatio(atMost)) <= 0) &&
        (below === undefined || compare(exact, toRatio(below)) < 0),
    );
    return step ? decimalText(toRatio(step.pay), this.digits) : this.text(shown);
  }

  /** A dividend as odds: in display steps where the rule set has them, else as it is. */
  quoteDividend(price: string): string {
    return this.rules.display ? this.text(this.shown(toRatio(price))) : decimalText(toRatio(price), this.digits);
  }

  private rounded(scaledNum: number, den: number): number {
    if (scaledNum <= 0) return 0;
    for (const { below, step } of this.steps) {
      const unit = den * step;
      const count = this.isNearest ? (2 * scaledNum + unit) / (2 * unit) : scaledNum / unit;
      const price = Math.floor(count) * step;
      if (below === null || price < below) return price;
    }
    return 0;
  }

  private shown(exact: Ratio): number {
    if (exact.n <= 0n) return 0;
    const price = multiply(exact, ratio(this.scale));
    for (const { below, step } of this.steps) {
      const count = divide(price, ratio(step));
      const shown = toMinor((this.isNearest ? nearest(count) : floor(count)) * BigInt(step));
      if (below === null || shown < below) return shown;
    }
    return 0;
  }

  private scaled(value: Ratio): number {
    return toMinor(floor(multiply(value, ratio(this.scale))));
  }

  private text(scaled: number): string {
    const kept = this.texts[scaled];
    if (kept !== undefined) return kept;
    const units = Math.floor(scaled / this.scale);
    const rest = String(scaled - units * this.scale).padStart(this.digits, '0');
    const text = this.digits === 0 ? String(units) : `${units}.${rest}`;
    if (scaled < KEPT_TEXTS) this.texts[scaled] = text;
    return text;
  }
}

/** The steps of shown odds: the rule set's own, else its break point, else its digits. */
function displayOf(rules: RuleSet): readonly { readonly below: Ratio | null; readonly step: Ratio }[] {
  if (rules.display) {
    return rules.display.map(({ below, step }) => ({
      below: below === undefined ? null : toRatio(below),
      step: toRatio(step),
    }));
  }
  if (rules.breakTo === 'none') return [{ below: null, step: ratio(1n, 10n ** BigInt(rules.digits)) }];
  return [{ below: null, step: divide(toRatio(rules.breakTo), toRatio(rules.breakPer)) }];
}

function textTable(digits: number): (string | undefined)[] {
  const table = keptTexts.get(digits) ?? new Array<string | undefined>(KEPT_TEXTS).fill(undefined);
  keptTexts.set(digits, table);
  return table;
}
