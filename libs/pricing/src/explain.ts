/**
 * A rule set in plain language: one sentence for each thing it says, nothing that it does not. What a racing authority or a
 * journalist reads instead of the data; the figures are the data's own, never repeated here.
 */
import {
  type CorrectionPolicy,
  keptNonRunners,
  type LegRules,
  type PoolType,
  parseRatio,
  type RuleSet,
  shapeOf,
} from '#mutuel/tote';

/** The sentences, under short headings. */
export function explainRuleSet(rules: RuleSet): readonly (readonly [heading: string, sentences: readonly string[]])[] {
  const all: readonly (readonly [string, readonly string[]])[] = [
    ['Wins', [WINS[rules.poolType], ...placeLines(rules), ...legLines(rules.legs)]],
    ['Money', [...moneyLines(rules), ...tierLines(rules), ...jackpotLines(rules)]],
    ['Dividend', [...breakLines(rules), ...minimumLines(rules)]],
    ['Nobody wins', ladderLines(rules)],
    ['Runners', runnerLines(rules)],
    ['Bets', betLines(rules)],
  ];
  return all.filter(([, sentences]) => sentences.length > 0);
}

/** The whole text, as a terminal shows it. */
export const explained = (rules: RuleSet): string =>
  [
    `${rules.name} ${rules.poolType}, in force from ${rules.validFrom} (${rules.id}, law of ${rules.jurisdiction})`,
    ...explainRuleSet(rules).flatMap(([heading, sentences]) => ['', heading, ...sentences.map((line) => `  ${line}`)]),
  ].join('\n');

const WINS: Readonly<Record<PoolType, string>> = {
  WIN: 'The first.',
  PLACE: 'A placed runner.',
  SHOW: 'A runner among the first three.',
  QUINELLA: 'The first two, in any order.',
  QUINELLA_PLACE: 'Any two of the first three.',
  EXACTA: 'The first two, in order.',
  TRIO: 'The first three, in any order.',
  TRIFECTA: 'The first three, in order.',
  SUPERFECTA: 'The first four, in order.',
  FIRST4: 'The first four, in any order.',
  QUARTET: 'The first four, in order, or by its tiers in any order.',
  SUPER_HIGH_5: 'The first five, in order.',
  TIERCE: 'The first three, in order or not, by tiers.',
  QUARTE: 'The first four, in order or not, or the first three, by tiers.',
  QUINTE: 'The first five, in order or not, or four or three of them, by tiers.',
  PICK5_FR: 'The first five, in any order.',
  DEUX_SUR_QUATRE: 'Two of the first four.',
  MULTI: 'The first four among four to seven runners that are named.',
  DAILY_DOUBLE: 'The winners of two races.',
  PICK3: 'The winners of three races.',
  PICK4: 'The winners of four races.',
  PICK5: 'The winners of five races.',
  PICK6: 'The winners of six races.',
  PLACEPOT: 'A placed runner in each of six races.',
  QUADPOT: 'A placed runner in each of four races.',
  JACKPOT: 'The winners of six races.',
  SCOOP6: 'The winners of six races, or a placed runner in each, by funds.',
  V4: 'The winners of four races.',
  V5: 'The winners of five races.',
  V64: 'The winners of six races, or of five or four of them.',
  V65: 'The winners of six races, or of five or four of them.',
  V75: 'The winners of seven races, or of six or five of them.',
  V86: 'The winners of eight races, or of seven or six of them.',
  WIN5: 'The winners of five races.',
  REPORT: 'Each of a chain of bets; what one wins is staked on the next.',
};

const list = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

/** `0.139` is 13.9 %, 1/3 is one part in 3. */
function percent(rate: string): string {
  const { n, d } = parseRatio(rate) ?? { n: 0n, d: 1n };
  const scaled = n * 1_000_000n;
  if (scaled % d !== 0n) return rate;
  const text = (scaled / d).toString().padStart(5, '0');
  const digits = text.slice(-4).replace(/0+$/, '');
  return `${text.slice(0, -4)}${digits && `.${digits}`} %`;
}

/** Currencies of the shipped rule sets and their digits; elsewhere amounts are in minor units. */
const CURRENCIES: Readonly<Record<string, readonly [code: string, digits: number]>> = {
  FR: ['EUR', 2],
  US: ['USD', 2],
  GB: ['GBP', 2],
  HK: ['HKD', 2],
  JP: ['JPY', 0],
  SE: ['SEK', 2],
  AU: ['AUD', 2],
};

