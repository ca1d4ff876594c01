/** Keeps a `MarketView` up to date from the market's decision log. */
import type { MarketEvent } from '#mutuel/engine';
import { DecisionReader, MARKET_SOURCE } from '#mutuel/runtime';
import { MarketView } from './market-view.js';
import type { Seams } from './seams.js';

export interface FollowedMarket {
  readonly view: MarketView;
  readonly reader: DecisionReader<MarketEvent>;
}

/** Resolves when the log has been read up to where it ended at the start. */
export async function followMarket(seams: Seams, onFatal: (fault: Error) => void): Promise<FollowedMarket> {
  const view = new MarketView(seams.shards);
  const reader = new DecisionReader<MarketEvent>({
    ...MARKET_SOURCE,
    log: seams.log,
    tails: seams.tails,
    clock: seams.clock,
    onFatal,
    onDecisions(decisions) {
      for (const { decision } of decisions) view.apply(decision);
    },
  });
  await reader.start();
  await reader.caughtUp;
  return { view, reader };
}
