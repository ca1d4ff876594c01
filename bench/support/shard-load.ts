/** The load of the shard's benches: a card of French win pools, funded accounts, and a seeded sequence of one-bet tickets. */
import type { MeetingCard, ShardCommand } from '#mutuel/engine';
import { ruleSetFor } from '#mutuel/tote';

export interface LoadSize {
  readonly accounts: number;
  readonly pools: number;
}

export const LOAD_START = 1_795_300_000_000;

/** Publishes and opens the races, renews the lease, opens and funds the accounts. */
export function shardSetUp(
  { accounts, pools }: LoadSize,
  decide: (command: ShardCommand, at: number) => unknown,
): void {
  const ruleSet = ruleSetFor('FR', 'WIN');
  if (!ruleSet) throw new Error('the French win rule set is missing');
  const runners = Array.from({ length: 16 }, (_, i) => ({ number: String(i + 1), name: `Runner ${i + 1}` }));
  const races = Array.from({ length: pools }, (_, i) => ({
    raceId: `R${i}`,
    number: i,
    name: `Race ${i}`,
    postTime: LOAD_START,
    runners,
    pools: [{ poolId: `R${i}-WIN`, type: 'WIN' as const, ruleSet, carryInMinor: 0 }],
  }));
  const meeting: MeetingCard = {
    meetingId: 'M',
    course: 'Bench',
    date: '2026-11-22',
    country: 'FR',
    currency: 'EUR',
    exponent: 2,
    races,
  };
  let n = 0;
  decide({ type: 'MarketFact', n: ++n, fact: { t: 'MeetingPublished', meeting } }, LOAD_START);
  for (const { raceId: race } of races)
    decide({ type: 'MarketFact', n: ++n, fact: { t: 'RaceOpened', race } }, LOAD_START);
  decide(
    { type: 'MarketFact', n: ++n, fact: { t: 'LeaseRenewed', issuedAt: LOAD_START + 60_000, ttlMs: 60_000 } },
    LOAD_START + 60_000,
  );
  for (let i = 0; i < accounts; i++) {
    decide({ type: 'OpenAccount', account: `acc-${i}`, currency: 'EUR' }, LOAD_START);
    decide({ type: 'Deposit', account: `acc-${i}`, ref: 'opening', amount: 1_000_000 }, LOAD_START);
  }
}

/** A seeded sequence (xorshift), so that every figure decides the same tickets. */
export function shardTickets({ accounts, pools }: LoadSize): (i: number) => ShardCommand {
  let x = 88_172_645;
  const next = (below: number): number => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % below;
  };
  const time = LOAD_START.toString(16).padStart(12, '0');
  const body = 'ab'.repeat(8);
  const blind = 'cd'.repeat(16);
  return (i) => ({
    type: 'PlaceTicket',
    account: `acc-${next(accounts)}`,
    ref: `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${i.toString(16).padStart(12, '0')}`,
    body,
    currency: 'EUR',
    atomic: true,
    channel: 'web',
    blind,
    bets: [{ ref: 'a', pool: `R${next(pools)}-WIN`, sel: String(next(16) + 1), unit: 200, stake: 200 }],
  });
}
