// The betting slip as a value: which pool, how it is marked, what a line costs, how many lines that makes and the bets
// it becomes. It must never expand the lines it counts (24 runners over five places are 5,100,480 of them) and never
// decide anything: the tote's own quote and decision stand above every figure here.
import type { BetBody } from './wire.js';

export type Form = 'STRAIGHT' | 'BOX' | 'WHEEL' | 'MULTI_LEG';

export interface PoolShape {
  /** Runners a line names. */
  readonly places: number;
  /** Where a line may name more, up to so many: the more it names, the less it pays. */
  readonly upTo?: number;
  readonly ordered: boolean;
  /** Each place is a race of its own, with as many runners marked as one likes. */
  readonly legs?: true;
  readonly label: string;
  readonly hint: string;
}

const legs = (places: number, label: string, hint: string): PoolShape => ({
  places,
  ordered: true,
  legs: true,
  label,
  hint,
});
const ALL_RIGHT = 'The winner of each race.';
const SOME_WRONG = 'The winner of each race; with one or two wrong less is paid.';
const PLACED = 'A placed runner in each race.';

/** What the slip can mark. */
const SHAPES: Readonly<Record<string, PoolShape>> = {
  WIN: { places: 1, ordered: true, label: 'Win', hint: 'Your runner finishes first.' },
  PLACE: { places: 1, ordered: true, label: 'Place', hint: 'Your runner finishes among the placed.' },
  SHOW: { places: 1, ordered: true, label: 'Show', hint: 'Your runner finishes in the first three.' },
  QUINELLA: { places: 2, ordered: false, label: 'Quinella', hint: 'The first two, in either order.' },
  QUINELLA_PLACE: { places: 2, ordered: false, label: 'Quinella place', hint: 'Two of the first three, in any order.' },
  EXACTA: { places: 2, ordered: true, label: 'Exacta', hint: 'The first two, in order.' },
  TRIO: { places: 3, ordered: false, label: 'Trio', hint: 'The first three, in any order.' },
  TRIFECTA: { places: 3, ordered: true, label: 'Trifecta', hint: 'The first three, in order.' },
  SUPERFECTA: { places: 4, ordered: true, label: 'Superfecta', hint: 'The first four, in order.' },
  FIRST4: { places: 4, ordered: false, label: 'First 4', hint: 'The first four, in any order.' },
  QUARTET: { places: 4, ordered: true, label: 'Quartet', hint: 'The first four, in order.' },
  SUPER_HIGH_5: { places: 5, ordered: true, label: 'Super high 5', hint: 'The first five, in order.' },
  TIERCE: { places: 3, ordered: true, label: 'Tiercé', hint: 'The first three; less is paid out of order.' },
  QUARTE: { places: 4, ordered: true, label: 'Quarté+', hint: 'The first four; less is paid out of order.' },
  QUINTE: {
    places: 5,
    ordered: true,
    label: 'Quinté+',
    hint: 'The first five; out of order and 4 or 3 of them pay, too.',
  },
  PICK5_FR: { places: 5, ordered: false, label: 'Pick 5', hint: 'The first five, in any order.' },
  DEUX_SUR_QUATRE: { places: 2, ordered: false, label: '2 sur 4', hint: 'Two of the first four, in any order.' },
  MULTI: {
    places: 4,
    upTo: 7,
    ordered: false,
    label: 'Multi',
    hint: 'The first four among the four to seven you mark.',
  },
  DAILY_DOUBLE: legs(2, 'Daily double', ALL_RIGHT),
  PICK3: legs(3, 'Pick 3', ALL_RIGHT),
  PICK4: legs(4, 'Pick 4', ALL_RIGHT),
  PICK5: legs(5, 'Pick 5', ALL_RIGHT),
  PICK6: legs(6, 'Pick 6', SOME_WRONG),
  PLACEPOT: legs(6, 'Placepot', PLACED),
  QUADPOT: legs(4, 'Quadpot', PLACED),
  JACKPOT: legs(6, 'Jackpot', ALL_RIGHT),
  SCOOP6: legs(6, 'Scoop6', 'The winner of each race; all placed is paid, too.'),
  V4: legs(4, 'V4', ALL_RIGHT),
  V5: legs(5, 'V5', ALL_RIGHT),
  V64: legs(6, 'V64', SOME_WRONG),
  V65: legs(6, 'V65', SOME_WRONG),
  V75: legs(7, 'V75', SOME_WRONG),
  V86: legs(8, 'V86', SOME_WRONG),
  WIN5: legs(5, 'WIN5', ALL_RIGHT),
};

export function shapeOf(type: string): PoolShape | undefined {
  return SHAPES[type];
}

