/**
 * Keeps one decider alive: folds, campaigns, leads, and after the end of an incarnation starts over with a new state and a
 * random back-off. Election is only a hint about who should try; the log alone decides who counts. It must never carry state
 * from one incarnation into the next, and never go on after a fault that only a person can resolve.
 */
import { type SnapshotHead, stateHash } from '#mutuel/contracts';
import type { Decider } from '#mutuel/engine';
import { checkState, StateDiffers } from './checkpoints.js';
import { countDeaths, type Deaths } from './deaths.js';
import { DeciderHalted, DeciderLife, type LifeEnd } from './decider-life.js';
import type { HowFar } from './log-follower.js';
import { Outage } from './outage.js';
import { type EventLog, LogFault, type LogRecord, type LogTail, type TopicPartition } from './ports.js';
import {
  blankMetrics,
  type DeciderSettings,
  type Election,
  type OnAlarm,
  type RunnerMetrics,
  type Seams,
} from './runner-options.js';
import { saveSnapshot } from './snapshots.js';
import { type DropReason, type ValidDecision, validRecords } from './valid-records.js';

export interface RunnerOptions<S, C, E> extends Seams, DeciderSettings<S, C, E> {
  readonly onAlarm?: OnAlarm;
  readonly deaths?: Deaths;
  /** The first attempt to lead: at once (default), or like all later ones when elected or when the log has gone quiet. */
  readonly campaign?: 'AT_ONCE' | 'WHEN_QUIET';
  /** Where there is one, a standby does not wait for silence. */
  readonly election?: Pick<Election, 'tryLead' | 'resign'> | undefined;
  /** Silence on the decision log after which a standby tries to lead; default 2,000 ms. */
  readonly quietMs?: number;
  /** Whether silence counts only while commands wait (default). A decider that must speak by itself sets it to false. */
  readonly quietNeedsWork?: boolean;
  /** Work that waits outside the command log, because only a leader is given it. */
  readonly workWaits?: () => boolean;
}

export type RunnerStatus = 'IDLE' | 'FOLDING' | 'STANDBY' | 'LEADING' | 'STOPPED' | 'HALTED';

const DEFAULT_QUIET_MS = 2_000;
/** How often a standby asks whether it is elected, and a leader whether it still is; and how long who is elected listens for a leader. */
const ELECTION_MS = 250;
/** Who was put down by another does not stand again before that one can have been elected. */
const AFTER_DEFEAT_MS = 3_000;
/** Who is put down while it lives was slow, not silent: it waits twice as long from then on, up to this, and half as long again after each peace. */
const MAX_QUIET_MS = 30_000;
const PEACE_MS = 5 * 60_000;
/** Back-off after a lost incarnation: random up to this, doubled for every fruitless one, never above the last. */
const FIRST_BACK_OFF_MS = 100;
const MAX_BACK_OFF_MS = 5_000;
/** Incarnations in a row that wrote nothing, before a person is needed: some minutes of trying. */
const MAX_FRUITLESS = 100;

export class DeciderRunner<S, C, E> {
  readonly metrics: RunnerMetrics = blankMetrics();
  status: RunnerStatus = 'IDLE';
  /** Why it halted. */
  fault: Error | undefined;

  /** The state of the first life once it is folded, before it decides anything; never where no life gets so far. */
  readonly folded: Promise<S>;

  readonly #o: RunnerOptions<S, C, E>;
  readonly #onAlarm: OnAlarm;
  readonly #deaths: Deaths;
  readonly #outage: Outage;
  readonly #stopping = new AbortController();
  readonly #decisionListeners = new Set<(decision: ValidDecision<E>) => void>();
  readonly #statusListeners = new Set<(status: RunnerStatus) => void>();
  #life: DeciderLife<S, C, E> | undefined;
  #running: Promise<void> | undefined;
  #folded: (state: S) => void = () => undefined;
  #told = 0;
  #heardAt = 0;
  #standsFrom = 0;
  #defeatedAt = 0;
  /** How long silence had to last from then on. */
  #raisedMs = 0;
  #fruitless = 0;

