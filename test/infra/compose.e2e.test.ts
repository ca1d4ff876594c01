/**
 * What the container files would run, run natively: the commands, variables and probes of compose.yaml for the five roles on real
 * servers, and of the Dockerfile for the image by itself. One bet goes through; its trace reaches a collector from every role, each
 * role shows its metrics, and what dashboards and alerts name is in the scrapes.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { CATALOGUE, EXIT, type MetricFacts, RUNTIME_METRICS } from '#mutuel/platform';
import { freePort, up, wipe } from '../../infra/native/index.mjs';
import { DASHBOARDS } from '../../infra/observability/dashboards.js';
import { type Cast, castOf, Officials } from '../trust/officials.js';
import { imageFolder, readCompose, readDockerfile, type Service } from './containers.js';
import { type OtlpReceiver, startOtlpReceiver } from './otlp-receiver.js';
import { familyOf, namesIn } from './promql.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ROLES = ['engine', 'projector', 'odds', 'back-office', 'bet-api'] as const;
const INSTANCE = 'compose';
const TRACE = '5c0ffee5'.repeat(4);
const compose = readCompose();
const image = readDockerfile().at(-1);

/** A container's process, as a process. */
class Contained {
  readonly lines: string[] = [];
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;

  constructor(
    command: readonly string[],
    private readonly env: Readonly<Record<string, string>>,
    cwd = ROOT,
  ) {
    const [program = '', ...args] = command;
    this.#child = spawn(program, args, { cwd, env: { PATH: process.env['PATH'], ...env } });
    this.ended = new Promise((resolve) => this.#child.once('exit', resolve));
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream) createInterface({ input: stream }).on('line', (line) => this.lines.push(line));
  }

  get url(): string {
    return `http://127.0.0.1:${this.env['PORT']}`;
  }

