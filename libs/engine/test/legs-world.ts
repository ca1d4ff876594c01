/** A meeting of several races with pools over them, driven by hand: `World` with calculators that know legs. */
import {
  type CorrectionPolicy,
  type Dividend,
  legResult,
  priceLegs,
  pricePool,
  ratio,
  ruleSetFor,
  type Sheet,
  shapeOf,
} from '#mutuel/tote';
import {
  type Decided,
  type DividendProposal,
  type LegOutcome,
  type MarketEvent,
  type MarketFact,
  type MeetingCard,
  PROPOSAL_SOURCES,
} from '../src/index.js';
import { card, second, steward, tote, World } from './world.js';

export const raceId = (number: number): string => `R${number}`;

interface CardOptions {
  readonly runners?: number;
  readonly carryIn?: number;
  readonly entries?: Readonly<Record<string, string>>;
  /** Of the win pools, and of the pool over the races. */
  readonly corrections?: CorrectionPolicy;
  readonly overLegs?: CorrectionPolicy;
}

/** Races R1, R2, … with a win pool each, and one pool over all of them, on the card of the last. */
export function legsCard(type: 'PICK3', rules: string, options: CardOptions = {}): MeetingCard {
  const count = shapeOf(type).picks;
  const names = Array.from({ length: count }, (_, i) => raceId(i + 1));
  const ruleSet = ruleSetFor(rules, type);
  if (!ruleSet) throw new Error(`no rule set ${rules} ${type}`);
  const races = names.map((race, i) => {
    const [one] = card({ race, types: ['WIN'], rules, ...options }).races;
    if (!one) throw new Error('a card has a race');
    const corrections = options.overLegs ?? 'CLAWBACK';
    const over = {
      poolId: type,
      type,
      ruleSet: { ...ruleSet, corrections },
      carryInMinor: options.carryIn ?? 0,
      legs: names,
    };
    return { ...one, number: i + 1, pools: i === count - 1 ? [...one.pools, over] : one.pools };
  });
  return { ...card({ rules }), meetingId: 'M1', races };
}

export class LegsWorld extends World {
  readonly #legs = new Map<string, readonly LegOutcome[]>();

  /** Every race open, accounts funded. */
  static over(type: string, rules: string, options: CardOptions & { shards?: number } = {}): LegsWorld {
    return LegsWorld.of([legsCard(type as 'PICK3', rules, options)], options.shards);
  }

  /** The same of cards that are given. */
  static of(meetings: readonly MeetingCard[], shards = 2): LegsWorld {
    const world = new LegsWorld(shards);
    for (const meeting of meetings) world.ask({ type: 'PublishMeeting', meeting, by: tote });
    for (const { raceId: race } of meetings.flatMap(({ races }) => races))
      world.ask({ type: 'OpenRace', race, reason: 'card', by: tote });
    world.renewLease();
    for (let i = 0; i < 6; i++) world.fund(`acc-${i}`, 100_000);
    return world;
  }

  facts(): MarketFact[] {
    return this.market.decisions.flatMap((d) => d.events.flatMap((e) => (e.t === 'Fact' ? [e.fact] : [])));
  }

  stopRace(number: number): Decided<MarketEvent> {
    return this.ask({ type: 'StopBetting', race: raceId(number), reason: 'off', by: steward });
  }

  scratchIn(number: number, runner: string): Decided<MarketEvent> {
    return this.ask({ type: 'ScratchRunner', race: raceId(number), runner, reason: 'lame', by: steward });
  }

  enter(number: number, finish: readonly (readonly string[])[], reason = ''): Decided<MarketEvent> {
    const race = raceId(number);
    return this.ask({ type: 'EnterResult', race, finish, disqualified: [], reason, by: steward });
  }

  voidLeg(number: number): Decided<MarketEvent> {
    return this.ask({ type: 'VoidRace', race: raceId(number), reason: 'fog', by: steward });
  }

