/**
 * `docs/RULES.md`, made from the rule sets and from worked examples that the `price` command answers while it is made: a
 * rule that changes changes the page, and an example that no longer pays what it says fails the test beside this file.
 *
 * `npx tsx --conditions=src test/repository/rules-page.ts` writes the page.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { explainRuleSet, priceLine } from '#mutuel/pricing';
import { frenchReport, type PoolType, poolTypes, type RuleSet, rollReport, ruleSets } from '#mutuel/tote';

/** A line of the `price` command and what it pays, combination by combination. */
export interface Example {
  readonly says: string;
  readonly line: object;
  readonly pays: Readonly<Record<string, string>>;
}

const stakes = (of: Readonly<Record<string, number>>): object => ({
  stakes: Object.entries(of).map(([c, minor]) => ({ c, minor })),
});
const runners = (count: number): object => ({
  runners: { declared: Array.from({ length: count }, (_, i) => `${i + 1}`) },
});
const order = (...ranks: readonly string[]): object => ({ result: ranks.map((rank) => rank.split('=')) });
const legs = (...winners: readonly string[]): object => ({ results: winners.map((rank) => [rank.split('=')]) });
const placedLegs = (count: number): object => ({
  legs: Array.from({ length: count }, () => ({ runners: ['1', '2', '3', '4', '5'] })),
  results: Array.from({ length: count }, () => [['1'], ['2'], ['3']]),
});
const row = (right: string, of: number): string => new Array(of).fill(right).join('/');
const winning = (of: Readonly<Record<string, number>>): object => ({
  winning: Object.entries(of).map(([key, minor]) => {
    const [tier, c] = key.includes(' ') ? key.split(' ') : [undefined, key];
    return { ...(tier ? { tier } : {}), c, minor };
  }),
});

