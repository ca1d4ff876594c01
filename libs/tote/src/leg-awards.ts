/**
 * Who is paid what in a pool over several races: each tier's part, the ladder when nobody is right everywhere, the jackpot
 * of a single winner, part-backed pools, and what is carried, net or gross. Exact; prices are broken last.
 */
import { breakPrices } from './breakage.js';
import { type Claim, claimsOf, exactPrices } from './claims.js';
import { type Fund, type Funds, fundsOf, isRank } from './leg-funds.js';
import { amount, type Day, type LegPricingInput } from './leg-money.js';
import {
  add,
  compare,
  divide,
  floor,
  isZero,
  multiply,
  ONE,
  type Ratio,
  ratio,
  subtract,
  sum,
  toMinor,
  toRatio,
  ZERO,
} from './ratio.js';
import type { RuleSet } from './rule-set.js';
import type { Rung } from './rung.js';

/** A rung that is paid `pool` (net), of which `taken` is the takeout on money that is taxed when it is won. */
export interface Award {
  readonly rung: Rung;
  readonly pool: Ratio;
  readonly claims: readonly Claim[];
  /** A part-backed pool is priced as if one whole unit had won. */
  readonly partOf: Ratio | null;
}

export interface Outcome {
  readonly awards: readonly Award[];
  readonly tiers: readonly { readonly tier: string; readonly poolMinor: number }[];
  readonly takeout: Ratio;
  readonly carryOut: Ratio;
  readonly jackpot: Ratio;
  readonly steps: readonly string[];
}

/** Shares out the net pool that is left after a consolation; null when every stake is given back. */
export const awarded = (input: LegPricingInput, day: Day, left: Ratio): Outcome | null =>
  new Awards(input, day, fundsOf(input, day, left)).all();

class Awards {
  private readonly awards: Award[] = [];
  private readonly steps: string[] = [];
  private carryOut = ZERO;
  private takeout = ZERO;
  private jackpot: Ratio;
  /** The ranks that anybody reached, most legs first. */
  private readonly covered: readonly Rung[];
  private readonly rules: RuleSet;

  constructor(
    private readonly input: LegPricingInput,
    private readonly day: Day,
    private readonly funds: Funds,
  ) {
    this.rules = input.ruleSet;
    this.jackpot = funds.jackpot;
    this.covered = input.result.right
      .slice(1)
      .reverse()
      .filter((rung) => this.claims(rung).length > 0);
  }

  /** Null when the pool is refunded. */
  all(): Outcome | null {
    const { tiers } = this.funds;
    const [first, ...lower] = tiers;
    if (first === undefined || this.isNobodys() || !this.first(first, tiers.length === 1)) return null;
    lower.forEach((fund, index) => {
      this.lower(fund, index);
    });
    return {
      awards: this.merged(),
      tiers: [
        ...tiers.map(({ tier, ...fund }) => ({ tier, poolMinor: toMinor(floor(this.net(fund))) })),
        ...this.funds.others,
      ],
      takeout: this.takeout,
      carryOut: this.carryOut,
      jackpot: this.jackpot,
      steps: this.steps,
    };
  }

  /** Not a single right leg, and no money of another day: nothing is carried that nobody ever played for. */
  private isNobodys(): boolean {
    const { carryInMinor, jackpotInMinor = 0 } = this.input;
    return this.rules.legs?.refundNone === true && this.covered.length === 0 && carryInMinor + jackpotInMinor === 0;
  }

  /** The first tier, and the ladder below it. False: the pool is refunded. */
  private first(fund: Fund, alone: boolean): boolean {
    const { result, mandatory, carryInMinor } = this.input;
    const all = result.right.at(-1);
    const best = this.covered[0];
    if (all && this.claims(all).length > 0) {
      this.pay(all, fund, this.released(all));
      return true;
    }
    if (mandatory && best) {
      this.steps.push('last day: carry-in and jackpot go to the most right');
      this.pay(best, fund, this.released(null));
      return true;
    }
    const cap = this.rules.legs?.carryCapMinor;
    if (cap !== undefined && carryInMinor >= cap && best) {
      this.steps.push(`the carry-in has reached its cap ${cap}: the day's money goes to the most right`);
      this.pay(best, { ...fund, carry: ZERO }, ZERO);
      this.carry({ ...fund, net: ZERO, gross: ZERO });
      return true;
    }
    return this.ladder(fund, alone);
  }

