/**
 * One incarnation of a decider: it folds the decision log, claims it with a `DeciderStarted`, decides commands in order and
 * appends the decisions, and watches the log for its own death. Its state runs ahead of the log, so it must never be used again
 * once the life has ended, and nobody may be answered from it: answers come from reading valid records.
 */
import {
  type DecisionRecord,
  encodeRecord,
  MAX_RECORD_BYTES,
  NEWEST_RECORD_FORMAT,
  type OpenedCommand,
  openCommand,
  RECORD_FORMAT,
  type RecordFormat,
  sha256,
  stateHash,
} from '#mutuel/contracts';
import type { Context, Decider, Decision } from '#mutuel/engine';
import { checkState } from './checkpoints.js';
import { CAREFUL_COMMANDS } from './deaths.js';
import { DecisionWriter } from './decision-writer.js';
import type { HowFar } from './log-follower.js';
import type { LogRecord, LogStart } from './ports.js';
import { randomId } from './random-id.js';
import type { LifeOptions, Skip } from './runner-options.js';
import { checkAgainstLog, loadSnapshot } from './snapshots.js';
import { StepAsker } from './step-asker.js';
import type { OnRecords, Subscription } from './tail-source.js';
import { type Accepted, type ValidDecision, type ValidRecords, validRecords } from './valid-records.js';

/**
 * Why a life ended. `STOPPED`: asked to. `FOREIGN_START`: another incarnation claimed the log. `DROPPED`: one of its own records was
 * not taken. `APPEND`: an append failed, whatever came of it. `POISON`: deciding one command threw. `TAIL`: reading failed.
 */
export type LifeEnd =
  | { readonly cause: 'STOPPED' | 'FOREIGN_START' | 'DROPPED' }
  | { readonly cause: 'APPEND' | 'POISON' | 'TAIL'; readonly fault: Error };

/** Something only a person can resolve: the decider stays down. `detail` says where and what to do. */
export class DeciderHalted extends Error {
  override readonly name = 'DeciderHalted';
  readonly retriable = false;
}

/** A bug in a decider, caught on a result that can still be thrown away. */
export class UnsoundDecision extends Error {
  override readonly name = 'UnsoundDecision';
  readonly retriable = false;
}

/** A client command that ended this many incarnations is decided `QUARANTINED` without running it. */
const MAX_DEATHS = 3;
export class DeciderLife<S, C, E> {
  /** Both begin anew with the snapshot that folding starts from. */
  state: S;
  valid: ValidRecords<E>;
  /** Resolves, never rejects, when this incarnation is over and has let go of everything. */
  readonly over: Promise<LifeEnd>;
  leading = false;

  readonly #o: LifeOptions<S, C, E>;
  readonly #decider: Decider<S, C, E>;
  readonly #stopping = new AbortController();
  #finish: (end: LifeEnd) => void = () => undefined;
  #end: LifeEnd | undefined;
  #inc: string | undefined;
  #subscriptions: Subscription[] = [];
  #caughtUp: { readonly from: number; readonly end: number; readonly resolve: () => void } | undefined;
  #claimRead: (() => void) | undefined;
  #commands: Subscription | undefined;

  /** The chain as decided, ahead of what was read back. */
  #seq = 0;
  #head = '';
  #writer: DecisionWriter | undefined;
  #skips: readonly Skip[] = [];
  readonly #host = {
    newestFormat: NEWEST_RECORD_FORMAT as RecordFormat,
    stateHash: () => stateHash(this.#decider.image(this.state)),
  };
  /** Commands still to be decided one by one. */
  #careful = 0;
  #began = false;
  readonly #steps: StepAsker;

  /** Whether it wrote a decision: a life that did was no fruitless attempt. */
  get progressed(): boolean {
    return this.#writer?.wrote ?? false;
  }

  /** Whether it has tried to lead. */
  get hasClaimed(): boolean {
    return this.#inc !== undefined;
  }

  /** How far folding is; undefined before it has begun, and once it is done. */
  get reading(): HowFar | undefined {
    if (!this.#caughtUp || this.valid.next >= this.#caughtUp.end) return undefined;
    const { from, end } = this.#caughtUp;
    return { done: this.valid.next - from, total: end - from };
  }

  constructor(options: LifeOptions<S, C, E>) {
    this.#o = options;
    this.#decider = options.decider;
    this.#host.newestFormat = options.newestFormat ?? NEWEST_RECORD_FORMAT;
    this.state = options.decider.initialState();
    this.valid = validRecords<E>(options.src, options.decisions);
    const ended = new Promise<LifeEnd>((resolve) => {
      this.#finish = resolve;
    });
    this.over = ended.then((end) => this.#letGo(end));
    this.#steps = new StepAsker({
      ...options,
      wanted: () => options.decider.pending(this.state) as object | undefined,
      onStuck: (step) => options.onAlarm('JOB_STUCK', `${options.src} decided the step ${step} and still wants it`),
      signal: this.#stopping.signal,
    });
  }

