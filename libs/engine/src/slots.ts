/** How an account finds its shard. Nothing here may change while a cluster epoch lives. */

/** Accounts hash to this many fixed slots; map version 1 sends slot s to partition s mod shards. */
export const SLOTS = 1024;

/** FNV-1a over the account id's UTF-16 units, folded to a slot: the same on every machine, with no secret in it. */
export function slotOf(accountId: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < accountId.length; i++) {
    hash ^= accountId.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return (hash >>> 0) % SLOTS;
}

export function shardOf(accountId: string, shards: number): number {
  return slotOf(accountId) % shards;
}