  /** The calculators, and the second person. */
  makeOfficial(number: number): Decided<MarketEvent> {
    this.propose(number);
    const previewHash = this.raceAt(number).previewHash ?? 'none';
    return this.ask({ type: 'ConfirmSettlement', race: raceId(number), previewHash, by: second });
  }

  /** All three calculators on every pool of the race that was called. */
  propose(number: number): void {
    for (const { poolId } of this.raceAt(number).card.pools) {
      if (!this.market.state.pools.get(poolId)?.isCalled) continue;
      for (const source of PROPOSAL_SOURCES)
        this.ask({ type: 'SubmitProposal', proposal: { ...this.word(poolId), source } });
    }
  }

  /** A leg from stop to official. */
  run(number: number, finish: readonly (readonly string[])[]): void {
    if (this.raceAt(number).status === 'OPEN') this.stopRace(number);
    this.enter(number, finish);
    this.makeOfficial(number);
  }

  raceAt(number: number) {
    const race = this.market.state.races.get(raceId(number));
    if (!race) throw new Error(`there is no race ${number}`);
    return race;
  }

  /** What has been declared, `tier c` to price. */
  declared(pool: string): Record<string, string> {
    const sheet = this.market.state.pools.get(pool)?.declared;
    return Object.fromEntries((sheet?.dividends ?? []).map(({ tier, c, price }) => [`${tier} ${c}`, price]));
  }

  /** What each leg had come to when the pool was called last. */
  legsOf(pool: string): readonly LegOutcome[] {
    for (const fact of this.facts())
      if (fact.t === 'ResultEntered')
        for (const called of fact.pools) if (called.legs) this.#legs.set(called.pool, called.legs);
    return this.#legs.get(pool) ?? [];
  }

  private word(pool: string): Omit<DividendProposal, 'source'> {
    const known = this.market.state.pools.get(pool);
    const race = known && this.market.state.races.get(known.race);
    if (!known || !race) throw new Error(`there is no pool ${pool}`);
    if (race.voided && !known.card.legs) return this.proposal(pool, 'ENGINE');
    const { ruleSet, carryInMinor } = known.card;
    const stakes = new Map<string, number>();
    for (const report of known.stakes)
      for (const { c, stake } of report?.keys ?? []) stakes.set(c, (stakes.get(c) ?? 0) + stake);
    const grossMinor = known.stakes.reduce((sum, report) => sum + (report?.stake ?? 0), 0);
    const money = { ruleSet, grossMinor, refundsMinor: 0, carryInMinor };
    const settledMinor = known.stakes.reduce((sum, report) => sum + (report?.settled ?? 0), 0);
    const field = {
      declared: race.card.runners.map((r) => r.number),
      scratched: race.scratched,
      entries: race.entries,
    };
    const sheet: Sheet = known.card.legs
      ? priceLegs({
          ...money,
          result: legResult(ruleSet, this.legsOf(pool)),
          stakeOf: (c) => ratio(stakes.get(c) ?? 0),
        })
      : pricePool({ ...money, field, finish: race.finish, stakeOn: (c) => stakes.get(c) ?? 0 });
    return {
      ...{
        pool,
        version: race.version,
        inputHash: 'x',
        outcome: sheet.outcome,
        grossMinor,
        carryInMinor,
      },
      ...{ takeoutMinor: sheet.takeoutMinor, netMinor: sheet.netMinor, paidMinor: sheet.paidMinor },
      ...{ refundedMinor: sheet.refundedMinor, breakageMinor: sheet.breakageMinor, topUpMinor: sheet.topUpMinor },
      carryOutMinor: sheet.carryOutMinor + sheet.jackpotMinor,
      settledMinor,
      dividends: sheet.dividends.map(({ tier, c, price, stakeMinor, paidMinor }: Dividend) => ({
        ...{ tier, c, price, stakeMinor, paidMinor },
      })),
      steps: [],
    };
  }
}
