/**
 * One pool as the feed shows it: `def` and scratches from the market, `tot` and rows from the ticks. Each value carries the place in
 * its log at which it last changed, so that the difference to any earlier place is known without keeping the past. What is shown
 * must be a function of the two places alone, in whatever order this process met ticks and market decisions: only then can a client
 * resume on another node. A value never goes away in a delta; where one does, the pool is sent whole. The signature of a seal alone has
 * no place in a log: it is outside `h`, and told again to whoever comes back soon after it.
 */
import { sha256 } from '#mutuel/contracts';
import {
  fieldOf,
  type MarketPool,
  type MarketRace,
  type MeetingCard,
  type PoolCard,
  type PoolStanding,
} from '#mutuel/engine';
import { keyMembers, scratchedInterests, shapeOf } from '#mutuel/tote';
import type { OddsRow } from './pool-book.js';
import type { TickPool } from './tick.js';

/** Places in the two logs: the last cycle of the odds topic and the last market decision that changed what is shown. */
export interface FeedPosition {
  readonly cycle: number;
  readonly seq: number;
  /** Signatures of seals that this process has heard of; absent in a place that a client's clocks name. */
  readonly seals?: number;
}

/** A seal as it was signed; see `/v1/seals`. Signing stands beside the log: when it comes is no function of the two places. */
export interface FeedSeal {
  readonly poolId: string;
  readonly closeNo: number;
  /** JSON text. */
  readonly statement: string;
  readonly keyId: string;
  /** Base64. */
  readonly signature: string;
}

/** What a subscription sees. `singles`: rows of one runner a line; `exotics`: all other rows; `late`: the mark of late money. */
export interface FeedMask {
  readonly key: string;
  readonly def: boolean;
  readonly tot: boolean;
  readonly singles: boolean;
  readonly exotics: boolean;
  readonly late: boolean;
}

/** A row is marked as late money for the cycle in which it took at least this share of the pool: one part in ten. */
const LATE_MONEY_PARTS = 10;
const HASH_DIGITS = 8;
/** Nodes hear of a signature this many cycles apart at most: whoever comes back with clocks is told again what is not older. */
const HEARD_APART_CYCLES = 2;

type Value = string | number | boolean | null | readonly string[];

export class FeedPool {
  readonly id: string;
  readonly meetingId: string;
  /** The race it is settled with: over several races the last leg. */
  readonly raceId: string;
  readonly type: string;
  /** The version of the pool in its last tick. */
  v = 0;
  /** Places of the last change and the one before. */
  tickAt = 0;
  seqAt: number;
  #tickBefore = 0;
  #seqBefore = 0;
  readonly #card: PoolCard;
  readonly #bornAt: number;
  readonly #isSingle: boolean;
  readonly #def = new Stamped();
  readonly #tot = new Stamped();
  readonly #rows = new Map<string, FeedRow>();
  /** Scratched interests. */
  #out: ReadonlySet<string> = new Set();
  #outText = '';
  #seal: { readonly closeNo: number; readonly text: string } | undefined;
  /** When the signature was heard: how many had been by then, and in which cycle. */
  #sealAt = 0;
  #sealCycle = 0;
  /** Where a row or a row's price last went away. */
  #lostAt = 0;
  #outAt = 0;
  #shown: readonly FeedRow[] | undefined;
  readonly #hashes = new Map<string, string>();
  readonly #images = new Map<string, string>();
  #delta: { key: string; text: string | undefined } = { key: '', text: undefined };

