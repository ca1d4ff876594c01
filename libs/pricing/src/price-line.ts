/** `price`: one pool to its dividends. Works out who won from a result, or prices the winning combinations it is given. */
import {
  combinationMatches,
  combinationText,
  type Finish,
  keptNonRunners,
  keyLabel,
  keyMembers,
  lineCounter,
  type NetInput,
  priceNet,
  priceRungs,
  type Ratio,
  type RuleSet,
  type Rung,
  type RungKey,
  ratio,
  resultKeys,
  type Sheet,
  scratchedInterests,
  shapeOf,
  ToteFault,
  tierNamesOf,
} from '#mutuel/tote';
import { type Case, combinationOf, hasStar, membersOf, readCase } from './case.js';
import { isOverLegs } from './leg-case.js';
import { pricedLegs } from './leg-line.js';
import { readAs, refuseLine } from './refusal.js';
import { pricedReport } from './report-line.js';
import { type PriceInput, type PriceOutput, priceInput } from './schema.js';
import { sheetOutput, winningStake } from './sheet-line.js';

/** Prices one line; refusals are thrown as `LineRefused`. */
export function pricedLine(value: unknown): PriceOutput {
  const input = readAs(priceInput, value);
  if (input.pool.type === 'REPORT') return pricedReport(input);
  if (input.parts) refuseLine('INCONSISTENT', `A ${input.pool.type} has no parts.`, '/parts');
  if (isOverLegs(input.pool.type)) return pricedLegs(input);
  const pool = withUnit(readCase(input), input);
  const winning = winningOf(input, pool);
  const hasTiers = tierNamesOf(pool.ruleSet).length > 0;
  if (input.winning === undefined && !input.result && !hasTiers) {
    refuseLine('MISSING_FIELD', 'Give a result with stakes, or the winning combinations.', '/result');
  }
  const rungs = rungsOf(input, pool, winning);
  const sheet = isNet(pool)
    ? priceNet(netInput(input, pool, rungs, winning))
    : priceStandard(input, pool, rungs, winning);
  return sheetOutput(input, pool.ruleSetName, sheet, keyLabel);
}

/** A part-backed pool is measured by the unit that the case states. */
const withUnit = (pool: Case, { unit }: PriceInput): Case =>
  unit === undefined || pool.ruleSet.partUnitMinor === undefined
    ? pool
    : { ...pool, ruleSet: { ...pool.ruleSet, partUnitMinor: unit } };

const isNet = ({ ruleSet, sources }: Case): boolean => sources !== undefined || ruleSet.pricing === 'NET';

function priceStandard(input: PriceInput, pool: Case, rungs: readonly Rung[], winning: Winning): Sheet {
  const { grossMinor, refundsMinor, carryInMinor, netMinor } = pool;
  const gross = grossMinor - refundsMinor;
  const listed = new Set(input.winning?.map(({ tier }) => tier));
  return priceRungs({
    ruleSet: input.result ? pool.ruleSet : unlistedCarried(pool.ruleSet, listed),
    rungs,
    grossMinor,
    refundsMinor,
    carryInMinor,
    jackpotInMinor: input.jackpotIn ?? 0,
    guaranteeMinor: input.guarantee ?? 0,
    ...(netMinor === undefined ? {} : { netMinor }),
    stakeOf: (c, tier) => winning.get(nameOf(tier, c)) ?? (c === '*' ? ratio(gross) : staked(pool, c)),
  });
}

/** One source with the rule set's takeout, where no sources are given. */
function netInput(input: PriceInput, pool: Case, rungs: readonly Rung[], winning: Winning): NetInput {
  const { ruleSet, sources, carryInMinor, netMinor } = pool;
  const beyond = (['jackpotIn', 'guarantee'] as const).find((field) => input[field]);
  if (beyond) refuseLine('NOT_SUPPORTED', `Net pricing knows no ${beyond}.`, `/${beyond}`);
  if (tierNamesOf(ruleSet).length > 0) refuseLine('NOT_SUPPORTED', 'Net pricing knows no tiers.', '/rules/pricing');
  if (netMinor !== undefined) refuseLine('INCONSISTENT', 'Net pricing makes the net pool itself: give stakes.', '/net');
  const own = {
    id: ruleSet.name,
    takeout: ruleSet.takeout,
    grossMinor: pool.grossMinor - pool.refundsMinor,
    stakeOf: (c: string) => winning.get(nameOf(ruleSet.poolType, c)) ?? staked(pool, c),
  };
  const { refundsMinor } = pool;
  if (!sources) return { ruleSet, rungs, carryInMinor, refundsMinor, sources: [own] };
  return {
    ...{ ruleSet, rungs, carryInMinor, refundsMinor },
    sources: sources.map((site) => ({
      id: site.id,
      takeout: site.takeout,
      grossMinor: site.grossMinor,
      stakeOf: (c: string) => staked({ ruleSet, stakes: site.stakes }, c),
    })),
  };
}

