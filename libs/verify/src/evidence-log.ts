/**
 * An exported log beside an evidence pack: the record that accepted the ticket, every movement of its bets, every act on their races and
 * the odds before it, as the log has them. A pack is what the house says; here its word is held against its own books. It must never
 * take an event from a record that no chain leads to.
 */
import { AuditLogBroken, type LoggedDecision } from '#mutuel/audit';
import type { EvidenceEvent, EvidenceOdds, EvidenceStatement } from './evidence.js';
import type { ExportedRecord } from './export-file.js';
import { LogChains, placeOf } from './log-chains.js';
import type { ReceiptStatement, Verdict } from './receipt.js';
import { readStatement, type Signed } from './signed.js';

type Event = { readonly t: string } & Readonly<Record<string, unknown>>;
type Decision = LoggedDecision & { readonly at: number; readonly code?: string; readonly events: readonly Event[] };
type Lines = { readonly [list in keyof Verdict]: string[] };

/** A bet's movement of money, as decisions write it. */
interface Moved {
  readonly ticket: string;
  readonly no: number;
  readonly amount: number;
  readonly net?: number;
}

interface Tick {
  readonly cycle: number;
  readonly at: number;
  readonly by: string;
  readonly part: number;
  readonly parts: number;
  readonly cut: unknown;
  readonly pools: readonly { readonly id: string; readonly gross: number; readonly rows: unknown }[];
}

type PoolOdds = Pick<EvidenceOdds, 'poolId' | 'cycle' | 'at' | 'offset' | 'gross'> & {
  readonly cut: unknown;
  readonly rows: unknown;
};

/** A pack is made from read models, which follow the log: what is younger than this may not have been in them yet. */
const BEHIND_MS = 60_000;
/** So many records of ticks are looked through for odds before a bet. */
const TICKS_BACK = 600;
const FIELDS = ['at', 'actor', 'device', 'outcome', 'amount', 'reason', 'owed'] as const;
const LATE = new Set(['AFTER_STOP', 'AFTER_OFF']);

export class EvidenceLog {
  /** What the file says of itself, trusted or not: where to look. */
  readonly #said: EvidenceStatement | undefined;
  readonly #shard: string;
  readonly #account: string;
  readonly #acceptedAt: number;
  readonly #pools: ReadonlySet<string>;
  readonly #races = new Set<string>();
  readonly #chains = new LogChains();
  readonly #broken = new Map<string, string>();
  /** By log, the last decision that counts. */
  readonly #last = new Map<string, number>();
  readonly #events: EvidenceEvent[] = [];
  /** The record at the place that the pack names, and whether it counts. */
  #accepting: { readonly text: string; readonly counts: boolean } | undefined;
  /** By pool, where the pack says that its odds stand; and the last of these places. */
  readonly #places: ReadonlyMap<string, number>;
  readonly #lastPlace: number;
  /** By pool, the odds at the place that the pack names, and the last ones before the bet; by writer and cycle the parts of a tick. */
  readonly #named = new Map<string, PoolOdds>();
  readonly #before = new Map<string, PoolOdds>();
  readonly #parts = new Map<string, PoolOdds[]>();
  /** The first record of ticks that the log still holds, since ticks expire; and the last one before the bet. */
  #firstTick: number | undefined;
  #lastTick = -1;

