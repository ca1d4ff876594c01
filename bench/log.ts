/**
 * How fast a log takes durable appends: four partitions, 300-byte records, four writers, beside one tail that reads
 * them all; on the embedded log, and on Kafka where KAFKA_BROKERS is set.
 * `npx tsx --conditions=src bench/log.ts [seconds per line]`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureKafkaTopics, openKafkaLog, openLmdbLog } from '#mutuel/adapters';
import type { EventLog } from '#mutuel/runtime';

const words = process.argv.slice(2).map(Number).filter(Number.isFinite);
const seconds = words[0] ?? (process.argv.includes('--small') ? 0.2 : 3);
const PARTITIONS = [0, 1, 2, 3];
const onWarning = (sentence: string): void => console.warn(sentence);

await embedded();
await kafka();

async function embedded(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'mutuel-bench-'));
  const open = () => openLmdbLog({ dir, topics: { bets: PARTITIONS.length }, clock: Date, onWarning });
  const log = await open();
  for (const perAppend of [1, 10, 50, 128]) await line('embedded', log, 'bets', perAppend, 4);
  await log.close();
  const again = await open();
  await readBack('embedded', again, 'bets');
  await again.close();
  rmSync(dir, { recursive: true });
}

async function kafka(): Promise<void> {
  const brokers = process.env['KAFKA_BROKERS']?.split(',');
  if (!brokers) return;
  const topic = `bench-${Date.now()}`;
  const connection = { brokers, clientId: 'bench', onWarning };
  await ensureKafkaTopics({ ...connection, topics: { [topic]: PARTITIONS.length }, replication: 1, minInsync: 1 });
  const log = await openKafkaLog(connection);
  await measure(log, topic, 50, 1, 'prompt');
  for (const perAppend of [1, 10, 50, 128]) await line('Kafka', log, topic, perAppend, 4);
  await readBack('Kafka', log, topic);
  await log.close();
}

async function line(name: string, log: EventLog, topic: string, perAppend: number, writers: number): Promise<void> {
  for (const fetch of ['prompt', 'bulk'] as const) {
    const { rate, appended, read, at } = await measure(log, topic, perAppend, writers, fetch);
    console.log(
      `${name}, ${perAppend} a batch, ${fetch}: ${rate} durable records/s, ${read} of ${appended} read, append p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
    );
    if (name === 'embedded') return;
  }
}

async function measure(log: EventLog, topic: string, perAppend: number, writers: number, fetch: 'prompt' | 'bulk') {
  const count = { appended: 0, read: 0 };
  const latencies: number[] = [];
  const starts = await Promise.all(
    PARTITIONS.map(async (partition) => ({ topic, partition, from: (await log.bounds({ topic, partition })).end })),
  );
  const tail = await log.tail(
    starts,
    (_, records) => {
      count.read += records.length;
    },
    (fault) => {
      throw fault;
    },
    { fetch },
  );
  const end = performance.now() + seconds * 1000;
  const write = async (writer: number): Promise<void> => {
    const appender = await log.appender();
    for (let i = writer; performance.now() < end; i++) {
      const values = Array.from({ length: perAppend }, () => new Uint8Array(300).fill(120));
      const before = performance.now();
      await appender.append({ topic, partition: i % PARTITIONS.length }, values);
      latencies.push(performance.now() - before);
      count.appended += perAppend;
    }
    await appender.close();
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  const patience = performance.now() + 10_000;
  while (count.read < count.appended && performance.now() < patience) await new Promise((r) => setTimeout(r, 20));
  await tail.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)]?.toFixed(2);
  return { ...count, rate: Math.round(count.appended / seconds), at };
}

async function readBack(name: string, log: EventLog, topic: string): Promise<void> {
  const began = performance.now();
  const { end } = await log.bounds({ topic, partition: 0 });
  const all = await log.read({ topic, partition: 0, from: 0 }, end);
  console.log(`${name}: read back ${Math.round((all.length / (performance.now() - began)) * 1000)} records/s`);
}
