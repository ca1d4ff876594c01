/** Betting over HTTP beside the placing of tickets: look-ups, cancels, quotes. Thin by intention: a route validates, dispatches, and sets status and headers. */
import { Body, Controller, Get, Inject, Param, Post, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import * as answers from '../answers.js';
import type { Principal } from '../auth.js';
import { AbandonReference, CancelTicket, LookUpReference, LookUpTicket, QuoteTicket } from '../messages.js';
import { paths, type QuoteBody, quoteSchema, reasonSchema } from '../schemas.js';
import { Documented } from './documented.js';
import { told, valid, Who } from './rim.js';

@Controller('v1')
export class TicketsController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
  ) {}

  @Post('quotes')
  @Documented({
    id: 'quote',
    summary: 'What a ticket would cost and how it would move the odds; nothing is placed.',
    tag: 'Betting',
    body: quoteSchema,
    answers: { 200: answers.quoteAnswer },
    isPublic: true,
  })
  async quote(@Body(valid(quoteSchema)) body: QuoteBody, @Res({ passthrough: true }) reply: FastifyReply) {
    reply.status(200);
    return this.queries.execute(new QuoteTicket(body));
  }

  @Post('tickets/:ticketId/cancel')
  @Documented({
    id: 'cancelTicket',
    summary: 'Cancel a ticket while the rules of its pools allow it.',
    tag: 'Betting',
    path: paths.ticket,
    body: reasonSchema,
    answers: { 200: answers.cancelAnswer },
    problems: ['CANCEL_TOO_LATE', 'TICKET_UNKNOWN', 'TICKET_NOT_OPEN'],
  })
  async cancel(
    @Who() who: Principal,
    @Param(valid(paths.ticket)) { ticketId }: { ticketId: string },
    @Body(valid(reasonSchema)) { reason }: { reason: string },
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return told(reply, await this.commands.execute(new CancelTicket(who, ticketId, reason)));
  }

  @Post('tickets/by-ref/:accountId/:ticketRef/abandon')
  @Documented({
    id: 'abandonReference',
    summary: 'Tell what became of a reference, or burn it so that it can never place a bet.',
    tag: 'Betting',
    path: paths.byRef,
    answers: { 200: answers.ticketViewAnswer },
  })
  async abandon(
    @Who() who: Principal,
    @Param(valid(paths.byRef)) { accountId, ticketRef }: { accountId: string; ticketRef: string },
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return told(reply, await this.commands.execute(new AbandonReference(who, accountId, ticketRef)));
  }

  @Get('tickets/:ticketId')
  @Documented({
    id: 'lookUpTicket',
    summary: 'Status, result and payment of each bet of a ticket.',
    tag: 'Betting',
    path: paths.ticket,
    answers: { 200: answers.ticketViewAnswer },
    problems: ['TICKET_UNKNOWN'],
  })
  lookUp(@Who() who: Principal, @Param(valid(paths.ticket)) { ticketId }: { ticketId: string }) {
    return this.queries.execute(new LookUpTicket(who, ticketId));
  }

  @Get('tickets/by-ref/:accountId/:ticketRef')
  @Documented({
    id: 'lookUpReference',
    summary: 'The ticket of a reference; 404 OUTCOME_UNKNOWN does not mean that it was never sent.',
    tag: 'Betting',
    path: paths.byRef,
    answers: { 200: answers.ticketViewAnswer, 202: answers.pendingAnswer },
    problems: ['OUTCOME_UNKNOWN'],
  })
  async lookUpByRef(
    @Who() who: Principal,
    @Param(valid(paths.byRef)) { accountId, ticketRef }: { accountId: string; ticketRef: string },
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return told(reply, await this.queries.execute(new LookUpReference(who, accountId, ticketRef)));
  }
}