/** `QUINELLA_PLACE` → `Quinella place`, for any pool type. */
export function poolLabel(type: string): string {
  const shape = SHAPES[type];
  if (shape !== undefined) return shape.label;
  const words = type.replaceAll('_', ' ').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const TIERS: Readonly<Record<string, string>> = {
  ORDER: 'in order',
  DISORDER: 'any other order',
  BONUS4: 'bonus, four of the five',
  BONUS3: 'bonus, the first three',
  CONSOLATION: 'consolation',
  WIN_FUND: 'win fund',
  PLACE_FUND: 'place fund',
  BONUS_FUND: 'bonus fund',
  '1NP': 'with one non-runner',
  M4: 'in four',
  M5: 'in five',
  M6: 'in six',
  M7: 'in seven',
};

/** `DISORDER` → `any other order`; a tier such as `5/6` says it by itself. */
export function tierLabel(tier: string): string {
  return TIERS[tier] ?? tier;
}

export function isPair(type: string): boolean {
  const shape = SHAPES[type];
  return shape?.places === 2 && shape.legs === undefined;
}

export interface Slip {
  readonly poolId: string;
  readonly type: string;
  readonly form: Form;
  /** Marked runners, one list a position; a box and single-runner pools use the first list only. */
  readonly columns: readonly (readonly string[])[];
  readonly unitStake: number;
}

export function emptySlip(pool: { poolId: string; type: string }, unitStake: number, form: Form = 'STRAIGHT'): Slip {
  const overRaces = SHAPES[pool.type]?.legs === true;
  return { poolId: pool.poolId, type: pool.type, form: overRaces ? 'MULTI_LEG' : form, columns: [], unitStake };
}

export function columnsOf(slip: Slip): number {
  const shape = SHAPES[slip.type];
  return slip.form === 'BOX' || shape?.upTo !== undefined ? 1 : (shape?.places ?? 1);
}

/** Marks or unmarks a runner. A straight bet has one runner a position and a runner at one position only. */
export function mark(slip: Slip, column: number, runner: string): Slip {
  const { places, upTo } = SHAPES[slip.type] ?? { places: 1 };
  const marked = slip.columns[column]?.includes(runner) === true;
  const columns = Array.from({ length: columnsOf(slip) }, (_, index) => {
    const now = slip.columns[index] ?? [];
    const single = slip.form === 'STRAIGHT' && places > 1 && upTo === undefined;
    if (index !== column) return single && !marked ? now.filter((one) => one !== runner) : now;
    if (marked) return now.filter((one) => one !== runner);
    return single ? [runner] : [...now, runner];
  });
  return { ...slip, columns };
}

/** Marks the whole field at a position, or clears it when it is whole already. */
export function markAll(slip: Slip, column: number, field: readonly string[]): Slip {
  const whole = slip.columns[column]?.length === field.length;
  const columns = Array.from({ length: columnsOf(slip) }, (_, index) =>
    index === column ? (whole ? [] : [...field]) : (slip.columns[index] ?? []),
  );
  return { ...slip, columns };
}

/** Drops runners that may no longer be backed. */
export function without(slip: Slip, scratched: ReadonlySet<string>): Slip {
  // The runners of a leg are another race's, its non-runners too.
  if (slip.form === 'MULTI_LEG') return slip;
  if (!slip.columns.some((column) => column.some((runner) => scratched.has(runner)))) return slip;
  return { ...slip, columns: slip.columns.map((column) => column.filter((runner) => !scratched.has(runner))) };
}

/** The lines the marks make; 0 while they make none. */
export function lines(slip: Slip): number {
  const shape = SHAPES[slip.type];
  if (shape === undefined) return 0;
  const marked = (slip.columns[0] ?? []).length;
  if (shape.places === 1) return marked;
  if (shape.upTo !== undefined) return marked >= shape.places && marked <= shape.upTo ? 1 : 0;
  if (slip.form === 'BOX') return shape.ordered ? falling(marked, shape.places) : choose(marked, shape.places);
  const columns = Array.from({ length: shape.places }, (_, index) => slip.columns[index] ?? []);
  if (columns.some((column) => column.length === 0)) return 0;
  if (shape.legs) return columns.reduce((product, column) => product * column.length, 1);
  return shape.ordered ? orderedWheel(columns) : unorderedWheel(columns);
}

export function cost(slip: Slip): number {
  return lines(slip) * slip.unitStake;
}

/** What is still missing, as a sentence; null when the slip can be sent. */
export function missing(slip: Slip, pool: { minStake: number; unitMultiple: number }): string | null {
  const shape = SHAPES[slip.type];
  if (shape === undefined) return 'This pool has no slip yet.';
  if (lines(slip) === 0) return whatToMark(slip, shape);
  if (slip.unitStake < pool.minStake) return 'BELOW_MIN';
  if (pool.unitMultiple > 0 && slip.unitStake % pool.unitMultiple !== 0) return 'NOT_MULTIPLE';
  if (!Number.isSafeInteger(cost(slip))) return 'That is more than the tote can count.';
  return null;
}

function whatToMark(slip: Slip, shape: PoolShape): string {
  if (shape.places === 1) return 'Mark a runner.';
  if (shape.legs) return 'Mark a runner in each race.';
  if (shape.upTo !== undefined) return `Mark ${shape.places} to ${shape.upTo} runners.`;
  if (slip.form === 'BOX') return `Mark at least ${shape.places} runners for the box.`;
  if (slip.columns.every((column) => column.length === 0)) return 'Mark a runner for each position.';
  return 'Each position needs a runner of its own.';
}

/** The bets of the ticket: single-runner pools become one bet a runner, so that each has its own odds on the receipt. */
export function toBets(slip: Slip): BetBody[] {
  const shape = SHAPES[slip.type];
  if (shape === undefined) return [];
  const common = { poolId: slip.poolId, unitStake: slip.unitStake };
  if (shape.places === 1) {
    return (slip.columns[0] ?? []).map((runner, index) => ({
      ...common,
      betRef: `b${index + 1}`,
      form: 'STRAIGHT',
      columns: [[runner]],
      stake: slip.unitStake,
    }));
  }
  if (shape.upTo !== undefined) {
    const columns = (slip.columns[0] ?? []).map((runner) => [runner]);
    return [{ ...common, betRef: 'b1', form: 'STRAIGHT', columns, stake: cost(slip) }];
  }
  const marks =
    slip.form === 'BOX'
      ? { runners: [...(slip.columns[0] ?? [])] }
      : { columns: slip.columns.map((column) => [...column]) };
  return [{ ...common, betRef: 'b1', form: slip.form, ...marks, stake: cost(slip) }];
}

/** The marks as a person says them: `4 › 7 › 1, 2`, `4, 7, 1 boxed`. */
export function readout(slip: {
  form: string;
  columns?: readonly (readonly string[])[];
  runners?: readonly string[];
}): string {
  const runners = slip.runners ?? slip.columns?.[0] ?? [];
  if (slip.form === 'BOX') return `${runners.join(', ')} boxed`;
  return (slip.columns ?? []).map((column) => column.join(', ')).join(' › ');
}

/** The same of a selection's compact text as the tote keeps it: `BOX:4,7,1` → `4, 7, 1 boxed`. */
export function selectionReadout(selection: string): string {
  const [head, rest] = selection.includes(':') ? selection.split(':', 2) : ['', selection];
  const text = (rest ?? '').replaceAll(',', ', ').replaceAll('>', ' › ').replaceAll('|', ' with ');
  if (head === '') return text;
  return head === 'BOX' ? `${text} boxed` : `${text} (${(head ?? '').toLowerCase().replaceAll('_', ' ')})`;
}

function falling(n: number, k: number): number {
  let product = 1;
  for (let step = 0; step < k; step += 1) product *= Math.max(0, n - step);
  return product;
}

function choose(n: number, k: number): number {
  return falling(n, k) / falling(k, k);
}

/**
 * Distinct runners at the positions, each from its own column: the permanent of a 0/1 matrix, folded runner by runner over
 * the set of positions already filled, so that the work grows with runners × 2^positions and not with the lines.
 */
function orderedWheel(columns: readonly (readonly string[])[]): number {
  const size = 2 ** columns.length;
  let ways = new Array<number>(size).fill(0);
  ways[0] = 1;
  for (const runner of new Set(columns.flat())) {
    const next = [...ways];
    for (let filled = 0; filled < size; filled += 1) {
      columns.forEach((column, position) => {
        const bit = 2 ** position;
        if ((filled & bit) !== 0 || !column.includes(runner)) return;
        next[filled | bit] = (next[filled | bit] ?? 0) + (ways[filled] ?? 0);
      });
    }
    ways = next;
  }
  return ways[size - 1] ?? 0;
}

/** Sets of runners that can fill the columns in some arrangement; at most three columns of at most 24 runners. */
function unorderedWheel(columns: readonly (readonly string[])[]): number {
  const field = [...new Set(columns.flat())];
  const fits = (set: readonly string[], rest: readonly (readonly string[])[]): boolean =>
    set.length === 0 ||
    rest.some(
      (column, index) =>
        column.includes(set[0] ?? '') &&
        fits(
          set.slice(1),
          rest.filter((_, at) => at !== index),
        ),
    );
  const count = (from: number, set: readonly string[]): number => {
    if (set.length === columns.length) return fits(set, columns) ? 1 : 0;
    let total = 0;
    for (let index = from; index < field.length; index += 1) total += count(index + 1, [...set, field[index] ?? '']);
    return total;
  };
  return count(0, []);
}
