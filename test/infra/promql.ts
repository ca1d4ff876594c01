/** What a PromQL expression names: its metrics, the labels each is asked for, and whether it can be parsed at all. */
import { parser } from '@prometheus-io/lezer-promql';

export interface Names {
  readonly metrics: readonly string[];
  readonly labels: readonly string[];
}

/** Throws where Prometheus would not parse the expression. */
export function namesIn(expression: string): Names {
  const metrics = new Set<string>();
  const labels = new Set<string>();
  parser.parse(expression).iterate({
    enter({ type, name, from, to, node }) {
      const text = expression.slice(from, to);
      if (type.isError) throw new SyntaxError(`not PromQL at ${from}: ${expression}`);
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector') metrics.add(text);
      if (name === 'LabelName') labels.add(text);
    },
  });
  return { metrics: [...metrics], labels: [...labels] };
}

/** `x_bucket`, `x_sum` and `x_count` of a histogram are shown under the name `x`. */
export const familyOf = (metric: string, isHistogram: (name: string) => boolean): string => {
  const base = metric.replace(/_(bucket|sum|count)$/, '');
  return base !== metric && isHistogram(base) ? base : metric;
};
