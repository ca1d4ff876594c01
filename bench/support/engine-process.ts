/** An engine and nothing else, on Kafka and PostgreSQL by the environment's word: what the bench of takeovers kills. Says what it leads. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openAdvisoryElection, openKafkaLog } from '#mutuel/adapters';
import { EngineHost, TailHub } from '#mutuel/runtime';

const { KAFKA_BROKERS = '', DATABASE_URL = '', SERVICE_KEY = '', SHARDS = '4' } = process.env;
const onWarning = (line: string): void => console.warn(line);
const clock = { now: () => Date.now(), sleep: quietSleep };
const log = await openKafkaLog({ brokers: KAFKA_BROKERS.split(','), clientId: `engine-${process.pid}`, onWarning });
const host = new EngineHost({
  ...{ log, tails: new TailHub(log, clock), clock, entropy: { bytes: (count) => randomBytes(count) } },
  ...{ shards: Number(SHARDS), epoch: 1, serviceKey: Buffer.from(SERVICE_KEY, 'hex'), campaign: 'WHEN_QUIET' },
  election: openAdvisoryElection({ url: DATABASE_URL, onWarning }),
  onAlarm: (code, detail) => console.warn(code, detail),
});
host.start();
for (;;) {
  const runners = [...host.shards.values(), ...(host.market ? [host.market] : [])];
  process.send?.(Object.fromEntries(runners.map(({ src, status }) => [src, status])));
  await sleep(20);
}

async function quietSleep(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, signal ? { signal } : {}).catch(() => undefined);
}
