/**
 * The word of two people on a command that no release at hand can decide: a market fact, a report, whatever a service signed. The
 * decider that would have to take a proposal is the one that stands still, so both words stand in the cluster's own topic, each under
 * the service's MAC. It must never count one person's word twice, nor a word without a MAC.
 */
import { isServiceMac, type ServiceKey, serviceMac, TOPICS } from '#mutuel/contracts';
import type { Clock, EventLog } from './ports.js';
import type { Skip } from './runner-options.js';

const AT = { topic: TOPICS.cluster, partition: 0 } as const;
const READ_AT_ONCE = 10_000;
/** What the service's MAC is about, so that no signed command passes for a word. */
const ABOUT = 'skip';

export interface SkipPlace {
  /** `shard-3` or `market`. */
  readonly src: string;
  readonly epoch: number;
  /** Of the command. */
  readonly offset: number;
}

/** One person's word. `SKIP_AGREED` repeats the reason that was agreed to. */
export interface SkipWord extends SkipPlace {
  readonly v: 1;
  readonly kind: 'SKIP_ASKED' | 'SKIP_AGREED';
  readonly by: string;
  readonly reason: string;
  /** Milliseconds UTC of who wrote it. */
  readonly at: number;
}

/** Why a word is not taken; a sentence for the person. */
export class SkipRefused extends Error {
  override readonly name = 'SkipRefused';
  readonly retriable = false;
  constructor(
    readonly code: 'SAME_PERSON' | 'NOT_ASKED' | 'ALREADY_AGREED',
    message: string,
  ) {
    super(message);
  }
}

export interface SkipSeams {
  readonly log: Pick<EventLog, 'appender' | 'read' | 'bounds'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly serviceKey: ServiceKey;
}

/** The first person's word; asked again it replaces the one before, as long as nobody has agreed. */
export async function askSkip(seams: SkipSeams, place: SkipPlace, by: string, reason: string): Promise<void> {
  const known = wordOn(await readWords(seams), place);
  if (known.skip) throw agreed(place);
  await write(seams, { ...place, v: 1, kind: 'SKIP_ASKED', by, reason, at: seams.clock.now() });
}

/** The second person's word: from the next start of the decider on the command is set aside. */
export async function agreeSkip(seams: SkipSeams, place: SkipPlace, by: string): Promise<Skip> {
  const { asked, skip } = wordOn(await readWords(seams), place);
  if (skip) throw agreed(place);
  if (!asked) throw new SkipRefused('NOT_ASKED', `Nobody has asked for ${name(place)} to be set aside.`);
  if (asked.by === by) throw new SkipRefused('SAME_PERSON', 'Another person must agree than the one who asked.');
  const { reason } = asked;
  await write(seams, { ...place, v: 1, kind: 'SKIP_AGREED', by, reason, at: seams.clock.now() });
  return { ...place, by: [asked.by, by], reason };
}

/** Every command that two people want set aside. */
export async function readSkips(seams: Pick<SkipSeams, 'log' | 'serviceKey'>): Promise<readonly Skip[]> {
  const words = await readWords(seams);
  const places = new Map(words.map((word) => [name(word), word]));
  return [...places.values()].map((place) => wordOn(words, place).skip).filter((skip) => skip !== undefined);
}

/** The words on one place in the log's order: who asked last, and the skip if another has agreed to just that. */
function wordOn(words: readonly SkipWord[], place: SkipPlace): { asked?: SkipWord; skip?: Skip } {
  let asked: SkipWord | undefined;
  for (const word of words) {
    if (name(word) !== name(place)) continue;
    if (word.kind === 'SKIP_ASKED') asked = word;
    else if (asked && asked.by !== word.by && asked.reason === word.reason) {
      const { src, epoch, offset } = place;
      return { asked, skip: { src, epoch, offset, by: [asked.by, word.by], reason: asked.reason } };
    }
  }
  return asked ? { asked } : {};
}

async function readWords({ log, serviceKey }: Pick<SkipSeams, 'log' | 'serviceKey'>): Promise<SkipWord[]> {
  const { start, end } = await log.bounds(AT);
  const words: SkipWord[] = [];
  for (let from = start; from < end; ) {
    const records = await log.read({ ...AT, from }, READ_AT_ONCE);
    if (records.length === 0) break;
    for (const { value, offset } of records) {
      const word = readWord(value, serviceKey);
      if (word) words.push(word);
      from = offset + 1;
    }
  }
  return words;
}

/** Undefined for every other record of the topic, and for a word that the service did not sign. */
function readWord(value: Uint8Array, key: ServiceKey): SkipWord | undefined {
  try {
    const { said, mac } = JSON.parse(new TextDecoder().decode(value)) as { said?: unknown; mac?: unknown };
    if (typeof said !== 'string' || typeof mac !== 'string' || !isServiceMac(ABOUT, said, mac, key)) return undefined;
    const word = JSON.parse(said) as SkipWord;
    return word.v === 1 && (word.kind === 'SKIP_ASKED' || word.kind === 'SKIP_AGREED') ? word : undefined;
  } catch {
    return undefined;
  }
}

async function write({ log, serviceKey }: SkipSeams, word: SkipWord): Promise<void> {
  const said = JSON.stringify(word);
  const mac = serviceMac(ABOUT, said, serviceKey);
  const appender = await log.appender();
  try {
    const record = { v: 1, kind: word.kind, said, mac };
    await appender.append(AT, [new TextEncoder().encode(JSON.stringify(record))]);
  } finally {
    await appender.close();
  }
}

const name = ({ src, epoch, offset }: SkipPlace): string => `command ${offset} of ${src} in epoch ${epoch}`;

const agreed = (place: SkipPlace): SkipRefused =>
  new SkipRefused('ALREADY_AGREED', `Two people have agreed on ${name(place)} already: start the engine.`);
