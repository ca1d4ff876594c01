export { HISTORY_CYCLES, OddsProjection, type OddsProjectionOptions } from './odds-projection.js';
export { ProjectionFault, Projector } from './projector.js';
export { allSources, ProjectorHost, type ProjectorHostOptions, rebuild } from './projector-host.js';
export { ODDS_TOPIC, TickTail, type TickTailOptions } from './tick-tail.js';
