/**
 * The mutants: wrong behaviours that throw nothing, chosen from the rules of exactly-once and of a race's life, not from the tests. Each
 * is one replacement in one source; where the text is gone, the rule has moved and the mutant must follow it.
 */
export interface Mutant {
  readonly name: string;
  /** Under `libs/`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** For one that is known to survive: the reason. */
  readonly why?: string;
}

const SHARD = 'engine/src/shard.ts';
const IMAGE = 'engine/src/shard-image.ts';
const SALE = 'engine/src/shard-sale.ts';
const TICKETS = 'engine/src/shard-tickets.ts';
const JOBS = 'engine/src/shard-jobs.ts';
const REFUNDS = 'engine/src/shard-refunds.ts';
const ACCOUNTS = 'engine/src/shard-accounts.ts';
const RACES = 'engine/src/shard-races.ts';
const MARKET = 'engine/src/market.ts';
const EVOLVE = 'engine/src/market-evolve.ts';
const RESULTS = 'engine/src/market-results.ts';
const PROPOSALS = 'engine/src/market-proposals.ts';
const SETTLEMENT = 'engine/src/market-settlement.ts';
const SETTLED = 'engine/src/settled.ts';
const STATE = 'engine/src/shard-state.ts';
const VALID = 'runtime/src/valid-records.ts';

