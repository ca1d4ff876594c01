/**
 * What an alert's expression says of series of samples, for the part of PromQL that the rules under test use; anything else throws. Its
 * increase is what was added between the samples of the range, without Prometheus's extrapolation to the range's ends: whether
 * something was added is the same. It must never guess: a sample of nothing is no zero.
 */
import { parser } from '@prometheus-io/lezer-promql';

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** Second and value, in order; no value where the target was away. */
  readonly samples: readonly (readonly [second: number, value: number | undefined])[];
}

export type Store = Readonly<Record<string, readonly Series[]>>;

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A vector, or a number that is alone. */
type Value = readonly Sample[] | number;
type Node = ReturnType<typeof parser.parse>['topNode'];

/** A sample is an answer for so long, s. */
const LOOKBACK = 300;
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 };

/** What the expression finds at this second; a rule fires on each. */
export function evaluate(expression: string, store: Store, second: number): readonly Sample[] {
  const value = new Evaluation(expression, store).of(parser.parse(expression).topNode.firstChild as Node, second);
  return typeof value === 'number' ? [{ labels: {}, value }] : value;
}

/** Whether and when a rule fires within these seconds, asked as often as Prometheus asks. */
export function firstFiring(
  rule: { readonly expr: string; readonly for?: string },
  store: Store,
  { from = 0, until, every }: { readonly from?: number; readonly until: number; readonly every: number },
): number | undefined {
  let since: number | undefined;
  for (let now = from; now <= until; now += every) {
    if (evaluate(rule.expr, store, now).length === 0) since = undefined;
    else since ??= now;
    if (since !== undefined && now - since >= secondsOf(rule.for ?? '0s')) return now;
  }
  return undefined;
}

export function secondsOf(duration: string): number {
  const [, count, unit = ''] = /^(\d+)([smh])$/.exec(duration) ?? [];
  return Number(count) * (SECONDS[unit] ?? Number.NaN);
}

class Evaluation {
  readonly #text: string;
  readonly #store: Store;

  constructor(text: string, store: Store) {
    this.#text = text;
    this.#store = store;
  }

  of(node: Node, at: number): Value {
    switch (node.name) {
      case 'ParenExpr':
      case 'FunctionCallBody':
        return this.of(child(node, 0), at);
      case 'NumberDurationLiteral':
        return Number(this.#read(node));
      case 'VectorSelector':
        return this.#select(node).flatMap(({ labels, samples }) => {
          const [last] = samples.filter(([second]) => second <= at && second > at - LOOKBACK).slice(-1);
          return last?.[1] === undefined ? [] : [{ labels, value: last[1] }];
        });
      case 'OffsetExpr':
        return this.of(child(node, 0), at - secondsOf(this.#read(child(node, 2))));
      case 'AggregateExpr':
        return this.#aggregated(node, at);
      case 'FunctionCall':
        return this.#called(node, at);
      case 'BinaryExpr':
        return this.#binary(node, at);
      default:
        throw new TypeError(`not in the part of PromQL that is evaluated here: ${node.name} ${this.#read(node)}`);
    }
  }

  #read({ from, to }: Node): string {
    return this.#text.slice(from, to);
  }

  #select(node: Node): readonly Series[] {
    const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
    return (this.#store[this.#read(child(node, 0))] ?? []).filter(({ labels }) =>
      matchers.every((matcher) => {
        const [name = '', operator, text = ''] = children(matcher).map((part) => this.#read(part));
        const wanted = text.slice(1, -1);
        const value = labels[name] ?? '';
        if (operator === '=' || operator === '!=') return (value === wanted) === (operator === '=');
        return new RegExp(`^(?:${wanted})$`).test(value) === (operator === '=~');
      }),
    );
  }

