/** Each scenario says so right before it breaks something: what it waits for until then is no part of what is measured. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Cluster } from './cluster.js';
import { PACES, SCENARIOS, type Stage } from './scenarios.js';

const BREAKS = /^(kill|suspend|stop|keepDown|replace|standStill|fill|rollServers|endServer|lose)/;
const BROKER = { pid: 7, target: 9_092 };

/** What is asked of the cluster, one after the other. */
async function asked(name: string): Promise<readonly string[]> {
  const calls: string[] = [];
  const struck = (): unknown => calls.push('struck');
  const proxy = {
    lost: 1,
    appendTo: async (target: number) => calls.push(`appendTo ${target}`),
    set lose(share: number) {
      if (share > 0) calls.push('lose');
    },
  };
  const answers: Readonly<Record<string, unknown>> = {
    pidOf: BROKER.pid,
    leadingBroker: BROKER,
    ...Object.fromEntries(['keepDown', 'standStill', 'fill'].map((one) => [one, () => calls.push('release')])),
  };
  const cluster = new Proxy({} as Cluster, {
    get: (_, method: string) =>
      method === 'proxy'
        ? proxy
        : async (...args: unknown[]) => {
            for (const arg of args) if (typeof arg === 'function') arg();
            calls.push(
              [method, ...args.filter((arg) => typeof arg !== 'object' && typeof arg !== 'function')].join(' '),
            );
            return answers[method];
          },
  });
  let sold = 0;
  const stage: Stage = {
    ...{ cluster, pace: PACES.short, struck, find: () => undefined, accepted: () => (sold += 100) },
    ...{ pressStop: async () => undefined, raiseFormat: async () => undefined, newestFormats: async () => [] },
  };
  const running = SCENARIOS.find((one) => one.name === name)?.run(stage);
  await vi.runAllTimersAsync();
  await running;
  return calls;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
});

describe('every scenario', () => {
  test.each(SCENARIOS.map(({ name }) => name))('strikes right before each thing that it breaks: %s', async (name) => {
    const calls = await asked(name);
    const broken = calls.flatMap((call, i) => (BREAKS.test(call) ? [i] : []));
    const strikes = calls.flatMap((call, i) => (call === 'struck' ? [i + 1] : []));
    expect(strikes.length).toBeGreaterThan(0);
    expect(broken).toEqual(strikes);
  });
});

test.each(['shards', 'market'])('%s with a standby is struck only once that is ready', async (role) => {
  const calls = await asked(`kill -9 ${role}, a standby is warm`);
  expect(calls.slice(0, 4)).toEqual([`add second engine`, 'ready second', 'struck', `keepDown ${role}`]);
});

test('a broker is suspended at an append to itself', async () => {
  const calls = await asked('broker suspended at an append');
  expect(calls).toEqual(['leadingBroker', 'appendTo 9092', 'struck', 'standStill 7', 'release']);
});
