/**
 * The way between clients and the API: calls and answers that come late, get lost or come twice. A client never dies; what it was told,
 * and what it asked, it tells the auditor. It must never change what is said on the way.
 */
import type { Api, Reply } from './api.js';
import type { Auditor } from './auditor/auditor.js';
import type { Question } from './auditor/told.js';
import type { Plan } from './plan.js';
import type { Random } from './random.js';
import type { Strikes } from './strikes.js';
import type { System } from './system.js';

/** What a client makes of it: a reply, or nothing within its patience. */
export type Heard = Reply | { readonly kind: 'SILENCE' };

const PATIENCE_MS = 4_000;

export class Network {
  calls = 0;

  constructor(
    private readonly system: System,
    private readonly plan: Plan,
    private readonly random: Random,
    private readonly strikes: Strikes,
    private readonly auditor: Auditor,
  ) {}

  /** Asks the API and tells the auditor what came back. */
  async ask(question: Question, ask: (api: Api) => Promise<Reply>): Promise<Heard> {
    this.calls++;
    const heard = await this.#call<Heard>((api) => this.#witnessed(ask(api)), { kind: 'SILENCE' });
    if (heard.kind === 'ACCEPTED')
      this.auditor.answered(question, { ...heard.place, ...(heard.ticket === '' ? {} : { ticket: heard.ticket }) });
    if (heard.kind === 'REFUSED') this.auditor.answered(question, { ...heard.place, code: heard.code });
    return heard;
  }

  /** An order to the market. */
  async order(type: string, ask: (api: Api) => Promise<Reply>): Promise<Heard> {
    this.calls++;
    const heard = await this.#call<Heard>((api) => this.#witnessed(ask(api)), { kind: 'SILENCE' });
    if (heard.kind === 'ACCEPTED') this.auditor.ordered(type, heard.place);
    if (heard.kind === 'REFUSED') this.auditor.ordered(type, { ...heard.place, code: heard.code });
    return heard;
  }

  look<T>(look: (api: Api) => T, otherwise: T): Promise<T> {
    return this.#call(async (api) => look(api), otherwise);
  }

  /** The word that nothing was written counts from the moment it is spoken, whoever hears it. */
  async #witnessed(reply: Promise<Reply>): Promise<Reply> {
    const said = await reply;
    if (said.kind === 'BUSY') this.auditor.told.notAppended(said.cid);
    return said;
  }

  #call<T>(ask: (api: Api) => Promise<T>, silence: T): Promise<T> {
    const { kernel } = this.system;
    return new Promise((resolve, reject) => {
      let isDone = false;
      const done = (value: T): void => {
        if (isDone) return;
        isDone = true;
        patience.run = undefined;
        resolve(value);
      };
      const patience = kernel.after(PATIENCE_MS, () => done(silence));
      const times = this.strikes.happens('call-doubled') ? 2 : 1;
      for (let i = 0; i < times; i++) {
        if (this.strikes.happens('call-lost')) continue;
        kernel.after(this.#latency(), () => this.#arrive(ask, done, reject));
      }
    });
  }

  #arrive<T>(ask: (api: Api) => Promise<T>, done: (value: T) => void, reject: (fault: unknown) => void): void {
    const api = this.system.running.api[0];
    if (!api) return;
    api.process.enter(() => {
      ask(api.part).then((answer) => {
        if (this.strikes.happens('answer-lost')) return;
        this.system.kernel.after(this.#latency(), () => done(answer));
      }, reject);
    });
  }

  #latency(): number {
    const late = this.strikes.happens('call-delayed') ? this.random.between(100, 3_000) : 0;
    return this.random.between(0, this.plan.slow.call) + late;
  }
}
