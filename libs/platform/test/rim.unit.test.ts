/** What stands at the rim, without a system behind it: codes, problems, bodies, validation, tokens, settings, orders. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ArgumentsHost } from '@nestjs/common';
import fc from 'fast-check';
import { createSigner } from 'fast-jwt';
import { v7 } from 'uuid';
import { describe, expect, test } from 'vitest';
import { type Principal, Tokens } from '../src/auth.js';
import { maskedConfig, readConfig } from '../src/config.js';
import { meetingOf } from '../src/desk.js';
import { ALL_CONTROLLERS } from '../src/http/api-module.js';
import { asyncapiDocument } from '../src/http/asyncapi.js';
import { openapiDocument, routesOf } from '../src/http/openapi.js';
import { ProblemFilter } from '../src/http/rim.js';
import { readJsonBody } from '../src/json-body.js';
import { readKeys } from '../src/keys.js';
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
    [[], { NODE_ENV: 'production' }, /SERVICE_KEY and TOKEN_KEY must be set in production/],
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

  test('are shown without their secrets', () => {
    const text = JSON.stringify(maskedConfig(read([], { ...servers, SERVICE_KEY: 'ab'.repeat(32) })));
    expect(text).not.toContain('secret');
    expect(text).not.toContain('abab');
  });

  test('make keys once, for their owner alone', () => {
    const data = mkdtempSync(join(tmpdir(), 'mutuel-keys-'));
    const first = readKeys({ data, serviceKey: undefined, tokenKey: undefined });
    expect(readKeys({ data, serviceKey: undefined, tokenKey: undefined })).toEqual(first);
    expect(statSync(join(data, 'keys.json')).mode & 0o777).toBe(0o600);
    rmSync(data, { recursive: true });
    expect(() => readKeys({ data: '/dev/null/x', serviceKey: undefined, tokenKey: undefined })).toThrow(
      /cannot be written/,
    );
  });
});

describe('the documents', () => {
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
