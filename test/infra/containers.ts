/** What the container files say, read for tests: services with their commands, variables and probes; a Dockerfile's stages. */
import { readFileSync } from 'node:fs';
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
