/**
 * A day of racing: the card, the people who run it and those who bet on it, all from the seed. Officials look at the race and do what
 * comes next, with their mistakes; bettors bet, repeat, cancel, give up and never forget a ticket whose outcome they do not know. It
 * must keep trying for as long as an outcome is open: what never resolves is the system's fault.
 */
import type { MeetingCard } from '#mutuel/engine';
import { type PoolType, type RuleSet, ruleSetFor } from '#mutuel/tote';
import { Bettors } from './bettors.js';
import type { Network } from './network.js';
import { Officials } from './officials.js';
import type { Feature, Plan } from './plan.js';
import type { Random } from './random.js';
import type { System } from './system.js';

export interface RacePlan {
  readonly id: string;
  readonly runners: readonly string[];
  readonly favourite: string;
  readonly pools: readonly { readonly id: string; readonly type: PoolType }[];
  /** True time, ms. */
  readonly opens: number;
  readonly stops: number;
}

const GAP_MS = 1_000;

export class Day {
  readonly races: RacePlan[] = [];
  readonly bettors: Bettors;
  readonly officials: Officials;
  readonly #card: MeetingCard;
  #isOver = false;

  constructor(
    system: System,
    network: Network,
    private readonly plan: Plan,
    private readonly random: Random,
    /** Which day of the run: names differ. */
    readonly number: number,
    bettors: Bettors | undefined,
  ) {
    const { kernel } = system;
    const selling = Math.ceil((plan.commands / plan.races / plan.rate) * 1_000);
    let opens = kernel.now + 1_500;
    for (let i = 0; i < plan.races; i++) {
      this.races.push(this.#race(i, opens, opens + selling));
      // Some races overlap.
      opens += random.chance(0.5) ? selling + GAP_MS : Math.ceil(selling / 2);
    }
    this.#card = this.#meeting();
    this.bettors = bettors ?? new Bettors(system, network, plan, random);
    this.officials = new Officials(system, network, plan, random);
  }

  get isOver(): boolean {
    return this.#isOver && this.bettors.open === 0;
  }

  async run(): Promise<void> {
    await Promise.all([this.bettors.openAccounts(), this.officials.publish(this.#card)]);
    if (this.#has('format-raised') && this.number === 1)
      void this.officials.raiseFormat(this.random.between(0, 20_000));
    await Promise.all(this.races.map((race) => Promise.all([this.officials.drive(race), this.bettors.betOn(race)])));
    this.#isOver = true;
  }

  #has(feature: Feature): boolean {
    return this.plan.features.has(feature);
  }

  #race(i: number, opens: number, stops: number): RacePlan {
    const id = `D${this.number}R${i + 1}`;
    const runners = Array.from({ length: this.plan.runners }, (_, k) => String(k + 1));
    const types: PoolType[] = ['WIN', 'PLACE', ...(this.#has('pairs') ? (['QUINELLA', 'EXACTA'] as const) : [])];
    const pools = types.map((type) => ({ id: `${id}-${type}`, type }));
    return { id, runners, favourite: this.random.pick(runners), pools, opens, stops };
  }

  /** Pools of one race may differ in what a correction may take back. */
  #ruled(ruleSet: RuleSet): RuleSet {
    if (!this.#has('policies')) return ruleSet;
    return { ...ruleSet, corrections: this.random.pick(['NONE', 'UNDERPAY_ONLY', 'CLAWBACK'] as const) };
  }

  #meeting(): MeetingCard {
    const rules = this.#has('french-rules') ? 'FR' : 'US';
    return {
      ...{
        meetingId: `day-${this.number}`,
        course: 'Longueville',
        date: '2026-11-22',
        country: 'FR',
        currency: 'EUR',
        exponent: 2,
      },
      races: this.races.map(({ id, runners, pools, opens, stops }, i) => ({
        ...{ raceId: id, number: i + 1, name: `Race ${i + 1}`, postTime: stops },
        ...(this.#has('scheduled-stops') && this.random.chance(0.5)
          ? { scheduledStop: Math.ceil(opens + (stops - opens) * (0.6 + 0.6 * this.random.next())) }
          : {}),
        runners: runners.map((number) => ({ number, name: `Horse ${number}` })),
        pools: pools.map((pool) => ({
          ...{ poolId: pool.id, type: pool.type, ruleSet: this.#ruled(ruleSetFor(rules, pool.type) as RuleSet) },
          carryInMinor: 0,
        })),
      })),
    };
  }
}
