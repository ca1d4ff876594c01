/** The doors of the handlers on top of the runtime's gateways: one over the shards' partitions, one over the market's. */
import { type MarketEvent, type ShardEvent, shardOf } from '#mutuel/engine';
import { type CommandGateway, Unavailable } from '#mutuel/runtime';
import type { MarketDoor, ShardDoor, Submitted } from './doors.js';

const MARKET_PARTITION = 0;

export function shardDoor(gateway: CommandGateway<ShardEvent>, shards: number): ShardDoor {
  return {
    submit: (account, cid, bytes, channel) => submitTo(gateway, shardOf(account, shards), cid, bytes, channel),
    turnAway: () => (gateway.full ? busyWith(gateway.turnAway()) : undefined),
    recent(account, seq) {
      const shard = shardOf(account, shards);
      const valid = gateway.recent(shard, seq);
      return valid && { decision: valid.decision, hash: valid.hash, shard };
    },
  };
}

export function marketDoor(gateway: CommandGateway<MarketEvent>): MarketDoor {
  return { submit: (cid, bytes) => submitTo(gateway, MARKET_PARTITION, cid, bytes, 'operator') };
}

async function submitTo<E>(
  gateway: CommandGateway<E>,
  partition: number,
  cid: string,
  bytes: Uint8Array,
  channel = 'service',
): Promise<Submitted<E>> {
  try {
    const answer = await gateway.submit(partition, bytes, cid, { channel });
    if (answer.kind === 'PENDING') return { kind: 'PENDING' };
    return { kind: 'DECIDED', decision: answer.valid.decision, hash: answer.valid.hash, shard: partition };
  } catch (fault) {
    if (!(fault instanceof Unavailable)) throw fault;
    return busyWith(fault);
  }
}

const busyWith = ({ retryAfterMs, message }: Pick<Unavailable, 'message' | 'retryAfterMs'>) =>
  ({ kind: 'BUSY', retryAfterMs, why: message }) as const;
