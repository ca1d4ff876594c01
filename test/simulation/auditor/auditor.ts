/**
 * The auditor: hears every record as it becomes durable and everything that clients are told, and holds both against the rules at
 * that very step. It is written from the rules alone: it imports nothing of the engine, the mathematics or the runtime, keeps plain
 * maps, and prices by the second calculator. A broken rule is a `Finding`, thrown.
 */
import type { Phase } from '../strikes.js';
import { Chain, type Decision, type Fields, type RawRecord } from './chain.js';
import { Commands } from './commands.js';
import { must } from './finding.js';
import { MarketBooks } from './market-books.js';
import { OddsBooks } from './odds-books.js';
import { ShardBooks } from './shard-books.js';
import { type Answer, MARKET, type Question, Told } from './told.js';

export interface AuditorOptions {
  readonly shards: number;
  readonly serviceKey: Uint8Array;
  /** All clocks agree: a tick's cut must be the longest one. */
  readonly isExact: boolean;
  readonly isPoison: (at: Place, offset: number) => boolean;
}

export interface Place {
  readonly topic: string;
  readonly partition: number;
}

interface Source {
  readonly chain: Chain;
  readonly commands: Commands;
  readonly decisions: Decision[];
}

const RECENT = 12;

export class Auditor {
  readonly told: Told;
  readonly market: MarketBooks;
  readonly odds: OddsBooks;
  readonly shards: readonly ShardBooks[];
  decisions = 0;
  /** Facts of the market as they are decided, for whoever strikes at such moments. */
  onFact: (kind: string) => void = () => undefined;
  readonly #o: AuditorOptions;
  readonly #sources: Source[];
  readonly #market: Source;
  #moves: [string, number][] = [];
  readonly #recent: { readonly at: Place; readonly record: RawRecord }[] = [];

  constructor(options: AuditorOptions) {
    this.#o = options;
    const source = (name: string): Source => ({
      chain: new Chain(name),
      commands: new Commands(options.serviceKey),
      decisions: [],
    });
    this.#sources = Array.from({ length: options.shards }, (_, shard) => source(`shard-${shard}`));
    this.#market = source('market');
    this.market = new MarketBooks(() => this.shards, options.shards);
    this.odds = new OddsBooks(options.shards, options.isExact);
    this.shards = this.#sources.map(
      (_, shard) =>
        new ShardBooks(shard, options.shards, this.market.facts, (pool, amount) => this.#moves.push([pool, amount])),
    );
    this.told = new Told((shard, seq) => {
      const { chain, decisions } = shard === MARKET ? this.#market : (this.#sources[shard] as Source);
      const decision = decisions[seq - 1];
      return decision && { decision, hash: chain.hashes[seq] as string };
    });
  }

  /** A record became durable. */
  heard(at: Place, record: RawRecord): void {
    this.#recent.push({ at, record });
    if (this.#recent.length > RECENT) this.#recent.shift();
    const source = at.topic.startsWith('market') ? this.#market : (this.#sources[at.partition] as Source);
    if (at.topic.endsWith('.commands')) this.told.appended(source.commands.accept(record).cid);
    else if (at.topic === 'odds') this.odds.accept(record);
    else this.#decided(at, source, record);
  }

  answered(question: Question, answer: Answer): void {
    this.told.answered(question, answer);
  }

  /** What an official heard of an order. */
  ordered(type: string, answer: Omit<Answer, 'ticket'>): void {
    this.told.answered({ account: '', body: '', type }, { ...answer, shard: MARKET });
  }

  /** A log has lost what was acknowledged, and another decision stands in its place: whoever reads on tells what is not so. */
  atFork(at: Place, readOn: readonly string[]): void {
    const { chain } = at.topic.startsWith('market') ? this.#market : (this.#sources[at.partition] as Source);
    must(chain.isForked, 'G1', () => `${chain.name} was to fork and did not`);
    must(readOn.length === 0, 'G1', () => `${readOn.join(', ')} read on in ${chain.name}, which has forked`);
  }

  /** The last records heard, for a failure's report. */
  recent(): string[] {
    return this.#recent.map(({ at, record: { offset, time, value } }) => {
      const text = Buffer.from(value).toString('utf8').slice(0, 400);
      return `${at.topic}[${at.partition}] ${offset} @${time} ${text}`;
    });
  }

  phases(): ReadonlySet<Phase> {
    return this.market.phases();
  }

  /** What must hold once everything has come to rest, but for what an inquiry keeps open. */
  atRest(hasInquiry: boolean): void {
    for (const { chain, commands } of [...this.#sources, this.#market])
      must(
        chain.seq === commands.all.length,
        'LIVE',
        () => `${chain.name} holds ${commands.all.length} commands and ${chain.seq} decisions`,
      );
    for (const shard of this.shards) shard.atRest();
    for (const [id, { endedAt, status }] of this.market.races)
      must(
        endedAt !== undefined || (hasInquiry && this.market.isTakenUp(id)),
        'LIVE',
        () => `race ${id} is ${status} and was never settled`,
      );
    for (const [pool, left] of this.market.clearing)
      must(
        left === 0 || (hasInquiry && this.market.isUnderInquiry(pool)),
        'G3',
        () => `${left} is left on the account of ${pool}`,
      );
  }

  get dropped(): number {
    return [...this.#sources, this.#market].reduce((sum, { chain }) => sum + chain.dropped, 0);
  }

  #decided(at: Place, source: Source, record: RawRecord): void {
    const decision = source.chain.accept(record);
    if (!decision) return;
    this.decisions++;
    source.decisions.push(decision);
    const { chain } = source;
    must(decision.src === chain.name, 'G1', () => `${chain.name} holds a decision of ${decision.src}`);
    const command = source.commands.of(chain.name, decision);
    const isPoison = this.#o.isPoison(
      { topic: at.topic.replace('decisions', 'commands'), partition: at.partition },
      command.offset,
    );
    if (source === this.#market) {
      this.market.apply(decision, command, isPoison);
      this.market.note(decision.posts);
      for (const event of decision.events)
        if (event['t'] === 'Fact') this.onFact(String((event['fact'] as Fields)['t']));
      return;
    }
    this.#moves = [];
    this.shards[at.partition]?.apply(decision, command, isPoison);
    this.market.note(decision.posts);
    this.odds.moved(at.partition, record, this.#moves);
    for (const event of decision.events) if (event['t'] === 'JobEnded') this.onFact('JobEnded');
  }
}
