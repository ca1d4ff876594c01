/**
 * Three calculators say what a pool pays; here their words are compared with each other, with the seals and with the shards' counts, and
 * made into the preview that a second person confirms. Nothing here prices, and a difference always stands in the way.
 */
import { keyLabel } from '#mutuel/tote';
import { canonical } from './canonical.js';
import { type Hash, refuse } from './decider.js';
import { type MarketFact, type PoolCard, termsOf } from './facts.js';
import { isOverLegs, legsMissing, outcomesOf } from './legs.js';
import { type DividendProposal, PROPOSAL_SOURCES, type ProposalSource } from './market-commands.js';
import { ended, isWaiting, runLegs } from './market-legs.js';
import {
  type MarketDecision,
  type MarketEvent,
  type MarketPool,
  type MarketRace,
  type MarketState,
  poolOf,
  raceOf,
  type Seal,
  type Stakes,
  type WeighedReport,
} from './market-state.js';

export function submitProposal(s: MarketState, proposal: DividendProposal, hash: Hash): MarketDecision {
  const pool = s.pools.get(proposal.pool);
  if (!pool) return refuse('POOL_UNKNOWN', `There is no pool ${proposal.pool}.`);
  const race = raceOf(s, pool.race);
  if (!isSettling(s, race) || proposal.version !== race.version || !pool.isCalled)
    return refuse('PROPOSAL_OUTDATED', `${proposal.pool} does not wait for a proposal on result ${proposal.version}.`);
  if (!PROPOSAL_SOURCES.includes(proposal.source))
    return refuse('SOURCE_UNKNOWN', `${proposal.source} is not a calculator.`);
  const proposals = { ...pool.proposals, [proposal.source]: proposal };
  return {
    events: [{ t: 'ProposalReceived', proposal }, ...compare(s, pool, pool.stakes, proposals, hash)],
    posts: [],
  };
}

/** Once all shards and all calculators have spoken: agreement, or the differences that block the declaration. */
export function compare(
  s: MarketState,
  pool: MarketPool,
  stakes: readonly (Stakes | null)[],
  proposals: Partial<Record<ProposalSource, DividendProposal>>,
  hash: Hash,
): MarketEvent[] {
  const all = PROPOSAL_SOURCES.map((source) => proposals[source]);
  if (!all.every((p): p is DividendProposal => p !== undefined)) return [];
  if (!stakes.every((known): known is Stakes => known !== null) || pool.seals.includes(null)) return [];
  const { poolId } = pool.card;
  const race = raceOf(s, pool.race);
  const differences = differencesBetween(pool, stakes, all);
  if (differences.length > 0) return [{ t: 'ProposalsDiffer', pool: poolId, version: race.version, differences }];
  const events: MarketEvent[] = [{ t: 'ProposalsAgreed', pool: poolId, version: race.version }];
  const others = settlingPools(s, race).filter((p) => p.poolId !== poolId);
  if (!others.every((p) => poolOf(s, p.poolId).agreed)) return events;
  const agreed = new Map(
    settlingPools(s, race).map((p) => [p.poolId, p.poolId === poolId ? all[0] : poolOf(s, p.poolId).proposals.ENGINE]),
  );
  if (race.corrects === 0) return [...events, previewReady(s, race, agreed, [], hash)];
  if (race.weighing > 0) return events;
  const pools = [...agreed.values()].map((p) => declaredBy(p as DividendProposal));
  const fact: MarketFact = { t: 'CorrectionPriced', race: race.card.raceId, version: race.version, pools };
  return [...events, { t: 'Fact', n: s.factNo + 1, fact }];
}

/** With the last shard's word it is known what a correction would move: the preview can be shown. */
export function weighedBy(
  s: MarketState,
  pool: MarketPool,
  shard: number,
  report: WeighedReport,
  hash: Hash,
): readonly MarketEvent[] {
  const race = raceOf(s, pool.race);
  if (report.ask !== race.weighing) return [];
  const weighedOf = ({ poolId }: PoolCard): readonly (WeighedReport | null)[] =>
    poolOf(s, poolId).weighed.map((known, i) => (poolId === report.pool && i === shard ? report : known));
  const pools = settlingPools(s, race);
  const words = pools.flatMap(weighedOf);
  if (words.includes(null)) return [];
  const agreed = new Map(pools.map(({ poolId }) => [poolId, poolOf(s, poolId).proposals.ENGINE]));
  return [previewReady(s, race, agreed, words, hash)];
}

