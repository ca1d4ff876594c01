export { type Answer, ApiClient } from './api-client.js';
export { type CardBody, inventCard, inventStrengths, type RaceBody, runRace } from './card.js';
export { Chance } from './chance.js';
export { type BetBody, crowdBet, crowdShares, rateAt } from './crowd.js';
export { type DemoOptions, runDemo } from './demo.js';
