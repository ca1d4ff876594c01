/**
 * What the deciders of a process tell about themselves and about the money they decide, counted from valid decisions while leading:
 * a fold of the past counts nothing, so that a restart is no burst of bets. It must never hold anything back, nor hold on to a state.
 */
import type { MarketEvent, ShardEvent } from '#mutuel/engine';
import type { EngineHost, MarketRunner, ShardRunner, ValidDecision } from '#mutuel/runtime';
import type { MetricName } from './catalogue.js';
import type { Figures, Labels, Metrics } from './metrics.js';

/** Totals by labels, added to without a lookup of labels by name. */
class Totals {
  readonly #totals = new Map<string, { readonly labels: Labels; value: number }>();
  readonly #labels: (key: string) => Labels;

  constructor(metrics: Metrics, name: MetricName, labels: (key: string) => Labels) {
    this.#labels = labels;
    metrics.read(name, () => this.#all());
  }

  add(key: string, by = 1): void {
    const total = this.#totals.get(key);
    if (total) total.value += by;
    else this.#totals.set(key, { labels: this.#labels(key), value: by });
  }

  #all(): Figures {
    return [...this.#totals.values()].map(({ labels, value }) => [labels, value]);
  }
}

export function watchEngine(engine: EngineHost, metrics: Metrics, now: () => number): void {
  metrics.read('mutuel_leases_renewed_total', () => [[{}, engine.leasesRenewed]]);
  for (const runner of engine.shards.values()) {
    watchRunner(runner, metrics);
    watchShard(runner, metrics);
    watchLease(metrics, runner.src, now, () => runner.state?.lease);
  }
  const { market } = engine;
  if (!market) return;
  watchRunner(market, metrics);
  watchMarket(market, metrics);
  metrics.read('mutuel_selling_past_post_seconds', () => [[{}, sellingPastPost(market, now()) / 1_000]]);
  watchLease(metrics, market.src, now, () => market.state?.lease);
}

function watchRunner(runner: ShardRunner | MarketRunner, metrics: Metrics): void {
  const source = runner.src;
  const { metrics: figures } = runner;
  metrics.read('mutuel_decider_leading', () => [[{ source }, runner.status === 'LEADING' ? 1 : 0]]);
  metrics.read('mutuel_incarnations_total', () => [[{ source }, figures.incarnations]]);
  metrics.read('mutuel_records_dropped_total', () =>
    Object.entries(figures.dropped).map(([reason, count]) => [{ source, reason }, count]),
  );
  metrics.read('mutuel_undecided_commands', () => [[{ source }, figures.undecided]]);
  metrics.read('mutuel_oldest_undecided_seconds', () => [[{ source }, figures.oldestUndecidedMs / 1_000]]);
}

function watchShard(runner: ShardRunner, metrics: Metrics): void {
  const source = runner.src;
  const codes = new Totals(metrics, 'mutuel_decisions_total', (code) => ({ source, code }));
  const accepted = new Totals(metrics, 'mutuel_bets_accepted_total', (channel) => ({ source, channel }));
  const refused = new Totals(metrics, 'mutuel_bets_refused_total', (code) => ({ source, code }));
  const stakes = new Totals(metrics, 'mutuel_stakes_accepted_minor_total', (currency) => ({ source, currency }));
  const refunded = new Totals(metrics, 'mutuel_bets_refunded_total', (cause) => ({ source, cause }));
  const paidBets = new Totals(metrics, 'mutuel_bets_paid_total', () => ({ source }));
  const paid = new Totals(metrics, 'mutuel_paid_minor_total', () => ({ source }));
  const take = (event: ShardEvent, code: string | undefined): void => {
    switch (event.t) {
      case 'TicketAccepted':
        accepted.add(event.channel, event.bets.length);
        stakes.add(event.currency, event.total);
        for (const bet of event.refused) refused.add(bet.code);
        break;
      // A refused ticket takes its reference.
      case 'RefTaken':
        if (code !== undefined) refused.add(code);
        break;
      case 'BetsRefunded':
        refunded.add(event.cause, event.items.length);
        break;
      case 'BetsPaid':
        paidBets.add('', event.items.length);
        for (const { amount } of event.items) paid.add('', Math.max(0, amount));
        break;
      default:
    }
  };
  runner.onDecision(({ decision: { code, events } }: ValidDecision<ShardEvent>) => {
    if (runner.status !== 'LEADING') return;
    codes.add(code ?? 'OK');
    for (const event of events) take(event, code);
  });
}

function watchMarket(runner: MarketRunner, metrics: Metrics): void {
  const source = runner.src;
  const codes = new Totals(metrics, 'mutuel_decisions_total', (code) => ({ source, code }));
  const sealed = new Totals(metrics, 'mutuel_pools_sealed_total', () => ({}));
  const voided = new Totals(metrics, 'mutuel_voided_bets_total', () => ({}));
  const compared = new Totals(metrics, 'mutuel_proposals_total', (outcome) => ({ outcome }));
  const settled = new Totals(metrics, 'mutuel_races_settled_total', () => ({}));
  const spread = metrics.histogram('mutuel_seal_spread_seconds');
  const take = (event: MarketEvent): void => {
    switch (event.t) {
      case 'PoolSealed':
        sealed.add('');
        voided.add('', event.voidedBets);
        spread(event.spreadMs / 1_000);
        break;
      case 'ProposalsAgreed':
        compared.add('AGREED');
        break;
      case 'ProposalsDiffer':
        compared.add('DIFFER');
        break;
      case 'RaceSettled':
        settled.add('');
        break;
      default:
    }
  };
  runner.onDecision(({ decision: { code, events } }: ValidDecision<MarketEvent>) => {
    if (runner.status !== 'LEADING') return;
    codes.add(code ?? 'OK');
    for (const event of events) take(event);
  });
}

/** Milliseconds: nobody stops a race but a steward or a schedule, so one that is forgotten sells on. */
function sellingPastPost({ state }: MarketRunner, now: number): number {
  const open = [...(state?.races.values() ?? [])].filter(({ status }) => status === 'OPEN');
  return Math.max(0, ...open.map(({ card }) => now - card.postTime));
}

interface Lease {
  readonly issuedAt: number;
  /** Append time of the renewal in a shard; the market has none. */
  readonly at?: number;
  readonly ttlMs: number;
}

/** Before the first renewal there is no lease to speak of. */
function watchLease(metrics: Metrics, source: string, now: () => number, read: () => Lease | undefined): void {
  const figure = (name: MetricName, of: (lease: Lease) => number | undefined): void =>
    metrics.read(name, () => {
      const lease = read();
      const ms = lease && lease.issuedAt > 0 ? of(lease) : undefined;
      return ms === undefined ? [] : [[{ source }, ms / 1_000]];
    });
  figure('mutuel_selling_lease_age_seconds', ({ issuedAt }) => now() - issuedAt);
  figure('mutuel_selling_lease_remaining_seconds', ({ issuedAt, at, ttlMs }) =>
    Math.max(0, Math.min(issuedAt, at ?? issuedAt) + ttlMs - now()),
  );
  figure('mutuel_selling_lease_delay_seconds', ({ issuedAt, at }) => (at === undefined ? undefined : at - issuedAt));
}
