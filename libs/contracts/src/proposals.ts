/**
 * What calculators of dividends must have in common besides their results: the hash over what they priced. Each works it out from its
 * own fold, so that two that agree by chance on different stakes are told apart.
 */
import { sha256 } from './records.js';

export interface PricedStake {
  readonly c: string;
  /** Minor units. */
  readonly stakeMinor: number;
}

/** Over pool, result version, standing gross, and the stake on every winning combination, in the order of their texts. */
export function proposalInputHash(
  pool: string,
  version: number,
  grossMinor: number,
  stakes: readonly PricedStake[],
): string {
  const sorted = stakes.map(({ c, stakeMinor }) => `${c}=${stakeMinor}`).sort();
  return sha256(`proposal|${pool}|${version}|${grossMinor}|${sorted.join('|')}`);
}
