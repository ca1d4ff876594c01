/**
 * What a seed switches on: the faults with their probabilities and the features of the day. Each seed leaves out some of both, so
 * that rare combinations occur. It must be a function of the seed (and of what the command line takes out) alone.
 */
import { Random } from './random.js';

/** What the world does to the system. */
export const FAULTS = [
  'append-refused',
  'append-lost',
  'append-unanswered',
  'append-late',
  'append-doubled',
  'append-delayed',
  'relay-lost',
  'read-delayed',
  'power-cut',
  'broker-down',
  'tails-broken',
  'engine-killed',
  'engine-frozen',
  'engine-stopped',
  'two-starters',
  'api-killed',
  'api-frozen',
  'calculator-killed',
  'projector-killed',
  'projector-slow',
  'odds-killed',
  'two-odds',
  'broker-clock',
  'process-clock',
  'call-lost',
  'answer-lost',
  'call-doubled',
  'call-delayed',
  'zombie-decision',
  'contradiction',
  'start-repeated',
  'command-repeated',
  'relay-gap',
  'command-forged',
  'poison',
  'outage',
  'election-lies',
  'snapshot-failed',
  'snapshot-rot',
  'log-rot',
  'newer-format',
  'lease-expires',
  'client-clock',
  'rush-at-stop',
  'shard-down',
  'night',
  'killed-before-append',
  'killed-after-append',
  'killed-before-flush',
  'killed-after-flush',
  'killed-before-snapshot',
  'killed-after-snapshot',
  'killed-before-checkpoint',
  'killed-after-checkpoint',
  'log-forked',
] as const;
export type Fault = (typeof FAULTS)[number];

/** What people do on the day. */
export const FEATURES = [
  'pairs',
  'boxes',
  'many-bets',
  'partial-tickets',
  'cancels',
  'withdrawals',
  'limits',
  'bad-bets',
  'malformed',
  'changed-bodies',
  'repeats',
  'old-references',
  'future-references',
  'abandons',
  'foreign-shards',
  'poor-accounts',
  'scratches',
  'late-offs',
  'voids',
  'suspensions',
  'dead-heats',
  'scheduled-stops',
  'results-while-selling',
  'second-results',
  'same-person',
  'stale-previews',
  'wrong-roles',
  'late-bets',
  'french-rules',
  'snapshots',
  'elections',
  'corrections',
  'policies',
  'format-raised',
  'checkpoints',
  'legs',
  'tierces',
  'complements',
  'guarantees',
  'jackpots',
  'reports',
  'flexi',
  'acts-out-of-turn',
  'disqualifications',
] as const;
export type Feature = (typeof FEATURES)[number];

export interface Plan {
  readonly seed: number;
  readonly commands: number;
  readonly shards: number;
  readonly hosts: number;
  readonly races: number;
  readonly accounts: number;
  readonly runners: number;
  /** Commands a second while a race sells. */
  readonly rate: number;
  /** One process on one machine with its own disk, or processes beside a broker. */
  readonly topology: 'EMBEDDED' | 'DISTRIBUTED';
  readonly hub: boolean;
  readonly windowMs: number;
  readonly leaseTtlMs: number;
  /** Highest latency of an append, a flush, a hand-out and a call, ms. */
  readonly slow: { readonly append: number; readonly flush: number; readonly read: number; readonly call: number };
  /** By fault: a probability per occasion, or per second for those that strike by themselves. */
  readonly faults: ReadonlyMap<Fault, number>;
  readonly features: ReadonlySet<Feature>;
  /** Bets that stand undecided in the log when a race is stopped; 0 in most seeds. */
  readonly crowd: number;
}

export interface PlanChanges {
  readonly without?: ReadonlySet<string>;
  readonly races?: number;
}

/** Of the seeds with a rush at the stop; each costs as much as three others. */
const CROWDED = 0.03;
/** Ten thousand where a seed has 2,000 commands. */
const TIMES_IN_FLIGHT = 5;

