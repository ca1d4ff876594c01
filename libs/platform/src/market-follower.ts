/**
 * Keeps a `MarketView` up to date from the market's decision log, and writes down now and then what it is, so that the next start has
 * hours to read and not years. A snapshot that is damaged or of another layout is passed over with an alarm; one that the log does not
 * hold must never be started from: the log itself has lost something.
 */
import type { Snapshot } from '#mutuel/contracts';
import type { MarketEvent } from '#mutuel/engine';
import {
  checkAgainstLog,
  DecisionReader,
  type HowFar,
  loadSnapshot,
  MARKET_SOURCE,
  type OnAlarm,
  type SnapshotStore,
  saveSnapshot,
  snapshotHeads,
} from '#mutuel/runtime';
import { CYCLE_MS, RESUME_CYCLES } from '#mutuel/views';
import { MarketView } from './market-view.js';
import type { Seams } from './seams.js';

export interface FollowerOptions extends Pick<Seams, 'log' | 'tails' | 'clock' | 'shards'> {
  /** Where views of the market lie; other processes may keep theirs there, too. */
  readonly store: SnapshotStore;
  readonly onAlarm: OnAlarm;
  readonly onFatal: (fault: Error) => void;
}

/** Two are kept: one of them is older than any clock of the feed that still holds, and changes since then are known. */
const EVERY_MS = 30 * 60_000;
const RESUME_MS = RESUME_CYCLES * CYCLE_MS;
/** Below that, reading is as fast as looking. */
const EVERY_DECISIONS = 1_000;

export class MarketFollower {
  readonly view: MarketView;
  readonly #o: FollowerOptions;
  readonly #reader: DecisionReader<MarketEvent>;
  #isCaughtUp = false;
  #lookAt = 0;
  /** The last decision that a snapshot is known of. */
  #kept: number;
  #keeping: Promise<void> = Promise.resolve();

  /** Throws `LogFault` where a snapshot and the log contradict each other. */
  static async open(options: FollowerOptions): Promise<MarketFollower> {
    const { log, clock, shards, store, onAlarm } = options;
    const { schema } = new MarketView(shards);
    const heads = await snapshotHeads(store, MARKET_SOURCE.src);
    const young = heads.filter(({ at }) => at > clock.now() - RESUME_MS).map(({ seq }) => seq);
    // Where all of them are young, some clocks of the feed do not hold; reading years for that would be worse.
    const isUsed = (seq: number): boolean => young.length === heads.length || !young.includes(seq);
    const usable = { ...store, list: async (src: string) => (await store.list(src)).filter(isUsed) };
    const snapshot = await loadSnapshot(usable, MARKET_SOURCE.src, schema, onAlarm);
    if (snapshot) await checkAgainstLog(log, MARKET_SOURCE, snapshot);
    return new MarketFollower(options, snapshot);
  }

  private constructor(options: FollowerOptions, snapshot: Snapshot | undefined) {
    const { log, tails, clock, shards, onFatal } = options;
    this.#o = options;
    this.#kept = snapshot?.seq ?? 0;
    this.view = new MarketView(shards, snapshot && { seq: snapshot.seq, image: snapshot.state });
    this.#reader = new DecisionReader<MarketEvent>({
      ...{ ...MARKET_SOURCE, log, tails, clock, onFatal },
      ...(snapshot ? { checkpoint: snapshot.checkpoint } : {}),
      onDecisions: (decisions) => {
        for (const { decision } of decisions) this.view.apply(decision);
        if (this.#isCaughtUp) this.#keep();
      },
    });
  }

  /** Undefined once it has caught up. */
  get reading(): HowFar | undefined {
    return this.#reader.reading;
  }

  /** Resolves when the log has been read up to where it ended at the start. */
  async start(): Promise<void> {
    await this.#reader.start();
    await this.#reader.caughtUp;
    this.#isCaughtUp = true;
    this.#keep();
  }

  async stop(): Promise<void> {
    await this.#reader.close();
    await this.#keeping;
  }

  /** Beside the reading: between two batches the view is what the reader has read. */
  #keep(): void {
    const { clock, onAlarm } = this.#o;
    if (clock.now() < this.#lookAt || this.view.seq < this.#kept + EVERY_DECISIONS) return;
    this.#lookAt = clock.now() + EVERY_MS;
    this.#keeping = this.#save().catch((fault: Error) => onAlarm('SNAPSHOT_FAILED', `market view: ${fault.message}`));
  }

  async #save(): Promise<void> {
    const { store, clock } = this.#o;
    const { view } = this;
    const [newest] = await snapshotHeads(store, MARKET_SOURCE.src);
    const now = clock.now();
    // Another process on this machine may have written one.
    const isFresh = newest !== undefined && newest.at > now - EVERY_MS && newest.seq <= view.seq;
    if (isFresh) this.#lookAt = newest.at + EVERY_MS;
    else {
      const fold = { schema: view.schema, image: (one: MarketView) => one.image(), sent: () => 0 };
      await saveSnapshot(store, fold, { state: view, valid: this.#reader.valid, at: now });
    }
    this.#kept = isFresh ? newest.seq : view.seq;
  }
}
