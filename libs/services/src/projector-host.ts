/**
 * The projector's role: all decision logs and the odds topic into the read models, followed. It must never start where the read
 * models know more than the log.
 */
import {
  type Clock,
  type DecisionSource,
  type EventLog,
  MARKET_SOURCE,
  type Projection,
  ProjectionDriver,
  type SqlDatabase,
  shardSource,
  type TailSource,
} from '#mutuel/runtime';
import { ODDS_SOURCE, OddsProjection } from './odds-projection.js';
import { Projector, weightOf } from './projector.js';
import { ODDS_TOPIC } from './tick-tail.js';

export interface ProjectorHostOptions {
  readonly db: SqlDatabase;
  readonly log: EventLog;
  readonly tails: TailSource;
  readonly clock: Clock;
  readonly shards: number;
  readonly onAlarm: (code: string, detail: string) => void;
  /** Decisions or odds can be written no more: the log cannot be followed. */
  readonly onFatal?: (fault: Error) => void;
  /** What stands around the projection: measures, traces. */
  readonly around?: (inner: Projection<unknown>) => Projection<unknown>;
}

export const allSources = (shards: number): DecisionSource[] => [
  MARKET_SOURCE,
  ...Array.from({ length: shards }, (_, shard) => shardSource(shard)),
];

export class ProjectorHost {
  readonly driver: ProjectionDriver;
  readonly #odds: OddsProjection;

  constructor(options: ProjectorHostOptions, maxDecisions?: number) {
    const { db, log, tails, clock, shards, onAlarm, onFatal } = options;
    const projector = new Projector(db, clock);
    const projection = options.around?.(projector) ?? projector;
    const bound = maxDecisions === undefined ? {} : { maxDecisions };
    this.driver = new ProjectionDriver({
      log,
      tails,
      clock,
      sources: allSources(shards),
      projection,
      weightOf,
      onAlarm,
      ...(onFatal ? { onFatal } : {}),
      ...bound,
    });
    const onWarning = (sentence: string): void => onAlarm('ODDS_NOT_WRITTEN', sentence);
    const onOddsFatal = (fault: Error): void => {
      onAlarm('ODDS_NOT_WRITTEN', fault.message);
      onFatal?.(fault);
    };
    this.#odds = new OddsProjection({ db, log, tails, clock, onWarning, onFatal: onOddsFatal });
  }

  /** Why decisions or odds have not been written for a while; both are tried again. */
  get trouble(): string | undefined {
    return this.driver.trouble ?? this.#odds.trouble;
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
