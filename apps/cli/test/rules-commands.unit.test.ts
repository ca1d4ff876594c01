/** `rules` as a person types it: what is printed, and how a wrong name or file is told. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { ruleSetFor, ruleSets } from '#mutuel/tote';
import { addRules } from '../src/rules-commands.js';

const folder = mkdtempSync(join(tmpdir(), 'mutuel-rules-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  process.exitCode = undefined;
});

async function run(...words: readonly string[]): Promise<string[]> {
  const program = new Command('mutuel').exitOverride();
  addRules(program);
  const written: string[] = [];
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  try {
    await program.parseAsync(['rules', ...words], { from: 'user' });
  } finally {
    out.mockRestore();
  }
  return written.join('').split('\n').slice(0, -1);
}

function fileOf(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

describe('mutuel rules', () => {
  test('list names every shipped rule set, and prints them as data that is valid', async () => {
    expect(await run('list')).toHaveLength(ruleSets.length);
    const file = fileOf('all.json', `[${(await run('list', '--json')).join(',')}]`);
    expect(await run('check', file)).toEqual([`${ruleSets.length} rule sets, no problem`]);
    expect(process.exitCode).toBeUndefined();
  });

  test('explain speaks plainly of one pool, or of all that a name has', async () => {
    const lines = await run('explain', 'FR', 'QUINTE');
    expect(lines[0]).toBe('FR QUINTE, in force from 2019-01-10 (FR-QUINTE@2019-01-10, law of FR)');
    expect((await run('explain', 'FR@2002-01-01', 'QUINTE'))[0]).toContain('FR-QUINTE@2002-01-01');
    expect((await run('explain', 'UK')).filter((line) => line.startsWith('UK '))).toHaveLength(
      ruleSets.filter(({ name }) => name === 'UK').length,
    );
  });

  test('diff shows the fields that differ, and the money on races: 9.95 breaks to 9.90 or 9.95', async () => {
    const race = {
      pool: { type: 'WIN' },
      rules: { takeout: '0' },
      result: [['1']],
      stakes: [
        { c: '1', minor: 10_000 },
        { c: '2', minor: 89_500 },
      ],
    };
    const lines = await run('diff', 'US', 'US-NICKEL', fileOf('races.jsonl', `${JSON.stringify(race)}\n`));
    expect(lines).toContain('  breakTo: 0.10 | 0.05');
    expect(lines).toContain('WIN: 1 races, 1 with other dividends; minor units');
    expect(lines.find((line) => line.startsWith('  paid'))?.split(/ +/)).toEqual([
      '',
      'paid',
      '99000',
      '99500',
      '+500',
    ]);
    expect(await run('diff', 'US', 'US')).toEqual(['US and US do not differ.']);
  });

  test('check tells each problem by code, sentence and place', async () => {
    const rules = ruleSetFor('US', 'WIN');
    const file = fileOf('wrong.json', JSON.stringify([rules, { ...rules, takeout: '2' }]));
    expect((await run('check', file)).map((line) => JSON.parse(line) as unknown)).toEqual([
      { error: { code: 'INVALID_RULE', message: 'takeout must not be above 1.', at: '/1/takeout' } },
    ]);
    expect(process.exitCode).toBe(2);
    const twice = fileOf('twice.json', JSON.stringify([rules, rules]));
    expect((await run('check', twice))[0]).toContain('OVERLAPPING_DATES');
  });

  test.each([
    [['explain', 'XX'], 'Rule set "XX" is none of FR'],
    [['explain', 'FR', 'LOTTERY'], '"LOTTERY" is no pool type'],
    [['explain', 'FR@1999-01-01', 'WIN'], 'has no rules for WIN on that day'],
    [['diff', 'FR', 'US', 'nowhere.jsonl'], 'nowhere.jsonl cannot be read'],
    [['check', fileOf('no.json', '{')], 'is not JSON'],
  ])('%j is one clear sentence', async (words, sentence) => {
    await expect(run(...words)).rejects.toMatchObject({ lines: [expect.stringContaining(sentence)], exitCode: 2 });
  });
});
