/**
 * Deaths at the very moment of an operation: right before an append is stored, a flush is done, a snapshot is written or a checkpoint
 * is kept, or right after, when whoever asked for it has not heard of it. It must leave the operation whole or undone, as the ports
 * promise, and never let who died hear what became of it.
 */
import type { SimProcess } from './kernel.js';
import type { Fault, Plan } from './plan.js';
import type { Random } from './random.js';
import type { Strikes } from './strikes.js';

type Moment = 'before' | 'after';
const OPERATIONS = ['append', 'flush', 'snapshot', 'checkpoint'] as const;
type Operation = (typeof OPERATIONS)[number];
type Death = `killed-${Moment}-${Operation}`;
const DEATHS: ReadonlySet<string> = new Set(
  OPERATIONS.flatMap((name) => [`killed-before-${name}`, `killed-after-${name}`]),
);

export const isDeath = (fault: Fault): fault is Death => DEATHS.has(fault);

export class Crashes {
  /** The process is gone, and somebody will start it again. */
  kill: (process: SimProcess) => void = () => undefined;
  /** The machine of all, or the brokers beside them: what is not flushed is gone. */
  cutPower: () => void = () => undefined;

  /** They strike the next time that they can. */
  readonly #armed = new Set<Death>();

  constructor(
    private readonly plan: Pick<Plan, 'topology'>,
    private readonly random: Random,
    private readonly strikes: Strikes,
  ) {}

  arm(death: Death): void {
    this.#armed.add(death);
  }

  /** True when the process died at this moment: its operation ends here. */
  strike(moment: Moment, operation: Exclude<Operation, 'flush'>, process: SimProcess): boolean {
    if (process.state !== 'UP' || !this.#happens(`killed-${moment}-${operation}`)) return false;
    this.kill(process);
    return true;
  }

  /** True when the power went: the flush ends here. Beside brokers it may be one of those who wait for it that dies instead. */
  strikeFlush(moment: Moment, waiting: readonly SimProcess[]): boolean {
    if (!this.#happens(`killed-${moment}-flush`)) return false;
    const alive = waiting.filter(({ state }) => state === 'UP');
    if (this.plan.topology === 'DISTRIBUTED' && alive.length > 0 && this.random.chance(0.5)) {
      this.kill(this.random.pick(alive));
      return false;
    }
    this.cutPower();
    return true;
  }

  #happens(death: Death): boolean {
    if (!this.#armed.delete(death) || !this.strikes.isOn) return this.strikes.happens(death);
    this.strikes.note(death);
    return true;
  }
}

/** What a process that has died hears of its operation. */
export const nothing = (): Promise<never> => new Promise(() => undefined);
