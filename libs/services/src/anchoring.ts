/**
 * The daily anchor: the heads of all chains and the keys of seals in one statement, stamped by an authority outside the house. It stands beside everything
 * else: while no authority answers, an alarm is raised once and nothing waits. It must never replace an anchor by another.
 */
import { createHash } from 'node:crypto';
import type { Clock, SqlDatabase } from '#mutuel/runtime';
import type { AnchorFile, AnchorHead, AnchorStatement } from '#mutuel/verify';
import { sealKeys } from './sealing.js';
import { SteadyLook } from './steady-look.js';

/** An authority for time stamps; throws while it is away. */
export interface TimeStamper {
  /** The DER token over this SHA-256. */
  stamp(digest: Uint8Array): Promise<Uint8Array>;
}

export interface AnchorPublisherOptions {
  readonly db: SqlDatabase;
  readonly clock: Clock;
  readonly stamper: TimeStamper;
  readonly onAlarm: (code: string, detail: string) => void;
}

export interface AnchorView extends AnchorFile {
  readonly day: string;
}

const LOOK_EVERY_MS = 10_000;

export class AnchorPublisher {
  readonly #o: AnchorPublisherOptions;
  readonly #looks: SteadyLook;
  #isAway = false;

  constructor(options: AnchorPublisherOptions) {
    this.#o = options;
    this.#looks = new SteadyLook(options.clock, async () => {
      await this.look();
      return LOOK_EVERY_MS;
    });
  }

  start(): void {
    this.#looks.start();
  }

  stop(): Promise<void> {
    return this.#looks.stop();
  }

  /** Anchors the day where that was not done yet. */
  async look(): Promise<void> {
    const { db, clock, stamper, onAlarm } = this.#o;
    const madeAt = clock.now();
    const day = new Date(madeAt).toISOString().slice(0, 10);
    try {
      const [last] = await anchors(db, 1);
      if (last?.day === day) return;
      const heads = await headsOf(db);
      if (heads.length === 0) return;
      const previous = last ? digestOf(last.statement).toString('hex') : null;
      const keys = (await sealKeys(db)).map(({ keyId, publicKey, since }) => ({ keyId, publicKey, since }));
      const said: AnchorStatement = { kind: 'mutuel-anchor', v: 1, day, madeAt, heads, keys, previous };
      const statement = JSON.stringify(said);
      const token = Buffer.from(await stamper.stamp(digestOf(statement))).toString('base64');
      await db.query('insert into anchors (day, statement, token) values ($1, $2, $3) on conflict do nothing', [
        ...[day, statement, token],
      ]);
      if (this.#isAway) onAlarm('TSA_BACK', `the log is anchored again, for ${day}`);
      this.#isAway = false;
    } catch (fault) {
      if (!this.#isAway)
        onAlarm('LOG_NOT_ANCHORED', `${(fault as Error).message}; everything else goes on, the anchor follows`);
      this.#isAway = true;
    }
  }
}

/** The newest first. */
export async function anchors(db: SqlDatabase, limit: number): Promise<readonly AnchorView[]> {
  return db.query<AnchorView & object>('select day, statement, token from anchors order by day desc limit $1', [limit]);
}

/** Of every decider, as far as its decisions are in the read models. */
async function headsOf(db: SqlDatabase): Promise<readonly AnchorHead[]> {
  return db.query<AnchorHead & object>(
    `select source, seq, head from checkpoints where source = 'market' or source like 'shard-%' order by source`,
  );
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();
