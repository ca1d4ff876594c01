/**
 * The price command on generated races of every rule set: a line with all stakes and the result is answered as the library
 * prices the race; the answer's own winners beside the result, and the whole sheet read back, give the same dividends again.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AuditedPoolType, auditedPoolTypes } from '#mutuel/audit';
import { priceLine } from '#mutuel/pricing';
import {
  expandLines,
  keptNonRunners,
  keyLabel,
  linesWithout,
  type RuleSet,
  ruleSets,
  scratchedInterests,
} from '#mutuel/tote';
import { type LegRace, legRaceOf, readLegBets, symbolicLegs } from './support/leg-races.js';
import { jackpotInOf, type Race, raceOf, readBets, symbolic } from './support/races.js';

const RACES = 12;
const SEED = 20_261_122;

interface Dividend {
  readonly tier: string;
  readonly c: string;
  readonly price: string;
  readonly stake: number;
}

const audited = ruleSets.filter(({ poolType }) => auditedPoolTypes.some((type) => type === poolType));

/** Every second bet as its lines, the others as their formula; complements are a formula always. What was given back is left out. */
function raceStakes(race: Race, rules: RuleSet): readonly { readonly c: string; readonly minor: number }[] {
  const out = scratchedInterests(race.field, rules.coupling);
  return readBets(race, rules).flatMap(({ read, unitMinor }, no) => {
    if (no % 2 === 0 && read.complement === undefined)
      return [...expandLines(read)].map((c) => ({ c, minor: unitMinor }));
    const minor = linesWithout(read, out, keptNonRunners(rules)) * unitMinor;
    return minor > 0 ? [{ c: read.text, minor }] : [];
  });
}

/** Prices by tier and combination; ones that pay nothing are left out. */
const byName = (dividends: readonly Dividend[]): Record<string, string> =>
  Object.fromEntries(
    dividends.map(({ tier, c, price }) => [`${tier} ${c}`, price] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
  );

function answerOf(line: object): { readonly dividends: readonly Dividend[] } & Record<string, unknown> {
  const answer = priceLine(line);
  if ('error' in answer) throw new Error(`${JSON.stringify(answer.error)} for ${JSON.stringify(line).slice(0, 800)}`);
  return answer as never;
}

describe('a race as a line of the price command', () => {
  it.each(audited.map((rules) => [rules.id, rules] as const))('%s', (_id, rules) => {
    fc.assert(
      fc.property(raceOf(rules.poolType as AuditedPoolType), (race) => {
        const stakes = raceStakes(race, rules);
        fc.pre(race.finish.length > 0 && stakes.length > 0);
        const sheet = symbolic(race, rules, readBets(race, rules));
        const line = {
          rules,
          pool: { type: rules.poolType },
          runners: race.field,
          result: race.finish,
          carryIn: race.carryInMinor,
          guarantee: race.guaranteeMinor,
          jackpotIn: jackpotInOf(race, rules),
        };
        const answer = priceLine({ ...line, stakes });
        if ('error' in answer && answer.error.code === 'TOO_FEW_RUNNERS') return;
        const first = answerOf({ ...line, stakes });
        expect(byName(first.dividends)).toEqual(
          byName(sheet.dividends.map(({ tier, c, price }) => ({ tier, c: keyLabel(c), price, stake: 0 }))),
        );
        if (first.dividends.length === 0) return;
        const gross = { gross: sheet.grossMinor + sheet.refundsMinor, refunds: sheet.refundsMinor };
        const winning = first.dividends.map(({ tier, c, stake }) => ({ tier, c, minor: stake }));
        expect(byName(answerOf({ ...line, ...gross, winning }).dividends)).toEqual(byName(first.dividends));
      }),
      { seed: SEED, numRuns: RACES },
    );
  });
});

/** A bet's whole stake, its reserves behind a plus. */
const legStakes = (race: LegRace, rules: RuleSet): readonly { readonly c: string; readonly minor: number }[] =>
  readLegBets(race, rules).map(({ read, bet: { unitMinor } }) => ({
    c: read.text,
    minor: read.lines * Number(unitMinor),
  }));

describe('a pool over several races as a line of the price command', () => {
  it.each(ruleSets.filter(({ legs }) => legs).map((rules) => [rules.id, rules] as const))('%s', (_id, rules) => {
    fc.assert(
      fc.property(legRaceOf(rules), (race) => {
        const { carryInMinor, jackpotInMinor, guaranteeMinor, mandatory } = race;
        const stakes = legStakes(race, rules);
        fc.pre(stakes.length > 0);
        const sheet = symbolicLegs(race, rules, readLegBets(race, rules));
        const line = {
          rules,
          pool: { type: rules.poolType },
          legs: race.legs.map(({ declared, scratched, entries, scratchedAfterClose, favourite, finish }) => ({
            runners: { declared, scratched, entries },
            scratchedAfterClose,
            favourite,
            cancelled: finish === null,
          })),
          results: race.legs.map(({ finish }) => finish),
          carryIn: carryInMinor,
          jackpotIn: jackpotInMinor,
          guarantee: guaranteeMinor,
          mandatory,
        };
        const first = answerOf({ ...line, stakes });
        const shown = sheet.dividends.map(({ tier, price, stakeMinor }) => `${tier} ${price} ${stakeMinor}`).sort();
        expect(first.dividends.map(({ tier, price, stake }) => `${tier} ${price} ${stake}`).sort()).toEqual(shown);
        // A consolation is divided by stakes that a sheet does not show.
        if (first.dividends.length === 0 || first.dividends.some(({ tier }) => tier === 'CONSOLATION')) return;
        const gross = { gross: sheet.grossMinor + sheet.refundsMinor, refunds: sheet.refundsMinor };
        const winning = first.dividends.map(({ tier, c, stake }) => ({ tier, c, minor: stake }));
        expect(byName(answerOf({ ...line, ...gross, winning }).dividends)).toEqual(byName(first.dividends));
      }),
      { seed: SEED, numRuns: RACES },
    );
  });
});
