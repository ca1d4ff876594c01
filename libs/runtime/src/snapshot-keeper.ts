/**
 * Sees to it that every decider here has a snapshot that is not too old. A standby writes its own state, since nobody waits for it; a
 * leader's is folded by another process. It must never make a leader stop to write.
 */
import type { DeciderRunner } from './decider-runner.js';
import type { Clock } from './ports.js';
import type { OnAlarm } from './runner-options.js';
import type { SnapshotStore } from './snapshot-store.js';

export interface WantedSnapshot {
  readonly src: string;
  /** The offset of the decision log to stop before: what was read so far, so it is durable. */
  readonly end: number;
}

/** Takes snapshots of sources that are led here, elsewhere than in this thread; gives up at once when the signal aborts. */
export type TakeElsewhere = (wanted: readonly WantedSnapshot[], signal: AbortSignal) => Promise<void>;

type Runner = Pick<DeciderRunner<never, never, never>, 'src' | 'status' | 'position' | 'saveSnapshot'>;

export interface KeeperOptions {
  readonly clock: Clock;
  readonly store: SnapshotStore;
  readonly runners: () => readonly Runner[];
  readonly takeElsewhere?: TakeElsewhere | undefined;
  /** One more after so many decisions (default 250,000), or after so long where anything was decided (default 10 minutes). */
  readonly everyDecisions?: number | undefined;
  readonly everyMs?: number | undefined;
  readonly onAlarm: OnAlarm;
}

const EVERY_DECISIONS = 250_000;
const EVERY_MS = 600_000;
const LOOK_MS = 1_000;
/** What fails now fails in a second as well. */
const AFTER_FAILURE_MS = 60_000;

export class SnapshotKeeper {
  readonly metrics = { written: 0, failed: 0 };
  readonly #o: KeeperOptions;
  readonly #stopping = new AbortController();
  /** The newest snapshot of each source as this process knows it, and since when. */
  readonly #newest = new Map<string, { seq: number; since: number }>();
  #running: Promise<void> | undefined;

  constructor(options: KeeperOptions) {
    this.#o = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#o;
    const { signal } = this.#stopping;
    let pause = LOOK_MS;
    while (!signal.aborted) {
      await clock.sleep(pause, signal);
      if (signal.aborted) return;
      pause = LOOK_MS;
      try {
        await this.#look();
      } catch (fault) {
        if (signal.aborted) return;
        this.metrics.failed++;
        this.#o.onAlarm('SNAPSHOT_FAILED', (fault as Error).message);
        pause = AFTER_FAILURE_MS;
      }
    }
  }

  async #look(): Promise<void> {
    const { runners, takeElsewhere } = this.#o;
    const due: Runner[] = [];
    for (const runner of runners()) if (await this.#isDue(runner)) due.push(runner);
    for (const runner of due.filter(({ status }) => status === 'STANDBY')) {
      if ((await runner.saveSnapshot()) !== undefined) this.metrics.written++;
    }
    const led = due.filter(({ status }) => status === 'LEADING');
    if (led.length === 0 || !takeElsewhere) return;
    const wanted = led.map(({ src, position }) => ({ src, end: position?.next ?? 0 }));
    await takeElsewhere(wanted, this.#stopping.signal);
    this.metrics.written += led.length;
  }

  async #isDue(runner: Runner): Promise<boolean> {
    if (!this.#isOld(runner)) return false;
    // Somebody else may write to the same folder: the leader's helper, or a standby on this machine.
    const [seq = 0] = await this.#o.store.list(runner.src);
    const known = this.#newest.get(runner.src);
    if (known?.seq !== seq) this.#newest.set(runner.src, { seq, since: this.#o.clock.now() });
    return this.#isOld(runner);
  }

  #isOld({ src, position }: Runner): boolean {
    const { clock, everyDecisions = EVERY_DECISIONS, everyMs = EVERY_MS } = this.#o;
    if (!position) return false;
    const known = this.#newest.get(src);
    if (!known) return true;
    const more = position.seq - known.seq;
    return more >= everyDecisions || (more > 0 && clock.now() - known.since >= everyMs);
  }
}
