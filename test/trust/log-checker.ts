/**
 * Reads nothing but log bytes and the client's own journal of answers, and says what was lost, doubled, late or adrift. It shares no
 * code with the engine, the runtime or the read models: it has its own notion of a valid record, of money and of the stop.
 */
import { createHash } from 'node:crypto';

export interface RawRecord {
  readonly offset: number;
  readonly time: number;
  readonly value: Uint8Array;
}

/** One request of the client and the last answer it got; `status` 0 when no answer came. */
export interface JournalLine {
  readonly account: string;
  readonly ref: string;
  readonly stake: number;
  readonly status: number;
  readonly ticketId?: string;
  readonly code?: string;
  /** The ticket was acknowledged as cancelled, too. */
  readonly cancelled?: boolean;
}

export interface Verdict {
  readonly accepted: number;
  /** Append times of the accepted tickets' commands, milliseconds UTC. */
  readonly acceptedAt: readonly number[];
  readonly decisions: number;
  readonly dropped: number;
  readonly findings: readonly string[];
  /** Account balances as the postings of all valid decisions make them. */
  readonly balances: ReadonlyMap<string, number>;
  /** Standing stakes by pool: accepted less refunded, cancelled and paid out of the clearing account. */
  readonly clearing: ReadonlyMap<string, number>;
}

interface Decision {
  readonly kind: string;
  readonly seq: number;
  readonly in: readonly number[];
  readonly inc: string;
  readonly prev: string;
  readonly at: number;
  readonly code?: string;
  readonly events: readonly Record<string, unknown>[];
  readonly posts: readonly (readonly [string, number])[];
}

export function checkLogs(
  shards: readonly (readonly RawRecord[])[],
  market: readonly RawRecord[],
  journal: readonly JournalLine[],
): Verdict {
  const findings: string[] = [];
  const balances = new Map<string, number>();
  const clearing = new Map<string, number>();
  const owed = new Map<string, number>();
  const tickets = new Map<string, { ref: string; count: number }>();
  const refs = new Map<string, string>();
  const cancelled = new Set<string>();
  const acceptedAt: number[] = [];
  const stops = new Map<string, number>();
  const raceOf = new Map<string, string>();
  let decisions = 0;
  let dropped = 0;

  const book = (name: string, d: Decision): void => {
    let sum = 0;
    for (const [account, amount] of d.posts) {
      sum += amount;
      if (!Number.isSafeInteger(amount)) findings.push(`${name} #${d.seq}: ${amount} is not a whole amount`);
      if (account.startsWith('owed:')) {
        owed.set(account, (owed.get(account) ?? 0) - amount);
        if ((owed.get(account) as number) < 0)
          findings.push(`${name} #${d.seq}: ${account} keeps back what is not owed`);
      }
      const into = account.startsWith('acc:') ? balances : account.startsWith('pool:') ? clearing : undefined;
      const key = account.slice(account.indexOf(':') + 1);
      into?.set(key, (into.get(key) ?? 0) + amount);
      if (into === balances && (balances.get(key) as number) < 0)
        findings.push(`${name} #${d.seq}: account ${key} falls below zero`);
    }
    if (sum !== 0) findings.push(`${name} #${d.seq}: its postings sum to ${sum}`);
  };

  const marketDecisions = validOf('market', market, findings);
  decisions += marketDecisions.length;
  dropped += market.length - marketDecisions.length;
  for (const d of marketDecisions) {
    book('market', d);
    for (const { fact } of d.events as { fact?: Record<string, unknown> }[]) {
      if (fact?.['t'] === 'MeetingPublished') notePools(fact['meeting'], raceOf);
      if (fact?.['t'] === 'BettingClosed' || fact?.['t'] === 'RaceVoided')
        keepEarliest(stops, String(fact['race']), Number(fact['stopAt']));
      if (fact?.['t'] === 'LateOffDeclared') keepEarliest(stops, String(fact['race']), Number(fact['offAt']));
    }
  }

  const bets = new Map<string, { pool: string; at: number; stake: number; left: number }>();
  /** What settlement has given on each bet. */
  const settled = new Map<string, number>();
  for (const [shard, records] of shards.entries()) {
    const name = `shard ${shard}`;
    const valid = validOf(name, records, findings);
    decisions += valid.length;
    dropped += records.length - valid.length;
    for (const d of valid) {
      book(name, d);
      for (const e of d.events) noteEvent(name, d, e);
    }
  }

  function noteEvent(name: string, d: Decision, e: Record<string, unknown>): void {
    if (e['t'] === 'TicketAccepted') {
      const ticket = String(e['ticket']);
      const ref = `${String(e['account'])} ${String(e['ref'])}`;
      if (refs.has(ref))
        findings.push(`${name} #${d.seq}: reference ${ref} was accepted twice (${refs.get(ref)} and ${ticket})`);
      refs.set(ref, ticket);
      acceptedAt.push(d.at);
      const known = tickets.get(ticket);
      tickets.set(ticket, { ref, count: (known?.count ?? 0) + 1 });
      for (const bet of e['bets'] as { no: number; pool: string; stake: number }[])
        bets.set(`${ticket} ${bet.no}`, { pool: bet.pool, at: d.at, stake: bet.stake, left: bet.stake });
    }
    if (e['t'] === 'TicketCancelled') cancelled.add(String(e['ticket']));
    if (e['t'] === 'TicketCancelled')
      for (const bet of e['bets'] as { no: number; amount: number }[])
        takeOff(`${String(e['ticket'])} ${bet.no}`, bet.amount, name, d);
    // A pool given back is a settlement, and a correction may take it back: it is no part of what was withdrawn.
    if (e['t'] === 'BetsRefunded' && e['cause'] !== 'POOL_REFUNDED')
      for (const item of e['items'] as { ticket: string; no: number; amount: number }[])
        takeOff(`${item.ticket} ${item.no}`, item.amount, name, d);
    if (e['t'] === 'BetsPaid' || (e['t'] === 'BetsRefunded' && e['cause'] === 'POOL_REFUNDED'))
      for (const item of e['items'] as { ticket: string; no: number; amount: number }[])
        settle(`${item.ticket} ${item.no}`, 0, item.amount, name, d);
    if (e['t'] === 'BetsCorrected')
      for (const item of e['items'] as { ticket: string; no: number; was: number; due: number }[])
        settle(`${item.ticket} ${item.no}`, item.was, item.due, name, d);
    if (e['t'] === 'Report') checkSeal(name, d, e['report'] as Record<string, unknown>);
  }

  function settle(key: string, was: number, due: number, name: string, d: Decision): void {
    const known = settled.get(key) ?? 0;
    if (known !== was) findings.push(`${name} #${d.seq}: settles ${key} as if ${was} were paid, ${known} was`);
    settled.set(key, due);
  }

  function takeOff(key: string, amount: number, name: string, d: Decision): void {
    const bet = bets.get(key);
    if (!bet) findings.push(`${name} #${d.seq}: gives ${amount} back on ${key}, which was never accepted`);
    else bet.left -= amount;
    if (bet && bet.left < 0) findings.push(`${name} #${d.seq}: gives more back on ${key} than was staked`);
  }

  /** At the seal no bet may stand that was appended after the stop or the off, and the seal must say what stands. */
  function checkSeal(name: string, d: Decision, report: Record<string, unknown>): void {
    if (report['t'] !== 'Seal') return;
    const pool = String(report['pool']);
    const stop = stops.get(raceOf.get(pool) ?? '') ?? Number.POSITIVE_INFINITY;
    let stake = 0;
    const shard = name.slice('shard '.length);
    for (const [key, bet] of bets) {
      if (bet.pool !== pool || !key.startsWith(`t${shard}-`) || bet.left === 0) continue;
      stake += bet.left;
      if (bet.at > stop)
        findings.push(
          `${name} #${d.seq}: ${key} stands at the seal of ${pool} though appended ${bet.at - stop} ms after the stop`,
        );
    }
    if (stake !== report['stake'])
      findings.push(`${name} #${d.seq}: the seal of ${pool} says ${String(report['stake'])}, its bets sum to ${stake}`);
  }

  for (const line of journal) {
    const ticket = refs.get(`${line.account} ${line.ref}`);
    if (line.status === 201 && ticket === undefined)
      findings.push(`lost: ${line.account} ${line.ref} was acknowledged as ${line.ticketId} and is in no log`);
    if (line.status === 201 && ticket !== undefined && ticket !== line.ticketId)
      findings.push(`adrift: ${line.account} ${line.ref} was acknowledged as ${line.ticketId} and logged as ${ticket}`);
    if (line.cancelled === true && !cancelled.has(String(line.ticketId)))
      findings.push(`lost: the cancelling of ${line.ticketId} was acknowledged and is in no log`);
    if (line.status === 422 && ticket !== undefined)
      findings.push(`adrift: ${line.account} ${line.ref} was refused (${line.code}) and logged as ${ticket}`);
    if (line.status === 503 && ticket !== undefined)
      findings.push(`adrift: ${line.account} ${line.ref} was said not to be appended and is logged as ${ticket}`);
    if (line.status === 202) findings.push(`unresolved: ${line.account} ${line.ref} is still pending`);
  }
  for (const [ticket, { count, ref }] of tickets)
    if (count !== 1) findings.push(`doubled: ${ticket} (${ref}) was accepted ${count} times`);
  return { accepted: tickets.size, acceptedAt, decisions, dropped, findings, balances, clearing };
}

