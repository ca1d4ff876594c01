/** Types of the bets' mix, for the generators that are TypeScript. */

export interface RaceOnSale {
  readonly raceId: string;
  readonly runners: readonly string[];
  readonly types: readonly string[];
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

export function betOn(races: readonly RaceOnSale[], random: () => number): DrawnBet;
