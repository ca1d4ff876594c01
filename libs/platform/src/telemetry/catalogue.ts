/**
 * Every metric of the system by name: what it counts, in which unit, with which labels, and which roles show it. Dashboards, alert
 * rules and `docs/METRICS.md` are checked against it, and it against a live scrape. A label must never hold a person, an account, a
 * ticket or a reference: they are personal, and without bound.
 */
import type { Role } from '../config.js';

export type MetricKind = 'counter' | 'gauge' | 'histogram';
/** The roles that can be processes of their own. */
export type Shown = Exclude<Role, 'demo' | 'calculators'>;

export interface MetricFacts {
  readonly kind: MetricKind;
  readonly help: string;
  readonly labels: readonly string[];
  readonly roles: readonly Shown[];
  /** Upper bounds, for histograms alone. */
  readonly buckets?: readonly number[];
}

/** Close enough together around the targets (p50 20 ms, p99 50 ms) that quantiles up to p99.9 can be told apart there. */
const SECONDS = [
  0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 1.5, 2.5, 5, 10,
];
const RECORDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

const ALL: readonly Shown[] = ['engine', 'projector', 'odds', 'bet-api', 'back-office'];
const DOORS: readonly Shown[] = ['bet-api', 'back-office'];
const ENGINE: readonly Shown[] = ['engine'];
const PROJECTOR: readonly Shown[] = ['projector'];
const ODDS: readonly Shown[] = ['odds'];

type Facts = Omit<MetricFacts, 'kind'>;
const metric = (kind: MetricKind, roles: readonly Shown[], help: string, labels: readonly string[] = []): MetricFacts =>
  ({ kind, roles, help, labels }) satisfies Facts & { kind: MetricKind };
const counter = metric.bind(undefined, 'counter');
const gauge = metric.bind(undefined, 'gauge');
const histogram = (
  roles: readonly Shown[],
  help: string,
  labels: readonly string[] = [],
  buckets: readonly number[] = SECONDS,
): MetricFacts => ({ ...metric('histogram', roles, help, labels), buckets });

