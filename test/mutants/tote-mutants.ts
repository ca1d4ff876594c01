/**
 * Wrong answers that no type checker and no crash would show, each breaking one sentence of the racing rules in the first
 * calculator. Chosen from the rules, not from the tests. A text to find stands exactly once in its file.
 */
export interface Mutant {
  /** The rule that it breaks. */
  readonly rule: string;
  /** In `libs/tote/src`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

type Change = readonly [rule: string, find: string, replace: string];

const changes: Readonly<Record<string, readonly Change[]>> = {
  'breakage.ts': [
    [
      'prices are broken down, not to the nearest',
      "rules.rounding === 'NEAREST' ? nearest(steps) : floor(steps)",
      'nearest(steps)',
    ],
    [
      'the break point is per so many units',
      'divide(toRatio(rules.breakTo), toRatio(rules.breakPer))',
      'toRatio(rules.breakTo)',
    ],
    [
      'the two-step minimum looks at the unrounded price',
      'compare(exact, toRatio(atMost)) <= 0',
      'compare(broken, toRatio(atMost)) <= 0',
    ],
    [
      'a calculated 0.90 itself pays the lower step',
      'compare(exact, toRatio(atMost)) <= 0',
      'compare(exact, toRatio(atMost)) < 0',
    ],
    ['five per cent in a minus pool, ten otherwise', 'return isMinus ? raised(lower) : priced;', 'return priced;'],
    ['weighted tiers are broken before they are multiplied', "rules.breakAt !== 'UNIT'", "rules.breakAt === 'UNIT'"],
    ['the Japanese net rate has no minimum', "if (rung.name === 'PAY_NET_RATE') return broken;", ''],
    [
      'only dead-heaters may be paid below the usual minimum',
      "return name === 'RESULT' && compare(places, ONE) < 0;",
      "return name === 'RESULT';",
    ],
  ],
  'claims.ts': [
    ['an uncovered dead-heater drops out', '.filter((c) => covered.has(c))', ''],
    ['places of uncovered runners go to the covered ones', 'slots: Math.min(slots, keys.length)', 'slots'],
    [
      'stakes come back before the profit is shared',
      'add(ONE, divide(multiply(share, profit), stake))',
      'divide(multiply(share, net), stake)',
    ],
    [
      'losing stakes are shared by covered combinations (Japan)',
      'divide(subtract(ratio(gross), staked), ratio(claims.length))',
      'subtract(ratio(gross), staked)',
    ],
    ['a carry-over is shared per combination (Japan)', 'ratio(carryInMinor, claims.length)', 'ratio(carryInMinor)'],
    [
      'a carry-over is not taxed twice (Japan)',
      'add(multiply(rate, add(stake, losing)), carry)',
      'multiply(rate, add(add(stake, losing), carry))',
    ],
    [
      'a single price is one price for all',
      'claims.map(() => divide(net, staked))',
      'claims.map(({ stake }) => divide(net, stake))',
    ],
  ],
  'finish.ts': [
    ['an interest fills one position of a combination', '.filter((member) => !seen.has(member))', ''],
    ['every order of a tie wins', '(tied, room) => arrangements(tied, room)', '(tied, room) => subsets(tied, room)'],
  ],
  'field.ts': [['a bet on an entry stands while one part runs', '.filter((interest) => !running.has(interest))', '']],
  'pools.ts': [
    [
      'tied runners fill as many places as they are',
      'const slots = Math.min(room, tied.length);',
      'const slots = Math.min(room, 1);',
    ],
    [
      'places by the card, or by those that run',
      "(rules.placesBy === 'CARD' ? field.declared : starters(field)).length",
      'starters(field).length',
    ],
    ['an exacta without winner: the second in second place', 'return place === 0 ?', 'return place >= 0 ?'],
    ['the next place is the first behind the paid ones', 'before >= places', 'before > places'],
    ['four or five runners: one pair wins the swinger', 'if (places < 3)', 'if (places < 2)'],
    ['second and third are a placed pair', '  [1, 2],\n', ''],
    ['tierce without winner: first, third and fourth', 'setOf(race, [0, 2, 3])', 'setOf(race, [0, 1, 2])'],
    ['a ladder ends with all money, also at a later rung', 'firsts(race, 2)', 'firsts(race, 1)'],
  ],
  'tier-keys.ts': [
    [
      'ranks are exclusive when few finish',
      'return next.length === 0 ? [] : [withoutText(starred(set, picks), next)];',
      'return [withoutText(starred(set, picks), next)];',
    ],
    ['the disorder is every order but the exact one', "[[[set, ...orders].join('!')]]", '[[[set].join()]]'],
    [
      'a multi that names two of the tied fourths is paid once',
      'return withoutText(starred(set, size), before);',
      'return setText(starred(set, size));',
    ],
  ],
  'pots.ts': [
    ['the reserve has its part of the turnover', "jackpot.of === 'GROSS' ? ratio(gross) : net", 'net'],
    [
      'an empty tier gives its money to the next below',
      'const heir = below >= 0 ? below : covered.lastIndexOf(true, index);',
      'const heir = covered.indexOf(true);',
    ],
    ['a carry-in belongs to the first tier', 'index === 0 ? carryIn : ZERO', 'ZERO'],
  ],
  'merging.ts': [
    ['tiers whose ratio fails are merged', '|| holds(rules, upper, lower)) continue', '|| upper.pool) continue'],
    [
      'merged stakes weigh by the stated weights',
      "own && next ? divide(toRatio(own), toRatio(next)) : toRatio(ratioBelow(rules, upper) ?? '1')",
      "toRatio(ratioBelow(rules, upper) ?? '1')",
    ],
  ],
  'tier-profit.ts': [
    ['a better rank adds to the one below', 'tiers.slice(0, index + 1).map', 'tiers.slice(index, index + 1).map'],
  ],
  'pot-prices.ts': [
    [
      'a part-backed dead-heater has part of a dividend',
      "how === 'GROSS_SPLIT' ? (claims[index]?.stake ?? ZERO) : staked",
      'staked',
    ],
  ],
  'sheet.ts': [['payments to the nearest cent (France)', "ruleSet.payment === 'NEAREST' ? scale / 2 : 0", '0']],
  'price.ts': [
    [
      'a gross carry-over is taxed when it is won',
      'const funds = gross + (isTaxed ? carryInMinor : 0);',
      'const funds = gross;',
    ],
    [
      'the takeout is cut to a minor unit',
      'const takeoutMinor = toMinor(floor(takeout));',
      'const takeoutMinor = toMinor(nearest(takeout));',
    ],
    ['a consolation is paid its part only', "rung.rung > 0 ? toRatio(ruleSet.ladderShare ?? '1') : ONE", 'ONE'],
    [
      'who is paid the net rate has not won the carry-over',
      'paid({ ...input, carryInMinor: 0, guaranteeMinor: 0 }',
      'paid(input',
    ],
  ],
  'leg-pools.ts': [
    [
      'the favourite stands in for a non-runner',
      'favouriteIsRight = favourite !== null && winners.has(favourite)',
      'favouriteIsRight = false',
    ],
    [
      'every selection is right in a leg not run',
      'return { any: leg.finish === null, winners',
      'return { any: false, winners',
    ],
    [
      'all that tie for the last place qualify',
      'placed.push(...rank);',
      'placed.push(...rank.slice(0, places - placed.length));',
    ],
    [
      'a dead heat in a double is a profit split',
      "const single = rules.split === 'SINGLE_PRICE' && rules.deadHeat === 'SINGLE_PRICE';",
      "const single = rules.split === 'SINGLE_PRICE';",
    ],
  ],
  'legs.ts': [
    [
      "the bettor's reserve comes before the favourite",
      'alternate === null || out.has(alternate) ? favouriteIsRight : winners.has(alternate)',
      'favouriteIsRight',
    ],
  ],
  'leg-price.ts': [
    [
      'the consolation leaves the pool before it is priced',
      'awarded(input, day, subtract(day.net, consoled.paid))',
      'awarded(input, day, day.net)',
    ],
  ],
  'leg-awards.ts': [
    [
      'only a single winner has the jackpot',
      'compare(staked, ratio(unique.unit)) === 0',
      'compare(staked, ratio(unique.unit)) >= 0',
    ],
    [
      'the most right do not win the carry-in',
      'gross: part(fund.gross, share), carry: ZERO }',
      'gross: part(fund.gross, share) }',
    ],
    [
      'a gross carry-over is taxed when it is won, over races too',
      'add(fund.net, multiply(fund.carry, this.day.carryRate))',
      'add(fund.net, fund.carry)',
    ],
  ],
};

export const mutants: readonly Mutant[] = Object.entries(changes).flatMap(([file, list]) =>
  list.map(([rule, find, replace]) => ({ rule, file, find, replace })),
);