  /** `file`: the pack that will be compared. */
  constructor(file: unknown) {
    const read = isSigned(file) ? readStatement<EvidenceStatement>(file, 'mutuel-evidence') : '';
    this.#said = typeof read === 'string' ? undefined : read;
    const receipt = receiptOf(this.#said);
    this.#shard = receipt ? `shard-${receipt.shard}` : '';
    this.#account = receipt?.accountId ?? '';
    this.#acceptedAt = receipt?.acceptedAt ?? Number.NEGATIVE_INFINITY;
    this.#pools = new Set(receipt?.bets.map(({ poolId }) => poolId));
    this.#places = new Map((this.#said?.odds ?? []).map(({ poolId, offset }) => [poolId, offset]));
    this.#lastPlace = Math.max(-1, ...this.#places.values());
  }

  /** Takes the next record of the export. */
  take(record: ExportedRecord): void {
    if (record.topic === 'odds') this.#odds(record);
    const src = record.topic === 'market.decisions' ? 'market' : `shard-${record.partition}`;
    const isWanted = src === 'market' || (record.topic === 'shard.decisions' && src === this.#shard);
    if (!isWanted || this.#broken.has(src)) return;
    let decision: Decision | undefined;
    try {
      decision = this.#chains.take(src, record) as Decision | undefined;
    } catch (fault) {
      if (!(fault instanceof AuditLogBroken)) throw fault;
      this.#broken.set(src, `${placeOf(record)}: ${fault.message}`);
      return;
    }
    const place = this.#said?.decision;
    if (place && record.topic === place.topic && record.partition === place.partition && record.offset === place.offset)
      this.#accepting = { text: Buffer.from(record.value).toString('utf8'), counts: decision !== undefined };
    if (!decision) return;
    this.#last.set(src, decision.seq);
    for (const event of decision.events)
      if (src === 'market') this.#ofMarket(decision, event);
      else this.#ofShard(decision, event);
  }

  /** The pack against what was read. */
  compare(said: EvidenceStatement, receipt: ReceiptStatement, verdict: Lines): void {
    verdict.faults.push(
      ...this.#chains.contradictions.map(({ at, what }) => `${at}: ${what}`),
      ...this.#broken.values(),
    );
    this.#compareRecord(said, verdict);
    this.#compareEvents(said, verdict);
    const bets = receipt.bets.filter(({ betId }) => said.betId === null || said.betId === betId);
    for (const pool of new Set(bets.map(({ poolId }) => poolId))) this.#compareOdds(said, pool, verdict);
  }

  // What the log says.

  #ofMarket({ seq, at, code }: Decision, event: Event): void {
    const fact = event.t === 'Fact' ? (event['fact'] as Event) : undefined;
    if (fact?.t === 'MeetingPublished') {
      const { races } = fact['meeting'] as {
        races: { raceId: string; pools: { poolId: string; legs?: readonly string[] }[] }[];
      };
      for (const { raceId, pools } of races)
        for (const { poolId, legs = [] } of pools)
          if (this.#pools.has(poolId)) for (const race of [raceId, ...legs]) this.#races.add(race);
    }
    if (event.t !== 'Acted' || !this.#races.has(String(event['race']))) return;
    const by = event['by'] as { readonly user: string; readonly device: string };
    this.#events.push({
      ...{ at, source: 'market', seq, actor: by.user, device: by.device, action: String(event['action']) },
      ...{ outcome: code === undefined ? 'ACCEPTED' : 'REFUSED', betId: null, amount: null },
      reason: (event['reason'] as string | undefined) ?? null,
    });
  }

  #ofShard(decision: Decision, event: Event): void {
    const items = (event['items'] ?? []) as readonly Moved[];
    const ticket = event['ticket'] as string;
    switch (event.t) {
      case 'TicketAccepted':
        for (const { no, stake } of event['bets'] as readonly { no: number; stake: number }[])
          this.#moved(decision, 'STAKE', { ticket, no, amount: -stake }, null);
        return;
      case 'TicketCancelled':
        for (const { no, amount } of event['bets'] as readonly Moved[])
          this.#moved(decision, 'CANCEL', { ticket, no, amount }, String(event['reason']));
        return;
      case 'BetsRefunded': {
        const cause = String(event['cause']);
        for (const item of items) this.#moved(decision, LATE.has(cause) ? 'VOID' : 'REFUND', item, cause);
        return;
      }
      case 'BetsPaid':
        for (const item of items) this.#settled(decision, 'PAYOUT', item, null);
        return;
      case 'BetsCorrected':
        // What is left with the bettor by the pool's policy is no movement of his.
        for (const item of items)
          if (item.amount !== 0) this.#settled(decision, 'CORRECTION', item, `RESULT ${event['version']}`);
        return;
      default:
    }
  }

  /** What it gives, and what is kept back of it for a debt; or what could be taken, and what is owed for the rest. */
  #settled(decision: Decision, action: string, item: Moved, reason: string | null): void {
    const { net = 0, amount } = item;
    if (net < 0) this.#moved(decision, action, { ...item, amount: amount - net }, reason, -net);
    else this.#moved(decision, action, item, reason);
    if (net > 0) this.#moved(decision, 'RECOVERY', { ...item, amount: -net }, reason, -net);
  }

