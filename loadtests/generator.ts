/** The light generator as a process of its own, as loads and benchmarks start it: its flags stand in light.ts. */
import { execFile } from 'node:child_process';

/** Resolves to what it prints; rejects where it ends with a fault or has nothing accepted to tell. */
export function generate(flags: readonly string[]): Promise<string> {
  const args = ['--conditions=src', '--import', 'tsx', 'loadtests/light.ts', ...flags];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { maxBuffer: 1e8 }, (fault, out, said) =>
      fault ? reject(new Error(`${fault.message}\n${out}${said}`)) : resolve(out),
    );
  });
}