export const examples: Readonly<Partial<Record<PoolType, Example>>> = {
  WIN: {
    says: 'A French win pool: 1,000.00 less 13.9 % are 861.00, over 200.00 on the winner.',
    line: { ruleSet: 'FR', ...runners(8), ...order('4', '2'), ...stakes({ '4': 20_000, '2': 80_000 }) },
    pays: { '4': '4.30' },
  },
  PLACE: {
    says: 'An American place pool: profit 830.00 - 300.00 in halves, over 100.00 and over 200.00.',
    line: {
      ruleSet: 'US',
      ...runners(6),
      ...order('1', '2', '3'),
      ...stakes({ '1': 10_000, '2': 20_000, '5': 70_000 }),
    },
    pays: { '1': '3.60', '2': '2.30' },
  },
  SHOW: {
    says: 'A show pool with a dead heat for third: a third, a third, and two sixths of the profit.',
    line: {
      ruleSet: 'US',
      ...runners(6),
      ...order('1', '2', '3=4'),
      ...stakes({ '1': 10_000, '2': 10_000, '3': 10_000, '4': 10_000, '6': 60_000 }),
    },
    pays: { '1': '2.40', '2': '2.40', '3': '1.70', '4': '1.70' },
  },
  QUINELLA: {
    says: 'A dead heat for second: the winner with each, profit split.',
    line: {
      ruleSet: 'US',
      ...runners(6),
      ...order('1', '2=3'),
      ...stakes({ '1-2': 10_000, '1-3': 20_000, '4-5': 70_000 }),
    },
    pays: { '1-2': '3.50', '1-3': '2.20' },
  },
  QUINELLA_PLACE: {
    says: 'The British swinger: a third of the net pool to each pair.',
    line: {
      ruleSet: 'UK',
      ...runners(8),
      ...order('1', '2', '3'),
      ...stakes({ '1-2': 10_000, '1-3': 5_000, '2-3': 2_000, '4-5': 83_000 }),
    },
    pays: { '1-2': '2.30', '1-3': '4.60', '2-3': '11.60' },
  },
  EXACTA: {
    says: 'Nobody has the pair: as a place pool to those with the winner first and those with the second in its place.',
    line: {
      ruleSet: 'US',
      ...runners(6),
      ...order('1', '2'),
      ...stakes({ '1>3': 5_000, '4>2': 3_000, '5>6': 92_000 }),
    },
    pays: { '1>*': '8.20', '*>2': '13.00' },
  },
  TRIO: {
    says: 'The Japanese trio: 75 % of the own and the losing stakes.',
    line: { ruleSet: 'JP', ...runners(8), ...order('1', '2', '3'), ...stakes({ '1-2-3': 10_000, '4-5-6': 90_000 }) },
    pays: { '1-2-3': '7.50' },
  },
  TRIFECTA: {
    says: 'A British trifecta of which 0.50 of a pound has won: its dividend is the net pool, half of the gross is carried.',
    line: { ruleSet: 'UK', ...runners(8), ...order('1', '2', '3'), ...stakes({ '1>2>3': 50, '4>5>6': 99_950 }) },
    pays: { '1>2>3': '750.00' },
  },
  SUPERFECTA: {
    says: 'Nobody has all four: those with the first three share.',
    line: {
      ruleSet: 'US',
      ...runners(6),
      ...order('1', '2', '3', '4'),
      ...stakes({ '1>2>3>5': 10_000, '6>5>4>3': 90_000 }),
    },
    pays: { '1>2>3>*': '7.50' },
  },
  FIRST4: {
    says: 'The first four in any order: 750.00 of 1,000.00 over 100.00.',
    line: {
      ruleSet: 'HK',
      ...runners(8),
      ...order('1', '2', '3', '4'),
      ...stakes({ '1-2-3-4': 10_000, '5-6-7-8': 90_000 }),
    },
    pays: { '1-2-3-4': '7.50' },
  },
  QUARTET: {
    says: 'One pool for both bets: 750.00 less 5.00 to the jackpot in halves, over 10.00 in order and 40.00 in any order.',
    line: {
      ruleSet: 'HK',
      ...runners(8),
      ...order('1', '2', '3', '4'),
      ...stakes({ '1>2>3>4': 1_000, '1-2-3-4': 4_000, '8>7>6>5': 95_000 }),
    },
    pays: { '1>2>3>4': '37.20', 'FIRST4 1-2-3-4': '9.30' },
  },
  TIERCE: {
    says: 'Half of the net 740.00 to the order, half to the disorder.',
    line: {
      ruleSet: 'FR',
      ...runners(8),
      ...order('1', '2', '3'),
      ...stakes({ '1>2>3': 1_000, '3>2>1': 20_000, '4>5>6': 79_000 }),
    },
    pays: { 'ORDER 1>2>3': '37.00', 'DISORDER 1-2-3': '1.80' },
  },
  QUARTE: {
    says: 'Order 25, disorder 35, bonus 40 of 100 of the net 740.00; the bonus of 0.98 is raised to 1.10 at the cost of the operator.',
    line: {
      ruleSet: 'FR',
      ...runners(8),
      ...order('1', '2', '3', '4'),
      ...stakes({ '1>2>3>4': 500, '4>3>2>1': 5_000, '1>2>3>5': 30_000, '8>7>6>5': 64_500 }),
    },
    pays: { 'ORDER 1>2>3>4': '37.00', 'DISORDER 1-2-3-4': '5.10', 'BONUS3 1-2-3-*': '1.10' },
  },
  QUINTE: {
    says: 'Order 28, disorder 29, bonus 4 17 and bonus 3 26 of 100 of the net 74,000.00.',
    line: {
      ruleSet: 'FR',
      ...runners(12),
      ...order('1', '2', '3', '4', '5'),
      ...stakes({
        '1>2>3>4>5': 1_000,
        '5>4>3>2>1': 20_000,
        '1>2>3>4>6': 100_000,
        '1>2>3>6>7': 400_000,
        '8>7>6>9>10': 9_479_000,
      }),
    },
    pays: {
      'ORDER 1>2>3>4>5': '2072.00',
      'DISORDER 1-2-3-4-5': '107.30',
      'BONUS4 1-2-3-4-*': '12.50',
      'BONUS3 1-2-3-*-*': '4.80',
    },
  },
  PICK5_FR: {
    says: 'No non-runner, so nobody in the tier of one: its quarter of the net 700.00 goes to those with all five.',
    line: {
      ruleSet: 'FR',
      ...runners(10),
      ...order('1', '2', '3', '4', '5'),
      ...stakes({ '1-2-3-4-5': 10_000, '6-7-8-9-10': 90_000 }),
    },
    pays: { '1-2-3-4-5': '7.00' },
  },
  DEUX_SUR_QUATRE: {
    says: 'Any two of the first four: one price for all, 740.00 over 200.00.',
    line: {
      ruleSet: 'FR',
      ...runners(10),
      ...order('1', '2', '3', '4'),
      ...stakes({ '1-2': 10_000, '3-4': 10_000, '1-9': 80_000 }),
    },
    pays: { '1-2': '3.70', '3-4': '3.70' },
  },
  MULTI: {
    says: 'Stakes in four, five, six and seven weigh 105, 21, 7 and 3: 740.00 over 3,400.00 of them, cut to 0.20 a weight.',
    line: {
      ruleSet: 'FR',
      ...runners(10),
      ...order('1', '2', '3', '4'),
      ...stakes({
        '1-2-3-4': 1_000,
        '1-2-3-4-5': 5_000,
        '1-2-3-4-5-6': 10_000,
        '1-2-3-4-5-6-7': 20_000,
        '5-6-7-8': 64_000,
      }),
    },
    pays: { 'M4 1-2-3-4': '21.00', 'M5 1-2-3-4-*': '4.20', 'M6 1-2-3-4-*-*': '1.40', 'M7 1-2-3-4-*-*-*': '0.60' },
  },
  SUPER_HIGH_5: {
    says: 'The first five in order.',
    line: {
      ruleSet: 'US',
      ...runners(8),
      ...order('1', '2', '3', '4', '5'),
      ...stakes({ '1>2>3>4>5': 10_000, '5>4>3>2>1': 90_000 }),
    },
    pays: { '1>2>3>4>5': '7.50' },
  },
  DAILY_DOUBLE: {
    says: 'A runner of the second race is scratched late: the consolation leaves the pool first.',
    line: {
      ruleSet: 'US',
      legs: [{ runners: ['1', '2'] }, { runners: ['4', '5', '6'], scratchedAfterClose: ['6'] }],
      ...legs('1', '4'),
      ...stakes({ '1/4': 10_000, '1/5': 20_000, '1/6': 10_000, '2/4': 60_000 }),
    },
    pays: { '1/4': '6.00', 'CONSOLATION 1/6': '2.00' },
  },
  PICK3: {
    says: 'A dead heat in the last race is a single price, never a split.',
    line: { ruleSet: 'US', ...legs('1', '1', '7=8'), ...stakes({ '1/1/7': 10_000, '1/1/8': 20_000, '2/2/2': 70_000 }) },
    pays: { '1/1/7,8': '2.50' },
  },
  PICK4: {
    says: 'The favourite stands in for a runner that was scratched.',
    line: {
      ruleSet: 'US',
      legs: [{}, {}, {}, { scratchedAfterClose: ['9'], favourite: '1' }],
      ...legs('1', '1', '1', '1'),
      ...stakes({ '1/1/1/9': 10_000, '1/1/1/1': 10_000, '2/2/2/2': 80_000 }),
    },
    pays: { '1/1/1/1': '3.70' },
  },
  PICK5: {
    says: 'Nobody has five: a quarter goes to the most right, the rest is carried.',
    line: { ruleSet: 'US', ...legs('1', '1', '1', '1', '1'), ...stakes({ '1/1/1/1/2': 10_000, '2/2/2/2/2': 90_000 }) },
    pays: { '4/5 1/1/1/1/1': '1.80' },
  },
  PICK6: {
    says: 'A carry-over joins the share of six right; it is not taxed again.',
    line: {
      ruleSet: 'US',
      carryIn: 50_000,
      ...legs('1', '1', '1', '1', '1', '1'),
      ...stakes({ '1/1/1/1/1/1': 10_000, '1/1/1/1/1/2': 5_000, '2/2/2/2/2/2': 85_000 }),
    },
    pays: { '6/6 1/1/1/1/1/1': '10.60', '5/6 1/1/1/1/1/1': '3.70' },
  },
  PLACEPOT: {
    says: 'Two of five runners are placed in each race.',
    line: { ruleSet: 'UK', ...placedLegs(6), ...stakes({ [row('2', 6)]: 10_000, [row('3', 6)]: 90_000 }) },
    pays: { [row('1,2', 6)]: '7.30' },
  },
  QUADPOT: {
    says: 'Nobody is right: the gross pool is carried, and no takeout is taken yet.',
    line: { ruleSet: 'UK', ...placedLegs(4), ...stakes({ [row('3', 4)]: 90_000 }) },
    pays: {},
  },
  JACKPOT: {
    says: 'A gross carry-over is taxed when it is won, with the day.',
    line: {
      ruleSet: 'UK',
      carryIn: 100_000,
      ...legs('1', '1', '1', '1', '1', '1'),
      ...stakes({ [row('1', 6)]: 10_000, [row('2', 6)]: 90_000 }),
    },
    pays: { [row('1', 6)]: '14.20' },
  },
  SCOOP6: {
    says: 'The place fund is won, win and bonus fund are carried gross.',
    line: { ruleSet: 'UK', ...placedLegs(6), ...stakes({ [row('2', 6)]: 10_000, [row('3', 6)]: 290_000 }) },
    pays: { [`PLACE_FUND ${row('1,2', 6)}`]: '7.00' },
  },
  V4: {
    says: 'The game of 2019-04-04: 205 rows of two kronor were right, each was paid 251 kronor.',
    line: { ruleSet: 'SE', gross: 6_879_000, ...winning({ [row('1', 4)]: 41_000 }) },
    pays: { [row('1', 4)]: '125.50' },
  },
  V5: {
    says: 'A row costs a krona and is paid whole kronor.',
    line: {
      ruleSet: 'SE',
      ...legs('1', '1', '1', '1', '1'),
      ...stakes({ [row('1', 5)]: 3_000, [row('2', 5)]: 97_000 }),
    },
    pays: { [row('1', 5)]: '21.00' },
  },
  V64: {
    says: 'Six, five and four right share 40, 20 and 40 %; a tier below 15 kronor a row is carried.',
    line: {
      ruleSet: 'SE',
      gross: 10_000_000,
      ...winning({ [`6/6 ${row('1', 6)}`]: 10_000, [`5/6 ${row('1', 6)}`]: 50_000, [`4/6 ${row('1', 6)}`]: 400_000 }),
    },
    pays: { [`6/6 ${row('1', 6)}`]: '260.00', [`5/6 ${row('1', 6)}`]: '26.00' },
  },
  V65: {
    says: 'As V64.',
    line: { ruleSet: 'SE', gross: 10_000_000, ...winning({ [`6/6 ${row('1', 6)}`]: 10_000 }) },
    pays: { [`6/6 ${row('1', 6)}`]: '260.00' },
  },
  V75: {
    says: 'The game of 2023-05-27, 4,478.5 rows of half a krona right: 6,794 kronor a row; six right 76, five right carried at 11.',
    line: {
      ruleSet: 'SE',
      gross: 11_703_715_400,
      ...winning({
        [`7/7 ${row('1', 7)}`]: 223_925,
        [`6/7 ${row('1', 7)}`]: 9_935_950,
        [`5/7 ${row('1', 7)}`]: 133_072_750,
      }),
    },
    pays: { [`7/7 ${row('1', 7)}`]: '13588.00', [`6/7 ${row('1', 7)}`]: '152.00' },
  },
  V86: {
    says: 'A row costs 25 öre; its payment is cut to a krona, so a krona’s price moves by four.',
    line: { ruleSet: 'SE', gross: 10_000_000, ...winning({ [`8/8 ${row('1', 8)}`]: 3_000 }) },
    pays: { [`8/8 ${row('1', 8)}`]: '864.00' },
  },
  WIN5: {
    says: 'The carry-over is shared by combination, not by unit.',
    line: {
      ruleSet: 'JP',
      carryIn: 400_000,
      ...legs('1', '1', '1', '1', '1=2'),
      ...stakes({ '1/1/1/1/1': 100, '1/1/1/1/2': 300, '3/3/3/3/3': 999_600 }),
    },
    pays: { '1/1/1/1/1': '5499.30', '1/1/1/1/2': '1833.50' },
  },
};