/** Half of the seeds are mild: a system that never gets to work shows nothing either. */
export function planOf(seed: number, commands: number, { without = new Set(), races }: PlanChanges = {}): Plan {
  const random = Random.stream(seed, 'plan');
  const share = random.pick([0.15, 0.4, 0.7]);
  const weight = random.pick([0.3, 1, 1, 2]);
  const faults = new Map<Fault, number>();
  for (const fault of FAULTS) {
    const on = random.chance(share);
    const level = weight * (0.3 + random.next()) * RATES[fault];
    if (on && !without.has(fault)) faults.set(fault, level);
  }
  const features = new Set<Feature>();
  for (const feature of FEATURES) {
    const on = random.chance(0.6);
    if (on && !without.has(feature)) features.add(feature);
  }
  const isCrowded = Random.stream(seed, 'crowd').chance(CROWDED) && faults.has('rush-at-stop');
  return {
    ...{ seed, commands, faults, features, crowd: isCrowded ? TIMES_IN_FLIGHT * commands : 0 },
    shards: random.pick([1, 2, 2, 3]),
    hosts: random.pick([1, 2, 2]),
    races: Math.min(random.between(1, 4), races ?? Number.POSITIVE_INFINITY),
    accounts: random.pick([4, 12, 40]),
    runners: random.between(4, 8),
    rate: random.pick([60, 200, 600, 2_000]),
    topology: random.pick(['EMBEDDED', 'DISTRIBUTED']),
    hub: random.chance(0.7),
    windowMs: random.pick([0, 5]),
    leaseTtlMs: random.pick([3_000, 6_000, 6_000]),
    slow: {
      append: random.pick([1, 3, 10]),
      flush: random.pick([1, 3, 10]),
      read: random.pick([1, 2, 8]),
      call: random.pick([2, 20, 60]),
    },
  };
}

/** Per occasion (an append, a hand-out, a call) or per simulated second, before the seed's own weight. */
const RATES: Readonly<Record<Fault, number>> = {
  'append-refused': 0.01,
  'append-lost': 0.008,
  'append-unanswered': 0.01,
  'append-late': 0.008,
  'append-doubled': 0.01,
  'append-delayed': 0.05,
  'relay-lost': 0.05,
  'read-delayed': 0.05,
  'power-cut': 0.015,
  'broker-down': 0.02,
  'tails-broken': 0.03,
  'engine-killed': 0.04,
  'engine-frozen': 0.03,
  'engine-stopped': 0.02,
  'two-starters': 0.03,
  'api-killed': 0.02,
  'api-frozen': 0.02,
  'calculator-killed': 0.03,
  'projector-killed': 0.03,
  'projector-slow': 0.3,
  'odds-killed': 0.03,
  'two-odds': 0.5,
  'broker-clock': 0.05,
  'process-clock': 0.05,
  'call-lost': 0.02,
  'answer-lost': 0.02,
  'call-doubled': 0.03,
  'call-delayed': 0.03,
  'zombie-decision': 0.1,
  contradiction: 0.05,
  'start-repeated': 0.08,
  'command-repeated': 0.15,
  'relay-gap': 0.08,
  'command-forged': 0.15,
  poison: 0.004,
  outage: 0.01,
  'election-lies': 0.02,
  'snapshot-failed': 0.1,
  'snapshot-rot': 0.1,
  'log-rot': 0.001,
  'newer-format': 0.003,
  'lease-expires': 0.02,
  'client-clock': 0.05,
  'rush-at-stop': 1,
  'shard-down': 0.01,
  night: 0.5,
  'killed-before-append': 0.002,
  'killed-after-append': 0.002,
  'killed-before-flush': 0.001,
  'killed-after-flush': 0.001,
  'killed-before-snapshot': 0.15,
  'killed-after-snapshot': 0.15,
  'killed-before-checkpoint': 0.03,
  'killed-after-checkpoint': 0.03,
  'log-forked': 0.5,
};
