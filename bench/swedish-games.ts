/**
 * Published Swedish games over several races: turnover, tier pools, rows right and what a row was paid, against the rule sets.
 * Reads a JSON list with bet_type, turnover_ore, tier_pools_ore and tier_results; keeps none of it. Rows are published without
 * their fractions, so a payment has to be one that the rows, or up to one row more, give. A game whose tiers have other shares
 * (GS75, where rows may be for seven right only) is priced on its published tiers.
 *
 * `npx tsx --conditions=src bench/swedish-games.ts FILE`
 */
import { readFileSync } from 'node:fs';
import { isPoolType, type Leg, legResult, priceLegs, type RuleSet, ratio, ruleSetFor, shapeOf } from '#mutuel/tote';

interface Game {
  readonly id: string;
  readonly bet_type: string;
  readonly turnover_ore: number;
  readonly tier_pools_ore?: Readonly<Record<string, number>>;
  readonly tier_results: Readonly<
    Record<string, { readonly systems: number; readonly payout?: number; readonly jackpot?: boolean }>
  >;
}

const file = process.argv.slice(2).find((word) => !word.startsWith('--'));
if (file === undefined)
  console.log('swedish-games: name a JSON file of games to check them; none was named, nothing to do.');
else process.exitCode = main(JSON.parse(readFileSync(file, 'utf8')) as Game[]);

function main(games: readonly Game[]): number {
  const wrong = games.reduce((sum, game) => sum + wrongIn(game), 0);
  console.log(wrong === 0 ? 'every published figure is met' : `${wrong} figures are not met`);
  return wrong === 0 ? 0 : 1;
}

/** Prints a game's figures, and how many are not met. */
function wrongIn(game: Game): number {
  let wrong = 0;
  const rules = rulesOf(game);
  const least = priced(rules, game, 0.999);
  const most = priced(rules, game, 0);
  for (const [right, { payout = 0 }] of Object.entries(game.tier_results)) {
    const pool = game.tier_pools_ore?.[right];
    const from = least.get(right) ?? { pool: 0, row: 0 };
    const to = most.get(right) ?? { pool: 0, row: 0 };
    const isMet = from.row <= payout && payout <= to.row && (pool === undefined || pool === to.pool);
    if (!isMet) wrong++;
    const range = from.row === to.row ? `${to.row}` : `${from.row} to ${to.row}`;
    console.log(
      `${game.id} ${right} right: pool ${to.pool}, published ${pool ?? '-'}; a row ${range} ore, published ${payout}${isMet ? '' : ' WRONG'}`,
    );
  }
  return wrong;
}

function rulesOf({ bet_type: name, tier_pools_ore: pools, turnover_ore: turnover }: Game): RuleSet {
  const isSevenOnly = name === 'GS75';
  const type = isSevenOnly ? 'V75' : name;
  const rules = isPoolType(type) ? ruleSetFor('SE', type) : null;
  if (!rules) throw new Error(`no rules for ${name}`);
  if (!isSevenOnly || !pools) return rules;
  const all = Object.values(pools).reduce((sum, pool) => sum + pool, 0);
  const tiers = ['7', '6', '5'].map((right) => ({
    name: `${right}/7`,
    share: `${(pools[right] ?? 0) / 100}/${all / 100}`,
    uncovered: 'CARRY' as const,
  }));
  // A krona a row; the net is the published tiers together, within a krona of 65 % of the turnover.
  return { ...rules, tiers, breakPer: '1', takeout: `${turnover - all}/${turnover}` };
}

/** Tier pools and payments of a row, in ore, with so much of a row more right in each tier. */
function priced(rules: RuleSet, game: Game, more: number): Map<string, { pool: number; row: number }> {
  const { picks } = shapeOf(rules.poolType);
  const rowOre = Number(rules.breakPer) * 100;
  const leg: Leg = { declared: ['1'], finish: [['1']] };
  const rightIn = (key: string): string => (key.split('@').length > 1 ? (key.split('@')[0] ?? '') : `${picks}`);
  const sheet = priceLegs({
    ruleSet: rules,
    result: legResult(rules, new Array<Leg>(picks).fill(leg)),
    grossMinor: game.turnover_ore,
    refundsMinor: 0,
    carryInMinor: 0,
    stakeOf: (key) => {
      const rows = game.tier_results[rightIn(key)]?.systems ?? 0;
      return rows === 0 ? ratio(0) : ratio(Math.round((rows + more) * rowOre * 1_000), 1_000);
    },
  });
  return new Map(
    sheet.tiers.map(({ tier, poolMinor }, index) => {
      const right = tier.includes('/') ? (tier.split('/')[0] ?? '') : `${picks - index}`;
      const dividend = sheet.dividends.find(({ c }) => rightIn(c) === right);
      return [right, { pool: poolMinor, row: Math.round(Number(dividend?.price ?? 0) * rowOre) }];
    }),
  );
}
