/**
 * The record format of the log: shown, proposed by one person and confirmed by another once every process runs a release that reads
 * it. From the market's decision on, everybody who decides writes it; there is no way back.
 */
import { Body, Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import * as answers from '../answers.js';
import { type Principal, requireOperator } from '../auth.js';
import { ActOnMarket } from '../messages.js';
import { OperatorViews } from '../operator-views.js';
import { recordFormatSchema, recordFormatWithReasonSchema } from '../schemas.js';
import { Documented } from './documented.js';
import { valid, Who } from './rim.js';

@Controller('v1/operator/record-format')
export class RecordFormatController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(OperatorViews) private readonly views: OperatorViews,
  ) {}

  @Get()
  @Documented({
    id: 'recordFormat',
    summary: 'The format that records are written in, and the one that waits for a second person.',
    tag: 'Operator',
    answers: { 200: answers.recordFormatAnswer },
    problems: ['NOT_AUTHORIZED'],
  })
  show(@Who() who: Principal) {
    requireOperator(who);
    return this.views.recordFormat();
  }

  @Post()
  @HttpCode(202)
  @Documented({
    id: 'proposeRecordFormat',
    summary: 'Propose that records be written in the next format.',
    tag: 'Operator',
    body: recordFormatWithReasonSchema,
    answers: { 202: answers.actAnswer },
    problems: ['NOT_AUTHORIZED', 'FORMAT_INVALID'],
  })
  propose(
    @Who() who: Principal,
    @Body(valid(recordFormatWithReasonSchema)) { format, reason }: { format: number; reason: string },
  ) {
    return this.commands.execute(new ActOnMarket(who, { type: 'ProposeRecordFormat', format, reason }));
  }

  @Post('confirm')
  @HttpCode(202)
  @Documented({
    id: 'confirmRecordFormat',
    summary: 'Confirm the proposed format, by another person than who proposed it.',
    tag: 'Operator',
    body: recordFormatSchema,
    answers: { 202: answers.actAnswer },
    problems: ['NOT_AUTHORIZED', 'FORMAT_NOT_PROPOSED', 'SAME_PERSON'],
  })
  confirm(@Who() who: Principal, @Body(valid(recordFormatSchema)) { format }: { format: number }) {
    return this.commands.execute(new ActOnMarket(who, { type: 'ConfirmRecordFormat', format }));
  }
}