  #aggregated(node: Node, at: number): Value {
    const [operator, ...rest] = children(node);
    const by = rest.find(({ name }) => name === 'AggregateModifier');
    const kept = (by?.getChild('GroupingLabels')?.getChildren('LabelName') ?? []).map((label) => this.#read(label));
    if (this.#read(operator as Node) !== 'sum') throw new TypeError(`not evaluated here: ${this.#read(node)}`);
    const sums = new Map<string, Sample>();
    for (const { labels, value } of vector(this.of(rest.at(-1) as Node, at))) {
      const left = Object.fromEntries(kept.map((name) => [name, labels[name] ?? '']));
      const key = JSON.stringify(left);
      sums.set(key, { labels: left, value: value + (sums.get(key)?.value ?? 0) });
    }
    return [...sums.values()];
  }

  #called(node: Node, at: number): Value {
    const [name = '', argument] = [this.#read(child(node, 0)), child(child(node, 1), 0)];
    if (argument.name === 'MatrixSelector') return this.#overRange(name, argument, at);
    const value = this.of(argument, at);
    if (name === 'vector') return [{ labels: {}, value: value as number }];
    if (name === 'absent') return vector(value).length === 0 ? [{ labels: {}, value: 1 }] : [];
    if (name !== 'scalar') throw new TypeError(`not evaluated here: ${this.#read(node)}`);
    const [only, ...others] = vector(value);
    return only === undefined || others.length > 0 ? Number.NaN : only.value;
  }

  #overRange(name: string, node: Node, at: number): Value {
    const range = secondsOf(this.#read(child(node, 1)));
    return this.#select(child(node, 0)).flatMap(({ labels, samples }) => {
      const within = samples.flatMap(([second, value]) =>
        value !== undefined && second <= at && second > at - range ? [[second, value] as const] : [],
      );
      if (within.length < 2) return [];
      if (name === 'deriv') return [{ labels, value: slope(within) }];
      const added = within.reduce((sum, [, value], i) => sum + risen(within[i - 1]?.[1], value), 0);
      if (name === 'increase') return [{ labels, value: added }];
      if (name === 'rate') return [{ labels, value: added / range }];
      throw new TypeError(`not evaluated here: ${name}`);
    });
  }

  #binary(node: Node, at: number): Value {
    const [left, operator, right] = children(node) as [Node, Node, Node];
    const [a, b] = [this.of(left, at), this.of(right, at)];
    const sign = this.#read(operator);
    const isIn = (sample: Sample, others: Value): boolean =>
      vector(others).some(({ labels }) => keyOf(labels) === keyOf(sample.labels));
    if (sign === 'unless') return vector(a).filter((sample) => !isIn(sample, b));
    if (sign === 'or') return [...vector(a), ...vector(b).filter((sample) => !isIn(sample, a))];
    const compare = COMPARISONS[sign];
    const compute = OPERATIONS[sign];
    if (compare && typeof b === 'number') return vector(a).filter(({ value }) => compare(value, b));
    if (compute && typeof a === 'number' && typeof b === 'number') return compute(a, b);
    if (compute && typeof a !== 'number' && typeof b !== 'number')
      return a.flatMap(({ labels, value }) => {
        const other = b.find((one) => keyOf(one.labels) === keyOf(labels));
        return other ? [{ labels, value: compute(value, other.value) }] : [];
      });
    throw new TypeError(`not evaluated here: ${this.#read(node)}`);
  }
}

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '==': (a, b) => a === b,
};
const OPERATIONS: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '*': (a, b) => a * b,
};

/** A counter that is less than it was began anew. */
function risen(before: number | undefined, now: number): number {
  if (before === undefined) return 0;
  return now < before ? now : now - before;
}

/** Of the line through the points that has the least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean(([at]) => at), mean(([, value]) => value)];
  return mean(([at, value]) => (at - x) * (value - y)) / mean(([at]) => (at - x) ** 2);
}

function children(node: Node): Node[] {
  const all: Node[] = [];
  for (let next = node.firstChild; next; next = next.nextSibling) all.push(next);
  return all;
}

function child(node: Node, index: number): Node {
  const found = children(node)[index];
  if (found) return found;
  throw new TypeError(`${node.name} has no part ${index}`);
}

function vector(value: Value): readonly Sample[] {
  if (typeof value !== 'number') return value;
  throw new TypeError('a vector was expected');
}

const keyOf = (labels: Readonly<Record<string, string>>): string => JSON.stringify(Object.entries(labels).sort());
