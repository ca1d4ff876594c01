// Amounts and times as people read them. It must never compute money in floating point: amounts stay integers in minor
// units, text is parsed digit by digit, and a division happens only for the eye (a share of a bar).

export interface Currency {
  currency: string;
  exponent: number;
}

const formats = new Map<string, Intl.NumberFormat>();

function format(currency: string, digits: number): Intl.NumberFormat {
  const key = `${currency}/${digits}`;
  const known = formats.get(key);
  if (known !== undefined) return known;
  const made = new Intl.NumberFormat('en-GB', {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  formats.set(key, made);
  return made;
}

/** `{ currency: 'EUR', exponent: 2 }`, 123456 → `€1,234.56`, to the last minor unit. */
export function money(minor: number, { currency, exponent }: Currency): string {
  return format(currency, exponent).format(decimalText(minor, exponent));
}

/** Whole units, rounded down: for the size of a pool, where cents are noise. */
export function wholeMoney(minor: number, { currency, exponent }: Currency): string {
  return format(currency, 0).format(Math.trunc(minor / 10 ** exponent));
}

/** The decimal text of an amount; `Intl` takes it as it is, without passing through a float. */
function decimalText(minor: number, exponent: number): `${number}` {
  const digits = String(Math.abs(minor)).padStart(exponent + 1, '0');
  const whole = digits.slice(0, digits.length - exponent);
  const rest = exponent === 0 ? '' : `.${digits.slice(-exponent)}`;
  return `${minor < 0 ? '-' : ''}${whole}${rest}` as `${number}`;
}

/** `1.5`, `1,50` or `€2` → minor units; null when it is no amount, has too many digits or leaves the safe integers. */
export function parseMoney(text: string, exponent: number): number | null {
  const match = /^[^\d.,-]*(\d{1,13})(?:[.,](\d*))?\s*$/u.exec(text.trim());
  if (match === null) return null;
  const rest = match[2] ?? '';
  if (rest.length > exponent) return null;
  const minor = Number(`${match[1] ?? ''}${rest.padEnd(exponent, '0')}`);
  return Number.isSafeInteger(minor) ? minor : null;
}

/** The text a person would type for an amount: `1`, `1.50`. */
export function plainAmount(minor: number, exponent: number): string {
  const text = decimalText(minor, exponent);
  return text.replace(/\.0+$/u, '');
}

const clockFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const secondFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** `14:05`, in the reader's own time zone. */
export function clock(at: string | number): string {
  return clockFormat.format(new Date(at));
}

/** `14:05:09.250` or `14:05:09`: the instant of a stop deserves its milliseconds. */
export function instant(at: string | number, withMillis = false): string {
  const date = new Date(at);
  const text = secondFormat.format(date);
  return withMillis ? `${text}.${String(date.getMilliseconds()).padStart(3, '0')}` : text;
}

/** Seconds to go as `4:05`, `1 h 04` or, when passed, `+0:12`. */
export function span(ms: number): string {
  const seconds = ms >= 0 ? Math.ceil(ms / 1000) : Math.floor(-ms / 1000);
  const sign = ms < 0 && seconds > 0 ? '+' : '';
  if (seconds >= 3600) return `${sign}${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))}`;
  return `${sign}${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
