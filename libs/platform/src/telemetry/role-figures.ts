/** What projector, odds and the process itself tell about their work. */
import type { ProjectionDriver } from '#mutuel/runtime';
import type { OddsService } from '#mutuel/services';
import { CYCLE_MS, type Tick } from '#mutuel/views';
import type { Metrics } from './metrics.js';

export interface ProcessFacts {
  readonly roles: string;
  readonly durable: boolean;
}

export function watchProcess({ roles, durable }: ProcessFacts, metrics: Metrics): void {
  metrics.read('mutuel_process_info', () => [[{ roles, durable: String(durable) }, 1]]);
}

export function watchProjector(driver: ProjectionDriver, metrics: Metrics): void {
  const { metrics: figures } = driver;
  metrics.read('mutuel_projection_decisions_total', () => [[{}, figures.decisions]]);
  metrics.read('mutuel_projection_batches_total', () => [[{}, figures.batches]]);
  metrics.read('mutuel_projection_failures_total', () => [[{}, figures.failures]]);
  metrics.read('mutuel_projection_apply_seconds_total', () => [[{}, figures.applyMs / 1_000]]);
  metrics.read('mutuel_projection_failing_seconds', () => [[{}, driver.troubleMs / 1_000]]);
  metrics.read('mutuel_projection_lag_seconds', () => [[{}, driver.progress().lagMs / 1_000]]);
}

export function watchOdds({ metrics: figures }: OddsService, metrics: Metrics): void {
  metrics.read('mutuel_odds_ticks_total', () => [[{}, figures.ticks]]);
  metrics.read('mutuel_odds_ticks_late_total', () => [[{}, figures.late]]);
  metrics.read('mutuel_odds_last_cycle', () => [[{}, figures.lastCycle]]);
  metrics.read('mutuel_odds_tick_compute_seconds', () => [[{}, figures.computeMs / 1_000]]);
  metrics.read('mutuel_odds_pools_moved', () => [[{}, figures.pools]]);
}

/** How late ticks are: by the time of their computation, or by the clock where they arrive. */
export function tickMeter(stage: 'COMPUTED' | 'RECEIVED', metrics: Metrics, now: () => number): (tick: Tick) => void {
  const observe = metrics.histogram('mutuel_odds_tick_lateness_seconds', { stage });
  const began = now();
  return ({ cycle, at }) => {
    const moment = cycle * CYCLE_MS;
    // Ticks from before the start are read again, and were as late as they were.
    if (moment >= began) observe(Math.max(0, (stage === 'COMPUTED' ? at : now()) - moment) / 1_000);
  };
}
