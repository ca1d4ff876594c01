/**
 * Accounts over HTTP: balance, statement and limits for their holders and for the house, deposits and withdrawals for the payment service and
 * the cashier's desk (in the demo for their holders too), and the desk's door for new ones.
 */
import { Body, Controller, Get, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import * as answers from '../answers.js';
import { type Principal, requireSightOf } from '../auth.js';
import type { AccountReads } from '../doors.js';
import { ChangeLimits, MoveMoney, OpenAccount } from '../messages.js';
import { Problem } from '../problem.js';
import {
  type LimitsBody,
  limitsSchema,
  type MoneyBody,
  moneySchema,
  type OpenAccountBody,
  openAccountSchema,
  paths,
  queries,
} from '../schemas.js';
import { Documented } from './documented.js';
import { told, valid, Who } from './rim.js';

export const ACCOUNT_READS = Symbol('account reads');

@Controller('v1/accounts/:accountId')
export class AccountsController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(ACCOUNT_READS) private readonly reads: AccountReads,
  ) {}

  @Get()
  @Documented({
    id: 'account',
    summary: 'An account and its balance.',
    tag: 'Accounts',
    path: paths.account,
    answers: { 200: answers.accountAnswer },
    problems: ['ACCOUNT_UNKNOWN'],
  })
  async account(@Who() who: Principal, @Param(valid(paths.account)) { accountId }: { accountId: string }) {
    requireSightOf(who, accountId);
    const account = await this.reads.account(accountId);
    return account ?? unknownAccount(accountId);
  }

  @Get('statement')
  @Documented({
    id: 'statement',
    summary: 'Every movement of an account with what caused it, oldest first, in pages.',
    tag: 'Accounts',
    path: paths.account,
    query: queries.statement,
    answers: { 200: answers.statementAnswer },
    problems: ['ACCOUNT_UNKNOWN'],
  })
  async statement(
    @Who() who: Principal,
    @Param(valid(paths.account)) { accountId }: { accountId: string },
    @Query(valid(queries.statement)) { after }: { after?: string },
  ) {
    requireSightOf(who, accountId);
    return (await this.reads.statement(accountId, after)) ?? unknownAccount(accountId);
  }

  @Get('tickets')
  @Documented({
    id: 'lastTickets',
    summary: 'The last tickets of an account, newest first by the time in their references; refused ones too.',
    tag: 'Accounts',
    path: paths.account,
    query: queries.tickets,
    answers: { 200: answers.ticketsAnswer },
    problems: ['ACCOUNT_UNKNOWN'],
  })
  async tickets(
    @Who() who: Principal,
    @Param(valid(paths.account)) { accountId }: { accountId: string },
    @Query(valid(queries.tickets)) { limit }: { limit: number },
  ) {
    requireSightOf(who, accountId);
    return (await this.reads.tickets(accountId, limit)) ?? unknownAccount(accountId);
  }

  @Post('deposits')
  @Documented({
    id: 'deposit',
    summary: 'Pay money in, as the payment service or a cashier; the same `ref` and amount give the same answer again.',
    tag: 'Accounts',
    path: paths.account,
    body: moneySchema,
    answers: { 201: answers.moneyAnswer },
    problems: ['NOT_AUTHORIZED', 'ACCOUNT_UNKNOWN', 'ACCOUNT_BLOCKED', 'SELF_EXCLUDED', 'IDEMPOTENCY_BODY_MISMATCH'],
  })
  async deposit(
    @Who() who: Principal,
    @Param(valid(paths.account)) { accountId }: { accountId: string },
    @Body(valid(moneySchema)) body: MoneyBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return told(reply, await this.commands.execute(new MoveMoney(who, 'Deposit', accountId, body)));
  }

  @Post('withdrawals')
  @Documented({
    id: 'withdraw',
    summary: 'Pay money out, as the payment service or a cashier, as far as the balance reaches.',
    tag: 'Accounts',
    path: paths.account,
    body: moneySchema,
    answers: { 201: answers.moneyAnswer },
    problems: ['NOT_AUTHORIZED', 'ACCOUNT_UNKNOWN', 'INSUFFICIENT_FUNDS', 'IDEMPOTENCY_BODY_MISMATCH'],
  })
  async withdraw(
    @Who() who: Principal,
    @Param(valid(paths.account)) { accountId }: { accountId: string },
    @Body(valid(moneySchema)) body: MoneyBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return told(reply, await this.commands.execute(new MoveMoney(who, 'Withdraw', accountId, body)));
  }

  @Post('limits')
  @Documented({
    id: 'changeLimits',
    summary: 'Change what an account may stake, or exclude its holder for a time; by the holder or the desk.',
    tag: 'Accounts',
    path: paths.account,
    body: limitsSchema,
    answers: { 200: answers.limitsAnswer },
    problems: ['NOT_AUTHORIZED', 'ACCOUNT_UNKNOWN', 'LIMITS_OUTDATED'],
  })
  async limits(
    @Who() who: Principal,
    @Param(valid(paths.account)) { accountId }: { accountId: string },
    @Body(valid(limitsSchema)) body: LimitsBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return told(reply, await this.commands.execute(new ChangeLimits(who, accountId, body)));
  }
}

@Controller('v1/operator/accounts')
export class NewAccountsController {
  constructor(@Inject(CommandBus) private readonly commands: CommandBus) {}

  @Post()
  @Documented({
    id: 'openAccount',
    summary: 'Open an account, as a cashier or a tote operator.',
    tag: 'Accounts',
    body: openAccountSchema,
    answers: { 201: answers.accountOpenedAnswer },
    problems: ['NOT_AUTHORIZED', 'ACCOUNT_EXISTS'],
  })
  async open(
    @Who() who: Principal,
    @Body(valid(openAccountSchema)) body: OpenAccountBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return told(reply, await this.commands.execute(new OpenAccount(who, body)));
  }
}

function unknownAccount(accountId: string): never {
  throw new Problem('ACCOUNT_UNKNOWN', `There is no account ${accountId}.`);
}
