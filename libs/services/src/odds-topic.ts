/**
 * What can be read from the odds topic without following it: its last tick, the ticks a newcomer needs, and a tick computed once
 * more from the cut it names. It writes nothing.
 */
import { type EventLog, validRecords } from '#mutuel/runtime';
import { computeTick, OddsBook, type Tick, TickReader } from '#mutuel/views';
import { allSources } from './projector-host.js';
import { ODDS_TOPIC } from './tick-tail.js';

const READ_AT_ONCE = 256;

/** The last whole tick of the topic, or undefined when there is none. */
export async function lastTick(log: EventLog): Promise<Tick | undefined> {
  return (await ticksBack(log, (ticks) => ticks.length > 0)).ticks.at(-1);
}

/**
 * The last ticks of the topic, as far back as `enough` asks for, or all of them; `next` is the offset after the last whole one.
 * Reads backwards in growing steps, because most readers need only the end.
 */
export async function ticksBack(
  log: EventLog,
  enough: (ticks: readonly Tick[]) => boolean,
): Promise<{ readonly ticks: readonly Tick[]; readonly next: number }> {
  const { start, end } = await log.bounds(ODDS_TOPIC);
  for (let back = READ_AT_ONCE; ; back *= 4) {
    const from = Math.max(start, end - back);
    const found = await readTicks(log, from, end);
    if (from === start || enough(found.ticks)) return found;
  }
}

async function readTicks(log: EventLog, from: number, end: number) {
  const reader = new TickReader();
  const ticks: Tick[] = [];
  let next = from;
  for (let offset = from; offset < end; ) {
    const records = await log.read({ ...ODDS_TOPIC, from: offset }, READ_AT_ONCE);
    if (records.length === 0) break;
    for (const record of records) {
      const tick = reader.accept(record.value);
      if (tick) ticks.push(tick);
      if (tick) next = record.offset + 1;
      offset = record.offset + 1;
    }
  }
  return { ticks, next };
}

/** Computes a tick again from the log, up to the very positions it names. Equal to the tick, or somebody is wrong. */
export async function recomputeTick(log: EventLog, shards: number, tick: Tick): Promise<Tick> {
  const book = new OddsBook(shards);
  for (const { src, at } of allSources(shards)) {
    const source = src === 'market' ? 'market' : at.partition;
    const end = source === 'market' ? tick.cut.market : (tick.cut.shards[source] ?? 0);
    const valid = validRecords(src, at);
    for (let from = 0; from < end; from = valid.next) {
      for (const record of await log.read({ ...at, from }, Math.min(READ_AT_ONCE, end - from))) {
        const accepted = valid.accept(record);
        if (accepted.kind === 'valid') book.offer(source, accepted);
      }
    }
  }
  book.advanceTo(tick.prevCycle ?? tick.cycle - 1);
  book.takeMoved();
  const { cycle, prevCycle, at, late } = tick;
  return computeTick(book, { cycle, prevCycle, at, late });
}