function previewReady(
  s: MarketState,
  race: MarketRace,
  agreed: ReadonlyMap<string, DividendProposal | undefined>,
  weighed: readonly unknown[],
  hash: Hash,
): MarketEvent {
  const { raceId } = race.card;
  return {
    ...{ t: 'PreviewReady', race: raceId, version: race.version },
    previewHash: previewHash(s, race, agreed, weighed, hash),
  };
}

export const declaredBy = ({ pool, outcome, dividends }: DividendProposal) => ({
  ...{ pool, outcome },
  prices: dividends.map(({ tier, c, price }) => ({ tier, c, price })),
});

/** The pools of a race whose settlement is previewed and confirmed together; a void race's own were given back. */
export function settlingPools(s: MarketState, race: MarketRace): readonly PoolCard[] {
  if (race.corrects > 0) return race.card.pools.filter(({ poolId }) => poolOf(s, poolId).isCalled);
  return race.status === 'VOID' ? race.card.pools.filter(isOverLegs) : race.card.pools;
}

/** Whether proposals on the result are waited for: a provisional race, or a void one that pools over several races end with. */
export const isSettling = (s: MarketState, race: MarketRace): boolean =>
  race.status === 'PROVISIONAL' ||
  (race.status === 'VOID' && settlingPools(s, race).some(({ poolId }) => isWaiting(poolOf(s, poolId), race)));

// ── Comparison ───────────────────────────────────────────────────────────────────────────────────────────────────────

function differencesBetween(
  pool: MarketPool,
  stakes: readonly Stakes[],
  proposals: readonly DividendProposal[],
): string[] {
  const found: string[] = [];
  const { jackpotInMinor: jackpotIn = 0, guaranteeMinor: guarantee = 0 } = pool.card;
  const sealed = pool.seals.reduce((sum, seal) => sum + (seal as Seal).stake, 0) - pool.refundedAfterSeal;
  const counted = stakes.reduce((sum, report) => sum + report.stake, 0);
  if (counted !== sealed) found.push(`the shards count ${counted} standing, their seals less refunds say ${sealed}`);
  const settled = stakes.reduce((sum, report) => sum + (report.settled ?? 0), 0);
  const [first, ...others] = proposals as [DividendProposal, ...DividendProposal[]];
  for (const p of proposals) {
    if ((p.settledMinor ?? 0) !== settled)
      found.push(`${p.source} counts ${p.settledMinor ?? 0} as paid so far, the shards count ${settled}`);
    if (p.grossMinor !== sealed)
      found.push(`${p.source} found a gross of ${p.grossMinor}, the seals less refunds say ${sealed}`);
    if (p.carryInMinor !== pool.card.carryInMinor)
      found.push(`${p.source} used a carry-in of ${p.carryInMinor}, the card says ${pool.card.carryInMinor}`);
    if ((p.jackpotInMinor ?? 0) !== jackpotIn)
      found.push(`${p.source} used jackpot money of ${p.jackpotInMinor ?? 0}, the card says ${jackpotIn}`);
    if ((p.guaranteeMinor ?? 0) > Math.min(p.topUpMinor, guarantee))
      found.push(`${p.source} adds ${p.guaranteeMinor} to a guarantee of ${guarantee}, of a top-up of ${p.topUpMinor}`);
    const left =
      p.grossMinor +
      p.carryInMinor +
      (p.jackpotInMinor ?? 0) +
      p.topUpMinor -
      p.takeoutMinor -
      p.paidMinor -
      p.refundedMinor -
      p.breakageMinor -
      p.carryOutMinor;
    if (left !== 0) found.push(`${p.source} leaves ${left} unaccounted for`);
    const paid = p.dividends.reduce((sum, d) => sum + d.paidMinor, 0);
    if (paid !== p.paidMinor) found.push(`${p.source} pays ${p.paidMinor}, its dividends sum to ${paid}`);
    const refunded = p.outcome === 'REFUND' ? p.grossMinor : 0;
    if (p.refundedMinor !== refunded)
      found.push(`${p.source} refunds ${p.refundedMinor}, outcome ${p.outcome} refunds ${refunded}`);
  }
  for (const d of first.dividends) {
    const standing = countedOn(stakes, d.c);
    if (standing !== d.stakeMinor)
      found.push(`${first.source} prices ${d.c} on ${d.stakeMinor}, the shards count ${standing}`);
  }
  const comparable = sheetOf(first);
  for (const other of others) {
    const sheet = sheetOf(other);
    for (const [name, value] of Object.entries(comparable)) {
      if (sheet[name] !== value)
        found.push(`${name}: ${first.source} has ${value}, ${other.source} has ${sheet[name]}`);
    }
  }
  return found.slice(0, 20);
}

