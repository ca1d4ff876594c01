/**
 * What two people say about a command that no release at hand can decide, from the command line: who speaks is who the operator's token
 * names. It must never take a word on anything but the very command that a decider stands at.
 */
import { openCommand, type ServiceKey, TOPICS } from '#mutuel/contracts';
import {
  agreeSkip,
  askSkip,
  type DecisionSource,
  MARKET_SOURCE,
  type Skip,
  type SkipPlace,
  SkipRefused,
  shardSource,
  validRecords,
} from '#mutuel/runtime';
import { Tokens } from './auth.js';
import type { Config } from './config.js';
import { readKeys } from './keys.js';
import { Problem } from './problem.js';
import { openSeams, type Seams, systemClock } from './seams.js';
import { EXIT, StartFault } from './start-fault.js';

export interface SkipRequest {
  /** `shard-3` or `market`. */
  readonly src: string;
  readonly offset: number;
  /** An operator's bearer token: the person, not the shell. */
  readonly token: string;
  /** Absent where somebody agrees with what was asked. */
  readonly reason?: string;
}

const READ_AT_ONCE = 10_000;

/** Resolves to the word of both once a second person agrees; to what is asked for otherwise. */
export async function speakOnSkip(
  config: Config,
  request: SkipRequest,
  onLine: (line: string) => void,
): Promise<Skip | { readonly asked: string }> {
  const keys = readKeys(config);
  const by = personOf(new Tokens(keys.token, systemClock.now, keys.tokenPrevious), request.token);
  const seams = await openSeams(config, 'mutuel-skip', onLine);
  try {
    const place = { src: request.src, epoch: config.epoch, offset: request.offset };
    const what = await stuckAt(seams, keys.service, place);
    const words = { ...seams, serviceKey: keys.service };
    if (request.reason === undefined) return await agreeSkip(words, place, by);
    await askSkip(words, place, by, request.reason);
    return { asked: what };
  } catch (fault) {
    if (fault instanceof SkipRefused) throw new StartFault([`${fault.code}: ${fault.message}`], EXIT.SETTING);
    throw fault;
  } finally {
    await seams.close();
  }
}

function personOf(tokens: Tokens, token: string): string {
  try {
    const { subject, roles } = tokens.bearer(`Bearer ${token}`);
    if (roles.includes('STEWARD') || roles.includes('TOTE_OPERATOR')) return subject;
  } catch (fault) {
    if (fault instanceof Problem) throw new StartFault([fault.message], EXIT.SETTING);
    throw fault;
  }
  throw new StartFault(['The token carries neither STEWARD nor TOTE_OPERATOR.'], EXIT.SETTING);
}

/** What the decider of this source would decide next, in a few words; it must be a service's and stand at this offset. */
async function stuckAt(seams: Seams, serviceKey: ServiceKey, { src, epoch, offset }: SkipPlace): Promise<string> {
  const source = sourceOf(src, seams.shards);
  const { log } = seams;
  const valid = validRecords(src, source.at);
  const { end } = await log.bounds(source.at);
  while (valid.next < end)
    for (const record of await log.read({ ...source.at, from: valid.next }, READ_AT_ONCE)) valid.accept(record);
  const last = valid.lastIn;
  const next = last !== null && last[0] === epoch ? last[1] + 1 : 0;
  const topic = src === MARKET_SOURCE.src ? TOPICS.marketCommands : TOPICS.shardCommands;
  const [record] =
    next === offset ? await log.read({ topic, partition: source.at.partition, from: next }, 1) : [undefined];
  if (!record) throw refused(`${src} does not stand at offset ${offset}: it decides ${next} next.`);
  const opened = openCommand(record.value, serviceKey);
  if ('newer' in opened) return `a command of format ${opened.version}`;
  if ('trusted' in opened && opened.trusted) return JSON.stringify(opened.cmd);
  throw refused(`What stands at ${offset} is a client's command: it is set aside without anybody's word.`);
}

function sourceOf(src: string, shards: number): DecisionSource {
  if (src === MARKET_SOURCE.src) return MARKET_SOURCE;
  const shard = Number(/^shard-(\d{1,4})$/.exec(src)?.[1] ?? Number.NaN);
  if (shard < shards) return shardSource(shard);
  throw refused(`There is no source ${src}: market, or shard-0 to shard-${shards - 1}.`);
}

const refused = (line: string): StartFault => new StartFault([line], EXIT.SETTING);
