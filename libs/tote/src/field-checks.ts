/** A sentence without its subject where a value is wrong, null where it is right. */
export type Check = (value: unknown) => string | null;

const RATE = /^\d{1,9}(\.\d{1,9})?$|^\d{1,9}\/0*[1-9]\d{0,8}$/;
const AMOUNT = /^\d{1,9}(\.\d{1,9})?$/;

export const text: Check = (v) =>
  typeof v === 'string' && v.length > 0 && v.length <= 64 ? null : 'must be a short text';
export const day: Check = (v) =>
  typeof v === 'string' && /^\d{4}-\d\d-\d\d$/.test(v) ? null : 'must be a day YYYY-MM-DD';
export const amount: Check = (v) =>
  typeof v === 'string' && AMOUNT.test(v) ? null : 'must be a decimal in quotes such as "0.10"';
export const positive: Check = (v) => amount(v) ?? (/[1-9]/.test(String(v)) ? null : 'must be above zero');
export const whole =
  (least: number, most: number): Check =>
  (v) =>
    typeof v === 'number' && Number.isSafeInteger(v) && v >= least && v <= most
      ? null
      : `must be a whole number from ${least} to ${most}`;
export const oneOf =
  (...names: readonly string[]): Check =>
  (v) =>
    typeof v === 'string' && names.includes(v) ? null : `must be one of ${names.join(', ')}`;
export const split = oneOf('SINGLE_PRICE', 'PROFIT_SPLIT', 'GROSS_SPLIT', 'JAPAN');
export const rung = oneOf(
  ...[
    'NEXT',
    'EITHER',
    'FIRST_1',
    'FIRST_2',
    'FIRST_3',
    'FIRST_4',
    'SET_124',
    'SET_134',
    'SET_234',
    'SECONDS',
    'MOST_RIGHT',
  ],
  ...['PAY_NET_RATE', 'REFUND', 'CARRY'],
);

/** A rate from 0 to 1. */
export const rate: Check = (v) => {
  if (typeof v !== 'string' || !RATE.test(v))
    return 'must be a decimal or a fraction in quotes, such as "0.16" or "1/3"';
  const [top = '0', bottom = '1'] = v.split('/');
  return Number(top) <= Number(bottom) ? null : 'must not be above 1';
};

/** A decimal or fraction above zero. */
export const ratioCheck: Check = (v) =>
  typeof v === 'string' && RATE.test(v) && /[1-9]/.test(v.split('/')[0] ?? '')
    ? null
    : 'must be a decimal or a fraction above zero in quotes, such as "2" or "7/3"';

export const listOf =
  (most: number, check: Check): Check =>
  (v) => {
    if (!Array.isArray(v) || v.length === 0 || v.length > most) return `must be a list of 1 to ${most}`;
    const bad = v.map(check).findIndex((problem) => problem !== null);
    return bad < 0 ? null : `entry ${bad} ${check(v[bad])}`;
  };

export const record =
  (fields: Readonly<Record<string, Check>>, needed: readonly string[]): Check =>
  (v) => {
    if (typeof v !== 'object' || v === null || Array.isArray(v)) return 'must be an object';
    const missing = needed.find((name) => !Object.hasOwn(v, name));
    if (missing) return `needs ${missing}`;
    for (const [name, value] of Object.entries(v)) {
      const problem = Object.hasOwn(fields, name) ? fields[name]?.(value) : 'is not known';
      if (problem) return `has ${name}, which ${problem}`;
    }
    return null;
  };

export const minimumSteps = listOf(8, record({ atMost: amount, below: amount, pay: amount }, ['pay']));
export const flag: Check = (v) => (typeof v === 'boolean' ? null : 'must be true or false');
export const placeSteps = listOf(
  8,
  record({ from: whole(1, 99), places: whole(1, 9), handicap: flag }, ['from', 'places']),
);
export const displaySteps = listOf(8, record({ below: positive, step: positive }, ['step']));

export const tierRule = record(
  { name: text, share: rate, ratio: ratioCheck, group: text, uncovered: oneOf('MERGE', 'CARRY', 'JACKPOT') },
  ['name', 'share'],
);
export const hundreds: Check = (v) =>
  whole(100, 1_000_000_000)(v) ?? (Number(v) % 100 === 0 ? null : 'must be a multiple of 100');
export const flexiRule = record({ percentOf: hundreds, least: whole(1, 100) }, ['percentOf', 'least']);
export const weights: Check = (v) => {
  if (typeof v !== 'object' || v === null || Array.isArray(v)) return 'must be an object of weights by tier';
  const bad = Object.entries(v).find(([, weight]) => ratioCheck(weight) !== null);
  return bad ? `has ${bad[0]}, which ${ratioCheck(bad[1])}` : null;
};

export const legRules = record(
  {
    right: oneOf('WINNER', 'PLACED'),
    scratch: oneOf('FAVOURITE', 'REFUND', 'CONSOLATION'),
    leastRun: whole(1, 12),
    firstMustRun: flag,
    refundNone: flag,
    lower: oneOf('EXACT', 'MOST'),
    carryTo: oneOf('FIRST', 'SHARES'),
    carryCapMinor: whole(1, Number.MAX_SAFE_INTEGER),
    leastPaid: amount,
    wholeMinor: whole(1, 1_000_000),
  },
  ['right', 'scratch', 'leastRun', 'lower', 'carryTo'],
);
