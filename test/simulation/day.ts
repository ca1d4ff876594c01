/**
 * A day of racing: the card, the people who run it and those who bet on it, all from the seed. Officials look at the race and do what
 * comes next, with their mistakes; bettors bet, repeat, cancel, give up and never forget a ticket whose outcome they do not know. It
 * must keep trying for as long as an outcome is open: what never resolves is the system's fault.
 */
import type { MeetingCard, PoolCard } from '#mutuel/engine';
import { type LegRules, type PoolType, type RuleSet, ruleSetFor } from '#mutuel/tote';
import { Bettors } from './bettors.js';
import type { Network } from './network.js';
import { Officials } from './officials.js';
import type { Feature, Plan } from './plan.js';
import { Random } from './random.js';
import type { System } from './system.js';

export interface PoolPlan {
  readonly id: string;
  readonly type: PoolType;
  /** Over several races: their ids, and the rules it is sold by. */
  readonly legs?: readonly string[];
  readonly ruleSet?: RuleSet;
}

export interface RacePlan {
  readonly id: string;
  readonly runners: readonly string[];
  readonly favourite: string;
  /** What is sold on it; a pool over several races stands on the card of the last one. */
  readonly pools: readonly PoolPlan[];
  /** True time, ms. */
  readonly opens: number;
  readonly stops: number;
}

const GAP_MS = 1_000;
/** What becomes of a non-runner: its lines are given back; the reserve or the favourite stands in; a consolation, where it is found out late. */
const DOUBLE = ruleSetFor('US', 'DAILY_DOUBLE') as RuleSet;
const CARRIED: RuleSet = {
  ...DOUBLE,
  legs: { ...DOUBLE.legs, scratch: 'FAVOURITE', firstMustRun: false } as LegRules,
  noWinner: ['CARRY'],
};
/** A part of the pool is for whoever is the only one that is right; until then it waits in the jackpot. */
const ALONE: RuleSet = {
  ...CARRIED,
  tiers: [
    { name: '2/2', share: '0.7', uncovered: 'CARRY' },
    { name: '1/2', share: '0.15', uncovered: 'CARRY' },
  ],
  unique: { tier: '2/2', unit: 400 },
};
/** What nobody wins is carried on untaxed, and taxed once, when it is won. */
const GROSS: RuleSet = { ...CARRIED, carry: 'GROSS' };
const OVER_LEGS: readonly RuleSet[] = [
  ALONE,
  GROSS,
  ruleSetFor('HK', 'DAILY_DOUBLE') as RuleSet,
  DOUBLE,
  CARRIED,
  ruleSetFor('US', 'PICK3') as RuleSet,
];

/** The first three, in order or not, with a complement; and with a reserve for the order. */
const TIERCE = ruleSetFor('FR', 'TIERCE') as RuleSet;
const RESERVED: RuleSet = {
  ...TIERCE,
  jackpot: { share: '0.015', of: 'NET' },
  tiers: [
    { name: 'ORDER', share: '0.5', ratio: '5', uncovered: 'JACKPOT' },
    { name: 'DISORDER', share: '0.5' },
  ],
  // Of what the ladder pays nobody knows which part is the jackpot's.
  noWinner: ['REFUND'],
};
/** How a stake is shared by the lines: in whole multiples of the least one, in whole per cents, not at all. */
const FLEXI: readonly Pick<RuleSet, 'flexi'>[] = [{}, { flexi: { percentOf: 300, least: 20 } }, { flexi: 'NONE' }];
/** First and rolled stakes go up to so many times the least one. */
const MOST_TIMES = [4, 1_000];
/** A race sells for seconds here: a window of minutes would never be over before the stop. */
const CANCEL_WINDOWS_MS = [0, 800, 4_000];