export const mutants: readonly Mutant[] = [
  // ── Exactly once ───────────────────────────────────────────────────────────────────────────────────────────────
  {
    name: 'a zombie that extends the head counts',
    file: VALID,
    from: "if (inc !== m.inc) return { kind: 'dropped', reason: 'ZOMBIE', inc };",
    to: "if (inc !== m.inc && decision.prev !== m.head) return { kind: 'dropped', reason: 'ZOMBIE', inc };",
  },
  {
    name: 'a repeated start revives its incarnation',
    file: VALID,
    from: "if (this.#starts.has(inc)) return { kind: 'dropped', reason: 'REPEATED_START', inc };",
    to: '',
  },
  { name: 'a contradiction does not kill its incarnation', file: VALID, from: '    m.dead = true;\n', to: '' },
  {
    name: 'a decision need not take the next command',
    file: 'runtime/src/decider-life.ts',
    from: 'const from = lastIn !== null && lastIn[0] === this.#o.epoch ? lastIn[1] + 1 : 0;',
    to: 'const from = lastIn !== null && lastIn[0] === this.#o.epoch ? lastIn[1] + 2 : 0;',
  },
  {
    name: 'an append without an answer is told as refused',
    file: 'runtime/src/command-lane.ts',
    from: "fault instanceof AppendFault ? fault.outcome : 'UNKNOWN'",
    to: "fault instanceof AppendFault ? 'NOT_APPENDED' : 'UNKNOWN'",
  },
  {
    name: 'clients are answered from any record read, valid or not',
    file: 'runtime/src/decision-reader.ts',
    from: "if (accepted.kind === 'valid') decisions.push(accepted);",
    to: "if (accepted.kind === 'valid' || (accepted.kind === 'dropped' && accepted.reason === 'ZOMBIE')) decisions.push(accepted.kind === 'valid' ? accepted : ({ kind: 'valid', decision: JSON.parse(new TextDecoder().decode(record.value)), hash: '', offset: record.offset, time: record.time } as never));",
  },
  {
    name: 'a fact seen before is applied again',
    file: SHARD,
    from: 'if (n <= s.factNo) return refuse',
    to: 'if (n < 0) return refuse',
  },
  {
    name: 'a fact is applied over a gap',
    file: SHARD,
    from: 'if (n > s.factNo + 1) return refuse',
    to: 'if (n < 0) return refuse',
  },
  {
    name: 'a report of a shard is taken twice',
    file: 'engine/src/market-reports.ts',
    from: 'if (n <= last) return refuse',
    to: 'if (n < 0) return refuse',
  },
  {
    name: 'the relay sends out of order',
    file: 'runtime/src/relay.ts',
    from: 'return { values, last };',
    to: 'return { values: values.reverse(), last };',
  },
  {
    name: 'a relay believes what it sent was taken',
    file: 'runtime/src/relay.ts',
    from: 'const taken = this.#o.taken() ?? 0;',
    to: 'const taken = this.#sent;',
  },
  {
    name: 'the service signature is not checked',
    file: 'contracts/src/commands.ts',
    from: 'if (!isServiceMac(cid, signed, mac, key)) {',
    to: 'if (isServiceMac.name === mac) {',
  },
  {
    name: 'money is moved without a signature',
    file: 'engine/src/shard-commands.ts',
    from: 'return trusted ? readAccountCommand(c) :',
    to: 'return trusted || c ? readAccountCommand(c) :',
  },
  {
    name: 'the read models keep a checkpoint of what they do not hold',
    file: 'runtime/src/projection-driver.ts',
    from: 'projection.apply({ decisions, checkpoints })',
    to: 'projection.apply({ decisions, get checkpoints() { return run.readers.map((one) => checkpointOf(one.valid)); } })',
  },
  {
    name: 'quarantine forgets which command killed',
    file: 'runtime/src/deaths.ts',
    from: 'note?.suspects.find(([e, o]) => e === epoch && o === offset)?.[2] ?? 0;',
    to: 'note?.suspects.find(([e, o]) => e === epoch && o <= offset)?.[2] ?? 0;',
  },
  {
    name: 'a snapshot forgets which money was moved',
    file: IMAGE,
    from: 'moneyRefs: new Map(moneyRows.map(([key, seq, amount]) => [key, { seq, amount }])),',
    to: 'moneyRefs: new Map(moneyRows.slice(1).map(([key, seq, amount]) => [key, { seq, amount }])),',
  },
  {
    name: 'a snapshot forgets what was paid',
    file: SETTLED,
    from: 'return { due: column(), over: small.over ? column() : null, total: small.total };',
    to: 'return { due: column().fill(0), over: small.over ? column().fill(0) : null, total: 0 };',
  },
  {
    name: 'a reader goes on after a fork of the log',
    file: VALID,
    from: 'if (m.fresh && !extends_) throw this.#fork(record, decision);',
    to: 'if (m.fresh && extends_ && m.dead) throw this.#fork(record, decision);',
  },
  {
    name: 'a shard does not say that an account is of another one',
    file: STATE,
    from: 'if (shardOf(id, s.shards) !== s.shard) return wrongShard(id);',
    to: '',
  },
  {
    name: 'a shard opens accounts of other ones',
    file: SHARD,
    from: "case 'OpenAccount':\n      if (shardOf(c.account, s.shards) !== s.shard) return wrongShard(c.account);",
    to: "case 'OpenAccount':",
  },
  // ── References ─────────────────────────────────────────────────────────────────────────────────────────────────
  {
    name: 'the horizon of references is forgotten',
    file: SHARD,
    from: 'advanceHorizon(state.refs, decided.at);',
    to: 'advanceHorizon(state.refs, 0);',
  },
  {
    name: 'a reference of the future is taken',
    file: ACCOUNTS,
    from: 'if (ref.time > x.at + REF_AHEAD_MS)',
    to: 'if (ref.time > x.at + REF_AHEAD_MS * 1_000_000)',
  },
  {
    name: 'another body under a reference is answered as the first',
    file: ACCOUNTS,
    from: 'if (taken.body !== body)',
    to: 'if (taken.body !== body && Number.isNaN(body))',
  },
  {
    name: 'a refused ticket leaves its reference free',
    file: SHARD,
    from: 'rememberRef(s, accountOf(s, e.account), e.ref, bodyNumber(e.body), d);',
    to: '',
  },
  {
    name: 'a reference given up is not burnt',
    file: SHARD,
    from: 'rememberRef(s, accountOf(s, e.account), e.ref, 0, d);',
    to: '',
  },
  // ── The sale ───────────────────────────────────────────────────────────────────────────────────────────────────
  {
    name: 'a bet is accepted after the marker',
    file: SALE,
    from: "  const { race } = pool;\n  if (race.status === 'CLOSED' || x.at > race.scheduledStop)\n    return { code: 'POOL_CLOSED'",
    to: "  const race = pool.race.status === 'CLOSED' ? { ...pool.race, status: 'OPEN' as ShardRace['status'] } : pool.race;\n  if (race.status === 'CLOSED' || x.at > race.scheduledStop)\n    return { code: 'POOL_CLOSED'",
  },
  {
    name: 'the scheduled stop is ignored',
    file: RACES,
    from: 'scheduledStop: card.scheduledStop ?? Number.MAX_SAFE_INTEGER,',
    to: 'scheduledStop: Number.MAX_SAFE_INTEGER,',
  },
  {
    name: 'the lease is ignored',
    file: TICKETS,
    from: 'if (at <= Math.min(lease.issuedAt, lease.at) + lease.ttlMs) return undefined;',
    to: 'if (at <= Math.min(lease.issuedAt, lease.at) + lease.ttlMs * 1_000) return undefined;',
  },
  {
    name: 'the lease runs from its arrival, not from its issue',
    file: TICKETS,
    from: 'Math.min(lease.issuedAt, lease.at) + lease.ttlMs',
    to: 'Math.max(lease.issuedAt, lease.at) + lease.ttlMs',
  },
  {
    name: 'a bet that waited too long is accepted',
    file: TICKETS,
    from: 'if (x.decidedAt - x.at > STALE_MS)',
    to: 'if (x.decidedAt - x.at > STALE_MS * 1_000)',
  },
  {
    name: 'bets between the stop and the marker stand',
    file: RACES,
    from: "jobOf(s, id, 'CLOSE').cursor = firstBetAfter(pool.book, lastInTime(pool));",
    to: "jobOf(s, id, 'CLOSE').cursor = firstBetAfter(pool.book, Math.max(lastInTime(pool), d.at));",
  },
  {
    name: 'a late off refunds nobody',
    file: RACES,
    from: 'race.offAt = Math.min(race.offAt, fact.offAt);',
    to: 'race.offAt = Math.max(race.stopAt, fact.offAt);',
  },
  {
    name: 'a bet on a scratched runner is taken',
    file: SALE,
    from: 'if (out.length > 0 && (namesAnyOf',
    to: 'if (out.length > 90 && (namesAnyOf',
  },
  {
    name: 'a balance may fall below zero',
    file: TICKETS,
    from: 'if (total > account.balance)',
    to: 'if (total > account.balance + 10_000)',
  },
  {
    name: 'limits of an older version come back',
    file: ACCOUNTS,
    from: 'if (c.version <= account.limitsVersion)',
    to: 'if (c.version < account.limitsVersion - 1_000)',
  },
  {
    name: 'a higher limit holds at once',
    file: 'engine/src/limits.ts',
    from: 'const RAISE_AFTER_MS = DAY_MS;',
    to: 'const RAISE_AFTER_MS = 0 * DAY_MS;',
  },
  {
    name: 'a ticket is taken back for as long as the race sells',
    file: TICKETS,
    from: 'if (x.at - betAt(pool.book, i) > windowMs)',
    to: 'if (x.at - betAt(pool.book, i) > windowMs + 86_400_000)',
  },
  {
    name: 'a leaf of the Merkle tree has no blind',
    file: TICKETS,
    from: 'c.blind}|',
    to: "''}|",
  },
  // ── Seal, result, payment ──────────────────────────────────────────────────────────────────────────────────────
  {
    name: 'the seal counts what it has just voided',
    file: REFUNDS,
    from: 'bets: book.standingBets - gone,',
    to: 'bets: book.standingBets,',
  },
  {
    name: 'the cursor of a job is off by one',
    file: JOBS,
    from: '  let i = job.cursor;\n  for (; i < end && items.length',
    to: '  let i = job.cursor + 1;\n  for (; i < end && items.length',
  },
  {
    name: 'a bet that was cancelled is paid',
    file: SHARD,
    from: 'for (const bet of e.bets) withdraw(poolOf(s, bet.pool), bet.i, bet.amount, BET.CANCELLED);',
    to: '',
  },
  {
    name: 'a scratch refunds the whole bet',
    file: REFUNDS,
    from: 'stakeOf(i) - Math.min(stakeOf(i), left.of(',
    to: 'stakeOf(i) - Math.min(0, left.of(',
  },
  {
    name: 'the stop is when the market heard of the result',
    file: MARKET,
    from: 'return facts(s, [], [closing(race, x.at)]);',
    to: 'return facts(s, [], [closing(race, x.at + 1)]);',
  },
  {
    name: 'the second person is the first',
    file: SETTLEMENT,
    from: 'if (race.enteredBy === by.user)',
    to: 'if (race.enteredBy === by.device)',
  },
  {
    name: 'any preview may be confirmed',
    file: SETTLEMENT,
    from: 'if (race.previewHash !== previewHash)',
    to: "if (previewHash === '')",
  },
  {
    name: 'a scratch leaves the preview standing',
    file: EVOLVE,
    from: "  if (race.status === 'PROVISIONAL') race.status = race.corrects > 0 ? 'REOPENED' : 'CLOSED';\n  forgetProposals(s, race);",
    to: '  void forgetProposals;\n  void s;',
  },
  {
    name: 'roles are not asked for',
    file: MARKET,
    from: 'ALLOWED[c.type].some((role) => c.by.roles.includes(role))',
    to: 'ALLOWED[c.type].some((role) => role !== undefined)',
  },
  {
    name: 'two calculators are enough',
    file: PROPOSALS,
    from: 'const all = PROPOSAL_SOURCES.map((source) => proposals[source]);',
    to: "const all = PROPOSAL_SOURCES.map((source) => proposals[source === 'AUDIT' ? 'ENGINE' : source]);",
  },
  {
    name: 'a race settles before the last shard has paid',
    file: SETTLEMENT,
    from: 'if (!race.card.pools.every(({ poolId }) => isPaid(paidOf(poolId))))',
    to: 'if (!race.card.pools.every(({ poolId }) => paidOf(poolId).some((known) => known !== null)))',
  },
  {
    name: 'refunds after the seal are not taken off the totals',
    file: EVOLVE,
    from: 'pool.refundedAfterSeal += report.amount;',
    to: 'pool.refundedAfterSeal += 0 * report.amount;',
  },
  // ── What officials may not do ──────────────────────────────────────────────────────────────────────────────────
  {
    name: 'a void race has a non-runner',
    file: RESULTS,
    from: "if (race.status === 'VOID') return wrongStatus(race, 'given a non-runner');",
    to: "if (race.status === 'VOID' && runner === '') return wrongStatus(race, 'given a non-runner');",
  },
  {
    name: 'a race has a result before it sells',
    file: RESULTS,
    from: "if (race.status === 'DRAFT' || isVoidFromTheStart(race)) return wrongStatus(race, 'given a result');",
    to: "if (isVoidFromTheStart(race)) return wrongStatus(race, 'given a result');",
  },
  {
    name: 'a race that is taken up again has a late off',
    file: RESULTS,
    from: "(race.status !== 'PROVISIONAL' || race.corrects > 0))",
    to: "race.status !== 'PROVISIONAL' && race.status !== 'REOPENED')",
  },
  {
    name: 'a race that has closed sells again',
    file: MARKET,
    from: "if (race.status !== 'SUSPENDED') return wrongStatus(race, 'resumed');",
    to: "if (race.status !== 'SUSPENDED' && race.status !== 'CLOSED') return wrongStatus(race, 'resumed');",
  },
  {
    name: 'who is disqualified may be first',
    file: RESULTS,
    from: 'for (const [i, runner] of disqualified.entries()) {',
    to: 'for (const [i, runner] of disqualified.slice(disqualified.length).entries()) {',
  },
  {
    name: 'a card is published a second time',
    file: MARKET,
    from: 'live.has(id) || s.retired.has(',
    to: "(kind === 'meeting' && live.has(id)) || s.retired.has(",
  },
  // ── Corrections ────────────────────────────────────────────────────────────────────────────────────────────────
  {
    name: 'a claw-back takes more than a balance holds',
    file: SETTLED,
    from: 'Math.min(0, amount + account.balance)',
    to: 'Math.min(0, 0 * account.balance)',
  },
  {
    name: 'what is owed is paid out all the same',
    file: SETTLED,
    from: 'amount >= 0 ? Math.min(account.owed, amount)',
    to: 'amount >= 0 ? 0 * Math.min(account.owed, amount)',
  },
  {
    name: 'a correction pays the new sum on top of the old one',
    file: SETTLED,
    from: "if (policy === 'CLAWBACK') return { amount: now - held, over: 0 };",
    to: "if (policy === 'CLAWBACK') return { amount: now === held ? 0 : now, over: 0 };",
  },
  {
    name: 'a correction forgets what the pool gave',
    file: SETTLED,
    from: '  settled.due[i] = due;',
    to: '  settled.due[i] = amount;',
  },
  {
    name: 'what bettors may keep is taken back',
    file: SETTLED,
    from: "if (policy === 'CLAWBACK') return",
    to: "if (policy !== 'NONE') return",
  },
  {
    name: 'a pool that may not be corrected is corrected',
    file: 'engine/src/market-legs.ts',
    from: 'if (pool.declared !== null && !mayChange(pool)) return [];',
    to: 'if (pool.declared === null && !mayChange(pool)) return [];',
  },
  {
    name: 'a correction is shown before it is weighed',
    file: PROPOSALS,
    from: '  if (words.includes(null)) return [];\n',
    to: '',
  },
  {
    name: 'results are corrected for ever',
    file: RESULTS,
    from: 'endedAt !== null && at - endedAt >= CORRECTION_MS',
    to: 'endedAt !== null && at - endedAt >= CORRECTION_MS * 100',
  },
  {
    name: 'what was declared before is not undone',
    file: 'engine/src/market-books.ts',
    from: '  if (!declared) return [];\n  const posts',
    to: '  if (declared ?? true) return [];\n  const posts',
  },
  {
    name: 'a stake given back is forgotten by the correction after it',
    file: REFUNDS,
    from: 'settleBet(settledOf(pool), item.i, item.amount, item.amount);',
    to: 'settledOf(pool);',
  },
  {
    name: 'the one who voids a race confirms what follows',
    file: EVOLVE,
    from: " || e.action === 'VoidRace') race.enteredBy = e.by.user;",
    to: ') race.enteredBy = e.by.user;',
  },
  // ── Pools over several races, carry-overs ──────────────────────────────────────────────────────────────────────
  {
    name: 'a pool over several races is sold on where a later leg closes first',
    file: RACES,
    from: 'pool.legs === null || pool.outAtClose === null',
    to: 'pool.legs === null || (pool.outAtClose === null && pool.race === race)',
  },
  {
    name: 'the first on the card stands in for a non-runner, not the favourite',
    file: 'engine/src/legs.ts',
    from: 'return favouriteOf({ ...field, scratched }, rules, stakeOn);',
    to: 'return field.declared.find((one) => !scratched.includes(one) && stakeOn(one) >= 0) ?? null;',
  },
  {
    name: 'who goes out after the close counts as out before it',
    file: 'engine/src/legs.ts',
    from: 'const before = outAtClose?.[leg] ?? scratched.length;',
    to: 'const before = outAtClose === undefined ? leg : scratched.length;',
  },
  {
    name: 'a last leg made void leaves its pool unsettled',
    file: 'engine/src/market-legs.ts',
    from: "pool.isCalled && now[pool.race]?.state !== 'VOID'",
    to: 'pool.isCalled',
  },
  {
    name: 'a carry-over that a pool takes stays where it was',
    file: 'engine/src/carry-overs.ts',
    from: '[accountOf(id), -amount]',
    to: '[OPERATORS, -amount]',
  },
  {
    name: 'an order that the log repeats is carried out again',
    file: MARKET,
    from: 'const known = s.commands.get(x.cid);',
    to: 'const known = s.commands.get(x.cid.slice(1));',
  },
  // ── Guarantees, jackpots, complements, reports, flexi ─────────────────────────────────────────────────────────
  {
    name: 'a guarantee is booked as if a price had been raised',
    file: 'engine/src/market-books.ts',
    from: 'const added = p.guaranteeMinor ?? 0;',
    to: 'const added = 0 * (p.guaranteeMinor ?? 0);',
  },
  {
    name: 'a guarantee is there beside the stakes, not with them',
    file: 'tote/src/price.ts',
    from: 'guaranteeMinor: input.guaranteeMinor ?? 0,',
    to: 'guaranteeMinor: input.guaranteeMinor === undefined ? 0 : input.guaranteeMinor + input.grossMinor,',
  },
  {
    name: 'jackpot money that a pool takes stays where it was',
    file: 'engine/src/carry-overs.ts',
    from: "{ name: 'jackpot', from: jackpotFrom, amount: jackpotInMinor },",
    to: "{ name: 'jackpot', from: jackpotFrom.slice(jackpotFrom.length), amount: jackpotInMinor },",
  },
  {
    name: 'a jackpot waits under its pool, not under its rules',
    file: 'engine/src/carry-overs.ts',
    from: '{ id: fundOf(card.ruleSet), amount: jackpot },',
    to: '{ id: card.poolId, amount: jackpot },',
  },
  {
    name: 'the jackpot of a single winner goes to any number of them',
    file: 'tote/src/leg-awards.ts',
    from: 'compare(staked, ratio(unique.unit)) === 0',
    to: 'compare(staked, ratio(unique.unit)) >= 0',
  },
  {
    name: 'a line with a complement is given back all the same',
    file: 'tote/src/selection.ts',
    from: 'const most = Math.max(kept, runningOf(selection.complement, scratched).length);',
    to: 'const most = Math.max(kept, 0 * runningOf(selection.complement, scratched).length);',
  },
  {
    name: 'a complement that does not run stands in all the same',
    file: 'tote/src/complements.ts',
    from: 'complement?.filter((runner) => !scratched.includes(runner)) ?? [];',
    to: 'complement?.filter((runner) => scratched.length > 0 && runner !== undefined) ?? [];',
  },
  {
    name: 'a report stakes all that was won',
    file: 'tote/src/report.ts',
    from: '(BigInt(proceeds) * BigInt(quarters)) / 4n',
    to: '(BigInt(proceeds) * BigInt(4 * Math.sign(quarters))) / 4n',
  },
  {
    name: 'a report goes on into a pool that has closed',
    file: SALE,
    from: "  race.status !== 'CLOSED' && at <= race.scheduledStop;",
    to: '  at <= race.scheduledStop;',
  },
  {
    name: 'a report ends at a non-runner',
    file: 'engine/src/shard-reports.ts',
    from: 'if (hasNonRunners(pool) && namesAnyOf(read, refusedOf(pool))) continue;',
    to: 'if (hasNonRunners(pool) && namesAnyOf(read, refusedOf(pool))) return undefined;',
  },
  {
    name: 'winnings of a report are not staked on',
    file: 'engine/src/shard-payments.ts',
    from: '    rollOn(s, poolOf(s, e.pool), item);',
    to: '',
  },
  {
    name: 'a flexi bet takes more than was staked',
    file: SALE,
    from: 'const fraction = Math.floor(stake / (lines * multiple)) * multiple;',
    to: 'const fraction = Math.ceil(stake / (lines * multiple)) * multiple;',
  },
  // ── Releases ───────────────────────────────────────────────────────────────────────────────────────────────────
  {
    name: 'one person raises the record format',
    file: MARKET,
    from: 'if (s.proposedFormat.by === user)',
    to: "if (s.proposedFormat.by === '')",
  },
  {
    name: 'the new record format is written without its fact',
    file: 'runtime/src/decider-life.ts',
    from: 'return Math.min(this.#decider.recordFormat(this.state), this.#host.newestFormat) as RecordFormat;',
    to: 'return this.#host.newestFormat as RecordFormat;',
  },
  {
    name: 'a command of a newer format is refused as malformed',
    file: 'contracts/src/commands.ts',
    from: 'if (isNewer(v)) return { cid: fingerprint(bytes), newer: true, version: v };',
    to: '',
  },
  // ── Odds ───────────────────────────────────────────────────────────────────────────────────────────────────────
  {
    name: "an odds tick counts what came after its cycle's moment",
    file: 'views/src/odds-book.ts',
    from: 'if (placed.time > until) break;',
    to: 'if (placed.time > until + 1_000) break;',
  },
  {
    name: 'a missed odds cycle is skipped',
    file: 'services/src/odds-service.ts',
    from: 'const cycle = (this.#prev ?? this.#base) + 1;',
    to: 'const cycle = Math.max((this.#prev ?? this.#base) + 1, Math.floor(clock.now() / CYCLE_MS));',
  },
];
