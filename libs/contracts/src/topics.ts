/**
 * The topics of the event log. The writer always names the partition: an account's commands go to its shard, a shard's
 * decisions to the partition of the same number, the market's to partition 0.
 */
export const TOPICS = {
  shardCommands: 'shard.commands',
  shardDecisions: 'shard.decisions',
  marketCommands: 'market.commands',
  marketDecisions: 'market.decisions',
  odds: 'odds',
  /** What the log was founded with, and who started on it when. */
  cluster: 'cluster',
} as const;

/** Topic → partitions, of a system with so many shards. */
export const topicsOf = (shards: number): Record<Topic, number> => ({
  [TOPICS.shardCommands]: shards,
  [TOPICS.shardDecisions]: shards,
  [TOPICS.marketCommands]: 1,
  [TOPICS.marketDecisions]: 1,
  [TOPICS.odds]: 1,
  [TOPICS.cluster]: 1,
});

export type Topic = (typeof TOPICS)[keyof typeof TOPICS];
