/**
 * `verify`: exported logs and receipts checked on any machine, with nothing but the file and public keys. Answers 0 when everything
 * holds, 1 when something does not, 2 when the file cannot be read as what it should be. It never writes.
 */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import {
  anchoredHeads,
  EvidenceLog,
  type ExportedRecord,
  ExportReader,
  ExportRefused,
  hasPassed,
  KeyRefused,
  LogHeads,
  type LogReport,
  LogUnreadable,
  type PublishedKey,
  type PublishedSeals,
  readCertificate,
  readPublishedSeals,
  type TrustedKeys,
  trustedKeys,
  type Verdict,
  verifyAnchors,
  verifyEvidence,
  verifyExport,
  verifyReceipt,
} from '#mutuel/verify';

const KEYS = ['--keys <file>', 'the public keys to trust, as GET /v1/seal-keys shows them'] as const;
const TELL_EVERY_MS = 2_000;
const READ_AT_ONCE = 1 << 20;

interface LogFlags {
  readonly json?: boolean;
  readonly seals?: readonly string[];
  readonly keys?: string;
}

export function addVerify(program: Command): void {
  const verify = program.command('verify').description('check what was exported or handed out; never writes');
  verify
    .command('log')
    .description('chains, money, seals, dividends, what every bet is due, and odds of an exported log')
    .argument('<file>', 'made by `mutuel log export`')
    .option('--json', 'the report as JSON')
    .option('--seals <file...>', 'answers of GET /v1/seals, each in a file of its own: they must be what the log says')
    .option('--keys <file>', 'with --seals: the public keys to trust, as GET /v1/seal-keys shows them')
    .action(async (file: string, flags: LogFlags) => {
      const report = await readable(async () => verifyLog(file, await readSeals(flags)), file);
      if (!report) return;
      process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : `${pageOf(report)}\n`);
      process.exitCode = report.findings.length === 0 ? 0 : 1;
    });
  verify
    .command('receipt')
    .description('a receipt, its signature and its way into the seals')
    .argument('<file>', 'made by GET /v1/tickets/{ticketId}/receipt')
    .requiredOption(...KEYS)
    .action(async (file: string, { keys }: { keys: string }) => {
      const verdict = await readable(async () => verifyReceipt(await readJson(file), await readKeys(keys)));
      if (verdict) tell('receipt', verdict);
    });
  verify
    .command('evidence')
    .description('the evidence of a ticket or bet: record, odds, events, money, receipt, seals and proofs')
    .argument('<file>', 'made by `mutuel evidence`')
    .requiredOption(...KEYS)
    .option(
      '--log <file>',
      'made by `mutuel log export`: record, events, acts and odds of the pack must be those of the log',
    )
    .action(async (file: string, { keys, log }: { keys: string; log?: string }) => {
      const verdict = await readable(async () => {
        const [pack, trusted] = [await readJson(file), await readKeys(keys)];
        return verifyEvidence(pack, trusted, log === undefined ? undefined : await readLog(log, new EvidenceLog(pack)));
      }, log);
      if (verdict) tell('evidence', verdict);
    });
  verify
    .command('anchor')
    .description("a day's anchor: its time stamp, and the heads of an exported log")
    .argument('<file>', 'as GET /v1/anchors shows them, one or several')
    .requiredOption('--authority <file...>', 'certificates in PEM that a time stamp may lead to')
    .option('--log <file>', 'made by `mutuel log export`: the chains up to the anchored heads must be these')
    .action(async (file: string, { authority, log }: { authority: string[]; log?: string }) => {
      const verdict = await readable(async () => {
        const said = (await readJson(file)) as { anchors?: readonly unknown[] };
        const anchors = Array.isArray(said?.anchors) ? said.anchors : [said];
        const trusted = await Promise.all(authority.map(async (name) => ({ name, pem: await readFile(name, 'utf8') })));
        const heads = log === undefined ? undefined : await readLog(log, new LogHeads(anchoredHeads(anchors)));
        return verifyAnchors(anchors, trusted, heads);
      }, log);
      if (verdict) tell('anchor', verdict);
    });
  verify
    .command('certificate')
    .description('the signed page of a certification run: 0 only where it is genuine and says that the run passed')
    .argument('<file>', 'made by `npm run certify -- --store`')
    .requiredOption(...KEYS)
    .action(async (file: string, { keys }: { keys: string }) => {
      const said = await readable(async () => readCertificate(await readJson(file), await readKeys(keys)));
      if (said === undefined) return;
      process.stdout.write(`${typeof said === 'string' ? `The certificate does NOT hold: ${said}.` : said.page}\n`);
      process.exitCode = typeof said !== 'string' && hasPassed(said) ? 0 : 1;
    });
}

