/**
 * What a process loads before its first line: all that a role never uses is time in which it does not decide. Counted in modules, not
 * in seconds.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

interface Coverage {
  readonly result: readonly { readonly url: string }[];
}

/** The packages of which the program has run a module when it has read its settings. */
function packagesOf(role: string): ReadonlySet<string> {
  const folder = mkdtempSync(join(tmpdir(), 'mutuel-modules-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const env = { ...process.env, NODE_V8_COVERAGE: folder };
  execFileSync(process.execPath, [`dist/apps/${role}/src/main.js`, '--print-config'], { env });
  const reports = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Coverage);
  const urls = reports.flatMap(({ result }) => result.map(({ url }) => url));
  const names = urls.map((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]);
  return new Set(names.filter((name) => name !== undefined));
}

it('loads the clients of Redis and of traces, gRPC and the console where they are used, and not with every role', () => {
  const loaded = packagesOf('engine');
  expect(loaded).toContain('kafkajs');
  const spared = ['@redis/client', '@grpc/grpc-js', '@opentelemetry/exporter-trace-otlp-http', '@fastify/static'];
  expect(spared.filter((name) => loaded.has(name))).toEqual([]);
});
