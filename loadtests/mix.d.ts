/** Types of the bets' mix, for the generators that are TypeScript. */

export interface RaceOnSale {
  readonly runners: readonly string[];
  readonly pools: readonly { readonly poolId: string; readonly type: string; readonly minStake: number }[];
}

export interface DrawnBet {
  readonly betRef: string;
  readonly poolId: string;
  readonly form: 'STRAIGHT' | 'BOX';
  readonly columns?: readonly (readonly string[])[];
  readonly runners?: readonly string[];
  readonly unitStake: number;
  readonly stake: number;
}

/** Whether any bet of the mix can be placed on the race. */
export function isPlayable(race: RaceOnSale): boolean;

/** One bet on one of the races, all of which are playable; `random` draws from 0 to 1. */
export function betOn(races: readonly RaceOnSale[], random: () => number): DrawnBet;
