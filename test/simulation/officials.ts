/**
 * Stewards, tote operators and accountants: they look at a race, do what comes next, and now and then something else: a scratch, a late
 * off, a void, a second result, a confirmation by the wrong person, and whatever else can be asked for, in a state that is wrong for
 * it. What they asked and heard no answer to they look up and ask again.
 */
import type { Actor, MarketCommand, MeetingCard } from '#mutuel/engine';
import type { RaceView } from './api.js';
import type { RacePlan } from './day.js';
import type { Heard, Network } from './network.js';
import type { Feature, Plan } from './plan.js';
import type { Random } from './random.js';
import type { System } from './system.js';

/** Whatever a person can ask of the market for a race: all of its commands that name one, and the card. */
type Act = Extract<MarketCommand, { readonly race: string; readonly by: Actor }>['type'] | 'PublishMeeting';
const person = (user: string, ...roles: string[]) => ({ user, roles, device: `desk of ${user}` });
const TOTE = person('tess', 'TOTE_OPERATOR');
const STEWARD = person('stella', 'STEWARD');
const SECOND = person('sam', 'STEWARD');
const ACCOUNTANT = person('ada', 'ACCOUNTANT');
/** Who may ask for it. */
const WHO: Readonly<Record<Act, readonly (typeof TOTE)[]>> = {
  PublishMeeting: [TOTE],
  OpenRace: [TOTE],
  SuspendRace: [TOTE, STEWARD],
  ResumeRace: [TOTE, STEWARD],
  StopBetting: [TOTE, STEWARD],
  DeclareLateOff: [STEWARD],
  ScratchRunner: [STEWARD],
  EnterResult: [STEWARD, SECOND],
  ConfirmSettlement: [STEWARD, SECOND, ACCOUNTANT],
  VoidRace: [STEWARD],
};
export const ACTS = Object.keys(WHO) as readonly Act[];
/** What ends a sale, and what ends a race: now and then alone, or there would be little to race for. */
const ENDINGS = new Set<Act>(['StopBetting', 'DeclareLateOff', 'EnterResult']);
const KEEPS_AN_ENDING = 0.3;
/** How likely something comes out of turn, right after an act or as soon as a state is seen, and otherwise. */
const OUT_OF_TURN = { at: 0.4, else: 0.01 };
/** A to B to A is one of them. A scratch leaves the race reopened until an inquiry is over; another order does not. */
const CORRECTIONS: readonly (readonly Correction[])[] = [
  ['SCRATCH'],
  ['SCRATCH'],
  ['SCRATCH', 'FIRST'],
  ['SCRATCH', 'OTHER', 'FIRST'],
  ['SCRATCH', 'VOID'],
  ['OTHER'],
  ['OTHER', 'FIRST'],
  ['OTHER', 'FIRST'],
  ['OTHER', 'OTHER', 'FIRST'],
  ['SCRATCH'],
  ['SCRATCH'],
  ['SCRATCH', 'OTHER'],
  ['OTHER', 'SCRATCH'],
  ['VOID'],
  ['VOID', 'FIRST'],
  ['OTHER', 'VOID', 'OTHER'],
];
/**
 * Nobody goes home before what was ordered last can have arrived, was decided, and stands on the screen: a correction would be left
 * half done. So long the one and the other may take, ms; of a whole system less.
 */
const ARRIVED_MS = { struck: 15_000, whole: 7_000 };
const SEEN_MS = { struck: 10_000, whole: 3_000 };
const RUN_MS = 500;
const UNKNOWN: RaceView = { status: 'UNKNOWN', previewHash: null, ended: false, scratched: [], waits: [] };

/** What this race has in store; each at most once, so that it comes to an end. */
interface Story {
  suspends: boolean;
  scratchesWhileSelling: boolean;
  scratchesAfter: boolean;
  lateOff: 'SELLING' | 'CLOSED' | 'PROVISIONAL' | undefined;
  voids: string | undefined;
  resultWhileSelling: boolean;
  secondResult: boolean;
  samePerson: boolean;
  stalePreview: boolean;
  wrongRole: boolean;
  enteredBy: typeof STEWARD;
  /** The order entered first, to come back to. */
  first: Order | undefined;
  /** How many acts out of turn are left, and the state that the last one was drawn for. */
  outOfTurn: number;
  seen: string;
  /** What happens once the result is official, one after the other. */
  readonly corrections: Correction[];
  readonly isLong: boolean;
}

