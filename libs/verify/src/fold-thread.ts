/**
 * The other half of verifying an export: a thread that is handed the lines of the file, already split and hashed, and judges them. It
 * must judge them in the order they come, and say nothing before it is asked for the end.
 */
import { parentPort } from 'node:worker_threads';
import type { ExportedRecord, ExportHead } from './export-file.js';
import { type LogReport, LogUnreadable, LogVerifier } from './log-verifier.js';
import type { PublishedSeals } from './published-seals.js';

/** Columns of a batch: place of its topic and partition, offset, time, where its bytes begin and end in the batch, and in the file. */
export const COLUMNS = 6;
export const HASH_DIGITS = 64;

export interface Batch {
  readonly bytes: Uint8Array;
  readonly rows: Float64Array;
  /** SHA-256 of each record's bytes, hex, one after the other (Latin-1). */
  readonly hashes: Uint8Array;
}

/** What the thread begins with: the head, the places in the order of the file, and seals that were published elsewhere. */
export interface Beginning {
  readonly head: ExportHead;
  readonly places: readonly (readonly [topic: string, partition: number])[];
  readonly published: readonly PublishedSeals[];
}

/** To the thread: its beginning, then batches, then the end. */
export type ToThread = Beginning | { readonly batch: Batch } | { readonly end: true };

/** From it: a batch was judged; the report; or where and why nothing further can be believed. */
export type FromThread =
  | { readonly done: true }
  | { readonly report: LogReport }
  | { readonly unreadable: string }
  | { readonly broken: string };

class Fold {
  readonly #verifier: LogVerifier;
  readonly #places: Beginning['places'];

  constructor({ head, places, published }: Beginning) {
    this.#places = places;
    this.#verifier = new LogVerifier(head, published);
  }

  take({ bytes, rows, hashes }: Batch): void {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const digits = Buffer.from(hashes.buffer, hashes.byteOffset, hashes.byteLength);
    for (let row = 0; row * COLUMNS < rows.length; row++) this.#verifier.take(this.#record(row, rows, text, digits));
  }

  finish(): LogReport {
    return this.#verifier.finish();
  }

  #record(row: number, rows: Float64Array, text: Buffer, digits: Buffer): ExportedRecord {
    const at = row * COLUMNS;
    const [topic, partition] = this.#places[rows[at] as number] as readonly [string, number];
    const digit = row * HASH_DIGITS;
    return {
      topic,
      partition,
      offset: rows[at + 1] as number,
      time: rows[at + 2] as number,
      value: text.subarray(rows[at + 3], rows[at + 4]),
      byte: rows[at + 5] as number,
      hash: digits.toString('latin1', digit, digit + HASH_DIGITS),
    };
  }
}

// Whoever imports this file for its shapes is no thread.
if (parentPort) listen(parentPort);

function listen(port: NonNullable<typeof parentPort>): void {
  const tell = (message: FromThread): void => port.postMessage(message);
  let fold: Fold | undefined;
  port.on('message', (message: ToThread) => {
    try {
      if ('head' in message) fold = new Fold(message);
      else if ('batch' in message) {
        fold?.take(message.batch);
        tell({ done: true });
      } else if (fold) tell({ report: fold.finish() });
    } catch (fault) {
      const { message: what, stack } = fault as Error;
      tell(fault instanceof LogUnreadable ? { unreadable: what } : { broken: stack ?? what });
      port.close();
    }
  });
}
