/**
 * A market decision as statements: the card, the life of a race, seals and reports, proposals, dividends and the audit trail. The
 * market decides a few times a second at the most, so each event writes its own rows, in order.
 */
import type { DecisionRecord } from '#mutuel/contracts';
import {
  type DividendProposal,
  type MarketEvent,
  type MarketFact,
  type MeetingCard,
  type ShardReport,
  termsOf,
} from '#mutuel/engine';
import type { PoolCards } from './cards.js';
import type { SqlStatement } from './row-set.js';

export function marketStatements(decision: DecisionRecord, cards: PoolCards): SqlStatement[] {
  const statements: SqlStatement[] = [];
  const write = (text: string, ...values: readonly unknown[]): void => {
    statements.push({ text, values });
  };
  for (const event of decision.events as readonly MarketEvent[]) marketEvent(event, decision, cards, write);
  const { src, seq, at, cid, code, detail = null, pointer = null } = decision;
  if (code !== undefined && code !== 'ALREADY_APPLIED' && code !== 'PROPOSAL_OUTDATED') {
    write(
      'insert into rejects (source, seq, at, cid, code, detail, pointer) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing',
      ...[src, seq, at, cid, code, detail, pointer],
    );
  }
  return statements;
}

/** The card's rows; also written from a shard's copy of the fact, whichever comes first. */
export function cardStatements(meeting: MeetingCard): SqlStatement[] {
  const { meetingId, course, date, country, currency, exponent } = meeting;
  const statements: SqlStatement[] = [
    {
      text: 'insert into meetings values ($1, $2, $3, $4, $5, $6) on conflict do nothing',
      values: [meetingId, course, date, country, currency, exponent],
    },
  ];
  for (const race of meeting.races) {
    const { raceId, number, name, postTime, scheduledStop = null, handicap = false, runners, pools } = race;
    statements.push(
      {
        text: `insert into races (race_id, meeting_id, number, name, post_time, scheduled_stop, runner_count, handicap)
               values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
        values: [raceId, meetingId, number, name, postTime, scheduledStop, runners.length, handicap],
      },
      {
        text: `insert into runners (race_id, place, number, name, entry)
               select $1, * from unnest($2::int[], $3::text[], $4::text[], $5::text[]) on conflict do nothing`,
        values: [
          raceId,
          runners.map((_, i) => i),
          runners.map((runner) => runner.number),
          runners.map((runner) => runner.name),
          runners.map((runner) => runner.entry ?? null),
        ],
      },
      {
        text: `insert into pools (pool_id, race_id, type, rule_set, carry_in, legs, terms)
               select x.pool_id, $1, x.type, x.rule_set, x.carry_in, x.legs, x.terms
               from unnest($2::text[], $3::text[], $4::jsonb[], $5::bigint[], $6::jsonb[], $7::jsonb[])
                 as x(pool_id, type, rule_set, carry_in, legs, terms)
               on conflict do nothing`,
        values: [
          raceId,
          pools.map((pool) => pool.poolId),
          pools.map((pool) => pool.type),
          pools.map((pool) => JSON.stringify(pool.ruleSet)),
          pools.map((pool) => pool.carryInMinor),
          pools.map((pool) => (pool.legs ? JSON.stringify(pool.legs) : null)),
          pools.map((pool) => JSON.stringify(termsOf(pool))),
        ],
      },
    );
  }
  return statements;
}

type Write = (text: string, ...values: readonly unknown[]) => void;

function marketEvent(e: MarketEvent, d: DecisionRecord, cards: PoolCards, write: Write): void {
  switch (e.t) {
    case 'Acted':
      acted(e, d, write);
      return;
    case 'Fact':
      marketFact(e.fact, d, cards, write);
      return;
    case 'ReportReceived':
      shardReport(e.shard, e.n, e.report, write);
      return;
    case 'PoolSealed':
      write('update pools set sealed = true where pool_id = $1', e.pool);
      return;
    case 'ProposalReceived':
      proposed(e.proposal, d.at, write);
      return;
    case 'ProposalsAgreed':
      write(`update pools set agreed = true, differences = '[]' where pool_id = $1`, e.pool);
      return;
    case 'ProposalsDiffer':
      write(
        'update pools set agreed = false, differences = $2 where pool_id = $1',
        ...[e.pool, JSON.stringify(e.differences)],
      );
      write(
        'update races set preview_hash = null where race_id = (select race_id from pools where pool_id = $1)',
        e.pool,
      );
      return;
    case 'PreviewReady':
      write('update races set preview_hash = $2 where race_id = $1', e.race, e.previewHash);
      return;
    case 'RaceSettled':
      write(
        `update races set status = case when status = 'PAYING' then $3 else status end, roundings = $2 where race_id = $1`,
        ...[e.race, JSON.stringify(e.roundings), e.voided ? 'VOID' : 'SETTLED'],
      );
      return;
    case 'RecordFormatProposed':
    case 'Checkpoint':
    case 'SetAside':
      return;
    default:
      e satisfies never;
  }
}

function acted(e: Extract<MarketEvent, { t: 'Acted' }>, d: DecisionRecord, write: Write): void {
  const refused = d.code !== undefined;
  write(
    `insert into audit (seq, at, action, actor, roles, device, race_id, reason, outcome, code, detail)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing`,
    ...[d.seq, d.at, e.action, e.by.user, JSON.stringify(e.by.roles), e.by.device, e.race ?? null, e.reason ?? null],
    ...[refused ? 'REFUSED' : 'ACCEPTED', d.code ?? null, d.detail ?? null],
  );
  if (refused || e.race === undefined) return;
  if (e.action === 'EnterResult' || e.action === 'VoidRace')
    write('update races set entered_by = $2, reason = $3 where race_id = $1', e.race, e.by.user, e.reason || null);
  if (e.action === 'ConfirmSettlement')
    write('update races set confirmed_by = $2 where race_id = $1', e.race, e.by.user);
}

function marketFact(fact: MarketFact, d: DecisionRecord, cards: PoolCards, write: Write): void {
  switch (fact.t) {
    case 'MeetingPublished':
      cards.publish(fact.meeting);
      for (const { text, values } of cardStatements(fact.meeting)) write(text, ...values);
      return;
    case 'LeaseRenewed':
      write(
        `insert into lease values (1, $1, $2) on conflict (one) do update set issued_at = excluded.issued_at, ttl_ms = excluded.ttl_ms`,
        ...[fact.issuedAt, fact.ttlMs],
      );
      return;
    case 'RaceOpened':
    case 'RaceResumed':
      write(`update races set status = 'OPEN' where race_id = $1`, fact.race);
      return;
    case 'RaceSuspended':
      write(`update races set status = 'SUSPENDED' where race_id = $1`, fact.race);
      return;
    case 'BettingClosed':
      write(
        `update races set status = 'CLOSED', close_no = $2, stop_at = $3 where race_id = $1`,
        ...[fact.race, fact.closeNo, fact.stopAt],
      );
      return;
    case 'LateOffDeclared':
      write('update races set off_at = $2 where race_id = $1', fact.race, fact.offAt);
      withdrawResult(fact.race, write);
      return;
    case 'RunnerScratched':
      write(`update runners set status = 'SCRATCHED' where race_id = $1 and number = $2`, ...[fact.race, fact.runner]);
      withdrawResult(fact.race, write);
      return;
    case 'ResultEntered':
      write(
        `update races set status = case status when 'VOID' then 'VOID' else 'PROVISIONAL' end,
           version = $2, finish = $3, disqualified = $4, voided = $5, confirmed_by = null where race_id = $1`,
        ...[fact.race, fact.version, JSON.stringify(fact.finish), JSON.stringify(fact.disqualified)],
        fact.voided ?? false,
      );
      forgetProposals(fact.race, write);
      for (const { pool, legs } of fact.pools)
        if (legs) write('update pools set leg_outcomes = $2 where pool_id = $1', pool, JSON.stringify(legs));
      return;
    case 'FavouritesSet':
    case 'WillPaysAsked':
      return;
    case 'DividendsDeclared':
      declared(fact, d.at, write);
      return;
    case 'RaceReopened':
      write(`update races set status = 'REOPENED', roundings = null where race_id = $1`, fact.race);
      forgetProposals(fact.race, write);
      return;
    case 'CorrectionPriced':
    case 'RefundsAsked':
    case 'CorrectionsClosed':
      return;
    case 'RaceVoided':
      write(
        `update races set status = 'VOID', close_no = $2, stop_at = $3 where race_id = $1`,
        ...[fact.race, fact.closeNo, fact.stopAt],
      );
      forgetProposals(fact.race, write);
      return;
    case 'RecordFormatRaised':
      return;
    default:
      fact satisfies never;
  }
}

function declared(fact: Extract<MarketFact, { t: 'DividendsDeclared' }>, at: number, write: Write): void {
  write(
    `update races set status = 'PAYING', official = $2 where race_id = $1 and status <> 'VOID'`,
    ...[fact.race, fact.version],
  );
  for (const { pool, outcome, prices } of fact.pools) {
    write(
      `update pools set outcome = $2, sheet = (select proposal from proposals where pool_id = $1 and version = $3 and source = 'ENGINE')
       where pool_id = $1`,
      ...[pool, outcome, fact.version],
    );
    write(
      `insert into sheets select p.pool_id, $2, $3, p.outcome, p.sheet, r.finish,
         (select coalesce(jsonb_agg(n.number order by n.place), '[]') from runners n
          where n.race_id = r.race_id and n.status = 'SCRATCHED'),
         r.voided, r.reason, r.entered_by, r.confirmed_by
       from pools p join races r using (race_id) where p.pool_id = $1 on conflict do nothing`,
      ...[pool, fact.version, at],
    );
    write(
      `insert into dividends (pool_id, version, tier, c, price)
       select $1, $2, * from unnest($3::text[], $4::text[], $5::text[]) on conflict do nothing`,
      ...[pool, fact.version, prices.map((p) => p.tier), prices.map((p) => p.c), prices.map((p) => p.price)],
    );
  }
}

/** A scratch or a late off changes what is paid: the order must be entered again. */
function withdrawResult(race: string, write: Write): void {
  write(
    `update races set status = case when official > 0 then 'REOPENED' else 'CLOSED' end
     where race_id = $1 and status = 'PROVISIONAL'`,
    race,
  );
  forgetProposals(race, write);
}

/** Reports and proposals made before no longer speak of what will be paid. */
function forgetProposals(race: string, write: Write): void {
  write('update races set preview_hash = null where race_id = $1', race);
  write(`update pools set agreed = false, differences = '[]' where race_id = $1`, race);
  const ofRace = 'pool_id in (select pool_id from pools where race_id = $1)';
  write(`delete from proposals where ${ofRace}`, race);
  write(`delete from stake_reports where ${ofRace}`, race);
}

function proposed(proposal: DividendProposal, at: number, write: Write): void {
  const { pool, version, source, inputHash } = proposal;
  write(
    `insert into proposals (pool_id, version, source, input_hash, at, proposal) values ($1, $2, $3, $4, $5, $6)
     on conflict (pool_id, version, source) do update set input_hash = excluded.input_hash, at = excluded.at, proposal = excluded.proposal`,
    ...[pool, version, source, inputHash, at, JSON.stringify(proposal)],
  );
}

function shardReport(shard: number, n: number, r: ShardReport, write: Write): void {
  switch (r.t) {
    case 'Seal':
      write(
        `insert into seals values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict do nothing`,
        ...[r.pool, r.closeNo, shard, r.bets, r.stake, r.withdrawnBets, r.withdrawnStake, r.voidedBets, r.voidedStake],
        ...[r.leaves, r.root, r.markerAt, r.lastSeq],
      );
      return;
    case 'Refund':
      write(
        'insert into refund_statements values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing',
        ...[shard, n, r.pool, r.closeNo, r.cause, r.bets, r.amount, r.root],
      );
      return;
    case 'Stakes':
      write(
        `insert into stake_reports values ($1, $2, $3, $4, $5)
         on conflict (pool_id, version, shard) do update set stake = excluded.stake, keys = excluded.keys`,
        ...[r.pool, r.version, shard, r.stake, JSON.stringify(r.keys)],
      );
      return;
    case 'Paid':
      write(
        'insert into paid_reports values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing',
        ...[r.pool, r.version, shard, r.paid, r.refunded, r.winners, r.clearing],
      );
      return;
    case 'Backing':
    case 'WillPay':
    case 'Weighed':
      return;
    default:
      r satisfies never;
  }
}
