/**
 * Whether what somebody wants to publish is a card that the market and every shard can live with: shapes, bounds, rule sets and
 * names that are free. A published card is a fact for ever, so nothing may pass here that could make a later decision fail.
 */
import {
  isPoolType,
  isPriced,
  isRunnerName,
  noJackpotBy,
  type PoolType,
  type RuleSet,
  shapeOf,
  validateRuleSet,
} from '#mutuel/tote';
import type { MeetingCard, PoolCard } from './facts.js';

/** What is wrong with an input: a sentence and a JSON pointer. */
export interface Fault {
  readonly detail: string;
  readonly pointer: string;
}

/** Names that are taken already. */
export interface TakenNames {
  readonly meetings: { has(id: string): boolean };
  readonly races: { has(id: string): boolean };
  readonly pools: { has(id: string): boolean };
}

const MAX_RACES = 30;
const MAX_RUNNERS = 40;
const MAX_POOLS = 40;
const MAX_NAME = 200;
/** UTF-8 bytes: a card travels in one record, twice encoded on its way to the shards. */
const MAX_CARD_BYTES = 500_000;
/** Minor units; no amount of the system is larger. */
const MAX_CARRY = 1_000_000_000_000;

type Fields = Readonly<Record<string, unknown>>;

/** A race of a meeting published before, which may be a leg of a pool of this card. */
export interface EarlierRace {
  readonly currency: string;
  /** Milliseconds UTC. */
  readonly postTime: number;
  /** Betting on it has not ended. */
  readonly isToCome: boolean;
}

type Earlier = (raceId: string) => EarlierRace | undefined;

/** The first fault of a would-be card, or undefined: then it is a `MeetingCard`. */
export function faultOfCard(card: unknown, taken: TakenNames, earlier: Earlier): Fault | undefined {
  const size = utf8Length(JSON.stringify(card));
  if (size > MAX_CARD_BYTES)
    return { detail: `The card is ${size} bytes long; ${MAX_CARD_BYTES} fit into one record.`, pointer: '/races' };
  return faultOfMeeting(card as Fields, taken) ?? faultOfNames(card as unknown as MeetingCard, taken, earlier);
}

function faultOfMeeting(meeting: Fields, taken: TakenNames): Fault | undefined {
  const { races } = meeting;
  return (
    texts(meeting, '', 'meetingId', 'course', 'country', 'currency') ??
    check(isDay(meeting['date']), '/date', 'The date is written YYYY-MM-DD.') ??
    check(isCount(meeting['exponent'], 4), '/exponent', 'The exponent is a whole number from 0 to 4.') ??
    check(!taken.meetings.has(meeting['meetingId'] as string), '/meetingId', 'The meeting is published already.') ??
    check(isList(races, 1, MAX_RACES), '/races', `A meeting has 1 to ${MAX_RACES} races.`) ??
    firstOf(races as readonly unknown[], '/races', faultOfRace)
  );
}

function faultOfRace(race: Fields, at: string): Fault | undefined {
  const { runners, pools, scheduledStop, handicap } = race;
  return (
    texts(race, at, 'raceId', 'name') ??
    check(isCount(race['number'], 1_000), `${at}/number`, 'The number of a race is a whole number.') ??
    check(isCount(race['postTime']), `${at}/postTime`, 'The post time is in milliseconds UTC.') ??
    check(scheduledStop === undefined || isCount(scheduledStop), `${at}/scheduledStop`, 'A stop is in ms UTC.') ??
    check(handicap === undefined || handicap === true, `${at}/handicap`, 'handicap is true, or absent.') ??
    check(isList(runners, 2, MAX_RUNNERS), `${at}/runners`, `A race has 2 to ${MAX_RUNNERS} runners.`) ??
    firstOf(runners as readonly unknown[], `${at}/runners`, faultOfRunner) ??
    check(isList(pools, 1, MAX_POOLS), `${at}/pools`, `A race has 1 to ${MAX_POOLS} pools.`) ??
    firstOf(pools as readonly unknown[], `${at}/pools`, faultOfPool)
  );
}

function faultOfRunner({ number, name, entry }: Fields, at: string): Fault | undefined {
  return (
    check(
      typeof number === 'string' && isRunnerName(number),
      `${at}/number`,
      'A runner has up to 8 letters or digits.',
    ) ??
    check(typeof name === 'string' && name.length <= MAX_NAME, `${at}/name`, 'A runner has a name.') ??
    check(entry === undefined || isText(entry), `${at}/entry`, 'The name of an entry is a text.')
  );
}