/** An amount as people write it: `1.00 EUR`, `100 JPY`. */
function money({ jurisdiction }: Pick<RuleSet, 'jurisdiction'>, minor: number): string {
  const known = CURRENCIES[jurisdiction];
  return known ? `${(minor / 10 ** known[1]).toFixed(known[1])} ${known[0]}` : `${minor} minor units`;
}

// What wins.

function placeLines({ places, placesBy }: RuleSet): readonly string[] {
  if (places === undefined) return [];
  if (typeof places === 'number') return [`${places} places are paid, whatever the field.`];
  const counted = placesBy === 'CARD' ? 'declared runners' : 'runners that run';
  const steps = places.map(
    ({ from, places: paid, handicap }) => `${paid} from ${from}${handicap ? ' in a handicap' : ''}`,
  );
  return [`Places by the number of ${counted}: ${list(steps)}; fewer: refund.`];
}

function legLines(legs: LegRules | undefined): readonly string[] {
  if (!legs) return [];
  const scratch: Readonly<Record<LegRules['scratch'], string>> = {
    FAVOURITE:
      'A runner that does not run is replaced by the bettor’s own reserve, else by the favourite of its win pool at the close.',
    REFUND: 'Lines with a runner that does not run are refunded.',
    CONSOLATION:
      'Lines with a runner that does not run are refunded; scratched from the second race after the close, it pays those who had it behind the first winner net / (all stakes on that winner), before anything else and without breakage.',
  };
  return [
    legs.right === 'PLACED'
      ? 'A dead heat for the last place qualifies all of it.'
      : 'In a dead heat each winner is right.',
    scratch[legs.scratch],
    'In a race that is not run every selection is right.',
    ...(legs.leastRun > 1 ? [`Fewer than ${legs.leastRun} races run: refund.`] : []),
    ...(legs.firstMustRun ? ['The first race not run: refund.'] : []),
    ...(legs.refundNone ? ['Nobody right in any race and nothing carried in: refund.'] : []),
  ];
}

// Money.

const SPLITS: Readonly<Record<RuleSet['split'], string>> = {
  SINGLE_PRICE: 'one price for all: net pool / winning stakes',
  PROFIT_SPLIT: 'winning stakes come back, the profit is split: 1 + share x (net - winning stakes) / own stakes',
  GROSS_SPLIT: 'the net pool is split: share x net / own stakes',
  JAPAN:
    'the Japanese formula: R x (own stakes + losing stakes / winning combinations) / own stakes, and a carry-over per combination',
};

function moneyLines({
  takeout,
  split,
  deadHeat,
  carry,
  shares,
  pricing,
  noWinner,
  legs,
  poolType,
  jurisdiction,
}: RuleSet): readonly string[] {
  const isSingle = split === 'SINGLE_PRICE';
  const heat =
    isSingle && deadHeat !== 'SINGLE_PRICE'
      ? [`Several winning combinations of a dead heat: ${SPLITS[deadHeat]}.`]
      : [];
  const alike =
    isSingle && deadHeat === 'SINGLE_PRICE' && legs
      ? ['A dead heat is no split: every winning unit is paid alike.']
      : [];
  const carries = noWinner.includes('CARRY') || shapeOf(poolType).arrangement === 'LEGS';
  return [
    `The operator keeps ${percent(takeout)} of the stakes.`,
    ...(pricing === 'NET' ? ['Money of several sources is priced net, each with its own takeout.'] : []),
    `Split: ${SPLITS[split]}.`,
    ...heat,
    ...alike,
    ...(shares ? [`Shares in the order of the winners: ${list(shares)}.`] : []),
    ...(carries && carry === 'GROSS' ? ['Money is carried gross: the takeout is taken once, when it is won.'] : []),
    ...(carries && carry === 'NET' ? ['Money is carried net and never taxed again.'] : []),
    ...(legs?.wholeMinor
      ? [`The net pool is cut to a multiple of ${money({ jurisdiction }, legs.wholeMinor)}, tiers are rounded to one.`]
      : []),
  ];
}