const title = 'Rules';

/** The page, as it has to stand in `docs/RULES.md`. */
export function rulesPage(): string {
  return [
    `# ${title}`,
    '',
    'Every pool type by the rule sets that ship. This page is made by `test/repository/rules-page.ts` and compared with the rules by a',
    'test. Where each figure comes from, or that it is general knowledge which wants a human check, stands beside it in',
    '[libs/tote/src/rule-sets](../libs/tote/src/rule-sets). `npx mutuel rules explain NAME TYPE` prints one in full, `rules diff A B` compares two.',
    'A shard hears of a stop within milliseconds, at the latest when its selling lease runs out: what was cancelled before that stays cancelled.',
    '',
    ...poolTypes.flatMap((type) => (type === 'REPORT' ? reportPart() : poolPart(type))),
  ].join('\n');
}

function poolPart(type: PoolType): readonly string[] {
  const own = ruleSets.filter((rules) => rules.poolType === type);
  if (own.length === 0) return [];
  const groups = groupsOf(own);
  const example = examples[type];
  return [
    `## ${type}`,
    '',
    ...groups.flatMap((group, index) => groupPart(group, groups.slice(0, index))),
    ...(example ? examplePart(type, example) : []),
  ];
}

interface Group {
  readonly names: readonly string[];
  readonly rules: RuleSet;
}

