/**
 * What hashing and signing cost of a bet: two embedded systems side by side, one as it is and one whose hashes, message authentication
 * and signatures do nothing. Leaves, nodes, chains, every reader's check of them, seals: all of it, beside all else that a bet takes.
 * Races close every few seconds, so that seals are signed meanwhile. At a rate that both hold the accepted are equal and the
 * processor time tells; at one that neither holds, the accepted tell, too.
 *
 *   npm run build && npm run bench -- hashing [--rate=1500] [--seconds=5] [--turns=6]
 */
import { nodeFlags } from '../infra/workspace.mjs';
import { above0, script, wholeFrom } from '../test/flags.js';
import { sideBySide, told } from './support/side-by-side.js';

interface Flags {
  readonly small: boolean;
  readonly rate?: number;
  readonly seconds?: number;
  readonly turns?: number;
  readonly every: number;
}

const values = script('npm run bench -- hashing', 'What hashing and signing cost of a bet.')
  .option('--small', 'that it runs, not how fast', false)
  .option('--rate <n>', 'bets a second (default: 1500, 50 of --small)', above0)
  .option('--seconds <n>', 'of each turn (default: 5, 1 of --small)', above0)
  .option('--turns <n>', 'of both systems (default: 6, 1 of --small)', wholeFrom(1))
  .option('--every <seconds>', 'between races', above0, 20)
  .parse()
  .opts<Flags>();
const { small, every, rate = small ? 50 : 1_500, seconds = small ? 1 : 5, turns = small ? 1 : 6 } = values;

const without = { every, nodeFlags: [...nodeFlags, '--import', './bench/support/no-hashing.mjs'] };
const load = { rate, seconds, turns, warmSeconds: small ? 1 : 8 };
const paired = await sideBySide([without, { every, nodeFlags }], load);
const [bare, whole] = paired.cost;
const [bareRate, wholeRate] = paired.accepted;
console.log(
  `ms of processor time a bet: ${bare.toFixed(3)} without hashing and signing, ${whole.toFixed(3)} with them`,
);
console.log(`the ratio of neighbours: ${told(paired)}`);
console.log(
  `accepted of ${rate}/s offered: ${bareRate.toFixed(0)}/s without, ${wholeRate.toFixed(0)}/s with them (${((wholeRate / bareRate - 1) * 100).toFixed(1)} %)`,
);
