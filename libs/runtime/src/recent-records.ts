/**
 * The bytes of the newest records of a log by their numbers, in one piece of memory: as objects, or each as a buffer of its own, they
 * would outlive the youth of an object by the thousand a second, and be what the collector has most to do with. Bounded in records and
 * in bytes; it must never give bytes that were written over.
 */

const FIRST_BYTES = 64 * 1_024;

export class RecentRecords {
  #bytes = new Uint8Array(FIRST_BYTES);
  /** How many bytes were ever kept, gaps before a turn included: a place is this modulo the size. */
  #end = 0;
  readonly #numbers: Float64Array;
  readonly #begins: Float64Array;
  readonly #lengths: Uint32Array;

  /** At most so many records and bytes; a record that is longer than all of them is not kept. */
  constructor(
    private readonly records: number,
    private readonly maxBytes: number,
  ) {
    this.#numbers = new Float64Array(records).fill(-1);
    this.#begins = new Float64Array(records);
    this.#lengths = new Uint32Array(records);
  }

  /** Numbers rise by one from record to record, but for a first one. */
  keep(number: number, record: Uint8Array): void {
    if (record.length > this.maxBytes) return;
    const begin = this.#roomFor(record.length);
    this.#bytes.set(record, begin % this.#bytes.length);
    this.#end = begin + record.length;
    const row = number % this.records;
    this.#numbers[row] = number;
    this.#begins[row] = begin;
    this.#lengths[row] = record.length;
  }

  /** A copy; undefined where it is not, or no longer, kept. */
  get(number: number): Uint8Array | undefined {
    const row = number % this.records;
    const begin = this.#begins[row] as number;
    if (this.#numbers[row] !== number || begin < this.#end - this.#bytes.length) return undefined;
    const place = begin % this.#bytes.length;
    return this.#bytes.slice(place, place + (this.#lengths[row] as number));
  }

  /** Where the next record begins: in one piece, so not over the end of the memory, which grows before it turns the first time. */
  #roomFor(length: number): number {
    const size = this.#bytes.length;
    if (this.#end + length > size && this.#end <= size && size < this.maxBytes) {
      this.#grow();
      return this.#roomFor(length);
    }
    const left = size - (this.#end % size);
    return length <= left ? this.#end : this.#end + left;
  }

  /** Nothing was written over yet, so every place stays what it is. */
  #grow(): void {
    const larger = new Uint8Array(Math.min(this.maxBytes, 2 * this.#bytes.length));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
