/** What a process says and hears when it starts on a log: its epoch, its shards, its clock. */
import { beforeEach, describe, expect, it } from 'vitest';
import { openMemoryLog } from '#mutuel/adapters';
import { NEWEST_RECORD_FORMAT, TOPICS } from '#mutuel/contracts';
import { type EventLog, joinCluster } from '#mutuel/runtime';

const NOW = 1_800_000_000_000;
let brokerTime: number;
let log: EventLog;

type Facts = { epoch?: number; shards?: number; skewMs?: number; role?: string; release?: string };

const join = (facts: Facts = {}): Promise<void> => {
  const { epoch = 1, shards = 4, skewMs = 0, role = 'engine', ...more } = facts;
  return joinCluster({ log, clock: { now: () => brokerTime + skewMs }, epoch, shards, role, ...more });
};

beforeEach(async () => {
  brokerTime = NOW;
  log = await openMemoryLog({ topics: { [TOPICS.cluster]: 1 }, clock: { now: () => brokerTime } });
});

describe('A process that starts on a log', () => {
  it('founds an empty one and joins it ever after, each start a record with its role and clock', async () => {
    await join();
    brokerTime += 60_000;
    await join({ role: 'odds' });
    const records = await log.read({ topic: TOPICS.cluster, partition: 0, from: 0 }, 9);
    expect(records.map(({ value }) => JSON.parse(new TextDecoder().decode(value)))).toEqual([
      { v: 1, kind: 'FOUNDED', epoch: 1, shards: 4, role: 'engine', at: NOW },
      { v: 1, kind: 'JOINED', epoch: 1, shards: 4, role: 'odds', at: NOW + 60_000 },
    ]);
  });

  it('says what it is and what it reads, so that a newer format is not switched on too early', async () => {
    await join({ release: '1.2.3' });
    const [record] = await log.read({ topic: TOPICS.cluster, partition: 0, from: 0 }, 1);
    expect(JSON.parse(new TextDecoder().decode(record?.value))).toMatchObject({
      release: '1.2.3',
      reads: NEWEST_RECORD_FORMAT,
    });
  });

  it.each([
    [{ epoch: 2 }, 'EPOCH', 'The log is in cluster epoch 1, this process was told 2: set CLUSTER_EPOCH to 1'],
    [{ shards: 8 }, 'PARTITIONS', 'The log was founded with 4 shards and now has 8'],
    [{ skewMs: 2_500 }, 'CLOCK', 'The clock of this machine is 2.5 s ahead of the log'],
    [{ skewMs: -1_700 }, 'CLOCK', 'The clock of this machine is 1.7 s behind the log'],
  ])('is turned away with %j', async (facts, kind, sentence) => {
    await join();
    await expect(join(facts)).rejects.toMatchObject({ kind, message: expect.stringContaining(sentence) });
  });

  it('may be a second off', async () => {
    await join({ skewMs: 1_000 });
    await join({ skewMs: -1_000 });
  });

  it('is held to what the first of two founders said', async () => {
    await Promise.all([join({ shards: 4 }), expect(join({ shards: 2 })).rejects.toThrow('founded with 4 shards')]);
    await join({ shards: 4 });
  });

  it('is turned away by a record of a later release', async () => {
    const appender = await log.appender();
    await appender.append({ topic: TOPICS.cluster, partition: 0 }, [new TextEncoder().encode('{"v":2}')]);
    await expect(join()).rejects.toThrow('start the newer release');
  });
});