function faultOfPool(pool: Fields, at: string): Fault | undefined {
  const { poolId, type, ruleSet, carryInMinor, legs } = pool;
  const known = typeof type === 'string' && isPoolType(type) && isOffered(type);
  const problem = validateRuleSet(ruleSet)[0];
  return (
    texts(pool, at, 'poolId') ??
    check(known, `${at}/type`, `${poolId} is of a type that is not offered.`) ??
    (problem && { detail: `The rule set of ${poolId}: ${problem.message}.`, pointer: `${at}/ruleSet${problem.at}` }) ??
    check(
      (ruleSet as Fields)['poolType'] === type,
      `${at}/ruleSet`,
      `${poolId} is ${type} but its rule set is for ${(ruleSet as Fields)['poolType']}.`,
    ) ??
    check(
      (ruleSet as Fields)['pricing'] !== 'NET',
      `${at}/ruleSet/pricing`,
      `${poolId} is priced net over several sources of money; a card has one, the house's own.`,
    ) ??
    check(isCount(carryInMinor, MAX_CARRY), `${at}/carryInMinor`, `A carry-in is from 0 to ${MAX_CARRY}.`) ??
    faultOfSources(pool, 'carryFrom', at) ??
    faultOfTerms(pool, at) ??
    faultOfRules(pool['ruleSet'] as RuleSet, at) ??
    faultOfLegCount(type as PoolType, legs, at)
  );
}

const faultOfSources = (pool: Fields, name: string, at: string): Fault | undefined => {
  const ids = pool[name];
  const isSound = ids === undefined || (Array.isArray(ids) && ids.length <= 20 && ids.every((id) => isText(id)));
  return check(isSound, `${at}/${name}`, `${name} is a list of up to 20 carry-overs.`);
};

/** Guarantee, jackpot money and the last day. Each must mean something by the pool's rules, or nobody would know what was announced. */
function faultOfTerms(pool: Fields, at: string): Fault | undefined {
  const { type, guaranteeMinor, jackpotInMinor, jackpotFrom, mandatory } = pool;
  const rules = pool['ruleSet'] as RuleSet;
  const isAmount = (value: unknown): boolean => value === undefined || (isCount(value, MAX_CARRY) && value !== 0);
  const isOverRaces = shapeOf(type as PoolType).arrangement === 'LEGS';
  const carries = rules.noWinner.includes('CARRY');
  const noJackpot = noJackpotBy(rules);
  return (
    check(isAmount(guaranteeMinor), `${at}/guaranteeMinor`, `A guarantee is from 1 to ${MAX_CARRY}.`) ??
    check(isAmount(jackpotInMinor), `${at}/jackpotInMinor`, `Jackpot money is from 1 to ${MAX_CARRY}.`) ??
    check(
      jackpotFrom === undefined || jackpotInMinor !== undefined,
      `${at}/jackpotFrom`,
      'jackpotFrom says where jackpotInMinor comes from: there is none.',
    ) ??
    faultOfSources(pool, 'jackpotFrom', at) ??
    check(
      jackpotInMinor === undefined || noJackpot === undefined,
      `${at}/jackpotInMinor`,
      `Nobody could win it by ${rules.id}: ${noJackpot}.`,
    ) ??
    check(mandatory === undefined || mandatory === true, `${at}/mandatory`, 'mandatory is true, or absent.') ??
    check(
      mandatory === undefined || (isOverRaces && carries),
      `${at}/mandatory`,
      `A ${String(type)} by ${rules.id} carries nothing on: there is no day on which all of it has to be paid.`,
    )
  );
}

function faultOfRules(rules: RuleSet, at: string): Fault | undefined {
  const why = unpriced(rules);
  return check(why === '', `${at}/ruleSet`, `${rules.id} cannot be priced: ${why}.`);
}

/** Rules whose parts do not go together: what one calculator makes of them another does not, and the race could only be voided. */
function unpriced({ poolType, tiers, weights, carry, split, deadHeat, noWinner, jackpot, unique }: RuleSet): string {
  if (shapeOf(poolType).arrangement === 'LEGS' || !(tiers || weights)) return '';
  if (carry === 'GROSS') return 'tiers of one race have net carry-overs';
  if (split === 'JAPAN' || deadHeat === 'JAPAN') return 'the Japanese split has no tiers';
  if (noWinner.includes('PAY_NET_RATE')) return 'a pool with tiers pays nobody the net rate';
  const pays = noWinner.find((name) => name !== 'REFUND' && name !== 'CARRY');
  return pays && (jackpot || unique) ? `${pays} pays all of the pool, also what the jackpot is to have` : '';
}

/** Parlays are rolled bets on other pools, not a pool of their own. */
const isOffered = (type: PoolType): boolean =>
  isPriced(type) || (shapeOf(type).arrangement === 'LEGS' && type !== 'REPORT');

function faultOfLegCount(type: PoolType, legs: unknown, at: string): Fault | undefined {
  const { arrangement, picks } = shapeOf(type);
  if (arrangement !== 'LEGS')
    return check(legs === undefined, `${at}/legs`, `${type} is a pool of one race: it has no legs.`);
  const named = Array.isArray(legs) ? legs : [];
  return (
    check(
      named.length === picks,
      `${at}/legs`,
      `${type} is bet on ${picks} races; ${named.length} ${named.length === 1 ? 'is' : 'are'} named.`,
    ) ??
    check(
      named.every((leg) => isText(leg)),
      `${at}/legs`,
      'A leg is the id of a race.',
    )
  );
}