  /** Folds what is in the log now and goes on folding: a warm standby. False where the life ended before it had read that. */
  async fold(): Promise<boolean> {
    try {
      await this.#restore();
      const { end } = await this.#o.log.bounds(this.#o.decisions);
      const caughtUp = new Promise<void>((resolve) => {
        this.#caughtUp = { from: this.valid.next, end, resolve };
      });
      await this.#follow({ ...this.#o.decisions, from: this.valid.next }, (records) => this.#onDecisions(records));
      if (end > this.valid.next) await Promise.race([caughtUp, this.over]);
    } catch (fault) {
      this.#die('TAIL', fault);
    }
    return this.#end === undefined;
  }

  async #restore(): Promise<void> {
    const { log, src, decisions, snapshots, onAlarm } = this.#o;
    if (!snapshots) return;
    const snapshot = await loadSnapshot(snapshots, src, this.#decider.schema, onAlarm);
    if (!snapshot) return;
    await checkAgainstLog(log, { src, at: decisions }, snapshot);
    this.state = this.#decider.restore(snapshot.state);
    this.valid = validRecords<E>(src, decisions, snapshot.checkpoint);
  }

  /** Appends the claim, and decides once the append has resolved and the claim was read: appends must not overlap. */
  async claim(): Promise<void> {
    if (this.#end) return;
    const { src, epoch, decisions, entropy, log, clock, metrics } = this.#o;
    const read = new Promise<void>((resolve) => {
      this.#claimRead = resolve;
    });
    try {
      this.#inc = randomId(entropy);
      const appender = await log.appender();
      const onFault = (fault: unknown): void => this.#die('APPEND', fault);
      this.#writer = new DecisionWriter({ appender, decisions, clock, metrics, onFault });
      const base = { v: this.#format(), kind: 'started', src, epoch, inc: this.#inc } as const;
      const started = base.v === RECORD_FORMAT ? base : { ...base, release: this.#o.release ?? 'unknown' };
      await appender.append(decisions, [encodeRecord(started)]);
    } catch (fault) {
      this.#die('APPEND', fault);
    }
    await Promise.race([read, this.over]);
    if (!this.#end) await this.#lead();
  }

  /** Decides no further command, waits until what was decided is in the log, and ends. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#commands?.close();
    await this.#writer?.drain();
    this.#finishWith({ cause: 'STOPPED' });
    await this.over;
  }

  // ── Reading the decision log ───────────────────────────────────────────────────────────────────────────────────

  #onDecisions(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (this.#end) return;
      this.#heed(this.valid.accept(record));
      if (this.#caughtUp && this.valid.next >= this.#caughtUp.end) this.#caughtUp.resolve();
    }
  }

  #heed(accepted: Accepted<E>): void {
    if (accepted.kind === 'valid') this.#onValid(accepted);
    else if (accepted.kind === 'started') this.#onStarted(accepted.inc);
    else {
      this.#o.onDropped(accepted.reason, accepted.inc);
      if (accepted.inc === this.#inc) this.#finishWith({ cause: 'DROPPED' });
    }
  }

  #onValid(accepted: ValidDecision<E>): void {
    // While leading, the state has this decision already: only this incarnation's records can be valid.
    if (!this.leading) {
      checkState(this.#decider, this.state, accepted.decision);
      this.#decider.evolve(this.state, accepted.decision);
    }
    this.#o.onValid(accepted);
  }

  #onStarted(inc: string): void {
    this.#o.onStarted();
    if (this.leading) this.#finishWith({ cause: 'FOREIGN_START' });
    else if (inc === this.#inc) {
      this.leading = true;
      this.#claimRead?.();
    }
  }

  // ── Leading ────────────────────────────────────────────────────────────────────────────────────────────────────

  async #lead(): Promise<void> {
    const { lastIn, seq, head } = this.valid;
    this.#seq = seq;
    this.#head = head;
    const from = lastIn !== null && lastIn[0] === this.#o.epoch ? lastIn[1] + 1 : 0;
    try {
      this.#skips = (await this.#o.skips?.()) ?? [];
      if (await this.#o.deaths.begin(this.#o.epoch, from)) this.#careful = CAREFUL_COMMANDS;
      this.#began = true;
      if (this.#end) return;
      this.#commands = await this.#follow({ ...this.#o.commands, from }, (records) => this.#onCommands(records));
    } catch (fault) {
      this.#die('TAIL', fault);
    }
    this.#steps.look();
  }

  async #onCommands(records: readonly LogRecord[]): Promise<void> {
    const { metrics } = this.#o;
    const writer = this.#writer as DecisionWriter;
    for (let i = 0; i < records.length; i++) {
      while (writer.isFull && !this.#end) await writer.room();
      if (this.#end) return;
      const record = records[i] as LogRecord;
      if (this.#careful > 0) await this.#o.deaths.attempt(this.#o.epoch, record.offset);
      if (this.#end || this.#stopping.signal.aborted) return;
      metrics.undecided = records.length - i;
      metrics.oldestUndecidedMs = Math.max(0, this.#o.clock.now() - record.time);
      if (!this.#decideOne(record)) return;
      if (this.#careful > 0) await this.#outlived(writer);
    }
    metrics.undecided = 0;
    metrics.oldestUndecidedMs = 0;
    writer.flush();
    this.#steps.look();
  }

  /** Alone into the log: whichever command ends the process is then known. */
  async #outlived(writer: DecisionWriter): Promise<void> {
    await writer.drain();
    if (this.#end) return;
    this.#o.deaths.acquit();
    this.#careful--;
  }

  /** False when this command ended the incarnation: what it decided so far is thrown away with the state. */
  #decideOne(record: LogRecord): boolean {
    try {
      this.#decide(record);
      return true;
    } catch (fault) {
      if (!(fault instanceof DeciderHalted)) this.#o.deaths.note(this.#o.epoch, record.offset);
      this.#die('POISON', fault);
      return false;
    }
  }

  #decide(record: LogRecord): void {
    const { clock, serviceKey } = this.#o;
    const opened = openCommand(record.value, serviceKey);
    const skip = this.#skips.find((one) => this.#isAt(one, record));
    const trusted = 'trusted' in opened && opened.trusted;
    const host = this.#host;
    const context = { seq: this.#seq + 1, at: record.time, decidedAt: clock.now(), cid: opened.cid, trusted, host };
    const decision = skip
      ? this.#setAside(opened, skip)
      : (this.#isQuarantined(record, opened) ?? this.#run(this.#read(record, opened), context));
    this.#take(this.#recordOf(decision, context, record.offset));
    this.#steps.decided(opened.cid);
  }

  /** Spelled out for accepted decisions: they are nearly all, and spreading costs more than deciding a bet. */
  #recordOf(decision: Decision<E>, context: Context, offset: number): DecisionRecord<E> {
    const { src, epoch } = this.#o;
    const { seq, cid, at, decidedAt: time } = context;
    const record = {
      v: this.#format(),
      kind: 'decision',
      src,
      epoch,
      seq,
      in: [epoch, offset, 0],
      cid,
      inc: this.#inc as string,
      prev: this.#head,
      at,
      time,
      events: decision.events,
      posts: decision.posts,
    } as const;
    return decision.code === undefined ? record : { ...record, ...decision };
  }

  #read(record: LogRecord, opened: OpenedCommand): C {
    const { readCommand } = this.#o;
    if ('newer' in opened) throw this.#halt(record, `its format ${opened.version} is newer than this release`);
    if ('malformed' in opened) return readCommand({ type: 'Malformed', cause: opened.malformed }, false);
    try {
      return readCommand(opened.cmd, opened.trusted);
    } catch (cause) {
      // What a service signed and this release does not know cannot be skipped: going on would mean living in another market.
      if (opened.trusted) throw this.#halt(record, (cause as Error).message, { cause });
      throw cause;
    }
  }

  /** What the log's fact has switched on, as far as this process writes it: whoever reads the newer format reads the older one, too. */
  #format(): RecordFormat {
    return Math.min(this.#decider.recordFormat(this.state), this.#host.newestFormat) as RecordFormat;
  }

  #isAt({ src, epoch, offset }: Skip, record: LogRecord): boolean {
    return src === this.#o.src && epoch === this.#o.epoch && offset === record.offset;
  }

  #setAside(opened: OpenedCommand, skip: Skip): Decision<E> {
    const decision = this.#decider.setAside('cmd' in opened ? opened.cmd : {}, skip);
    assertConserves(decision);
    return decision;
  }