export const CATALOGUE = {
  // ── The doors ────────────────────────────────────────────────────────────────────────────────────────────────────
  http_server_request_duration_seconds: histogram(
    ALL,
    'Time from a request to its answer; its count is the rate, a status of 500 and above an error.',
    ['http_request_method', 'http_route', 'http_response_status_code'],
  ),
  rpc_server_call_duration_seconds: histogram(['bet-api'], 'The same for gRPC.', [
    'rpc_method',
    'rpc_response_status_code',
  ]),
  mutuel_grpc_streams: gauge(['bet-api'], 'Streams of points of sale and hosts that are open.'),
  mutuel_grpc_stream_requests_in_flight: gauge(['bet-api'], 'Taken from those streams and not answered yet.'),
  mutuel_tickets_held_total: counter(
    ['bet-api'],
    'Tickets turned away by a limit of their client (LIMIT), or of a partner while nobody counts for all nodes (NOT_COUNTED).',
    ['channel', 'why'],
  ),
  mutuel_command_duration_seconds: histogram(
    DOORS,
    'Time from a command’s admission to the end of its wait: DECIDED, PENDING (no decision in time) or BUSY (nothing appended).',
    ['topic', 'outcome'],
  ),
  mutuel_commands_total: counter(
    DOORS,
    'Commands by what became of them here: submitted, decided, pending, turned away, not appended, of unknown outcome.',
    ['topic', 'outcome'],
  ),
  mutuel_commands_in_flight: gauge(DOORS, 'Commands admitted here and not decided yet.', ['topic']),
  mutuel_oldest_command_seconds: gauge(DOORS, 'Age of the oldest command admitted here and not decided yet.', [
    'topic',
  ]),

  // ── Decisions ────────────────────────────────────────────────────────────────────────────────────────────────────
  mutuel_decisions_total: counter(ENGINE, 'Valid decisions read while leading, by refusal code (OK: not refused).', [
    'source',
    'code',
  ]),
  mutuel_bets_accepted_total: counter(ENGINE, 'Bets accepted.', ['source', 'channel']),
  mutuel_bets_refused_total: counter(ENGINE, 'Bets refused, by code; a ticket refused as a whole counts as one.', [
    'source',
    'code',
  ]),
  mutuel_stakes_accepted_minor_total: counter(ENGINE, 'Stakes accepted, in minor units.', ['source', 'currency']),
  mutuel_bets_refunded_total: counter(ENGINE, 'Bets refunded by the shards, by cause.', ['source', 'cause']),
  mutuel_bets_paid_total: counter(ENGINE, 'Bets paid by the shards.', ['source']),
  mutuel_paid_minor_total: counter(
    ENGINE,
    'Paid by the shards, in minor units; what corrections took back is not taken off.',
    ['source'],
  ),
  mutuel_selling_past_post_seconds: gauge(
    ENGINE,
    'How long ago the post time was of the race that should have been stopped first; 0 where none sells past it.',
  ),
  mutuel_pools_sealed_total: counter(ENGINE, 'Pools sealed by all shards.'),
  mutuel_voided_bets_total: counter(ENGINE, 'Bets acknowledged after a stop and voided at the close marker.'),
  mutuel_seal_spread_seconds: histogram(
    ENGINE,
    'Latest less earliest append time of a pool’s close markers over all shards.',
  ),
  mutuel_proposals_total: counter(ENGINE, 'Comparisons of the calculators’ dividends: AGREED or DIFFER.', ['outcome']),
  mutuel_races_settled_total: counter(ENGINE, 'Races settled: all paid, and the clearing accounts sum to zero.'),

  // ── Deciders ─────────────────────────────────────────────────────────────────────────────────────────────────────
  mutuel_decider_leading: gauge(ENGINE, '1 while this process decides for the source.', ['source']),
  mutuel_incarnations_total: counter(ENGINE, 'Attempts of this process to start a decider.', ['source']),
  mutuel_records_dropped_total: counter(
    ENGINE,
    'Records of the decision log that do not count: ZOMBIE, DUPLICATE, DEAD, REPEATED_START, KILLED.',
    ['source', 'reason'],
  ),
  mutuel_undecided_commands: gauge(ENGINE, 'Commands handed to the decider and not decided yet.', ['source']),
  mutuel_oldest_undecided_seconds: gauge(ENGINE, 'Age of the oldest of them, by the log’s time.', ['source']),
  mutuel_selling_lease_age_seconds: gauge(ENGINE, 'Time since the lease was issued, as the source knows it.', [
    'source',
  ]),
  mutuel_selling_lease_remaining_seconds: gauge(ENGINE, 'Time until selling stops unless the lease is renewed.', [
    'source',
  ]),
  mutuel_selling_lease_delay_seconds: gauge(
    ENGINE,
    'Append time of the last renewal in this shard less its time of issue; outside -0.2 to 1 the clocks or the relay are wrong.',
    ['source'],
  ),
  mutuel_leases_renewed_total: counter(ENGINE, 'Renewals of the selling lease appended by this process.'),

  // ── The log ──────────────────────────────────────────────────────────────────────────────────────────────────────
  mutuel_log_append_records: histogram(
    ['engine', 'odds', 'bet-api', 'back-office'],
    'Records of one append.',
    ['topic'],
    RECORDS,
  ),
  mutuel_log_append_duration_seconds: histogram(
    ['engine', 'odds', 'bet-api', 'back-office'],
    'Time until an append was durable.',
    ['topic'],
  ),
  mutuel_log_append_bytes_total: counter(
    ['engine', 'odds', 'bet-api', 'back-office'],
    'Bytes appended, without the log’s framing.',
    ['topic'],
  ),
  mutuel_log_append_failures_total: counter(
    ['engine', 'odds', 'bet-api', 'back-office'],
    'Appends that failed: NOT_APPENDED, or UNKNOWN when bytes may have left.',
    ['topic', 'outcome'],
  ),
  mutuel_reader_lag_records: gauge(ALL, 'Records in the log that the reader has not taken yet.', [
    'reader',
    'topic',
    'partition',
  ]),
  mutuel_reader_delay_seconds: gauge(ALL, 'Age of the newest record of the last batch when the reader had taken it.', [
    'reader',
    'topic',
    'partition',
  ]),
  mutuel_reader_records_total: counter(ALL, 'Records taken by the reader.', ['reader', 'topic', 'partition']),

  // ── Read models, odds, feed ──────────────────────────────────────────────────────────────────────────────────────
  mutuel_projection_decisions_total: counter(PROJECTOR, 'Decisions applied to the read models.'),
  mutuel_projection_batches_total: counter(PROJECTOR, 'Transactions they were applied in.'),
  mutuel_projection_failures_total: counter(PROJECTOR, 'Transactions that failed and were begun again.'),
  mutuel_projection_apply_seconds_total: counter(PROJECTOR, 'Time spent in them.'),
  mutuel_projection_failing_seconds: gauge(
    PROJECTOR,
    'How long no transaction has succeeded, where more than one has failed; 0 otherwise.',
  ),
  mutuel_projection_lag_seconds: gauge(PROJECTOR, 'Age of the oldest decision read and not applied.'),
  mutuel_odds_tick_lateness_seconds: histogram(
    ['odds', 'bet-api', 'back-office'],
    'Time from a cycle’s moment to its tick: COMPUTED in the odds role, RECEIVED where the feed is.',
    ['stage'],
  ),
  mutuel_odds_ticks_total: counter(ODDS, 'Ticks computed.'),
  mutuel_odds_ticks_late_total: counter(ODDS, 'Ticks computed late, and flagged so.'),
  mutuel_odds_last_cycle: gauge(ODDS, 'The newest cycle computed: epoch seconds divided by five.'),
  mutuel_odds_tick_compute_seconds: gauge(ODDS, 'Time the newest tick took to compute.'),
  mutuel_odds_pools_moved: gauge(ODDS, 'Pools in the newest tick.'),
  mutuel_odds_ticks_heard_total: counter(
    DOORS,
    'Ticks by where they were heard, CACHE or LOG; most are heard at both, and taken once.',
    ['from'],
  ),
  mutuel_cache_up: gauge(
    ['odds', ...DOORS],
    '1 while the hot cache answers; without it ticks come from the log alone.',
  ),
  mutuel_feed_connections: gauge(DOORS, 'Websocket connections of the feed.'),
  mutuel_feed_subscriptions: gauge(
    DOORS,
    'Different subscriptions among them; each is encoded once for all its readers.',
  ),
  mutuel_feed_frames_total: counter(DOORS, 'Frames: encoded, sent, or conflated for a slow reader.', ['what']),
  mutuel_feed_closed_slow_total: counter(DOORS, 'Connections closed because their reader was too far behind.'),

  // ── The process ──────────────────────────────────────────────────────────────────────────────────────────────────
  mutuel_process_info: gauge(ALL, 'Always 1; the labels say which roles run here and whether the log is durable.', [
    'roles',
    'durable',
  ]),
  mutuel_process_ready: gauge(ALL, '1 when nothing stands in the way of this process’s work.'),
  mutuel_alarms_total: counter(ALL, 'Alarms raised, by code; each has a runbook.', ['code']),
} as const satisfies Readonly<Record<string, MetricFacts>>;

