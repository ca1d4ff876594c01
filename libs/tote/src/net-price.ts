/**
 * Net pricing: money of several sources, each with its own takeout, in one pool (host and guests). Prices are made from
 * net bets, then every source breaks them by its own takeout and keeps its own breakage, which may be below zero: what one
 * site owes another. Never used where one takeout is enough and the rule set says STANDARD.
 *
 * Source s: net_s = gross_s (1 - t_s), net bet_s,i = bet_s,i (1 - t_s). From all net bets B_i and all net money N the
 * split gives a base price; source s pays break(base_i (1 - t_s)): Oklahoma 325:65-9-1, Arizona R19-2-523.
 */
import { breakPrices, cost } from './breakage.js';
import { type Claim, claimsOf, exactPrices } from './claims.js';
import { keyLabel } from './keys.js';
import type { RungInput } from './price.js';
import {
  add,
  compare,
  floor,
  multiply,
  ONE,
  type Ratio,
  ratio,
  ratioText,
  subtract,
  sum,
  toMinor,
  toRatio,
  ZERO,
} from './ratio.js';
import { assertTote } from './refusal.js';
import type { RuleSet } from './rule-set.js';
import type { Rung } from './rung.js';
import { type Dividend, dividendsOf, frameOf, type Sheet } from './sheet.js';

/** One site's money, after refunds; `takeout` as text, `stakeOf` its stakes by key. */
export interface SourceMoney {
  readonly id: string;
  readonly takeout: string;
  readonly grossMinor: number;
  readonly stakeOf: (c: string) => Ratio;
}

export interface NetInput extends Pick<RungInput, 'ruleSet' | 'rungs' | 'carryInMinor'> {
  readonly sources: readonly SourceMoney[];
  /** Stakes that were given back, already left out of the sources: only shown. */
  readonly refundsMinor?: number;
}

export function priceNet(input: NetInput): Sheet {
  const { ruleSet, rungs, sources, carryInMinor, refundsMinor = 0 } = input;
  assertTote(ruleSet.tiers === undefined && ruleSet.weights === undefined, 'net pricing knows no tiers');
  const grossMinor = sources.reduce((total, source) => total + source.grossMinor, 0);
  const netBet = (c: string): Ratio => sum(sources.map((source) => multiply(source.stakeOf(c), keptOf(source))));
  for (const rung of rungs) {
    const base = frameOf({ ruleSet, carryInMinor, refundsMinor }, rung, grossMinor);
    if (rung.how === 'REFUND')
      return {
        ...base,
        outcome: 'REFUND',
        netMinor: grossMinor,
        refundedMinor: grossMinor,
        carryOutMinor: carryInMinor,
        steps: [`${rung.name}: all stakes ${grossMinor} are refunded, carry-in ${carryInMinor} goes on`],
      };
    if (rung.how === 'CARRY') return carried(base, sources);
    const claims = claimsOf(rung, netBet);
    if (claims.length > 0) return paid(input, base, rung, claims);
  }
  assertTote(false, 'a ladder must end in a refund or a carry');
}

const keptOf = ({ takeout }: SourceMoney): Ratio => subtract(ONE, toRatio(takeout));
const netOf = (source: SourceMoney): Ratio => multiply(ratio(source.grossMinor), keptOf(source));
const takeoutOf = (source: SourceMoney): number => source.grossMinor - toMinor(ceil(netOf(source)));
const ceil = (a: Ratio): bigint => -floor(subtract(ZERO, a));

function carried(base: Sheet, sources: readonly SourceMoney[]): Sheet {
  const takeoutMinor = sources.reduce((total, source) => total + takeoutOf(source), 0);
  const netMinor = base.grossMinor - takeoutMinor;
  const carryOutMinor = netMinor + base.carryInMinor;
  const steps = [`nobody won: net ${netMinor} of all sources and carry-in ${base.carryInMinor} are carried`];
  return { ...base, outcome: 'CARRIED', takeoutMinor, netMinor, carryOutMinor, steps };
}

