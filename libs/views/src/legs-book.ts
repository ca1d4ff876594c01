/**
 * One pool over several races as the odds see it: its money, and what each runner of the last leg would pay once the legs before it
 * are over. Bets are never spread over their combinations, of which a single ticket may have millions: the shards count what is
 * asked for.
 */
import { type LegOutcome, type PoolCard, type PoolTerms, type ShardReport, termsOf } from '#mutuel/engine';
import { parseRatio, type Ratio, type RuleSet, ratio, willPays } from '#mutuel/tote';
import type { OddsRow } from './pool-book.js';

type Counted = Extract<ShardReport, { t: 'WillPay' }>;

/** What was asked of the shards, and their answers so far. */
interface Question {
  readonly no: number;
  readonly legs: readonly LegOutcome[];
  readonly answers: Map<number, Counted>;
}

export class LegsBook {
  readonly id: string;
  readonly ruleSet: RuleSet;
  readonly carryIn: number;
  /** Counts the changes: grows with every bet, refund, answer and seal. */
  version = 0;
  gross = 0;
  /** The close number the market has sealed, 0 before. */
  sealed = 0;
  readonly #terms: PoolTerms;
  readonly #sealedIn: number[];
  readonly #takeout: { readonly n: bigint; readonly d: bigint };
  #question: Question | null = null;
  #rows: readonly OddsRow[] = [];

  constructor(card: PoolCard, shards: number) {
    this.id = card.poolId;
    this.ruleSet = card.ruleSet;
    this.carryIn = card.carryInMinor;
    this.#terms = termsOf(card);
    this.#sealedIn = new Array<number>(shards).fill(0);
    this.#takeout = parseRatio(card.ruleSet.takeout) ?? { n: 0n, d: 1n };
  }

  /** True once the market has sealed the pool and every shard's seal is folded. */
  get final(): boolean {
    return this.sealed > 0 && this.#sealedIn.every((closeNo) => closeNo === this.sealed);
  }

  /** After takeout and before carry-in, the takeout rounded down to a minor unit as in a dividend sheet. */
  get net(): number {
    return this.gross - Number((BigInt(this.gross) * this.#takeout.n) / this.#takeout.d);
  }

  add(_shard: number, { stake }: { readonly stake: number }): void {
    this.#move(stake);
  }

  withdraw(_shard: number, _i: number, amount: number): void {
    this.#move(-amount);
  }

  relieve(_shard: number, _i: number, amount: number): void {
    this.#move(-amount);
  }

  scratchedIn(): void {
    // What is given back comes with later decisions.
  }

  scratch(): void {
    this.version++;
  }

  sealedIn(shard: number, closeNo: number): void {
    this.#sealedIn[shard] = closeNo;
    this.version++;
  }

  seal(closeNo: number): void {
    this.sealed = closeNo;
    this.version++;
  }

  /** The legs before the last are over; what was asked before no longer counts. */
  asked({ no, legs }: { readonly no: number; readonly legs: readonly LegOutcome[] }): void {
    this.#question = { no, legs, answers: new Map() };
    this.version++;
  }

  counted(shard: number, report: Counted): void {
    if (report.no !== this.#question?.no) return;
    this.#question.answers.set(shard, report);
    if (this.#question.answers.size === this.#sealedIn.length) this.#rows = this.#willPays(this.#question);
    this.version++;
  }

  /** What a winning unit would be paid for each runner of the last leg, and the consolation of a double. */
  rows(): readonly OddsRow[] {
    return this.#rows;
  }

  #willPays({ legs, answers }: Question): readonly OddsRow[] {
    const stakes = new Map<string, number>();
    for (const { keys } of answers.values())
      for (const { c, stake } of keys) stakes.set(c, (stakes.get(c) ?? 0) + stake);
    const stakeOf = (c: string): Ratio => ratio(stakes.get(c) ?? 0);
    const grossMinor = [...answers.values()].reduce((sum, { stake }) => sum + stake, 0);
    const money = { grossMinor, refundsMinor: 0, carryInMinor: this.carryIn, ...this.#terms, stakeOf };
    return willPays(this.ruleSet, legs, money).map(({ c, price }): OddsRow => {
      const stake = [...stakes].find(([key]) => labelled(key) === c)?.[1] ?? 0;
      return price === null ? [c, stake] : [c, stake, price];
    });
  }

  #move(amount: number): void {
    this.gross += amount;
    this.version++;
  }
}

/** The label of a key that is right in every leg; others have a count in front. */
const labelled = (key: string): string =>
  key
    .split('/')
    .map((leg) => leg.replace(/[~!].*$/s, ''))
    .join('/');
