/**
 * The projector's role: all decision logs and the odds topic into the read models, followed or rebuilt. A rebuild empties the
 * tables first; nothing may follow the log into the same database meanwhile.
 */
import {
  type Clock,
  type DecisionSource,
  type EventLog,
  MARKET_SOURCE,
  type Progress,
  ProjectionDriver,
  type SqlDatabase,
  shardSource,
  type TailSource,
} from '#mutuel/runtime';
import { TickReader, tables } from '#mutuel/views';
import { ODDS_SOURCE, OddsProjection } from './odds-projection.js';
import { Projector } from './projector.js';
import { ODDS_TOPIC } from './tick-tail.js';

export interface ProjectorHostOptions {
  readonly db: SqlDatabase;
  readonly log: EventLog;
  readonly tails: TailSource;
  readonly clock: Clock;
  readonly shards: number;
  readonly onAlarm: (code: string, detail: string) => void;
}

/** Decisions of one transaction while rebuilding: nobody waits for a screen. */
const REBUILD_BATCH = 10_000;
const REPORT_EVERY_MS = 500;
/** Ticks in one transaction while rebuilding. */
const READ_AT_ONCE = 200;

export const allSources = (shards: number): DecisionSource[] => [
  MARKET_SOURCE,
  ...Array.from({ length: shards }, (_, shard) => shardSource(shard)),
];

export class ProjectorHost {
  readonly driver: ProjectionDriver;
  readonly #odds: OddsProjection;

  constructor(options: ProjectorHostOptions, maxDecisions?: number) {
    const { db, log, tails, clock, shards, onAlarm } = options;
    const projection = new Projector(db, clock);
    const bound = maxDecisions === undefined ? {} : { maxDecisions };
    this.driver = new ProjectionDriver({
      log,
      tails,
      clock,
      sources: allSources(shards),
      projection,
      onAlarm,
      ...bound,
    });
    const onWarning = (sentence: string): void => onAlarm('ODDS_NOT_WRITTEN', sentence);
    const onFatal = (fault: Error): void => onAlarm('ODDS_NOT_WRITTEN', fault.message);
    this.#odds = new OddsProjection({ db, log, tails, clock, onWarning, onFatal });
  }

  async start(): Promise<void> {
    this.driver.start();
    await this.#odds.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.driver.stop(), this.#odds.stop()]);
  }
}

/** Throws `CheckpointAhead` where the read models know more than the log holds. */
export async function checkReadModels({
  db,
  log,
  shards,
}: Pick<ProjectorHostOptions, 'db' | 'log' | 'shards'>): Promise<void> {
  const rows = await db.query<{ source: string; seq: number; checkpoint: string }>(
    'select source, seq, checkpoint from checkpoints',
  );
  const places = new Map(allSources(shards).map(({ src, at }) => [src, at]));
  for (const { source, seq, checkpoint } of rows) {
    const at = source === ODDS_SOURCE ? ODDS_TOPIC : places.get(source);
    const next = checkpoint === '' ? seq : Number((JSON.parse(checkpoint) as { next?: unknown }).next);
    if (at === undefined) continue;
    const { end } = await log.bounds(at);
    if (next > end) throw new CheckpointAhead(source, next, end);
  }
}

/** The log was taken back to an earlier time, or it is another one than the read models were made from. */
export class CheckpointAhead extends Error {
  override readonly name = 'CheckpointAhead';
  readonly retriable = false;
  constructor(source: string, next: number, end: number) {
    super(
      `The read models have read ${source} up to offset ${next}, its log ends at ${end}: name the log they belong to, or make them anew with \`npx mutuel rebuild\`.`,
    );
  }
}

/** Empties the read models and folds the whole log into them again; resolves when all that was in the log is applied. */
export async function rebuild(
  options: ProjectorHostOptions,
  onProgress: (progress: Progress) => void,
): Promise<Progress> {
  const { db, clock } = options;
  await db.query(`truncate ${tables.join(', ')}`);
  const host = new ProjectorHost(options, REBUILD_BATCH);
  host.driver.start();
  const done = new AbortController();
  const reporting = report(host.driver, clock, done.signal, onProgress);
  await host.driver.caughtUp;
  done.abort();
  await reporting;
  const progress = host.driver.progress();
  await host.driver.stop();
  if (host.driver.fault) throw host.driver.fault;
  await rebuildOdds(options);
  return progress;
}

async function report(
  driver: ProjectionDriver,
  clock: Clock,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(REPORT_EVERY_MS, signal);
    onProgress(driver.progress());
  }
}

/** The ticks that the topic still holds. */
async function rebuildOdds(options: ProjectorHostOptions): Promise<void> {
  const { log, onAlarm } = options;
  const warn = (sentence: string): void => onAlarm('ODDS_NOT_WRITTEN', sentence);
  const odds = new OddsProjection({ ...options, onWarning: warn, onFatal: (fault) => warn(fault.message) });
  const { start, end } = await log.bounds(ODDS_TOPIC);
  const reader = new TickReader();
  for (let from = start; from < end; ) {
    const records = await log.read({ ...ODDS_TOPIC, from }, READ_AT_ONCE);
    const last = records.at(-1);
    if (!last) return;
    from = last.offset + 1;
    const ticks = records.map((record) => reader.accept(record.value)).filter((tick) => tick !== undefined);
    if (ticks.length > 0) await odds.write(ticks, from);
  }
}
