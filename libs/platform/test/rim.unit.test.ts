/** What stands at the rim, without a system behind it: codes, problems, bodies, validation, tokens, settings, orders. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { ArgumentsHost } from '@nestjs/common';
import fc from 'fast-check';
import { createSigner } from 'fast-jwt';
import { v7 } from 'uuid';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openCommand, type ServiceKey, signCommand } from '#mutuel/contracts';
import { type Principal, Tokens } from '../src/auth.js';
import { maskedConfig, ROLES, type Role, readConfig, requireProduction } from '../src/config.js';
import { meetingOf } from '../src/desk.js';
import { ALL_CONTROLLERS } from '../src/http/api-module.js';
import { asyncapiDocument } from '../src/http/asyncapi.js';
import { openapiDocument, routesOf } from '../src/http/openapi.js';
import { ProblemFilter } from '../src/http/rim.js';
import { readJsonBody } from '../src/json-body.js';
import { kafkaOf } from '../src/kafka-connection.js';
import { type Keys, readKeys } from '../src/keys.js';
import { placeCommand } from '../src/orders.js';
import { Problem, problemBody, refusalOf } from '../src/problem.js';
import { errorsDocument, PROBLEM_CODES } from '../src/problem-codes.js';
import { randomId } from '../src/random-ids.js';
import { RecentTickets } from '../src/recent-tickets.js';
import { cardSchema, ticketSchema } from '../src/schemas.js';
import { StartFault } from '../src/start-fault.js';
import { validate } from '../src/validate.js';
import { cardOf } from './support/system.js';

const root = new URL('../../../', import.meta.url);

describe('the table of codes', () => {
  const given = ['engine', 'tote'].flatMap((lib) => {
    const folder = new URL(`libs/${lib}/src/`, root);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      // Defects of a rule set are sentences behind one code of the interface.
      .filter((name) => name.endsWith('.ts') && name !== 'rule-set-check.ts');
    return files.flatMap((name) => {
      const text = readFileSync(new URL(name, folder), 'utf8');
      const found = text.matchAll(/(?:\brefuse(?:<\w+>)?\(\s*|\bcode: )'([A-Z][A-Z_]+)'/g);
      return [...found].map(([, code]) => code as string);
    });
  });

  test('knows every refusal that the deciders can give', () => {
    expect(new Set(given).size).toBeGreaterThan(40);
    expect([...new Set(given)].filter((code) => !(code in PROBLEM_CODES)).sort()).toEqual([]);
  });

  test('is the documentation', () => {
    expect(readFileSync(new URL('docs/ERRORS.md', root), 'utf8')).toBe(errorsDocument());
  });

  test('never lets a time-out read as final', () => {
    for (const code of [
      'OUTCOME_UNKNOWN',
      'DEADLINE_EXCEEDED',
      'SERVICE_UNAVAILABLE',
      'INTERNAL',
      'WRONG_SHARD',
    ] as const)
      expect(PROBLEM_CODES[code].retry).toBe('SAME_KEY');
  });
});

describe('a problem', () => {
  test('carries type, title, status, code, sentence, retry and correlation', () => {
    const problem = refusalOf({ code: 'POOL_CLOSED', detail: 'Betting has stopped.', pointer: '/bets/0/poolId' });
    expect(problemBody(problem, 'c-1')).toEqual({
      type: 'https://mutuel.example/problems/pool-closed',
      title: 'The pool is closed',
      status: 422,
      code: 'POOL_CLOSED',
      detail: 'Betting has stopped.',
      retry: 'NEW_KEY',
      correlationId: 'c-1',
      errors: [{ pointer: '/bets/0/poolId', code: 'POOL_CLOSED', detail: 'Betting has stopped.' }],
    });
  });
});

describe('a fault behind a route', () => {
  test.each([
    ['a database that is away', Object.assign(new Error('timeout'), { retriable: true }), 503, 'SERVICE_UNAVAILABLE'],
    ['anything unexpected', new Error('a bug'), 500, 'INTERNAL'],
  ])('%s is told with nothing of its inside', (_, fault, status, code) => {
    const sent: { status?: number; body?: unknown } = {};
    const reply = {
      header: () => reply,
      status: (given: number) => {
        sent.status = given;
        return reply;
      },
      send: (body: unknown) => Object.assign(sent, { body }),
    };
    const http = { getRequest: () => ({ id: 'c-1', url: '/v1/accounts/a' }), getResponse: () => reply };
    const filter = new ProblemFilter({ page: () => false, onFault: () => undefined }, () => []);
    filter.catch(fault, { switchToHttp: () => http } as unknown as ArgumentsHost);
    expect(sent).toMatchObject({ status, body: { status, code } });
    expect(JSON.stringify(sent)).not.toContain(fault.message);
  });
});

describe('a body', () => {
  test('reads as JSON.parse reads it, whatever it holds, where nothing is ambiguous', () => {
    const name = fc.string({ maxLength: 6 }).filter((text) => text !== '__proto__');
    const leaf = fc.oneof(fc.maxSafeInteger(), fc.boolean(), fc.constant(null), fc.string());
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('node'), { maxLength: 4 }),
        fc.dictionary(name, tie('node'), { maxKeys: 4 }),
      ),
    })).node;
    fc.assert(
      fc.property(value, fc.boolean(), (one, spaced) => {
        const text = JSON.stringify(one, null, spaced ? 2 : 0);
        expect(readJsonBody(Buffer.from(text))).toEqual(JSON.parse(text));
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['{"a":1,"a":2}', '/a'],
    ['{"a":[{"b":0},{"c":1,"b":2,"c":3}]}', '/a/1/c'],
    ['{"a/b":{"~":1,"~":2}}', '/a~1b/~0'],
    ['[1, 2, 3.0]', '/2'],
    ['{"x":{"y":[0,-1e3]}}', '/x/y/1'],
    ['9007199254740992', ''],
  ])('%s is refused at %s', (text, pointer) => {
    const fault = faultOf(() => readJsonBody(Buffer.from(text)));
    expect(fault.errors[0]?.pointer).toBe(pointer);
  });
});

function faultOf(act: () => unknown): Problem {
  try {
    act();
  } catch (fault) {
    if (fault instanceof Problem) return fault;
    throw fault;
  }
  throw new Error('nothing was refused');
}

describe('an order', () => {
  const body = (change: object = {}) => ({
    ticketRef: v7(),
    accountId: 'acc-1',
    currency: 'EUR',
    atomic: true,
    bets: [
      { betRef: 'a', poolId: 'R1-WIN', form: 'STRAIGHT', columns: [['4']], unitStake: 100, stake: 100, ...change },
    ],
  });

  test('hashes what is asked for, not how it was written; the blind is fresh', () => {
    const [a, b] = [body(), body()].map((one) => placeCommand(validate(ticketSchema, one), 'web'));
    expect(a?.body).toBe(b?.body);
    expect(a?.blind).not.toBe(b?.blind);
    const { atomic: _, ...short } = body();
    expect(placeCommand(validate(ticketSchema, short), 'web').body).toBe(a?.body);
    for (const change of [{ stake: 200 }, { columns: [['5']] }, { betRef: 'b' }, { poolId: 'R1-PLACE' }])
      expect(placeCommand(validate(ticketSchema, body(change)), 'web').body).not.toBe(a?.body);
  });

  test.each([
    [{ form: 'STRAIGHT', columns: [['4'], ['7']] }, '4>7'],
    [{ form: 'WHEEL', columns: [['4'], ['7', '1'], ['ALL']] }, '4>7,1>ALL'],
    [{ form: 'BOX', columns: undefined, runners: ['4', '7', '1'] }, 'BOX:4,7,1'],
    [{ form: 'KEY', columns: undefined, bases: ['4'], associated: ['1', '2'] }, 'KEY:4|1,2'],
    [{ columns: [['4'], ['7'], ['1']], complement: ['9'] }, '4>7>1+9'],
  ])('writes %j as %s', (change, text) => {
    expect(placeCommand(validate(ticketSchema, body(change)), 'web').bets[0]?.sel).toBe(text);
  });
});

describe('a report', () => {
  const parts = [
    { poolId: 'R1-WIN', columns: [['4']] },
    { poolId: 'R2-EXACTA', columns: [['4', '1'], ['7']], quarters: 2 },
  ];
  const report = (change: object = {}) => ({
    ...{ ticketRef: v7(), accountId: 'acc-1', currency: 'EUR' },
    bets: [{ betRef: 'a', parts, unitStake: 100, stake: 100, ...change }],
  });

  test('is its first bet and those to come, with or without its form', () => {
    const order = { ref: 'a', pool: 'R1-WIN', sel: '4', unit: 100, stake: 100 };
    const next = [{ pool: 'R2-EXACTA', sel: '4,1>7', quarters: 2 }];
    for (const change of [{}, { form: 'REPORT' }])
      expect(placeCommand(validate(ticketSchema, report(change)), 'web').bets).toEqual([{ ...order, next }]);
  });

  test.each([
    ['a pool beside its parts', { poolId: 'R1-WIN' }, '/bets/0/poolId'],
    ['another form', { form: 'BOX' }, '/bets/0/form'],
    ['one part', { parts: parts.slice(0, 1) }, '/bets/0/parts'],
    ['five quarters', { parts: [parts[0], { ...parts[1], quarters: 5 }] }, '/bets/0/parts/1/quarters'],
    ['its form alone', { parts: undefined, form: 'REPORT' }, '/bets/0/parts'],
    ['nothing at all', { parts: undefined }, '/bets/0/poolId'],
  ])('is refused with %s', (_says, change, pointer) => {
    const problem = faultOf(() => validate(ticketSchema, report(change)));
    expect(problem.errors.map((one) => one.pointer)).toContain(pointer);
  });
});

describe('a card', () => {
  test('becomes the market’s: rule sets spelled out, pools named, times as numbers', () => {
    const meeting = meetingOf(validate(cardSchema, cardOf('M1')));
    const [race] = meeting.races;
    expect(race?.postTime).toBe(Date.parse('2026-11-22T15:00:00Z'));
    expect(race?.pools.map(({ poolId, ruleSet }) => [poolId, ruleSet.name, ruleSet.poolType])).toEqual([
      ['M1-C1-WIN', 'FR', 'WIN'],
      ['M1-C1-PLACE', 'FR', 'PLACE'],
      ['M1-C1-QUINELLA', 'FR', 'QUINELLA'],
      ['M1-C1-TRIFECTA', 'FR', 'TRIFECTA'],
    ]);
  });

  test('with a broken rule set of its own is refused at the field', () => {
    const card = cardOf('M1');
    const [race] = card.races;
    race?.pools.splice(0, 4, { type: 'WIN', ruleSet: { id: 'X' } as unknown as string });
    expect(faultOf(() => validate(cardSchema, card)).errors.length).toBeGreaterThan(0);
  });
});

describe('a token', () => {
  const key = Buffer.alloc(32, 7);
  const holder: Principal = { subject: 'p', accounts: ['acc-1'], roles: [], channel: 'web', device: 'd' };
  const at = (ms: number) => new Tokens(key, () => ms);

  test('says who it is, each time', () => {
    const tokens = at(1_000);
    const header = `Bearer ${tokens.sign(holder)}`;
    expect(tokens.bearer(header)).toEqual(holder);
    expect(tokens.bearer(header)).toEqual(holder);
  });

  test('is worth nothing after its time, under another key, or changed', () => {
    const token = at(1_000_000).sign(holder, 2_000);
    expect(at(1_999_000).bearer(`Bearer ${token}`)).toEqual(holder);
    const attempts = [
      () => at(2_001_000).bearer(`Bearer ${token}`),
      () => new Tokens(Buffer.alloc(32, 8), () => 0).bearer(`Bearer ${token}`),
      () => at(0).bearer(`Bearer ${token.slice(0, -2)}`),
      () => at(0).bearer(`Basic ${token}`),
    ];
    for (const attempt of attempts) expect(attempt).toThrow(expect.objectContaining({ code: 'NOT_AUTHENTICATED' }));
  });

  test.each([
    ['of another issuer', { iss: 'somebody', sub: 'p', jti: 'd' }, 'HS256'],
    ['of no issuer', { sub: 'p', jti: 'd' }, 'HS256'],
    ['that is not valid yet', { iss: 'mutuel', sub: 'p', jti: 'd', nbf: 2_000 }, 'HS256'],
    ['of nobody', { iss: 'mutuel', jti: 'd' }, 'HS256'],
    ['signed another way', { iss: 'mutuel', sub: 'p', jti: 'd' }, 'HS512'],
  ] as const)('%s is worth nothing', (_, claims, algorithm) => {
    const token = createSigner({ key, algorithm, noTimestamp: true })(claims);
    expect(() => at(1_000_000).bearer(`Bearer ${token}`)).toThrow(
      expect.objectContaining({ code: 'NOT_AUTHENTICATED' }),
    );
  });

  test('without a signature is worth nothing', () => {
    const [header = '', claims = ''] = at(0).sign(holder).split('.');
    const unsigned = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
    for (const token of [`${header}.${claims}.`, `${unsigned}.${claims}.`])
      expect(() => at(0).bearer(`Bearer ${token}`)).toThrow(expect.objectContaining({ code: 'NOT_AUTHENTICATED' }));
  });

  test('that was remembered is forgotten at its time', () => {
    let now = 1_000_000;
    const tokens = new Tokens(key, () => now);
    const header = `Bearer ${tokens.sign(holder, 2_000)}`;
    tokens.bearer(header);
    now = 2_001_000;
    expect(() => tokens.bearer(header)).toThrow(expect.objectContaining({ code: 'NOT_AUTHENTICATED' }));
  });
});

describe('the settings', () => {
  const read = (args: string[], env: Record<string, string> = {}) => readConfig({ args, env, demoByDefault: true });
  const servers = { KAFKA_BROKERS: 'a:9092,b:9092', DATABASE_URL: 'postgres://u:secret@h/d', REDIS_URL: 'redis://h' };
  const keys = { SERVICE_KEY: 'ab'.repeat(32), TOKEN_KEY: 'cd'.repeat(32) };

  test('come from flags before the environment before defaults', () => {
    expect(read([]).port).toBe(3000);
    expect(read([], { PORT: '4000' }).port).toBe(4000);
    expect(read(['--port', '5000'], { PORT: '4000' }).port).toBe(5000);
    expect(read(['--no-demo']).demo).toBe(false);
    expect(read([], servers).brokers).toEqual(['a:9092', 'b:9092']);
  });

  test.each([
    [['--prot', '1'], {}, /Unknown option '--prot'/],
    [['--port', 'x'], {}, /^--port or PORT must be/],
    [['--port', '70000'], {}, /^--port or PORT must be a port from 0 to 65535\.$/],
    [['--rate', '0'], {}, /^--rate must be a number above zero\.$/],
    [['--reserve-mb', '0'], {}, /^--reserve-mb or DISK_RESERVE_MB must be 1 or more\.$/],
    [[], { CLUSTER_EPOCH: 'x' }, /^CLUSTER_EPOCH must be/],
    [['--accounts', '0'], {}, /^--accounts or DEMO_ACCOUNTS must be 1 to 200000\.$/],
    [[], { KAFKA_BROKERS: 'a:9092' }, /DATABASE_URL and REDIS_URL must be set too/],
    [[], { ...servers, KAFKA_BROKERS: 'a' }, /^KAFKA_BROKERS must be host:port/],
    [[], { SERVICE_KEY: 'secret' }, /^SERVICE_KEY must be at least 32 bytes in hex\.$/],
    [['--no-demo'], { NODE_ENV: 'production' }, /SERVICE_KEY and TOKEN_KEY must be set in production/],
    [[], { NODE_ENV: 'production', ...keys }, /^The demo hands out tokens, .* start with --no-demo in production\.$/],
    [[], { KAFKA_TLS: 'yes' }, /^KAFKA_TLS must be on or off\.$/],
    [[], { KAFKA_USER: 'mutuel' }, /^KAFKA_USER and one of KAFKA_PASSWORD and KAFKA_PASSWORD_FILE stand together\.$/],
    [[], { KAFKA_PASSWORD: 'secret' }, /^KAFKA_USER and one of KAFKA_PASSWORD and/],
    [[], { KAFKA_USER: 'u', KAFKA_PASSWORD: 'secret', KAFKA_PASSWORD_FILE: 'f' }, /^KAFKA_USER and one of/],
    [[], { KAFKA_USER: 'u', KAFKA_PASSWORD: 'secret', KAFKA_SASL: 'plain' }, /^KAFKA_SASL=plain would send/],
    [[], { TOKEN_KEY_PREVIOUS: 'secret' }, /^TOKEN_KEY_PREVIOUS must be at least 32 bytes in hex\.$/],
    [[], { SEAL_SIGN_COMMAND: 'sign' }, /^SEAL_SIGN_COMMAND needs SEAL_KEY_FILE: the public key/],
  ])('%j with %j are refused in one line', (args, env, line) => {
    let fault: unknown;
    try {
      read(args, env as Record<string, string>);
    } catch (one) {
      fault = one;
    }
    expect(fault).toBeInstanceOf(StartFault);
    const { lines, exitCode } = fault as StartFault;
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(line);
    expect(lines[0]).not.toContain('secret');
    expect(exitCode).toBe(2);
  });

  describe('in production', () => {
    const start = (roles: readonly Role[], args: string[], env: Record<string, string>) => () =>
      requireProduction(read(['--no-demo', ...args], { NODE_ENV: 'production', ...keys, ...env }), roles);
    const sealed = { SEAL_KEY_FILE: 'seal.pem' };

    test.each<[string, readonly Role[], string[], Record<string, string>, RegExp, number]>([
      ['one machine that nobody accepted', ROLES, [], sealed, /^The embedded log is one machine .*--allow-single-/, 6],
      ['no key of seals', ROLES, ['--allow-single-node'], {}, /^The key of seals .* must be named in production: /, 2],
      ['no key of seals at a door', ['back-office'], [], servers, /^The key of seals and receipts must be named/, 2],
    ])('%s stops a start', (_, roles, args, env, line, exitCode) => {
      const fault = { lines: [expect.stringMatching(line) as string], exitCode };
      expect(start(roles, args, env)).toThrow(expect.objectContaining(fault) as Error);
    });

    test.each<[string, readonly Role[], string[], Record<string, string>]>([
      ['one machine that was accepted, with a key', ROLES, ['--allow-single-node'], sealed],
      [
        'a key in a device',
        ROLES,
        [],
        { ...servers, SEAL_PKCS11: 'pkcs11:token=t;object=o?module-path=/m&pin-source=file:/p' },
      ],
      ['a decider, which seals without signing', ['engine'], [], servers],
    ])('%s does not', (_, roles, args, env) => {
      expect(start(roles, args, env)).not.toThrow();
    });
  });

  test('are shown without their secrets', () => {
    const text = JSON.stringify(maskedConfig(read([], { ...servers, SERVICE_KEY: 'ab'.repeat(32) })));
    expect(text).not.toContain('secret');
    expect(text).not.toContain('abab');
  });

  test.each([
    ['DATABASE_URL', 'databaseUrl', 'postgres://u:hidden@h:5432/d', 'postgres://u:***@h:5432/d'],
    ['DATABASE_URL', 'databaseUrl', 'postgres://u:hid@den/hid:den?#den@h/d', 'postgres://u:***@h/d'],
    ['DATABASE_URL', 'databaseUrl', 'postgres://u:hid den@h/d', 'postgres://u:***@h/d'],
    [
      'DATABASE_URL',
      'databaseUrl',
      'postgres://h:1/d?user=u&password=hid@den&ssl=1',
      'postgres://h:1/d?user=u&password=***&ssl=1',
    ],
    ['DATABASE_URL', 'databaseUrl', 'postgres://u@h/d?sslpassword=hidden', 'postgres://u@h/d?sslpassword=***'],
    ['REDIS_URL', 'redisUrl', 'redis://:hid@den@h:6379', 'redis://:***@h:6379'],
    ['TSA_URL', 'tsaUrl', 'https://u:hidden@tsa/q?token=hidden', 'https://u:***@tsa/q?token=***'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'otlpEndpoint', 'http://h/?api-key=hidden', 'http://h/?api-key=***'],
    ['SEAL_SIGN_COMMAND', 'sealSignCommand', 'sign --pin hidden', '***'],
    ['LABEL', 'label', 'A label: of two @ words', 'A label: of two @ words'],
  ])('show %s as %s: what is hidden is masked whole', (variable, name, given, shown) => {
    const config = read([], { ...servers, SEAL_KEY_FILE: 'seal.pem', [variable]: given });
    expect(maskedConfig(config)[name]).toBe(shown);
  });

  test('that are wrong are told all at once, a line each', () => {
    const wrong = { SERVICE_KEY: 'secret', REDIS_URL: 'http://h', SHARDS: '65', CHECKPOINT_HOUR: 'x' };
    const fault = {
      lines: [
        '--shards or SHARDS must be 1 to 64.',
        'REDIS_URL must be a redis:// address.',
        'SERVICE_KEY must be at least 32 bytes in hex.',
        expect.stringMatching(/^CHECKPOINT_HOUR must be /),
      ],
      exitCode: 2,
    };
    expect(() => read([], wrong)).toThrow(expect.objectContaining(fault) as Error);
  });

  test('that contradict each other are told all at once, a line each', () => {
    const fault = {
      lines: [
        'DATABASE_URL and REDIS_URL must be set too: the distributed system needs Kafka, PostgreSQL and Redis.',
        expect.stringMatching(/^SEAL_SIGN_COMMAND needs SEAL_KEY_FILE: /),
        expect.stringMatching(/^SERVICE_KEY and TOKEN_KEY must be set in production/),
      ],
      exitCode: 2,
    };
    const env = { NODE_ENV: 'production', KAFKA_BROKERS: 'a:9092', SEAL_SIGN_COMMAND: 'sign' };
    expect(() => read(['--no-demo'], env)).toThrow(expect.objectContaining(fault) as Error);
  });

  describe('of a Kafka that asks who is there', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mutuel-kafka-'));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const securityOf = (env: Record<string, string>) =>
      kafkaOf(read([], { ...servers, ...env }), 'mutuel', () => undefined)?.security;

    test.each<[string, Record<string, string>, object | undefined]>([
      ['nothing', {}, undefined],
      ['TLS by the authorities that Node knows', { KAFKA_TLS: 'on' }, { ssl: true }],
      ['TLS by an authority of its own', { KAFKA_CA_FILE: file('ca.pem', 'PEM') }, { ssl: { ca: ['PEM'] } }],
      [
        'a password in a file',
        { KAFKA_USER: 'mutuel', KAFKA_PASSWORD_FILE: file('password', 'hidden\n') },
        { sasl: { mechanism: 'scram-sha-512', username: 'mutuel', password: 'hidden' } },
      ],
      [
        'a password by TLS',
        { KAFKA_TLS: 'on', KAFKA_USER: 'mutuel', KAFKA_PASSWORD: 'hidden', KAFKA_SASL: 'plain' },
        { ssl: true, sasl: { mechanism: 'plain', username: 'mutuel', password: 'hidden' } },
      ],
    ])('name %s', (_, env, security) => {
      expect(securityOf(env)).toEqual(security);
    });

    test('are shown without the password, and a file that is missing is named', () => {
      const shown = maskedConfig(read([], { ...servers, KAFKA_USER: 'mutuel', KAFKA_PASSWORD: 'hidden' }));
      expect(JSON.stringify(shown)).not.toContain('hidden');
      expect(() => securityOf({ KAFKA_CA_FILE: join(folder, 'none') })).toThrow(
        /^KAFKA_CA_FILE cannot be read: ENOENT/,
      );
    });
  });

  const unset = {
    serviceKey: undefined,
    serviceKeyPrevious: undefined,
    tokenKey: undefined,
    tokenKeyPrevious: undefined,
  };

  test('make keys once, for their owner alone', () => {
    const data = mkdtempSync(join(tmpdir(), 'mutuel-keys-'));
    const first = readKeys({ data, ...unset });
    expect(readKeys({ data, ...unset })).toEqual(first);
    expect(readdirSync(data)).toEqual(['keys.json']);
    expect(statSync(join(data, 'keys.json')).mode & 0o777).toBe(0o600);
    rmSync(data, { recursive: true });
    expect(() => readKeys({ data: '/dev/null/x', ...unset })).toThrow(/cannot be written/);
  });

  test('never show a file of keys before it is whole', async () => {
    const data = mkdtempSync(join(tmpdir(), 'mutuel-keys-'));
    const seen: string[] = [];
    const watcher = watch(data, (kind, name) => void seen.push(`${kind} ${name}`));
    readKeys({ data, ...unset });
    await expect.poll(() => seen).toContain('rename keys.json');
    await setImmediate();
    watcher.close();
    // A change of what has the name already is one before which another process may have read it.
    expect(seen).not.toContain('change keys.json');
    rmSync(data, { recursive: true });
  });
});

describe('a key that is changed', () => {
  const [OLD, NEW] = ['ab'.repeat(32), 'cd'.repeat(32)];
  const keysOf = (env: Record<string, string>) =>
    readKeys(readConfig({ args: [], env: { SERVICE_KEY: NEW, TOKEN_KEY: NEW, ...env }, demoByDefault: false }));
  const changing = { SERVICE_KEY_PREVIOUS: OLD, TOKEN_KEY_PREVIOUS: OLD };
  const principal: Principal = { subject: 'p', accounts: ['acc-1'], roles: [], channel: 'web', device: 'd' };

  test('signs tokens alone, and the one beside it is accepted for as long as it is named', () => {
    const tokens = ({ token, tokenPrevious }: Keys) => new Tokens(token, () => 0, tokenPrevious);
    const old = new Tokens(Buffer.from(OLD, 'hex'), () => 0);
    const both = tokens(keysOf(changing));
    expect(both.bearer(`Bearer ${old.sign(principal)}`)).toEqual(principal);
    const fresh = tokens(keysOf({}));
    expect(fresh.bearer(`Bearer ${both.sign(principal)}`)).toEqual(principal);
    const refused = expect.objectContaining({ code: 'NOT_AUTHENTICATED' }) as Error;
    expect(() => fresh.bearer(`Bearer ${old.sign(principal)}`)).toThrow(refused);
    const strange = new Tokens(Buffer.alloc(32), () => 0).sign(principal);
    expect(() => both.bearer(`Bearer ${strange}`)).toThrow(refused);
  });

  test('signs commands alone, and the one beside it is accepted for as long as it is named', () => {
    const cid = randomId();
    const signedBy = (key: ServiceKey) => signCommand(cid, { type: 'RenewLease' }, key);
    const isTrusted = (bytes: Uint8Array, key: ServiceKey): boolean => {
      const opened = openCommand(bytes, key);
      return 'trusted' in opened && opened.trusted;
    };
    const { service: both } = keysOf(changing);
    const { service: fresh } = keysOf({});
    const old = Buffer.from(OLD, 'hex');
    expect([isTrusted(signedBy(old), both), isTrusted(signedBy(both), fresh)]).toEqual([true, true]);
    expect([isTrusted(signedBy(old), fresh), isTrusted(signedBy(Buffer.alloc(32)), both)]).toEqual([false, false]);
  });
});

describe('the documents', () => {
  test('describe every problem that carries more than a problem must', () => {
    const { components } = openapiDocument(ALL_CONTROLLERS) as {
      components: { schemas: { Problem: z.core.JSONSchema.JSONSchema } };
    };
    const { Problem: schema } = components.schemas;
    const described = z.fromJSONSchema(schema);
    const why = { code: 'POOL_CLOSED', detail: 'Betting has stopped.', pointer: '/bets/0/poolId' };
    const receipt = { shard: 0, seq: 7, hash: 'ab' };
    for (const extra of [{}, { ticketId: 't', ticketRef: 'r', receipt }, { seq: 8 }, { outcome: 'UNKNOWN' }]) {
      described.parse(problemBody(refusalOf(why, { extra }), 'c-1'));
      expect(Object.keys(schema.properties ?? {})).toEqual(expect.arrayContaining(Object.keys(extra)));
    }
  });

  test('give every operation an id of its own, and every body and parameter a schema', () => {
    const routes = routesOf(ALL_CONTROLLERS);
    expect(new Set(routes.map(({ facts }) => facts.id)).size).toBe(routes.length);
    for (const { method, path, facts } of routes) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(Object.keys(facts.path?.shape ?? {}).sort(), path).toEqual(named.sort());
      if (method === 'get') expect(facts.body).toBeUndefined();
    }
    expect(() => JSON.stringify([openapiDocument(ALL_CONTROLLERS), asyncapiDocument()])).not.toThrow();
  });
});

test('random ids are 32 hex digits and never come twice', () => {
  const ids = Array.from({ length: 5_000 }, randomId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
});

test('a ticket whose command was lost on its way is pending for thirty seconds and of unknown outcome after', () => {
  const recent = new RecentTickets();
  recent.addPending('acc-1', 'ref-1', 1_000);
  expect(recent.isPending('acc-1', 'ref-1', 31_000)).toBe(true);
  expect(recent.isPending('acc-1', 'ref-1', 31_001)).toBe(false);
  expect(recent.isPending('acc-1', 'ref-2', 1_000)).toBe(false);
});

describe('the sentence about a wrong field', () => {
  const bet = { betRef: 'a', poolId: 'p', form: 'STRAIGHT', columns: [['4']], unitStake: 200, stake: 200 };
  const ticket = (...bets: unknown[]) => ({
    ...{ ticketRef: '0198f3c2-0000-7000-8000-000000000000', accountId: 'acc-1', currency: 'EUR', bets },
  });
  test.each<[string, unknown, string]>([
    [
      'an amount in quotes',
      ticket({ ...bet, stake: '200' }),
      'stake must be a whole number of minor units, without quotes.',
    ],
    ['a number for a runner', ticket({ ...bet, columns: [['4', 7]] }), 'columns[0][1] must be a string.'],
    ['nothing for a bet', ticket(bet, null), 'bets[1] must be an object.'],
    ['no stake', ticket({ ...bet, stake: undefined }), 'stake is missing.'],
  ])('%s says what, where and what instead', (_what, body, detail) => {
    expect(() => validate(ticketSchema, body)).toThrow(expect.objectContaining({ message: detail }) as Error);
  });
});
