/**
 * Pools over several races, as the market and the shards see them: when they are closed, who was out by then, what each leg has come
 * to, and which keys the shards must count. Rules are the tote library's; nothing here knows a bet or moves money.
 */
import {
  type Field,
  favouriteOf,
  type Leg,
  legKeys,
  type RuleSet,
  refundedLegRunners,
  scratchedInterests,
  shapeOf,
  willPayKeys,
} from '#mutuel/tote';
import type { BackedRunner, LegOutcome, PoolCard } from './facts.js';

/** A runner's race as a pool over several looks at it. */
interface LegRace {
  readonly field: Field;
  readonly scratched: readonly string[];
}

/** A leg of which the market knows how far it has come; `backed` is null until its win pool is counted. */
export interface RunLeg extends LegRace {
  readonly raceId: string;
  readonly state: 'TO_COME' | 'DECIDED' | 'VOID';
  readonly finish: readonly (readonly string[])[];
  readonly hasWinPool: boolean;
  readonly backed: readonly BackedRunner[] | null;
}

export const isOverLegs = ({ type }: Pick<PoolCard, 'type'>): boolean => shapeOf(type).arrangement === 'LEGS';

/** Whether non-runners are stood in for by a favourite, so that the win pools of the legs must be counted at their close. */
export const needsFavourite = ({ legs }: RuleSet): boolean => (legs?.scratch ?? 'FAVOURITE') === 'FAVOURITE';

/**
 * Non-runners before and after the pool's own close; `outAtClose` says for each leg how many were out by then, null while it sells.
 */
function splitAtClose({ field, scratched }: LegRace, leg: number, outAtClose: readonly number[] | null) {
  const before = outAtClose?.[leg] ?? scratched.length;
  return { ...field, scratched: scratched.slice(0, before), scratchedAfterClose: scratched.slice(before) };
}

/**
 * Of races that have ended, by id, those that nothing will be asked of again: not one that shares a pool over several races with a race
 * that has not. As long as one leg may be taken up, all of them are looked at.
 */
export function longOver<R>(ended: readonly (readonly [string, R])[], sharedWith: (race: R) => readonly string[]) {
  const over = new Map(ended);
  for (let size = -1; size !== over.size; ) {
    size = over.size;
    for (const [id, race] of over) if (sharedWith(race).some((leg) => !over.has(leg))) over.delete(id);
  }
  return over;
}

/** Runners whose lines are given back, as `2:7` (runner 7 of the second leg). */
export const givenBack = (
  rules: RuleSet,
  legs: readonly LegRace[],
  outAtClose: readonly number[] | null,
): readonly string[] =>
  refundedLegRunners(
    rules,
    legs.map((race, leg) => splitAtClose(race, leg, outAtClose)),
  );

/** Everybody who does not run, as `2:7`: no new bet may name them. */
export const notRunning = (rules: RuleSet, legs: readonly LegRace[]): readonly string[] =>
  legs.flatMap(({ field, scratched }, leg) =>
    scratchedInterests({ ...field, scratched }, rules.coupling).map((runner) => `${leg + 1}:${runner}`),
  );

/** What each leg has come to; a leg that is to come has no finish yet. */
export const outcomesOf = (
  rules: RuleSet,
  legs: readonly RunLeg[],
  outAtClose: readonly number[] | null,
): readonly LegOutcome[] =>
  legs.map((race, leg) => {
    const { declared, entries = [], scratched, scratchedAfterClose } = splitAtClose(race, leg, outAtClose);
    return {
      raceId: race.raceId,
      ...(race.field.handicap ? { handicap: true } : {}),
      declared,
      entries,
      scratched,
      scratchedAfterClose,
      finish: race.state === 'VOID' ? null : race.finish,
      favourite: favouriteIn(rules, race),
    };
  });

/** The running interest with most money in the leg's win pool at its close; the first on the card where none is sold. */
function favouriteIn(rules: RuleSet, { field, scratched, backed, hasWinPool }: RunLeg): string | null {
  if (!needsFavourite(rules) || scratched.length === 0 || (hasWinPool && backed === null)) return null;
  const stakes = new Map((backed ?? []).map(({ c, stake }) => [c, stake]));
  const stakeOn = (interest: string): number => {
    const entry = rules.coupling === 'ENTRY' ? field.entries?.find((members) => members[0] === interest) : undefined;
    return (entry ?? [interest]).reduce((sum, runner) => sum + (stakes.get(runner) ?? 0), 0);
  };
  return favouriteOf({ ...field, scratched }, rules, stakeOn);
}

/** True where nobody has to stand in, or it is known who does. */
const isSettleable = (rules: RuleSet, { state, scratched, backed, hasWinPool }: RunLeg): boolean =>
  state === 'VOID' || scratched.length === 0 || !needsFavourite(rules) || !hasWinPool || backed !== null;

/** Why a pool cannot be settled yet, in sentences; none where every leg has come to its end. */
export const legsMissing = (rules: RuleSet, legs: readonly RunLeg[]): readonly string[] =>
  legs.flatMap((leg) => {
    if (leg.state === 'TO_COME') return [`leg ${leg.raceId} is not official`];
    return isSettleable(rules, leg) ? [] : [`the favourite of leg ${leg.raceId} is not known yet`];
  });

/** True when all legs but the last have come to their end, and the last has not. */
export const isBeforeLast = (rules: RuleSet, legs: readonly RunLeg[]): boolean =>
  legs.at(-1)?.state === 'TO_COME' && legsMissing(rules, legs.slice(0, -1)).length === 0;

export const keysOfLegs = (rules: RuleSet, outcomes: readonly LegOutcome[]): readonly string[] =>
  legKeys(rules, outcomes satisfies readonly Leg[]);

export const willPayKeysOf = (rules: RuleSet, outcomes: readonly LegOutcome[]): readonly string[] =>
  willPayKeys(rules, outcomes satisfies readonly Leg[]);
