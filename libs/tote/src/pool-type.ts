/**
 * The pool types and the shape of one line in each: how many runners it names and whether their order counts. Only the
 * shape: what wins is in `pools.ts`, what is paid is in the rule sets. Never a place for a jurisdiction's figures.
 */

/** ORDERED `4>7>1`, UNORDERED `4-7-1`, LEGS `3/1/2` (one runner in each of several races). */
export type Arrangement = 'ORDERED' | 'UNORDERED' | 'LEGS';

/** `picks`: runners named by one line (or legs). */
export interface PoolShape {
  readonly picks: number;
  readonly arrangement: Arrangement;
}

const ordered = (picks: number): PoolShape => ({ picks, arrangement: 'ORDERED' });
const unordered = (picks: number): PoolShape => ({ picks, arrangement: 'UNORDERED' });
const legs = (picks: number): PoolShape => ({ picks, arrangement: 'LEGS' });

/** Any runner, in the text of a combination. */
export const STAR = '*';

export const poolShapes = {
  WIN: ordered(1),
  PLACE: ordered(1),
  SHOW: ordered(1),
  QUINELLA: unordered(2),
  QUINELLA_PLACE: unordered(2),
  EXACTA: ordered(2),
  TRIO: unordered(3),
  TRIFECTA: ordered(3),
  SUPERFECTA: ordered(4),
  FIRST4: unordered(4),
  QUARTET: ordered(4),
  SUPER_HIGH_5: ordered(5),
  TIERCE: ordered(3),
  QUARTE: ordered(4),
  QUINTE: ordered(5),
  PICK5_FR: unordered(5),
  DEUX_SUR_QUATRE: unordered(2),
  MULTI: unordered(4),
  DAILY_DOUBLE: legs(2),
  PICK3: legs(3),
  PICK4: legs(4),
  PICK5: legs(5),
  PICK6: legs(6),
  PLACEPOT: legs(6),
  QUADPOT: legs(4),
  JACKPOT: legs(6),
  SCOOP6: legs(6),
  V4: legs(4),
  V5: legs(5),
  V64: legs(6),
  V65: legs(6),
  V75: legs(7),
  V86: legs(8),
  WIN5: legs(5),
  REPORT: legs(2),
} as const satisfies Record<string, PoolShape>;

export type PoolType = keyof typeof poolShapes;

export const poolTypes = Object.keys(poolShapes) as readonly PoolType[];

export const isPoolType = (text: string): text is PoolType => Object.hasOwn(poolShapes, text);

export const shapeOf = (type: PoolType): PoolShape => poolShapes[type];
