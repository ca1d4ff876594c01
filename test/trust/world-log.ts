/** What a world decided, as the records of a log: chained from the first one on, also after somebody has altered what they say. */
import { createHash } from 'node:crypto';
import { type ExportedRecord, type LogReport, LogVerifier } from '#mutuel/verify';
import type { World } from '../../libs/engine/test/world.js';

export type Json = Record<string, unknown>;
export type Event = Json & { t: string };
export interface Log {
  readonly src: string;
  readonly topic: string;
  readonly partition: number;
  readonly decisions: Json[];
}

export function logsOf(world: World): Log[] {
  return [world.market, ...world.shards].map((host, i) => ({
    src: host.name,
    topic: i === 0 ? 'market.decisions' : 'shard.decisions',
    partition: Math.max(0, i - 1),
    decisions: host.decisions.map((decided) => structuredClone(decided) as unknown as Json),
  }));
}

/** The log's bytes with commands beside them. */
export function recordsOf(logs: readonly Log[], commandTimes = logs): ExportedRecord[] {
  const commands = commandTimes.flatMap(({ topic, partition, decisions }) =>
    decisions.map(({ at }, offset) => ({
      topic: topic.replace('decisions', 'commands'),
      ...{ partition, offset, time: Number(at), value: Buffer.from('{}') },
    })),
  );
  const decisions = logs.flatMap(({ src, topic, partition, decisions: all }) => {
    const head = { v: 1, src, epoch: 1, inc: 'a'.repeat(32) };
    let prev = '0'.repeat(64);
    const lines = all.map((decided, i) => {
      const record = {
        ...head,
        kind: 'decision',
        in: [1, i, 0],
        cid: String(i),
        prev,
        time: decided['at'],
        ...decided,
        seq: i + 1,
      };
      const text = JSON.stringify(record);
      prev = createHash('sha256').update(text).digest('hex');
      return text;
    });
    return [JSON.stringify({ ...head, kind: 'started' }), ...lines].map((text, offset) => ({
      ...{ topic, partition, offset, time: Number(all[offset - 1]?.['at'] ?? 0), value: Buffer.from(text) },
    }));
  });
  return [...commands, ...decisions];
}

/** What the log of so many shards consists of. */
export function topicsOf(shards: number): Readonly<Record<string, number>> {
  const counts = { 'market.decisions': 1, 'shard.decisions': shards, 'market.commands': 1, 'shard.commands': shards };
  return { ...counts, odds: 1 };
}

export function verify(records: readonly ExportedRecord[], shards = 2): LogReport {
  const verifier = new LogVerifier({ shards, topics: topicsOf(shards) });
  for (const record of records) verifier.take(record);
  return verifier.finish();
}

/** The first event of a kind in the logs of the shards or of the market, with its decision. */
export function find(logs: readonly Log[], t: string, among: string, fits: (event: Event) => boolean = () => true) {
  for (const log of logs.filter(({ src }) => src.startsWith(among)))
    for (const decision of log.decisions)
      for (const event of decision['events'] as Event[])
        if (event.t === t && fits(event)) return { log, decision, event };
  throw new Error(`no ${t}`);
}