type Correction = 'OTHER' | 'FIRST' | 'SCRATCH' | 'VOID';

interface Order {
  readonly finish: readonly (readonly string[])[];
  readonly disqualified: readonly string[];
}

export class Officials {
  /** The day's. */
  races: readonly RacePlan[] = [];
  /** As it was published. */
  #card: MeetingCard | undefined;
  /** Races that somebody still has to do with. */
  readonly #atWork = new Set<string>();

  constructor(
    private readonly system: System,
    private readonly network: Network,
    private readonly plan: Plan,
    private readonly random: Random,
  ) {}

  /** With the carry-overs that stand on the screen. */
  async publish(first: string, card: (carriedOn: ReadonlyMap<string, number>) => MeetingCard): Promise<void> {
    while ((await this.#view(first)).status === 'UNKNOWN') {
      const meeting = card(await this.network.look((api) => api.carriedOn(), new Map<string, number>()));
      this.#card = meeting;
      await this.#do('PublishMeeting', { meeting }, TOTE);
      await this.system.kernel.sleep(100);
    }
  }

  /** One step at a time and by two people; whether it comes to it is left to chance. */
  async raiseFormat(after: number): Promise<void> {
    const order = { format: 2, reason: 'every process reads it' };
    await this.system.kernel.sleep(after);
    await this.#do('ProposeRecordFormat', order, TOTE);
    if (this.random.chance(0.3)) await this.#do('ConfirmRecordFormat', { format: 2 }, TOTE);
    await this.#do('ConfirmRecordFormat', { format: this.random.pick([2, 2, 2, 3]) }, STEWARD);
  }

  /** Until the race has ended, and for as long as its result is corrected. */
  async drive(race: RacePlan): Promise<void> {
    const story = this.#story();
    this.#atWork.add(race.id);
    let acted = 0;
    let decided = Number.POSITIVE_INFINITY;
    for (;;) {
      const view = await this.#view(race.id);
      const { kernel, strikes } = this.system;
      const world = strikes.isOn ? 'struck' : 'whole';
      if (kernel.now - acted > ARRIVED_MS[world] && this.system.isDecided()) decided = Math.min(decided, kernel.now);
      const isOver = view.ended && story.corrections.length === 0 && kernel.now - decided > SEEN_MS[world];
      if (isOver) this.#atWork.delete(race.id);
      else this.#atWork.add(race.id);
      // What is corrected in one race may be another's, where a pool is bet on both.
      if (isOver && (!this.#has('legs') || this.#atWork.size === 0)) return;
      const isNext = (await this.#next(race, view, story)) !== undefined;
      const isElse = (await this.#outOfTurn(race, view, story, isNext)) !== undefined;
      if (isNext || isElse) {
        acted = kernel.now;
        decided = Number.POSITIVE_INFINITY;
      }
      await this.system.kernel.sleep(this.random.between(20, 200));
    }
  }

  /** A race that was official is taken up again, and left like that: the others have gone home. */
  async inquire(race: RacePlan): Promise<void> {
    const view = await this.#view(race.id);
    if (view.status !== 'PAYING' && view.status !== 'SETTLED') return;
    await this.#correct(race, view, this.#story(), this.random.pick(['SCRATCH', 'SCRATCH', 'OTHER'] as const));
  }

  async #next(race: RacePlan, view: RaceView, story: Story): Promise<unknown> {
    const { now } = this.system.kernel;
    if (view.status === story.voids && (view.status !== 'OPEN' || now > (race.opens + race.stops) / 2)) {
      const heard = await this.#do('VoidRace', { race: race.id, reason: 'storm' }, STEWARD);
      // A race that was official stays provisional by it: once is enough.
      if (heard.kind === 'ACCEPTED') story.voids = undefined;
      return heard;
    }
    switch (view.status) {
      case 'DRAFT':
        return now >= race.opens ? this.#do('OpenRace', { race: race.id, reason: 'time' }, TOTE) : undefined;
      case 'OPEN':
        return this.#selling(race, view, story, now);
      case 'SUSPENDED':
        // Until the loose horse is caught.
        return this.random.chance(this.system.strikes.isOn ? 0.85 : 0.3)
          ? undefined
          : this.#do('ResumeRace', { race: race.id, reason: 'over' }, TOTE);
      case 'CLOSED':
        return this.#closed(race, view, story, now);
      case 'PROVISIONAL':
        return this.#provisional(race, view, story, now);
      case 'PAYING':
      case 'SETTLED':
        return this.#official(race, view, story);
      case 'VOID':
        if (view.ended) return this.#official(race, view, story);
        // What ends with it and began in another race is settled by two people all the same.
        return view.previewHash === null ? undefined : this.#confirm(race, view.previewHash, story);
      case 'REOPENED':
        // An inquiry takes its time: some go on until the other races are run.
        if (this.system.strikes.isOn && story.isLong && this.races.some(({ stops }) => now < stops + RUN_MS))
          return undefined;
        return this.random.chance(this.system.strikes.isOn ? 0.98 : 0.5) ? undefined : this.#result(race, view, story);
      default:
        return undefined;
    }
  }

  /** What turns out afterwards: another order, the first one again, a runner that did not run, no race at all. */
  async #official(race: RacePlan, view: RaceView, story: Story): Promise<unknown> {
    if (view.status === 'PAYING' && this.random.chance(0.7)) return undefined;
    const heard = await this.#correct(race, view, story, story.corrections[0]);
    // Who heard nothing of a scratch does not scratch another one for it.
    const isKnown = heard?.kind === 'ACCEPTED' || heard?.kind === 'REFUSED';
    if (isKnown || story.corrections[0] === 'SCRATCH') story.corrections.shift();
    return heard;
  }

  #correct(race: RacePlan, view: RaceView, story: Story, kind: Correction | undefined): Promise<Heard> | undefined {
    switch (kind) {
      case 'OTHER':
        return this.#result(race, view, story);
      case 'FIRST':
        return story.first ? this.#enter(race, story, story.first) : this.#result(race, view, story);
      case 'SCRATCH':
        return this.#scratch(race, view) ?? this.#result(race, view, story);
      case 'VOID':
        story.enteredBy = STEWARD;
        return this.#do('VoidRace', { race: race.id, reason: 'the wrong distance' }, STEWARD);
      default:
        return undefined;
    }
  }

  async #selling(race: RacePlan, view: RaceView, story: Story, now: number): Promise<unknown> {
    const share = (now - race.opens) / (race.stops - race.opens);
    if (story.wrongRole && share > 0.1) {
      story.wrongRole = false;
      return this.#do('StopBetting', { race: race.id, reason: 'not mine to say' }, ACCOUNTANT);
    }
    if (story.suspends && share > 0.3) {
      story.suspends = false;
      return this.#do('SuspendRace', { race: race.id, reason: 'loose horse' }, STEWARD);
    }
    if (story.scratchesWhileSelling && share > 0.5) {
      story.scratchesWhileSelling = false;
      return this.#scratch(race, view);
    }
    if (share < 1) return undefined;
    if (story.lateOff === 'SELLING') {
      story.lateOff = undefined;
      return this.#lateOff(race, now);
    }
    if (story.resultWhileSelling) return this.#result(race, view, story);
    return this.#do('StopBetting', { race: race.id, reason: 'they are off' }, TOTE);
  }

  async #closed(race: RacePlan, view: RaceView, story: Story, now: number): Promise<unknown> {
    if (story.lateOff === 'CLOSED') {
      story.lateOff = undefined;
      return this.#lateOff(race, now);
    }
    if (story.scratchesAfter && this.random.chance(0.5)) {
      story.scratchesAfter = false;
      return this.#scratch(race, view);
    }
    return this.#result(race, view, story);
  }