function tierLines({ tiers, weights, tierProfit, legs }: RuleSet): readonly string[] {
  const handed = {
    MERGE: 'its money joins the next tier',
    CARRY: 'its money is carried',
    JACKPOT: 'its money goes to the jackpot',
  };
  const each = (tiers ?? []).map(({ name, share, ratio, group, uncovered }) => {
    const parts = [
      `${name}: ${percent(share)} of the pool`,
      ...(group ? [`one pool with the other tiers of ${group}`] : []),
      ...(ratio
        ? [
            `it pays ${parseRatio(ratio)?.n === parseRatio(ratio)?.d ? 'no less than' : `at least ${ratio} times`} the next tier, else both are one pool in which stakes weigh`,
          ]
        : []),
      ...(uncovered ? [`without winners ${handed[uncovered]}`] : []),
    ];
    return `${parts.join('; ')}.`;
  });
  const weigh = Object.entries(weights ?? {}).map(([tier, weight]) => `${tier} ${weight}`);
  return [
    ...each,
    ...(weigh.length ? [`Stakes weigh: ${list(weigh)}.`] : []),
    ...(tierProfit === 'OWN' ? ['Tiers share the profit, and no tier below another is paid more.'] : []),
    ...(tierProfit === 'INCREMENTS' ? ['A better tier is paid what the next one is, and its own part more.'] : []),
    ...(tiers && legs?.lower === 'MOST'
      ? ['The second tier is for the next greatest number of right races that anybody has.']
      : []),
    ...(legs?.leastPaid ? [`A tier that would pay less than ${legs.leastPaid} a row is not paid but carried.`] : []),
    ...(legs?.carryTo === 'SHARES' ? ['A carry-over goes to all tiers by their shares.'] : []),
  ];
}

const jackpotLines = ({
  unique,
  jackpot,
  partUnitMinor,
  ladderShare,
  legs,
  jurisdiction,
}: RuleSet): readonly string[] => [
  ...(jackpot
    ? [`${percent(jackpot.share)} of the ${jackpot.of === 'GROSS' ? 'gross' : 'net'} pool goes to the jackpot.`]
    : []),
  ...(unique
    ? [
        `The jackpot, and what the shares leave, is won when all stake on the winning combinations of ${unique.tier} is one unit of ${money({ jurisdiction }, unique.unit)}.`,
      ]
    : []),
  ...(partUnitMinor
    ? [
        `With less than ${money({ jurisdiction }, partUnitMinor)} on the winner only that part of the pool is won; the rest is carried.`,
      ]
    : []),
  ...(ladderShare
    ? [`Without a regular winner ${percent(ladderShare)} of the pool is paid; the rest is carried.`]
    : []),
  ...(legs?.carryCapMinor
    ? [
        `From a carry-over of ${money({ jurisdiction }, legs.carryCapMinor)} on, the day’s money goes to the most right.`,
      ]
    : []),
];

// Dividend.

function breakLines({ breakTo, breakPer, breakAt, rounding, digits, payment }: RuleSet): readonly string[] {
  const way = rounding === 'DOWN' ? 'rounded down' : 'rounded to the nearest';
  const step = breakTo === 'none' ? `${digits} digits` : `a multiple of ${breakTo} per ${breakPer}`;
  return [
    `Prices are ${way}${rounding === 'DOWN' ? ' to' : ','} ${step}${breakAt === 'UNIT' ? ', before weights multiply them' : ''}.`,
    `A payment is rounded ${payment === 'DOWN' ? 'down to a whole' : 'to the nearest'} minor unit.`,
  ];
}

function minimumLines({ minimum, minimumInMinusPool, minimumInDeadHeat, topUp }: RuleSet): readonly string[] {
  const steps =
    typeof minimum === 'string'
      ? /[1-9]/.test(minimum)
        ? [`At least ${minimum} is paid for 1.`]
        : ['There is no least price.']
      : minimum.map(({ atMost, below, pay }) => {
          const when = [...(atMost ? [`up to ${atMost}`] : []), ...(below ? [`below ${below}`] : [])];
          return `A calculated price ${list(when)} pays ${pay}.`;
        });
  return [
    ...steps,
    ...(minimumInMinusPool && minimumInMinusPool !== minimum
      ? [`In a minus pool at least ${minimumInMinusPool}; the operator bears the loss.`]
      : []),
    ...(minimumInDeadHeat ? [`In a dead heat at least ${minimumInDeadHeat}, less than the stake.`] : []),
    ...(topUp
      ? [`Prices of ${topUp.from} are raised to ${topUp.to} where all that is paid then stays within the stakes.`]
      : []),
  ];
}

// The ladder.

