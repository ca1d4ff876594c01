/**
 * Which faults strike, and in what state of the races they did, beside what officials asked for in which: the coverage of a run. It must ask the plan alone whether something
 * happens, so that a fault taken out of the plan never does.
 */
import type { Fault, Plan } from './plan.js';
import type { Random } from './random.js';

/** What a race can be going through while something breaks; `NONE` before the first card. */
export const PHASES = [
  'DRAFT',
  'OPEN',
  'SUSPENDED',
  'SEALING',
  'CLOSED',
  'PROVISIONAL',
  'PAYING',
  'SETTLED',
  'REOPENED',
  'VOID',
] as const;
export type Phase = (typeof PHASES)[number];

export class Strikes {
  /** False once the faults have stopped. */
  isOn = true;
  /** How often each fault struck, and each act was asked for, in each phase: `name/phase`. */
  readonly hits = new Map<string, number>();
  phases: () => ReadonlySet<Phase> = () => new Set();
  /** What happened last, for a failure's report. */
  readonly recent: string[] = [];

  constructor(
    private readonly plan: Plan,
    private readonly random: Random,
    private readonly step: () => string,
  ) {}

  happens(fault: Fault): boolean {
    if (!this.isOn) return false;
    const probability = this.plan.faults.get(fault);
    if (probability === undefined || !this.random.chance(probability)) return false;
    this.note(fault);
    return true;
  }

  has(fault: Fault): boolean {
    return this.isOn && this.plan.faults.has(fault);
  }

  met(name: string, phase: Phase): void {
    const pair = `${name}/${phase}`;
    this.hits.set(pair, (this.hits.get(pair) ?? 0) + 1);
  }

  note(fault: Fault, detail = ''): void {
    for (const phase of this.phases()) this.met(fault, phase);
    this.recent.push(`${this.step()} ${fault}${detail && ` (${detail})`}`);
    if (this.recent.length > 60) this.recent.shift();
  }
}