function paid({ ruleSet, sources, carryInMinor }: NetInput, base: Sheet, rung: Rung, claims: readonly Claim[]): Sheet {
  const net = add(sum(sources.map(netOf)), ratio(carryInMinor));
  const bases = exactPrices({
    // Net bets against net money: what was taken out is gone from both.
    ...{ ruleSet: { ...ruleSet, takeout: '0' }, rung, net, claims, carryInMinor },
    gross: toMinor(floor(net)),
  });
  const sites = sitesOf(ruleSet, rung, sources, { claims, bases, net });
  const dividends = sites.flatMap((site) => site.dividends);
  const totals = { takeout: 0, paid: 0, breakage: carryInMinor };
  for (const { sheet } of sites) {
    totals.takeout += sheet.takeoutMinor;
    totals.paid += sheet.paidMinor;
    totals.breakage += sheet.breakageMinor;
  }
  return {
    ...base,
    outcome: 'PAID',
    rung: rung.rung,
    takeoutMinor: totals.takeout,
    netMinor: base.grossMinor - totals.takeout,
    paidMinor: totals.paid,
    breakageMinor: Math.max(0, totals.breakage),
    topUpMinor: Math.max(0, -totals.breakage),
    dividends,
    tiers: [{ tier: ruleSet.poolType, poolMinor: toMinor(floor(net)) }],
    sources: sites.map((site) => site.sheet),
    steps: [
      `net pool ${text(net)} = ${sites.map(({ sheet }) => `${sheet.id} ${sheet.netMinor}`).join(' + ')} + carry-in ${carryInMinor}`,
      ...claims.map(
        ({ c, stake }, i) =>
          `${keyLabel(c)}: base price ${ratioText(bases[i] ?? ZERO)} on net bets ${text(stake)} (${rung.how})`,
      ),
      ...sites.flatMap((site) => site.steps),
    ],
  };
}

interface Bases {
  readonly claims: readonly Claim[];
  readonly bases: readonly Ratio[];
}

interface Site {
  readonly dividends: readonly Dividend[];
  readonly sheet: NonNullable<Sheet['sources']>[number];
  readonly cost: Ratio;
  readonly steps: readonly string[];
}

/** The whole pool is a minus pool or none of it is: a site whose customers all had the winner is no minus pool by itself. */
function sitesOf(
  ruleSet: RuleSet,
  rung: Rung,
  sources: readonly SourceMoney[],
  { net, ...bases }: Bases & { readonly net: Ratio },
): readonly Site[] {
  const { minimumInMinusPool: lower, ...usual } = ruleSet;
  const sites = sources.map((source) => siteOf(usual, rung, source, bases));
  if (lower === undefined || compare(sum(sites.map((site) => site.cost)), net) <= 0) return sites;
  return sources.map((source) => siteOf({ ...usual, minimum: lower }, rung, source, bases));
}

/** What one site pays: base prices by its own takeout, broken, and its own breakage. */
function siteOf(ruleSet: RuleSet, rung: Rung, source: SourceMoney, { claims, bases }: Bases): Site {
  const kept = keptOf(source);
  const own = claims.map((claim) => {
    const keys = claim.keys.map(({ c }) => ({ c, stake: source.stakeOf(c) }));
    return { ...claim, keys, stake: sum(keys.map(({ stake }) => stake)) };
  });
  const exact = bases.map((price) => multiply(price, kept));
  const priced = breakPrices({ ruleSet, rung, claims: own, exact, net: netOf(source) });
  const dividends = own.flatMap((claim, i) =>
    dividendsOf(ruleSet, claim, exact[i] ?? ZERO, priced[i] ?? ZERO).map((dividend) => ({
      ...dividend,
      source: source.id,
    })),
  );
  const takeoutMinor = takeoutOf(source);
  const netMinor = source.grossMinor - takeoutMinor;
  const paidMinor = dividends.reduce((total, dividend) => total + dividend.paidMinor, 0);
  const sheet = {
    id: source.id,
    grossMinor: source.grossMinor,
    takeoutMinor,
    netMinor,
    paidMinor,
    breakageMinor: netMinor - paidMinor,
  };
  const { breakTo, breakPer, digits } = ruleSet;
  const step = breakTo === 'none' ? `${digits} digits` : `${breakTo} per ${breakPer}`;
  const rounding = `${ruleSet.rounding === 'DOWN' ? 'down' : 'nearest'} to ${step}`;
  const steps = dividends.map(
    ({ c, exact: unbroken, price, stakeMinor, paidMinor: out }) =>
      `${source.id} ${keyLabel(c)}: ${unbroken} = base x (1 - ${source.takeout}) (${rounding}, then minimum) = ${price}; paid ${out} = ${stakeMinor} x ${price}, rounded down`,
  );
  return {
    dividends,
    sheet,
    cost: cost(own, priced),
    steps: [...steps, `${source.id}: breakage ${sheet.breakageMinor} = net ${netMinor} - paid ${paidMinor}`],
  };
}

const text = (value: Ratio): string => (value.d === 1n ? `${value.n}` : ratioText(value));
