/**
 * The operators' routes: every act is decided and recorded by the market, which also judges roles and the second person; the answer
 * is its sequence number. Nobody without an operator's role gets past the door.
 */
import { Body, Controller, Get, Header, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import * as answers from '../answers.js';
import { type Principal, requireOperator } from '../auth.js';
import { type Act, faultInBody, meetingOf } from '../desk.js';
import { ActOnMarket } from '../messages.js';
import { type AuditQuery, OperatorViews } from '../operator-views.js';
import type { ProblemCode } from '../problem-codes.js';
import {
  type CardBody,
  cardSchema,
  confirmSchema,
  lateOffSchema,
  paths,
  queries,
  reasonSchema,
  resultSchema,
  scratchSchema,
} from '../schemas.js';
import { Seals } from '../seals.js';
import { Documented, type RouteFacts } from './documented.js';
import { valid, Who } from './rim.js';

interface RaceId {
  readonly raceId: string;
}
interface Reason {
  readonly reason: string;
}

const act = (id: string, summary: string, body?: RouteFacts['body'], ...problems: ProblemCode[]): MethodDecorator =>
  Documented({
    id,
    summary,
    tag: 'Operator',
    path: paths.race,
    ...(body === undefined ? {} : { body }),
    answers: { 202: answers.actAnswer },
    problems: ['NOT_AUTHORIZED', 'RACE_UNKNOWN', 'RACE_STATUS', ...problems],
  });

@Controller('v1/operator')
export class OperatorController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(OperatorViews) private readonly views: OperatorViews,
    @Inject(Seals) private readonly seals: Seals,
  ) {}

  @Post('meetings')
  @HttpCode(202)
  @Documented({
    id: 'publishMeeting',
    summary: 'Publish a card: races, runners, pools and rule sets, whole or not at all.',
    tag: 'Operator',
    body: cardSchema,
    answers: { 202: answers.actAnswer },
    problems: ['NOT_AUTHORIZED', 'CARD_INVALID'],
  })
  publish(@Who() who: Principal, @Body(valid(cardSchema)) body: CardBody) {
    requireOperator(who);
    return this.#act(who, { type: 'PublishMeeting', meeting: meetingOf(body) }).catch((fault: unknown) => {
      throw faultInBody(body, fault);
    });
  }

  @Post('races/:raceId/open')
  @HttpCode(202)
  @act('openRace', 'Open the betting on a race.', reasonSchema)
  open(
    @Who() who: Principal,
    @Param(valid(paths.race)) { raceId }: RaceId,
    @Body(valid(reasonSchema)) { reason }: Reason,
  ) {
    return this.#act(who, { type: 'OpenRace', race: raceId, reason });
  }

  @Post('races/:raceId/suspend')
  @HttpCode(202)
  @act('suspendRace', 'Suspend the betting on a race.', reasonSchema)
  suspend(
    @Who() who: Principal,
    @Param(valid(paths.race)) { raceId }: RaceId,
    @Body(valid(reasonSchema)) { reason }: Reason,
  ) {
    return this.#act(who, { type: 'SuspendRace', race: raceId, reason });
  }

  @Post('races/:raceId/resume')
  @HttpCode(202)
  @act('resumeRace', 'Resume suspended betting.', reasonSchema)
  resume(
    @Who() who: Principal,
    @Param(valid(paths.race)) { raceId }: RaceId,
    @Body(valid(reasonSchema)) { reason }: Reason,
  ) {
    return this.#act(who, { type: 'ResumeRace', race: raceId, reason });
  }

  @Post('races/:raceId/close')
  @HttpCode(202)
  @act('stopBetting', 'Stop the betting on a race: the off.', reasonSchema)
  close(
    @Who() who: Principal,
    @Param(valid(paths.race)) { raceId }: RaceId,
    @Body(valid(reasonSchema)) { reason }: Reason,
  ) {
    return this.#act(who, { type: 'StopBetting', race: raceId, reason });
  }

  @Post('races/:raceId/scratch')
  @HttpCode(202)
  @act(
    'scratchRunner',
    'Declare a non-runner.',
    scratchSchema,
    'RUNNER_UNKNOWN',
    'ALREADY_SCRATCHED',
    'CORRECTION_CLOSED',
  )
  scratch(
    @Who() who: Principal,
    @Param(valid(paths.race)) { raceId }: RaceId,
    @Body(valid(scratchSchema)) { runner, reason }: Reason & { runner: string },
  ) {
    return this.#act(who, { type: 'ScratchRunner', race: raceId, runner, reason });
  }

  @Post('races/:raceId/late-off')
  @HttpCode(202)
  @act(
    'declareLateOff',
    'Declare that the race was off before betting stopped: later bets are voided.',
    lateOffSchema,
    'OFF_INVALID',
  )
  lateOff(
    @Who() who: Principal,
    @Param(valid(paths.race)) { raceId }: RaceId,
    @Body(valid(lateOffSchema)) { offAt, reason }: Reason & { offAt: string },
  ) {
    return this.#act(who, { type: 'DeclareLateOff', race: raceId, offAt: Date.parse(offAt), reason });
  }

  @Post('races/:raceId/result')
  @HttpCode(202)
  @act(
    'enterResult',
    'Enter the finishing order, ties together; the result is provisional. After an official one it is a correction and needs a reason.',
    resultSchema,
    'FINISH_INVALID',
    'REASON_REQUIRED',
    'CORRECTION_CLOSED',
  )
  result(
    @Who() who: Principal,
    @Param(valid(paths.race)) { raceId }: RaceId,
    @Body(valid(resultSchema)) body: { finish: string[][]; disqualified: string[]; reason?: string },
  ) {
    const { finish, disqualified, reason = '' } = body;
    return this.#act(who, { type: 'EnterResult', race: raceId, finish, disqualified, reason });
  }

  @Post('races/:raceId/confirm')
  @HttpCode(202)
  @act(
    'confirmSettlement',
    'Confirm the settlement preview, by another person than who entered the result.',
    confirmSchema,
    'PREVIEW_CHANGED',
    'PREVIEW_NOT_READY',
    'SAME_PERSON',
  )
  confirm(
    @Who() who: Principal,
    @Param(valid(paths.race)) { raceId }: RaceId,
    @Body(valid(confirmSchema)) { previewHash }: { previewHash: string },
  ) {
    return this.#act(who, { type: 'ConfirmSettlement', race: raceId, previewHash });
  }

  @Post('races/:raceId/void')
  @HttpCode(202)
  @act(
    'voidRace',
    'Void a race: every stake is given back. After an official result it is a correction that another person confirms.',
    reasonSchema,
    'CORRECTION_CLOSED',
  )
  voidRace(
    @Who() who: Principal,
    @Param(valid(paths.race)) { raceId }: RaceId,
    @Body(valid(reasonSchema)) { reason }: Reason,
  ) {
    return this.#act(who, { type: 'VoidRace', race: raceId, reason });
  }

  @Get('races/:raceId/settlement')
  @Documented({
    id: 'settlement',
    summary: 'The settlement preview: per pool winners, prices, house result and what is still waited for.',
    tag: 'Operator',
    path: paths.race,
    answers: { 200: answers.settlementAnswer },
    problems: ['NOT_AUTHORIZED', 'RACE_UNKNOWN'],
  })
  settlement(@Who() who: Principal, @Param(valid(paths.race)) { raceId }: RaceId) {
    requireOperator(who);
    return this.views.settlement(raceId);
  }

  @Get('carry-overs')
  @Documented({
    id: 'carryOvers',
    summary: 'Carry-overs and funds: what waits for later pools, and what was taken of it.',
    tag: 'Operator',
    answers: { 200: answers.carryOversAnswer },
    problems: ['NOT_AUTHORIZED'],
  })
  carryOvers(@Who() who: Principal) {
    requireOperator(who);
    return this.views.carryOvers();
  }

  @Get('stops')
  @Documented({
    id: 'stops',
    summary:
      'How each race was stopped, the last first: the stop, when each shard closed, its last decision before, the off, how long its bets could be cancelled.',
    tag: 'Operator',
    answers: { 200: answers.stopsAnswer },
    problems: ['NOT_AUTHORIZED'],
  })
  stops(@Who() who: Principal) {
    requireOperator(who);
    return this.views.stops();
  }

  @Get('overview')
  @Documented({
    id: 'overview',
    summary: 'The day at a glance: lease, races with sales and seals, shards.',
    tag: 'Operator',
    answers: { 200: answers.overviewAnswer },
    problems: ['NOT_AUTHORIZED'],
  })
  overview(@Who() who: Principal) {
    requireOperator(who);
    return this.views.overview();
  }

  @Get('audit')
  @Documented({
    id: 'audit',
    summary: 'Who did what, newest first; refused attempts too.',
    tag: 'Operator',
    query: queries.audit,
    answers: { 200: answers.auditAnswer },
    problems: ['NOT_AUTHORIZED'],
  })
  audit(@Who() who: Principal, @Query(valid(queries.audit)) query: AuditQuery) {
    requireOperator(who);
    return this.views.audit(query);
  }

  @Get('tickets/:ticketId/evidence')
  @Header('cache-control', 'private, no-store')
  @Documented({
    id: 'evidence',
    summary:
      'Everything about a ticket, or about one of its bets by the id of the bet, signed, to be checked without us.',
    tag: 'Operator',
    path: paths.ticket,
    answers: { 200: answers.signed },
    problems: ['NOT_AUTHORIZED', 'TICKET_UNKNOWN', 'RECEIPT_NOT_THERE', 'SEAL_KEY_AWAY'],
  })
  evidence(@Who() who: Principal, @Param(valid(paths.ticket)) { ticketId }: { ticketId: string }) {
    requireOperator(who);
    return this.seals.evidence(ticketId, Date.now());
  }

  #act(who: Principal, request: Act) {
    return this.commands.execute(new ActOnMarket(who, request));
  }
}