/** Everything is of the right shape here; what is left is that nothing stands twice. */
function faultOfNames(meeting: MeetingCard, taken: TakenNames, earlier: Earlier): Fault | undefined {
  const races = new Set<string>();
  const pools = new Set<string>();
  for (const [i, race] of meeting.races.entries()) {
    const at = `/races/${i}`;
    if (taken.races.has(race.raceId) || races.has(race.raceId))
      return { detail: `Race ${race.raceId} is published already.`, pointer: `${at}/raceId` };
    races.add(race.raceId);
    if (new Set(race.runners.map((r) => r.number)).size !== race.runners.length)
      return { detail: 'A runner number stands twice.', pointer: `${at}/runners` };
    for (const [k, { poolId }] of race.pools.entries()) {
      if (taken.pools.has(poolId) || pools.has(poolId))
        return { detail: `Pool ${poolId} stands twice.`, pointer: `${at}/pools/${k}` };
      pools.add(poolId);
    }
  }
  return firstFault(meeting, (pool, raceId, at) => faultOfLegs(meeting, pool, raceId, at, earlier));
}

/**
 * The legs of a pool, each once and in the order in which they are run: races of this meeting, or of one published before in the same
 * currency, whose betting has not ended. The pool stands on the card of the last one.
 */
function faultOfLegs(
  meeting: MeetingCard,
  { legs = [] }: PoolCard,
  raceId: string,
  at: string,
  earlier: Earlier,
): Fault | undefined {
  let before: LegPlace = { place: -1, postTime: 0 };
  for (const [leg, id] of legs.entries()) {
    const pointer = `${at}/legs/${leg}`;
    const place = meeting.races.findIndex((race) => race.raceId === id);
    const other = place < 0 ? earlier(id) : undefined;
    if (place < 0 && !other) return { detail: `There is no race ${id} in this meeting or before it.`, pointer };
    if (other && other.currency !== meeting.currency)
      return { detail: `Race ${id} is bet on in ${other.currency}, this meeting in ${meeting.currency}.`, pointer };
    if (other?.isToCome === false) return { detail: `Betting on race ${id} is over: it is no leg any more.`, pointer };
    if (legs.indexOf(id) < leg) return { detail: `Race ${id} is a leg twice.`, pointer };
    const now = { place, postTime: other?.postTime ?? meeting.races[place]?.postTime ?? 0 };
    if (isRunBefore(now, before)) return { detail: `Race ${id} is run before the leg before it.`, pointer };
    before = now;
  }
  return legs.length === 0 || legs.at(-1) === raceId
    ? undefined
    : { detail: `The pool stands on the card of its last leg, ${legs.at(-1)}.`, pointer: `${at}/legs` };
}

/** `place` counts the races of this meeting; below zero: of another one. */
interface LegPlace {
  readonly place: number;
  readonly postTime: number;
}

/** A card is in the order of its races; between meetings post times tell. */
const isRunBefore = (a: LegPlace, b: LegPlace): boolean =>
  a.place >= 0 && b.place >= 0 ? a.place < b.place : a.postTime < b.postTime;

function firstFault(
  meeting: MeetingCard,
  faultOf: (pool: PoolCard, raceId: string, at: string) => Fault | undefined,
): Fault | undefined {
  for (const [i, { raceId, pools }] of meeting.races.entries())
    for (const [k, pool] of pools.entries()) {
      const fault = faultOf(pool, raceId, `/races/${i}/pools/${k}`);
      if (fault) return fault;
    }
  return undefined;
}

// ── Helpers ──────────────────────────────────────────────────────────────────────────────────────────────────────

const check = (holds: boolean, pointer: string, detail: string): Fault | undefined =>
  holds ? undefined : { detail, pointer };

function texts(fields: Fields, at: string, ...names: readonly string[]): Fault | undefined {
  const wrong = names.find((name) => !isText(fields[name]));
  return wrong === undefined ? undefined : { detail: `${wrong} must be a text.`, pointer: `${at}/${wrong}` };
}

function firstOf(
  list: readonly unknown[],
  at: string,
  faultOf: (item: Fields, at: string) => Fault | undefined,
): Fault | undefined {
  for (const [i, item] of list.entries()) {
    const pointer = `${at}/${i}`;
    if (typeof item !== 'object' || item === null) return { detail: 'This must be an object.', pointer };
    const fault = faultOf(item as Fields, pointer);
    if (fault) return fault;
  }
  return undefined;
}

const isText = (v: unknown): v is string => typeof v === 'string' && v.length > 0 && v.length <= MAX_NAME;
const isDay = (v: unknown): boolean => typeof v === 'string' && /^\d{4}-\d\d-\d\d$/.test(v);
const isCount = (v: unknown, most = Number.MAX_SAFE_INTEGER): boolean =>
  typeof v === 'number' && Number.isSafeInteger(v) && v >= 0 && v <= most;
const isList = (v: unknown, least: number, most: number): boolean =>
  Array.isArray(v) && v.length >= least && v.length <= most;

function utf8Length(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // Half of a surrogate pair: the pair takes four bytes.
    if (code >= 0xd800 && code <= 0xdfff) bytes += 2;
    else bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
  }
  return bytes;
}
