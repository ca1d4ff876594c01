/**
 * The composition root: opens the seams, starts the roles that this process plays and stops them in the opposite order. All roles in
 * one process and each in its own are the same code. A part that dies for good ends the process, since half a system lies.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { openNoteFiles, openSnapshotFiles, TsaClient } from '#mutuel/adapters';
import { TOPICS } from '#mutuel/contracts';
import { type MarketEvent, type ShardEvent } from '#mutuel/engine';
import {
  CommandGateway,
  EngineHost,
  type HotCache,
  type HowFar,
  joinCluster,
  MARKET_SOURCE,
  readSkips,
  type SqlDatabase,
  shardSource,
} from '#mutuel/runtime';
import {
  AnchorPublisher,
  auditCalculator,
  checkReadModels,
  engineCalculator,
  FeedHub,
  OddsService,
  ProjectorHost,
  projectorCalculator,
  ReadModel,
  SealPublisher,
  type SealPublisherOptions,
  SealTail,
} from '#mutuel/services';
import type { Tick } from '#mutuel/views';
import { Accounts } from './accounts.js';
import { Tokens } from './auth.js';
import { Betting } from './betting.js';
import { type Config, isDistributed, type Role, requireProduction } from './config.js';
import { DemoAccess } from './demo-access.js';
import { fundDemo } from './demo-setup.js';
import { Desk } from './desk.js';
import { marketDoor, shardDoor } from './gateway-doors.js';
import { type ApiParts, apiModule } from './http/api-module.js';
import { openFeedSocket } from './http/feed-socket.js';
import { Gate } from './http/gate.js';
import { callText } from './http/operator-calls.js';
import { type HttpServer, pageOf, startHttp } from './http/server.js';
import { type Keys, readKeys } from './keys.js';
import { type Held, TicketLimits } from './limits.js';
import { LiveOdds } from './live-odds.js';
import { MarketFollower } from './market-follower.js';
import type { MarketView } from './market-view.js';
import { OperatorViews, type ShardFacts } from './operator-views.js';
import { patiently } from './patience.js';
import { giveWay } from './priority.js';
import { Quotes } from './quotes.js';
import { Racing } from './racing.js';
import { Installation, Readiness, readingText } from './readiness.js';
import { RecentTickets } from './recent-tickets.js';
import { RELEASE } from './release.js';
import { sealSigner } from './seal-key.js';
import { Seals } from './seals.js';
import { openSeams, type Seams } from './seams.js';
import { takeInProcess } from './snapshots.js';
import { asStartFault, EXIT, StartFault } from './start-fault.js';
import { BetTraces } from './telemetry/bet-traces.js';
import { timedMarketDoor, timedShardDoor, watchFeed, watchGateway } from './telemetry/door-figures.js';
import { watchEngine } from './telemetry/engine-figures.js';
import type { LineFacts, Voice } from './telemetry/log-lines.js';
import { meteredLog, ReaderMeters } from './telemetry/metered-seams.js';
import { Metrics } from './telemetry/metrics.js';
import { RequestTraces } from './telemetry/request-traces.js';
import { tickMeter, watchOdds, watchProcess, watchProjector } from './telemetry/role-figures.js';

export interface System {
  readonly url: string;
  readonly port: number;
  /** Where betting over gRPC is, if this process takes bets. */
  readonly grpcPort: number | undefined;
  /** Resolves when a part has died for good; the process should stop and end with an error. */
  readonly failed: Promise<Error>;
  /** Doors first, deciders last. */
  stop(): Promise<void>;
  /** The part whose end is waited for, while it stops. */
  stopping(): string | undefined;
}

const DEMO_CURRENCY = 'EUR';
/** What a start is at while the parts say for themselves how far they are. */
const PARTS = 'the parts are being started';
/** Of those whom nobody waits for: a third of what others get where all want to run, so that odds and read models still keep up. */
const BACKGROUND_NICE = 5;
/** By then a pool's seal is signed and in the read models, where nothing is wrong. */
const PROOFS_AFTER_MS = 2_000;
/** The ports right behind the public one are taken by the other roles of a machine. */
const DISTRIBUTED_GRPC_STEP = 1_000;

