/**
 * The bet API and the back-office as one process: the real gateways to the shards and to the market, their readers, and the answers
 * that the rules ask for. It must never answer from anything but a valid decision or the read models.
 */
import { encodeCommand, sha256, signCommand, TOPICS } from '#mutuel/contracts';
import {
  type MarketEvent,
  type MarketState,
  marketDecider,
  type ShardEvent,
  shardOf,
  waitingFor,
} from '#mutuel/engine';
import {
  CommandGateway,
  DecisionReader,
  type GatewayAnswer,
  MARKET_SOURCE,
  randomId,
  shardSource,
  Unavailable,
  type ValidDecision,
} from '#mutuel/runtime';
import type { SimProcess } from './kernel.js';
import type { Plan } from './plan.js';
import { inNewerFormat } from './releases.js';
import type { Store } from './store.js';
import type { Strikes } from './strikes.js';
import { type Ports, SERVICE_KEY, type System } from './system.js';

/** What a client hears. */
export type Reply =
  | { readonly kind: 'ACCEPTED'; readonly place: Place; readonly ticket: string; readonly replayed: boolean }
  | { readonly kind: 'REFUSED'; readonly place: Place; readonly code: string; readonly replayed: boolean }
  /** 202, or a decision whose words are not known here yet. */
  | { readonly kind: 'PENDING'; readonly cid: string }
  /** 503: nothing of this command was appended. */
  | { readonly kind: 'BUSY'; readonly cid: string };

/** Where the decision stands that an answer was read from. */
export interface Place {
  readonly shard: number;
  readonly seq: number;
  readonly hash: string;
}

export interface RaceView {
  readonly status: string;
  readonly previewHash: string | null;
  readonly ended: boolean;
  readonly scratched: readonly string[];
  readonly waits: readonly string[];
}

export class Api {
  readonly shards: CommandGateway<ShardEvent>;
  readonly market: CommandGateway<MarketEvent>;
  readonly #plan: Plan;
  readonly #store: Store;
  readonly #process: SimProcess;
  readonly #view: MarketState;
  readonly #strikes: Strikes;

