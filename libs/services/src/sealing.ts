/**
 * Signed seals: each pool that all shards have sealed gets one signed statement, written once and published. Signing stands beside
 * selling and settling: while the key is away an alarm is raised, nothing waits, and the seals follow when it is back. It must never
 * sign two different statements for one close of a pool.
 */
import type { Clock, SqlDatabase } from '#mutuel/runtime';
import { type PublishedKey, poolRoot, type SealStatement, type Signed } from '#mutuel/verify';
import { SteadyLook } from './steady-look.js';

/** Signs as the house. The private key stays behind it: in a file, or in a device that an external command speaks to. */
export interface Signer {
  /** Throws while the key is away. */
  sign(statement: string): Promise<Signed>;
  published(): Promise<PublishedKey>;
}

export interface SealPublisherOptions {
  readonly db: SqlDatabase;
  readonly clock: Clock;
  readonly signer: Signer;
  readonly shards: number;
  readonly onAlarm: (code: string, detail: string) => void;
}

export interface SealView extends Signed {
  readonly poolId: string;
  readonly closeNo: number;
  readonly sealedAt: number;
}

const LOOK_EVERY_MS = 250;
const RETRY_MS = 2_000;
/** Every so often all pools are looked at, so that none is forgotten whose news came while nobody listened. */
const LOOK_AT_ALL_EVERY_MS = 60_000;

export class SealPublisher {
  readonly #o: SealPublisherOptions;
  readonly #looks: SteadyLook;
  /** Pools that the market has called sealed since the last look. */
  #news = new Set<string>();
  #lookAtAllAt = 0;
  #announced: string | undefined;
  #isAway = false;

  constructor(options: SealPublisherOptions) {
    this.#o = options;
    this.#looks = new SteadyLook(options.clock, () => this.#look());
  }

  start(): void {
    this.#looks.start();
  }

  stop(): Promise<void> {
    return this.#looks.stop();
  }

  /** The market called this pool sealed. */
  sealed(poolId: string): void {
    this.#news.add(poolId);
  }

  async #look(): Promise<number> {
    const { clock } = this.#o;
    const isAll = clock.now() >= this.#lookAtAllAt;
    const news = [...this.#news];
    const isDone = isAll || news.length > 0 ? await this.#publish(isAll ? null : news) : true;
    if (isDone && isAll) this.#lookAtAllAt = clock.now() + LOOK_AT_ALL_EVERY_MS;
    return isDone ? LOOK_EVERY_MS : RETRY_MS;
  }

