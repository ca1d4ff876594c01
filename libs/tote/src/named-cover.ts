/**
 * From the runners a bettor named to the lines they cover: lists are read into betting interests, each once, and the first
 * thing that is wrong is kept with its pointer. Counts nothing, and never expands a bet.
 */
import { sameRunners } from './column-lines.js';
import { type Coupling, type Field, interestMap, starters } from './field.js';
import { DEFAULT_ORDERS, FIELD_WORD, type Selection } from './formula.js';
import type { Cover } from './lines.js';
import type { PoolShape } from './pool-type.js';
import { type RunnerFault, refuse, type ToteRefusal } from './refusal.js';

/** Reads lists of runners into betting interests and keeps the first refusal with its pointer. */
export class ListReader {
  refusal: ToteRefusal | null = null;
  private readonly places: ReadonlyMap<string, number>;
  private readonly interest: ((runner: string) => string) | null;
  /** By runner, the last list that named it: each list has a number. */
  private readonly named: Uint32Array;
  private lists = 0;

  constructor(
    private readonly field: Field,
    coupling: Coupling,
  ) {
    this.places = placesOf(field.declared);
    this.named = new Uint32Array(field.declared.length);
    this.interest = coupling === 'ENTRY' && field.entries?.length ? interestMap(field, coupling) : null;
  }

  list(runners: readonly string[] | undefined, at: string): readonly string[] {
    if (!runners || runners.length === 0) return this.fail(at, 'Name at least one runner.');
    if (runners.length === 1 && runners[0] === FIELD_WORD) return this.all();
    const list = ++this.lists;
    for (let index = 0; index < runners.length; index++) {
      const runner = runners[index] ?? '';
      const place = this.places.get(runner);
      if (place === undefined)
        return this.fail(`${at}/${index}`, `Runner ${quoted(runner)} is not declared.`, 'UNKNOWN_RUNNER');
      if (this.named[place] === list)
        return this.fail(`${at}/${index}`, `Runner ${quoted(runner)} is named twice.`, 'REPEATED_RUNNER');
      this.named[place] = list;
    }
    return this.interests(runners);
  }

  all(): readonly string[] {
    return this.interests(starters(this.field));
  }

  private interests(runners: readonly string[]): readonly string[] {
    return this.interest === null ? runners : [...new Set(runners.map(this.interest))];
  }

  fail(at: string, message: string, reason?: RunnerFault): readonly string[] {
    this.refusal ??= refuse('INVALID_SELECTION', message, at, reason);
    return [];
  }
}

/** Where each runner stands on the card, read once for every card. */
const cards = new WeakMap<readonly string[], ReadonlyMap<string, number>>();

function placesOf(declared: readonly string[]): ReadonlyMap<string, number> {
  const known = cards.get(declared);
  if (known && known.size === declared.length) return known;
  const places = new Map(declared.map((runner, place) => [runner, place]));
  cards.set(declared, places);
  return places;
}

const quoted = (runner: string): string => JSON.stringify(String(runner).slice(0, 16));

export function coverOf(selection: Selection, shape: PoolShape, reader: ListReader): Cover {
  switch (selection.form) {
    case 'STRAIGHT':
    case 'WHEEL':
      return columnsCover(selection, shape, reader);
    case 'BOX':
      return boxCover(selection, shape, reader);
    default:
      return baseCover(selection, shape, reader);
  }
}

function columnsCover(selection: Selection, shape: PoolShape, reader: ListReader): Cover {
  const named = selection.columns ?? selection.runners?.map((runner) => [runner]) ?? [];
  if (named.length !== shape.picks) {
    reader.fail('/columns', `Name ${shape.picks} columns, one for each place; ${named.length} were named.`);
  }
  let last: readonly string[] = [];
  const columns = named.map((column, index) => {
    if (selection.form === 'STRAIGHT' && column.length > 1) {
      reader.fail(`/columns/${index}`, 'A straight bet names one runner for each place.');
    }
    // A column like the one before it, the rule where the whole field is named, is read once.
    const isRead = index > 0 && sameRunners(column, named[index - 1] ?? []);
    last = isRead ? last : reader.list(column, `/columns/${index}`);
    return last;
  });
  return { kind: 'COLUMNS', columns };
}

function boxCover(selection: Selection, shape: PoolShape, reader: ListReader): Cover {
  const at = selection.runners ? '/runners' : '/columns/0';
  if (!selection.runners && selection.columns && selection.columns.length !== 1) {
    reader.fail('/columns', 'A box names its runners in one list.');
  }
  const others = reader.list(selection.runners ?? selection.columns?.[0], at);
  if (!reader.refusal && others.length < shape.picks) {
    reader.fail(at, `A box needs at least ${shape.picks} runners; ${others.length} were named.`);
  }
  const kind = shape.arrangement === 'ORDERED' && selection.orders === 'ONE' ? 'RISING' : 'SETS';
  return { kind, bases: [], others };
}

function baseCover(selection: Selection, shape: PoolShape, reader: ListReader): Cover {
  const bases = reader.list(selection.bases, '/bases');
  if (bases.length >= shape.picks) {
    reader.fail('/bases', `Name fewer than ${shape.picks} bases; ${bases.length} were named.`);
  }
  const others = othersOf(selection, bases, reader);
  const orders = selection.orders ?? DEFAULT_ORDERS[selection.form];
  if (shape.arrangement !== 'ORDERED' || orders === 'ALL') return { kind: 'SETS', bases, others };
  return { kind: orders === 'ONE' ? 'RISING' : 'FIXED', bases, others };
}

function othersOf(selection: Selection, bases: readonly string[], reader: ListReader): readonly string[] {
  const field = selection.associated?.length === 1 && selection.associated[0] === FIELD_WORD;
  if (field || (selection.form === 'CHAMP_TOTAL' && !selection.associated?.length)) {
    return reader.all().filter((runner) => !bases.includes(runner));
  }
  const others = reader.list(selection.associated, '/associated');
  const twice = others.findIndex((runner) => bases.includes(runner));
  if (twice >= 0) reader.fail(`/associated/${twice}`, 'A base cannot be an associated runner too.');
  return others;
}