export class Day {
  readonly races: RacePlan[] = [];
  readonly bettors: Bettors;
  readonly officials: Officials;
  /** Races of the day before that are not over. */
  inquiries: readonly RacePlan[] = [];
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
    this.bettors = bettors ?? new Bettors(system, network, plan, random);
    this.bettors.races = this.races;
    this.officials = new Officials(system, network, plan, random);
    this.officials.races = this.races;
  }

  get isOver(): boolean {
    return this.#isOver && this.bettors.open === 0;
  }

  async run(): Promise<void> {
    await Promise.all([
      this.bettors.openAccounts(),
      this.officials.publish(this.races[0]?.id as string, (carriedOn) => this.#card(carriedOn)),
    ]);
    if (this.#has('format-raised') && this.number === 1)
      void this.officials.raiseFormat(this.random.between(0, 20_000));
    await Promise.all([
      ...this.races.map((race) => Promise.all([this.officials.drive(race), this.bettors.betOn(race)])),
      ...this.inquiries.map((race) => this.officials.drive(race)),
    ]);
    this.#isOver = true;
  }

  #has(feature: Feature): boolean {
    return this.plan.features.has(feature);
  }

  #race(i: number, opens: number, stops: number): RacePlan {
    const id = `D${this.number}R${i + 1}`;
    const runners = Array.from({ length: this.plan.runners }, (_, k) => String(k + 1));
    const types: PoolType[] = ['WIN', 'PLACE', ...(this.#has('pairs') ? (['QUINELLA', 'EXACTA'] as const) : [])];
    const single: PoolPlan[] = types.map((type) => ({ id: `${id}-${type}`, type }));
    const ruleSet = this.#has('jackpots') ? RESERVED : TIERCE;
    if (this.#has('tierces')) single.push({ id: `${id}-TIERCE`, type: 'TIERCE', ruleSet });
    const pools = i === 0 ? [...single, ...this.#overLegs()] : single;
    return { id, runners, favourite: this.random.pick(runners), pools, opens, stops };
  }

  /** One pool over the first races, of the same kind on both days. */
  #overLegs(): readonly PoolPlan[] {
    const ruleSet = Random.stream(this.plan.seed, 'legs').pick(OVER_LEGS);
    const type = ruleSet.poolType;
    const many = type === 'PICK3' ? 3 : 2;
    if (!this.#has('legs') || this.plan.races < many) return [];
    const legs = Array.from({ length: many }, (_, i) => `D${this.number}R${i + 1}`);
    return [{ id: `${legs[0]}-${type}`, type, legs, ruleSet }];
  }

  /** A pool over several races is bet on from the first, and stands on the card of the last. */
  #standingOn(race: string): readonly PoolPlan[] {
    return this.races.flatMap(({ id, pools }) => pools.filter(({ legs }) => (legs?.at(-1) ?? id) === race));
  }

  #carryIn(id: string, carriedOn: ReadonlyMap<string, number>): Pick<PoolCard, 'carryInMinor' | 'carryFrom'> {
    const before = id.replace(/^D2/, 'D1');
    const carryInMinor = this.number === 2 ? (carriedOn.get(before) ?? 0) : 0;
    return carryInMinor === 0 ? { carryInMinor } : { carryInMinor, carryFrom: [before] };
  }

  /** What the operator stands for and what the jackpot puts up: of another day's, or fresh money. The first who may take it, does. */
  #terms({ name, poolType, jackpot, unique, noWinner }: RuleSet, funds: Map<string, number>): Partial<PoolCard> {
    const { random } = this;
    const guaranteeMinor = random.between(1, 40) * 10_000;
    const fund = `fund:${name}-${poolType}`;
    const there = funds.get(fund) ?? 0;
    funds.delete(fund);
    const hasJackpot = this.#has('jackpots') && (jackpot !== undefined || unique !== undefined);
    const fresh = hasJackpot && there === 0 && random.chance(0.3);
    return {
      ...(this.#has('guarantees') && random.chance(0.5) ? { guaranteeMinor } : {}),
      ...(hasJackpot && there > 0 ? { jackpotInMinor: there, jackpotFrom: [fund] } : {}),
      ...(fresh ? { jackpotInMinor: random.between(1, 30) * 10_000 } : {}),
      ...(poolType === 'DAILY_DOUBLE' && noWinner.includes('CARRY') && random.chance(0.3) ? { mandatory: true } : {}),
    };
  }

  /** Pools of one race may differ in what a correction may take back. */
  #ruled(ruleSet: RuleSet): RuleSet {
    const { random } = this;
    return {
      ...ruleSet,
      ...(this.#has('policies') ? { corrections: random.pick(['NONE', 'UNDERPAY_ONLY', 'CLAWBACK'] as const) } : {}),
      ...(this.#has('flexi') && !ruleSet.legs ? random.pick(FLEXI) : {}),
      ...(this.#has('reports') && random.chance(0.9) ? { report: { mostTimes: random.pick(MOST_TIMES) } } : {}),
      ...(this.#has('cancels') && random.chance(0.4) ? { cancelWindowMs: random.pick(CANCEL_WINDOWS_MS) } : {}),
    };
  }

  /** The card as it is published: with what the day before left, as far as the house can see. */
  #card(carriedOn: ReadonlyMap<string, number>): MeetingCard {
    const rules = this.#has('french-rules') ? 'FR' : 'US';
    const funds = new Map(this.number === 2 ? carriedOn : []);
    return {
      ...{
        meetingId: `day-${this.number}`,
        course: 'Longueville',
        date: '2026-11-22',
        country: 'FR',
        currency: 'EUR',
        exponent: 2,
      },
      races: this.races.map(({ id, runners, opens, stops }, i) => ({
        ...{ raceId: id, number: i + 1, name: `Race ${i + 1}`, postTime: stops },
        ...(this.#has('scheduled-stops') && this.random.chance(0.5)
          ? { scheduledStop: Math.ceil(opens + (stops - opens) * (0.6 + 0.6 * this.random.next())) }
          : {}),
        runners: runners.map((number) => ({ number, name: `Horse ${number}` })),
        pools: this.#standingOn(id).map(({ id: poolId, type, legs, ruleSet }) => {
          const ruled = this.#ruled(ruleSet ?? (ruleSetFor(rules, type) as RuleSet));
          const carried = { ...this.#carryIn(poolId, carriedOn), ...this.#terms(ruled, funds) };
          return { poolId, type, ...(legs && { legs }), ruleSet: ruled, ...carried };
        }),
      })),
    };
  }
}
