/**
 * The accounts of an archive as the commands that open them in another cluster epoch, on another number of shards: the slot map changes
 * in no other way. It must never start while anything stands in the old epoch, nor write into a log that holds anything.
 */
import { randomBytes } from 'node:crypto';
import { sha256, signCommand, TOPICS } from '#mutuel/contracts';
import {
  type CarriedAccount,
  type CarriedRef,
  MAX_CARRIED_REFS,
  type MarketEvent,
  marketDecider,
  type ShardEvent,
  type ShardState,
  shardDecider,
  shardOf,
} from '#mutuel/engine';
import { type EventLog, foldRecords, joinCluster, MARKET_SOURCE, shardSource } from '#mutuel/runtime';
import { openArchive } from './archive.js';
import type { Config } from './config.js';
import { readKeys } from './keys.js';
import { openLogReader } from './log-reader.js';
import { openSeams } from './seams.js';
import { asStartFault, EXIT, StartFault } from './start-fault.js';

export interface Books {
  readonly shards: number;
  readonly accounts: number;
  /** Minor units by currency, summed over all accounts. */
  readonly balances: Readonly<Record<string, number>>;
  readonly owed: number;
  /** SHA-256 over every account with all that is carried, in the order of their ids: equal books have equal hashes on any map. */
  readonly hash: string;
}

type ReadLog = Pick<EventLog, 'read' | 'bounds'>;

/** Appended at once; the engine decides them like any other command. */
const BATCH = 100;

/** Writes the accounts of the archive into the empty log that the configuration names, and founds its epoch. */
export async function remap(config: Config, archive: string, onLine: (line: string) => void): Promise<Books> {
  const old = await openArchive(archive);
  const oldShards = old.topics.get(TOPICS.shardDecisions) ?? 0;
  const accounts = await accountsOf(old, oldShards);
  await requireNothingStands(old, oldShards);
  const keys = readKeys(config);
  const seams = await openSeams(config, 'mutuel-remap', onLine);
  try {
    for (let shard = 0; shard < seams.shards; shard++)
      if ((await seams.log.bounds({ topic: TOPICS.shardCommands, partition: shard })).end > 0)
        throw new StartFault(
          ['The new log is not empty: choose another folder, or topics that hold nothing.'],
          EXIT.FOLDER,
        );
    await joinCluster({ ...seams, role: 'remap', epoch: config.epoch }).catch(asStartFault);
    const appender = await seams.log.appender();
    const sign = (command: object): Uint8Array => signCommand(randomBytes(16).toString('hex'), command, keys.service);
    for (let shard = 0; shard < seams.shards; shard++) {
      const at = { topic: TOPICS.shardCommands, partition: shard };
      const commands = accounts.filter(({ account }) => shardOf(account, seams.shards) === shard).flatMap(commandsOf);
      for (let i = 0; i < commands.length; i += BATCH)
        await appender.append(at, commands.slice(i, i + BATCH).map(sign));
    }
    await appender.close();
    return booksOf(accounts, oldShards);
  } finally {
    await seams.close();
  }
}

/** The books of an archive, and those of the log that the configuration names: equal, or nothing may be sold. */
export async function compareBooks(
  config: Config,
  archive: string,
  onLine: (line: string) => void,
): Promise<{ readonly before: Books; readonly after: Books }> {
  const old = await openArchive(archive);
  const oldShards = old.topics.get(TOPICS.shardDecisions) ?? 0;
  const log = await openLogReader(config, onLine);
  try {
    const shards = log.topics.get(TOPICS.shardDecisions) ?? 0;
    const after = await accountsOf(log, shards);
    const twice = after.find(({ account }, i) => i > 0 && after[i - 1]?.account === account);
    if (twice) throw new StartFault([`Account ${twice.account} stands in two shards.`], EXIT.LOG);
    return { before: booksOf(await accountsOf(old, oldShards), oldShards), after: booksOf(after, shards) };
  } finally {
    await log.close();
  }
}

