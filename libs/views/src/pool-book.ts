/**
 * One pool as the odds see it: what stands on each combination over all shards, in integers, and the bets behind it in packed
 * columns, so that what is given back is taken off the very lines it was staked on. It must give the same sums whichever shard
 * is folded first, and it never lists the lines of a bet beyond a bound.
 */
import { oddsGross, type PoolCard, type RaceCard } from '#mutuel/engine';
import {
  expandLines,
  type Field,
  isRefusal,
  keyMembers,
  lineCounter,
  linesWithout,
  type OddsLine,
  type OddsPlan,
  parseRatio,
  planOdds,
  quotePool,
  type ReadSelection,
  type RuleSet,
  readSelection,
  scratchedInterests,
  shapeOf,
  TierStakes,
} from '#mutuel/tote';

/** A bet with more lines is not spread over its combinations: it counts in the gross and, by formula, on the shown ones. */
export const MAX_SPREAD_LINES = 5_000;

/** Whether a bet is put on its combinations one by one: not where they are too many, or a complement may change them. */
export const isListed = ({ lines, complement }: ReadSelection): boolean =>
  lines <= MAX_SPREAD_LINES && complement === undefined;

/** Combinations shown of pools too large for a whole grid. */
const MOST_BACKED = 20;
const FIRST_CAPACITY = 16;

/** `[c, stake]` without odds, `[c, stake, price]`, or `[c, stake, null, low, high]`: minor units and decimal texts. */
export type OddsRow =
  | readonly [c: string, stake: number]
  | readonly [c: string, stake: number, price: string]
  | readonly [c: string, stake: number, price: null, low: string, high: string];

interface BookSelection {
  readonly read: ReadSelection;
  /** Positions of the lines' combinations, or null when there are too many to list. */
  readonly lines: Uint32Array | null;
}

/** One shard's bets in this pool, by their index in that shard's book. */
interface ShardColumns {
  size: number;
  selection: Uint32Array;
  unit: Float64Array;
  left: Float64Array;
  /** How many of `out` the bet has been relieved of. */
  level: Uint8Array;
  /** Interests scratched in this shard so far, in order. */
  out: string[];
  sealed: number;
}

export class PoolBook {
  readonly id: string;
  readonly ruleSet: RuleSet;
  readonly carryIn: number;
  /** Counts the changes: grows with every bet, refund, scratch and seal. */
  version = 0;
  gross = 0;
  /** The close number the market has sealed, 0 before. */
  sealed = 0;

  readonly #card: Field;
  readonly #scratched: string[] = [];
  readonly #combos: string[] = [];
  readonly #at = new Map<string, number>();
  #stakes = new Float64Array(FIRST_CAPACITY);
  readonly #selections: BookSelection[] = [];
  readonly #byText = new Map<string, number>();
  /** Standing unit stakes of selections too wide to list, by selection. */
  readonly #wide = new Map<number, number>();
  readonly #shards: ShardColumns[];
  /** Of a pool with tiers: its lines by the runners that they share, as far as `#counted` goes. */
  readonly #tiers: TierStakes | undefined;
  /** By combination, what of its stake is in `#tiers`. */
  readonly #counted: number[] = [];
  readonly #takeout: { readonly n: bigint; readonly d: bigint };
  #plan: OddsPlan | undefined;
  /** Positions of the plan's combinations. */
  #grid = new Uint32Array(0);

  constructor(
    private readonly card: PoolCard,
    readonly race: RaceCard,
    entries: readonly (readonly string[])[],
    shards: number,
  ) {
    this.id = card.poolId;
    this.ruleSet = card.ruleSet;
    this.carryIn = card.carryInMinor;
    this.#card = { declared: race.runners.map((r) => r.number), entries, ...(race.handicap && { handicap: true }) };
    this.#shards = Array.from({ length: shards }, emptyColumns);
    const { poolType, tiers, weights } = card.ruleSet;
    this.#tiers = tiers || weights ? new TierStakes(poolType) : undefined;
    this.#takeout = parseRatio(card.ruleSet.takeout) ?? { n: 0n, d: 1n };
  }

  /** True once the market has sealed the pool and every shard's seal is folded. */
  get final(): boolean {
    return this.sealed > 0 && this.#shards.every((shard) => shard.sealed === this.sealed);
  }

