/**
 * Exact rationals on bigint: the only numbers in which a price is ever computed. Nothing here rounds unless its name
 * says how; no floating point value may enter or leave.
 */
import { assertTote } from './refusal.js';

/** A rational in lowest terms with a positive denominator. */
export interface Ratio {
  readonly n: bigint;
  readonly d: bigint;
}

export function ratio(n: bigint | number, d: bigint | number = 1n): Ratio {
  let top = BigInt(n);
  let bottom = BigInt(d);
  assertTote(bottom !== 0n, 'a rational needs a denominator other than zero');
  if (bottom < 0n) {
    top = -top;
    bottom = -bottom;
  }
  const common = gcd(top < 0n ? -top : top, bottom);
  return { n: top / common, d: bottom / common };
}

export const ZERO = ratio(0n);
export const ONE = ratio(1n);

export const add = (a: Ratio, b: Ratio): Ratio => ratio(a.n * b.d + b.n * a.d, a.d * b.d);
export const subtract = (a: Ratio, b: Ratio): Ratio => ratio(a.n * b.d - b.n * a.d, a.d * b.d);
export const multiply = (a: Ratio, b: Ratio): Ratio => ratio(a.n * b.n, a.d * b.d);
export const divide = (a: Ratio, b: Ratio): Ratio => ratio(a.n * b.d, a.d * b.n);
export const sum = (values: readonly Ratio[]): Ratio => values.reduce(add, ZERO);
export const isZero = (a: Ratio): boolean => a.n === 0n;

/** Negative, zero or positive as a is below, at or above b. */
export function compare(a: Ratio, b: Ratio): number {
  const difference = a.n * b.d - b.n * a.d;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The largest integer not above a. */
export function floor(a: Ratio): bigint {
  const quotient = a.n / a.d;
  return a.n < 0n && quotient * a.d !== a.n ? quotient - 1n : quotient;
}

/** The nearest integer, halves upwards. */
export const nearest = (a: Ratio): bigint => floor(add(a, ratio(1n, 2n)));

const DECIMAL = /^(\d{1,18})(?:\.(\d{1,18}))?$/;
const FRACTION = /^(\d{1,18})\/(\d{1,18})$/;

/** Reads `"0.139"`, `"12"` or `"1/3"`; null for anything else (signs, exponents, a zero denominator). */
export function parseRatio(text: string): Ratio | null {
  const decimal = DECIMAL.exec(text);
  if (decimal) {
    const digits = decimal[2] ?? '';
    return ratio(BigInt(`${decimal[1]}${digits}`), 10n ** BigInt(digits.length));
  }
  const fraction = FRACTION.exec(text);
  if (!fraction || /^0+$/.test(fraction[2] ?? '')) return null;
  return ratio(BigInt(fraction[1] ?? ''), BigInt(fraction[2] ?? ''));
}

/** As `parseRatio` for text that was validated before; anything else is a bug. */
export function toRatio(text: string): Ratio {
  const value = parseRatio(text);
  assertTote(value !== null, `not a decimal or a fraction: ${text}`);
  return value;
}

export const ratioText = (a: Ratio): string => `${a.n}/${a.d}`;

/** How many decimal digits write the rational exactly; null when no finite number of them does. */
export function decimalDigits(a: Ratio): number | null {
  for (let digits = 0, scale = 1n; digits <= 36; digits++, scale *= 10n) {
    if (scale % a.d === 0n) return digits;
  }
  return null;
}

/** The exact decimal, with at least `atLeast` digits: 33/5 is `"6.60"`. */
export function decimalText(a: Ratio, atLeast: number): string {
  const needed = decimalDigits(a);
  assertTote(needed !== null, `${ratioText(a)} has no exact decimal`);
  const digits = Math.max(needed, atLeast);
  const scaled = (a.n * 10n ** BigInt(digits)) / a.d;
  const sign = scaled < 0n ? '-' : '';
  const text = (scaled < 0n ? -scaled : scaled).toString().padStart(digits + 1, '0');
  return digits === 0 ? `${sign}${text}` : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** An amount of minor units as a safe integer; an amount beyond 2^53 is a bug of the caller. */
export function toMinor(amount: bigint): number {
  assertTote(
    amount <= BigInt(Number.MAX_SAFE_INTEGER) && amount >= -BigInt(Number.MAX_SAFE_INTEGER),
    `an amount of ${amount} minor units is beyond 2^53`,
  );
  return Number(amount);
}

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x === 0n ? 1n : x;
}