function tell(what: string, { held, missing, faults }: Verdict): void {
  const lines = [
    ...held.map((line) => `holds    ${line}`),
    ...missing.map((line) => `missing  ${line}`),
    ...faults.map((line) => `FAILS    ${line}`),
    faults.length === 0 ? `The ${what} holds.` : `The ${what} does NOT hold.`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

/** An export, record by record, read by whoever takes from it what it is asked for. */
async function readLog<T extends { take(record: ExportedRecord): void }>(file: string, into: T): Promise<T> {
  const reader = new ExportReader();
  for await (const chunk of createReadStream(file, { highWaterMark: READ_AT_ONCE }))
    for (const record of reader.take(chunk as Buffer)) into.take(record);
  reader.finish();
  return into;
}

/** Public keys as `GET /v1/seal-keys` shows them. */
async function readKeys(file: string): Promise<TrustedKeys> {
  const { keys } = ((await readJson(file)) ?? {}) as { keys?: readonly PublishedKey[] };
  if (!Array.isArray(keys)) throw new KeyRefused(`${file} holds no list of keys: {"keys": [{"keyId", "publicKey"}]}`);
  return trustedKeys(keys as readonly PublishedKey[]);
}

async function readSeals({ seals = [], keys }: LogFlags): Promise<readonly PublishedSeals[]> {
  if (seals.length === 0) return [];
  if (keys === undefined)
    throw new KeyRefused('--seals needs --keys FILE, the public keys to trust: GET /v1/seal-keys shows them');
  const trusted = await readKeys(keys);
  return Promise.all(seals.map(async (name) => readPublishedSeals(await readJson(name), name, trusted)));
}

/** The log judged, with what was read told on the way: how far, how fast, how long still. */
async function verifyLog(file: string, published: readonly PublishedSeals[]): Promise<LogReport> {
  const { size } = await stat(file);
  const began = Date.now();
  let told = began;
  let read = 0;
  const onProgress = (bytes: number, records: number): void => {
    read = records;
    if (Date.now() - told < TELL_EVERY_MS) return;
    told = Date.now();
    const seconds = (told - began) / 1_000;
    const left = Math.ceil((seconds * (size - bytes)) / bytes);
    console.error(
      `${Math.floor((100 * bytes) / size)} %: ${figure(records / seconds)} records a second, ${left} s left`,
    );
  };
  const report = await verifyExport(file, { onProgress, published });
  console.error(`${figure(read)} records, ${figure((1_000 * read) / Math.max(1, Date.now() - began))} a second`);
  return report;
}

const figure = (value: number): string => Math.round(value).toLocaleString('en');

function pageOf(report: LogReport): string {
  const { findings, notChecked, ...figures } = report;
  const names: Readonly<Record<keyof typeof figures, string>> = {
    records: 'records',
    decisions: 'valid decisions',
    passedOver: 'records passed over',
    bets: 'accepted bets',
    stakes: 'their stakes, minor units',
    refunded: 'refunded',
    paid: 'paid to winners',
    takeout: 'takeout',
    reports: 'reports of shards added up again',
    seals: 'seals of shards',
    sealsPublished: 'published seals, equal to the log',
    racesSettled: 'races settled',
    dividends: 'dividend sheets priced again, equal',
    ticks: 'odds ticks',
    tickFigures: 'pools in them compared with their cuts',
    tickRows: 'combinations in these, stakes and odds worked out again',
  };
  const rows = Object.entries(names).map(
    ([key, name]) => `${figures[key as keyof typeof figures].toLocaleString('en').padStart(18)}  ${name}`,
  );
  const gaps = notChecked.map((line) => `not checked: ${line}`);
  const faults = findings.map(({ at, what }) => `${at}: ${what}`);
  const end = findings.length === 0 ? 'Everything checked holds.' : `${findings.length} findings.`;
  return [...rows, ...gaps, ...faults, end].join('\n');
}

/** The work's result; a file that is not what it should be is one line and exit code 2. `file`: the export among what is read. */
async function readable<T>(work: () => Promise<T>, file?: string): Promise<T | undefined> {
  try {
    return await work();
  } catch (fault) {
    const isOfTheFile =
      fault instanceof ExportRefused ||
      fault instanceof LogUnreadable ||
      fault instanceof KeyRefused ||
      fault instanceof SyntaxError ||
      (fault as NodeJS.ErrnoException).code !== undefined;
    if (!isOfTheFile) throw fault;
    const where =
      fault instanceof ExportRefused
        ? `${file}, byte ${fault.byte}, `
        : fault instanceof LogUnreadable
          ? `${file}: `
          : '';
    console.error(`${where}${(fault as Error).message}`);
    process.exitCode = fault instanceof LogUnreadable ? 1 : 2;
    return undefined;
  }
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch (fault) {
    throw new SyntaxError(
      `${file} is not readable JSON: it is truncated or something else (${(fault as Error).message})`,
    );
  }
}