  /** `standing` says how a pool over several races stands now; null for a pool of one race. */
  constructor(
    card: PoolCard,
    race: MarketRace,
    meeting: MeetingCard,
    seq: number,
    private readonly standing: (() => PoolStanding) | null = null,
    /** Each shard's seal of the last close as far as it is in. */
    private readonly seals: () => MarketPool['seals'] = () => [],
  ) {
    this.#card = card;
    this.id = card.poolId;
    this.meetingId = meeting.meetingId;
    this.raceId = race.card.raceId;
    this.type = card.type;
    this.#isSingle = shapeOf(card.type).picks === 1;
    this.#bornAt = seq;
    this.seqAt = seq;
    const { currency: cur, exponent: exp } = meeting;
    this.#tot.set({ carryIn: card.carryInMinor, cur, exp, final: false, gross: 0, net: 0 }, 0);
    this.market(race, seq);
  }

  /** Its race, or the legs of a pool over several. */
  get races(): readonly string[] {
    return this.#card.legs ?? [this.raceId];
  }

  // ── What changes it ────────────────────────────────────────────────────────────────────────────────────────────

  /** True if anything shown may have changed. */
  market(race: MarketRace, seq: number): boolean {
    const { status, stopAt, offAt, scratched, card } = this.standing?.() ?? race;
    const { legs } = this.#card;
    const def = {
      ...(legs ? { legs } : {}),
      ...(offAt === null ? {} : { offAt }),
      offTime: card.postTime,
      raceId: legs ? null : this.raceId,
      ruleVersion: this.#card.ruleSet.id,
      scratched: [...scratched].sort(),
      ...sealOf(this.seals()),
      status,
      ...(stopAt === null ? {} : { stopAt }),
      type: this.type,
    };
    const changed = this.#def.set(def, seq);
    // A favourite stands in for a non-runner of a leg: no combination goes off the list.
    const out = legs ? [] : scratchedInterests(fieldOf(race), this.#card.ruleSet.coupling);
    const outText = out.join();
    if (outText !== this.#outText) {
      this.#out = new Set(out);
      this.#outText = outText;
      this.#outAt = seq;
      this.#shown = undefined;
    } else if (!changed) return false;
    this.#seqBefore = this.seqAt;
    this.seqAt = seq;
    this.#forget();
    return true;
  }

  /** The pool in the tick of this cycle; true if a row is marked as late money, until `calm`. */
  tick(pool: TickPool, cycle: number): boolean {
    const { gross, net, carryIn, final } = pool;
    const { cur, exp } = this.#tot.value as { cur: string; exp: number };
    const first = this.v === 0 && this.tickAt === 0;
    this.#tot.set({ carryIn, cur, exp, final, gross, net }, cycle);
    this.v = pool.v;
    const seen = new Set<string>();
    let marked = false;
    for (const row of pool.rows) {
      const [c, amt] = row;
      seen.add(c);
      const late = !first && (amt - (this.#rows.get(c)?.amt ?? 0)) * LATE_MONEY_PARTS >= gross && gross > 0;
      marked ||= late;
      this.#row(row, late, cycle);
    }
    for (const c of this.#rows.keys()) if (!seen.has(c)) this.#drop(c, cycle);
    this.#ticked(cycle);
    return marked;
  }

  /** The marks of late money stand for one cycle. */
  calm(cycle: number): void {
    for (const row of this.#rows.values()) row.mark(false, cycle);
    this.#ticked(cycle);
  }

  /** Its last close is sealed, and not signed as far as is known here. */
  get isUnsigned(): boolean {
    return Number(this.#def.value['closeNo'] ?? 0) > (this.#seal?.closeNo ?? 0);
  }

  /** The seal was signed; true where that is news. */
  signed({ closeNo, statement, keyId, signature }: FeedSeal, count: number, cycle: number): boolean {
    if (closeNo <= (this.#seal?.closeNo ?? 0)) return false;
    this.#seal = { closeNo, text: JSON.stringify({ closeNo, keyId, signature, statement }) };
    this.#sealAt = count;
    this.#sealCycle = cycle;
    this.#forget();
    return true;
  }

  /** Whether anything may have changed since a place. */
  isMoved(from: FeedPosition): boolean {
    return this.tickAt > from.cycle || this.seqAt > from.seq || this.#isSignedSince(from);
  }

  #isSignedSince({ cycle, seals }: FeedPosition): boolean {
    if (seals === undefined) return this.#seal !== undefined && this.#sealCycle >= cycle - HEARD_APART_CYCLES;
    return this.#sealAt > seals;
  }

  #row(row: OddsRow, late: boolean, cycle: number): void {
    const known = this.#rows.get(row[0]);
    if (known) {
      if (known.set(row, cycle)) this.#lostAt = cycle;
      known.mark(late, cycle);
      return;
    }
    this.#rows.set(row[0], new FeedRow(row, late, cycle));
    this.#shown = undefined;
  }

  #drop(c: string, cycle: number): void {
    this.#rows.delete(c);
    this.#shown = undefined;
    // A row that the market had taken off before was not shown.
    this.#lostAt = cycle;
  }

  #ticked(cycle: number): void {
    if (cycle !== this.tickAt) this.#tickBefore = this.tickAt;
    this.tickAt = cycle;
    this.#forget();
  }

  #forget(): void {
    this.#hashes.clear();
    this.#images.clear();
    this.#delta.key = '';
  }

  // ── What is shown ──────────────────────────────────────────────────────────────────────────────────────────────

  /** The pool whole, as one element of `pc`. */
  image(mask: FeedMask): string {
    const known = this.#images.get(mask.key);
    if (known !== undefined) return known;
    const { def, tot, rows } = this.#parts(mask);
    const head = `{"id":${JSON.stringify(this.id)},"img":true,"v":${this.v}`;
    const seal = mask.def && this.#seal ? `,"seal":${this.#seal.text}` : '';
    const body = `${mask.def ? `,"def":${def}` : ''}${mask.tot ? `,"tot":${tot}` : ''}${seal}`;
    const text = `${head}${body}${this.#hasRows(mask) ? `,"rc":[${rows}]` : ''},"h":"${this.hash(mask)}"}`;
    this.#images.set(mask.key, text);
    return text;
  }

  /** What changed since a place, as one element of `pc`; undefined if nothing that the mask shows did. */
  since(from: FeedPosition, mask: FeedMask): string | undefined {
    const cycle = floorTo(from.cycle, this.tickAt, this.#tickBefore);
    const seq = floorTo(from.seq, this.seqAt, this.#seqBefore);
    const seal = mask.def && this.#isSignedSince(from) ? this.#seal?.text : undefined;
    const key = `${cycle}/${seq}/${seal !== undefined}/${mask.key}`;
    if (this.#delta.key !== key) this.#delta = { key, text: this.#since({ cycle, seq }, mask, seal) };
    return this.#delta.text;
  }

  #since({ cycle, seq }: FeedPosition, mask: FeedMask, seal: string | undefined): string | undefined {
    if (seq < this.#bornAt) return this.image(mask);
    const hasRows = this.#hasRows(mask);
    const isLost = hasRows && (this.#lostAt > cycle || this.#outAt > seq);
    if (isLost || (mask.def && this.#def.lostAt > seq)) return this.image(mask);
    const def = mask.def ? this.#def.since(seq) : undefined;
    const tot = mask.tot ? this.#tot.since(cycle) : undefined;
    const rows = hasRows && this.tickAt > cycle ? this.#rowsSince(cycle, mask) : '';
    if (def === undefined && tot === undefined && rows === '' && seal === undefined) return undefined;
    const head = `{"id":${JSON.stringify(this.id)},"v":${this.v}`;
    const sealed = seal === undefined ? '' : `,"seal":${seal}`;
    const body = `${def ? `,"def":${def}` : ''}${tot ? `,"tot":${tot}` : ''}${sealed}${rows ? `,"rc":[${rows}]` : ''}`;
    return `${head}${body},"h":"${this.hash(mask)}"}`;
  }

  #rowsSince(cycle: number, mask: FeedMask): string {
    const texts: string[] = [];
    for (const row of this.#listed()) {
      const text = this.#out.has(row.c) ? undefined : row.since(cycle, mask.late);
      if (text !== undefined) texts.push(text);
    }
    return texts.join();
  }

  /**
   * First 8 hex digits of SHA-256 over the canonical JSON of the pool's {def, tot, rc}, rc sorted by c, as the mask shows it: what
   * is not subscribed counts as {} or [], so that any client can check itself.
   */
  hash(mask: FeedMask): string {
    const known = this.#hashes.get(mask.key);
    if (known !== undefined) return known;
    const { def, tot, rows } = this.#parts(mask);
    const hash = sha256(`{"def":${def},"rc":[${rows}],"tot":${tot}}`).slice(0, HASH_DIGITS);
    this.#hashes.set(mask.key, hash);
    return hash;
  }

  /** Canonical texts: keys sorted, no spaces. */
  #parts(mask: FeedMask): { def: string; tot: string; rows: string } {
    const text = (row: FeedRow): string =>
      this.#out.has(row.c) ? scratchedText(row.c, mask.late) : row.text(mask.late);
    return {
      def: mask.def ? this.#def.text() : '{}',
      tot: mask.tot ? this.#tot.text() : '{}',
      rows: this.#hasRows(mask) ? this.#listed().map(text).join() : '',
    };
  }

  #hasRows(mask: FeedMask): boolean {
    return this.#isSingle ? mask.singles : mask.exotics;
  }

  /** Sorted by the text of their combination. Scratched runners stay on the list; larger combinations with one in go. */
  #listed(): readonly FeedRow[] {
    if (this.#shown) return this.#shown;
    const out = this.#out;
    const rows = [...this.#rows.values()];
    if (this.#isSingle) for (const c of out) if (!this.#rows.has(c)) rows.push(new FeedRow([c, 0], false, 0));
    const isIn = (row: FeedRow): boolean => !keyMembers(this.#card.type, row.c).some((member) => out.has(member));
    const shown = this.#isSingle || out.size === 0 ? rows : rows.filter(isIn);
    this.#shown = shown.sort((a, b) => (a.c < b.c ? -1 : 1));
    return this.#shown;
  }
}

/** What the pool held at its last close, once every shard has sealed that one; the signature follows beside it. */
function sealOf(seals: MarketPool['seals']): Readonly<Record<string, Value>> {
  const [first, ...others] = seals;
  if (!first) return {};
  let { bets: sealBets, stake: sealStake } = first;
  const roots = [first.root];
  for (const seal of others) {
    if (seal?.closeNo !== first.closeNo) return {};
    sealBets += seal.bets;
    sealStake += seal.stake;
    roots.push(seal.root);
  }
  return { closeNo: first.closeNo, sealBets, sealRoot: sha256(`pool:${roots.join('')}`), sealStake };
}

/** Few values under fixed names, each with the place of its last change. */
class Stamped {
  value: Readonly<Record<string, Value>> = {};
  lostAt = 0;
  readonly #at = new Map<string, number>();
  #text: string | undefined;

  set(next: Readonly<Record<string, Value>>, at: number): boolean {
    const before = this.value;
    let changed = false;
    for (const [key, value] of Object.entries(next)) {
      if (JSON.stringify(value) === JSON.stringify(before[key])) continue;
      this.#at.set(key, at);
      changed = true;
    }
    for (const key of Object.keys(before)) {
      if (key in next) continue;
      this.lostAt = at;
      changed = true;
    }
    this.value = next;
    if (changed) this.#text = undefined;
    return changed;
  }

  text(): string {
    this.#text ??= `{${Object.keys(this.value)
      .sort()
      .map((key) => this.#pair(key))
      .join()}}`;
    return this.#text;
  }

  since(place: number): string | undefined {
    const keys = Object.keys(this.value).filter((key) => (this.#at.get(key) ?? 0) > place);
    return keys.length === 0 ? undefined : `{${keys.map((key) => this.#pair(key)).join()}}`;
  }

  #pair(key: string): string {
    return `"${key}":${JSON.stringify(this.value[key])}`;
  }
}

/** A hundred thousand of these stand in a large day: plain fields, no maps. */
class FeedRow {
  readonly c: string;
  amt: number;
  #odds: string | undefined;
  #lo: string | undefined;
  #hi: string | undefined;
  #late: boolean;
  readonly #bornAt: number;
  #amtAt: number;
  #oddsAt: number;
  #rangeAt: number;
  #lateAt: number;
  /** The whole row with its mark, until it changes: most rows of a pool stand still from tick to tick. */
  #text: string | undefined;

  constructor([c, amt, odds, lo, hi]: OddsRow, late: boolean, at: number) {
    this.c = c;
    this.amt = amt;
    this.#odds = odds ?? undefined;
    this.#lo = lo;
    this.#hi = hi;
    this.#late = late;
    this.#bornAt = at;
    this.#amtAt = at;
    this.#oddsAt = at;
    this.#rangeAt = at;
    this.#lateAt = at;
  }

  /** True if a value went away. */
  set([, amt, price, lo, hi]: OddsRow, at: number): boolean {
    const odds = price ?? undefined;
    const lost = (this.#odds !== undefined && odds === undefined) || (this.#lo !== undefined && lo === undefined);
    if (amt !== this.amt) this.#amtAt = at;
    if (odds !== this.#odds) this.#oddsAt = at;
    if (lo !== this.#lo || hi !== this.#hi) this.#rangeAt = at;
    if (this.#amtAt === at || this.#oddsAt === at || this.#rangeAt === at) this.#text = undefined;
    this.amt = amt;
    this.#odds = odds;
    this.#lo = lo;
    this.#hi = hi;
    return lost;
  }

  mark(late: boolean, at: number): void {
    if (late === this.#late) return;
    this.#late = late;
    this.#lateAt = at;
    this.#text = undefined;
  }

  /** Keys sorted: this text is hashed. */
  text(late: boolean): string {
    if (!late) return this.#write(false);
    this.#text ??= this.#write(true);
    return this.#text;
  }

  #write(late: boolean): string {
    const big = late ? `,"big":${this.#late}` : '';
    const hi = this.#hi === undefined ? '' : `,"hi":"${this.#hi}"`;
    const lo = this.#lo === undefined ? '' : `,"lo":"${this.#lo}"`;
    const odds = this.#odds === undefined ? '' : `,"odds":"${this.#odds}"`;
    return `{"amt":${this.amt}${big},"c":${JSON.stringify(this.c)}${hi}${lo}${odds},"st":"ACTIVE"}`;
  }

  since(cycle: number, late: boolean): string | undefined {
    if (this.#bornAt > cycle) return this.text(late);
    let text = '';
    if (this.#amtAt > cycle) text += `,"amt":${this.amt}`;
    if (this.#oddsAt > cycle && this.#odds !== undefined) text += `,"odds":"${this.#odds}"`;
    if (this.#rangeAt > cycle && this.#lo !== undefined) text += `,"lo":"${this.#lo}","hi":"${this.#hi}"`;
    if (late && this.#lateAt > cycle) text += `,"big":${this.#late}`;
    return text === '' ? undefined : `{"c":${JSON.stringify(this.c)}${text}}`;
  }
}

/** What a scratched runner's row says, whether or not a tick has taken its money off yet. */
const scratchedText = (c: string, late: boolean): string =>
  `{"amt":0${late ? ',"big":false' : ''},"c":${JSON.stringify(c)},"st":"SCRATCHED"}`;

/** Two places between which nothing changed are one: their readers share a text. */
function floorTo(place: number, last: number, before: number): number {
  if (place >= last) return last;
  return Math.min(place, before);
}
