/** Seals, their keys and receipts over HTTP: what lets anybody check a pool and a bettor prove a bet. */
import { Controller, Get, Header, Inject, Param, Query } from '@nestjs/common';
import * as answers from '../answers.js';
import type { Principal } from '../auth.js';
import { Betting } from '../betting.js';
import { paths, queries } from '../schemas.js';
import { type SealQuery, Seals } from '../seals.js';
import { Documented } from './documented.js';
import { valid, Who } from './rim.js';

@Controller('v1')
export class SealsController {
  constructor(
    @Inject(Seals) private readonly seals: Seals,
    @Inject(Betting) private readonly betting: Betting,
  ) {}

  @Get('seals')
  @Documented({
    id: 'seals',
    summary: 'Signed seals of closed pools, newest first: what each pool held when betting closed.',
    tag: 'Racing',
    query: queries.seals,
    answers: { 200: answers.sealsAnswer },
    isPublic: true,
  })
  list(@Query(valid(queries.seals)) query: SealQuery) {
    return this.seals.list(query);
  }

  @Get('seal-keys')
  @Documented({
    id: 'sealKeys',
    summary: 'The public keys of seals and receipts, the oldest first.',
    tag: 'Racing',
    answers: { 200: answers.sealKeysAnswer },
    isPublic: true,
  })
  keys() {
    return this.seals.keys();
  }

  @Get('anchors')
  @Documented({
    id: 'anchors',
    summary: 'The heads of all chains of each day, stamped by an authority outside the house, newest first.',
    tag: 'Racing',
    query: queries.anchors,
    answers: { 200: answers.anchorsAnswer },
    isPublic: true,
  })
  anchors(@Query(valid(queries.anchors)) { limit }: { limit: number }) {
    return this.seals.anchors(limit);
  }

  @Get('tickets/:ticketId/receipt')
  @Header('cache-control', 'private, no-store')
  @Documented({
    id: 'receipt',
    summary: 'The signed receipt of an accepted ticket with its proofs, to be kept and checked without us.',
    tag: 'Betting',
    path: paths.ticket,
    answers: { 200: answers.receiptFileAnswer },
    problems: ['TICKET_UNKNOWN', 'RECEIPT_NOT_THERE', 'SEAL_KEY_AWAY'],
  })
  async receipt(@Who() who: Principal, @Param(valid(paths.ticket)) { ticketId }: { ticketId: string }) {
    await this.betting.lookUp(who, ticketId);
    return this.seals.receiptFile(ticketId);
  }
}
