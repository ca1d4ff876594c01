/** The packages: a lock file that fits, from no named host, and only licences that go with ours. */
import { describe, expect, test } from 'vitest';
import { textOf } from './files.js';

interface Lock {
  packages: Record<
    string,
    { license?: string; dev?: boolean; resolved?: string } & Partial<Record<Section, Record<string, string>>>
  >;
}
type Section = (typeof sections)[number];

const sections = ['dependencies', 'devDependencies'] as const;
const lock = JSON.parse(textOf('package-lock.json')) as Lock;
const manifest = JSON.parse(textOf('package.json')) as Partial<Record<Section, Record<string, string>>>;

/** Licences that ask for no more than their own text beside the program. */
const allowed = [
  'MIT',
  'Apache-2.0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'OFL-1.1',
  'Python-2.0',
];
/** Of tools that are never shipped: file-level copyleft and attribution do no harm there. */
const allowedForTools = [...allowed, 'MPL-2.0', 'CC-BY-3.0', 'CC0-1.0'];

describe('packages', () => {
  test('the lock file is the one of this manifest', () => {
    for (const section of sections) expect(lock.packages['']?.[section] ?? {}).toEqual(manifest[section] ?? {});
  });

  test('the lock file names no host', () => {
    const hosted = Object.entries(lock.packages).filter(([, entry]) => entry.resolved?.startsWith('http'));
    expect(hosted.map(([path]) => path)).toEqual([]);
  });

  test('versions are exact', () => {
    const loose = sections
      .flatMap((section) => Object.entries(manifest[section] ?? {}))
      .filter(([, version]) => !/^\d/.test(version));
    expect(loose).toEqual([]);
  });

  test('every licence is on the list', () => {
    const foreign = Object.entries(lock.packages)
      .filter(
        ([path, entry]) => path !== '' && !isAllowed(entry.license ?? 'none', entry.dev ? allowedForTools : allowed),
      )
      .map(([path, entry]) => `${path}: ${entry.license ?? 'none'}`);
    expect(foreign).toEqual([]);
  });

  test.each([
    ['MIT', true],
    ['MIT OR GPL-3.0', true],
    ['(MIT AND CC-BY-3.0)', false],
    ['GPL-3.0', false],
    ['none', false],
  ])('the licence %s counts as allowed: %s', (expression, expected) => {
    expect(isAllowed(expression, allowed)).toBe(expected);
  });
});

/** One of the alternatives must be free, and of a conjunction every part. */
function isAllowed(expression: string, list: string[]): boolean {
  const bare = expression.replace(/[()]/g, '');
  return bare.split(' OR ').some((alternative) => alternative.split(' AND ').every((part) => list.includes(part)));
}
