/** The project's own files as git sees them: tracked ones and new ones, not what is ignored or deleted. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');

/** Paths from the root, sorted as git lists them. */
export function projectFiles(): string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const output = execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return [...new Set(output.split('\0'))].filter((path) => path !== '' && existsSync(join(root, path)));
}

export function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Hand-written code: what the rules about style and honesty look at. */
export function isCode(path: string): boolean {
  return /\.(ts|tsx|mts|mjs|js|cjs)$/.test(path) && !path.includes('/fixtures/');
}
