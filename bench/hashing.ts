/**
 * What hashing and signing cost of a bet: two embedded systems side by side, one as it is and one whose hashes, message authentication
 * and signatures do nothing. Leaves, nodes, chains, every reader's check of them, seals: all of it, beside all else that a bet takes.
 * Races close every few seconds, so that seals are signed meanwhile. At a rate that both hold the accepted are equal and the
 * processor time tells; at one that neither holds, the accepted tell, too.
 *
 *   npm run build && npm run bench -- hashing [--rate=1500] [--seconds=5] [--turns=6]
 */
import { nodeFlags } from '../infra/workspace.mjs';
import { above0 } from '../test/flags.js';
import { type ComparisonFlags, comparison, loadOf, sideBySide, told } from './support/side-by-side.js';

const USUAL = { rate: 1_500, seconds: 5, turns: 6, warmSeconds: 8 };
const flags = comparison('hashing', 'What hashing and signing cost of a bet.', USUAL)
  .option('--every <seconds>', 'between races', above0, 20)
  .parse()
  .opts<ComparisonFlags & { readonly every: number }>();
const load = loadOf(flags, USUAL);
const { every } = flags;

const without = { every, nodeFlags: [...nodeFlags, '--import', './bench/support/no-hashing.mjs'] };
const paired = await sideBySide([without, { every, nodeFlags }], load);
const [bare, whole] = paired.cost;
const [bareRate, wholeRate] = paired.accepted;
console.log(
  `ms of processor time a bet: ${bare.toFixed(3)} without hashing and signing, ${whole.toFixed(3)} with them`,
);
console.log(`the ratio of neighbours: ${told(paired)}`);
console.log(
  `accepted of ${load.rate}/s offered: ${bareRate.toFixed(0)}/s without, ${wholeRate.toFixed(0)}/s with them (${((wholeRate / bareRate - 1) * 100).toFixed(1)} %)`,
);
