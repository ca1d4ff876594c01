/**
 * Those who bet. Each ticket is followed until its outcome is known: by its answer, by asking again under the same reference, by giving
 * it up. Some ask twice, some with another body, some for the impossible.
 */
import { encodeCommand, TOPICS } from '#mutuel/contracts';
import { shardOf } from '#mutuel/engine';
import type { PoolPlan, RacePlan } from './day.js';
import type { Heard, Network } from './network.js';
import type { Feature, Plan } from './plan.js';
import type { Random } from './random.js';
import type { System } from './system.js';

interface BetOrder {
  readonly ref: string;
  readonly pool: string;
  readonly sel: string;
  readonly unit: number;
  readonly stake: number;
  readonly next?: readonly { readonly pool: string; readonly sel: string; readonly quarters: number }[];
}

interface HouseCommand {
  readonly type: string;
  readonly account: string;
  readonly ref?: string;
  readonly currency?: string;
  readonly amount?: number;
  readonly limits?: object;
  readonly version?: number;
}

interface Ticket {
  readonly account: string;
  readonly ref: string;
  readonly body: string;
  readonly command: object;
}

const AGAIN_MS = 300;
const MOST_MS = 8_000;
const RICH = 1_000_000_000;
const LATE_MS = 2_500;
const OPENING_MS = 300;
/** Of those whose API died. */
const COMES_BACK = 0.15;

export class Bettors {
  /** Tickets and payments whose outcome somebody still waits for. */
  open = 0;
  /** The day's, for those who bet on more than one. */
  races: readonly RacePlan[] = [];
  readonly #accounts: string[];
  readonly #settled: Ticket[] = [];
  readonly #tickets: { readonly account: string; readonly ticket: string }[] = [];
  #isFunded = false;
  #versions = 0;

  constructor(
    private readonly system: System,
    private readonly network: Network,
    private readonly plan: Plan,
    private readonly random: Random,
  ) {
    this.#accounts = Array.from({ length: plan.accounts }, (_, i) => `acc-${i}`);
  }

  async openAccounts(): Promise<void> {
    if (this.#isFunded) return;
    this.#isFunded = true;
    await Promise.all(this.#accounts.map((account) => this.#fund(account)));
  }

  async #fund(account: string): Promise<void> {
    const elsewhere =
      this.#has('foreign-shards') && this.random.chance(0.2) ? this.random.below(this.plan.shards) : undefined;
    await this.#asHouse(account, { type: 'OpenAccount', account, currency: 'EUR' }, elsewhere);
    // Who has little has spent it when a result is corrected.
    const isPoor = this.#has('poor-accounts') && this.random.chance(0.5);
    const amount = isPoor ? this.random.between(1_000, 20_000) : RICH;
    await this.#asHouse(account, { type: 'Deposit', account, ref: 'first', amount });
  }

  /** Bets at the plan's rate for as long as the race sells, and a little beyond. */
  async betOn(race: RacePlan): Promise<void> {
    const { kernel } = this.system;
    // Most wait until it has opened.
    const first = race.opens + OPENING_MS;
    if (kernel.now < first) await kernel.sleep(first - kernel.now);
    const until = race.stops + OPENING_MS + (this.#has('late-bets') ? LATE_MS : 0);
    let due = kernel.now;
    let left = Math.ceil(this.plan.commands / this.plan.races);
    const rush = this.system.strikes.has('rush-at-stop') ? Math.ceil(left / 3) : 0;
    while (kernel.now < until && left > rush) {
      due += 1_000 / this.plan.rate;
      if (due > kernel.now) await kernel.sleep(due - kernel.now);
      left--;
      this.#follow(this.#act(race));
    }
    if (rush > 0) await this.#rush(race, left);
  }

  /** So many at once that they are on their way when the betting is stopped. */
  async #rush(race: RacePlan, count: number): Promise<void> {
    const { kernel, strikes } = this.system;
    const wait = race.stops - kernel.now + this.random.between(-100, 200);
    if (wait > 0) await kernel.sleep(wait);
    if (strikes.isOn) strikes.note('rush-at-stop', `${count} at once`);
    for (let i = 0; i < count; i++) this.#follow(this.#act(race));
  }

  /**
   * What an API that died right after it appended leaves behind, far more than one door lets wait: bets in the log that nobody waits
   * for. Some come back and ask again.
   */
  crowdInto(race: RacePlan): void {
    const { plan, random, system } = this;
    for (let i = 0; i < plan.crowd; i++) {
      const ticket = this.#ticket(race);
      const partition = shardOf(ticket.account, plan.shards);
      system.log.inject({ topic: TOPICS.shardCommands, partition }, encodeCommand(random.hex(32), ticket.command));
      if (random.chance(COMES_BACK)) this.#follow(this.#patience(0).then(() => this.#place(ticket)));
    }
  }

  #follow(outcome: Promise<unknown>): void {
    this.open++;
    outcome.then(
      () => this.open--,
      (fault: unknown) => {
        // Reported where the run looks for it.
        this.fault ??= fault;
      },
    );
  }

