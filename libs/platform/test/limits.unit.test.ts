/** Limits on tickets over several nodes that share one count, and what they do while nobody counts. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { UseCounter } from '#mutuel/runtime';
import type { Principal } from '../src/auth.js';
import { TicketLimits } from '../src/limits.js';
import type { Problem } from '../src/problem.js';

const LIMITS = { web: 100, pos: 200, partner: 1_000 };

let time: number;
let counts: Map<string, { used: number; endsAt: number }>;
let asked: number;
let isAway: boolean;
const counter: UseCounter = {
  async add(key, uses) {
    asked++;
    await Promise.resolve();
    if (isAway) throw new Error('away');
    const known = counts.get(key);
    const window = known !== undefined && known.endsAt > time ? known : { used: 0, endsAt: time + 10_000 };
    window.used += uses;
    counts.set(key, window);
    return { used: window.used, windowEndsInMs: window.endsAt - time };
  },
  close: async () => undefined,
};
const node = (limits = LIMITS): TicketLimits => new TicketLimits({ counter, limits, now: () => time });
const who = (channel: string, subject = 'one'): Principal => ({
  ...{ subject, accounts: [], roles: [], channel, device: 'd' },
});

/** How many of so many are admitted, over the nodes in turn, and what the last refusal was. */
async function send(nodes: readonly TicketLimits[], channel: string, many: number, subject?: string) {
  let admitted = 0;
  let problem: Problem | undefined;
  for (let i = 0; i < many; i++) {
    try {
      await nodes[i % nodes.length]?.admit(who(channel, subject));
      admitted++;
    } catch (fault) {
      problem = fault as Problem;
    }
  }
  return { admitted, problem };
}

beforeEach(() => {
  time = 1_795_300_000_000;
  counts = new Map();
  asked = 0;
  isAway = false;
});

describe('limits on tickets', () => {
  it.each([
    ['one node', 1, 1_000],
    ['three nodes', 3, 1_000],
  ])('hold a partner to the limit over %s, exactly', async (_, nodes, admitted) => {
    const sent = await send(
      Array.from({ length: nodes }, () => node()),
      'partner',
      1_500,
    );
    expect(sent.admitted).toBe(admitted);
    expect(sent.problem).toMatchObject({ code: 'RATE_LIMITED', retryAfterSeconds: 10 });
    // A twentieth of the limit at a time, and once more to hear that nothing is left.
    expect(asked).toBeLessThanOrEqual(20 + nodes);
  });

  it('admit at once what many ask for together, and never more', async () => {
    const nodes = [node(), node()];
    const all = Array.from({ length: 1_400 }, (_, i) => nodes[i % 2]?.admit(who('partner')) ?? Promise.resolve());
    const settled = await Promise.allSettled(all);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1_000);
  });

  it('let a player bet without asking anybody up to a quarter, then over all nodes up to the limit and a quarter for each', async () => {
    expect(node().admit(who('web'))).toBeUndefined();
    expect((await send([node()], 'web', 25)).admitted).toBe(25);
    expect(asked).toBe(0);
    const sent = await send([node(), node()], 'web', 400);
    expect(sent.admitted).toBe(100 + 2 * 25);
    expect(sent.problem?.code).toBe('RATE_LIMITED');
  });

  it('begin anew when the window is over', async () => {
    const nodes = [node()];
    expect((await send(nodes, 'partner', 1_200)).admitted).toBe(1_000);
    time += 10_000;
    expect((await send(nodes, 'partner', 1_200)).admitted).toBe(1_000);
  });

  it('hold a client for its own window, whoever else comes and goes meanwhile', async () => {
    const nodes = [node()];
    await send(nodes, 'web', 1, 'other at 0');
    time += 9_900;
    await send(nodes, 'web', 1);
    time += 100;
    await send(nodes, 'web', 1, 'other at 10 s');
    for (const [later, admitted] of [
      // A quarter of the limit before anybody is asked, the whole after that; the window of all nodes begins now.
      [100, 125 - 1],
      [9_900, 0],
      [99, 0],
      [1, 125],
    ] as const) {
      time += later;
      await send(nodes, 'web', 1, `other at ${time}`);
      expect((await send(nodes, 'web', 300)).admitted).toBe(admitted);
    }
  });

  it('count each client for itself', async () => {
    const nodes = [node()];
    await send(nodes, 'partner', 1_000, 'greedy');
    expect((await send(nodes, 'partner', 10, 'modest')).admitted).toBe(10);
  });

  it('turn partners away while nobody counts, let players bet within each node, and go on when somebody counts again', async () => {
    const nodes = [node()];
    isAway = true;
    const partner = await send(nodes, 'partner', 5);
    expect(partner.admitted).toBe(0);
    expect(partner.problem).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 });
    // A quarter was granted before anybody was asked.
    expect((await send(nodes, 'web', 300)).admitted).toBe(100);
    expect((await send(nodes, 'pos', 300)).admitted).toBe(200);
    isAway = false;
    expect((await send(nodes, 'partner', 5)).admitted).toBe(5);
  });

  it('are none where the number is zero, and ask nobody', async () => {
    expect((await send([node({ web: 0, pos: 0, partner: 0 })], 'partner', 5_000)).admitted).toBe(5_000);
    expect(asked).toBe(0);
  });
});
