/** The racing day over HTTP, for everybody: meetings, races, pools with their odds, dividends. */
import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import * as answers from '../answers.js';
import { Racing } from '../racing.js';
import { paths, queries } from '../schemas.js';
import { Documented } from './documented.js';
import { valid } from './rim.js';

@Controller('v1')
export class RacingController {
  constructor(@Inject(Racing) private readonly racing: Racing) {}

  @Get('meetings')
  @Documented({
    id: 'meetings',
    summary: 'The meetings of a day, or all that are known.',
    tag: 'Racing',
    query: queries.meetings,
    answers: { 200: answers.meetingsAnswer },
    isPublic: true,
  })
  meetings(@Query(valid(queries.meetings)) { date }: { date?: string }) {
    return this.racing.meetings(date);
  }

  @Get('meetings/:meetingId')
  @Documented({
    id: 'meeting',
    summary: 'One meeting with its races.',
    tag: 'Racing',
    path: paths.meeting,
    answers: { 200: answers.meetingAnswer },
    problems: ['MEETING_UNKNOWN'],
    isPublic: true,
  })
  meeting(@Param(valid(paths.meeting)) { meetingId }: { meetingId: string }) {
    return this.racing.meeting(meetingId);
  }

  @Get('races/:raceId')
  @Documented({
    id: 'race',
    summary: 'One race: runners, pools, result.',
    tag: 'Racing',
    path: paths.race,
    answers: { 200: answers.raceAnswer },
    problems: ['RACE_UNKNOWN'],
    isPublic: true,
  })
  race(@Param(valid(paths.race)) { raceId }: { raceId: string }) {
    return this.racing.race(raceId);
  }

  @Get('pools/:poolId')
  @Documented({
    id: 'pool',
    summary: 'One pool with its totals and odds as last published.',
    tag: 'Racing',
    path: paths.pool,
    answers: { 200: answers.poolAnswer },
    isPublic: true,
  })
  pool(@Param(valid(paths.pool)) { poolId }: { poolId: string }) {
    return this.racing.pool(poolId);
  }

  @Get('pools/:poolId/probables')
  @Documented({
    id: 'probable',
    summary: 'The indicative odds of one combination, such as 4>7>1.',
    tag: 'Racing',
    path: paths.pool,
    query: queries.probables,
    answers: { 200: answers.probableAnswer },
    problems: ['INVALID_SELECTION'],
    isPublic: true,
  })
  probable(
    @Param(valid(paths.pool)) { poolId }: { poolId: string },
    @Query(valid(queries.probables)) { c }: { c: string },
  ) {
    return this.racing.probable(poolId, c);
  }

  @Get('pools/:poolId/history')
  @Documented({
    id: 'history',
    summary: 'The last ticks of a pool, oldest first; `since` is a cycle.',
    tag: 'Racing',
    path: paths.pool,
    query: queries.history,
    answers: { 200: answers.historyAnswer },
    isPublic: true,
  })
  history(
    @Param(valid(paths.pool)) { poolId }: { poolId: string },
    @Query(valid(queries.history)) { since }: { since?: number },
  ) {
    return this.racing.history(poolId, since);
  }

  @Get('pools/:poolId/dividends')
  @Documented({
    id: 'dividends',
    summary: 'The declared dividends with their arithmetic and the input to price them again.',
    tag: 'Racing',
    path: paths.pool,
    answers: { 200: answers.dividendsAnswer },
    problems: ['NOT_DECLARED'],
    isPublic: true,
  })
  dividends(@Param(valid(paths.pool)) { poolId }: { poolId: string }) {
    return this.racing.dividends(poolId);
  }
}
