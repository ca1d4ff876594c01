/**
 * Pools of several tiers: each has its share of the net pool; tiers that nobody is in hand theirs on; neighbours whose prices
 * stand in too small a ratio are one pool with weights. Step by step as the rules say it, in exact fractions.
 */
import { broken, dividend, exactPrices, type Money, raised, raisedUnit, sheet } from './formulas.js';
import { type Fraction, floor, less, minus, ONE, over, plus, read, sum, times, whole, ZERO } from './fraction.js';
import { bestRank, type Rank, tierNames } from './ranks.js';
import type { AuditPool, AuditTier, DividendSheet, LineStake, SheetDividend } from './sheet.js';

/** Lines of one tier that have one price. */
interface Group {
  readonly tier: string;
  readonly stakeMinor: bigint;
  /** Its combinations and the stake on each. */
  readonly stakes: ReadonlyMap<string, bigint>;
}

/** Tiers that share one amount, best first; `weights` of their stakes, in the same order. */
interface Pot {
  readonly tiers: readonly string[];
  readonly weights: readonly Fraction[];
  readonly amount: Fraction;
  /** A jackpot for one of several tiers alone. */
  readonly jackpot?: { readonly tier: string; readonly amount: Fraction };
}

/** The sheet of the pool's regular result; undefined when nobody is in any tier. */
export function priceTiers(pool: AuditPool, standing: readonly LineStake[], money: Money): DividendSheet | undefined {
  const groups = groupsOf(pool, standing);
  return groups.length === 0 ? undefined : new TierSettlement(pool, groups, money).sheet();
}

/** The sheet of a pool that nobody is in and that is carried: what its rules put by for a jackpot is put by all the same. */
export const carriedTiers = (pool: AuditPool, money: Money): DividendSheet =>
  new TierSettlement(pool, [], money).carried();

function groupsOf(pool: AuditPool, standing: readonly LineStake[]): readonly Group[] {
  const groups = new Map<string, { tier: string; stakeMinor: bigint; stakes: Map<string, bigint> }>();
  for (const { line, stakeMinor, shape } of standing) {
    const rank: Rank | undefined = bestRank(pool, line, shape);
    if (!rank || stakeMinor === 0n) continue;
    const key = `${rank.tier} ${rank.group}`;
    const group = groups.get(key) ?? { tier: rank.tier, stakeMinor: 0n, stakes: new Map<string, bigint>() };
    group.stakeMinor += stakeMinor;
    group.stakes.set(rank.c, (group.stakes.get(rank.c) ?? 0n) + stakeMinor);
    groups.set(key, group);
  }
  return [...groups.values()];
}

class TierSettlement {
  readonly #dividends: SheetDividend[] = [];
  readonly #tiers: readonly AuditTier[];
  #carryOut = ZERO;
  #jackpot: Fraction;

  constructor(
    private readonly pool: AuditPool,
    private readonly groups: readonly Group[],
    private readonly money: Money,
  ) {
    // Without tiers of its own a pool with weights is one pool from the start.
    this.#tiers =
      pool.ruleSet.tiers ?? tierNames(pool).map((name, no) => ({ name, share: no === 0 ? '1' : '0', group: 'ALL' }));
    this.#jackpot = whole(money.jackpotIn);
  }