  fault: unknown;

  async #act(race: RacePlan): Promise<unknown> {
    const { random } = this;
    if (this.#has('cancels') && this.#tickets.length > 0 && random.chance(0.06)) return this.#cancel();
    if (this.#has('withdrawals') && random.chance(0.03)) return this.#withdraw();
    if (this.#has('limits') && random.chance(0.01)) return this.#limit();
    if (this.#has('repeats') && this.#settled.length > 0 && random.chance(0.05)) return this.#repeat();
    return this.#place(this.#ticket(race));
  }

  /** Asks until the outcome is known: the same again, or given up. */
  async #place(ticket: Ticket): Promise<void> {
    const { account, ref, body, command } = ticket;
    const channel = this.random.pick(['web', 'pos', 'partner']);
    const toShard =
      this.#has('foreign-shards') && this.random.chance(0.01) ? this.random.below(this.plan.shards) : undefined;
    for (let tries = 0; ; tries++) {
      const heard = await this.network.ask({ account, ref, body, type: 'PlaceTicket' }, (api) =>
        api.ask(account, command, channel, tries === 0 ? toShard : undefined),
      );
      if (heard.kind === 'REFUSED' && heard.code === 'WRONG_SHARD') continue;
      if (heard.kind === 'ACCEPTED' || heard.kind === 'REFUSED') {
        this.#settled.push(ticket);
        if (heard.kind === 'ACCEPTED') this.#tickets.push({ account, ticket: heard.ticket });
        return;
      }
      await this.#patience(tries);
      if (this.#has('abandons') && this.random.chance(0.3) && (await this.#abandon(ticket))) return;
    }
  }

  /** True once it is known what became of the reference. */
  async #abandon({ account, ref, body }: Ticket): Promise<boolean> {
    const heard = await this.network.ask({ account, ref, body, type: 'AbandonRef' }, (api) =>
      api.ask(account, { type: 'AbandonRef', account, ref }),
    );
    return heard.kind === 'ACCEPTED' || heard.kind === 'REFUSED';
  }

  async #repeat(): Promise<void> {
    const ticket = this.random.pick(this.#settled);
    const isOther = this.#has('changed-bodies') && this.random.chance(0.3);
    if (!isOther) return this.#place(ticket);
    const body = this.random.hex(32);
    return this.#place({ ...ticket, body, command: { ...ticket.command, body } });
  }

  /** After a night: references of another day. */
  async repeatOld(count: number): Promise<void> {
    const old = this.random.shuffled(this.#settled).slice(0, count);
    await Promise.all(
      old.map(async ({ account, ref, body, command }) => {
        await this.network.ask({ account, ref, body, type: 'PlaceTicket' }, (api) => api.ask(account, command));
      }),
    );
  }

  async #cancel(): Promise<unknown> {
    const { account, ticket } = this.random.pick(this.#tickets.slice(-50));
    const command = { type: 'CancelTicket', account, ticket, reason: 'changed my mind', by: account };
    return this.network.ask({ account, body: ticket, type: 'CancelTicket' }, (api) => api.ask(account, command));
  }

  async #withdraw(): Promise<unknown> {
    const account = this.random.pick(this.#accounts);
    const type = this.random.pick(['Deposit', 'Withdraw']);
    const amount = this.random.between(1, 20) * 1_000;
    return this.#asHouse(account, { type, account, ref: this.random.hex(16), amount });
  }

  async #limit(): Promise<unknown> {
    const account = this.random.pick(this.#accounts);
    // What was lowered stays so for longer than a run: low enough to be met, high enough to go on betting.
    const limits = this.random.pick([
      { ticketMax: null, dayStake: 400_000 },
      { ticketMax: this.random.pick([5_000, 20_000]) },
      { dayStake: 200_000 },
      { blocked: true },
      { blocked: false },
      { blocked: false, ticketMax: 50_000 },
      { excludedUntil: this.system.kernel.now + 3_000 },
    ]);
    return this.#asHouse(account, { type: 'SetLimits', account, limits, version: ++this.#versions });
  }

  async #asHouse(account: string, command: HouseCommand, toShard?: number): Promise<Heard> {
    let shard = toShard;
    for (let tries = 0; ; tries++) {
      const body = JSON.stringify(command);
      const question = {
        account,
        body,
        type: command.type,
        ...(command.ref === undefined ? {} : { ref: command.ref }),
      };
      const heard = await this.network.ask(question, (api) => api.askAsHouse(account, command, shard));
      if (heard.kind === 'REFUSED' && heard.code === 'WRONG_SHARD') {
        shard = undefined;
        continue;
      }
      if (heard.kind === 'ACCEPTED' || heard.kind === 'REFUSED') return heard;
      await this.#patience(tries);
    }
  }

  /** Longer from time to time, so that a thousand who wait do not drown those who serve. */
  #patience(tries: number): Promise<void> {
    return this.system.kernel.sleep(Math.min(AGAIN_MS * 2 ** tries, MOST_MS) * (0.5 + this.random.next()));
  }

  // ── Tickets ────────────────────────────────────────────────────────────────────────────────────────────────────

  #ticket(race: RacePlan): Ticket {
    const { random } = this;
    const account = random.chance(0.005) ? 'nobody' : random.pick(this.#accounts);
    const ref = this.#ref();
    const bets = this.#bets(race);
    const body = random.hex(32);
    const command = {
      ...{ type: 'PlaceTicket', account, ref, body, currency: 'EUR', channel: 'web', blind: random.hex(32), bets },
      atomic: !(this.#has('partial-tickets') && random.chance(0.5)),
    };
    if (this.#has('malformed') && random.chance(0.01))
      Object.assign(command, random.pick([{ bets: [] }, { blind: 'x' }, { atomic: 1 }]));
    return { account, ref, body, command };
  }

  #bets(race: RacePlan): BetOrder[] {
    const { random } = this;
    const isMany = this.#has('many-bets') && random.chance(0.015);
    const count = isMany ? random.between(40, 100) : random.chance(0.85) ? 1 : random.between(2, 4);
    return Array.from({ length: count }, (_, i) => this.#bet(race, i, isMany && random.chance(0.8)));
  }

  #bet(race: RacePlan, i: number, isOnFavourite: boolean): BetOrder {
    const { random } = this;
    const over = race.pools.find(({ legs }) => legs);
    const pool = isOnFavourite
      ? (race.pools[0] as PoolPlan)
      : over && random.chance(0.4)
        ? over
        : random.pick(race.pools);
    const [first, second, third] = random.shuffled(race.runners) as [string, string, string];
    const joint = pool.type === 'QUINELLA' ? '-' : '>';
    const isTierce = pool.type === 'TIERCE';
    const isPair = pool.type === 'QUINELLA' || pool.type === 'EXACTA' || isTierce;
    const isBox = isPair && this.#has('boxes') && random.chance(0.3);
    const named = isTierce ? [first, second, third] : [first, second];
    let sel = isBox ? `BOX:${first},${second},${third}` : isPair ? named.join(joint) : first;
    if (!pool.legs && (isOnFavourite || (!isPair && random.chance(0.3)))) sel = race.favourite;
    let lines = isBox ? (pool.type === 'QUINELLA' ? 3 : 6) : 1;
    if (isTierce && this.#has('complements') && random.chance(0.6))
      sel += `+${random.pick(race.runners.filter((runner) => ![first, second, third].includes(runner)))}`;
    if (pool.legs) ({ sel, lines } = this.#overLegs(race, pool.legs.length));
    // Hong Kong takes no less than ten of its dollars.
    let unit = (pool.ruleSet?.minStakeMinor ?? 100) * random.between(2, 10);
    let stake = unit * lines;
    if (this.#has('bad-bets') && random.chance(0.02)) {
      const kind = random.below(5);
      if (kind === 0) sel = '99';
      else if (kind === 1) stake += 100;
      else if (kind === 2) unit = stake = 3;
      else if (kind === 3) return { ref: `b${i}`, pool: 'NOWHERE', sel, unit, stake };
      else sel = 'BOX:';
    }
    // As many lines as the stake buys; what is left over is not taken.
    if (isBox && this.#has('flexi') && random.chance(0.5)) [unit, stake] = [0, stake - random.between(0, 99)];
    const next = this.#has('reports') && random.chance(0.25) ? this.#report(race) : [];
    return { ref: `b${i}`, pool: pool.id, sel, unit, stake, ...(next.length > 0 ? { next } : {}) };
  }

  /** Bets on races that are still to come, and now and then on one that is over or not on the card. */
  #report(race: RacePlan): NonNullable<BetOrder['next']> {
    const { random } = this;
    const others = this.races.filter(({ id, stops }) => id > race.id || (stops < race.stops && random.chance(0.02)));
    return others.slice(0, random.between(1, 3)).map(({ pools, runners, favourite }) => {
      const pool = random.pick(pools);
      const [first, second, third] = random.shuffled(runners) as [string, string, string];
      const sel = {
        QUINELLA: `${first}-${second}`,
        EXACTA: `${first}>${second}`,
        TIERCE: `BOX:${first},${second},${third}`,
      };
      const one = random.chance(0.5) ? favourite : first;
      return { pool: pool.id, sel: sel[pool.type as 'EXACTA'] ?? one, quarters: random.between(1, 4) };
    });
  }

  /** Two runners in one leg now and then, and a reserve; the fields of all legs have the same names. */
  #overLegs({ runners, favourite }: RacePlan, many: number): { readonly sel: string; readonly lines: number } {
    const { random } = this;
    let lines = 1;
    const legs = Array.from({ length: many }, () => {
      const [first, second, third] = random.shuffled(runners) as [string, string, string];
      const reserve = random.chance(0.2) ? `+${third}` : '';
      if (this.#has('boxes') && random.chance(0.2)) {
        lines *= 2;
        return `${first},${second}${reserve}`;
      }
      return random.chance(0.5) && favourite !== third ? `${favourite}${reserve}` : `${first}${reserve}`;
    });
    return { sel: legs.join('/'), lines };
  }

  /** A UUIDv7 of now, of hours ago, or of the future. */
  #ref(): string {
    const { random } = this;
    let time = this.system.kernel.now + this.system.clientClock;
    if (this.#has('old-references') && random.chance(0.01))
      time -= random.pick([1_000_000, 7_190_000, 7_210_000, 90_000_000]);
    if (this.#has('future-references') && random.chance(0.01)) time += random.pick([100_000, 130_000, 10_000_000]);
    const hex = Math.floor(time).toString(16).padStart(12, '0');
    return `${hex.slice(0, 8)}-${hex.slice(8)}-7${random.hex(3)}-a${random.hex(3)}-${random.hex(12)}`;
  }

  #has(feature: Feature): boolean {
    return this.plan.features.has(feature);
  }
}