  #moved({ src, seq, at }: Decision, action: string, moved: Moved, reason: string | null, owed = 0): void {
    const { ticket, no, amount } = moved;
    const betId = `${ticket}-${no + 1}`;
    if (ticket !== this.#said?.ticketId || (this.#said.betId !== null && this.#said.betId !== betId)) return;
    const actor = action === 'STAKE' || action === 'CANCEL' ? this.#account : 'rules';
    this.#events.push({
      ...{ at, source: src, seq, actor, action, outcome: 'ACCEPTED', betId, amount, reason },
      ...(owed === 0 ? {} : { owed }),
    });
  }

  /** A tick, or a part of one: the place of a whole one is that of its last part. */
  #odds({ offset, time, value }: ExportedRecord): void {
    this.#firstTick ??= offset;
    if (time <= this.#acceptedAt) this.#lastTick = offset;
    else if (offset > this.#lastPlace) return;
    const tick = readTick(value);
    if (!tick) return;
    const { cycle, at, cut } = tick;
    const own = tick.pools.filter(({ id }) => this.#pools.has(id));
    const key = `${tick.by} ${cycle}`;
    const parts = [...(tick.part === 0 ? [] : (this.#parts.get(key) ?? []))];
    for (const { id: poolId, gross, rows } of own) parts.push({ poolId, cycle, at, offset, cut, gross, rows });
    if (tick.part + 1 < tick.parts) {
      this.#parts.set(key, parts);
      return;
    }
    this.#parts.delete(key);
    for (const odds of parts.map((one) => ({ ...one, offset }))) {
      if (this.#places.get(odds.poolId) === offset) this.#named.set(odds.poolId, odds);
      if (time <= this.#acceptedAt && at <= this.#acceptedAt && tick.parts === 1) this.#before.set(odds.poolId, odds);
    }
  }

  // Both beside each other.

  #compareRecord({ decision }: EvidenceStatement, { held, missing, faults }: Lines): void {
    const place = `${decision.topic}/${decision.partition} #${decision.offset}`;
    if (!this.#accepting) missing.push(`the log does not hold ${place}, where the pack has its record from`);
    else if (this.#accepting.text !== decision.record)
      faults.push(`the log has another record at ${place} than the pack`);
    else if (!this.#accepting.counts) faults.push(`the record at ${place} counts for nothing in the log`);
    else held.push(`the record at ${place} stands in the log, byte for byte`);
  }

  #compareEvents({ events, madeAt }: EvidenceStatement, { held, missing, faults }: Lines): void {
    const found = new Map<string, EvidenceEvent[]>();
    for (const event of this.#events) found.set(keyOf(event), [...(found.get(keyOf(event)) ?? []), event]);
    let equal = 0;
    for (const event of events) {
      const { source, seq } = event;
      const own = found.get(keyOf(event))?.shift();
      if (own) {
        const wrong = FIELDS.filter((name) => event[name] !== own[name]);
        for (const name of wrong)
          faults.push(`${nameOf(event)}: the pack says ${name} ${event[name]}, the log ${own[name]}`);
        if (wrong.length === 0) equal += 1;
      } else if ((source === 'market' || source === this.#shard) && seq > (this.#last.get(source) ?? 0))
        missing.push(`the log of ${source} does not reach decision ${seq} (${event.action})`);
      else faults.push(`${nameOf(event)} stands in the pack and not in the log`);
    }
    for (const left of [...found.values()].flat()) {
      if (left.at > madeAt) continue;
      const says = `${nameOf(left)} stands in the log and not in the pack`;
      if (left.at > madeAt - BEHIND_MS) missing.push(`${says}, which was made ${madeAt - left.at} ms after it`);
      else faults.push(says);
    }
    held.push(`${equal} of ${events.length} events stand in the log as in the pack`);
  }

  #compareOdds({ odds }: EvidenceStatement, pool: string, { held, missing, faults }: Lines): void {
    const said = odds.find(({ poolId }) => poolId === pool);
    const before = this.#before.get(pool);
    if (before && (said ? before.offset > said.offset : before.offset > this.#lastTick - TICKS_BACK)) {
      const later = `the log has odds of ${pool} of cycle ${before.cycle} before the bet (odds #${before.offset})`;
      faults.push(said ? `${later}, later ones than the pack` : `${later}, the pack has none`);
    }
    if (!said) return;
    const own = this.#named.get(pool);
    if (!own) {
      const place = `no odds of ${pool} at odds #${said.offset}`;
      const isHeld = said.offset >= (this.#firstTick ?? said.offset) && said.offset <= this.#lastTick;
      if (isHeld) faults.push(`the log has ${place}, where the pack has them from`);
      else missing.push(`the log holds ${place}: it does not reach them, or holds them no more`);
      return;
    }
    const wrong = (['cycle', 'at', 'cut', 'gross', 'rows'] as const).filter(
      (name) => JSON.stringify(said[name]) !== JSON.stringify(own[name]),
    );
    for (const name of wrong)
      faults.push(
        `the odds of ${pool}: the pack says ${name} ${JSON.stringify(said[name])}, the log ${JSON.stringify(own[name])}`,
      );
    if (wrong.length === 0) held.push(`the odds of ${pool} stand in the log as in the pack (odds #${said.offset})`);
  }
}

/** Undefined for what is none: `verify log` names it. */
function readTick(value: Uint8Array): Tick | undefined {
  try {
    const tick = JSON.parse(Buffer.from(value).toString('utf8')) as Tick | null;
    return Array.isArray(tick?.pools) ? tick : undefined;
  } catch {
    return undefined;
  }
}

const keyOf = ({ source, seq, action, betId }: EvidenceEvent): string => `${source} ${seq} ${action} ${betId}`;

const nameOf = ({ source, seq, action, betId }: EvidenceEvent): string =>
  `${source} #${seq}, ${action}${betId === null ? '' : ` of ${betId}`}`;

const isSigned = (file: unknown): file is Signed => typeof (file as Signed | null)?.statement === 'string';

/** The receipt inside, where it can be read; whoever signed it is judged elsewhere. */
function receiptOf(said: EvidenceStatement | undefined): ReceiptStatement | undefined {
  const inner = said?.receipt?.receipt;
  const read = isSigned(inner) ? readStatement<ReceiptStatement>(inner, 'mutuel-receipt') : '';
  return typeof read === 'string' ? undefined : read;
}
