/** What the doors into the command log tell: how long a command's answer took, what became of it, and how many are on their way. */
import type { CommandGateway } from '#mutuel/runtime';
import type { FeedHub } from '#mutuel/services';
import type { MarketDoor, ShardDoor } from '../doors.js';
import type { Metrics, Observe } from './metrics.js';

export function watchGateway<E>(gateway: CommandGateway<E>, topic: string, metrics: Metrics): void {
  metrics.read('mutuel_commands_total', () =>
    Object.entries(gateway.metrics).map(([outcome, count]) => [{ topic, outcome: upper(outcome) }, count]),
  );
  metrics.read('mutuel_commands_in_flight', () => [[{ topic }, gateway.inFlight]]);
  metrics.read('mutuel_oldest_command_seconds', () => [[{ topic }, gateway.oldestMs / 1_000]]);
}

export function timedShardDoor(door: ShardDoor, topic: string, metrics: Metrics): ShardDoor {
  const timed = timer(topic, metrics);
  return { ...door, submit: (account, cid, bytes, channel) => timed(door.submit(account, cid, bytes, channel)) };
}

export function timedMarketDoor(door: MarketDoor, topic: string, metrics: Metrics): MarketDoor {
  const timed = timer(topic, metrics);
  return { submit: (cid, bytes) => timed(door.submit(cid, bytes)) };
}

export function watchFeed(feed: FeedHub, metrics: Metrics): void {
  metrics.read('mutuel_feed_connections', () => [[{}, feed.metrics.connections]]);
  metrics.read('mutuel_feed_subscriptions', () => [[{}, feed.metrics.subscriptions]]);
  metrics.read('mutuel_feed_frames_total', () => [
    [{ what: 'ENCODED' }, feed.metrics.encoded],
    [{ what: 'SENT' }, feed.metrics.sent],
    [{ what: 'CONFLATED' }, feed.metrics.conflated],
  ]);
  metrics.read('mutuel_feed_closed_slow_total', () => [[{}, feed.metrics.closedSlow]]);
}

function timer(
  topic: string,
  metrics: Metrics,
): <T extends { readonly kind: string }>(answer: Promise<T>) => Promise<T> {
  const observers = new Map<string, Observe>();
  const of = (outcome: string): Observe => {
    let observe = observers.get(outcome);
    if (!observe) {
      observe = metrics.histogram('mutuel_command_duration_seconds', { topic, outcome });
      observers.set(outcome, observe);
    }
    return observe;
  };
  return async (answer) => {
    const began = performance.now();
    const submitted = await answer;
    of(submitted.kind)((performance.now() - began) / 1_000);
    return submitted;
  };
}

/** `turnedAway` → `TURNED_AWAY`. */
const upper = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
