/** What every priced line shares: winning stakes as given, and a sheet as a line. */
import { parseRatio, type Ratio, ratio, type Sheet, type SourceSheet } from '#mutuel/tote';
import { refuseLine } from './refusal.js';
import type { PriceInput, PriceOutput } from './schema.js';

/** A sheet as a line; `label` writes a key as people read it. */
export function sheetOutput(
  input: PriceInput,
  ruleSetName: string | null,
  sheet: Sheet,
  label: (key: string) => string = (key) => key,
): PriceOutput {
  return {
    ...(input.id === undefined ? {} : { id: input.id }),
    ruleSet: ruleSetName,
    outcome: sheet.outcome,
    gross: sheet.grossMinor,
    refunds: sheet.refundsMinor,
    takeout: sheet.takeoutMinor,
    // The takeout of a gross carry-in can be more than the day's own money.
    net: Math.max(0, sheet.netMinor),
    carryIn: sheet.carryInMinor,
    dividends: sheet.dividends.map(({ tier, c, price, exact, stakeMinor, paidMinor, source }) => ({
      tier,
      c: everyTicket(label(c)),
      price,
      exact,
      stake: stakeMinor,
      paid: paidMinor,
      ...(source === undefined ? {} : { source }),
    })),
    tiers: sheet.tiers.map(({ tier, poolMinor }) => ({ tier, pool: poolMinor })),
    refunded: sheet.refundedMinor,
    breakage: sheet.breakageMinor,
    topUp: sheet.topUpMinor,
    carryOut: sheet.carryOutMinor,
    jackpotIn: sheet.jackpotInMinor,
    jackpot: sheet.jackpotMinor,
    ...(sheet.sources ? { sources: sheet.sources.map(sourceOutput) } : {}),
    steps: [...sheet.steps],
  };
}

/** Nothing but stars is every ticket of its tier, over however many races. */
const everyTicket = (c: string): string => (/^\*(\/\*)+$/.test(c) ? '*' : c);

const sourceOutput = (source: SourceSheet): NonNullable<PriceOutput['sources']>[number] => ({
  id: source.id,
  gross: source.grossMinor,
  takeout: source.takeoutMinor,
  net: source.netMinor,
  paid: source.paidMinor,
  breakage: source.breakageMinor,
});

/** A winning stake as given: minor units, or units of a stated price. */
export function winningStake(
  entry: NonNullable<PriceInput['winning']>[number],
  unit: number | undefined,
  at: string,
): Ratio {
  if (entry.units == null)
    return entry.minor == null
      ? refuseLine('MISSING_FIELD', 'Give minor, or units.', `${at}/minor`)
      : ratio(entry.minor);
  if (entry.minor != null && unit === undefined) return ratio(entry.minor);
  if (unit === undefined) return refuseLine('MISSING_FIELD', 'Units need the price of one unit.', '/unit');
  const units = parseRatio(String(entry.units));
  if (units === null) return refuseLine('INVALID_INPUT', 'Units are a decimal.', `${at}/units`);
  const stake = ratio(units.n * BigInt(unit), units.d);
  const isSame = entry.minor == null || stake.n === BigInt(entry.minor) * stake.d;
  return isSame ? stake : refuseLine('INCONSISTENT', 'The units are another stake than minor.', `${at}/units`);
}