/** A rule set in full, or what it says otherwise than the one before that it differs least from. */
function groupPart({ names, rules }: Group, before: readonly Group[]): readonly string[] {
  const own = linesOf(rules);
  const others = before.map((other) => {
    const known = new Set(linesOf(other.rules));
    return { name: other.names[0], lines: own.filter((line) => !known.has(line)) };
  });
  const [nearest] = others.sort((a, b) => a.lines.length - b.lines.length);
  const isVariant = nearest !== undefined && nearest.lines.length <= MOST_DIFFERENT;
  const head = `**${names.join(', ')}**`;
  return [isVariant ? `${head}, as ${nearest.name} but` : head, '', ...(isVariant ? nearest.lines : own), ''];
}

/** A rule set that differs in more than this is shown in full. */
const MOST_DIFFERENT = 2;

const linesOf = (rules: RuleSet): readonly string[] =>
  explainRuleSet(rules).map(([heading, sentences]) => `- ${heading}: ${sentences.join(' ')}`);

/** Rule sets that say the same share their text. */
function groupsOf(own: readonly RuleSet[]): readonly Group[] {
  const groups = new Map<string, { names: string[]; rules: RuleSet }>();
  for (const rules of own) {
    const text = JSON.stringify(explainRuleSet(rules));
    const name = `${rules.name} from ${rules.validFrom}`;
    const known = groups.get(text);
    if (known) known.names.push(name);
    else groups.set(text, { names: [name], rules });
  }
  return [...groups.values()];
}

function examplePart(type: PoolType, { says, line }: Example): readonly string[] {
  const answer = priceLine({ pool: { type }, ...line });
  if ('error' in answer) throw new Error(`${type}: ${answer.error.message}`);
  return [`*${says}*`, '', '```text', ...answer.steps, '```', ''];
}

function reportPart(): readonly string[] {
  const parts = [
    { price: '3.00', quarters: 3 },
    { price: '2.00', quarters: 4 },
  ] as const;
  const rolled = rollReport(1_000, parts, frenchReport);
  if ('refused' in rolled) throw new Error(rolled.message);
  return [
    '## REPORT',
    '',
    'No pool of its own: each of a chain of bets, and what one wins is staked on the next in quarters, each part cut to the minor unit. A part',
    `below the least stake is paid in hand, and a stake is at most ${frenchReport.mostTimes} times the least.`,
    '',
    `*${1_000} minor units at 3.00, three quarters of it at 2.00: stakes ${rolled.stakes.join(' and ')}, paid ${rolled.paidMinor}.*`,
    '',
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(fileURLToPath(new URL('../../docs/RULES.md', import.meta.url)), rulesPage());
