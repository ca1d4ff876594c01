/** Where a log is cut while it goes on: by what rests on what, whatever the clocks say. */
import { expect, test } from 'vitest';
import { seededRandom } from '#mutuel/adapters';
import { TOPICS, topicsOf } from '#mutuel/contracts';
import type { TopicPartition } from '#mutuel/runtime';
import { endsOfMoment } from '../src/index.js';

const SHARDS = 2;

/** A record by its place, and the places that it rests on. */
interface Told extends TopicPartition {
  readonly offset: number;
  readonly restsOn: readonly Told[];
}

/** A log in which everything that can rest on something does, as soon as it can; its market decides now and then. */
class GoingOn {
  readonly records: Told[] = [];
  readonly topics = new Map(Object.entries(topicsOf(SHARDS))) as Parameters<typeof endsOfMoment>[0]['topics'];
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** Whoever asks for an end is answered some records later. */
  async bounds(at: TopicPartition): Promise<{ start: number; end: number }> {
    await Promise.resolve();
    const steps = Math.floor(this.#random() * 6);
    for (let i = 0; i < steps; i++) this.#step();
    return { start: 0, end: this.#of(at).length };
  }

  #step(): void {
    const partition = Math.floor(this.#random() * SHARDS);
    const [cluster, market] = [this.#last(TOPICS.cluster), this.#last(TOPICS.marketDecisions)];
    const [commands, decisions] = [
      { topic: TOPICS.shardCommands, partition },
      { topic: TOPICS.shardDecisions, partition },
    ];
    const kind = this.#random();
    if (kind < 0.4) this.#tell(commands, [market]);
    else if (kind < 0.8) this.#tell(decisions, [this.#of(commands).at(-1), cluster]);
    else if (kind < 0.9)
      this.#tell({ topic: TOPICS.marketCommands, partition: 0 }, [this.#of(decisions).at(-1), market]);
    else if (kind < 0.97) this.#tell({ topic: TOPICS.odds, partition: 0 }, [this.#of(decisions).at(-1), market]);
    else if (kind < 0.98) this.#tell({ topic: TOPICS.cluster, partition: 0 }, [this.#of(commands).at(-1)]);
    else this.#tell({ topic: TOPICS.marketDecisions, partition: 0 }, [this.#last(TOPICS.marketCommands), cluster]);
  }

  #tell(at: TopicPartition, restsOn: readonly (Told | undefined)[]): void {
    this.records.push({ ...at, offset: this.#of(at).length, restsOn: restsOn.filter((one) => one !== undefined) });
  }

  #last(topic: string): Told | undefined {
    return this.#of({ topic, partition: 0 }).at(-1);
  }

  #of({ topic, partition }: TopicPartition): readonly Told[] {
    return this.records.filter((one) => one.topic === topic && one.partition === partition);
  }
}

test.each(Array.from({ length: 40 }, (_, seed) => seed))(
  'nothing up to the ends of a moment rests on anything behind them, while the log goes on (seed %i)',
  async (seed) => {
    const log = new GoingOn(seed);
    const ends = await endsOfMoment(log);
    const isIn = (one: Told): boolean => one.offset < ends.of(one);
    const inside = log.records.filter(isIn);
    expect(inside.length).toBeGreaterThan(0);
    for (const { restsOn } of inside) expect(restsOn.filter((one) => !isIn(one))).toEqual([]);
  },
);
