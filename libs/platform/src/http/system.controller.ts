/** What machines ask of a process: is it alive, is it ready, what are its figures, what is its contract; and the demo's key ring. */
import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import * as answers from '../answers.js';
import { DemoAccess } from '../demo-access.js';
import { Racing } from '../racing.js';
import { Installation, liveOf, Readiness, readyOf } from '../readiness.js';
import { Metrics } from '../telemetry/metrics.js';
import { Documented } from './documented.js';

@Controller()
export class SystemController {
  constructor(
    @Inject(Readiness) private readonly readiness: Readiness,
    @Inject(Metrics) private readonly figures: Metrics,
    @Inject(Installation) private readonly installation: Installation,
  ) {}

  @Get('health/live')
  @Documented({
    id: 'live',
    summary: 'The process runs.',
    tag: 'System',
    answers: { 200: answers.healthAnswer },
    isPublic: true,
  })
  live() {
    return liveOf(this.readiness, this.installation);
  }

  @Get('health/ready')
  @Documented({
    id: 'ready',
    summary: 'The process does its work: bets are taken here. 503 names what is in the way.',
    tag: 'System',
    answers: { 200: answers.healthAnswer, 503: answers.healthAnswer },
    isPublic: true,
  })
  ready(@Res({ passthrough: true }) reply: FastifyReply) {
    const health = readyOf(this.readiness, this.installation);
    if (health.status === 'DOWN') reply.status(503);
    return health;
  }

  @Get('metrics')
  @Documented({ id: 'metrics', summary: 'Prometheus text.', tag: 'System', answers: { 200: null }, isPublic: true })
  async metrics(@Res({ passthrough: true }) reply: FastifyReply) {
    reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8');
    return this.figures.text();
  }
}

export const CONTRACTS = Symbol('contract documents');

export interface ContractDocuments {
  readonly openapi: object;
  readonly asyncapi: object;
}

@Controller('v1')
export class ContractController {
  constructor(@Inject(CONTRACTS) private readonly documents: () => ContractDocuments) {}

  @Get('openapi.json')
  @Documented({ id: 'openapi', summary: 'This contract.', tag: 'System', answers: { 200: null }, isPublic: true })
  openapi() {
    return this.documents().openapi;
  }

  @Get('asyncapi.json')
  @Documented({
    id: 'asyncapi',
    summary: 'The contract of the feed.',
    tag: 'System',
    answers: { 200: null },
    isPublic: true,
  })
  asyncapi() {
    return this.documents().asyncapi;
  }
}

@Controller('v1')
export class DemoController {
  constructor(
    @Inject(DemoAccess) private readonly access: DemoAccess,
    @Inject(Racing) private readonly racing: Racing,
  ) {}

  @Get('demo')
  @Documented({
    id: 'demo',
    summary: 'Accounts, operators and tokens of the demo; the route exists only there.',
    tag: 'Demo',
    answers: { 200: answers.demoAnswer },
    isPublic: true,
  })
  async demo() {
    return { ...(await this.access.all()), races: this.racing.allRaces() };
  }
}
