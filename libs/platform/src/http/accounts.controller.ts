/** Accounts over HTTP: balance, statement, deposits and withdrawals; each for its holder alone, look-ups for operators too. */
import { Body, Controller, Get, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import * as answers from '../answers.js';
import { type Principal, requireSightOf } from '../auth.js';
import type { AccountReads } from '../doors.js';
import { MoveMoney } from '../messages.js';
import { Problem } from '../problem.js';
import { moneySchema, paths, queries } from '../schemas.js';
import { Documented } from './documented.js';
import { told, valid, Who } from './rim.js';

export const ACCOUNT_READS = Symbol('account reads');

interface MoneyBody {
  readonly ref: string;
  readonly amount: number;
}

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

  @Post('deposits')
  @Documented({
    id: 'deposit',
    summary: 'Pay money in; the same `ref` and amount give the same answer again.',
    tag: 'Accounts',
    path: paths.account,
    body: moneySchema,
    answers: { 201: answers.moneyAnswer },
    problems: ['ACCOUNT_UNKNOWN', 'IDEMPOTENCY_BODY_MISMATCH'],
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
    summary: 'Take money out, as far as the balance reaches.',
    tag: 'Accounts',
    path: paths.account,
    body: moneySchema,
    answers: { 201: answers.moneyAnswer },
    problems: ['ACCOUNT_UNKNOWN', 'INSUFFICIENT_FUNDS', 'IDEMPOTENCY_BODY_MISMATCH'],
  })
  async withdraw(
    @Who() who: Principal,
    @Param(valid(paths.account)) { accountId }: { accountId: string },
    @Body(valid(moneySchema)) body: MoneyBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return told(reply, await this.commands.execute(new MoveMoney(who, 'Withdraw', accountId, body)));
  }
}

function unknownAccount(accountId: string): never {
  throw new Problem('ACCOUNT_UNKNOWN', `There is no account ${accountId}.`);
}
