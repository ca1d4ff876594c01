/**
 * What a run is judged by, from the log and the read models it left: three readers that share no code with the engine (the checker
 * of the clients' journal, the verifier of exported logs, the verifier of receipts), and the past told again: by the deciders that led,
 * and by their logs.
 */
import { TOPICS } from '#mutuel/contracts';
import type { EventLog, SqlDatabase } from '#mutuel/runtime';
import { sealKeys, signedSeals } from '#mutuel/services';
import { type ExportHead, exportOrder, LogVerifier, readPublishedSeals, trustedKeys } from '#mutuel/verify';
import { checkLogs, type JournalLine } from '../trust/log-checker.js';
import { readDecisionLogs } from '../trust/read-log.js';
import { type Retold, rebuildReadModels, retold, tableDigests } from '../trust/retold.js';

export interface Proof {
  readonly accepted: number;
  readonly decisions: number;
  readonly seals: number;
  readonly dividends: number;
  readonly tickFigures: number;
  readonly tickRows: number;
  readonly racesSettled: number;
  /** What every decider that led said of its state at the end, and what its log folds to. */
  readonly retold: readonly Retold[];
  readonly findings: readonly string[];
  readonly notChecked: readonly string[];
}

const READ_AT_ONCE = 5_000;
/** More than any run leaves. */
const MOST_SEALS = 1_000_000;

export async function proofOf(
  log: EventLog,
  db: SqlDatabase,
  journal: readonly JournalLine[],
  isLive: boolean,
): Promise<Proof> {
  const { shards, market } = await readDecisionLogs(log);
  const checked = checkLogs(shards, market, journal);
  const report = await verified(log, db);
  const findings = [...checked.findings, ...report.findings.map(({ at, what }) => `${at}: ${what}`)];

  const acknowledged = journal.filter(({ status }) => status === 201).length;
  if (acknowledged !== checked.accepted)
    findings.push(`adrift: ${acknowledged} tickets were acknowledged, the log accepted ${checked.accepted}`);
  const rows = await db.query<{ account: string; balance: number }>('select account, balance from accounts');
  for (const { account, balance } of rows)
    if (checked.balances.get(account) !== balance)
      findings.push(`adrift: ${account} has ${balance}, its postings sum to ${checked.balances.get(account)}`);
  for (const [pool, left] of checked.clearing) if (left !== 0) findings.push(`adrift: ${left} are left in ${pool}`);

  const told = await retold(log);
  findings.push(...told.flatMap(faultsOf));
  const live = await tableDigests(db);
  const readTo = await positions(db);
  await rebuildReadModels(db, log, isLive);
  // While a system stops its lease is renewed, and its projector may have ended before: the next start would read on from there.
  const unread = readTo === (await positions(db)) ? [] : ['lease'];
  for (const [table, digest] of Object.entries(await tableDigests(db)))
    if (live[table] !== digest && !unread.includes(table))
      findings.push(`replay: ${table} was ${live[table]}, made anew ${digest}`);

  const { accepted, decisions } = checked;
  const { sealsPublished: seals, racesSettled, dividends, tickFigures, tickRows, notChecked } = report;
  const checks = { seals, racesSettled, dividends, tickFigures, tickRows, retold: told };
  const untold = unread.map(
    (table) => `${table} of the read models: the log has decisions that its projector did not come to`,
  );
  return { accepted, decisions, ...checks, findings, notChecked: [...notChecked, ...untold] };
}

/** How far each source of the read models was read. */
const positions = async (db: SqlDatabase): Promise<string> =>
  JSON.stringify(await db.query('select source, seq from checkpoints order by source'));

/** The replay met what the decider said of the state that it had led with. */
export const isMet = ({ said, made, after }: Retold): boolean => said !== undefined && said === made && after === 0;

export function faultsOf(told: Retold): string[] {
  const { src, said, made, after } = told;
  if (isMet(told)) return [];
  if (said === undefined) return [`replay: ${src} was asked for the hash of its state and said none`];
  if (after > 0) return [`replay: ${src} accepted ${after} tickets after it said the hash of its state`];
  return [`replay: ${src} says that its state was ${said}, its log folds to ${made}`];
}

/** The whole log through the verifier of exported files, with every seal that was signed of it: each close has one, and it holds. */
async function verified(log: EventLog, db: SqlDatabase) {
  const counts = await Promise.all(
    Object.values(TOPICS).map(async (topic) => [topic, await log.partitions(topic)] as const),
  );
  const topics = Object.fromEntries(counts);
  const head: ExportHead = { shards: topics[TOPICS.shardDecisions] ?? 0, topics };
  const file = { seals: await signedSeals(db, { limit: MOST_SEALS }) };
  const signed = readPublishedSeals(file, 'signed_seals', trustedKeys(await sealKeys(db)));
  const verifier = new LogVerifier(head, [{ ...signed, areAll: true }]);
  for (const [topic, partition] of exportOrder(head)) {
    const { start, end } = await log.bounds({ topic, partition });
    for (let from = start; from < end; ) {
      const records = await log.read({ topic, partition, from }, Math.min(READ_AT_ONCE, end - from));
      for (const record of records) verifier.take({ topic, partition, ...record });
      from += records.length;
    }
  }
  return verifier.finish();
}