/** The valid decisions of one log: current incarnation, next in sequence, extending the head. */
function validOf(name: string, records: readonly RawRecord[], findings: string[]): Decision[] {
  const valid: Decision[] = [];
  const started = new Set<string>();
  let current = '';
  let dead = false;
  let head = '0'.repeat(64);
  let seq = 0;
  let offset = records[0]?.offset ?? 0;
  for (const record of records) {
    if (record.offset !== offset++) findings.push(`${name}: offset ${record.offset} follows ${offset - 2}`);
    // From format 2 on what is empty is left out.
    const said = JSON.parse(Buffer.from(record.value).toString('utf8')) as Decision;
    const d = { ...said, events: said.events ?? [], posts: said.posts ?? [] };
    if (d.kind === 'started') {
      if (!started.has(d.inc)) {
        current = d.inc;
        dead = false;
      }
      started.add(d.inc);
      continue;
    }
    if (d.inc !== current || dead) continue;
    if (d.seq <= seq) continue;
    if (d.seq !== seq + 1 || d.prev !== head) {
      dead = true;
      continue;
    }
    seq = d.seq;
    head = createHash('sha256').update(record.value).digest('hex');
    valid.push(d);
  }
  return valid;
}

function notePools(meeting: unknown, raceOf: Map<string, string>): void {
  const { races } = meeting as { races: { raceId: string; pools: { poolId: string }[] }[] };
  for (const race of races) for (const pool of race.pools) raceOf.set(pool.poolId, race.raceId);
}

function keepEarliest(stops: Map<string, number>, race: string, time: number): void {
  stops.set(race, Math.min(stops.get(race) ?? Number.POSITIVE_INFINITY, time));
}