  constructor(options: RunnerOptions<S, C, E>) {
    this.#o = options;
    this.#onAlarm = options.onAlarm ?? (() => undefined);
    this.#deaths = options.deaths ?? countDeaths(options.src);
    this.#outage = new Outage(options.clock);
    this.folded = new Promise((resolve) => {
      this.#folded = resolve;
    });
  }

  get src(): string {
    return this.#o.src;
  }

  /** This incarnation's state, to be read only; while leading it runs ahead of the log. Undefined between incarnations. */
  get state(): S | undefined {
    return this.#life?.state;
  }

  /** What was read and found valid so far. */
  get position(): { readonly seq: number; readonly head: string; readonly next: number } | undefined {
    if (!this.#life) return undefined;
    const { seq, head, next } = this.#life.valid;
    return { seq, head, next };
  }

  /** How far the log is folded, while it is. */
  get reading(): HowFar | undefined {
    return this.status === 'FOLDING' ? this.#life?.reading : undefined;
  }

  /** Why it has come neither to lead nor to stand by for a while. */
  get trouble(): string | undefined {
    const { text } = this.#outage;
    return text && `it has ended again and again ${text}`;
  }

  /** Every valid decision once, in order, from the log's beginning or the snapshot of the first life on, whatever incarnation reads it. */
  onDecision(listener: (decision: ValidDecision<E>) => void): () => void {
    this.#decisionListeners.add(listener);
    return () => this.#decisionListeners.delete(listener);
  }

  onStatus(listener: (status: RunnerStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Writes what a standby has folded; undefined where this runner does not stand by: a leader's state runs ahead of the log. */
  async saveSnapshot(): Promise<SnapshotHead | undefined> {
    const { snapshots, decider, clock } = this.#o;
    // A life leads a moment before its runner says so.
    if (!snapshots || this.status !== 'STANDBY' || !this.#life || this.#life.leading) return undefined;
    const { state, valid } = this.#life;
    return saveSnapshot(snapshots, decider, { state, valid, at: clock.now() });
  }

  /** Decides nothing more, waits until what was decided is in the log, and lets go of it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#life?.stop();
    await this.#running;
    await this.#o.election?.resign(this.src);
    if (this.status !== 'HALTED') this.#become('STOPPED');
  }

  // ── Lives ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async #run(): Promise<void> {
    let atOnce = this.#o.campaign !== 'WHEN_QUIET';
    while (!this.#stopping.signal.aborted) {
      const life = this.#begin();
      const end = await this.#live(life, atOnce);
      this.#life = undefined;
      if (end.cause === 'STOPPED') return;
      if (this.#isFinal(life, end)) return;
      // Who lost the log to another waits until that one is silent or gone; who failed alone tries again; who stood by goes on so.
      atOnce = end.cause !== 'FOREIGN_START' && (atOnce || life.hasClaimed);
      if (end.cause === 'FOREIGN_START') await this.#defeated();
      this.#become('STANDBY');
      await this.#o.clock.sleep(this.#backOff(), this.#stopping.signal);
    }
  }

  #begin(): DeciderLife<S, C, E> {
    this.metrics.incarnations++;
    this.#life = new DeciderLife<S, C, E>({
      ...this.#o,
      deaths: this.#deaths,
      metrics: this.metrics,
      onAlarm: this.#onAlarm,
      onValid: (decision) => this.#tell(decision),
      onStarted: () => {
        this.#heardAt = this.#o.clock.now();
      },
      onDropped: (reason, inc) => this.#dropped(reason, inc),
    });
    return this.#life;
  }

  async #live(life: DeciderLife<S, C, E>, atOnce: boolean): Promise<LifeEnd> {
    this.#become('FOLDING');
    if (!(await life.fold())) return life.over;
    this.#folded(life.state);
    if (!atOnce) await this.#untilCalled(life);
    if (!this.#stopping.signal.aborted) await life.claim();
    if (life.leading) {
      this.#become('LEADING');
      this.#outage.ended();
      void this.#staysElected(life);
    }
    if (this.#stopping.signal.aborted) await life.stop();
    return life.over;
  }

  /** Resolves when this runner is elected, when the log has been silent too long, or when there is nothing left to wait for. */
  async #untilCalled(life: DeciderLife<S, C, E>): Promise<void> {
    const { clock, election, quietMs = DEFAULT_QUIET_MS, quietNeedsWork = true } = this.#o;
    const pause = Math.min(quietMs / 4, election ? ELECTION_MS : Number.POSITIVE_INFINITY);
    let over = false;
    void life.over.then(() => {
      over = true;
    });
    this.#become('STANDBY');
    this.#outage.ended();
    // Who stands by writes nothing, however long it lives.
    this.#fruitless = 0;
    this.#heardAt = clock.now();
    let dueFrom: number | undefined;
    while (!over && !this.#stopping.signal.aborted) {
      if (election && clock.now() >= this.#standsFrom && (await election.tryLead(this.src))) {
        if (await this.#hearsNobody()) return;
        // Its leader has lost the lock and not its life.
        await this.#stepBack(2 * ELECTION_MS);
      }
      await clock.sleep(pause, this.#stopping.signal);
      // A leader without work is not silent: work has to have waited, too, not only since a moment ago.
      const patience = this.#patience();
      const silentMs = clock.now() - this.#heardAt;
      const isDue =
        silentMs >= patience / 2 && (!quietNeedsWork || (await this.#workWaits(life))) && !(await this.#isDeaf(life));
      dueFrom = isDue ? (dueFrom ?? clock.now()) : undefined;
      if (dueFrom !== undefined && silentMs >= patience && clock.now() - dueFrom >= patience / 2) return;
    }
  }

  /**
   * How long silence must last before this one leads without being elected. Two that are both slower than two seconds would
   * otherwise put each other down for ever.
   */
  #patience(): number {
    const { clock, quietMs = DEFAULT_QUIET_MS } = this.#o;
    const peaces = Math.floor((clock.now() - this.#defeatedAt) / PEACE_MS);
    return Math.max(quietMs, this.#raisedMs / 2 ** peaces);
  }

  /** A server that starts again has forgotten every lock: whoever is first to come back must not put down a leader that decides. */
  async #hearsNobody(): Promise<boolean> {
    const { clock } = this.#o;
    const heardAt = this.#heardAt;
    const rest = heardAt + ELECTION_MS - clock.now();
    if (rest > 0) await clock.sleep(rest, this.#stopping.signal);
    return this.#heardAt === heardAt;
  }

  /** However it came to lead: while it does, nobody else is called. */
  async #staysElected(life: DeciderLife<S, C, E>): Promise<void> {
    const { clock, election } = this.#o;
    while (election && this.#life === life && this.status === 'LEADING' && !this.#stopping.signal.aborted) {
      await election.tryLead(this.src);
      await clock.sleep(ELECTION_MS, this.#stopping.signal);
    }
  }

  async #defeated(): Promise<void> {
    this.#raisedMs = Math.min(2 * this.#patience(), MAX_QUIET_MS);
    this.#defeatedAt = this.#o.clock.now();
    await this.#stepBack(AFTER_DEFEAT_MS);
  }

  async #stepBack(forMs: number): Promise<void> {
    this.#standsFrom = this.#o.clock.now() + forMs;
    await this.#o.election?.resign(this.src);
  }

  /** The log holds decisions that have not come here: it is not the leader who is silent. */
  async #isDeaf({ valid }: DeciderLife<S, C, E>): Promise<boolean> {
    const { log, decisions } = this.#o;
    return log.bounds(decisions).then(
      ({ end }) => end > valid.next,
      () => false,
    );
  }

  /** Commands not decided yet, or a job in the state whose next step nobody has asked for. */
  async #workWaits({ valid, state }: DeciderLife<S, C, E>): Promise<boolean> {
    const { log, commands, epoch, decider, workWaits } = this.#o;
    if (decider.pending(state) !== undefined || workWaits?.()) return true;
    // Of a log that cannot be reached no work is known; who leads then could not write either.
    const end = await log.bounds(commands).then(
      (bounds) => bounds.end,
      () => 0,
    );
    const last = valid.lastIn;
    return end > (last !== null && last[0] === epoch ? last[1] + 1 : 0);
  }

  /** True when trying again would be wrong or has proved useless. */
  #isFinal(life: DeciderLife<S, C, E>, end: Exclude<LifeEnd, { cause: 'STOPPED' }>): boolean {
    const fault = 'fault' in end ? end.fault : undefined;
    this.#fruitless = life.progressed ? 0 : this.#fruitless + 1;
    const detail = `${this.src}: ${end.cause}${fault ? `: ${fault.message}` : ''}`;
    this.#onAlarm('INCARNATION_ENDED', detail);
    if (fault) this.#outage.failed(`${end.cause}: ${fault.message}`);
    if (fault instanceof StateDiffers) this.#onAlarm('STATE_DIFFERS', fault.message);
    if (fault instanceof LogFault || fault instanceof DeciderHalted || fault instanceof StateDiffers)
      return this.#halt(fault);
    if (this.#fruitless < MAX_FRUITLESS) return false;
    return this.#halt(new DeciderHalted(`${detail} (${MAX_FRUITLESS} incarnations in a row wrote nothing)`));
  }

  #halt(fault: Error): true {
    this.fault = fault;
    this.#become('HALTED');
    this.#onAlarm('RUNNER_HALTED', fault.message);
    return true;
  }

  #backOff(): number {
    const most = Math.min(FIRST_BACK_OFF_MS * 2 ** Math.min(this.#fruitless, 10), MAX_BACK_OFF_MS);
    const [random = 0] = this.#o.entropy.bytes(1);
    return Math.ceil((most * (random + 1)) / 256);
  }

  // ── What listeners hear ────────────────────────────────────────────────────────────────────────────────────────

  #tell(decision: ValidDecision<E>): void {
    this.#heardAt = this.#o.clock.now();
    if (decision.decision.seq <= this.#told) return;
    this.#told = decision.decision.seq;
    this.metrics.decisions++;
    if (decision.decision.code !== undefined) this.metrics.refused++;
    for (const listener of this.#decisionListeners) listener(decision);
  }

  #dropped(reason: DropReason, inc: string): void {
    this.metrics.dropped[reason]++;
    if (reason === 'KILLED') {
      this.#onAlarm('INCARNATION_KILLED', `${this.src}: incarnation ${inc} contradicted itself or its input`);
    }
  }

  #become(status: RunnerStatus): void {
    if (this.status === status) return;
    this.status = status;
    for (const listener of this.#statusListeners) listener(status);
  }
}

export interface Folded<S> {
  readonly state: S;
  readonly seq: number;
  readonly head: string;
  /** SHA-256 of the state's image: equal on every machine for the same prefix of the log. */
  readonly stateHash: string;
  readonly checkpoint: string;
}

/** Replays the decisions of one source up to and including sequence number `to` (default: all there are now). */
export async function foldDecisions<S, C, E>(
  log: Pick<EventLog, 'tail' | 'bounds'>,
  source: { readonly src: string; readonly at: TopicPartition; readonly to?: number },
  decider: Decider<S, C, E>,
): Promise<Folded<S>> {
  const { src, at, to = Number.POSITIVE_INFINITY } = source;
  const state = decider.initialState();
  const valid = validRecords<E>(src, at);
  const { end } = await log.bounds(at);
  const take = (record: LogRecord): boolean => {
    if (valid.next >= end || valid.seq >= to) return true;
    const accepted = valid.accept(record);
    if (accepted.kind === 'valid') {
      checkState(decider, state, accepted.decision);
      decider.evolve(state, accepted.decision);
    }
    return valid.next >= end || valid.seq >= to;
  };
  if (end > 0 && to > 0) await readUntil(log, at, take);
  const { seq, head } = valid;
  return { state, seq, head, stateHash: stateHash(decider.image(state)), checkpoint: valid.toCheckpoint() };
}

/** Hands out records from the log's beginning until the callback says that it has enough. */
async function readUntil(
  log: Pick<EventLog, 'tail'>,
  at: TopicPartition,
  enough: (record: LogRecord) => boolean,
): Promise<void> {
  let tail: LogTail | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const onBatch = (_at: TopicPartition, records: readonly LogRecord[]): void => {
        if (records.some(enough)) resolve();
      };
      log.tail([{ ...at, from: 0 }], onBatch, reject, { fetch: 'bulk' }).then((opened) => {
        tail = opened;
      }, reject);
    });
  } finally {
    await tail?.close();
  }
}
