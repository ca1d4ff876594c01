/**
 * How far everybody is behind, read from the log itself and, where it is on a server of its own, from the read models: no process is
 * asked, so that a process which hangs shows. It must never write.
 */
import { type LogReader, openDatabase } from '#mutuel/adapters';
import { TOPICS } from '#mutuel/contracts';
import type { Config } from './config.js';
import { openLogReader } from './log-reader.js';
import { asStartFault } from './start-fault.js';

export interface SourceLag {
  /** `shard-3`, `market`, `odds`. */
  readonly source: string;
  /** Commands appended and not decided; undefined where nothing is decided. */
  readonly undecided: number | undefined;
  /** Append time of the last record of its decisions, milliseconds UTC; 0 while there is none. */
  readonly lastAt: number;
  /** Records that the read models have not read; undefined where they cannot be looked at from here. */
  readonly unprojected: number | undefined;
}

/** Claims of a decider that may stand behind its last decision. */
const LOOK_BACK = 200;

export async function lagOf(config: Config, onWarning: (line: string) => void): Promise<readonly SourceLag[]> {
  const reader = await openLogReader(config, onWarning);
  try {
    const projected = await projectedOf(config, onWarning);
    const shards = reader.topics.get(TOPICS.shardDecisions) ?? 0;
    const lags: SourceLag[] = [];
    for (let shard = 0; shard < shards; shard++)
      lags.push(
        await ofSource(reader, `shard-${shard}`, shard, [TOPICS.shardCommands, TOPICS.shardDecisions], projected),
      );
    lags.push(await ofSource(reader, 'market', 0, [TOPICS.marketCommands, TOPICS.marketDecisions], projected));
    lags.push(await ofSource(reader, 'odds', 0, [undefined, TOPICS.odds], projected));
    return lags;
  } finally {
    await reader.close();
  }
}

async function ofSource(
  reader: LogReader,
  source: string,
  partition: number,
  [commands, decisions]: readonly [string | undefined, string],
  projected: ReadonlyMap<string, number> | undefined,
): Promise<SourceLag> {
  const { start, end } = await reader.bounds({ topic: decisions, partition });
  const from = Math.max(start, end - LOOK_BACK);
  const records = end > from ? await reader.read({ topic: decisions, partition, from }, end - from) : [];
  const taken = commands === undefined ? undefined : takenBy(records.map(({ value }) => value));
  const asked = commands === undefined ? undefined : (await reader.bounds({ topic: commands, partition })).end;
  return {
    source,
    undecided: asked === undefined || taken === undefined ? undefined : Math.max(0, asked - taken),
    lastAt: records.at(-1)?.time ?? 0,
    unprojected: projected === undefined ? undefined : end - (projected.get(source) ?? 0),
  };
}

/** The command offset behind the newest decision. */
function takenBy(values: readonly Uint8Array[]): number {
  for (const value of [...values].reverse()) {
    const { in: at } = JSON.parse(Buffer.from(value).toString('utf8')) as { in?: readonly number[] };
    if (at !== undefined) return (at[1] ?? 0) + 1;
  }
  return 0;
}

/** The offset each source is read up to. */
async function projectedOf(
  { databaseUrl: url }: Config,
  onWarning: (line: string) => void,
): Promise<ReadonlyMap<string, number> | undefined> {
  if (url === undefined) return undefined;
  const db = await openDatabase({ url, max: 1, onWarning }).catch(asStartFault);
  try {
    const rows = await db.query<{ source: string; seq: number; checkpoint: string }>(
      'select source, seq, checkpoint from checkpoints',
    );
    const nextOf = (checkpoint: string): number => (JSON.parse(checkpoint) as { next: number }).next;
    return new Map(rows.map(({ source, seq, checkpoint }) => [source, checkpoint === '' ? seq : nextOf(checkpoint)]));
  } finally {
    await db.close();
  }
}
