/**
 * Signed seals on their way into the feed: while pools of this process wait for the signature of their seal, it is looked for in the read
 * models, where whoever signs puts it. It must never hold anything up: a database that is away makes signatures late, and nothing else.
 */
import { type Clock, isRetriable, type SqlDatabase } from '#mutuel/runtime';
import type { FeedSeal } from '#mutuel/views';
import { SteadyLook } from './steady-look.js';

export interface SealTailOptions {
  readonly db: Pick<SqlDatabase, 'query'>;
  readonly clock: Clock;
  readonly feed: { unsigned(): readonly string[]; onSeals(seals: readonly FeedSeal[]): void };
  readonly onFault: (fault: Error) => void;
}

const LOOK_EVERY_MS = 250;
/** After a look that found nothing, the key being away or the database. */
const AGAIN_MS = 1_000;
const MAX_POOLS = 500;

export class SealTail {
  readonly #o: SealTailOptions;
  readonly #looks: SteadyLook;

  constructor(options: SealTailOptions) {
    this.#o = options;
    this.#looks = new SteadyLook(options.clock, () => this.#lookOrWait());
  }

  start(): void {
    this.#looks.start();
  }

  stop(): Promise<void> {
    return this.#looks.stop();
  }

  async #lookOrWait(): Promise<number> {
    const found = await this.#look().catch((fault: Error) => {
      if (!isRetriable(fault)) this.#o.onFault(fault);
      return false;
    });
    return found ? LOOK_EVERY_MS : AGAIN_MS;
  }

  /** False where somebody waits and nothing was found for any of them. */
  async #look(): Promise<boolean> {
    const { db, feed } = this.#o;
    const pools = feed.unsigned();
    let found = pools.length === 0;
    for (let from = 0; from < pools.length; from += MAX_POOLS) {
      const rows = await db.query<SealRow>(
        `select distinct on (pool_id) pool_id, close_no, statement, key_id, signature from signed_seals
         where pool_id = any($1) order by pool_id, close_no desc`,
        [pools.slice(from, from + MAX_POOLS)],
      );
      found ||= rows.length > 0;
      feed.onSeals(
        rows.map(({ pool_id: poolId, close_no: closeNo, statement, key_id: keyId, signature }) => ({
          ...{ poolId, closeNo, statement, keyId, signature },
        })),
      );
    }
    return found;
  }
}

interface SealRow {
  readonly pool_id: string;
  readonly close_no: number;
  readonly statement: string;
  readonly key_id: string;
  readonly signature: string;
}