  private ladder(fund: Fund, alone: boolean): boolean {
    const best = this.covered[0];
    for (const name of [...this.rules.noWinner, 'REFUND'] as const) {
      const rung = this.input.result.ladder.find((one) => one.name === name);
      if (rung && this.claims(rung).length > 0) {
        this.pay(rung, fund, ZERO);
        return true;
      }
      if (name === 'MOST_RIGHT' && best) {
        const share = toRatio(this.rules.ladderShare ?? '1');
        const part = (amount: Ratio, of: Ratio): Ratio => multiply(amount, of);
        this.pay(best, { ...fund, net: part(fund.net, share), gross: part(fund.gross, share), carry: ZERO }, ZERO);
        const rest = subtract(ONE, share);
        this.carry({ ...fund, net: part(fund.net, rest), gross: part(fund.gross, rest) });
        return true;
      }
      if (name === 'CARRY' || (name === 'REFUND' && !alone)) return this.unwon(fund, 0);
    }
    return false;
  }

  private lower(fund: Fund, index: number): void {
    const rung = this.lowerRung(fund.tier, index);
    if (rung && this.claims(rung).length > 0) this.pay(rung, fund, ZERO);
    else if (!this.unwon(fund, index + 1)) this.carry(fund);
  }

  /** A tier without winners, by its rule. False where its money should join another and nobody is in any. */
  private unwon(fund: Fund, index: number): boolean {
    const carries = this.rules.noWinner.includes('CARRY');
    const how = this.rules.tiers?.[index]?.uncovered ?? (carries ? 'CARRY' : 'MERGE');
    if (how === 'JACKPOT') {
      this.jackpot = add(this.jackpot, this.net(fund));
      this.steps.push(`${fund.tier}: ${amount(this.net(fund))} goes to the jackpot`);
      return true;
    }
    const other = how === 'MERGE' ? this.nearestWon(index) : null;
    if (other) {
      this.steps.push(`${fund.tier}: nobody, its money joins ${other.keys[0]?.tier}`);
      this.pay(other, fund, ZERO);
      return true;
    }
    if (how === 'MERGE' && !carries) return false;
    this.carry(fund);
    return true;
  }

  /** What the next tier below that is won pays, else the nearest above. */
  private nearestWon(index: number): Rung | null {
    const rungs = this.funds.tiers.map(({ tier }, at) =>
      at === 0 ? (this.input.result.right.at(-1) ?? null) : this.lowerRung(tier, at - 1),
    );
    const isWon = (rung: Rung | null): boolean => rung !== null && this.claims(rung).length > 0;
    return rungs.slice(index + 1).find(isWon) ?? rungs.slice(0, index).reverse().find(isWon) ?? null;
  }

  private lowerRung(tier: string, index: number): Rung | null {
    const { result } = this.input;
    if (tier === 'PLACE_FUND') return result.placed;
    if (tier === 'BONUS_FUND') return result.bonus ?? null;
    if (!isRank(tier)) return null;
    if (this.rules.legs?.lower !== 'MOST') return result.right[Number(tier.split('/')[0])] ?? null;
    const all = result.right.at(-1);
    const below = this.covered.filter((rung) => rung !== all);
    const paid = this.input.mandatory ? this.awards[0]?.rung : undefined;
    const free = below.filter((rung) => rung !== paid);
    return free[index] ?? below[index] ?? null;
  }

  /** The jackpot, when the whole winning stake is one unit; with null (the last day) in any case. */
  private released(rung: Rung | null): Ratio {
    const { unique } = this.rules;
    const isOnlyTier = unique === undefined;
    const staked = rung === null ? ZERO : sum(this.claims(rung).map(({ stake }) => stake));
    const isUnique = unique !== undefined && compare(staked, ratio(unique.unit)) === 0;
    return rung === null || isOnlyTier || isUnique ? this.jackpot : ZERO;
  }

