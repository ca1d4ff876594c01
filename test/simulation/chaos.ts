/**
 * What goes wrong by itself: crashes, freezes, power cuts, clocks that jump, messages from the past, at moments that the seed chooses
 * and at those that hurt most, right after a fact of the market. It must leave nothing broken once it is told to stop.
 */
import { signCommand, TOPICS } from '#mutuel/contracts';
import type { TopicPartition } from '#mutuel/runtime';
import { type Crashes, isDeath } from './crashes.js';
import type { SimProcess } from './kernel.js';
import type { Fault } from './plan.js';
import { FAULTS } from './plan.js';
import type { Random } from './random.js';
import type { SimLog } from './sim-log.js';
import type { Strikes } from './strikes.js';
import { type Role, SERVICE_KEY, type System } from './system.js';

/** A supervisor starts what has died within so long, ms. */
const BACK_WITHIN: Readonly<Record<Role, number>> = {
  engine: 3_000,
  api: 1_500,
  calculators: 2_000,
  projector: 3_000,
  odds: 8_000,
};
const TICK_MS = 200;
const OLDEST_COPY_MS = 3_600_000;
/** A reader knows the last 256 starts again: what that many others followed is not on its way any more. Some are being written. */
const OLDEST_START = 200;
/** How likely a fact of the market draws a strike at once; and one that a shard must hear of, that shard's absence. */
const AT_A_FACT = 0.12;
const AWAY_AT_A_FACT = 0.1;
const HEARD_BY_SHARDS = new Set(['BettingClosed', 'DividendsDeclared', 'RaceVoided']);
const TEN_MINUTES = 600_000;

export class Chaos {
  /** Not before this the faults may stop: a shard is away for long. */
  busyUntil = 0;
  readonly #disasters: Readonly<Partial<Record<Fault, () => void>>>;

  constructor(
    private readonly system: System,
    private readonly log: SimLog,
    private readonly random: Random,
    private readonly strikes: Strikes,
    private readonly crashes: Crashes,
  ) {
    this.#disasters = {
      'power-cut': () => this.powerCut(),
      'broker-down': () => this.#brokerDown(),
      'tails-broken': () => this.log.breakTails(this.#anyProcess()),
      'engine-killed': () => this.#killFor('engine', this.random.below(this.system.plan.hosts)),
      'engine-frozen': () => this.#freeze('engine', this.random.below(this.system.plan.hosts)),
      'engine-stopped': () => this.#stopEngine(),
      'two-starters': () => this.#twoStarters(),
      'api-killed': () => this.#killFor('api', 0),
      'api-frozen': () => this.#freeze('api', 0),
      'calculator-killed': () => this.#killFor('calculators', 0),
      'projector-killed': () => this.#killFor('projector', 0),
      'odds-killed': () => this.#killFor('odds', 0),
      'broker-clock': () => this.log.moveClock(this.#skew()),
      'process-clock': () => this.#moveClock(),
      'zombie-decision': () => this.#repeat(TOPICS.shardDecisions, TOPICS.marketDecisions, 'decision'),
      contradiction: () => this.#contradict(),
      'start-repeated': () => this.#repeat(TOPICS.shardDecisions, TOPICS.marketDecisions, 'started'),
      'command-repeated': () => this.#repeat(TOPICS.shardCommands, TOPICS.marketCommands),
      'relay-gap': () => this.#relayGap(),
      'command-forged': () => this.#forge(),
      outage: () => this.#outage(),
      'lease-expires': () => this.log.withholdLease(this.system.plan.leaseTtlMs + this.random.between(500, 4_000)),
      'client-clock': () => {
        this.system.clientClock = this.#skew();
      },
      'shard-down': () => this.#shardDown(),
    };
  }

  start(): void {
    this.#tick();
  }

  /** A fact was decided: the moment at which things break best. */
  atFact(kind: string): void {
    if (!this.strikes.isOn) return;
    const isAway = this.strikes.has('shard-down') && HEARD_BY_SHARDS.has(kind);
    if (isAway && this.random.chance(AWAY_AT_A_FACT)) this.#strike('shard-down');
    if (!this.random.chance(AT_A_FACT)) return;
    const armed = FAULTS.filter((fault) => this.strikes.has(fault) && (this.#disasters[fault] || isDeath(fault)));
    if (armed.length === 0) return;
    const fault = this.random.pick(armed);
    const strike = () => (isDeath(fault) ? this.crashes.arm(fault) : this.#strike(fault));
    this.system.kernel.after(this.random.between(0, 60), strike);
  }

  /** Everything broken is whole again, as far as people and supervisors can make it. */
  heal(): void {
    this.strikes.isOn = false;
    this.log.restore();
    this.log.moveClock(0);
    this.system.clientClock = 0;
    for (const [role, count] of [
      ['engine', this.system.plan.hosts],
      ['api', 1],
      ['calculators', 1],
      ['projector', 1],
      ['odds', 1],
    ] as const)
      for (let i = 0; i < count; i++) {
        const one = this.system.running[role][i];
        if (!one) this.system.start(role, i, 'AT_ONCE');
        else {
          one.process.clockOffset = 0;
          one.process.thaw();
        }
      }
  }

  #tick(): void {
    if (!this.strikes.isOn) return;
    for (const fault of Object.keys(this.#disasters) as Fault[]) {
      const perSecond = this.system.plan.faults.get(fault) ?? 0;
      if (this.random.chance((perSecond * TICK_MS) / 1_000)) this.#strike(fault);
    }
    this.system.kernel.after(TICK_MS, () => this.#tick());
  }

  #strike(fault: Fault): void {
    if (!this.strikes.isOn) return;
    this.strikes.note(fault);
    this.#disasters[fault]?.();
  }

  // ── Processes ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Dies in the middle of what it does. One that was being stopped is being replaced already. */
  kill(process: SimProcess): void {
    process.kill();
    for (const role of Object.keys(this.system.running) as Role[])
      this.#killFor(
        role,
        this.system.running[role].findIndex((one) => one?.process === process),
      );
  }

  #killFor(role: Role, index: number): void {
    if (!this.system.running[role][index]) return;
    this.system.kill(role, index);
    this.#startLater(role, index, this.random.between(1, BACK_WITHIN[role]));
  }

  #startLater(role: Role, index: number, after: number, campaign?: 'AT_ONCE' | 'WHEN_QUIET'): void {
    this.system.kernel.after(after, () => {
      if (this.system.running[role][index]) return;
      this.system.start(role, index, campaign ?? this.random.pick(['AT_ONCE', 'WHEN_QUIET']));
    });
  }

  /** Longer than a lease, or than others wait before they take over: who wakes up is a zombie. */
  #freeze(role: Role, index: number): void {
    const process = this.system.running[role][index]?.process;
    process?.freeze();
    this.system.kernel.after(this.random.pick([100, 2_500, 9_000]), () => process?.thaw());
  }

