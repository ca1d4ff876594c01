/**
 * The pari-mutuel mathematics: rule sets, selections, what wins, what is paid, what odds to show. Pure functions over
 * plain values; imports nothing, knows no clock, no randomness and no I/O.
 */

export { choose } from './combinatorics.js';
export {
  type Coupling,
  combinationText,
  compareRunners,
  type Field,
  isRunnerName,
  runningInterests,
  scratchedInterests,
} from './field.js';
export type { Finish } from './finish.js';
export { type Form, inOwnForm, type Orders, type Selection, selectionText } from './formula.js';
export { combinationMatches, keyLabel, keyMembers } from './keys.js';
export type { LegPricingInput } from './leg-money.js';
export { combinationPrice, type LegOddsMoney, willPayKeys, willPays } from './leg-odds.js';
export {
  type Consolation,
  favouriteOf,
  type Leg,
  type LegResult,
  legKeys,
  legResult,
  refundedLegRunners,
  rungFor,
} from './leg-pools.js';
export { priceLegs } from './leg-price.js';
export type { LegRules } from './leg-rules.js';
export {
  countLegs,
  expandLegs,
  type LegCover,
  type LegKey,
  type LegTest,
  legKeyLabel,
  legsWithout,
  linesByRight,
  readLegKey,
} from './legs.js';
export type { Cover } from './lines.js';
export { type NetInput, priceNet, type SourceMoney } from './net-price.js';
export {
  type OddsLine,
  type OddsMoney,
  type OddsPlan,
  type Probables,
  type ProbablesInput,
  planOdds,
  probables,
  quotePool,
} from './odds.js';
export {
  type Arrangement,
  isPoolType,
  type PoolShape,
  type PoolType,
  poolShapes,
  poolTypes,
  shapeOf,
} from './pool-type.js';
export { isPriced, placesPaid, type Rung, type RungKey, type RungPart, resultKeys, tooFewRunners } from './pools.js';
export { type PricingInput, pricePool, priceRungs, type RungInput, type StakeOn } from './price.js';
export { compare, parseRatio, type Ratio, ratio, ratioText } from './ratio.js';
export { isRefusal, ToteFault, type ToteRefusal, type ToteRefusalCode } from './refusal.js';
export {
  frenchReport,
  type ReportPart,
  type ReportRules,
  type RolledReport,
  rolledUnit,
  rollReport,
} from './report.js';
export {
  type CorrectionPolicy,
  DEFAULT_MAX_LINES,
  type DisplayStep,
  type JackpotRule,
  type MinimumStep,
  type PlaceStep,
  type RuleSet,
  type RungName,
  type Split,
  type TierRule,
  type UniqueRule,
} from './rule-set.js';
export {
  isRuleSet,
  noJackpotBy,
  overlaps,
  type RuleProblem,
  ruleSetFields,
  validateRuleSet,
  validateRuleSets,
} from './rule-set-check.js';
export { ruleSetById, ruleSetFor, ruleSetNames, ruleSets } from './rule-sets.js';
export {
  countSelection,
  expandLines,
  lineCounter,
  linesMatching,
  linesWithout,
  namesAnyOf,
  type ReadSelection,
  readSelection,
  resolveSelection,
  type SelectionRules,
} from './selection.js';
export { type Dividend, payoutMinor, type Sheet, type SourceSheet } from './sheet.js';
export { type LineStakes, lineStakes } from './stakes.js';
export { keptNonRunners, tierNamesOf } from './tier-keys.js';
export { TierStakes } from './tier-odds.js';
