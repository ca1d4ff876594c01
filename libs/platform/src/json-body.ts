/**
 * Request bodies from bytes to values, stricter than JSON.parse: valid UTF-8, no name twice in an object, no whole number written as
 * a fraction, bounded depth. What JSON leaves to each reader must not be read here otherwise than by whoever signed or logged it.
 */
import { isUtf8 } from 'node:buffer';
import { type FieldFault, Problem } from './problem.js';

const MAX_DEPTH = 16;

/** Throws `Problem` with a pointer to what is wrong. */
export function readJsonBody(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new Problem('INVALID_UTF8', 'The body is not valid UTF-8.');
  const text = bytes.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (fault) {
    throw new Problem('MALFORMED_JSON', `The body is not JSON: ${(fault as Error).message}.`);
  }
  const fault = faultOf(text);
  if (fault) throw new Problem(fault.code as 'MALFORMED_JSON', fault.detail, { errors: [fault] });
  return value;
}

const QUOTE = 34;
const COMMA = 44;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

interface Level {
  /** Names seen so far; null in a list. */
  readonly names: Set<string> | null;
  name: string;
  index: number;
}

/** Goes over a text that is known to be JSON and finds what JSON.parse overlooks. */
function faultOf(text: string): FieldFault | undefined {
  const levels: Level[] = [];
  let expectName = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    switch (char) {
      case QUOTE: {
        const end = endOfString(text, i);
        if (expectName) {
          const level = levels[levels.length - 1] as Level;
          level.name = nameOf(text, i, end);
          const names = level.names as Set<string>;
          if (names.has(level.name)) return fault(levels, `The name ${JSON.stringify(level.name)} stands twice.`);
          if (level.name === '__proto__') return fault(levels, 'The name "__proto__" is not known.');
          names.add(level.name);
          expectName = false;
        }
        i = end;
        break;
      }
      case OPEN_OBJECT:
      case OPEN_LIST:
        if (levels.length === MAX_DEPTH) return fault(levels, `The body is nested deeper than ${MAX_DEPTH} levels.`);
        levels.push({ names: char === OPEN_OBJECT ? new Set() : null, name: '', index: 0 });
        expectName = char === OPEN_OBJECT;
        break;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        levels.pop();
        expectName = false;
        break;
      case COMMA: {
        const level = levels[levels.length - 1] as Level;
        if (level.names === null) level.index++;
        else expectName = true;
        break;
      }
      default:
        if ((char >= 48 && char <= 57) || char === 45) {
          const end = endOfNumber(text, i);
          const number = text.slice(i, end);
          if (/[.eE]/.test(number) || !Number.isSafeInteger(Number(number)))
            return fault(levels, `${number.slice(0, 40)} is not a whole number within ±(2^53 − 1).`, 'INVALID_STAKE');
          i = end - 1;
        }
    }
  }
  return undefined;
}

function fault(levels: readonly Level[], detail: string, code = 'MALFORMED_JSON'): FieldFault {
  const path = levels.map((level) => (level.names === null ? String(level.index) : escaped(level.name)));
  return { pointer: path.map((part) => `/${part}`).join(''), code, detail };
}

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (text.charCodeAt(i) !== QUOTE) i += text.charCodeAt(i) === BACKSLASH ? 2 : 1;
  return i;
}

function nameOf(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end);
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
}

function endOfNumber(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && isNumberChar(text.charCodeAt(i))) i++;
  return i;
}

/** Digits, sign, point and exponent. */
const isNumberChar = (char: number): boolean =>
  (char >= 48 && char <= 57) || char === 46 || char === 45 || char === 43 || char === 101 || char === 69;
