/**
 * A process from its first line to its exit code: reads the configuration, starts the roles, waits for a signal or a fault, stops in
 * time. Whatever is wrong at the start is said in one line each. It must never hang on the way out.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type System, startSystem } from './compose.js';
import { type Config, maskedConfig, type Role, readConfig } from './config.js';
import { EXIT, exitCodeOf, StartFault } from './start-fault.js';
import { logFormatOf, type Voice, voiceOf } from './telemetry/log-lines.js';

export interface RunOptions {
  readonly roles: readonly Role[];
  /** Whether the demo runs where no flag says otherwise. */
  readonly demoByDefault?: boolean;
  readonly args?: readonly string[];
}

/** What a stop may take, a start's end included, before the process ends anyway. */
const STOP_MS = 10_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs until a signal comes or a part dies; sets the exit code. */
export async function run({ roles, demoByDefault = false, args = process.argv.slice(2) }: RunOptions): Promise<void> {
  const voice = voiceOf({ format: logFormatOf(process.env), roles: roles.join('+') });
  // What Node has to say about the process is a line like every other.
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => voice.warn(`${name}: ${message}`));
  // What nobody has caught has left something half done: the process says so in its own words, and does not go on.
  process.on('uncaughtException', (fault) => {
    for (const line of linesOf(fault)) voice.warn(`Stopped for good: ${line}`);
    process.exit(exitCodeOf(fault));
  });
  let system: System | undefined;
  let isAsked = false;
  // The process ends in any case: what was acknowledged is in the log.
  const endInTime = (): void => void setTimeout(() => endAnyway(system, voice), STOP_MS).unref();
  let asked: () => void = () => undefined;
  const signal = new Promise<void>((resolve) => {
    asked = () => {
      isAsked = true;
      if (system === undefined) {
        voice.say(`Told to stop: it ends once it has started, after ${STOP_MS / 1_000} s at the latest.`);
        process.exitCode = 0;
      }
      endInTime();
      resolve();
    };
  });
  for (const name of SIGNALS) process.once(name, () => asked());
  try {
    const config = readConfig({ args, env: process.env, demoByDefault });
    if (config.printConfig) return console.log(JSON.stringify(maskedConfig(config), null, 2));
    system = await startSystem(config, roles, voice);
    // Nobody is sent to what is about to stop.
    const crowd = isAsked ? undefined : open(config, roles, system, voice);
    const fault = await Promise.race([system.failed, signal]);
    if (fault) {
      for (const line of linesOf(fault)) voice.warn(`Stopped for good: ${line}`);
      process.exitCode = exitCodeOf(fault);
      endInTime();
    }
    await crowd?.();
    await system.stop();
    process.exit(process.exitCode ?? 0);
  } catch (fault) {
    for (const line of linesOf(fault)) voice.warn(line);
    process.exit(exitCodeOf(fault));
  }
}

/** Says where the system is, and lets the demo's crowd in. */
function open(
  config: Config,
  roles: readonly Role[],
  { url }: System,
  voice: Voice,
): (() => Promise<void>) | undefined {
  const crowd = config.demo && config.crowd && roles.includes('demo') ? startCrowd(config, url, voice) : undefined;
  voice.say(`${roles.length > 2 ? 'Mutuel' : roles.join(' and ')} at ${url}`);
  return crowd;
}

/** A stack only for what nobody has thought of. */
function linesOf(fault: unknown): readonly string[] {
  if (fault instanceof StartFault) return fault.lines;
  if (!(fault instanceof Error)) return [String(fault)];
  return [exitCodeOf(fault) === EXIT.FAULT ? (fault.stack ?? fault.message) : fault.message];
}

function endAnyway(system: System | undefined, voice: Voice): void {
  const still = system === undefined ? 'the start' : (system.stopping() ?? 'the crowd');
  voice.warn(`Not stopped after ${STOP_MS / 1_000} s: ${still} still runs; the process ends.`);
  process.exit(process.exitCode ?? EXIT.FAULT);
}

/** The demo's crowd is a client like any other, in a process of its own. */
function startCrowd(config: Config, url: string, voice: Voice): () => Promise<void> {
  const program = fileURLToPath(new URL('../../../apps/demo/src/main.js', import.meta.url));
  const { rate, every, races, seed, countries, card } = config;
  const settings = Object.entries({ url, rate, every, races, seed, countries, card });
  const args = settings.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]));
  const child = fork(program, args, { detached: true, stdio: 'inherit' });
  let stopping = false;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    if (child.pid === undefined) resolve();
  });
  child.once('exit', (code) => {
    if (!stopping) voice.warn(`The demo's crowd has ended (code ${code ?? 'none'}); the system goes on without it.`);
  });
  // No process to be had, or one that cannot be told: no reason for the system to end.
  child.on('error', (fault) => voice.warn(`The demo's crowd: ${fault.message}; the system goes on without it.`));
  return async () => {
    stopping = true;
    child.kill('SIGTERM');
    await ended;
  };
}
