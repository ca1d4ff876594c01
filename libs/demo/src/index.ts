export { type Answer, ApiClient } from './api-client.js';
export { type CardBody, inventCard, inventStrengths, type RaceBody, runRace } from './card.js';
export { Chance } from './chance.js';
export { COUNTRIES, type Country, countryOf } from './countries.js';
export { type BetBody, crowdBet, crowdShares, type OfferedPool, rateAt, type Starters } from './crowd.js';
export { type DemoOptions, runDemo } from './demo.js';