/** Every account in the order of their ids, with all that is carried. */
async function accountsOf(log: ReadLog, shards: number): Promise<CarriedAccount[]> {
  const accounts: CarriedAccount[] = [];
  for (let shard = 0; shard < shards; shard++) {
    const { state, lastAt } = await fold(log, shard, shards);
    const refs = refsOf(state);
    for (const one of state.accounts.values()) {
      if (shardOf(one.id, shards) !== shard)
        throw new StartFault([`Account ${one.id} stands in shard ${shard}, where it does not belong.`], EXIT.LOG);
      const { currency, balance, owed, limits, limitsVersion, day, dayStaked } = one;
      const own = { currency, balance, owed, limits, limitsVersion, day, dayStaked };
      accounts.push({ account: one.id, ...own, refs: refs.get(one.index) ?? [], closedAt: lastAt });
    }
  }
  return accounts.sort((a, b) => (a.account < b.account ? -1 : 1));
}

async function fold(log: ReadLog, shard: number, shards: number) {
  const source = shardSource(shard);
  const inner = shardDecider({ shard, shards, hash: sha256 });
  let lastAt = 0;
  const decider: typeof inner = {
    ...inner,
    evolve: (state, decided) => {
      lastAt = Math.max(lastAt, decided.at);
      inner.evolve(state, decided);
    },
  };
  const state = decider.initialState();
  const { end } = await log.bounds(source.at);
  await foldRecords<ShardState, ShardEvent>({ log, source, decider, state, end });
  return { state, lastAt };
}

/** References of deposits and withdrawals by account index; the state keys them by `index reference`. */
function refsOf({ moneyRefs }: ShardState): Map<number, CarriedRef[]> {
  const found = new Map<number, CarriedRef[]>();
  for (const [key, { amount }] of moneyRefs) {
    const space = key.indexOf(' ');
    const index = Number(key.slice(0, space));
    const list = found.get(index) ?? [];
    list.push([key.slice(space + 1), amount]);
    found.set(index, list);
  }
  return found;
}

/** Every race settled, void or never opened; no work left; no bet standing. */
async function requireNothingStands(log: ReadLog, shards: number): Promise<void> {
  const found: string[] = [];
  const decider = marketDecider({ shards, hash: sha256 });
  const market = decider.initialState();
  const { end } = await log.bounds(MARKET_SOURCE.at);
  await foldRecords<typeof market, MarketEvent>({ log, source: MARKET_SOURCE, decider, state: market, end });
  for (const [id, { status, endedAt }] of market.races)
    if (status !== 'DRAFT' && endedAt === null) found.push(`race ${id} is ${status}`);
  for (let shard = 0; shard < shards; shard++) {
    const { state } = await fold(log, shard, shards);
    if (state.jobs.length > 0) found.push(`shard ${shard} has ${state.jobs.length} jobs to end`);
    // A pool that was paid keeps its bets for a correction: that ends with the epoch.
    for (const { id, book, done } of state.pools.values())
      if (!done && book.standingBets > 0) found.push(`${book.standingBets} bets stand in ${id} of shard ${shard}`);
  }
  if (found.length > 0)
    throw new StartFault(
      found.slice(0, 20).map((one) => `Not yet: ${one}.`),
      EXIT.SETTING,
    );
}

function commandsOf({ refs, ...account }: CarriedAccount): object[] {
  const commands: object[] = [{ type: 'CarryAccount', ...account, refs: refs.slice(0, MAX_CARRIED_REFS) }];
  for (let i = MAX_CARRIED_REFS; i < refs.length; i += MAX_CARRIED_REFS)
    commands.push({ type: 'CarryRefs', account: account.account, refs: refs.slice(i, i + MAX_CARRIED_REFS) });
  return commands;
}

function booksOf(accounts: readonly CarriedAccount[], shards: number): Books {
  const balances: Record<string, number> = {};
  let owed = 0;
  const lines: string[] = [];
  for (const { closedAt: _, refs, ...one } of accounts) {
    balances[one.currency] = (balances[one.currency] ?? 0) + one.balance;
    owed += one.owed;
    lines.push(JSON.stringify([one, [...refs].sort()]));
  }
  return { shards, accounts: accounts.length, balances, owed, hash: sha256(lines.join('\n')) };
}