/** What must be equal between calculators, as text to print where it is not. */
function sheetOf(p: DividendProposal): Record<string, string> {
  // What a key leaves out is for those who count; calculators agree on what people read.
  const dividends = p.dividends
    .map((d) => `${d.tier} ${keyLabel(d.c)} ${d.price} on ${d.stakeMinor} pays ${d.paidMinor}`)
    .sort();
  return {
    outcome: p.outcome,
    inputHash: p.inputHash,
    takeout: String(p.takeoutMinor),
    net: String(p.netMinor),
    dividends: dividends.join(', '),
    paid: String(p.paidMinor),
    refunded: String(p.refundedMinor),
    breakage: String(p.breakageMinor),
    topUp: `${p.topUpMinor}${p.guaranteeMinor ? `, ${p.guaranteeMinor} of it for the guarantee` : ''}`,
    carryOut: `${p.carryOutMinor}${p.jackpotMinor ? `, ${p.jackpotMinor} of it to the jackpot` : ''}`,
  };
}

export const countedOn = (stakes: readonly (Stakes | null)[], c: string): number =>
  stakes.reduce((sum, report) => sum + (report?.keys.find((key) => key.c === c)?.stake ?? 0), 0);

// ── The preview ──────────────────────────────────────────────────────────────────────────────────────────────────────

function previewHash(
  s: MarketState,
  race: MarketRace,
  agreed: ReadonlyMap<string, DividendProposal | undefined>,
  weighed: readonly unknown[],
  hash: Hash,
): string {
  const pools = settlingPools(s, race).map((card) => {
    const pool = poolOf(s, card.poolId);
    const seals = pool.seals.map((seal) => [seal?.bets, seal?.stake, seal?.root]);
    const sheet = sheetOf(agreed.get(card.poolId) as DividendProposal);
    return {
      pool: card.poolId,
      ruleSet: card.ruleSet.id,
      carryIn: card.carryInMinor,
      ...termsOf(card),
      seals,
      refunds: pool.refundedAfterSeal,
      sheet,
      ...(isOverLegs(card) ? { legs: outcomesOf(card.ruleSet, runLegs(s, pool, {}), pool.outAtClose) } : {}),
    };
  });
  const { version, closeNo, stopAt, offAt, scratched, finish, disqualified, corrects, voided } = race;
  const correction = corrects > 0 ? { corrects, voided, weighed } : {};
  return hash(
    `preview:${canonical({ race: race.card.raceId, version, closeNo, stopAt, offAt, scratched, finish, disqualified, pools, ...correction })}`,
  );
}

/** What a settlement still waits for, in sentences for the stewards' screen. */
export function waitingFor(s: MarketState, race: MarketRace): string[] {
  const waits: string[] = [];
  for (const { poolId, ruleSet } of settlingPools(s, race)) {
    const pool = poolOf(s, poolId);
    for (const missing of legsMissing(ruleSet, runLegs(s, pool, ended(race, {})))) waits.push(`${poolId}: ${missing}`);
    const unsealed = pool.seals.filter((seal) => seal === null).length;
    if (unsealed > 0) waits.push(`${poolId}: ${unsealed} of ${s.shards} shards have not sealed`);
    const uncounted = pool.stakes.filter((report) => report === null).length;
    if (uncounted > 0) waits.push(`${poolId}: ${uncounted} of ${s.shards} shards have not counted`);
    for (const source of PROPOSAL_SOURCES)
      if (!pool.proposals[source]) waits.push(`${poolId}: no proposal from ${source}`);
    for (const difference of pool.differences) waits.push(`${poolId}: ${difference}`);
    const unweighed = race.weighing === 0 ? 0 : pool.weighed.filter((report) => report === null).length;
    if (unweighed > 0) waits.push(`${poolId}: ${unweighed} of ${s.shards} shards have not weighed the differences`);
  }
  return waits;
}