  #stopEngine(): void {
    const index = this.random.below(this.system.plan.hosts);
    const host = this.system.running.engine[index];
    if (host?.process.state !== 'UP') return;
    this.system.running.engine[index] = undefined;
    void host.part.stop().then(() => {
      host.process.kill();
    });
    this.#startLater('engine', index, this.random.between(1, 2_000));
  }

  #twoStarters(): void {
    for (let i = 0; i < this.system.plan.hosts; i++) {
      if (this.random.chance(0.5)) this.system.kill('engine', i);
      if (!this.system.running.engine[i]) this.#startLater('engine', i, this.random.between(1, 30), 'AT_ONCE');
    }
  }

  #outage(): void {
    for (let i = 0; i < this.system.plan.hosts; i++) {
      this.system.kill('engine', i);
      this.#startLater('engine', i, 35_000 + this.random.between(0, 5_000), 'AT_ONCE');
    }
  }

  /** For moments, longer than a bet may wait, or ten minutes. */
  #shardDown(): void {
    const ms = this.random.chance(0.1) ? TEN_MINUTES : this.random.pick([2_000, 8_000, 35_000]);
    this.log.takeDown(this.random.below(this.system.plan.shards), ms);
    this.busyUntil = this.system.kernel.now + ms;
  }

  #anyProcess() {
    return this.random.pick(
      Object.values(this.system.running)
        .flat()
        .filter((one) => one !== undefined),
    )?.process;
  }

  #moveClock(): void {
    const process = this.#anyProcess();
    if (process) process.clockOffset = this.#skew();
  }

  #skew(): number {
    return this.random.chance(0.4) ? 0 : this.random.between(-5_000, 5_000);
  }

  // ── The log ────────────────────────────────────────────────────────────────────────────────────────────────────

  powerCut(): void {
    if (this.system.plan.topology === 'EMBEDDED')
      for (const role of Object.keys(this.system.running) as Role[])
        this.system.running[role].forEach((one, index) => {
          if (!one) return;
          this.system.kill(role, index);
          this.#startLater(role, index, this.random.between(200, 2_000));
        });
    this.log.powerCut();
  }

  #brokerDown(): void {
    if (this.system.plan.topology === 'EMBEDDED') return;
    this.log.isDown = true;
    this.log.breakTails();
    this.system.kernel.after(this.random.between(100, 4_000), () => {
      this.log.isDown = false;
    });
  }

  /** Bytes of the past once more: a late retry, a zombie that wakes up. */
  #repeat(shardTopic: string, marketTopic: string, kind?: string): void {
    const at = this.#anyPartition(shardTopic, marketTopic);
    // Nobody keeps a copy for a day: what a race that has left the memory could be asked again is not what this is about.
    const oldest = this.system.kernel.now - OLDEST_COPY_MS;
    const isKind = (value: Uint8Array): boolean =>
      kind === undefined || Buffer.from(value.buffer, value.byteOffset, value.byteLength).includes(`"kind":"${kind}"`);
    let records = this.log.durable(at).filter(({ time }) => time > oldest);
    if (kind === 'started') records = records.filter(({ value }) => isKind(value)).slice(-OLDEST_START);
    if (records.length === 0) return;
    for (let tries = 0; tries < 20; tries++) {
      const { value } = this.random.chance(0.5) ? this.random.pick(records.slice(-20)) : this.random.pick(records);
      if (!isKind(value)) continue;
      this.log.inject(at, new Uint8Array(value));
      return;
    }
  }

  /** A writer that lost its mind: a record of the current incarnation that fits nowhere. */
  #contradict(): void {
    const at = this.#anyPartition(TOPICS.shardDecisions, TOPICS.marketDecisions);
    const last = this.log.durable(at).at(-1);
    if (!last) return;
    const record = JSON.parse(Buffer.from(last.value).toString('utf8')) as { kind: string; seq: number };
    if (record.kind !== 'decision') return;
    this.log.inject(at, Buffer.from(JSON.stringify({ ...record, seq: record.seq + this.random.between(2, 9) })));
  }

  /**
   * What was acknowledged last is gone, and a new leader writes another decision in its place: nothing that the log may do. Returns where.
   */
  fork(): TopicPartition {
    const at = this.#anyPartition(TOPICS.shardDecisions, TOPICS.marketDecisions);
    this.strikes.note('log-forked', `${at.topic}[${at.partition}]`);
    const inc = this.random.hex(32);
    const records = this.log.durable(at).map(({ value }) => JSON.parse(Buffer.from(value).toString('utf8')) as object);
    for (const kind of ['started', 'decision']) {
      const last = records.findLast((record) => 'kind' in record && record.kind === kind);
      this.log.inject(at, Buffer.from(JSON.stringify({ ...last, inc })));
    }
    return at;
  }

  #relayGap(): void {
    const at = this.#anyPartition(TOPICS.shardCommands, TOPICS.marketCommands);
    const n = this.random.pick([100_000, 200_000]);
    const command =
      at.topic === TOPICS.shardCommands
        ? {
            type: 'MarketFact',
            n,
            fact: { t: 'LeaseRenewed', issuedAt: this.system.kernel.now + 60_000, ttlMs: 60_000 },
          }
        : { type: 'ShardReport', shard: 0, n, report: { t: 'Seal', pool: 'D1R1-WIN' } };
    this.log.inject(at, signCommand(this.random.hex(32), command, SERVICE_KEY));
  }

  /** What somebody without the key can write into the topics. */
  #forge(): void {
    const at = this.#anyPartition(TOPICS.shardCommands, TOPICS.marketCommands);
    const account = `acc-${this.random.below(this.system.plan.accounts)}`;
    const command = this.random.pick<object>(
      at.topic === TOPICS.shardCommands
        ? [
            { type: 'Deposit', account, ref: this.random.hex(16), amount: 1_000_000 },
            {
              type: 'MarketFact',
              n: (this.system.leader(at.partition)?.state as { factNo?: number })?.factNo ?? 1,
              fact: {},
            },
            { type: 'SetLimits', account, limits: {}, version: 1e9 },
            { type: 'Continue', job: this.random.between(1, 8), cursor: this.random.pick([0, 0, 1, 500]) },
            { type: 'Nonsense' },
          ]
        : [
            { type: 'RenewLease', ttlMs: 20_000 },
            { type: 'VoidRace', race: 'D1R1', reason: '', by: { user: 'eve', roles: ['STEWARD'], device: 'x' } },
          ],
    );
    const cid = this.random.hex(32);
    const key = new Uint8Array(32).fill(8);
    const bytes = this.random.chance(0.5)
      ? signCommand(cid, command, key)
      : new TextEncoder().encode(JSON.stringify({ v: 1, cid, cmd: command }));
    this.log.inject(at, this.random.chance(0.1) ? bytes.slice(0, -3) : bytes);
  }

  #anyPartition(shardTopic: string, marketTopic: string): TopicPartition {
    if (this.random.chance(0.3)) return { topic: marketTopic, partition: 0 };
    return { topic: shardTopic, partition: this.random.below(this.system.plan.shards) };
  }
}
