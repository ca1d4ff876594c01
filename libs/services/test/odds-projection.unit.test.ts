/** What the odds' rows outlive: whatever a database says, but no log that cannot be trusted. */
import { describe, expect, it } from 'vitest';
import { LogFault, type SqlDatabase } from '#mutuel/runtime';
import { CYCLE_MS, type Tick } from '#mutuel/views';
import { OddsProjection } from '../src/odds-projection.js';

const tick: Tick = {
  ...{ v: 1, cycle: 7, prevCycle: 6, at: 7 * CYCLE_MS, late: false, full: false },
  ...{ cut: { shards: [0], market: 0 }, pools: [] },
};

/** Each attempt fails with the next of these; then they succeed. */
function projection(...faults: Error[]) {
  const warnings: string[] = [];
  let written = 0;
  const db: SqlDatabase = {
    query: async () => [],
    transaction: async (work) => {
      const fault = faults.shift();
      if (fault) throw fault;
      const result = await work({ query: async () => [] });
      written++;
      return result;
    },
    close: async () => undefined,
  };
  const odds = new OddsProjection({
    ...{ db, log: {} as never, tails: {} as never },
    clock: { now: () => tick.at, sleep: async () => undefined },
    onWarning: (sentence) => warnings.push(sentence),
    onFatal: () => undefined,
  });
  return { odds, warnings, written: () => written };
}

describe('the odds as rows', () => {
  it.each([
    ['57014', 'canceling statement due to user request'],
    ['55P03', 'canceling statement due to lock timeout'],
    ['08006', 'the connection was lost'],
  ])('are written after all when the database has said %s', async (code, message) => {
    const fault = Object.assign(new Error(message), { code, retriable: code.startsWith('08') });
    const { odds, warnings, written } = projection(fault, fault);
    await odds.write([tick], 8);
    expect(written()).toBe(1);
    expect(warnings).toEqual([expect.stringContaining(message), expect.stringContaining(message)]);
  });

  it('are not where the log cannot be trusted', async () => {
    const { odds, written } = projection(new LogFault('a hole'));
    await expect(odds.write([tick], 8)).rejects.toThrow('a hole');
    expect(written()).toBe(0);
  });
});
