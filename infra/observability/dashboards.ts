/**
 * The three Grafana dashboards, as code: what a steward watches in the last minute before a race, what an accountant asks about money
 * and integrity, what an operator asks about machines. `npm run documents` writes the files that Grafana is given; a
 * test fails when they are stale or name a metric that nobody shows.
 */
export interface Panel {
  readonly title: string;
  /** What it means when it looks wrong. */
  readonly about: string;
  readonly unit: 'short' | 'ops' | 'reqps' | 's' | 'bytes' | 'percentunit' | 'Bps';
  /** PromQL by the legend of its series. */
  readonly series: Readonly<Record<string, string>>;
  readonly kind?: 'timeseries' | 'stat';
  /** Green below the first, orange below the second, red above; a single limit is red at once. */
  readonly limits?: readonly [number] | readonly [number, number];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly rows: Readonly<Record<string, readonly Panel[]>>;
}

const quantile = (q: number, metric: string, filter = ''): string =>
  `histogram_quantile(${q}, sum by (le) (rate(${metric}_bucket${filter}[1m])))`;
const quantiles = (metric: string, filter = ''): Record<string, string> => ({
  p50: quantile(0.5, metric, filter),
  p99: quantile(0.99, metric, filter),
  'p99.9': quantile(0.999, metric, filter),
});
const TICKETS = '{http_request_method="POST",http_route="/v1/tickets"}';
const ERRORS = '{http_response_status_code=~"5.."}';

const LAST_MINUTE: Dashboard = {
  uid: 'mutuel-last-minute',
  title: 'The last minute before a race',
  rows: {
    'Bets are taken': [
      {
        title: 'Bets a second',
        about:
          'Accepted, refused by rule, and turned away before anything was written. The ramp is ×27 in five minutes.',
        unit: 'ops',
        series: {
          accepted: 'sum(rate(mutuel_bets_accepted_total[10s]))',
          refused: 'sum(rate(mutuel_bets_refused_total[10s]))',
          'turned away': 'sum(rate(mutuel_commands_total{outcome="TURNED_AWAY"}[10s]))',
          'no decision in time': 'sum(rate(mutuel_commands_total{outcome="PENDING"}[10s]))',
        },
      },
      {
        title: 'Time to the answer',
        about: 'From the request to the answer of a ticket; the target is 50 ms at p99.',
        unit: 's',
        series: quantiles('http_server_request_duration_seconds', TICKETS),
        limits: [0.05, 0.1],
      },
      {
        title: 'Refusals by code',
        about: 'POOL_CLOSED rises at the stop; CHANNEL_LEASE_EXPIRED means that the market process is away.',
        unit: 'ops',
        series: { '{{code}}': 'sum by (code) (rate(mutuel_bets_refused_total[30s]))' },
      },
      {
        title: 'gRPC calls a second',
        about: 'Points of sale and hosts, by status.',
        unit: 'reqps',
        series: {
          '{{rpc_method}} {{rpc_response_status_code}}':
            'sum by (rpc_method, rpc_response_status_code) (rate(rpc_server_call_duration_seconds_count[30s]))',
        },
      },
    ],
    'Selling may go on': [
      {
        title: 'Selling lease left',
        about: 'At zero every shard refuses bets. Renewed every two seconds for six.',
        unit: 's',
        series: { '{{source}}': 'min by (source) (mutuel_selling_lease_remaining_seconds)' },
      },
      {
        title: 'Deciders leading',
        about: 'One for each shard and one for the market, over all engine processes.',
        unit: 'short',
        kind: 'stat',
        series: { '{{source}}': 'sum by (source) (mutuel_decider_leading)' },
      },
      {
        title: 'Commands on their way',
        about: 'Admitted and not decided. Admission turns newcomers away when the oldest is 250 ms old.',
        unit: 'short',
        series: { '{{topic}}': 'sum by (topic) (mutuel_commands_in_flight)' },
      },
      {
        title: 'Oldest undecided command',
        about: 'As the doors see it, and as the deciders do.',
        unit: 's',
        series: {
          'door {{topic}}': 'max by (topic) (mutuel_oldest_command_seconds)',
          'decider {{source}}': 'max by (source) (mutuel_oldest_undecided_seconds)',
        },
        limits: [0.25, 1],
      },
    ],
    'Odds are in time': [
      {
        title: 'Tick lateness',
        about: 'From the multiple of five seconds to the tick: computed, and received where the feed is.',
        unit: 's',
        series: {
          'computed p99': quantile(0.99, 'mutuel_odds_tick_lateness_seconds', '{stage="COMPUTED"}'),
          'received p50': quantile(0.5, 'mutuel_odds_tick_lateness_seconds', '{stage="RECEIVED"}'),
          'received p99': quantile(0.99, 'mutuel_odds_tick_lateness_seconds', '{stage="RECEIVED"}'),
        },
        limits: [1, 1.5],
      },
      {
        title: 'Pools in the tick',
        about: 'Pools that moved, and what the tick took to compute.',
        unit: 'short',
        series: {
          pools: 'max(mutuel_odds_pools_moved)',
          'ms to compute': '1000 * max(mutuel_odds_tick_compute_seconds)',
        },
      },
      {
        title: 'Feed readers',
        about: 'Connections, and the different subscriptions that are encoded once each.',
        unit: 'short',
        series: { connections: 'sum(mutuel_feed_connections)', subscriptions: 'sum(mutuel_feed_subscriptions)' },
      },
      {
        title: 'Feed frames a second',
        about: 'Conflated frames went to readers that are too slow; closed ones were too far behind.',
        unit: 'ops',
        series: {
          '{{what}}': 'sum by (what) (rate(mutuel_feed_frames_total[30s]))',
          closed: 'sum(rate(mutuel_feed_closed_slow_total[30s]))',
        },
      },
      {
        title: 'Streams of points of sale',
        about: 'Open gRPC streams, and what was taken from them and is not answered yet.',
        unit: 'short',
        series: {
          streams: 'sum(mutuel_grpc_streams)',
          'in flight': 'sum(mutuel_grpc_stream_requests_in_flight)',
        },
      },
      {
        title: 'Tickets held back by limits',
        about: 'LIMIT: a client beyond its rate. NOT_COUNTED: partners, while nobody counts for all nodes.',
        unit: 'ops',
        series: { '{{channel}} {{why}}': 'sum by (channel, why) (rate(mutuel_tickets_held_total[30s]))' },
      },
    ],
  },
};