export type MetricName = keyof typeof CATALOGUE;

/** From the Node runtime, under the names its client library gives them; the ones that dashboards rest on. */
export const RUNTIME_METRICS: Readonly<Record<string, string>> = {
  process_cpu_seconds_total: 'Processor time used.',
  process_resident_memory_bytes: 'Memory held.',
  process_start_time_seconds: 'When the process began.',
  process_open_fds: 'Open files and sockets.',
  nodejs_eventloop_lag_seconds: 'How late the event loop comes round, now.',
  nodejs_eventloop_lag_p50_seconds: 'The same since the last scrape, median.',
  nodejs_eventloop_lag_p99_seconds: 'The same, 99th percentile.',
  nodejs_eventloop_lag_max_seconds: 'The same, worst.',
  nodejs_heap_size_used_bytes: 'JavaScript heap in use.',
  nodejs_gc_duration_seconds: 'Pauses of the garbage collector.',
};

/** The text of `docs/METRICS.md`. */
export function metricsDocument(): string {
  const rows = Object.entries<MetricFacts>(CATALOGUE).map(([name, { kind, labels, roles, help }]) => {
    const shown = roles.length === ALL.length ? 'all' : roles.join(', ');
    return `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ') || '–'} | ${shown} | ${help} |`;
  });
  const runtime = Object.entries(RUNTIME_METRICS).map(([name, help]) => `| \`${name}\` | ${help} |`);
  return [
    '# Metrics',
    '',
    'Every role answers `GET /metrics` with Prometheus text. The names are written once, in',
    '`libs/platform/src/telemetry/catalogue.ts`, and this page is made from there; a test compares both with a live scrape.',
    'Times are seconds, money is minor units. Quantiles come from the buckets, for instance the 99.9th percentile of placing a ticket:',
    '',
    '    histogram_quantile(0.999, sum by (le) (rate(http_server_request_duration_seconds_bucket{http_route="/v1/tickets"}[1m])))',
    '',
    'No label holds an account, a ticket or a person.',
    '',
    '| metric | kind | labels | roles | what |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    'From the runtime, in every role:',
    '',
    '| metric | what |',
    '|---|---|',
    ...runtime,
    '',
  ].join('\n');
}
