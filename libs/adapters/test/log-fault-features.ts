/** What a writer and a reader may still rely on when the log misbehaves, on every adapter, from seeds. */
import { describe, expect, it } from 'vitest';
import { type FaultPlan, faultyLog, seededRandom } from '#mutuel/adapters';
import type { AppendFault, EventLog, TopicPartition } from '#mutuel/runtime';
import type { LogFixture } from './log-features.js';
import { bytesOf, Collector, until } from './support/log-helpers.js';

const PLAN: FaultPlan = {
  refused: 0.05,
  lostBefore: 0.05,
  lostAfter: 0.05,
  late: 0.05,
  duplicate: 0.05,
  delay: 0.2,
  delayMs: 3,
};
const WRITERS = 3;
type Outcome = { readonly text: string; readonly base?: number; readonly fault?: AppendFault['outcome'] };

export function describeFaultyLog(
  name: string,
  open: () => Promise<LogFixture>,
  seeds: readonly number[],
  appends: number,
): void {
  describe(`${name} under faults`, () => {
    it.each(seeds)('keeps what it acknowledged, where it said, and nothing it refused (seed %i)', async (seed) => {
      const fixture = await open();
      const at = { topic: fixture.topic, partition: 0 };
      const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
      const log = faultyLog(fixture.log, { random: seededRandom(seed), sleep, plan: PLAN });
      const seen = new Collector();
      await seen.tail(log, [{ ...at, from: 0 }]);
      const outcomes = await Promise.all(
        Array.from({ length: WRITERS }, (_, writer) => write(log, at, writer, appends)),
      );
      // Late appends come on their own time: the log is quiet when its end stands still.
      await sleep(50);
      const { end } = await log.bounds(at);
      await until(() => seen.of(at).length >= end);
      expect(seen.of(at).map(({ offset }) => offset)).toEqual(seen.of(at).map((_, i) => i));
      for (const own of outcomes) judge(own, seen.texts(at));
      expect(outcomes.flat().some(({ fault }) => fault === 'UNKNOWN')).toBe(true);
      await seen.close();
      await fixture.dispose();
    });
  });
}

async function write(log: EventLog, at: TopicPartition, writer: number, appends: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let appender = await log.appender();
  for (let i = 0; i < appends; i++) {
    const text = `${writer}-${i}`;
    try {
      const { base } = await appender.append(at, bytesOf(text));
      outcomes.push({ text, base });
    } catch (error) {
      outcomes.push({ text, fault: (error as AppendFault).outcome });
      appender = await log.appender();
    }
  }
  await appender.close();
  return outcomes;
}

function judge(outcomes: readonly Outcome[], texts: readonly string[]): void {
  const bases = outcomes.flatMap(({ base }) => base ?? []);
  expect(bases).toEqual([...bases].sort((a, b) => a - b));
  for (const { text, base, fault } of outcomes) {
    if (base !== undefined) expect(texts[base]).toBe(text);
    if (fault === 'NOT_APPENDED') expect(texts).not.toContain(text);
  }
}
