/**
 * What the container files say, read for tests: services with their commands, variables and probes; a Dockerfile's stages, and the folder
 * that its last one would run in.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const COMPOSE_FILE = fileURLToPath(new URL('../../infra/compose.yaml', import.meta.url));
export const DOCKERFILE = fileURLToPath(new URL('../../Dockerfile', import.meta.url));

export interface Service {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test?: readonly string[] };
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly stop_grace_period?: string;
}

export function readCompose(): { readonly services: Readonly<Record<string, Service>> } {
  return parse(readFileSync(COMPOSE_FILE, 'utf8'), { merge: true }) as ReturnType<typeof readCompose>;
}

export interface Stage {
  /** The arguments of all its instructions of one kind. */
  of(instruction: string): readonly string[];
}

/** Stages from first to last; an instruction that goes on over lines is one. */
export function readDockerfile(): readonly Stage[] {
  const text = readFileSync(DOCKERFILE, 'utf8')
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ');
  const lines = text.split('\n').flatMap((line) => {
    const [, instruction, rest] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? [];
    return instruction === undefined ? [] : [{ instruction, rest: String(rest) }];
  });
  const stages: (typeof lines)[] = [];
  for (const line of lines) {
    if (line.instruction === 'FROM') stages.push([]);
    stages.at(-1)?.push(line);
  }
  return stages.map((stage) => ({
    of: (wanted) => stage.filter(({ instruction }) => instruction === wanted).map(({ rest }) => rest),
  }));
}

const ROOT = dirname(DOCKERFILE);

/**
 * Where the image's program would run: what the last stage copies and nothing else, of packages those alone that its stage installs
 * (`--omit=dev`). Files are links to ours: nobody may write into it.
 */
export function imageFolder(): string {
  const stages = readDockerfile();
  const stageOf = (name: string) => stages.find((stage) => stage.of('FROM')[0]?.endsWith(` AS ${name}`));
  mkdirSync(join(ROOT, 'var'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'var', 'image-'));
  for (const copy of stages.at(-1)?.of('COPY') ?? []) {
    const [, from, words = ''] = /^(?:--from=(\w+) )?(.*)$/.exec(copy) ?? [];
    const paths = words.split(' ');
    const to = join(folder, paths.pop() ?? '');
    for (const path of paths.map((one) => one.replace(/^\/app\//, ''))) {
      if (
        from !== undefined &&
        stageOf(from)
          ?.of('RUN')
          .some((run) => run.includes('--omit=dev'))
      ) {
        if (path !== 'node_modules') throw new Error(`not only packages: ${copy}`);
        link(['--parents', ...shippedPackages()], folder);
      } else {
        // A folder that is named is what is copied; one that ends with a slash is where to.
        mkdirSync(copy.endsWith('/') ? to : dirname(to), { recursive: true });
        link([path], copy.endsWith('/') || paths.length > 1 ? join(to, basename(path)) : to);
      }
    }
  }
  return folder;
}

/** Of the lock file those that are not for development; what belongs to another platform is not here. */
function shippedPackages(): string[] {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { readonly dev?: boolean }>;
  };
  return Object.entries(packages)
    .filter(([path, { dev }]) => /^node_modules\/(?!.*node_modules)/.test(path) && !dev && existsSync(join(ROOT, path)))
    .map(([path]) => path);
}

function link(words: readonly string[], to: string): void {
  const { status, stderr } = spawnSync('cp', ['-al', ...words, to], { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** The source of a compiled program that a command starts: `dist/apps/odds/src/main.js` → `apps/odds/src/main.ts`. */
export function programOf(command: readonly string[]): string {
  const [runtime, ...words] = command;
  const program = words[flagsOf(command).length] ?? '';
  if (runtime !== 'node' || !program.startsWith('dist/'))
    throw new Error(`not a program of ours: ${command.join(' ')}`);
  return program.replace(/^dist\//, '').replace(/\.js$/, '.ts');
}

/** The flags of Node in a command, before its program. */
export function flagsOf([, ...words]: readonly string[]): readonly string[] {
  const end = words.findIndex((word) => !word.startsWith('--'));
  return end < 0 ? words : words.slice(0, end);
}
