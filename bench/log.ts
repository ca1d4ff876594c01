/**
 * How fast the embedded log takes durable appends: four writers on four partitions, 300-byte records, 50 to an append, each
 * waiting for its flush, beside one tail that reads them all. `npx tsx --conditions=src bench/log.ts [seconds]`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbLog } from '#mutuel/adapters';

const seconds = Number(process.argv[2] ?? 3);
const dir = mkdtempSync(join(tmpdir(), 'mutuel-bench-'));
const log = await openLmdbLog({ dir, topics: { bets: 4 }, clock: Date, onWarning: console.warn });
for (const perAppend of [1, 10, 50, 128]) {
  let [appended, read] = [0, 0];
  const latencies: number[] = [];
  const starts = await Promise.all(
    [0, 1, 2, 3].map(async (partition) => ({
      topic: 'bets',
      partition,
      from: (await log.bounds({ topic: 'bets', partition })).end,
    })),
  );
  const fail = (fault: Error) => {
    throw fault;
  };
  const tail = await log.tail(
    starts,
    (_, records) => {
      read += records.length;
    },
    fail,
  );
  const end = performance.now() + seconds * 1000;
  await Promise.all(
    starts.map(async (at) => {
      const appender = await log.appender();
      while (performance.now() < end) {
        const values = Array.from({ length: perAppend }, () => new Uint8Array(300).fill(120));
        const before = performance.now();
        await appender.append(at, values);
        latencies.push(performance.now() - before);
        appended += perAppend;
      }
    }),
  );
  latencies.sort((a, b) => a - b);
  const rate = Math.round(appended / seconds);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)]?.toFixed(2);
  console.log(
    `${perAppend} a batch: ${rate} records/s durable, ${read} of ${appended} read, append p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
  );
  await tail.close();
}
await log.close();
const again = await openLmdbLog({ dir, topics: { bets: 4 }, clock: Date, onWarning: console.warn });
const began = performance.now();
const { end } = await again.bounds({ topic: 'bets', partition: 0 });
const all = await again.read({ topic: 'bets', partition: 0, from: 0 }, end);
console.log(`read back from the files: ${Math.round((all.length / (performance.now() - began)) * 1000)} records/s`);
await again.close();
rmSync(dir, { recursive: true });