  /** After takeout and before carry-in, the takeout rounded down to a minor unit as in a dividend sheet. */
  get net(): number {
    return this.gross - Number((BigInt(this.gross) * this.#takeout.n) / this.#takeout.d);
  }

  // ── What the shards decide ─────────────────────────────────────────────────────────────────────────────────────

  add(shard: number, bet: { readonly sel: string; readonly unit: number; readonly stake: number }): void {
    const columns = this.#columns(shard);
    const selection = this.#intern(bet.sel);
    if (columns.size === columns.selection.length) widen(columns);
    const i = columns.size++;
    columns.selection[i] = selection;
    columns.unit[i] = bet.unit;
    columns.left[i] = bet.stake;
    // What is out when a bet is accepted is not in it: there is nothing to relieve it of.
    columns.level[i] = columns.out.length;
    this.#spread(selection, bet.unit, []);
    this.gross += bet.stake;
    this.version++;
  }

  /** All that still stands of a bet is given back. */
  withdraw(shard: number, i: number, amount: number): void {
    const columns = this.#columns(shard);
    const gone = columns.out.slice(0, columns.level[i]);
    this.#spread(columns.selection[i] ?? 0, -(columns.unit[i] ?? 0), gone);
    this.#give(columns, i, amount);
  }

  /** The lines that name an interest now out are given back. */
  relieve(shard: number, i: number, amount: number): void {
    const columns = this.#columns(shard);
    const selection = columns.selection[i] ?? 0;
    const unit = columns.unit[i] ?? 0;
    this.#spread(selection, -unit, columns.out.slice(0, columns.level[i]));
    this.#spread(selection, unit, columns.out);
    columns.level[i] = columns.out.length;
    this.#give(columns, i, amount);
  }

  /** A runner is out as this shard sees it; what its bets get back comes with later decisions. */
  scratchedIn(shard: number, scratched: readonly string[]): void {
    const { out } = this.#columns(shard);
    for (const interest of scratchedInterests({ ...this.#card, scratched }, this.ruleSet.coupling)) {
      if (!out.includes(interest)) out.push(interest);
    }
  }

  sealedIn(shard: number, closeNo: number): void {
    this.#columns(shard).sealed = closeNo;
    this.version++;
  }

  // ── What the market decides ────────────────────────────────────────────────────────────────────────────────────

  scratch(runner: string): void {
    if (this.#scratched.includes(runner)) return;
    this.#scratched.push(runner);
    this.#plan = undefined;
    this.version++;
  }

  seal(closeNo: number): void {
    this.sealed = closeNo;
    this.version++;
  }

  // ── What is shown ──────────────────────────────────────────────────────────────────────────────────────────────

  stakeOn(c: string): number {
    const position = this.#at.get(c);
    const spread = position === undefined ? 0 : (this.#stakes[position] ?? 0);
    return spread + this.#wideOn(c);
  }

  /**
   * One runner a line: every running interest. Pairs: every pair with a stake. More: the most backed combinations, highest
   * stake first. Floored with the code that prices dividends.
   */
  rows(): readonly OddsRow[] {
    const plan = this.#planned();
    const { picks } = shapeOf(this.ruleSet.poolType);
    if (picks > 2) return this.#mostBacked(plan);
    // No selection on one or two runners is too wide to list, so the listed stakes are all there is.
    const stakes = new Float64Array(this.#grid.length);
    for (let i = 0; i < stakes.length; i++) stakes[i] = this.#stakes[this.#grid[i] as number] as number;
    return this.#quote(plan, stakes, picks === 1);
  }

  #mostBacked(plan: OddsPlan): readonly OddsRow[] {
    const out = new Set(scratchedInterests(this.#field(), this.ruleSet.coupling));
    const order: number[] = [];
    for (let i = 0; i < this.#combos.length; i++) {
      if ((this.#stakes[i] ?? 0) > 0 && (out.size === 0 || !this.#names(i, out))) order.push(i);
    }
    order.sort(
      (a, b) =>
        (this.#stakes[b] ?? 0) - (this.#stakes[a] ?? 0) || ((this.#combos[a] ?? '') < (this.#combos[b] ?? '') ? -1 : 1),
    );
    const combos = order.slice(0, MOST_BACKED).map((i) => this.#combos[i] ?? '');
    const stakes = Float64Array.from(combos.map((c) => this.stakeOn(c)));
    const index = new Map(combos.map((c, i) => [c, i]));
    return this.#quote({ ...plan, combos, index, groups: [] }, stakes, false, this.#onTiers(out));
  }

  /** What stands on a key of a result, of all lines that run: those that are not shown, and wide bets, too. */
  #onTiers(out: ReadonlySet<string>): ((key: string) => number) | undefined {
    const tiers = this.#tiers;
    if (tiers === undefined) return undefined;
    for (let i = 0; i < this.#combos.length; i++) {
      const stake = out.size > 0 && this.#names(i, out) ? 0 : (this.#stakes[i] ?? 0);
      const counted = this.#counted[i] ?? 0;
      if (stake !== counted) tiers.add(this.#combos[i] ?? '', stake - counted);
      this.#counted[i] = stake;
    }
    return (key) => tiers.on(key) + this.#wideOn(key);
  }

  /** A hundred thousand rows a tick: written without an object that the row does not need. */
  #quote(
    plan: OddsPlan,
    stakes: Float64Array,
    unbackedToo: boolean,
    stakeOf?: (key: string) => number,
  ): readonly OddsRow[] {
    const grossMinor = oddsGross(this.gross, this.card);
    const lines = quotePool(plan, { grossMinor, carryInMinor: this.carryIn }, stakes, stakeOf);
    const rows: OddsRow[] = [];
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i] as OddsLine;
      const stake = stakes[i] as number;
      if (line.price !== null) rows.push([line.c, stake, line.price]);
      else if (line.low !== null && line.high !== null) rows.push([line.c, stake, null, line.low, line.high]);
      else if (unbackedToo || stake > 0) rows.push([line.c, stake]);
    }
    return rows;
  }

  #planned(): OddsPlan {
    if (!this.#plan) {
      this.#plan = planOdds(this.ruleSet, this.#field());
      this.#grid = Uint32Array.from(this.#plan.combos.map((c) => this.#combination(c)));
    }
    return this.#plan;
  }

  #field(): Field {
    return { ...this.#card, scratched: this.#scratched };
  }

  #wideOn(c: string): number {
    if (this.#wide.size === 0) return 0;
    let stake = 0;
    const out = scratchedInterests(this.#field(), this.ruleSet.coupling);
    const covering = lineCounter(this.ruleSet.poolType, c, out);
    for (const [selection, unit] of this.#wide)
      stake += covering((this.#selections[selection] as BookSelection).read) * unit;
    return stake;
  }

  /** Puts `unit` on every line of a selection that names none of `without`. */
  #spread(selection: number, unit: number, without: readonly string[]): void {
    const { lines, read } = this.#selections[selection] as BookSelection;
    if (lines === null) {
      this.#spreadWide(selection, unit, without);
      return;
    }
    // A bet whose lines are all left is the rule; only what a scratch touched is looked at line by line.
    const touched = without.length > 0 && linesWithout(read, without) !== read.lines;
    const out = new Set(without);
    for (const position of lines) {
      if (touched && this.#names(position, out)) continue;
      this.#stakes[position] = (this.#stakes[position] ?? 0) + unit;
    }
  }

  /** Shown combinations name no scratched interest, so the lines a scratch takes off need not be told apart. */
  #spreadWide(selection: number, unit: number, without: readonly string[]): void {
    const { read } = this.#selections[selection] as BookSelection;
    if (without.length > 0 && linesWithout(read, without) === 0) return;
    const left = (this.#wide.get(selection) ?? 0) + unit;
    if (left === 0) this.#wide.delete(selection);
    else this.#wide.set(selection, left);
  }

  #names(position: number, out: ReadonlySet<string>): boolean {
    return keyMembers(this.ruleSet.poolType, this.#combos[position] ?? '').some((member) => out.has(member));
  }

  #give(columns: ShardColumns, i: number, amount: number): void {
    columns.left[i] = (columns.left[i] ?? 0) - amount;
    this.gross -= amount;
    this.version++;
  }

  #intern(text: string): number {
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    const read = readSelection(this.ruleSet.poolType, text, this.#card, this.ruleSet);
    if (isRefusal(read)) throw new Error(`${this.id} holds an accepted bet that does not read: ${text}`);
    const lines = isListed(read) ? Uint32Array.from(expandLines(read), (c) => this.#combination(c)) : null;
    const index = this.#selections.push({ read, lines }) - 1;
    this.#byText.set(text, index);
    return index;
  }

  #combination(c: string): number {
    const known = this.#at.get(c);
    if (known !== undefined) return known;
    const position = this.#combos.push(c) - 1;
    this.#at.set(c, position);
    if (position === this.#stakes.length) {
      const wider = new Float64Array(position * 2);
      wider.set(this.#stakes);
      this.#stakes = wider;
    }
    return position;
  }

  #columns(shard: number): ShardColumns {
    const columns = this.#shards[shard];
    if (!columns) throw new Error(`${this.id} is sold in ${this.#shards.length} shards; ${shard} is not one of them`);
    return columns;
  }
}

function emptyColumns(): ShardColumns {
  return {
    size: 0,
    selection: new Uint32Array(FIRST_CAPACITY),
    unit: new Float64Array(FIRST_CAPACITY),
    left: new Float64Array(FIRST_CAPACITY),
    level: new Uint8Array(FIRST_CAPACITY),
    out: [],
    sealed: 0,
  };
}

function widen(columns: ShardColumns): void {
  const length = columns.selection.length * 2;
  const grown = <T extends Uint32Array | Float64Array | Uint8Array>(next: T, old: T): T => {
    next.set(old);
    return next;
  };
  columns.selection = grown(new Uint32Array(length), columns.selection);
  columns.unit = grown(new Float64Array(length), columns.unit);
  columns.left = grown(new Float64Array(length), columns.left);
  columns.level = grown(new Uint8Array(length), columns.level);
}