  async #provisional(race: RacePlan, view: RaceView, story: Story, now: number): Promise<unknown> {
    if (story.secondResult && this.random.chance(0.4)) {
      story.secondResult = false;
      return this.#result(race, view, story);
    }
    if (story.scratchesAfter) {
      story.scratchesAfter = false;
      return this.#scratch(race, view);
    }
    if (story.lateOff === 'PROVISIONAL') {
      story.lateOff = undefined;
      return this.#lateOff(race, now);
    }
    const { previewHash } = view;
    if (story.stalePreview) {
      story.stalePreview = false;
      return this.#do('ConfirmSettlement', { race: race.id, previewHash: 'f'.repeat(64) }, SECOND);
    }
    if (previewHash === null) return undefined;
    if (story.samePerson) {
      story.samePerson = false;
      return this.#do('ConfirmSettlement', { race: race.id, previewHash }, story.enteredBy);
    }
    return this.#confirm(race, previewHash, story);
  }

  #confirm(race: RacePlan, previewHash: string, story: Story): Promise<Heard> {
    const other = story.enteredBy.user === SECOND.user ? STEWARD : SECOND;
    return this.#do('ConfirmSettlement', { race: race.id, previewHash }, this.random.pick([other, ACCOUNTANT]));
  }

  #scratch(race: RacePlan, view: RaceView): Promise<Heard> | undefined {
    const left = race.runners.filter((runner) => !view.scratched.includes(runner));
    if (left.length <= 3) return undefined;
    return this.#do('ScratchRunner', { race: race.id, runner: this.random.pick(left), reason: 'lame' }, STEWARD);
  }

  #lateOff(race: RacePlan, now: number): Promise<Heard> {
    const offAt = now - this.random.between(0, 4_000);
    return this.#do('DeclareLateOff', { race: race.id, offAt, reason: 'they were off before' }, STEWARD);
  }

  #result(race: RacePlan, view: RaceView, story: Story): Promise<Heard> {
    const running = race.runners.filter((runner) => !view.scratched.includes(runner));
    if (running.length === 0) {
      story.enteredBy = STEWARD;
      return this.#do('VoidRace', { race: race.id, reason: 'nobody ran' }, STEWARD);
    }
    const order = this.random.shuffled(running);
    if (this.random.chance(0.4)) {
      order.splice(order.indexOf(race.favourite), running.includes(race.favourite) ? 1 : 0);
      if (running.includes(race.favourite)) order.unshift(race.favourite);
    }
    const finish = order.map((runner) => [runner]);
    if (this.#has('dead-heats') && finish.length > 2 && this.random.chance(0.5)) {
      const at = this.random.below(2);
      finish.splice(at, 2, finish.slice(at, at + 2).flat());
    }
    // Who was first past the post and is put out of the order is no non-runner: the bets on it have lost.
    const isOut = this.#has('disqualifications') && finish.length > 1 && this.random.chance(0.3);
    const disqualified = isOut ? finish.splice(this.random.below(2), 1).flat() : [];
    story.first ??= { finish, disqualified };
    return this.#enter(race, story, { finish, disqualified });
  }

  #enter(race: RacePlan, story: Story, order: Order): Promise<Heard> {
    story.enteredBy = this.random.pick([STEWARD, SECOND]);
    return this.#do('EnterResult', { race: race.id, ...order, reason: 'photo' }, story.enteredBy);
  }

  // ── Out of turn ────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Anything that can be asked for, whatever has become of the race meanwhile: most of it has to be refused, and what is not has to be
   * got over. Right after an act the race is in a state that lasts for moments alone.
   */
  async #outOfTurn(race: RacePlan, view: RaceView, story: Story, isAfterAct: boolean): Promise<Heard | undefined> {
    const { random } = this;
    if (story.outOfTurn === 0 || !this.system.strikes.isOn) return undefined;
    const isNew = view.status !== story.seen;
    story.seen = view.status;
    if (!random.chance(isNew || isAfterAct ? OUT_OF_TURN.at : OUT_OF_TURN.else)) return undefined;
    const act = random.pick(ACTS);
    const isSelling = ['OPEN', 'SUSPENDED'].includes(view.status) && this.system.kernel.now < race.stops;
    const isEnding = act === 'VoidRace' ? view.status !== 'VOID' : isSelling && ENDINGS.has(act);
    if (isEnding && !random.chance(KEEPS_AN_ENDING)) return undefined;
    story.outOfTurn--;
    const by = random.pick(WHO[act]);
    if (act === 'EnterResult' || act === 'VoidRace') story.enteredBy = by;
    return this.#do(act, this.#anyOf(act, race, view), by);
  }

  /** What an act needs, with the mistakes that people make in it. */
  #anyOf(act: Act, race: RacePlan, view: RaceView): object {
    const { random } = this;
    const reason = random.chance(0.85) ? 'somebody said so' : random.pick(['', ' ']);
    const anyone = (): string => (random.chance(0.15) ? '99' : random.pick(race.runners));
    switch (act) {
      case 'PublishMeeting': {
        const meeting = this.#card as MeetingCard;
        return { meeting: random.chance(0.5) ? meeting : { ...meeting, meetingId: `${meeting.meetingId}-again` } };
      }
      case 'DeclareLateOff': {
        const ago = random.pick([0, 500, 2_000, 4_000, 20_000, -30_000, 7 * 3_600_000]);
        return { race: race.id, offAt: this.system.kernel.now - ago, reason };
      }
      case 'ScratchRunner': {
        const { scratched } = view;
        const mayRun = race.runners.length - scratched.length > 3 || random.chance(0.2) || scratched.length === 0;
        return { race: race.id, runner: mayRun ? anyone() : random.pick(scratched), reason };
      }
      case 'EnterResult': {
        const order = random.shuffled(race.runners.filter((runner) => !view.scratched.includes(runner)));
        const [finish, disqualified] = [order.slice(0, 3).map((runner) => [runner]), order.slice(3, 4)];
        if (random.chance(0.1)) finish.push([anyone()]);
        if (random.chance(0.1)) disqualified.push(anyone());
        return { race: race.id, finish, disqualified, reason };
      }
      case 'ConfirmSettlement':
        return { race: race.id, previewHash: view.previewHash ?? 'f'.repeat(64) };
      default:
        return { race: race.id, reason };
    }
  }

  #story(): Story {
    const does = (feature: Feature, probability = 0.5): boolean =>
      this.#has(feature) && this.random.chance(probability);
    const story: Story = {
      suspends: does('suspensions'),
      scratchesWhileSelling: does('scratches'),
      scratchesAfter: does('scratches', 0.3),
      lateOff: undefined,
      voids: undefined,
      resultWhileSelling: does('results-while-selling', 0.3),
      secondResult: does('second-results'),
      samePerson: does('same-person'),
      stalePreview: does('stale-previews'),
      wrongRole: does('wrong-roles'),
      enteredBy: STEWARD,
      first: undefined,
      ...{ outOfTurn: does('acts-out-of-turn', 0.8) ? this.random.between(2, 8) : 0, seen: '' },
      corrections: does('corrections', 0.7) ? this.random.pick(CORRECTIONS).slice() : [],
      isLong: this.random.chance(0.6),
    };
    if (does('late-offs', 0.5)) story.lateOff = this.random.pick(['SELLING', 'CLOSED', 'PROVISIONAL'] as const);
    if (does('voids', 0.3)) story.voids = this.random.pick(['DRAFT', 'OPEN', 'SUSPENDED', 'CLOSED', 'PROVISIONAL']);
    return story;
  }

  #has(feature: Feature): boolean {
    return this.plan.features.has(feature);
  }

  #view(race: string): Promise<RaceView> {
    return this.network.look((api) => api.race(race), UNKNOWN);
  }

  #do(type: string, fields: object, by: ReturnType<typeof person>): Promise<Heard> {
    return this.network.order(type, (api) => api.order({ type, ...fields, by }));
  }
}
