/** What must not stand in the project's text, each with the reason a failing test shows. Patterns are matched line by line. */

export interface TextRule {
  name: string;
  /** Why, and what to do instead. */
  reason: string;
  pattern: RegExp;
  /** Which files are looked at; all text files where it is not given. */
  files?: RegExp;
}

const code = /\.(ts|tsx|mts|mjs|js|cjs)$/;

export const textRules: TextRule[] = [
  {
    name: 'focused or muted test',
    reason: 'A focused test hides all others and a skipped one proves nothing: mend it or remove it.',
    pattern:
      /\b(it|test|describe|suite)(\.\w+)*\.(only|skip|todo|skipIf|fails)\b|\bf(it|describe)\(|\bx(it|describe|test)\(/,
    files: code,
  },
  {
    name: 'muted checker',
    reason: 'Strictness goes line by line: mend the cause.',
    pattern: /@ts-(ignore|nocheck|expect-error)|(eslint|biome|knip|c8|v8)[- ](disable|ignore)|prettier-ignore/,
    files: code,
  },
  {
    name: 'unfinished work',
    reason: 'Finish it, or leave it out and say so in the documents.',
    pattern: /\b(TODO|FIXME|HACK|XXX)\b|not (yet )?implemented/,
    files: code,
  },
  {
    name: 'path of a machine',
    reason: 'The project runs anywhere: use paths from its root or from the environment.',
    pattern: /(^|[\s'"`(=:])\/(work|root|home\/\w+|Users\/\w+)\//,
  },
  {
    name: 'registry host',
    reason: 'Where packages come from is the concern of the machine that installs them.',
    pattern: /https?:\/\/(registry|repo\d*|proxy|files|deb|static)\.|"resolved": *"http/,
  },
  {
    name: 'debugging left over',
    reason: 'Remove it, or make it a log line.',
    pattern: /^\s*debugger\b|console\.(debug|trace|dir)\(/,
    files: code,
  },
  {
    name: 'second name of a thing',
    reason:
      'One thing, one name: bet (not wager), carry-over (not rollover), takeout (not commission), probables (not approximates).',
    pattern: /wager|rollover|\bcommission\b|\bapproximates\b/i,
    files: /^(apps|libs)\/[^/]+\/src\/.*\.(ts|tsx)$/,
  },
];

/** Lines of `text` that break `rule`, as "line: text". */
export function breaches(rule: TextRule, text: string): string[] {
  return text
    .split('\n')
    .flatMap((line, index) => (rule.pattern.test(line) ? [`${index + 1}: ${line.trim().slice(0, 120)}`] : []));
}
