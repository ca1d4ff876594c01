/**
 * Rows on their way to the read models: collected column by column and written with few statements, many rows each. It must never
 * name a statement or put a value into its text: every value travels as a parameter.
 */
export interface SqlStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

export type ColumnType = 'text' | 'bigint' | 'int' | 'jsonb' | 'boolean';
export type Cell = string | number | boolean | null;

/** Rows of one statement; more are split, so that no statement grows without bound. */
const MAX_ROWS = 5_000;

/** Rows for one table. `write` is the statement around the rows: `insert into t (a, b) select * from ROWS on conflict …`. */
export class RowSet {
  readonly #columns: Cell[][];
  readonly #types: readonly ColumnType[];
  readonly #write: string;

  constructor(types: readonly ColumnType[], write: string) {
    this.#types = types;
    this.#write = write;
    this.#columns = types.map(() => []);
  }

  add(...row: readonly Cell[]): void {
    for (let i = 0; i < row.length; i++) this.#columns[i]?.push(row[i] as Cell);
  }

  get size(): number {
    return this.#columns[0]?.length ?? 0;
  }

  statements(): SqlStatement[] {
    const rows = `unnest(${this.#types.map((type, i) => `$${i + 1}::${type}[]`).join(', ')})`;
    const text = this.#write.replace('ROWS', rows);
    const statements: SqlStatement[] = [];
    for (let from = 0; from < this.size; from += MAX_ROWS) {
      const values = this.#columns.map((column) => arrayText(column, from, Math.min(column.length, from + MAX_ROWS)));
      statements.push({ text, values });
    }
    return statements;
  }
}

/**
 * An array as PostgreSQL reads it. Written here because a driver that must look at every value's type takes several times as long,
 * and this is the busiest path of the projection.
 */
function arrayText(column: readonly Cell[], from: number, to: number): string {
  let text = '{';
  for (let i = from; i < to; i++) {
    const cell = column[i] as Cell;
    if (i > from) text += ',';
    if (cell === null) text += 'NULL';
    else if (typeof cell === 'string') text += quoted(cell);
    else text += cell;
  }
  return `${text}}`;
}

const SPECIAL = /["\\]/;

const quoted = (cell: string): string =>
  SPECIAL.test(cell) ? `"${cell.replaceAll(/["\\]/g, (sign) => `\\${sign}`)}"` : `"${cell}"`;
