/**
 * What the doors (HTTP and gRPC) ask and who answers: typed commands and queries on the bus of @nestjs/cqrs, dispatched in this
 * process only. No fact ever travels here; facts are in the log.
 */
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler, type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import type { TicketView } from '#mutuel/services';
import type { InclusionProof } from '#mutuel/verify';
import { type AccountOpenedAnswer, Accounts, type LimitsAnswer, type MoneyAnswer } from './accounts.js';
import type { Principal } from './auth.js';
import { type Answer, Betting, type CancelAnswer, type PendingAnswer } from './betting.js';
import { type Act, type ActAnswer, Desk } from './desk.js';
import { type QuoteAnswer, Quotes } from './quotes.js';
import type { LimitsBody, MoneyBody, OpenAccountBody, QuoteBody, TicketBody } from './schemas.js';
import { Seals } from './seals.js';
import type { TicketAnswer } from './ticket-answers.js';

export class PlaceTicket extends Command<Answer<TicketAnswer | PendingAnswer>> {
  constructor(
    readonly principal: Principal,
    readonly body: TicketBody,
  ) {
    super();
  }
}

export class CancelTicket extends Command<Answer<CancelAnswer>> {
  constructor(
    readonly principal: Principal,
    readonly ticketId: string,
    readonly reason: string,
  ) {
    super();
  }
}

export class AbandonReference extends Command<Answer<ProvenTicket>> {
  constructor(
    readonly principal: Principal,
    readonly accountId: string,
    readonly ticketRef: string,
  ) {
    super();
  }
}

export class MoveMoney extends Command<Answer<MoneyAnswer>> {
  constructor(
    readonly principal: Principal,
    readonly kind: 'Deposit' | 'Withdraw',
    readonly accountId: string,
    readonly body: MoneyBody,
  ) {
    super();
  }
}

export class OpenAccount extends Command<Answer<AccountOpenedAnswer>> {
  constructor(
    readonly principal: Principal,
    readonly body: OpenAccountBody,
  ) {
    super();
  }
}

export class ChangeLimits extends Command<Answer<LimitsAnswer>> {
  constructor(
    readonly principal: Principal,
    readonly accountId: string,
    readonly body: LimitsBody,
  ) {
    super();
  }
}

export class ActOnMarket extends Command<ActAnswer> {
  constructor(
    readonly principal: Principal,
    readonly act: Act,
  ) {
    super();
  }
}

export class QuoteTicket extends Query<QuoteAnswer> {
  constructor(readonly body: QuoteBody) {
    super();
  }
}

/** A ticket with the way of its bets into the seals of their pools. */
export type ProvenTicket = TicketView & { readonly proofs: readonly InclusionProof[] };

export class LookUpTicket extends Query<ProvenTicket> {
  constructor(
    readonly principal: Principal,
    readonly ticketId: string,
  ) {
    super();
  }
}

export class LookUpReference extends Query<Answer<ProvenTicket | PendingAnswer>> {
  constructor(
    readonly principal: Principal,
    readonly accountId: string,
    readonly ticketRef: string,
  ) {
    super();
  }
}

@CommandHandler(PlaceTicket)
class PlaceTicketHandler implements ICommandHandler<PlaceTicket> {
  constructor(@Inject(Betting) private readonly betting: Betting) {}
  execute({ principal, body }: PlaceTicket) {
    return this.betting.place(principal, body);
  }
}

@CommandHandler(CancelTicket)
class CancelTicketHandler implements ICommandHandler<CancelTicket> {
  constructor(@Inject(Betting) private readonly betting: Betting) {}
  execute({ principal, ticketId, reason }: CancelTicket) {
    return this.betting.cancel(principal, ticketId, reason);
  }
}

@CommandHandler(AbandonReference)
class AbandonReferenceHandler implements ICommandHandler<AbandonReference> {
  constructor(
    @Inject(Betting) private readonly betting: Betting,
    @Inject(Seals) private readonly seals: Seals,
  ) {}
  async execute({ principal, accountId, ticketRef }: AbandonReference) {
    const answer = await this.betting.abandon(principal, accountId, ticketRef);
    return { ...answer, body: await proven(answer.body, this.seals) };
  }
}

@CommandHandler(MoveMoney)
class MoveMoneyHandler implements ICommandHandler<MoveMoney> {
  constructor(@Inject(Accounts) private readonly accounts: Accounts) {}
  execute({ principal, kind, accountId, body }: MoveMoney) {
    return this.accounts.moveMoney(principal, kind, accountId, body);
  }
}

@CommandHandler(OpenAccount)
class OpenAccountHandler implements ICommandHandler<OpenAccount> {
  constructor(@Inject(Accounts) private readonly accounts: Accounts) {}
  execute({ principal, body }: OpenAccount) {
    return this.accounts.open(principal, body);
  }
}

@CommandHandler(ChangeLimits)
class ChangeLimitsHandler implements ICommandHandler<ChangeLimits> {
  constructor(@Inject(Accounts) private readonly accounts: Accounts) {}
  execute({ principal, accountId, body }: ChangeLimits) {
    return this.accounts.changeLimits(principal, accountId, body);
  }
}

@CommandHandler(ActOnMarket)
class ActOnMarketHandler implements ICommandHandler<ActOnMarket> {
  constructor(@Inject(Desk) private readonly desk: Desk) {}
  execute({ principal, act }: ActOnMarket) {
    return this.desk.act(principal, act);
  }
}

@QueryHandler(QuoteTicket)
class QuoteTicketHandler implements IQueryHandler<QuoteTicket> {
  constructor(@Inject(Quotes) private readonly quotes: Quotes) {}
  execute({ body }: QuoteTicket) {
    return this.quotes.quote(body);
  }
}

@QueryHandler(LookUpTicket)
class LookUpTicketHandler implements IQueryHandler<LookUpTicket> {
  constructor(
    @Inject(Betting) private readonly betting: Betting,
    @Inject(Seals) private readonly seals: Seals,
  ) {}
  async execute({ principal, ticketId }: LookUpTicket) {
    return proven(await this.betting.lookUp(principal, ticketId), this.seals);
  }
}

@QueryHandler(LookUpReference)
class LookUpReferenceHandler implements IQueryHandler<LookUpReference> {
  constructor(
    @Inject(Betting) private readonly betting: Betting,
    @Inject(Seals) private readonly seals: Seals,
  ) {}
  async execute({ principal, accountId, ticketRef }: LookUpReference): Promise<Answer<ProvenTicket | PendingAnswer>> {
    const answer = await this.betting.lookUpByRef(principal, accountId, ticketRef);
    const { body } = answer;
    return { ...answer, body: 'bets' in body ? await proven(body, this.seals) : body };
  }
}

async function proven(view: TicketView, seals: Seals): Promise<ProvenTicket> {
  return { ...view, proofs: await seals.proofsOf(view) };
}

export const MESSAGE_HANDLERS = [
  PlaceTicketHandler,
  CancelTicketHandler,
  AbandonReferenceHandler,
  MoveMoneyHandler,
  OpenAccountHandler,
  ChangeLimitsHandler,
  ActOnMarketHandler,
  QuoteTicketHandler,
  LookUpTicketHandler,
  LookUpReferenceHandler,
];