  sheet(): DividendSheet {
    const { ruleSet } = this.pool;
    const rate = read(ruleSet.takeout);
    const staked = whole(this.money.gross + (this.money.added ?? 0n));
    const takeout = floor(times(staked, rate));
    const net = times(staked, minus(ONE, rate));
    const rest = this.#lessFixed(this.#lessJackpot(net));
    if (ruleSet.tierProfit) this.#payProfit(this.#handedOn(this.#pots(rest)), ruleSet.tierProfit);
    else for (const pot of this.#merged(this.#handedOn(this.#pots(rest)))) this.#payPot(pot);
    const jackpot = floor(this.#jackpot);
    return sheet(this.money, 'PAID', { takeout, dividends: this.#dividends, carryOut: floor(this.#carryOut), jackpot });
  }

  carried(): DividendSheet {
    const { gross, carryIn, jackpotIn } = this.money;
    const taken = times(whole(gross), read(this.pool.ruleSet.takeout));
    this.#handedOn(this.#pots(this.#lessJackpot(minus(whole(gross), taken))));
    const [takeout, jackpot] = [floor(taken), floor(this.#jackpot)];
    const carryOut = gross - takeout + carryIn + jackpotIn - jackpot;
    return sheet(this.money, 'CARRIED', { takeout, jackpot, carryOut });
  }

  #inTier = (tier: string): readonly Group[] => this.groups.filter((group) => group.tier === tier);
  #staked = (tier: string): Fraction =>
    whole(this.#inTier(tier).reduce((stakes, { stakeMinor }) => stakes + stakeMinor, 0n));
  #isCovered = ({ tiers }: Pot): boolean => tiers.some((tier) => this.#inTier(tier).length > 0);

  /** What the pool gives to its reserve before anybody shares. */
  #lessJackpot(net: Fraction): Fraction {
    const { jackpot } = this.pool.ruleSet;
    if (!jackpot) return net;
    const given = times(jackpot.of === 'NET' ? net : whole(this.money.gross), read(jackpot.share));
    this.#jackpot = plus(this.#jackpot, given);
    return minus(net, given);
  }

  /** A tier without a share, a ratio and a weight is paid the least price first. */
  #lessFixed(net: Fraction): Fraction {
    const { ruleSet } = this.pool;
    let left = net;
    for (const tier of this.#tiers.filter((one) => this.#isFixed(one))) {
      const price = read(typeof ruleSet.minimum === 'string' ? ruleSet.minimum : '1');
      for (const group of this.#inTier(tier.name)) this.#payGroup(group, price);
      left = minus(left, times(price, this.#staked(tier.name)));
    }
    return left;
  }

  #isFixed({ name, share, ratio, group }: AuditTier): boolean {
    const no = this.#tiers.findIndex((tier) => tier.name === name);
    const above = this.#tiers[no - 1];
    const weighs = this.pool.ruleSet.weights?.[name] !== undefined || group !== undefined;
    return less(read(share), { n: 1n, d: 10n ** 12n }) && ratio === undefined && above?.ratio === undefined && !weighs;
  }

  #pots(net: Fraction): readonly Pot[] {
    const stated = sum(this.#tiers.map(({ share }) => read(share)));
    const jackpot = this.#jackpotWon(times(net, minus(ONE, stated)));
    const pots: Pot[] = [];
    for (const tier of this.#tiers) {
      if (this.#isFixed(tier)) continue;
      const first = pots.length === 0 ? whole(this.money.carryIn) : ZERO;
      const shares = this.#sharesPot(tier);
      const won = jackpot.tier === tier.name ? jackpot.amount : ZERO;
      const amount = sum([times(net, read(tier.share)), first, shares ? ZERO : won]);
      const own = shares && won.n > 0n ? { jackpot: { tier: tier.name, amount: won } } : {};
      const weight = read(this.pool.ruleSet.weights?.[tier.name] ?? '1');
      const before = pots.at(-1);
      const sameGroup = before && tier.group !== undefined && this.#tierOf(before.tiers[0]).group === tier.group;
      if (!sameGroup) pots.push({ tiers: [tier.name], weights: [weight], amount, ...own });
      else
        pots[pots.length - 1] = {
          ...before,
          ...own,
          tiers: [...before.tiers, tier.name],
          weights: [...before.weights, weight],
          amount: plus(before.amount, amount),
        };
    }
    return pots;
  }

  /** Whether a tier of the pool's own rules is in one pot with others from the start. */
  #sharesPot({ group }: AuditTier): boolean {
    const { tiers } = this.pool.ruleSet;
    return tiers !== undefined && group !== undefined && tiers.filter((tier) => tier.group === group).length > 1;
  }

  /** The jackpot goes to a single winner where the rules ask for one, else to the first tier if anybody is in it. */
  #jackpotWon(missing: Fraction): { readonly tier?: string; readonly amount: Fraction } {
    const { unique, tiers } = this.pool.ruleSet;
    const isWeighed = tiers === undefined;
    const tier = unique?.tier ?? this.#tiers[0]?.name ?? '';
    const staked = this.#staked(tier);
    // With too few finishers nobody has named them all, and the jackpot goes back.
    const whose = isWeighed ? this.groups : this.#inTier(tier);
    const full = whose.some(({ stakes }) => [...stakes.keys()].some((c) => !c.includes('*')));
    const isWon = unique ? staked.n === BigInt(unique.unit) : full;
    const putUp = whole(this.money.jackpotIn);
    if (!isWon) {
      this.#jackpot = plus(this.#jackpot, missing);
      return { amount: ZERO };
    }
    this.#jackpot = minus(this.#jackpot, putUp);
    return { tier, amount: plus(putUp, missing) };
  }

  #tierOf = (name: string | undefined): AuditTier => this.#tiers.find((tier) => tier.name === name) as AuditTier;

  #handedOn(pots: readonly Pot[]): readonly Pot[] {
    const left = pots.filter((pot) => this.#isCovered(pot)).map((pot) => ({ ...pot }));
    for (const [no, pot] of pots.entries()) {
      if (this.#isCovered(pot)) continue;
      const { noWinner } = this.pool.ruleSet;
      const rule = this.#tierOf(pot.tiers[0]).uncovered ?? (noWinner.at(-1) === 'CARRY' ? 'CARRY' : 'MERGE');
      if (rule === 'CARRY') this.#carryOut = plus(this.#carryOut, pot.amount);
      else if (rule === 'JACKPOT') this.#jackpot = plus(this.#jackpot, pot.amount);
      else {
        const below = pots.slice(no + 1).find((one) => this.#isCovered(one));
        const above = [...pots.slice(0, no)].reverse().find((one) => this.#isCovered(one));
        const heir = left.find((one) => one.tiers[0] === (below ?? above)?.tiers[0]);
        if (heir) heir.amount = plus(heir.amount, pot.amount);
      }
    }
    return left;
  }

  /**
   * The stakes come back to all tiers first, the profit is shared. INCREMENTS: each tier's part over its own stakes and
   * those of all better ones, which are paid it on top. OWN: over its own; no tier may then be paid more than a better one.
   */
  #payProfit(pots: readonly Pot[], how: 'OWN' | 'INCREMENTS'): void {
    const total = sum(pots.map(({ amount }) => amount));
    const staked = pots.map(({ tiers }) => sum(tiers.map(this.#staked)));
    const profit = minus(total, sum(staked));
    const part = pots.map(({ amount }) => times(profit, over(amount, total)));
    const prices = how === 'INCREMENTS' ? increments(part, staked) : uncrossed(part, staked);
    for (const [no, { tiers }] of pots.entries()) {
      const price = raised(plus(ONE, prices[no] as Fraction), this.pool.ruleSet.minimum, this.pool.ruleSet);
      for (const tier of tiers) for (const group of this.#inTier(tier)) this.#payGroup(group, price);
    }
  }

  /** From the bottom: where an upper pot's price is not its ratio times the lower one's, both are one pot. */
  #merged(pots: readonly Pot[]): readonly Pot[] {
    for (let no = pots.length - 2; no >= 0; no--) {
      const [upper, lower] = [pots[no] as Pot, pots[no + 1] as Pot];
      const ratio = this.#tierOf(upper.tiers.at(-1)).ratio;
      if (ratio === undefined) continue;
      const [worst, best] = [this.#price(upper, upper.tiers.length - 1), this.#price(lower, 0)];
      if (!less(worst, times(read(ratio), best))) continue;
      // Stated weights are what stakes weigh in any merged pot; else the ratio that failed is the weight.
      const stated = this.pool.ruleSet.weights !== undefined;
      const wanted = times(read(ratio), lower.weights[0] as Fraction);
      const factor = stated ? ONE : over(wanted, upper.weights.at(-1) as Fraction);
      const merged: Pot = {
        tiers: [...upper.tiers, ...lower.tiers],
        weights: [...upper.weights.map((weight) => times(weight, factor)), ...lower.weights],
        amount: plus(upper.amount, lower.amount),
        ...((upper.jackpot ?? lower.jackpot) && { jackpot: upper.jackpot ?? lower.jackpot }),
      } as Pot;
      return this.#merged([...pots.slice(0, no), merged, ...pots.slice(no + 2)]);
    }
    return pots;
  }

  /** The unbroken price of a pot's tier, one price for all of the tier. */
  #price(pot: Pot, no: number): Fraction {
    return times(this.#unit(pot), pot.weights[no] as Fraction);
  }

  #unit({ tiers, weights, amount }: Pot): Fraction {
    return over(amount, sum(tiers.map((tier, no) => times(this.#staked(tier), weights[no] as Fraction))));
  }

  #payPot(pot: Pot): void {
    const { ruleSet } = this.pool;
    const covered = pot.tiers.filter((tier) => this.#inTier(tier).length > 0);
    const shared = pot.tiers.length > 1;
    if (shared) {
      const unit = this.#unit(pot);
      for (const tier of covered) {
        const weight = pot.weights[pot.tiers.indexOf(tier)] as Fraction;
        const price =
          ruleSet.breakAt === 'UNIT'
            ? raisedUnit(unit, weight, ruleSet)
            : raised(times(unit, weight), ruleSet.minimum, ruleSet);
        const jackpot = pot.jackpot?.tier === tier ? over(pot.jackpot.amount, this.#staked(tier)) : ZERO;
        const all = jackpot.n > 0n ? plus(price, broken(jackpot, ruleSet)) : price;
        for (const group of this.#inTier(tier)) this.#payGroup(group, all);
      }
      return;
    }
    const groups = this.#inTier(pot.tiers[0] as string);
    const backed = groups.map(({ stakeMinor }) => ({ stakeMinor, share: over(ONE, whole(groups.length)) }));
    const net = {
      net: pot.amount,
      rate: read(ruleSet.takeout),
      staked: this.money.gross + (this.money.added ?? 0n),
      carryIn: ZERO,
    };
    const prices = exactPrices(backed, net, ruleSet);
    for (const [no, group] of groups.entries()) {
      this.#payGroup(group, raised(prices[no] as Fraction, ruleSet.minimum, ruleSet));
    }
  }

  #payGroup({ tier, stakes }: Group, price: Fraction): void {
    for (const [c, stake] of stakes) this.#dividends.push(dividend(tier, c, price, stake, this.pool.ruleSet));
  }
}

/** A better tier is paid what the tier below is, and its own part more. */
function increments(parts: readonly Fraction[], staked: readonly Fraction[]): readonly Fraction[] {
  return parts.map((_, no) => {
    const own = parts.map((part, other) => (other < no ? ZERO : over(part, sum(staked.slice(0, other + 1)))));
    return sum(own);
  });
}

/** Each tier's part over its stakes; neighbours that would cross share their parts. */
function uncrossed(parts: readonly Fraction[], staked: readonly Fraction[]): readonly Fraction[] {
  const each = parts.map((part, no) => over(part, staked[no] as Fraction));
  const crossing = each.findIndex((price, no) => no > 0 && less(each[no - 1] as Fraction, price));
  if (crossing < 0) return each;
  const join = (list: readonly Fraction[]): readonly Fraction[] => [
    ...list.slice(0, crossing - 1),
    plus(list[crossing - 1] as Fraction, list[crossing] as Fraction),
    ...list.slice(crossing + 1),
  ];
  const joined = uncrossed(join(parts), join(staked));
  return [...joined.slice(0, crossing), joined[crossing - 1] as Fraction, ...joined.slice(crossing)];
}
