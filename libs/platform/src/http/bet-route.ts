/**
 * The one route that thousands use in the same second: placing a ticket, on Fastify itself. It passes what every route passes
 * (token, validation, the handler on the bus, the problem filter), without Nest's pipeline of guards, pipes and interceptors, which
 * costs more than deciding the bet. It must never know anything about bets that the handler does not.
 */
import type { IncomingMessage } from 'node:http';
import { Controller, Inject, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import * as answers from '../answers.js';
import { Tokens } from '../auth.js';
import { Betting } from '../betting.js';
import { PlaceTicket } from '../messages.js';
import { plainTicket } from '../plain-ticket.js';
import type { Problem } from '../problem.js';
import { ticketSchema } from '../schemas.js';
import { validate } from '../validate.js';
import { Documented } from './documented.js';
import { ProblemFilter, told } from './rim.js';

export const BET_ROUTE = '/v1/tickets';
const JSON_TYPE = 'application/json; charset=utf-8';

/** Read by the OpenAPI document like any controller; Nest itself routes nothing here. */
@Controller('v1')
export class BetRoute {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(Tokens) private readonly tokens: Tokens,
    @Inject(Betting) private readonly betting: Betting,
    @Inject(ProblemFilter) private readonly filter: ProblemFilter,
  ) {}

  /** Why a ticket is not even read at this moment: under overload a refusal must cost as little as it can. */
  turnAway({ url, method }: IncomingMessage): Problem | undefined {
    return url === BET_ROUTE && method === 'POST' ? this.betting.turnAway() : undefined;
  }

  fault(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    this.filter.answer(thrown, request, reply);
  }

  @Post('tickets')
  @Documented({
    id: 'placeTicket',
    summary: 'Place a ticket of one or more bets. The same reference and body give the same answer again.',
    tag: 'Betting',
    body: ticketSchema,
    answers: { 201: answers.ticketAnswer, 202: answers.pendingAnswer },
    problems: ['POOL_CLOSED', 'INSUFFICIENT_FUNDS', 'IDEMPOTENCY_BODY_MISMATCH', 'SERVICE_UNAVAILABLE'],
  })
  place(request: FastifyRequest, reply: FastifyReply): void {
    this.#answer(request, reply).catch((thrown: unknown) => this.filter.answer(thrown, request, reply));
  }

  async #answer(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const who = this.tokens.bearer(request.headers.authorization);
    const body = plainTicket(request.body) ?? validate(ticketSchema, request.body);
    const answer = await this.commands.execute(new PlaceTicket(who, body));
    const text = JSON.stringify(told(reply, answer));
    reply.header('content-type', JSON_TYPE).send(text);
  }
}