export async function startSystem(config: Config, roles: readonly Role[], voice: Voice): Promise<System> {
  requireProduction(config, roles);
  // While a server is looked for, each attempt is a warning; when it is missing, the one line that says so is enough.
  const early: (readonly [string, LineFacts | undefined])[] = [];
  let isEarly = true;
  const warn = (line: string, facts?: LineFacts): void =>
    isEarly ? void early.push([line, facts]) : voice.warn(line, facts);
  const flush = (): void => {
    isEarly = false;
    for (const [line, facts] of early.splice(0)) voice.warn(line, facts);
  };
  const composition = new Composition(config, roles, { say: (line, facts) => voice.say(line, facts), warn });
  try {
    const system = await composition.start();
    flush();
    return system;
  } catch (fault) {
    if (!(fault instanceof StartFault)) flush();
    await composition.stop();
    throw fault;
  }
}

class Composition {
  readonly #config: Config;
  readonly #roles: ReadonlySet<Role>;
  readonly #voice: Voice;
  readonly #isDoor: boolean;
  readonly #readiness = new Readiness();
  readonly #metrics = new Metrics();
  #meters: ReaderMeters | undefined;
  #traces: BetTraces | undefined;
  #requests: RequestTraces | undefined;
  readonly #stopping = new AbortController();
  /** What to stop, in the order of starting. */
  readonly #stops: { readonly name: string; readonly stop: () => Promise<unknown> }[] = [];
  #stoppingPart: string | undefined;
  /** What the start is at; undefined once it is through. */
  #step: string | undefined;
  #installation = new Installation('STARTING', false);
  #grpcPort: number | undefined;
  #feed: FeedHub | undefined;
  #isCacheWatched = false;
  #fail: (fault: Error) => void = () => undefined;
  readonly #failed = new Promise<Error>((settle) => {
    this.#fail = settle;
  });

  constructor(config: Config, roles: readonly Role[], voice: Voice) {
    this.#config = config;
    this.#roles = new Set(roles);
    this.#isDoor = this.#roles.has('bet-api') || this.#roles.has('back-office');
    this.#voice = voice;
  }

  async start(): Promise<System> {
    const keys = readKeys(this.#config);
    const name = [...this.#roles].join('+');
    const gate = await this.#openPort();
    this.#step = 'the log is being opened';
    // Where nobody's answer waits for a decision, one fetch serves many appends: it spares the brokers and the reader.
    const isAwaited = this.#roles.has('engine') || this.#roles.has('bet-api');
    const onWarning = (line: string): void => this.#voice.warn(line);
    const opened = await openSeams(this.#config, `mutuel-${name}`, onWarning, isAwaited ? 'prompt' : 'bulk');
    this.#stops.push({ name: 'seams', stop: () => opened.close() });
    void opened.failed.then((fault) => this.#fail(fault));
    this.#installation = new Installation(opened.label, opened.durable);
    if (!opened.durable) this.#voice.say(`${opened.label}: bets are as safe as one machine's disk`);
    this.#step = 'the log is asked what it was founded with';
    await joinCluster({ ...opened, role: name, epoch: this.#config.epoch, release: RELEASE }).catch(asStartFault);
    this.#readiness.add('log', () => opened.log.trouble?.());
    if (opened.election) this.#readiness.addDegraded('election', () => opened.election?.trouble?.());
    await this.#startTracing(name);
    const metered = meteredLog(opened.log, this.#metrics);
    const seams = { ...opened, log: this.#traces?.log(metered) ?? metered };
    this.#meters = new ReaderMeters(opened.log, opened.clock.now, this.#metrics);
    watchProcess({ roles: name, durable: opened.durable }, this.#metrics);
    this.#step = PARTS;
    if (this.#roles.has('engine')) this.#startEngine(seams, keys);
    if (this.#roles.has('projector')) await this.#startProjector(seams);
    if (this.#roles.has('odds')) await this.#startOdds(seams);
    if (this.#roles.has('calculators')) await this.#startCalculators(seams, keys);
    const tokens = new Tokens(keys.token, seams.clock.now, keys.tokenPrevious);
    const demo =
      this.#config.demo && this.#roles.has('bet-api')
        ? new DemoAccess(tokens, this.#config.accounts, DEMO_CURRENCY)
        : undefined;
    const api = this.#isDoor ? await this.#startApi(seams, keys, demo) : undefined;
    const http = await this.#startHttp(gate, tokens, api, demo);
    if (this.#feed) this.#openFeed(this.#feed, http);
    if (this.#roles.has('bet-api')) await this.#startGrpc(http, tokens);
    const url = `http://${this.#config.host}:${http.port}`;
    // On a machine that all roles share, those that somebody waits for come first; while they start, nobody is anybody's hindrance.
    giveWay(this.#config.nice ?? (isAwaited ? 0 : BACKGROUND_NICE));
    this.#step = undefined;
    return {
      ...{ url, port: http.port, grpcPort: this.#grpcPort, failed: this.#failed },
      stop: () => this.stop(),
      stopping: () => this.#stoppingPart,
    };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const { name, stop } of this.#stops.splice(0).reverse()) {
      this.#stoppingPart = name;
      await stop().catch((fault: Error) => this.#voice.warn(`${name} did not stop cleanly: ${fault.message}`));
    }
  }

  // ── Roles ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #startEngine(seams: Seams, keys: Keys): void {
    const engine = new EngineHost({
      ...this.#named('engine', seams),
      epoch: this.#config.epoch,
      ...hostedBy(this.#config, seams.shards),
      serviceKey: keys.service,
      snapshots: openSnapshotFiles({ dir: this.#config.data }),
      notes: openNoteFiles({ dir: this.#config.data }),
      takeElsewhere: takeInProcess(this.#config),
      checkpointHour: this.#config.checkpointHour,
      newestFormat: this.#config.recordFormat,
      release: RELEASE,
      skips: () => readSkips({ log: seams.log, serviceKey: keys.service }),
      // Where another engine may lead already, this one stands by until it is elected or nothing is heard.
      campaign: seams.election ? 'WHEN_QUIET' : 'AT_ONCE',
      onAlarm: this.#onAlarm,
      onHalted: this.#fail,
    });
    engine.start();
    // Whoever wants to compare a replay with the state that leads here need not wait for the night.
    const onAsked = (): void =>
      void engine.askCheckpointsNow().then((of) => this.#voice.say(`Checkpoint of ${of.join(', ') || 'nothing'}`));
    process.on('SIGUSR2', onAsked);
    const stop = (): Promise<void> => engine.stop().finally(() => process.off('SIGUSR2', onAsked));
    this.#stops.push({ name: 'engine', stop });
    this.#readiness.add('engine', () => {
      const runners = [...engine.shards.values(), ...(engine.market ? [engine.market] : [])];
      const idle = runners.flatMap(({ src, status, trouble, reading }) => {
        if (trouble !== undefined) return `${src}: ${trouble}`;
        if (status === 'LEADING' || status === 'STANDBY') return [];
        return `${src}: ${reading ? readingText([reading]) : status}`;
      });
      return idle.length === 0 ? undefined : idle.join(', ');
    });
    watchEngine(engine, this.#metrics, seams.clock.now);
  }

  async #startProjector(seams: Seams): Promise<void> {
    const db = await this.#openDatabase(seams);
    await patiently(seams.clock, () => checkReadModels({ ...seams, db })).catch(asStartFault);
    const projector = new ProjectorHost({
      ...this.#named('projector', seams),
      db,
      ...(this.#traces ? { around: this.#traces.projection.bind(this.#traces) } : {}),
      onAlarm: this.#onAlarm,
      onFatal: this.#fail,
    });
    this.#stops.push({ name: 'projector', stop: () => projector.stop() });
    this.#needs('projector', () => projector.trouble ?? stillReading(projector.driver.reading));
    await projector.start();
    watchProjector(projector.driver, this.#metrics);
  }

  async #startOdds(seams: Seams): Promise<void> {
    const meter = tickMeter('COMPUTED', this.#metrics, seams.clock.now);
    const onTick = (tick: Tick): void => {
      meter(tick);
      this.#traces?.tick(tick);
    };
    const cache = await this.#openCache(seams);
    const notes = openNoteFiles({ dir: this.#config.data });
    const heard = { onAlarm: this.#onAlarm, onFatal: this.#fail, onTick };
    const odds = new OddsService({ ...this.#named('odds', seams), cache, notes, ...heard });
    this.#stops.push({ name: 'odds', stop: () => odds.stop() });
    this.#needs('odds', () => readingText(odds.reading));
    await odds.start();
    watchOdds(odds, this.#metrics);
  }

  async #startCalculators(seams: Seams, keys: Keys): Promise<void> {
    const notes = openNoteFiles({ dir: this.#config.data });
    // Without one of the three no dividend is ever declared: somebody must see that at once.
    const heard = { onAlarm: this.#onAlarm, onFatal: this.#fail };
    const options = { ...this.#named('calculators', seams), serviceKey: keys.service, notes, ...heard };
    const db = await this.#openDatabase(seams);
    const calculators = [engineCalculator(options), auditCalculator(options), projectorCalculator({ ...options, db })];
    for (const calculator of calculators) this.#stops.push({ name: 'calculator', stop: () => calculator.stop() });
    this.#needs('calculators', () => readingText(calculators.flatMap(({ reading }) => reading)));
    await Promise.all(calculators.map((calculator) => calculator.start()));
  }

  // ── The API ────────────────────────────────────────────────────────────────────────────────────────────────────

  async #startApi(opened: Seams, keys: Keys, demo: DemoAccess | undefined): Promise<ApiParts> {
    const seams = this.#named('api', opened);
    const onFatal = this.#fail;
    const { shards, clock } = seams;
    const db = await this.#openDatabase(seams);
    // Answers from before are in the read models: the gateways need not read again what those hold.
    const checkpoints = await patiently(clock, async () => {
      await checkReadModels({ ...seams, db });
      return readCheckpoints(db);
    }).catch(asStartFault);
    const bets = this.#gateway<ShardEvent>(seams, checkpoints, {
      commandsTopic: TOPICS.shardCommands,
      decisionsTopic: TOPICS.shardDecisions,
      partitions: shards,
      srcOf: (partition) => shardSource(partition).src,
    });
    const market = this.#gateway<MarketEvent>(seams, checkpoints, {
      commandsTopic: TOPICS.marketCommands,
      decisionsTopic: TOPICS.marketDecisions,
      partitions: 1,
      srcOf: () => MARKET_SOURCE.src,
    });
    const odds = new LiveOdds();
    const store = openSnapshotFiles({ dir: join(this.#config.data, 'views') });
    const options = { ...seams, store, onAlarm: this.#onAlarm, onFatal };
    const follower = await MarketFollower.open(options).catch(asStartFault);
    const { view } = follower;
    // Made before the first decision that is read and the first tick, so that clocks from before a restart still hold.
    const onFault = (fault: Error): void => this.#onFault(fault, 'feed');
    const feed = new FeedHub({ market: view, clock, durable: seams.durable, onFault });
    view.onDecision((record) => feed.onMarket(record));
    odds.onTick((tick) => feed.onTick(tick));
    odds.onTick(tickMeter('RECEIVED', this.#metrics, clock.now));
    this.#feed = feed;
    this.#stops.push({ name: 'market view', stop: () => follower.stop() });
    this.#readiness.add('market view', () => stillReading(follower.reading));
    const reads = new ReadModel(db);
    const sealTail = new SealTail({ db, clock, feed, onFault });
    sealTail.start();
    this.#stops.push({ name: 'seals in the feed', stop: () => sealTail.stop() });
    const startOdds = async (): Promise<() => Promise<void>> => {
      await follower.start();
      const known = await patiently(clock, () => reads.lastOdds(view.poolsOver()));
      odds.begin(known);
      feed.begin(known);
      return odds.start({ ...seams, onFatal });
    };
    const [stopOdds] = await Promise.all([startOdds(), bets.start(), market.start()]);
    this.#stops.push({ name: 'odds reader', stop: stopOdds });
    await this.#followCache(odds, seams);
    const signer = sealSigner(this.#config);
    if (this.#roles.has('back-office')) this.#publishSeals({ db, clock, signer, shards }, view);
    const timed = timedShardDoor(shardDoor(bets, shards), TOPICS.shardCommands, this.#metrics);
    const door = this.#traces?.door(timed) ?? timed;
    const now = (): number => clock.now();
    const racing = new Racing({ market: view, odds, pools: reads, now });
    this.#readiness.add('selling', () => {
      const { issuedAt, ttlMs } = view.state.lease;
      return issuedAt + ttlMs >= now() ? undefined : 'the selling lease does not hold';
    });
    if (demo) this.#fundDemo(demo, door, keys);
    const seals = new Seals({ db, log: seams.log }, signer);
    this.#prepareProofs(seals, view, clock);
    return {
      betting: new Betting({
        ...{ door, reads, odds, recent: new RecentTickets(), now },
        limits: await this.#limits(seams),
      }),
      accounts: new Accounts({ door, reads, serviceKey: keys.service, holdersPay: this.#config.demo, now }),
      desk: new Desk(timedMarketDoor(marketDoor(market), TOPICS.marketCommands, this.#metrics), keys.service),
      quotes: new Quotes(view, odds, now),
      racing,
      reads,
      seals,
      operator: new OperatorViews({
        market: view,
        racing,
        shards: () => shardFacts(db, shards),
        betCounts: () => betCounts(db),
        label: seams.label,
        durable: seams.durable,
        now,
      }),
    };
  }

  /** Ticks by the cache; the log has them all the same. */
  async #followCache(odds: LiveOdds, seams: Seams): Promise<void> {
    const cache = await this.#openCache(seams);
    this.#stops.push({ name: 'odds fan-out', stop: await odds.follow(cache) });
    this.#metrics.read('mutuel_odds_ticks_heard_total', () => [
      [{ from: 'CACHE' }, odds.heard.cache],
      [{ from: 'LOG' }, odds.heard.log],
    ]);
  }

  async #openCache(seams: Seams): Promise<HotCache> {
    this.#step = 'the hot cache is being opened';
    const cache = await seams.cache();
    this.#step = PARTS;
    if (this.#isCacheWatched) return cache;
    this.#isCacheWatched = true;
    this.#readiness.addDegraded('cache', () => cache.trouble());
    this.#metrics.read('mutuel_cache_up', () => [[{}, cache.trouble() === undefined ? 1 : 0]]);
    return cache;
  }

  async #openDatabase(seams: Seams): Promise<SqlDatabase> {
    this.#step = 'the read models are being opened';
    const db = await seams.database();
    this.#step = PARTS;
    this.#needs('read models', () => db.trouble?.());
    return db;
  }

  /** Neither bets nor stewards' commands need it: where those are taken a process stays ready, and says what is worse than it should be. */
  #needs(name: string, check: () => string | undefined): void {
    if (this.#isDoor) this.#readiness.addDegraded(name, check);
    else this.#readiness.add(name, check);
  }

  async #limits(seams: Seams): Promise<TicketLimits> {
    const { limitWeb: web, limitPos: pos, limitPartner: partner } = this.#config;
    const onHeld = (channel: string, why: Held): void =>
      this.#metrics.counter('mutuel_tickets_held_total', { channel, why })(1);
    return new TicketLimits({
      counter: await seams.uses(),
      limits: { web, pos, partner },
      now: () => seams.clock.now(),
      onHeld,
    });
  }

  #gateway<E>(
    seams: Seams,
    bySource: ReadonlyMap<string, string>,
    topics: {
      readonly commandsTopic: string;
      readonly decisionsTopic: string;
      readonly partitions: number;
      readonly srcOf: (partition: number) => string;
    },
  ): CommandGateway<E> {
    const checkpoints = new Map<number, string>();
    for (let partition = 0; partition < topics.partitions; partition++) {
      const checkpoint = bySource.get(topics.srcOf(partition));
      if (checkpoint !== undefined) checkpoints.set(partition, checkpoint);
    }
    const gateway = new CommandGateway<E>({ ...seams, ...topics, checkpoints, onFatal: this.#fail });
    const { commandsTopic: name } = topics;
    this.#stops.push({ name: `gateway to ${name}`, stop: () => gateway.stop() });
    this.#readiness.add(`gateway to ${name}`, () => {
      if (gateway.fault) return gateway.fault.message;
      return gateway.ready ? undefined : (readingText(gateway.reading) ?? 'it does not answer yet');
    });
    watchGateway(gateway, name, this.#metrics);
    return gateway;
  }

  #publishSeals(parts: Pick<SealPublisherOptions, 'db' | 'clock' | 'signer' | 'shards'>, view: MarketView): void {
    const publisher = new SealPublisher({ ...parts, onAlarm: this.#onAlarm });
    view.onDecision(({ events }) => {
      for (const event of events) if (event.t === 'PoolSealed') publisher.sealed(event.pool);
    });
    publisher.start();
    this.#stops.push({ name: 'seals', stop: () => publisher.stop() });
    const { tsaUrl, production } = this.#config;
    if (tsaUrl === undefined) {
      if (production) this.#onAlarm('LOG_NOT_ANCHORED', 'TSA_URL names no time-stamp authority');
      return;
    }
    const anchor = new AnchorPublisher({ ...parts, stamper: new TsaClient(tsaUrl), onAlarm: this.#onAlarm });
    anchor.start();
    this.#stops.push({ name: 'anchor', stop: () => anchor.stop() });
  }

  /** Bettors ask for their proofs once a race is off: the first of a large pool should not wait for its tree. */
  #prepareProofs(seals: Seals, view: MarketView, clock: Seams['clock']): void {
    const { signal } = this.#stopping;
    const prepare = async (pool: string): Promise<void> => {
      await clock.sleep(PROOFS_AFTER_MS, signal);
      if (!signal.aborted) await seals.prepare(pool);
    };
    view.onDecision(({ events }) => {
      for (const event of events) if (event.t === 'PoolSealed') void prepare(event.pool);
    });
  }

  #fundDemo(demo: DemoAccess, door: Parameters<typeof fundDemo>[1], keys: Keys): void {
    let funded = false;
    this.#readiness.add('demo', () => (funded ? undefined : 'the accounts of the demo are being opened'));
    const { signal } = this.#stopping;
    const funding = fundDemo(demo, door, keys.service, signal).then(() => {
      funded = true;
    });
    funding.catch((fault: Error) => this.#fail(fault));
    this.#stops.push({ name: 'demo accounts', stop: () => funding.catch(() => undefined) });
  }

  /** Right after the settings were checked: a start that takes its time says why. */
  async #openPort(): Promise<Gate> {
    const { host, port } = this.#config;
    this.#readiness.add('start', () => this.#step);
    this.#readiness.add('stop', () => (this.#stopping.signal.aborted ? 'it was told to stop' : undefined));
    this.#metrics.read('mutuel_process_ready', () => [[{}, this.#readiness.reasons().length === 0 ? 1 : 0]]);
    const parts = { metrics: this.#metrics, readiness: this.#readiness, installation: () => this.#installation };
    const gate = await Gate.stand({ host, port, ...parts }).catch((fault: Error) => {
      throw listenFault(fault, host, port);
    });
    this.#stops.push({ name: 'port', stop: () => gate.close() });
    return gate;
  }

  async #startHttp(
    gate: Gate,
    tokens: Tokens,
    api: ApiParts | undefined,
    demo: DemoAccess | undefined,
  ): Promise<HttpServer> {
    const folder = resolve(this.#config.console);
    const consoleDir = api !== undefined && existsSync(folder) ? folder : undefined;
    const module = apiModule({
      readiness: this.#readiness,
      installation: this.#installation,
      metrics: this.#metrics,
      tokens,
      filter: { page: pageOf(consoleDir), onFault: this.#onFault },
      api,
      // One address is enough for the demo; elsewhere the operators have a process, and a network, of their own.
      doors: {
        betting: this.#roles.has('bet-api'),
        operator: this.#roles.has('back-office') || this.#config.demo,
      },
      demo,
    });
    const http = await startHttp({
      module,
      metrics: this.#metrics,
      gate,
      durable: this.#installation.durable,
      consoleDir,
      traces: this.#requests,
      onOperatorCall: (call, correlationId) => this.#voice.say(callText(call), { correlationId, call }),
    });
    this.#stops.push({ name: 'http', stop: () => http.close() });
    return http;
  }

  #openFeed(feed: FeedHub, { server }: HttpServer): void {
    const socket = openFeedSocket(server, feed);
    const sweeping = feed.run();
    watchFeed(feed, this.#metrics);
    const stop = async (): Promise<void> => {
      feed.close();
      await sweeping;
      await socket.close();
    };
    this.#stops.push({ name: 'feed', stop });
  }

  /** Beside the HTTP port unless told otherwise; a port that nobody asked for by name may be any. */
  async #startGrpc({ app, port: httpPort }: HttpServer, tokens: Tokens): Promise<void> {
    const { host, grpcPort, port } = this.#config;
    const options = {
      commands: app.get(CommandBus),
      queries: app.get(QueryBus),
      ...{
        tokens,
        readiness: this.#readiness,
        metrics: this.#metrics,
        traces: this.#requests,
        durable: this.#installation.durable,
        host,
        onFault: this.#onFault,
      },
    };
    const beside = httpPort + (isDistributed(this.#config) ? DISTRIBUTED_GRPC_STEP : 1);
    // Loaded by who serves it: a process that does not is up sooner.
    const { startGrpc } = await import('./grpc/server.js');
    const wanted = grpcPort ?? (port === 0 ? 0 : beside);
    const grpc = await startGrpc({ ...options, port: wanted }).catch((fault: Error) => {
      if (grpcPort !== undefined)
        throw new StartFault([`Port ${grpcPort} for gRPC cannot be used: ${fault.message}`], EXIT.PORT);
      return startGrpc({ ...options, port: 0 });
    });
    this.#stops.push({ name: 'grpc', stop: () => grpc.close() });
    if (grpc.port !== wanted) this.#voice.say(`gRPC at ${host}:${grpc.port}`);
    this.#grpcPort = grpc.port;
  }

  /** Off unless somebody collects spans; stopped last, so that nothing of the end is lost. */
  async #startTracing(name: string): Promise<void> {
    const { otlpEndpoint: endpoint, traceRatio: ratio } = this.#config;
    if (endpoint === undefined) return;
    const { Tracing } = await import('./telemetry/tracing.js');
    const tracing = new Tracing({ endpoint, ratio, service: `mutuel-${name}` });
    this.#stops.unshift({ name: 'traces', stop: () => tracing.stop() });
    this.#traces = new BetTraces(tracing);
    this.#requests = new RequestTraces(tracing, this.#traces);
  }

  /** The seams under a reader's name, for its figures and spans. */
  #named(reader: string, seams: Seams): Seams {
    const metered = this.#meters?.named(reader, seams.tails) ?? seams.tails;
    return { ...seams, tails: this.#traces?.tails(reader, metered) ?? metered };
  }

  readonly #onAlarm = (code: string, detail: string): void => {
    this.#metrics.counter('mutuel_alarms_total', { code })(1);
    this.#voice.warn(`${code}: ${detail}`, { code });
  };

  readonly #onFault = (fault: unknown, correlationId: string): void => {
    const text = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
    this.#voice.warn(`Unexpected fault in request ${correlationId}: ${text}`, { correlationId });
  };
}

/** The deciders that this process was told to run; all of them where it was told nothing. */
function hostedBy(
  { decide }: Config,
  shards: number,
): { readonly hosted?: readonly number[]; readonly market?: boolean } {
  if (decide === undefined) return {};
  const beyond = decide.find((name) => Number(name) >= shards);
  if (beyond !== undefined)
    throw new StartFault([`--decide names shard ${beyond}; there are 0 to ${shards - 1}.`], EXIT.SETTING);
  const market = decide.includes('market');
  return decide.includes('shards') ? { market } : { market, hosted: decide.filter(isNumber).map(Number) };
}

const isNumber = (text: string): boolean => /^\d+$/.test(text);

const stillReading = (reading: HowFar | undefined): string | undefined => reading && readingText([reading]);

/** Where the read models stand, as their readers remember it. */
async function readCheckpoints(db: SqlDatabase): Promise<ReadonlyMap<string, string>> {
  const rows = await db.query<{ source: string; checkpoint: string }>(
    `select source, checkpoint from checkpoints where checkpoint <> ''`,
  );
  return new Map(rows.map(({ source, checkpoint }) => [source, checkpoint]));
}

/** How far each shard is projected. */
async function shardFacts(db: SqlDatabase, shards: number): Promise<ShardFacts[]> {
  const text = `select source, seq, head, coalesce(inc, '') as inc, lag_ms from checkpoints where source like 'shard-%'`;
  const rows = await db.query<{ source: string; seq: number; head: string; inc: string; lag_ms: number }>(text);
  const bySource = new Map(rows.map((row) => [row.source, row]));
  return Array.from({ length: shards }, (_, shard) => {
    const { seq = 0, head = '', inc = '', lag_ms: lagMs = 0 } = bySource.get(`shard-${shard}`) ?? {};
    return { shard, seq, head, incarnation: inc, lagMs };
  });
}

async function betCounts(db: SqlDatabase): Promise<ReadonlyMap<string, number>> {
  const rows = await db.query<{ pool_id: string; bets: number }>('select pool_id, bets from pool_totals');
  return new Map(rows.map((row) => [row.pool_id, row.bets]));
}

/** A busy port and the like as one line. */
export function listenFault(fault: Error, host: string, port: number): Error {
  const { code } = fault as NodeJS.ErrnoException;
  const why: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} is busy: choose another with --port or PORT.`,
    EACCES: `Port ${port} may not be used by this user: choose one above 1023.`,
    EADDRNOTAVAIL: `The address ${host} is not one of this machine: check HOST.`,
    ENOTFOUND: `The address ${host} is not known: check HOST.`,
  };
  const line = code === undefined ? undefined : why[code];
  return line === undefined ? fault : new StartFault([line], EXIT.PORT, { cause: fault });
}