  constructor({ process, log, tails }: Ports, system: System, onFatal: (what: string) => void) {
    const { plan, store, strikes } = system;
    this.#plan = plan;
    this.#store = store;
    this.#strikes = strikes;
    this.#process = process;
    const { clock, entropy } = process;
    const common = { log, tails, clock, entropy, windowMs: plan.windowMs };
    this.shards = new CommandGateway<ShardEvent>({
      ...common,
      ...{ commandsTopic: TOPICS.shardCommands, decisionsTopic: TOPICS.shardDecisions, partitions: plan.shards },
      srcOf: (partition) => shardSource(partition).src,
    });
    this.market = new CommandGateway<MarketEvent>({
      ...common,
      ...{ commandsTopic: TOPICS.marketCommands, decisionsTopic: TOPICS.marketDecisions, partitions: 1 },
      srcOf: () => MARKET_SOURCE.src,
    });
    const decider = marketDecider({ shards: plan.shards, hash: sha256 });
    this.#view = decider.initialState();
    const onDecisions = (decisions: readonly ValidDecision<MarketEvent>[]): void => {
      for (const { decision } of decisions) decider.evolve(this.#view, decision);
    };
    const fatal = (fault: Error): void => onFatal(`: ${fault.message}`);
    const reader = new DecisionReader<MarketEvent>({
      ...MARKET_SOURCE,
      log,
      tails,
      clock,
      onDecisions,
      onFatal: fatal,
    });
    const again = (start: () => Promise<void>): void => {
      void start().catch((fault: Error) => {
        if ('retriable' in fault && fault.retriable === false) return fatal(fault);
        void clock.sleep(500).then(() => again(start));
      });
    };
    again(() => this.shards.start());
    again(() => this.market.start());
    again(() => reader.start());
  }

  get isReady(): boolean {
    return this.shards.ready && this.market.ready;
  }

  /** A client's command of an account: a ticket, a cancel, an abandoned reference. */
  async ask(account: string, command: object, channel = 'web', toShard?: number): Promise<Reply> {
    const cid = randomId(this.#process.entropy);
    const shard = toShard ?? shardOf(account, this.#plan.shards);
    // Now and then in a format that only the next release knows.
    const isNewer = this.#strikes.happens('newer-format');
    const envelope = (): Uint8Array => {
      const bytes = encodeCommand(cid, command);
      return isNewer ? inNewerFormat(bytes) : bytes;
    };
    return this.#answer(this.shards, account, command, cid, () =>
      this.shards.submit(shard, envelope, cid, { channel }),
    );
  }

  /** Money and limits, spoken for by the house. */
  async askAsHouse(account: string, command: object, toShard?: number): Promise<Reply> {
    const cid = randomId(this.#process.entropy);
    const shard = toShard ?? shardOf(account, this.#plan.shards);
    return this.#answer(this.shards, account, command, cid, () =>
      this.shards.submit(shard, () => signCommand(cid, command, SERVICE_KEY), cid),
    );
  }

  /** A person's command to the market. */
  async order(command: object): Promise<Reply> {
    const cid = randomId(this.#process.entropy);
    return this.#answer(this.market, '', command, cid, () =>
      this.market.submit(0, () => signCommand(cid, command, SERVICE_KEY), cid),
    );
  }

  race(id: string): RaceView {
    const race = this.#view.races.get(id);
    if (!race) return { status: 'UNKNOWN', previewHash: null, ended: false, scratched: [], waits: [] };
    const { status, previewHash, endedAt, scratched } = race;
    const view = this.#view;
    return {
      status,
      previewHash,
      ended: endedAt !== null,
      scratched: [...scratched],
      // Asked for once, where a run is stuck; people look thousands of times.
      get waits() {
        return waitingFor(view, race);
      },
    };
  }

  /** What pools carried on and no other has taken yet, minor units. */
  carriedOn(): ReadonlyMap<string, number> {
    const left = [...this.#view.carryOvers].map(([id, { amount, taken }]) => {
      return [id, amount - taken.reduce((sum, one) => sum + one.amount, 0)] as const;
    });
    return new Map(left);
  }

  async #answer<E>(
    gateway: CommandGateway<E>,
    account: string,
    command: object,
    cid: string,
    submit: () => Promise<GatewayAnswer<E>>,
  ): Promise<Reply> {
    let answer: GatewayAnswer<E>;
    try {
      answer = await submit();
    } catch (fault) {
      if (fault instanceof Unavailable) return { kind: 'BUSY', cid };
      throw fault;
    }
    if (answer.kind === 'PENDING') return { kind: 'PENDING', cid };
    const { valid, partition } = answer;
    const { code, of } = valid.decision;
    const isKnown = code === 'REPLAY' || code === 'REF_OUTSIDE_WINDOW';
    if (!isKnown) return replyOf(partition, valid, false);
    const original = of === undefined ? undefined : gateway.recent(partition, of);
    if (original) return replyOf(partition, original, true);
    const { ref } = command as { ref?: string };
    const row = this.#store.refs.get(`${account} ${ref}`);
    const isBurnt = row?.decision.events[0]?.t === 'RefBurnt';
    if (row && !isBurnt) return replyOf(partition, row, true);
    if (code === 'REF_OUTSIDE_WINDOW') return replyOf(partition, valid, false);
    return { kind: 'PENDING', cid };
  }
}

function replyOf<E>(
  shard: number,
  { decision, hash }: { decision: ValidDecision<E>['decision']; hash: string },
  replayed: boolean,
): Reply {
  const place = { shard, seq: decision.seq, hash };
  if (decision.code !== undefined) return { kind: 'REFUSED', place, code: decision.code, replayed };
  const [event] = decision.events as readonly { readonly ticket?: string }[];
  return { kind: 'ACCEPTED', place, ticket: event?.ticket ?? '', replayed };
}
