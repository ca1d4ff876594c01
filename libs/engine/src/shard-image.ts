/**
 * A shard's state as bytes for a snapshot, and back. What is not in the image is gone after a restart: every field must be here.
 */
import { type BookImage, bookImage, emptyBook, restoreBook } from './book.js';
import { canonical } from './canonical.js';
import type { Limits } from './carry.js';
import type { StateImage } from './decider.js';
import { type RefsImage, refsImage, restoreRefs } from './refs.js';
import { restoreSettled, type SettledImage, settledImage } from './settled.js';
import type { ReportStep } from './shard-commands.js';
import { type Account, fieldOf, type ShardPool, type ShardRace, type ShardState } from './shard-state.js';
import { readAccepted } from './shard-tickets.js';

interface ShardImage extends Omit<ShardState, 'accounts' | 'accountAt' | 'moneyRefs' | 'races' | 'pools' | 'refs'> {
  readonly races: readonly ShardRace[];
  readonly pools: readonly (Omit<ShardPool, 'race' | 'legs' | 'field' | 'book' | 'settled' | 'reports'> & {
    readonly race: string;
    readonly legs: readonly string[] | null;
    readonly book: BookImage;
    readonly settled: SettledImage;
    readonly reports: readonly (readonly [bet: number, steps: readonly ReportStep[]])[];
  })[];
  readonly refs: RefsImage;
}

type AccountRow = readonly [
  id: string,
  currency: string,
  limits: Limits,
  balance: number,
  owed: number,
  limitsVersion: number,
  day: number,
  dayStaked: number,
  hour: number,
  hourRefs: number,
  moneyRefs: number,
];

type MoneyRow = readonly [key: string, seq: number, amount: number];

/** The large tables as rows of plain JSON, everything else canonical; then the memory of books and references. */
export function imageOf(s: ShardState): StateImage {
  const { accounts: _, accountAt, moneyRefs, races, pools, refs, ...rest } = s;
  const books = [...pools.values()].map(({ book }) => bookImage(book));
  const settlements = [...pools.values()].map(({ settled }) => settledImage(settled));
  const references = refsImage(refs);
  const small: ShardImage = {
    ...rest,
    races: [...races.values()],
    pools: [...pools.values()].map(({ field: _field, ...pool }, i) => ({
      ...pool,
      race: pool.race.id,
      legs: pool.legs?.map(({ id }) => id) ?? null,
      book: (books[i] as (typeof books)[number]).small,
      settled: (settlements[i] as (typeof settlements)[number]).small,
      reports: [...pool.reports],
    })),
    refs: references.small,
  };
  const accountRows = accountAt.map(
    (a): AccountRow => [
      ...([a.id, a.currency, a.limits, a.balance, a.owed, a.limitsVersion] as const),
      ...([a.day, a.dayStaked, a.hour, a.hourRefs, a.moneyRefs] as const),
    ],
  );
  const moneyRows = [...moneyRefs].map(([key, { seq, amount }]): MoneyRow => [key, seq, amount]);
  return {
    text: `[${canonical(small)},${JSON.stringify(accountRows)},${JSON.stringify(moneyRows)}]`,
    parts: [...books.map(({ rows }) => rows), ...settlements.flatMap((one) => one.parts), ...references.rows],
  };
}

export function restore({ text, parts }: StateImage): ShardState {
  const [small, accountRows, moneyRows] = JSON.parse(text) as [ShardImage, AccountRow[], MoneyRow[]];
  const { races, pools: poolRows, refs, ...rest } = small;
  const accountAt = accountRows.map(accountFrom);
  const raceOfId = new Map(races.map((race) => [race.id, race]));
  const others = parts.slice(poolRows.length);
  const pools = poolRows.map(({ race: raceId, legs: legIds, book, settled, reports, ...row }, i): ShardPool => {
    const race = raceOfId.get(raceId) as ShardRace;
    const legs = legIds?.map((id) => raceOfId.get(id) as ShardRace) ?? null;
    const own = {
      race,
      legs,
      field: fieldOf(race, legs),
      settled: restoreSettled(settled, others),
      reports: new Map(reports),
    };
    const pool: ShardPool = { ...row, ...own, book: emptyBook() };
    pool.book = restoreBook(book, parts[i] as Uint8Array, (sel) => readAccepted(pool, sel));
    return pool;
  });
  return {
    ...rest,
    accounts: new Map(accountAt.map((account) => [account.id, account])),
    accountAt,
    moneyRefs: new Map(moneyRows.map(([key, seq, amount]) => [key, { seq, amount }])),
    races: raceOfId,
    pools: new Map(pools.map((pool) => [pool.id, pool])),
    refs: restoreRefs(refs, others),
  };
}

function accountFrom(row: AccountRow, index: number): Account {
  const [id, currency, limits, balance, owed, limitsVersion, day, dayStaked, hour, hourRefs, moneyRefs] = row;
  return { id, index, currency, balance, owed, limits, limitsVersion, day, dayStaked, hour, hourRefs, moneyRefs };
}