const MONEY: Dashboard = {
  uid: 'mutuel-money',
  title: 'Money and integrity',
  rows: {
    Money: [
      {
        title: 'Turnover a minute, minor units',
        about: 'Stakes of accepted tickets.',
        unit: 'short',
        series: { '{{currency}}': 'sum by (currency) (rate(mutuel_stakes_accepted_minor_total[1m])) * 60' },
      },
      {
        title: 'Paid a minute, minor units',
        about: 'Payments by the shards, after a second person has confirmed the preview.',
        unit: 'short',
        series: {
          paid: 'sum(rate(mutuel_paid_minor_total[1m])) * 60',
          bets: 'sum(rate(mutuel_bets_paid_total[1m])) * 60',
        },
      },
      {
        title: 'Bets refunded in an hour, by cause',
        about: 'SCRATCHED and RACE_VOID follow a steward; AFTER_STOP is the normal price of a clean close.',
        unit: 'short',
        series: { '{{cause}}': 'sum by (cause) (increase(mutuel_bets_refunded_total[1h]))' },
      },
      {
        title: 'Races settled in an hour',
        about: 'All paid, and the clearing accounts of the pools sum to zero.',
        unit: 'short',
        kind: 'stat',
        series: { races: 'sum(increase(mutuel_races_settled_total[1h]))' },
      },
    ],
    'The close': [
      {
        title: 'Seal spread',
        about: 'How far the shards’ close markers are apart; bets between stop and marker are voided.',
        unit: 's',
        series: quantiles('mutuel_seal_spread_seconds'),
        limits: [0.5, 1],
      },
      {
        title: 'Bets voided at the marker in an hour',
        about: 'Acknowledged after the stop, refunded, counted in public.',
        unit: 'short',
        series: {
          voided: 'sum(increase(mutuel_voided_bets_total[1h]))',
          pools: 'sum(increase(mutuel_pools_sealed_total[1h]))',
        },
      },
      {
        title: 'Calculators',
        about: 'DIFFER stops the dividend of that pool until a person has looked.',
        unit: 'short',
        series: { '{{outcome}}': 'sum by (outcome) (increase(mutuel_proposals_total[1h]))' },
      },
      {
        title: 'Lease delay',
        about:
          'Append time of a renewal in a shard less its time of issue: outside -0.2 to 1 s clocks or relay are wrong.',
        unit: 's',
        series: { '{{source}}': 'max by (source) (mutuel_selling_lease_delay_seconds)' },
        limits: [0.5, 1],
      },
    ],
    'The log': [
      {
        title: 'Dropped records in an hour',
        about: 'A ZOMBIE after a takeover is as it should be; a KILLED incarnation contradicted itself.',
        unit: 'short',
        series: { '{{source}} {{reason}}': 'sum by (source, reason) (increase(mutuel_records_dropped_total[1h]))' },
      },
      {
        title: 'Incarnations in an hour',
        about: 'Attempts to start a decider: one for each start of a process.',
        unit: 'short',
        series: { '{{source}}': 'sum by (source) (increase(mutuel_incarnations_total[1h]))' },
      },
      {
        title: 'Decisions a second by code',
        about: 'MALFORMED and QUARANTINED are set aside, and must be looked at.',
        unit: 'ops',
        series: { '{{code}}': 'sum by (code) (rate(mutuel_decisions_total[1m]))' },
      },
      {
        title: 'Alarms in an hour',
        about: 'Each code has a runbook.',
        unit: 'short',
        series: { '{{code}}': 'sum by (code) (increase(mutuel_alarms_total[1h]))' },
      },
    ],
  },
};

