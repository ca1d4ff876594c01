/** The container files, without a container engine: the compose file by the official schema, both by what the project is. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { nodeFlags } from '../../infra/workspace.mjs';
import { COMPOSE_FILE, DOCKERFILE, flagsOf, programOf, readCompose, readDockerfile } from './containers.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const compose = readCompose();
const services = Object.entries(compose.services);
const ROLES = ['engine', 'projector', 'odds', 'back-office', 'bet-api'];

/** Faults of the compose schema, and of the file itself; style is not asked for. */
const lint = (file: string) =>
  spawnSync(process.execPath, [join(root, 'node_modules/.bin/dclint'), '--quiet', file], { encoding: 'utf8' });

describe('infra/compose.yaml', () => {
  test('holds to the compose schema', () => {
    const { status, stdout, stderr } = lint(COMPOSE_FILE);
    expect((stdout + stderr).trim()).toBe('');
    expect(status).toBe(0);
  });

  test('and the check fires on a file that does not', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mutuel-compose-'));
    const file = join(folder, 'compose.yaml');
    writeFileSync(file, readFileSync(COMPOSE_FILE, 'utf8').replace('stop_grace_period: 15s', 'stop_grace: 15s'));
    expect(lint(file).status).not.toBe(0);
    rmSync(folder, { recursive: true });
  });

  test('runs the five roles and what they stand on, each with a probe', () => {
    expect(services.map(([name]) => name)).toEqual(
      expect.arrayContaining(['kafka', 'postgres', 'redis', ...ROLES, 'collector', 'jaeger', 'prometheus', 'grafana']),
    );
    for (const name of ['kafka', 'postgres', 'redis', ...ROLES])
      expect(compose.services[name]?.healthcheck).toBeDefined();
  });

  test.each(ROLES)('%s starts a program that there is, as nobody special and on a read-only disk', (role) => {
    const service = compose.services[role];
    expect(programOf(service?.command ?? [])).toBe(`apps/${role}/src/main.ts`);
    expect(existsSync(join(root, `apps/${role}/src/main.ts`))).toBe(true);
    expect(flagsOf(service?.command ?? [])).toEqual(nodeFlags);
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
  });

  test('starts the crowd with flags that it takes', () => {
    const [, , ...words] = compose.services['crowd']?.command ?? [];
    expect(programOf(compose.services['crowd']?.command ?? [])).toBe('apps/demo/src/main.ts');
    const known = readFileSync(join(root, 'apps/demo/src/main.ts'), 'utf8');
    expect(words.filter((_, i) => i % 2 === 0).map((flag) => flag.replace(/^--/, ''))).toEqual(['url', 'rate']);
    for (const flag of ['url', 'rate']) expect(known).toContain(`    ${flag}: { type: 'string'`);
    expect(words[1]).toBe(`http://bet-api:${compose.services['bet-api']?.environment?.['PORT']}`);
  });

  test('names every image by its version', () => {
    const loose = services.filter(([, { image }]) => !/^[\w./-]+:(v?\d[\w.-]*|local)$/.test(image ?? ''));
    expect(loose.map(([name]) => name)).toEqual([]);
  });

  test('publishes ports on this machine alone', () => {
    expect(services.flatMap(([, { ports = [] }]) => ports).filter((port) => !port.startsWith('127.0.0.1:'))).toEqual(
      [],
    );
  });

  test('mounts files that there are', () => {
    const files = services.flatMap(([, { volumes = [] }]) => volumes).filter((volume) => volume.startsWith('./'));
    expect(files.length).toBeGreaterThan(4);
    const missing = files.filter((volume) => !existsSync(join(root, 'infra', String(volume.split(':')[0]))));
    expect(missing).toEqual([]);
  });

  test('gives Kafka the settings that the event log relies on', () => {
    expect(compose.services['kafka']?.environment).toMatchObject({
      KAFKA_LOG_MESSAGE_TIMESTAMP_TYPE: 'LogAppendTime',
      KAFKA_LOG_CLEANUP_POLICY: 'delete',
      KAFKA_LOG_RETENTION_MS: '-1',
      KAFKA_LOG_RETENTION_BYTES: '-1',
      KAFKA_UNCLEAN_LEADER_ELECTION_ENABLE: 'false',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
    });
    // By itself the image keeps the log in /tmp, which goes with the container.
    expect(compose.services['kafka']?.volumes).toEqual([
      `kafka:${compose.services['kafka']?.environment?.['KAFKA_LOG_DIRS']}`,
    ]);
    const native = readFileSync(join(root, 'infra/kafka/pom.xml'), 'utf8');
    expect(compose.services['kafka']?.image).toBe(`apache/kafka:${/<kafka\.version>([^<]+)</.exec(native)?.[1]}`);
  });

  test('has every role scraped by Prometheus, and spans sent to the collector', () => {
    const prometheus = readFileSync(join(root, 'infra/observability/prometheus.yaml'), 'utf8');
    const { scrape_configs: scrapes } = parse(prometheus) as {
      scrape_configs: { job_name: string; dns_sd_configs: { names: string[]; port: number }[] }[];
    };
    expect(scrapes[0]?.dns_sd_configs[0]).toMatchObject({ names: ROLES, port: 3000 });
    for (const role of ROLES)
      expect(compose.services[role]?.environment).toMatchObject({
        PORT: '3000',
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      });
  });
});

describe('Dockerfile', () => {
  const stages = readDockerfile();
  const last = stages.at(-1);

  test('builds in stages, and runs as an ordinary user what they made', () => {
    expect(stages.length).toBe(3);
    expect(last?.of('USER')).toEqual(['node']);
    expect(last?.of('COPY').filter((copy) => copy.includes('--from='))).toHaveLength(4);
    expect(last?.of('RUN').join()).not.toMatch(/npm|apt/);
  });

  test('starts a program that there is, with a probe, and keeps no secret', () => {
    const [command = '[]'] = last?.of('CMD') ?? [];
    expect(existsSync(join(root, programOf(JSON.parse(command) as string[])))).toBe(true);
    expect(flagsOf(JSON.parse(command) as string[])).toEqual(nodeFlags);
    expect(last?.of('HEALTHCHECK')).toHaveLength(1);
    expect(readFileSync(DOCKERFILE, 'utf8')).not.toMatch(/(KEY|TOKEN|PASSWORD)=/);
  });

  test('is given nothing that it must make itself, or that is nobody’s business', () => {
    const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
    expect(ignored).toEqual(expect.arrayContaining(['.git', 'node_modules', 'dist', 'var']));
    const wanted = stages.flatMap((stage) => stage.of('COPY')).filter((copy) => !copy.includes('--from='));
    for (const copy of wanted)
      for (const file of copy.split(' ').slice(0, -1)) expect(existsSync(join(root, file)), file).toBe(true);
  });
});
