/** What a step of the schema may do while the release before it goes on reading and writing the same tables. */
import { expect, it } from 'vitest';
import { schema } from '#mutuel/views';

/** With these a release needed the one before it to be gone. Others take away only what no release still in use reads or writes. */
const ALONE = new Set(['001-read-models', '003-short-keys']);

const ADDS = [
  /^create table \w+ \(/,
  /^create (unique )?index \w+ on \w+ /,
  /^alter table \w+ set \(fillfactor = \d+\)$/,
  // A row that the release before writes says nothing of the new column.
  /^alter table \w+ add column \w+ \w+( not null default [\w'{}]+)?$/,
];

const statementsOf = (sql: string): string[] =>
  sql
    .replace(/--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim().replace(/\s+/g, ' '))
    .filter((statement) => statement !== '');

it.each(schema.filter(({ id }) => !ALONE.has(id)))('$id only adds', ({ sql }) => {
  for (const statement of statementsOf(sql))
    expect(
      ADDS.some((shape) => shape.test(statement)),
      statement,
    ).toBe(true);
});

it.each([
  'drop table bets',
  'alter table bets drop column paid',
  'alter table bets add column won bigint not null',
  'alter table bets rename column paid to won',
  'alter table bets alter column paid type text',
  'truncate checkpoints',
])('%s is no step to take beside a release that runs', (statement) => {
  expect(ADDS.some((shape) => shape.test(statement))).toBe(false);
});
