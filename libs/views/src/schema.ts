/**
 * The tables of the read models, as numbered steps. Everything in them is folded from decisions and ticks and can be thrown away
 * and rebuilt; nothing that decides may live here. Plain PostgreSQL that its embedded build runs too. Times are milliseconds UTC,
 * money is minor units. A released step is never changed: add another one.
 */
export interface SchemaStep {
  readonly id: string;
  readonly sql: string;
}

export const schema: readonly SchemaStep[] = [
  {
    id: '001-read-models',
    sql: `
create table checkpoints (
  source text primary key, seq bigint not null, head text not null, inc text, at bigint not null,
  -- From the append of the newest decision to its row.
  lag_ms bigint not null, checkpoint text not null
);
create table meetings (
  meeting_id text primary key, course text not null, date text not null, country text not null,
  currency text not null, exponent int not null
);
create table races (
  race_id text primary key, meeting_id text not null, number int not null, name text not null, post_time bigint not null,
  scheduled_stop bigint, runner_count int not null, status text not null default 'DRAFT', close_no int not null default 0,
  stop_at bigint, off_at bigint, version int not null default 0, finish jsonb not null default '[]',
  disqualified jsonb not null default '[]', entered_by text, confirmed_by text, preview_hash text, roundings jsonb
);
create index races_by_meeting on races (meeting_id);
create table runners (
  race_id text not null, place int not null, number text not null, name text not null, entry text,
  status text not null default 'DECLARED', primary key (race_id, number)
);
create table pools (
  pool_id text primary key, race_id text not null, type text not null, rule_set jsonb not null, carry_in bigint not null,
  sealed boolean not null default false, agreed boolean not null default false, differences jsonb not null default '[]',
  outcome text, sheet jsonb
);
create index pools_by_race on pools (race_id);
-- Apart from the pools, so that a shard's decisions may be folded before the market's.
create table pool_totals (
  pool_id text primary key, gross bigint not null, bets bigint not null, voided_bets bigint not null, voided_stake bigint not null
);
-- Standing stake by combination, before what scratches give back: combinations of scratched runners no longer count.
create table pool_stakes (pool_id text not null, c text not null, stake bigint not null, primary key (pool_id, c));
-- Standing unit stakes of selections with too many lines to list.
create table pool_wide (pool_id text not null, sel text not null, unit bigint not null, primary key (pool_id, sel));
create table tickets (
  ticket_id text primary key, account text not null, ref text not null, shard int not null, seq bigint not null,
  at bigint not null, hash text not null, status text not null, code text, detail text, pointer text,
  total bigint not null, currency text, channel text, body text, balance bigint
);
create unique index tickets_by_ref on tickets (account, ref);
create table bets (
  ticket_id text not null, no int not null, ref text not null, pool_id text not null, sel text not null, lines bigint not null,
  unit bigint not null, stake bigint not null, leaf text, placement text not null, code text, detail text, pointer text,
  refunded bigint not null default 0, paid bigint not null default 0, cause text, primary key (ticket_id, no)
);
create table accounts (
  account text primary key, shard int not null, currency text not null, balance bigint not null, limits jsonb not null default '{}'
);
create table movements (
  shard int not null, seq bigint not null, n int not null, at bigint not null, account text not null, kind text not null,
  amount bigint not null, after bigint not null, ticket_id text, bet_no int, pool_id text, reason text,
  primary key (shard, seq, n)
);
create index movements_by_account on movements (account, seq, n);
create table money_refs (
  account text not null, ref text not null, kind text not null, amount bigint not null, seq bigint not null, at bigint not null,
  balance bigint not null, primary key (account, ref)
);
create table rejects (
  source text not null, seq bigint not null, at bigint not null, cid text not null, account text, ref text, code text not null,
  detail text, pointer text, primary key (source, seq)
);
create table seals (
  pool_id text not null, close_no int not null, shard int not null, bets bigint not null, stake bigint not null,
  withdrawn_bets bigint not null, withdrawn_stake bigint not null, voided_bets bigint not null, voided_stake bigint not null,
  leaves bigint not null, root text not null, marker_at bigint not null, last_seq bigint not null,
  primary key (pool_id, close_no, shard)
);
create table refund_statements (
  shard int not null, n bigint not null, pool_id text not null, close_no int not null, cause text not null, bets bigint not null,
  amount bigint not null, root text not null, primary key (shard, n)
);
create index refund_statements_by_pool on refund_statements (pool_id);
create table stake_reports (
  pool_id text not null, version int not null, shard int not null, stake bigint not null, keys jsonb not null,
  primary key (pool_id, version, shard)
);
create table paid_reports (
  pool_id text not null, version int not null, shard int not null, paid bigint not null, refunded bigint not null,
  winners bigint not null, clearing bigint not null, primary key (pool_id, version, shard)
);
create table proposals (
  pool_id text not null, version int not null, source text not null, input_hash text not null, at bigint not null,
  proposal jsonb not null, primary key (pool_id, version, source)
);
create table dividends (
  pool_id text not null, version int not null, tier text not null, c text not null, price text not null,
  primary key (pool_id, version, tier, c)
);
create table audit (
  seq bigint primary key, at bigint not null, action text not null, actor text not null, roles jsonb not null,
  device text not null, race_id text, reason text, outcome text not null, code text, detail text
);
create index audit_by_race on audit (race_id, seq);
create table lease (one int primary key check (one = 1), issued_at bigint not null, ttl_ms bigint not null);
create table odds (
  pool_id text primary key, cycle bigint not null, at bigint not null, gross bigint not null, net bigint not null,
  carry_in bigint not null, final boolean not null, rows jsonb not null
);
create table odds_history (
  pool_id text not null, cycle bigint not null, at bigint not null, gross bigint not null, final boolean not null,
  late boolean not null, rows jsonb not null, primary key (pool_id, cycle)
);
`,
  },
  {
    id: '002-shard-counts',
    sql: `
-- Written when a shard's own count of a result is folded: from then on everything before it is folded, too.
create table shard_counts (
  pool_id text not null, version int not null, shard int not null, primary key (pool_id, version, shard)
);
`,
  },
  {
    id: '003-short-keys',
    sql: `
-- A ticket is one decision, so that numbers name it and its bets: the busiest indexes grow at their end and hold no text.
drop table tickets, bets, movements;
create table tickets (
  shard int not null, seq bigint not null, ticket_id text not null, account text not null, ref text not null,
  at bigint not null, hash text not null, status text not null, code text, detail text, pointer text,
  total bigint not null, currency text, channel text, body text, balance bigint, primary key (shard, seq)
);
create unique index tickets_by_ref on tickets (account, ref);
create table bets (
  shard int not null, seq bigint not null, no int not null, ref text not null, pool_id text not null, sel text not null,
  lines bigint not null, unit bigint not null, stake bigint not null, leaf text, placement text not null,
  code text, detail text, pointer text, refunded bigint not null default 0, paid bigint not null default 0, cause text,
  primary key (shard, seq, no)
);
create table movements (
  shard int not null, seq bigint not null, n int not null, at bigint not null, account text not null, kind text not null,
  amount bigint not null, after bigint not null, ticket_id text, bet_no int, pool_id text, reason text,
  primary key (account, seq, n)
);
-- Without their checkpoints the projector folds the whole log again.
truncate checkpoints, meetings, races, runners, pools, pool_totals, pool_stakes, pool_wide, accounts, money_refs, rejects,
  seals, refund_statements, stake_reports, paid_reports, proposals, dividends, audit, lease, odds, odds_history, shard_counts;
`,
  },
  {
    id: '004-room-for-updates',
    sql: `
-- What changes with every bet finds room in its own page and leaves the indexes alone.
alter table accounts set (fillfactor = 50);
alter table pool_stakes set (fillfactor = 50);
alter table pool_totals set (fillfactor = 25);
`,
  },
  {
    id: '005-signed-seals',
    sql: `
-- What makes a ticket's leaves unguessable; on its receipt alone.
alter table tickets add column blind text;
-- The bets of one pool among millions, at no cost to an insert worth naming: a summary of a range of pages.
create index bets_by_pool on bets using brin (pool_id text_bloom_ops);
-- Signed once a pool is sealed; signing again gives the same.
create table signed_seals (
  pool_id text not null, close_no int not null, sealed_at bigint not null, statement text not null, key_id text not null,
  signature text not null, primary key (pool_id, close_no)
);
create index signed_seals_by_time on signed_seals (sealed_at);
create table seal_keys (key_id text primary key, public_key text not null, since bigint not null);
`,
  },
  {
    id: '006-pools-over-races',
    sql: `
-- The legs of a pool over several races, in order; what each has come to when the pool was called; it stands with its last leg.
alter table pools add column legs jsonb;
alter table pools add column leg_outcomes jsonb;
`,
  },
  {
    id: '007-corrections',
    sql: `
-- What a correction could not take back: in all, and what each movement changed of it.
alter table accounts add column owed bigint not null default 0;
alter table movements add column owed bigint;
-- Stakes that a settlement gave back, apart from those given back before it.
alter table bets add column returned bigint not null default 0;
alter table bets add column corrected boolean not null default false;
-- What settlement has given on the pool's bets so far.
alter table pool_totals add column settled bigint not null default 0;
alter table races add column official int not null default 0;
alter table races add column voided boolean not null default false;
alter table races add column reason text;
-- Every declaration of a pool, none overwritten: what was paid, on which order, and why it replaced the one before.
create table sheets (
  pool_id text not null, version int not null, at bigint not null, outcome text not null, sheet jsonb not null,
  finish jsonb not null, scratched jsonb not null, voided boolean not null, reason text, entered_by text, confirmed_by text,
  primary key (pool_id, version)
);
`,
  },
  {
    id: '008-anchors',
    sql: `
-- The heads of all chains of a day, stamped by an outside authority. Made once: a rebuild takes them along.
create table anchors (day text primary key, statement text not null, token text not null);
`,
  },
  {
    id: '009-terms',
    sql: `
-- Some rules pay more places in a handicap.
alter table races add column handicap boolean not null default false;
-- Guarantee, jackpot money and the last day, as on the card.
alter table pools add column terms jsonb not null default '{}';
`,
  },
  {
    id: '010-versions-of-odds',
    sql: `
-- How many changes a pool had seen at its newest figures: the feed shows it, and begins with these where the topic was read too late.
alter table odds add column v bigint not null default 0;
`,
  },
  {
    id: '011-first-legs',
    sql: `
-- A pool over several races is shown with its first leg, long after it is over, too.
create index pools_by_first_leg on pools ((legs->>0)) where legs is not null;
`,
  },
];

/** Every table that a rebuild empties; `schema_migrations` is not ours. */
export const tables = [
  ...new Set(
    [...schema.flatMap(({ sql }) => [...sql.matchAll(/create table (\w+)/g)])].map((match) => match[1] as string),
  ),
];