/** Stakes on a key: as stated for a key with a star, else of all combinations that match it; and of formulas in any case. */
function staked(
  pool: Pick<Case, 'stakes' | 'ruleSet'> & Partial<Pick<Case, 'formulas' | 'field'>>,
  key: string,
): Ratio {
  const { formulas = [], ruleSet, field = { declared: [] } } = pool;
  if (formulas.length === 0) return listed(pool, key);
  const count = lineCounter(
    ruleSet.poolType,
    key,
    scratchedInterests(field, ruleSet.coupling),
    keptNonRunners(ruleSet),
  );
  return formulas.reduce(
    (sum, { read, minor, lines }) => {
      const won = BigInt(count(read)) * BigInt(minor);
      return lines === 0 ? sum : ratio(sum.n * BigInt(lines) + won * sum.d, sum.d * BigInt(lines));
    },
    listed(pool, key),
  );
}

function listed({ stakes, ruleSet }: Pick<Case, 'stakes' | 'ruleSet'>, key: string): Ratio {
  const stated = stakes.get(key);
  if (stated !== undefined) return ratio(stated);
  if (!hasStar(key) && !key.includes('!') && !isSetOfOrders(ruleSet, key)) return ratio(0);
  let sum = 0;
  for (const [c, minor] of stakes) if (!hasStar(c) && combinationMatches(ruleSet.poolType, c, key)) sum += minor;
  return ratio(sum);
}

const isSetOfOrders = ({ poolType }: RuleSet, key: string): boolean =>
  key.includes('-') && shapeOf(poolType).arrangement === 'ORDERED' && poolType !== 'QUARTET';

/** Who won by a result; refused where so many are tied that the combinations are not listed. */
function winnersBy(result: Finish, { ruleSet, field }: Case): readonly Rung[] {
  try {
    return resultKeys(ruleSet, field, result);
  } catch (error) {
    if (!(error instanceof ToteFault)) throw error;
    const crowd = result.reduce((most, rank, i) => (rank.length > (result[most]?.length ?? 0) ? i : most), 0);
    return refuseLine('TOO_MANY_DEAD_HEATERS', `The dead heat is too large: ${error.message}.`, `/result/${crowd}`);
  }
}

// Winning combinations as given.

/** Stake by tier and key. */
type Winning = ReadonlyMap<string, Ratio>;

const nameOf = (tier: string, c: string): string => `${tier} ${c}`;

function winningOf(input: PriceInput, pool: Case): Winning {
  const winning = new Map<string, Ratio>();
  const most = pool.grossMinor - pool.refundsMinor;
  const keys = input.result ? winnersBy(input.result, pool).flatMap((rung) => rung.keys) : [];
  input.winning?.forEach((entry, index) => {
    const at = `/winning/${index}`;
    const tier = tierOf(pool.ruleSet, entry.tier, at);
    const c = winningKey(entry.c, tier, { at: `${at}/c`, pool, keys });
    const name = nameOf(tier, c);
    if (winning.has(name)) refuseLine('INVALID_COMBINATION', `${c} is given twice.`, `${at}/c`);
    const isNamed = entry.minor == null && entry.units == null && (input.stakes ?? input.sources) !== undefined;
    const stake = isNamed ? staked(pool, c) : winningStake(entry, input.unit, at);
    if (stake.n > BigInt(most) * stake.d)
      refuseLine('INCONSISTENT', `The stake on ${c} is more than the gross pool.`, at);
    winning.set(name, stake);
  });
  return winning;
}

function tierOf(ruleSet: RuleSet, tier: string | undefined, at: string): string {
  const known = tierNamesOf(ruleSet);
  if (known.length === 0) {
    if (tier === undefined || tier === ruleSet.poolType) return ruleSet.poolType;
    return refuseLine('UNKNOWN_TIER', `A ${ruleSet.poolType} pool has the one tier ${ruleSet.poolType}.`, `${at}/tier`);
  }
  if (tier === undefined) return known.length === 1 ? (known[0] ?? '') : missingTier(known, at);
  return known.includes(tier)
    ? tier
    : refuseLine('UNKNOWN_TIER', `The tiers here are ${known.join(', ')}.`, `${at}/tier`);
}

const missingTier = (known: readonly string[], at: string): never =>
  refuseLine('MISSING_FIELD', `Name the tier: ${known.join(', ')}.`, `${at}/tier`);

interface KeyContext {
  readonly at: string;
  readonly pool: Case;
  /** The keys of the result, where one stands beside. */
  readonly keys: readonly RungKey[];
}

/**
 * The key of a winning combination. In a tier it may be written as an order, as a set or shorter than a line; beside a
 * result it must be one that wins.
 */
