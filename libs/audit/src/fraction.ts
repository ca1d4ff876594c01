/**
 * Exact fractions of bigints for the second calculator: its own few lines, so that an error in the first calculator's
 * arithmetic cannot hide here. Never a floating point number, and never a rounding that is not asked for by name.
 */
export interface Fraction {
  readonly n: bigint;
  /** Always above zero. */
  readonly d: bigint;
}

export const whole = (n: bigint | number): Fraction => ({ n: BigInt(n), d: 1n });
export const ZERO: Fraction = whole(0);
export const ONE: Fraction = whole(1);

export const plus = (a: Fraction, b: Fraction): Fraction => lowest(a.n * b.d + b.n * a.d, a.d * b.d);
export const minus = (a: Fraction, b: Fraction): Fraction => lowest(a.n * b.d - b.n * a.d, a.d * b.d);
export const times = (a: Fraction, b: Fraction): Fraction => lowest(a.n * b.n, a.d * b.d);

export function over(a: Fraction, b: Fraction): Fraction {
  if (b.n === 0n) throw new RangeError('division by zero');
  return b.n < 0n ? lowest(-a.n * b.d, a.d * -b.n) : lowest(a.n * b.d, a.d * b.n);
}

export const less = (a: Fraction, b: Fraction): boolean => a.n * b.d < b.n * a.d;
export const larger = (a: Fraction, b: Fraction): Fraction => (less(a, b) ? b : a);
export const sum = (terms: readonly Fraction[]): Fraction => terms.reduce(plus, ZERO);

/** The whole number below or equal. */
export function floor({ n, d }: Fraction): bigint {
  const cut = n / d;
  return n < 0n && cut * d !== n ? cut - 1n : cut;
}

/** The nearest whole number, halves upwards. */
export const nearest = (a: Fraction): bigint => floor(plus(a, { n: 1n, d: 2n }));

/** Reads `12`, `0.139` and `1/3`; these are what rule sets write. */
export function read(text: string): Fraction {
  const [top = '', bottom] = text.split('/');
  return bottom === undefined ? decimal(top) : over(decimal(top), decimal(bottom));
}

function decimal(text: string): Fraction {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new SyntaxError(`"${text}" is neither a decimal nor a fraction`);
  const [units = '', digits = ''] = text.split('.');
  return lowest(BigInt(units + digits), 10n ** BigInt(digits.length));
}

/** Decimal text with at least `digits` digits, more where the value needs them. The value must be a finite decimal. */
export function write(value: Fraction, digits: number): string {
  let scale = 0;
  while ((value.n * 10n ** BigInt(scale)) % value.d !== 0n) {
    if (++scale > 40) throw new RangeError(`${value.n}/${value.d} has no finite decimal form`);
  }
  const places = Math.max(scale, digits);
  const text = String((value.n * 10n ** BigInt(places)) / value.d).padStart(places + 1, '0');
  return places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`;
}

function lowest(n: bigint, d: bigint): Fraction {
  let [a, b] = [n < 0n ? -n : n, d];
  while (b !== 0n) [a, b] = [b, a % b];
  return a <= 1n ? { n, d } : { n: n / a, d: d / a };
}