const MACHINES: Dashboard = {
  uid: 'mutuel-machines',
  title: 'Machines',
  rows: {
    Processes: [
      {
        title: 'Ready',
        about: '1 when nothing stands in the way of the process’s work; /health/ready says what does.',
        unit: 'short',
        kind: 'stat',
        series: {
          '{{roles}}': 'min by (roles) (mutuel_process_ready * on (instance) group_left (roles) mutuel_process_info)',
        },
      },
      {
        title: 'Processor, cores',
        about: 'One Node process has one thread of ours: above 0.8 it is full.',
        unit: 'percentunit',
        series: {
          '{{roles}}': 'rate(process_cpu_seconds_total[30s]) * on (instance) group_left (roles) mutuel_process_info',
        },
        limits: [0.8, 0.95],
      },
      {
        title: 'Memory',
        about: 'A heap that only rises is a leak; the engine’s is its state.',
        unit: 'bytes',
        series: {
          'held {{instance}}': 'process_resident_memory_bytes',
          'heap {{instance}}': 'nodejs_heap_size_used_bytes',
        },
      },
      {
        title: 'Event loop',
        about: 'How late the loop comes round: everything waits that long.',
        unit: 's',
        series: {
          'p99 {{instance}}': 'nodejs_eventloop_lag_p99_seconds',
          'worst {{instance}}': 'nodejs_eventloop_lag_max_seconds',
        },
        limits: [0.05, 0.25],
      },
      {
        title: 'Garbage collection',
        about: 'Share of the time.',
        unit: 'percentunit',
        series: { '{{instance}} {{kind}}': 'sum by (instance, kind) (rate(nodejs_gc_duration_seconds_sum[1m]))' },
      },
      {
        title: 'Open files and sockets',
        about: 'Near the limit of the process nobody can connect.',
        unit: 'short',
        series: { '{{instance}}': 'process_open_fds' },
      },
    ],
    'The log': [
      {
        title: 'Reader lag, records',
        about: 'In the log and not taken yet, of the slowest reader of each name.',
        unit: 'short',
        series: { '{{reader}} {{topic}}': 'max by (reader, topic) (mutuel_reader_lag_records)' },
      },
      {
        title: 'Reader delay',
        about: 'Age of the newest record when it was taken.',
        unit: 's',
        series: { '{{reader}} {{topic}}': 'max by (reader, topic) (mutuel_reader_delay_seconds)' },
      },
      {
        title: 'Records read a second',
        about: 'By reader.',
        unit: 'ops',
        series: { '{{reader}} {{topic}}': 'sum by (reader, topic) (rate(mutuel_reader_records_total[30s]))' },
      },
      {
        title: 'Append time, p99',
        about: 'Until the log has it: the floor of every answer.',
        unit: 's',
        series: {
          '{{topic}}':
            'histogram_quantile(0.99, sum by (topic, le) (rate(mutuel_log_append_duration_seconds_bucket[1m])))',
        },
        limits: [0.05, 0.25],
      },
      {
        title: 'Records an append',
        about: 'Small batches on a busy log cost broker and clients.',
        unit: 'short',
        series: {
          '{{topic}}':
            'sum by (topic) (rate(mutuel_log_append_records_sum[1m])) / sum by (topic) (rate(mutuel_log_append_records_count[1m]))',
        },
      },
      {
        title: 'Bytes appended a second, and failures',
        about: 'UNKNOWN: the bytes may be in the log; the writer started anew.',
        unit: 'Bps',
        series: {
          '{{topic}}': 'sum by (topic) (rate(mutuel_log_append_bytes_total[30s]))',
          'failed {{topic}} {{outcome}}': 'sum by (topic, outcome) (rate(mutuel_log_append_failures_total[5m]))',
        },
      },
    ],
    'Doors and read models': [
      {
        title: 'Requests a second',
        about: 'All routes of all roles.',
        unit: 'reqps',
        series: {
          '{{http_request_method}} {{http_route}}':
            'sum by (http_request_method, http_route) (rate(http_server_request_duration_seconds_count[30s]))',
        },
      },
      {
        title: 'Errors, share of requests',
        about: 'Statuses of 500 and above; a 503 from admission counts.',
        unit: 'percentunit',
        series: {
          errors: `sum(rate(http_server_request_duration_seconds_count${ERRORS}[1m])) / sum(rate(http_server_request_duration_seconds_count[1m]))`,
        },
        limits: [0.01, 0.05],
      },
      {
        title: 'Command to decision',
        about: 'Inside the bet API, from admission to the decision read back.',
        unit: 's',
        series: quantiles('mutuel_command_duration_seconds', '{outcome="DECIDED"}'),
        limits: [0.05, 0.1],
      },
      {
        title: 'Projection',
        about: 'Age of the oldest decision not in the read models; decisions applied a second.',
        unit: 's',
        series: {
          lag: 'max(mutuel_projection_lag_seconds)',
          'a transaction takes':
            'sum(rate(mutuel_projection_apply_seconds_total[1m])) / sum(rate(mutuel_projection_batches_total[1m]))',
        },
        limits: [1, 5],
      },
      {
        title: 'Decisions applied a second',
        about: 'And transactions that failed and were begun again.',
        unit: 'ops',
        series: {
          applied: 'sum(rate(mutuel_projection_decisions_total[30s]))',
          failed: 'sum(rate(mutuel_projection_failures_total[5m]))',
        },
      },
      {
        title: 'Odds ticks in five minutes',
        about: 'Sixty, none of them late.',
        unit: 'short',
        series: {
          computed: 'sum(increase(mutuel_odds_ticks_total[5m]))',
          late: 'sum(increase(mutuel_odds_ticks_late_total[5m]))',
        },
      },
      {
        title: 'Ticks heard, by way',
        about: 'By the cache and by the log, each at every door; by the log alone while the cache is away.',
        unit: 'ops',
        series: { '{{from}}': 'sum by (from) (rate(mutuel_odds_ticks_heard_total[1m]))' },
      },
    ],
  },
};

