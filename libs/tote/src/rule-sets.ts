/**
 * The rule sets that ship with the system, and how one is found by name and day. A new jurisdiction is one data file in
 * `rule-sets/` and one line here.
 */
import type { PoolType } from './pool-type.js';
import type { RuleSet } from './rule-set.js';
import { australiaRuleSets } from './rule-sets/australia.js';
import { franceRuleSets } from './rule-sets/france.js';
import { hongKongRuleSets } from './rule-sets/hong-kong.js';
import { japanRuleSets } from './rule-sets/japan.js';
import { swedenRuleSets } from './rule-sets/sweden.js';
import { unitedKingdomRuleSets } from './rule-sets/united-kingdom.js';
import { unitedStatesRuleSets } from './rule-sets/united-states.js';

export const ruleSets: readonly RuleSet[] = [
  ...franceRuleSets,
  ...unitedStatesRuleSets,
  ...unitedKingdomRuleSets,
  ...hongKongRuleSets,
  ...japanRuleSets,
  ...swedenRuleSets,
  ...australiaRuleSets,
];

/** Other names that outsiders may use. */
const aliases: ReadonlyMap<string, string> = new Map([['US-STANDARD', 'US']]);

const byId: ReadonlyMap<string, RuleSet> = new Map(ruleSets.map((rules) => [rules.id, rules]));

/** The rule set of exactly this id (`FR-WIN@2026-01-01`), or null. */
export const ruleSetById = (id: string): RuleSet | null => byId.get(id) ?? null;

/** Names that `ruleSetFor` knows, aliases included. */
export const ruleSetNames: readonly string[] = [...new Set(ruleSets.map((rules) => rules.name)), ...aliases.keys()];

/** Written as days are compared here; a month 13 would silently be after every other. */
const DAY = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;

/**
 * The rule set of a name for a pool type. `FR` is the newest; `FR@2002-01-01` (or `onDate`) the one in force on that
 * day. Null when there is none.
 */
export function ruleSetFor(name: string, poolType: PoolType, onDate?: string): RuleSet | null {
  const [asked = '', dated] = name.split('@');
  const day = dated ?? onDate;
  if (day !== undefined && !DAY.test(day)) return null;
  const known = aliases.get(asked) ?? asked;
  const inForce = ruleSets.filter(
    (rules) => rules.name === known && rules.poolType === poolType && (day === undefined || rules.validFrom <= day),
  );
  return inForce.sort((a, b) => (a.validFrom < b.validFrom ? 1 : -1))[0] ?? null;
}