  /** Signs what is sealed and unsigned among these pools, or all; false when it is to be tried again. */
  async #publish(pools: readonly string[] | null): Promise<boolean> {
    const { db, signer, shards, onAlarm } = this.#o;
    try {
      await this.#announce();
      for (const statement of await unsigned(db, pools, shards)) {
        const signed = await signer.sign(JSON.stringify(statement));
        const { poolId, closeNo, sealedAt } = statement;
        await db.query(
          `insert into signed_seals (pool_id, close_no, sealed_at, statement, key_id, signature)
           values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
          [poolId, closeNo, sealedAt, signed.statement, signed.keyId, signed.signature],
        );
        this.#news.delete(poolId);
      }
      if (this.#isAway) onAlarm('SEAL_KEY_BACK', 'the seals that waited are signed');
      this.#isAway = false;
      return true;
    } catch (fault) {
      if (!this.#isAway) onAlarm('SEALS_UNSIGNED', `${(fault as Error).message}; betting goes on, seals follow`);
      this.#isAway = true;
      return false;
    }
  }

  /** The public key of a new signing key is written down before its first seal; who watches is told that it is another one. */
  async #announce(): Promise<void> {
    const { db, signer, clock, onAlarm } = this.#o;
    const { keyId, publicKey } = await signer.published();
    if (keyId === this.#announced) return;
    const before = await sealKeys(db);
    await db.query('insert into seal_keys (key_id, public_key, since) values ($1, $2, $3) on conflict do nothing', [
      ...[keyId, publicKey],
      clock.now(),
    ]);
    this.#announced = keyId;
    const last = before.at(-1);
    if (last && before.every((key) => key.keyId !== keyId))
      onAlarm('SEAL_KEY_CHANGED', `seals are signed by key ${keyId} from now on, by ${last.keyId} until now`);
  }
}

/** Signed seals, newest first; of one pool, of one race, or the latest of all. */
export async function signedSeals(
  db: SqlDatabase,
  { poolId, raceId, limit }: { readonly poolId?: string; readonly raceId?: string; readonly limit: number },
): Promise<readonly SealView[]> {
  const rows = await db.query<SealRow>(
    `select s.pool_id, s.close_no, s.sealed_at, s.statement, s.key_id, s.signature from signed_seals s
     where ($1::text is null or s.pool_id = $1)
       and ($2::text is null or s.pool_id in (select pool_id from pools where race_id = $2))
     order by s.sealed_at desc, s.pool_id, s.close_no desc limit $3`,
    [poolId ?? null, raceId ?? null, limit],
  );
  return rows.map(({ pool_id, close_no: closeNo, sealed_at: sealedAt, statement, key_id: keyId, signature }) => ({
    ...{ poolId: pool_id, closeNo, sealedAt, statement, keyId, signature },
  }));
}

export async function sealKeys(db: SqlDatabase): Promise<readonly (PublishedKey & { readonly since: number })[]> {
  const rows = await db.query<{ key_id: string; public_key: string; since: number }>(
    'select key_id, public_key, since from seal_keys order by since, key_id',
  );
  return rows.map(({ key_id: keyId, public_key: publicKey, since }) => ({ keyId, publicKey, since }));
}

interface SealRow {
  readonly pool_id: string;
  readonly close_no: number;
  readonly sealed_at: number;
  readonly statement: string;
  readonly key_id: string;
  readonly signature: string;
}

interface PartRow {
  readonly pool_id: string;
  readonly race_id: string;
  readonly close_no: number;
  readonly shard: number;
  readonly bets: number;
  readonly stake: number;
  readonly voided_bets: number;
  readonly voided_stake: number;
  readonly leaves: number;
  readonly root: string;
  readonly marker_at: number;
  readonly last_seq: number;
}

async function unsigned(
  db: SqlDatabase,
  pools: readonly string[] | null,
  shards: number,
): Promise<readonly SealStatement[]> {
  const rows = await db.query<PartRow>(
    `select p.race_id, s.* from seals s join pools p using (pool_id)
     where ($1::text[] is null or s.pool_id = any($1)) and not exists
       (select 1 from signed_seals x where x.pool_id = s.pool_id and x.close_no = s.close_no)
     order by s.marker_at, s.pool_id, s.close_no, s.shard`,
    [pools],
  );
  const closes = new Map<string, PartRow[]>();
  for (const row of rows) {
    const key = `${row.pool_id} ${row.close_no}`;
    closes.set(key, [...(closes.get(key) ?? []), row]);
  }
  return [...closes.values()].filter((parts) => parts.length === shards).map(statementOf);
}

/** The same close gives the same statement to the letter, whoever signs it and when. */
function statementOf(rows: readonly PartRow[]): SealStatement {
  const parts = [...rows].sort((a, b) => a.shard - b.shard);
  const first = parts[0] as PartRow;
  const sum = (of: (part: PartRow) => number): number => parts.reduce((total, part) => total + of(part), 0);
  return {
    kind: 'mutuel-seal',
    v: 1,
    poolId: first.pool_id,
    raceId: first.race_id,
    closeNo: first.close_no,
    sealedAt: Math.max(...parts.map((part) => part.marker_at)),
    bets: sum((part) => part.bets),
    stake: sum((part) => part.stake),
    voidedBets: sum((part) => part.voided_bets),
    voidedStake: sum((part) => part.voided_stake),
    root: poolRoot(parts.map((part) => part.root)),
    shards: parts.map(({ shard, last_seq: lastSeq, bets, stake, leaves, root }) => ({
      ...{ shard, lastSeq, bets, stake, leaves, root },
    })),
  };
}