function winningKey(c: string, tier: string, { at, pool, keys }: KeyContext): string {
  if (tierNamesOf(pool.ruleSet).length === 0) return combinationOf(c, at, pool);
  const isOrder = c.includes('>');
  const members = c === '*' ? ['*'] : membersOf(c, isOrder ? '>' : '-', at, pool);
  const text = combinationText(members, isOrder ? 'ORDERED' : 'UNORDERED');
  if (keys.length === 0) return text;
  const own = keys.filter((key) => key.tier === tier);
  const named = members.filter((member) => member !== '*');
  const sameSet = (key: RungKey): boolean => {
    const wanted = keyMembers(pool.ruleSet.poolType, keyLabel(key.c)).filter((member) => member !== '*');
    return wanted.length === named.length && wanted.every((member) => named.includes(member));
  };
  const found =
    own.find((key) => key.c === text || keyLabel(key.c) === text) ??
    own.find((key) => !key.c.includes('>') && sameSet(key)) ??
    (own.filter(({ sameAs }) => sameAs === undefined).length === 1 && c === '*' ? own[0] : undefined);
  return found?.c ?? refuseLine('INCONSISTENT', 'This combination wins nothing in its tier by the result.', at);
}

/** Tiers of which nothing is said keep their money: only a result can say that nobody is in them. */
function unlistedCarried(ruleSet: RuleSet, listed: ReadonlySet<string | undefined>): RuleSet {
  if (!ruleSet.tiers) return ruleSet;
  const tiers = ruleSet.tiers.map((tier) => (listed.has(tier.name) ? tier : { ...tier, uncovered: 'CARRY' as const }));
  return { ...ruleSet, tiers };
}

// Rungs.

function rungsOf(input: PriceInput, pool: Case, winning: Winning): readonly Rung[] {
  const { ruleSet } = pool;
  if (!input.result) return [givenRung(ruleSet, [...winning.keys()]), lastRung(ruleSet)];
  if (!pool.hasCard && typeof ruleSet.places === 'object' && input.stakes === undefined) {
    refuseLine('MISSING_FIELD', 'The number of places depends on the card: give runners.', '/runners');
  }
  const rungs = winnersBy(input.result, pool);
  const known = new Set(rungs.flatMap(({ keys }) => keys.map(({ tier, c }) => nameOf(tier, c))));
  const index = [...winning.keys()].findIndex((name) => !known.has(name));
  if (index >= 0 && rungs[0]?.name !== 'TOO_FEW_RUNNERS') {
    refuseLine('INCONSISTENT', 'This combination wins nothing by the result.', `/winning/${index}/c`);
  }
  return rungs;
}

/** The combinations that were given, as the regular result; every ticket (`*`) is the net rate, where that is a rung. */
function givenRung(ruleSet: RuleSet, names: readonly string[]): Rung {
  const { poolType, split, deadHeat, noWinner } = ruleSet;
  const keys = names.map((name) => ({ tier: name.slice(0, name.indexOf(' ')), c: name.slice(name.indexOf(' ') + 1) }));
  const isAll = keys.length === 1 && keys[0]?.c === '*' && noWinner.includes('PAY_NET_RATE');
  const tiers = tierNamesOf(ruleSet);
  const parts = (tiers.length > 0 ? tiers : [poolType]).map((tier) => {
    const own = keys.filter((key) => key.tier === tier).map(({ c }) => c);
    return { tier, slots: split === 'SINGLE_PRICE' ? 1 : own.length, keys: own };
  });
  return {
    rung: 0,
    name: isAll ? 'PAY_NET_RATE' : 'RESULT',
    how: split === 'SINGLE_PRICE' && keys.length > 1 ? deadHeat : split,
    keys: keys.map((key) => (isOnePrice(key.tier) ? { ...key, ...sameAs(keys, key) } : key)),
    parts,
  };
}

/** Tiers in which every winning combination has one price. */
const isOnePrice = (tier: string): boolean => /^(BONUS\d|M\d|\dNP)$/.test(tier);

function sameAs(keys: readonly RungKey[], key: RungKey): { readonly sameAs?: string } {
  const main = keys.find(({ tier }) => tier === key.tier);
  return main && main.c !== key.c ? { sameAs: main.c } : {};
}

/** Where the ladder ends, when no winning combination is known to be covered; tiers then keep their money. */
function lastRung(ruleSet: RuleSet): Rung {
  const { poolType, noWinner, split } = ruleSet;
  const end = noWinner.find((name) => name === 'REFUND' || name === 'CARRY' || name === 'PAY_NET_RATE') ?? 'REFUND';
  if (tierNamesOf(ruleSet).length > 0) return { rung: 1, name: 'CARRY', how: 'CARRY', keys: [], parts: [] };
  if (end !== 'PAY_NET_RATE')
    return { rung: 1, name: end, how: end === 'CARRY' ? 'CARRY' : 'REFUND', keys: [], parts: [] };
  return { rung: 1, name: end, how: split, keys: [{ tier: poolType, c: '*' }], parts: [{ slots: 1, keys: ['*'] }] };
}
