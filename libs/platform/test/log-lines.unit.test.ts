/** What a process says, to people and to machines, and what it never says. */
import { describe, expect, test } from 'vitest';
import { logFormatOf, voiceOf } from '../src/telemetry/log-lines.js';

function listen(format: 'json' | 'text') {
  const lines: string[] = [];
  const hear = (text: string): void => void lines.push(text);
  const now = (): Date => new Date('2026-11-22T14:05:00.250Z');
  return { lines, voice: voiceOf({ format, roles: 'engine', now, out: hear, err: hear }) };
}

describe('lines', () => {
  test('are sentences at a terminal', () => {
    const { lines, voice } = listen('text');
    voice.say('engine at http://127.0.0.1:3001');
    voice.warn('RELAY_GAP: the target asks again from 7', { code: 'RELAY_GAP' });
    expect(lines).toEqual(['engine at http://127.0.0.1:3001', 'RELAY_GAP: the target asks again from 7']);
  });

  test('are objects for machines, with what they are about', () => {
    const { lines, voice } = listen('json');
    voice.say('engine at http://127.0.0.1:3001');
    voice.warn('Unexpected fault in request abc: Error\n    at x', { correlationId: 'abc' });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { time: '2026-11-22T14:05:00.250Z', level: 'info', roles: 'engine', message: 'engine at http://127.0.0.1:3001' },
      {
        ...{ time: '2026-11-22T14:05:00.250Z', level: 'warn', roles: 'engine', correlationId: 'abc' },
        message: 'Unexpected fault in request abc: Error\n    at x',
      },
    ]);
    // One line each, whatever is in them.
    expect(lines.join('')).not.toContain('\n');
  });

  test.each([
    ['a token', 'no Bearer eyJhbGciOi.eyJzdWIi.sig here', 'no *** here'],
    ['a ticket’s reference', 'key 0198f3c2-89ab-7000-8000-000000000001 exists', 'key 0198f3c2-*** exists'],
    ['an account', 'account acc-0000104 is blocked', 'account acc-*** is blocked'],
    ['a password', 'postgres://mutuel:secret@db:5432/mutuel is away', 'postgres://mutuel:***@db:5432/mutuel is away'],
    ['a password with an @', 'redis://:p@ss/w:rd?@db is away, twice', 'redis://:***@db is away, twice'],
    [
      'a named password',
      'at postgres://db:1/d?user=u&password=p@ss&ssl=1 it',
      'at postgres://db:1/d?user=u&password=***&ssl=1 it',
    ],
  ])('never hold %s', (_, line, said) => {
    for (const format of ['text', 'json'] as const) {
      const { lines, voice } = listen(format);
      voice.warn(line);
      expect(lines[0]).toContain(said);
    }
  });

  test('keep command ids and incarnations, by which a fault is found in the log', () => {
    const { lines, voice } = listen('text');
    voice.warn('incarnation 4bf92f3577b34da6a3ce929d0e0e4736 contradicted itself');
    expect(lines[0]).toContain('4bf92f3577b34da6a3ce929d0e0e4736');
  });

  test('are objects in production unless told otherwise', () => {
    expect(logFormatOf({ NODE_ENV: 'production' })).toBe('json');
    expect(logFormatOf({ NODE_ENV: 'production', LOG_FORMAT: 'text' })).toBe('text');
    expect(logFormatOf({ LOG_FORMAT: 'json' })).toBe('json');
    expect(logFormatOf({})).toBe('text');
  });
});
