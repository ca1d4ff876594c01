/**
 * An export verified from its file, once from end to end: this thread reads, splits and hashes, another one judges, so that two cores
 * share the work. Of two things that are wrong the one that stands first in the file is told. It must never write, and never hold more
 * of the file than a few batches.
 */
import { hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type ExportedRecord, ExportReader, ExportRefused, exportOrder } from './export-file.js';
import { type Batch, type Beginning, COLUMNS, type FromThread, HASH_DIGITS, type ToThread } from './fold-thread.js';
import { type LogReport, LogUnreadable } from './log-verifier.js';
import type { PublishedSeals } from './published-seals.js';

/** How far reading is: bytes and records. */
type OnProgress = (bytes: number, records: number) => void;

const PIECE = 1 << 20;
/** Batches that may wait to be judged. */
const AHEAD = 8;
/** The thread that judges makes short-lived objects of every record: with room for them they are gone before they are collected. */
const YOUNG_MB = 96;

interface VerifyOptions {
  readonly onProgress: OnProgress;
  /** Answers of `GET /v1/seals`: they must be what the log says. */
  readonly published?: readonly PublishedSeals[];
}

/** Throws `ExportRefused` where the file is not what it should be, `LogUnreadable` where a log cannot be followed. */
export async function verifyExport(file: string, options: VerifyOptions): Promise<LogReport> {
  const thread = new FoldThread();
  try {
    await readFile(file, thread, options).catch(async (fault: unknown) => {
      // What was read before it is judged first: it stands before it.
      if (fault instanceof ExportRefused) await thread.settled();
      throw fault;
    });
    return await thread.report();
  } finally {
    await thread.end();
  }
}

async function readFile(file: string, thread: FoldThread, options: VerifyOptions): Promise<void> {
  const { onProgress, published = [] } = options;
  const reader = new ExportReader();
  const numbers = new Map<string, number>();
  let [bytes, records] = [0, 0];
  for await (const piece of createReadStream(file, { highWaterMark: PIECE })) {
    const isBegun = reader.head !== undefined;
    const taken = reader.take(piece as Buffer);
    if (!isBegun && reader.head) {
      const places = exportOrder(reader.head);
      for (const [number, [topic, partition]] of places.entries()) numbers.set(`${topic}/${partition}`, number);
      thread.begin({ head: reader.head, places, published });
    }
    if (taken.length > 0) await thread.take(batchOf(taken, numbers));
    bytes += (piece as Buffer).length;
    records += taken.length;
    onProgress(bytes, records);
  }
  reader.finish();
}

/** The records' bytes in one piece of memory that can be handed over. */
function batchOf(records: readonly ExportedRecord[], numbers: ReadonlyMap<string, number>): Batch {
  const size = records.reduce((sum, { topic, value }) => sum + (isCommand(topic) ? 0 : value.length), 0);
  const bytes = Buffer.from(new ArrayBuffer(size));
  const rows = new Float64Array(records.length * COLUMNS);
  const hashes = Buffer.from(new ArrayBuffer(records.length * HASH_DIGITS));
  let [end, number] = [0, 0];
  let [topic, partition] = ['', -1];
  for (const [row, record] of records.entries()) {
    if (record.topic !== topic || record.partition !== partition) {
      ({ topic, partition } = record);
      number = numbers.get(`${topic}/${partition}`) ?? 0;
    }
    // Commands are read for their times alone.
    const value = isCommand(topic) ? NOTHING : record.value;
    bytes.set(value, end);
    rows.set([number, record.offset, record.time, end, end + value.length, record.byte ?? 0], row * COLUMNS);
    if (topic.endsWith('decisions')) hashes.write(hash('sha256', value), row * HASH_DIGITS, 'latin1');
    end += value.length;
  }
  return { bytes, rows, hashes };
}

const NOTHING = new Uint8Array(0);
const isCommand = (topic: string): boolean => topic.endsWith('commands');

/** The thread that judges, with no more batches on their way to it than it can be expected to hold. */
class FoldThread {
  readonly #worker = startThread();
  #waiting = 0;
  #fault: Error | undefined;
  #report: LogReport | undefined;
  #wake: () => void = () => undefined;

  constructor() {
    this.#worker.on('message', (message: FromThread) => {
      if ('done' in message) this.#waiting -= 1;
      else if ('report' in message) this.#report = message.report;
      else this.#fault ??= 'unreadable' in message ? new LogUnreadable(message.unreadable) : new Error(message.broken);
      this.#wake();
    });
    const ended = (fault: Error): void => {
      this.#fault ??= fault;
      this.#wake();
    };
    this.#worker.on('error', ended);
    this.#worker.on('exit', (code) => ended(new Error(`the thread that judges ended with code ${code}`)));
  }

  begin(message: Beginning): void {
    this.#worker.postMessage(message satisfies ToThread);
  }

  async take(batch: Batch): Promise<void> {
    await this.#until(() => this.#waiting < AHEAD);
    this.#waiting += 1;
    const memory = [batch.bytes, batch.rows, batch.hashes].map(({ buffer }) => buffer as ArrayBuffer);
    this.#worker.postMessage({ batch } satisfies ToThread, memory);
  }

  /** All that was handed over is judged. */
  settled(): Promise<void> {
    return this.#until(() => this.#waiting === 0);
  }

  async report(): Promise<LogReport> {
    this.#worker.postMessage({ end: true } satisfies ToThread);
    await this.#until(() => this.#report !== undefined);
    return this.#report as LogReport;
  }

  async end(): Promise<void> {
    this.#worker.removeAllListeners();
    await this.#worker.terminate();
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!this.#fault && !holds())
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#fault) throw this.#fault;
  }
}

/** The built thread as it stands; from the sources (tests, development) through the loader that this thread has, too. */
function startThread(): Worker {
  const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MB };
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./fold-thread.js', import.meta.url), { resourceLimits });
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'));
  const loader = new URL('./dist/esm/api/index.mjs', tsx);
  const source = new URL('./fold-thread.ts', import.meta.url);
  const code = `import { register } from '${loader}'; register(); await import('${source}');`;
  const execArgv = ['--conditions=src'];
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { execArgv, resourceLimits });
}