  /** `prize`: what of the jackpot is won with the tier. */
  private pay(rung: Rung, fund: Fund, prize: Ratio): void {
    const claims = this.claims(rung);
    const pool = add(this.net(fund), prize);
    if (this.isTooLittle(rung, claims, pool)) {
      this.steps.push(`${rung.keys[0]?.tier}: pays less than ${this.rules.legs?.leastPaid}, its money is carried`);
      this.carry(fund);
      return;
    }
    this.jackpot = subtract(this.jackpot, prize);
    if (!isZero(prize)) this.steps.push(`the jackpot ${amount(prize)} is won`);
    const unit = this.rules.partUnitMinor;
    const staked = sum(claims.map(({ stake }) => stake));
    const isPart = unit !== undefined && compare(staked, ratio(unit)) < 0;
    const won = isPart ? divide(staked, ratio(unit)) : ONE;
    if (isPart) {
      this.steps.push(`part-backed: ${amount(staked)} of a unit of ${unit} has won, the rest of the pool is carried`);
      const rest = (a: Ratio): Ratio => multiply(a, subtract(ONE, won));
      this.carry({ ...fund, net: rest(fund.net), gross: rest(fund.gross), carry: rest(fund.carry) });
    }
    if (this.day.taxedWhenWon) {
      const taken = add(subtract(fund.gross, fund.net), multiply(fund.carry, subtract(ONE, this.day.carryRate)));
      this.takeout = add(this.takeout, multiply(taken, won));
    }
    this.awards.push({ rung, claims, pool, partOf: isPart ? ratio(unit) : null });
  }

  private carry(fund: Fund): void {
    const { gross, added, taxedWhenWon } = this.day;
    // What the operator added is for winners alone.
    const staked = added === 0 ? ONE : ratio(gross, gross + added);
    const kept = add(multiply(staked, taxedWhenWon ? fund.gross : fund.net), fund.carry);
    if (isZero(kept)) return;
    this.carryOut = add(this.carryOut, kept);
    this.steps.push(`${fund.tier}: ${amount(kept)} is carried${taxedWhenWon ? ', untaxed' : ''}`);
  }

  private net(fund: Pick<Fund, 'net' | 'carry'>): Ratio {
    return add(fund.net, multiply(fund.carry, this.day.carryRate));
  }

  private isTooLittle(rung: Rung, claims: readonly Claim[], pool: Ratio): boolean {
    const least = this.rules.legs?.leastPaid;
    if (least === undefined) return false;
    const [price = ZERO] = pricesOf(this.input, this.day, { rung, claims, pool, partOf: null }).broken;
    return compare(multiply(price, toRatio(this.rules.breakPer)), toRatio(least)) < 0;
  }

  private claims(rung: Rung): readonly Claim[] {
    return claimsOf(rung, this.input.stakeOf);
  }

  /** Two tiers that fall to the same winners are one. */
  private merged(): readonly Award[] {
    const byRung = new Map<Rung, Award>();
    for (const award of this.awards) {
      const before = byRung.get(award.rung);
      byRung.set(award.rung, before ? { ...before, pool: add(before.pool, award.pool) } : award);
    }
    return [...byRung.values()];
  }
}

// Prices.

/** The prices of one award's claims, exact and broken. */
export function pricesOf(
  { ruleSet, carryInMinor, netMinor }: LegPricingInput,
  day: Day,
  { rung, claims, pool, partOf }: Award,
): { readonly exact: readonly Ratio[]; readonly broken: readonly Ratio[] } {
  const how = claims.length > 1 ? rung.how : ruleSet.split;
  const exact =
    partOf === null
      ? exactPrices({ ruleSet, rung: { how }, gross: day.gross + day.added, carryInMinor, netMinor, net: pool, claims })
      : claims.map(() => divide(pool, partOf));
  return { exact, broken: breakPrices({ ruleSet, rung, claims, exact, net: pool }) };
}
