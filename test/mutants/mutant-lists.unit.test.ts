import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mutants as simulated } from '../simulation/mutant-list.js';
import { mutants as priced } from './tote-mutants.js';

const libs = resolve(import.meta.dirname, '../../libs');

/** Each list in the words of one: what stands where, and what it becomes. */
const lists = [
  {
    list: 'the simulation’s mutants',
    all: simulated.map(({ name, file, from, to }) => ({ name, path: join(libs, file), from, to })),
  },
  {
    list: 'the mutants of the first calculator',
    all: priced.map(({ rule, file, find, replace }) => ({
      ...{ name: rule, path: join(libs, 'tote/src', file), from: find, to: replace },
    })),
  },
];

describe.each(lists)('$list', ({ all }) => {
  it('each replace what stands exactly once in their source', () => {
    const gone = all.filter(({ path, from }) => readFileSync(path, 'utf8').split(from).length !== 2);
    expect(gone.map(({ name, from }) => `${name}: ${from}`)).toEqual([]);
  });

  it('each change it, and none is there twice', () => {
    expect(all.filter(({ from, to }) => from === to)).toEqual([]);
    const changes = all.map(({ path, from, to }) => `${path}: ${from} -> ${to}`);
    expect(new Set(changes).size).toBe(changes.length);
  });
});
