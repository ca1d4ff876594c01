/** Keeps a `MarketView` up to date from the market's decision log. */
import type { MarketEvent } from '#mutuel/engine';
import { DecisionReader, MARKET_SOURCE } from '#mutuel/runtime';
import type { MarketView } from './market-view.js';
import type { Seams } from './seams.js';

/** Resolves, with what ends the reading, when the log has been read up to where it ended at the start. */
export async function followMarket(
  view: MarketView,
  seams: Seams,
  onFatal: (fault: Error) => void,
): Promise<() => Promise<void>> {
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
  return () => reader.close();
}
