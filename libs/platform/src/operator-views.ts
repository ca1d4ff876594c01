/** The operators' screens as answers: the day at a glance, the settlement of a race, the audit trail. Reading only. */
import { NEWEST_RECORD_FORMAT } from '#mutuel/contracts';
import type { MarketView } from './market-view.js';
import type { Racing } from './racing.js';

export interface ShardFacts {
  readonly shard: number;
  readonly seq: number;
  readonly head: string;
  readonly incarnation: string;
  readonly lagMs: number;
}

export interface AuditQuery {
  readonly after?: number | undefined;
  readonly limit: number;
  readonly raceId?: string | undefined;
}

export interface OperatorParts {
  readonly market: MarketView;
  readonly racing: Racing;
  readonly shards: () => Promise<readonly ShardFacts[]>;
  /** Standing bets by pool, as far as they are projected. */
  readonly betCounts: () => Promise<ReadonlyMap<string, number>>;
  /** `EMBEDDED`, or what the operator calls this installation. */
  readonly label: string;
  /** False where one machine's loss can lose acknowledged bets. */
  readonly durable: boolean;
  readonly now: () => number;
}

export class OperatorViews {
  constructor(private readonly p: OperatorParts) {}

  async overview(): Promise<object> {
    const { racing, shards, label, durable, now } = this.p;
    const counts = await this.p.betCounts();
    return {
      now: new Date(now()).toISOString(),
      lease: racing.lease(),
      races: await racing.overviewRaces((poolId) => counts.get(poolId) ?? 0),
      shards: await shards(),
      durable,
      label,
    };
  }

  recordFormat(): object {
    const { upkeep, proposedFormat } = this.p.market.state;
    return { format: upkeep.recordFormat, proposed: proposedFormat, newest: NEWEST_RECORD_FORMAT };
  }

  settlement(raceId: string): object {
    return this.p.racing.settlement(raceId);
  }

  stops(): Promise<object> {
    return this.p.racing.stops();
  }

  carryOvers(): object {
    return this.p.racing.carryOvers();
  }

  audit({ after, limit, raceId }: AuditQuery): object {
    return this.p.market.auditPage(limit, after, raceId);
  }
}
