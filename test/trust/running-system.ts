/**
 * A program of the project as a child process, for tests and benchmarks that kill it: started with flags and variables of their
 * own, known to be ready by its own word, ended by SIGKILL at any moment or asked to stop. It must never outlive its parent's test.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { createInterface } from 'node:readline';

export const STANDALONE = 'dist/apps/standalone/src/main.js';
/** The demo's accounts and operators, and nobody who bets by himself. */
export const QUIET = ['--no-crowd'] as const;

export interface StartOptions {
  readonly program?: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeFlags?: readonly string[];
  /** Whether it begins a session, as a supervisor's children do: Linux may share the processor between sessions first. It hears no Ctrl-C then. */
  readonly ownSession?: boolean;
}

/** The suites run with the servers' addresses in their environment; a child gets them only when it is told to. */
const SERVERS = new Set(['KAFKA_BROKERS', 'DATABASE_URL', 'REDIS_URL']);
const withoutServers = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !SERVERS.has(name)));
const READY_WITHIN_MS = 300_000;
/** A stop that takes longer than the system allows itself is ended by it, with a word about who was waited for. */
const STOP_WITHIN_MS = 120_000;
/** Lines of output kept. */
const KEPT_LINES = 400;
/** Of those, what the message of a failure shows. */
const SHOWN_LINES = 40;

export class RunningSystem {
  /** Where it answers, without a slash at the end. */
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  readonly #output: readonly string[];
  /** Emits `line` with each line that it says. */
  readonly #voice: EventEmitter;

  private constructor(
    url: string,
    running: { child: ChildProcess; ended: Promise<number | null>; output: readonly string[]; voice: EventEmitter },
  ) {
    this.url = url;
    this.#child = running.child;
    this.#ended = running.ended;
    this.#output = running.output;
    this.#voice = running.voice;
  }

  /** Resolves once it says where it is and answers that it is ready; throws with its last words when it ends before. */
  static async start(options: StartOptions): Promise<RunningSystem> {
    const { program = STANDALONE, args, env = {}, nodeFlags = [], ownSession = false } = options;
    const child = spawn(process.execPath, [...nodeFlags, program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...withoutServers(process.env), ...env },
      detached: ownSession,
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const output: string[] = [];
    const voice = new EventEmitter();
    const ready = new Promise<string>((resolve, reject) => {
      const fail = (what: string): void =>
        reject(new Error(`${program} ${what}:\n${output.slice(-SHOWN_LINES).join('\n')}`));
      const impatience = setTimeout(() => fail(`is not ready after ${READY_WITHIN_MS / 1_000} s`), READY_WITHIN_MS);
      const hear = (line: string): void => {
        if (output.push(line) > KEPT_LINES) output.shift();
        voice.emit('line', line);
        // In production the line stands inside JSON.
        const url = /^(?:Ready:|.* at) (http:[^\s"]+?)\/?(?:"\})?$/u.exec(line)?.[1];
        if (url === undefined) return;
        clearTimeout(impatience);
        resolve(url);
      };
      for (const stream of [child.stdout, child.stderr])
        if (stream) createInterface({ input: stream }).on('line', hear);
      void ended.then((code) => {
        clearTimeout(impatience);
        fail(`ended with code ${code} while it was starting`);
      });
    });
    try {
      const url = await ready;
      await untilReady(url, child);
      return new RunningSystem(url, { child, ended, output, voice });
    } catch (failure) {
      child.kill('SIGKILL');
      throw failure;
    }
  }

  /** What it said lately, on both streams. */
  get said(): string {
    return this.#output.join('\n');
  }

  /** Its exit code once it is over, whoever ended it; null after a signal. */
  get ended(): Promise<number | null> {
    return this.#ended;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** As a power cut would: nothing of it runs any more when this resolves. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** What the engine in it has led until now is hashed; resolves once the hash is in each of its logs. */
  async askCheckpoints(): Promise<void> {
    const taken = new Promise<void>((resolve, reject) => {
      const hear = (line: string): void => {
        if (!line.includes('Checkpoint of ')) return;
        this.#voice.off('line', hear);
        resolve();
      };
      this.#voice.on('line', hear);
      void this.#ended.then((code) => reject(new Error(`it ended with code ${code} instead:\n${this.said}`)));
    });
    this.#child.kill('SIGUSR2');
    await taken;
  }

  /** Nothing of it runs until `resume`, and nobody is told. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** Asks it to stop. Resolves to its exit code; throws when it has to be killed for it. */
  async stop(withinMs = STOP_WITHIN_MS): Promise<number | null> {
    this.#child.kill('SIGTERM');
    let impatience: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      impatience = setTimeout(() => resolve('late'), withinMs);
    });
    const ended = await Promise.race([this.#ended, late]);
    clearTimeout(impatience);
    if (ended !== 'late') return ended;
    await this.kill();
    throw new Error(`the system did not stop within ${withinMs / 1_000} s:\n${this.said}`);
  }
}

export interface Ending {
  readonly code: number | null;
  /** Both streams. */
  readonly lines: readonly string[];
}

const END_WITHIN_MS = 300_000;

/** Runs a program to its end; one that does not end is killed, and its code is null. */
export async function runToEnd({
  program = STANDALONE,
  args,
  env = {},
  nodeFlags = [],
}: StartOptions): Promise<Ending> {
  const child = spawn(process.execPath, [...nodeFlags, program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...withoutServers(process.env), ...env },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (part) => {
      text += String(part);
    });
  const impatience = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(impatience);
  return { code, lines: text.split('\n').filter((line) => line !== '') };
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const until = Date.now() + READY_WITHIN_MS;
  let last = '';
  while (Date.now() < until && child.exitCode === null) {
    const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
    if (answer?.ok) return;
    last = (await answer?.text()) ?? last;
    await new Promise((wake) => setTimeout(wake, 50));
  }
  throw new Error(`${url} did not become ready: ${last}`);
}
