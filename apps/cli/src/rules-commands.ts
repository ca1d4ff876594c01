/** `rules`: the rule sets in plain language, listed, compared with the money that they differ by, and checked. */
import type { Command } from 'commander';
import { explained, type MoneyDifference, moneyDifference, rulesDifference } from '#mutuel/pricing';
import {
  isPoolType,
  poolTypes,
  type RuleSet,
  ruleSetFor,
  ruleSetNames,
  ruleSets,
  validateRuleSets,
} from '#mutuel/tote';
import { InputRefused, jsonOf, textOf } from './files.js';

export function addRules(program: Command): void {
  const rules = program.command('rules').description('rule sets: list, explain, diff, check');
  rules
    .command('list')
    .description('every shipped rule set: name, pool type, first day, id')
    .option('--json', 'the rule sets themselves, one a line')
    .action(({ json }: { json?: boolean }) => {
      for (const one of ruleSets) print(json ? JSON.stringify(one) : listed(one));
    });
  rules
    .command('explain')
    .description('a rule set in plain language; without a pool type all of the name')
    .argument('<name>', 'FR, US-NICKEL, FR@2002-01-01')
    .argument('[type]', 'WIN, QUINTE, PICK6')
    .action((name: string, type?: string) => print(named(name, type).map(explained).join('\n\n')));
  rules
    .command('diff')
    .description('two names field by field; with races, lines of the price command, also the difference in money')
    .argument('<a>')
    .argument('<b>')
    .argument('[file]', 'races to price by both, - for standard input')
    .action((a: string, b: string, file?: string) => {
      named(a);
      named(b);
      for (const line of differenceLines(a, b)) print(line);
      if (file !== undefined) for (const line of moneyLines(a, b, file)) print(line);
    });
  rules
    .command('check')
    .description('rule sets of a file: each problem as a line; exit code 2 when there is one')
    .argument('<file>', 'a JSON list of rule sets or one of them, - for standard input')
    .action((file: string) => {
      const value = jsonOf(textOf(file), file);
      const problems = validateRuleSets(Array.isArray(value) ? value : [value]);
      for (const { at, message, code = 'INVALID_RULE' } of problems)
        print(JSON.stringify({ error: { code, message: `${message}.`, at } }));
      if (problems.length > 0) process.exitCode = 2;
      else print(`${Array.isArray(value) ? value.length : 1} rule sets, no problem`);
    });
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const listed = ({ name, poolType, validFrom, id }: RuleSet): string =>
  `${name.padEnd(10)} ${poolType.padEnd(16)} ${validFrom}  ${id}`;

/** The rule sets of a name, one for each pool type it has. */
function named(name: string, type?: string): readonly RuleSet[] {
  if (type !== undefined && !isPoolType(type))
    throw new InputRefused(`"${type}" is no pool type; there are ${poolTypes.join(', ')}.`);
  const types = type === undefined ? poolTypes : [type].filter(isPoolType);
  const found = types.flatMap((poolType) => ruleSetFor(name, poolType) ?? []);
  if (found.length > 0) return found;
  const known = ruleSetNames.includes(name.split('@')[0] ?? '');
  const why = known ? `has no rules for ${type ?? 'any pool'} on that day` : `is none of ${ruleSetNames.join(', ')}`;
  throw new InputRefused(`Rule set "${name}" ${why}.`);
}

function differenceLines(a: string, b: string): readonly string[] {
  const pools = rulesDifference(a, b);
  if (pools.length === 0) return [`${a} and ${b} do not differ.`];
  return pools.flatMap(({ poolType, a: left, b: right, fields }) => {
    if (left === null || right === null) return [`${poolType}: only ${left === null ? b : a} has rules.`];
    return [`${poolType}: ${left} | ${right}`, ...fields.map((one) => `  ${one.field}: ${one.a} | ${one.b}`)];
  });
}

function moneyLines(a: string, b: string, file: string): readonly string[] {
  const lines = textOf(file)
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => jsonOf(line, file));
  const races = lines.filter((line): line is object => typeof line === 'object' && line !== null);
  return moneyDifference(a, b, races).flatMap((sums) => ['', ...moneyTable(a, b, sums)]);
}

function moneyTable(a: string, b: string, sums: MoneyDifference): readonly string[] {
  const row = (what: string, left: number, right: number): string =>
    `  ${what.padEnd(10)} ${String(left).padStart(18)} ${String(right).padStart(18)} ${signed(right - left).padStart(18)}`;
  const refused = sums.refused === 0 ? '' : `, ${sums.refused} that one of them cannot price`;
  return [
    `${sums.poolType}: ${sums.races} races, ${sums.differing} with other dividends${refused}; minor units`,
    `  ${''.padEnd(10)} ${a.padStart(18)} ${b.padStart(18)} ${'difference'.padStart(18)}`,
    row('paid', sums.paidA, sums.paidB),
    row('takeout', sums.takeoutA, sums.takeoutB),
    row('carried', sums.carryOutA, sums.carryOutB),
  ];
}

const signed = (amount: number): string => (amount > 0 ? `+${amount}` : String(amount));
