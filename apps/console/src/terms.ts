// What a pool is played for beside its bets, in words: what was carried in, jackpot money, a guarantee, the last day.
import { type Currency, wholeMoney } from './money.js';
import type { PoolTerms } from './wire.js';

export function termsWords(
  { carryIn = 0, jackpotIn = 0, guarantee = 0, mandatory }: PoolTerms,
  unit: Currency,
): string[] {
  return [
    ...(carryIn > 0 ? [`with ${wholeMoney(carryIn, unit)} carried in`] : []),
    ...(jackpotIn > 0 ? [`with ${wholeMoney(jackpotIn, unit)} of jackpot`] : []),
    ...(guarantee > 0 ? [`${wholeMoney(guarantee, unit)} guaranteed`] : []),
    ...(mandatory ? ['all of it is paid today'] : []),
  ];
}