const RUNGS: Readonly<Record<RuleSet['noWinner'][number], string>> = {
  NEXT: 'those on the next finisher',
  EITHER: 'those with the winner of one half and those with that of the other, as in a place pool',
  FIRST_1: 'those with the first in its place',
  FIRST_2: 'those with the first two in their places',
  FIRST_3: 'those with the first three in their places',
  FIRST_4: 'those with the first four in their places',
  SET_124: 'those with the first, second and fourth',
  SET_134: 'those with the first, third and fourth',
  SET_234: 'those with the second, third and fourth',
  SECONDS: 'those with the second of every race',
  MOST_RIGHT: 'those right in the most races',
  PAY_NET_RATE: 'every ticket, at the net rate of its stake',
  REFUND: 'refund of every stake',
  CARRY: 'the pool is carried to a later one',
};

function ladderLines({ noWinner }: RuleSet): readonly string[] {
  const rungs = noWinner.map((rung, index) =>
    rung === 'NEXT' && noWinner.indexOf(rung) < index ? 'those on the finisher after that' : RUNGS[rung],
  );
  const text = `${rungs.length > 1 ? 'in turn: ' : ''}${rungs.join('; ')}.`;
  return [`${text.slice(0, 1).toUpperCase()}${text.slice(1)}`];
}

// Runners and bets.

function runnerLines(rules: RuleSet): readonly string[] {
  const { coupling, minInterests, minDeclared, legs } = rules;
  const kept = keptNonRunners(rules);
  const ranked =
    kept === 1
      ? 'A line with one non-runner has a rank of its own'
      : `Lines with up to ${kept} non-runners have ranks of their own`;
  const refunds = kept > 0 ? `${ranked}; with more it is refunded.` : 'Lines with a non-runner are refunded.';
  const coupled: Readonly<Record<RuleSet['coupling'], string>> = {
    ENTRY: 'Coupled runners are one betting interest.',
    STABLE: 'Every runner by itself; when one of a stable wins, its stablemates that ran are paid too.',
    NONE: 'Every runner by itself.',
  };
  return [
    coupled[coupling],
    ...complementLines(rules),
    ...(legs ? [] : [refunds]),
    ...(minDeclared ? [`Fewer than ${minDeclared} on the card: not offered.`] : []),
    ...(minInterests > 0
      ? [`Fewer than ${minInterests} that run${legs ? ' in the first race' : ''}: refund of the pool.`]
      : []),
  ];
}

const complementLines = ({ complements }: RuleSet): readonly string[] => {
  if (!complements) return [];
  const named = complements === 1 ? 'a complement' : `up to ${complements} complements`;
  return [`A bet may name ${named}: in a line that loses a runner the others move up, and the complement comes last.`];
};

const flexiLine = ({ flexi, jurisdiction }: RuleSet): string => {
  if (flexi === undefined) return 'A stake shared by the lines (flexi) gives each of them a whole multiple of that.';
  if (flexi === 'NONE') return 'No stake is shared by the lines: no flexi bets.';
  const whole = money({ jurisdiction }, flexi.percentOf);
  return `A stake shared by the lines (flexi) gives each a whole per cent of ${whole}, ${flexi.least} at least; the rest is not taken.`;
};

const reportLines = ({ report }: RuleSet): readonly string[] =>
  report ? [`Part of reports, with at most ${report.mostTimes} times the least stake on a line.`] : [];

const CORRECTIONS: Readonly<Record<CorrectionPolicy, string>> = {
  CLAWBACK: 'A result changed after it was official: too little is made good, too much is taken back.',
  UNDERPAY_ONLY: 'A result changed after it was official: too little is made good, too much is left.',
  NONE: 'A result changed after it was official moves no money.',
};

const betLines = (rules: RuleSet): readonly string[] => {
  const { minStakeMinor, unitMultipleMinor, maxLines, cancelWindowMs, corrections, jurisdiction } = rules;
  return [
    ...(minStakeMinor ? [`A line costs at least ${money({ jurisdiction }, minStakeMinor)}.`] : []),
    ...(unitMultipleMinor ? [`A line’s stake is a multiple of ${money({ jurisdiction }, unitMultipleMinor)}.`] : []),
    flexiLine(rules),
    ...reportLines(rules),
    ...(maxLines ? [`A bet has at most ${maxLines} lines.`] : []),
    ...(cancelWindowMs
      ? [
          `A bet can be cancelled for ${Math.round(cancelWindowMs / 60_000)} minutes, until its shard hears of the stop.`,
        ]
      : []),
    CORRECTIONS[corrections ?? 'CLAWBACK'],
  ];
};