  /** Runs the probe as the container engine would, until it says that all is well. */
  async healthy([kind, program = '', ...args]: readonly string[]): Promise<void> {
    expect(kind).toBe('CMD');
    const probe = (): Promise<boolean> =>
      new Promise((resolve) => {
        execFile(program, args, { env: { PATH: process.env['PATH'], ...this.env } }, (fault) => resolve(!fault));
      });
    while (!(await probe()))
      if (this.#child.exitCode !== null) throw new Error(`it ended while it was starting:\n${this.lines.join('\n')}`);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.#child.kill(signal);
    return this.ended;
  }
}

/** `ENV A=1 B=2` of the image. */
const imageEnv = Object.fromEntries(
  (image?.of('ENV') ?? []).flatMap((line) => line.split(' ').map((pair) => pair.split('=') as [string, string])),
);
const data = mkdtempSync(join(tmpdir(), 'mutuel-compose-'));
/** What differs on this machine: addresses, ports and the folder. */
const here = async (): Promise<Record<string, string>> => ({
  ...{ HOST: '127.0.0.1', PORT: String(await freePort()), GRPC_PORT: '0', DATA_DIR: data },
});

afterAll(() => rmSync(data, { recursive: true, force: true }));

describe('infra/compose.yaml, run natively', () => {
  const roles = new Map<string, Contained>();
  let collector: OtlpReceiver;
  let cast: Cast;
  const url = (): string => String(roles.get('bet-api')?.url);

  beforeAll(async () => {
    await wipe({ instance: INSTANCE });
    const servers = await up({ instance: INSTANCE });
    collector = await startOtlpReceiver();
    for (const role of ROLES) {
      const { command = [], environment = {} } = compose.services[role] as Service;
      const named = { ...servers, OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint };
      // Nothing is given that the file does not name.
      expect(Object.keys(named).filter((name) => !(name in environment))).toEqual([]);
      roles.set(role, new Contained(command, { ...imageEnv, ...environment, ...named, ...(await here()) }));
    }
    await Promise.all(ROLES.map((role) => roles.get(role)?.healthy(compose.services[role]?.healthcheck?.test ?? [])));
    cast = await castOf(url());
  });

  afterAll(async () => {
    await Promise.all([...roles.values()].map((role) => role.stop('SIGKILL')));
    await collector.close();
    await wipe({ instance: INSTANCE });
  });

  test('a bet is one trace through all five roles, its context in the records’ headers', async () => {
    const officials = new Officials(String(roles.get('back-office')?.url), cast.operators);
    const [raceId] = await officials.openMeeting('composed');
    await officials.close();
    await expect.poll(() => bet(raceId, false)).toBe(201);
    expect(await bet(raceId, true)).toBe(201);
    const found = () =>
      new Set(
        collector.spans.filter(({ traceId }) => traceId === TRACE).map(({ service, name }) => `${service}: ${name}`),
      );
    await expect
      .poll(found)
      .toEqual(
        new Set([
          'mutuel-bet-api: POST /v1/tickets',
          'mutuel-bet-api: command',
          'mutuel-bet-api: append shard.commands',
          'mutuel-engine: decide',
          'mutuel-engine: append shard.decisions',
          'mutuel-projector: project',
          'mutuel-odds+calculators: odds tick',
          'mutuel-odds+calculators: append odds',
          'mutuel-bet-api: feed',
          'mutuel-back-office: feed',
        ]),
      );
  });

  async function bet(raceId: string | undefined, isTraced: boolean): Promise<number> {
    const [account] = cast.accounts as unknown as { accountId: string; token: string }[];
    const win = {
      betRef: 'a',
      poolId: `${raceId}-WIN`,
      form: 'STRAIGHT',
      columns: [['1']],
      unitStake: 100,
      stake: 100,
    };
    const { status } = await fetch(`${url()}/v1/tickets`, {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/json', authorization: `Bearer ${account?.token}` },
        ...(isTraced ? { traceparent: `00-${TRACE}-${'1'.repeat(16)}-01` } : {}),
      },
      body: JSON.stringify({ ticketRef: v7(), accountId: account?.accountId, currency: 'EUR', bets: [win] }),
    });
    return status;
  }

  test('each role shows the metrics that the catalogue says, and dashboards and alerts find theirs', async () => {
    const all = new Set<string>();
    for (const role of ROLES) {
      const text = await (await fetch(`${roles.get(role)?.url}/metrics`)).text();
      const shown = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => String(match[1])));
      for (const name of shown) all.add(name);
      const facts: [string, MetricFacts][] = Object.entries(CATALOGUE);
      const wanted = facts.filter(([, { roles: of }]) => of.includes(role)).map(([name]) => name);
      expect(
        wanted.filter((name) => !shown.has(name) && !RARE.has(name)).map((name) => `${role} lacks ${name}`),
      ).toEqual([]);
      const ours = [...shown].filter((name) => name in CATALOGUE);
      expect(ours.filter((name) => !wanted.includes(name)).map((name) => `${role} shows ${name}`)).toEqual([]);
    }
    const isHistogram = (name: string): boolean =>
      (CATALOGUE as Readonly<Record<string, MetricFacts>>)[name]?.kind === 'histogram' ||
      name === 'nodejs_gc_duration_seconds';
    const asked = expressions().flatMap((expr) => namesIn(expr).metrics.map((metric) => familyOf(metric, isHistogram)));
    expect([...new Set(asked)].filter((name) => !all.has(name) && name !== 'up' && !RARE.has(name))).toEqual([]);
    expect(Object.keys(RUNTIME_METRICS).filter((name) => !all.has(name))).toEqual([]);
  });

  test('the crowd opens meetings and bets', async () => {
    const words = compose.services['crowd']?.command ?? [];
    const crowd = new Contained(
      words.map((word) => word.replace('http://bet-api:3000', url())),
      imageEnv,
    );
    const tickets = async (): Promise<number> => {
      const text = await (await fetch(`${url()}/metrics`)).text();
      const counts = text.matchAll(
        /^http_server_request_duration_seconds_count\{.*"\/v1\/tickets".*code="201"\} (\d+)$/gm,
      );
      return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
    };
    const before = await tickets();
    await expect.poll(tickets, { interval: 200 }).toBeGreaterThan(before + 3);
    expect(await crowd.stop()).toBe(0);
  });

  test('every line is an object that says which roles spoke, and holds no account', () => {
    for (const [role, { lines }] of roles) {
      const messages = lines.map((line) => JSON.parse(line) as { level: string; roles: string; message: string });
      expect(messages.some(({ message }) => message.includes(' at http://'))).toBe(true);
      expect(new Set(messages.map((line) => line.roles.split('+')[0]))).toEqual(new Set([role]));
      for (const account of cast.accounts as unknown as { accountId: string }[])
        expect(lines.join('\n')).not.toContain(account.accountId);
    }
  });

  test('a stop ends every role by itself, in the time that it is given', async () => {
    for (const role of [...ROLES].reverse()) {
      const grace = Number.parseInt(String(compose.services[role]?.stop_grace_period), 10) * 1_000;
      const impatience = setTimeout(() => void roles.get(role)?.stop('SIGKILL'), grace);
      expect(await roles.get(role)?.stop(), `${role}: ${roles.get(role)?.lines.slice(-3).join('\n')}`).toBe(0);
      clearTimeout(impatience);
    }
  });
});