/** By the name of the file that Grafana reads. */
export const DASHBOARDS: Readonly<Record<string, Dashboard>> = {
  'last-minute': LAST_MINUTE,
  money: MONEY,
  machines: MACHINES,
};

const COLUMNS = 24;
const PANEL = { wide: 6, high: 8 };

/** The text of a dashboard's file. */
export function fileOf({ uid, title, rows }: Dashboard): string {
  const panels: object[] = [];
  let y = 0;
  for (const [name, row] of Object.entries(rows)) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: name,
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
      panels: [],
    });
    y++;
    row.forEach((panel, i) => {
      const perLine = COLUMNS / PANEL.wide;
      const gridPos = {
        x: (i % perLine) * PANEL.wide,
        y: y + Math.floor(i / perLine) * PANEL.high,
        w: PANEL.wide,
        h: PANEL.high,
      };
      panels.push({ id: panels.length + 1, gridPos, ...panelOf(panel) });
    });
    y += Math.ceil(row.length / (COLUMNS / PANEL.wide)) * PANEL.high;
  }
  const dashboard = {
    ...{ uid, title, tags: ['mutuel'], timezone: 'browser', schemaVersion: 41, editable: false },
    ...{ refresh: '5s', time: { from: 'now-15m', to: 'now' } },
    panels,
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

function panelOf({ title, about, unit, series, kind = 'timeseries', limits }: Panel): object {
  const datasource = { type: 'prometheus', uid: 'prometheus' };
  return {
    ...{ type: kind, title, description: about, datasource },
    fieldConfig: { defaults: { unit, min: unit === 's' ? undefined : 0, ...thresholdsOf(limits) }, overrides: [] },
    targets: Object.entries(series).map(([legendFormat, expr], i) => ({
      ...{ refId: String.fromCharCode(65 + i), datasource, expr, legendFormat },
    })),
  };
}

function thresholdsOf(limits: Panel['limits']): object {
  if (!limits) return {};
  const [first, second = first] = limits;
  const steps = [
    { color: 'green', value: null },
    ...(second > first ? [{ color: 'orange', value: first }] : []),
    { color: 'red', value: second },
  ];
  return { custom: { thresholdsStyle: { mode: 'dashed' } }, thresholds: { mode: 'absolute', steps } };
}