  #run(command: C, context: Context): Decision<E> {
    const decision = this.#decider.decide(this.state, command, context);
    assertConserves(decision);
    return decision;
  }

  /** Encodes, checks the size, evolves, and puts the record on the next append: in this order, so that a refusal leaves no trace. */
  #take(decision: DecisionRecord<E>): void {
    if (!Number.isSafeInteger(decision.at) || !Number.isSafeInteger(decision.time)) {
      throw new UnsoundDecision(`times must be whole milliseconds: at ${decision.at}, time ${decision.time}`);
    }
    const bytes = encodeRecord(decision);
    if (bytes.byteLength > MAX_RECORD_BYTES) {
      throw new UnsoundDecision(`a decision of ${bytes.byteLength} bytes exceeds ${MAX_RECORD_BYTES}`);
    }
    this.#decider.evolve(this.state, decision);
    this.#seq = decision.seq;
    this.#head = sha256(bytes);
    (this.#writer as DecisionWriter).push(bytes);
  }

  #isQuarantined(record: LogRecord, opened: OpenedCommand): Decision<E> | undefined {
    // What this release cannot read it cannot set aside either: the next one decides it.
    if ('newer' in opened) return undefined;
    if (this.#o.deaths.count(this.#o.epoch, record.offset) < MAX_DEATHS) return undefined;
    if ('trusted' in opened && opened.trusted) throw this.#halt(record, `deciding it ended ${MAX_DEATHS} incarnations`);
    const detail = `Deciding this command failed ${MAX_DEATHS} times; it was set aside unread.`;
    return { code: 'QUARANTINED', detail, events: [], posts: [] };
  }

  #halt(record: LogRecord, why: string, options?: ErrorOptions): DeciderHalted {
    const { topic, partition } = this.#o.commands;
    return new DeciderHalted(
      `${this.#o.src} stops at ${topic}[${partition}] offset ${record.offset}: ${why}. ` +
        'Install a release that can decide it, or let two people set it aside (mutuel quarantine skip); nothing after it is decided until then',
      options,
    );
  }

  // ── The end ────────────────────────────────────────────────────────────────────────────────────────────────────

  async #follow(start: LogStart, onRecords: OnRecords): Promise<Subscription> {
    const subscription = await this.#o.tails.subscribe(start, onRecords, (fault) => this.#die('TAIL', fault));
    this.#subscriptions.push(subscription);
    if (this.#end) await subscription.close();
    return subscription;
  }

  #die(cause: 'APPEND' | 'POISON' | 'TAIL', fault: unknown): void {
    this.#finishWith({ cause, fault: fault instanceof Error ? fault : new Error(String(fault)) });
  }

  #finishWith(end: LifeEnd): void {
    if (this.#end) return;
    this.#end = end;
    this.leading = false;
    this.#stopping.abort();
    this.#writer?.drop();
    this.#finish(end);
  }

  async #letGo(end: LifeEnd): Promise<LifeEnd> {
    for (const subscription of this.#subscriptions) await subscription.close();
    await Promise.all([this.#writer?.close(), this.#steps.close()]);
    await this.#settleDeaths(end).catch(() => undefined);
    return end;
  }

  async #settleDeaths(end: LifeEnd): Promise<void> {
    const { deaths } = this.#o;
    if (!this.#began) return;
    // A release that can decide it must find a clean slate, or it would halt as well.
    if (end.cause === 'POISON' && end.fault instanceof DeciderHalted) deaths.acquit();
    await deaths.end(end.cause === 'POISON');
  }
}

/** Money is conserved in every decision, and no amount is anything but an exact integer. */
export function assertConserves(decision: Decision<unknown>): void {
  let sum = 0;
  for (const [account, amount] of decision.posts) {
    if (!Number.isSafeInteger(amount)) throw new UnsoundDecision(`${account} is posted ${amount}, no exact integer`);
    sum += amount;
    if (!Number.isSafeInteger(sum)) throw new UnsoundDecision('the postings of a decision exceed exact integers');
  }
  if (sum !== 0) throw new UnsoundDecision(`the postings of a decision sum to ${sum}, not to zero`);
  if (decision.code !== undefined && decision.posts.length > 0) {
    throw new UnsoundDecision(`a decision refused with ${decision.code} moves money`);
  }
}