describe('the Dockerfile, run natively', () => {
  const app = imageFolder();
  afterAll(() => rmSync(app, { recursive: true, force: true }));

  test('has all that its programs load, in packages that are shipped', async () => {
    expect(existsSync(join(app, 'node_modules/typescript'))).toBe(false);
    const env = { ...imageEnv, ...(await here()) };
    const programs = [...ROLES, 'standalone'].map((role) => [`dist/apps/${role}/src/main.js`, '--print-config']);
    const others = [
      ['bin/mutuel.mjs', 'rules', 'list'],
      ['bin/mutuel.mjs', 'topics', 'check'],
    ];
    const ends = [...programs, ...others].map(async (words) => {
      const program = new Contained(['node', ...words], env, app);
      return [words.join(' '), await program.ended, program.lines.at(-1)] as const;
    });
    for (const [words, code, last] of await Promise.all(ends))
      expect([words, code, last]).toEqual([words, words.endsWith('check') ? EXIT.SETTING : 0, expect.any(String)]);
  });

  test('its command starts the whole system, its probe says so, its signal stops it', async () => {
    const [probe = ''] = image?.of('HEALTHCHECK') ?? [];
    const test = JSON.parse(String(/CMD (\[.*\])$/.exec(probe)?.[1])) as string[];
    const folder = mkdtempSync(join(tmpdir(), 'mutuel-image-'));
    const [command = '[]'] = image?.of('CMD') ?? [];
    const system = new Contained(
      JSON.parse(command) as string[],
      { ...imageEnv, ...(await here()), DATA_DIR: folder },
      app,
    );
    await system.healthy(['CMD', ...test]);
    expect((await fetch(`${system.url}/health/live`)).status).toBe(200);
    const [signal] = image?.of('STOPSIGNAL') ?? [];
    expect(await system.stop(signal as NodeJS.Signals)).toBe(0);
    rmSync(folder, { recursive: true, force: true });
  });
});

/** What needs a fault, a gRPC call or a stop of betting before it shows. */
const RARE = new Set([
  'mutuel_tickets_held_total',
  'mutuel_log_append_failures_total',
  'mutuel_alarms_total',
  'rpc_server_call_duration_seconds',
]);

function expressions(): string[] {
  const alerts = parse(readFileSync(join(ROOT, 'infra/observability/alerts.yaml'), 'utf8')) as {
    groups: { rules: { expr: string }[] }[];
  };
  const panels = Object.values(DASHBOARDS).flatMap(({ rows }) => Object.values(rows).flat());
  return [
    ...alerts.groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
    ...panels.flatMap(({ series }) => Object.values(series)),
  ];
}
