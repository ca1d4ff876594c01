/** What a writer and a reader may still rely on when the log misbehaves, on every adapter, from seeds. */
import { describe, expect, it } from 'vitest';
import { type FaultPlan, faultyLog, seededRandom } from '#mutuel/adapters';
import { type AppendFault, type EventLog, RenewingAppender, type TopicPartition } from '#mutuel/runtime';
import type { LogFixture } from './log-features.js';
import { bytesOf, Collector, textsOf, until } from './support/log-helpers.js';

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

    it.each(seeds)(
      'keeps all of an acknowledged append to several partitions, and no part of a refused one (seed %i)',
      async (seed) => {
        const fixture = await open();
        const places = [0, 1, 2].map((partition) => ({ topic: fixture.topic, partition }));
        const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
        const log = faultyLog(fixture.log, { random: seededRandom(seed), sleep, plan: { ...PLAN, torn: 0.1 } });
        const writers = Array.from({ length: WRITERS }, (_, writer) => writeToSeveral(log, places, writer, appends));
        const outcomes = await Promise.all(writers);
        const kept = await Promise.all(places.map((at) => allOf(log, at)));
        for (const own of outcomes) judgeParts(own, kept);
        const isTorn = ({ text, to }: PartsOutcome): boolean =>
          new Set(to.map((at) => kept[at]?.includes(text))).size > 1;
        expect(outcomes.flat().some(isTorn)).toBe(true);
        await fixture.dispose();
      },
    );
  });
}

/** `to`: the partitions that it went to. */
interface PartsOutcome {
  readonly text: string;
  readonly to: readonly number[];
  readonly outcome: 'APPENDED' | AppendFault['outcome'];
}

/** Two records to each of two or three partitions, again and again. */
async function writeToSeveral(
  log: EventLog,
  places: readonly TopicPartition[],
  writer: number,
  appends: number,
): Promise<PartsOutcome[]> {
  const appender = new RenewingAppender(log);
  const outcomes: PartsOutcome[] = [];
  for (let i = 0; i < appends; i++) {
    const text = `${writer}-${i}`;
    const left = (writer + i) % (places.length + 1);
    const groups = places
      .filter(({ partition }) => partition !== left)
      .map((at) => ({ at, values: bytesOf(text, `${text}+`) }));
    const outcome = await appender.appendAll(groups).then(
      () => 'APPENDED' as const,
      (fault: AppendFault) => fault.outcome,
    );
    outcomes.push({ text, to: groups.map(({ at }) => at.partition), outcome });
  }
  await appender.close();
  return outcomes;
}

function judgeParts(outcomes: readonly PartsOutcome[], kept: readonly (readonly string[])[]): void {
  const last = kept.map(() => -1);
  for (const { text, to, outcome } of outcomes)
    for (const partition of to) {
      const texts = kept[partition] as readonly string[];
      const at = texts.indexOf(text);
      if (outcome === 'NOT_APPENDED') expect(texts).not.toContain(text);
      if (outcome !== 'APPENDED') continue;
      // Whole, and behind what was acknowledged before it.
      expect(texts.slice(at, at + 2)).toEqual([text, `${text}+`]);
      expect(at).toBeGreaterThan(last[partition] as number);
      last[partition] = at;
    }
}

async function allOf(log: EventLog, at: TopicPartition): Promise<string[]> {
  const { start, end } = await log.bounds(at);
  return textsOf(await log.read({ ...at, from: start }, end));
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
