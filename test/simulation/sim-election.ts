/**
 * Who should lead, as a lock service says: a hint that is lost with its process and that may lie. Nothing may depend on it but who
 * tries first.
 */
import type { Election } from '#mutuel/runtime';
import type { SimProcess } from './kernel.js';
import type { Strikes } from './strikes.js';

export class SimElection {
  readonly #holders = new Map<string, SimProcess>();

  constructor(private readonly strikes: Strikes) {}

  seenBy(process: SimProcess): Pick<Election, 'tryLead' | 'resign'> {
    return {
      tryLead: async (src) => {
        await process.clock.sleep(1);
        if (this.strikes.happens('election-lies')) return true;
        const holder = this.#holders.get(src);
        if (holder === undefined || holder.state === 'DEAD') this.#holders.set(src, process);
        return this.#holders.get(src) === process;
      },
      resign: async (src) => {
        if (this.#holders.get(src) === process) this.#holders.delete(src);
      },
    };
  }
}
