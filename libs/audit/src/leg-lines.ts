/**
 * Bets over several races, looked at one kind of line at a time. In each leg a pick either stands for a runner that is right
 * there, or for one that is not, or for none that runs; lines that meet the same fate in every leg are one kind, and every
 * kind is written out. What a kind is paid is decided elsewhere.
 */
import { byNumber, runsOf } from './expansion.js';
import { linearOrders } from './finish.js';
import { type AuditField, AuditRefused, type AuditRules } from './sheet.js';
import { placesAmong, resultInterest } from './winners.js';

/** One race of the pool; `finish` is null where it was not run. `favourite`: most money in its win pool at the close. */
export interface AuditLeg extends AuditField {
  readonly finish: readonly (readonly string[])[] | null;
  readonly scratchedAfterClose?: readonly string[];
  readonly favourite?: string | null;
}

/** The runners named in each leg, the bettor's reserve in each leg, and the stake on each line, minor units. */
export interface LegBet {
  readonly columns: readonly (readonly string[])[];
  readonly reserves?: readonly (string | null)[];
  readonly unitMinor: number | bigint;
}

/** RIGHT and PLACED name the interest that is so, `*` in a leg that was not run. */
export interface Pick {
  readonly fate: 'RIGHT' | 'WRONG' | 'OUT' | 'OUT_LATE';
  readonly runner: string;
  /** Among the placed, whatever the pool asks for. */
  readonly placed: boolean;
  /** Second in the race; for ladders that ask for it. */
  readonly second: boolean;
}

export interface LineKind {
  readonly picks: readonly Pick[];
  readonly stakeMinor: bigint;
}

/** Every kind of line that has a stake. */
export function lineKinds(rules: AuditRules, legs: readonly AuditLeg[], bets: Iterable<LegBet>): readonly LineKind[] {
  const kinds = new Map<string, { readonly picks: readonly Pick[]; stakeMinor: bigint }>();
  for (const bet of bets) {
    if (bet.columns.length !== legs.length)
      throw new AuditRefused(`a bet over ${bet.columns.length} of ${legs.length} legs`);
    let lines: readonly LineKind[] = [{ picks: [], stakeMinor: BigInt(bet.unitMinor) }];
    for (const [no, leg] of legs.entries()) {
      const named = [...new Set((bet.columns[no] ?? []).map(resultInterest(leg, rules.coupling)))];
      const picks = named.map((runner) => pickOf(rules, legs, no, runner, bet.reserves?.[no] ?? null));
      lines = lines.flatMap(({ picks: before, stakeMinor }) =>
        [...grouped(picks)].map(([pick, many]) => ({ picks: [...before, pick], stakeMinor: stakeMinor * many })),
      );
    }
    for (const { picks, stakeMinor } of lines) {
      const key = JSON.stringify(picks);
      const known = kinds.get(key);
      if (known) known.stakeMinor += stakeMinor;
      else kinds.set(key, { picks, stakeMinor });
    }
  }
  return [...kinds.values()];
}

/**
 * Single lines with the stake of all lines of these bets: those are one that meet the same fates in all legs but the last and name the
 * same runner, with the same reserve, in the last. A pool has few of them, whatever was bet, so that each result of the last leg can be
 * tried.
 */
export function linesByLast(rules: AuditRules, legs: readonly AuditLeg[], bets: Iterable<LegBet>): readonly LegBet[] {
  const standIns = legs.map(() => new Map<string, Named>());
  const fates = legs.map(() => new Map<string, Named>());
  const standIn = (no: number, runner: string, reserve: string | null): Named => {
    const text = `${runner} ${reserve}`;
    const known = fates[no]?.get(text);
    if (known) return known;
    const own = { runner, reserve };
    const fate = no === legs.length - 1 ? text : JSON.stringify(pickOf(rules, legs, no, runner, reserve));
    const found = standIns[no]?.get(fate) ?? own;
    standIns[no]?.set(fate, found);
    fates[no]?.set(text, found);
    return found;
  };
  const lines = new Map<string, Required<LegBet> & { unitMinor: bigint }>();
  for (const bet of bets) {
    let found: readonly { readonly picks: readonly Named[]; readonly unit: bigint }[] = [
      { picks: [], unit: BigInt(bet.unitMinor) },
    ];
    for (const [no, leg] of legs.entries()) {
      const many = new Map<Named, bigint>();
      for (const runner of new Set((bet.columns[no] ?? []).map(resultInterest(leg, rules.coupling)))) {
        const named = standIn(no, runner, bet.reserves?.[no] ?? null);
        many.set(named, (many.get(named) ?? 0n) + 1n);
      }
      found = found.flatMap(({ picks, unit }) =>
        [...many].map(([named, count]) => ({ picks: [...picks, named], unit: unit * count })),
      );
    }
    for (const { picks, unit } of found) {
      const key = picks.map(({ runner, reserve }) => `${runner} ${reserve}`).join('/');
      const known = lines.get(key);
      const [columns, reserves] = [picks.map(({ runner }) => [runner]), picks.map(({ reserve }) => reserve)];
      if (known) known.unitMinor += unit;
      else lines.set(key, { columns, reserves, unitMinor: unit });
    }
  }
  return [...lines.values()];
}

/** A runner named in a leg, with the reserve beside it. */
interface Named {
  readonly runner: string;
  readonly reserve: string | null;
}

/** Picks that meet the same fate, and how many there are of each. */
function grouped(picks: readonly Pick[]): ReadonlyMap<Pick, bigint> {
  const first = new Map<string, Pick>();
  const many = new Map<Pick, bigint>();
  for (const pick of picks) {
    const key = JSON.stringify(pick);
    const known = first.get(key) ?? pick;
    first.set(key, known);
    many.set(known, (many.get(known) ?? 0n) + 1n);
  }
  return many;
}

/** What becomes of a pick: in a leg that was not run every pick is right; a runner that does not run has a substitute or is out. */
function pickOf(rules: AuditRules, legs: readonly AuditLeg[], no: number, named: string, reserve: string | null): Pick {
  const leg = legs[no] as AuditLeg;
  const interestOf = resultInterest(leg, rules.coupling);
  const stays = rules.legs?.scratch === 'FAVOURITE';
  const isLast = no === legs.length - 1;
  const ranAtClose = runsOf(leg).some((runner) => interestOf(runner) === named);
  const running = new Set(runsOf(withLate(leg)).map(interestOf));
  const late = rules.legs?.scratch === 'CONSOLATION' && isLast && ranAtClose;
  if (!running.has(named) && !stays && !late) return { ...WRONG, fate: 'OUT' };
  if (leg.finish === null) return { fate: 'RIGHT', runner: '*', placed: true, second: false };
  if (running.has(named)) return judged(rules, leg, named);
  if (!stays) return { ...WRONG, fate: 'OUT_LATE', runner: named };
  const stand = reserve !== null && running.has(interestOf(reserve)) ? reserve : leg.favourite;
  return stand == null ? WRONG : judged(rules, leg, interestOf(stand));
}

const WRONG: Pick = { fate: 'WRONG', runner: '', placed: false, second: false };

/** The leg with all its non-runners, whenever they were withdrawn. */
const withLate = (leg: AuditLeg): AuditLeg => ({
  ...leg,
  scratched: [...leg.scratched, ...(leg.scratchedAfterClose ?? [])],
});

/** Who is right in a leg (or placed, where `placed`), as text: `1,2`; `*` in a leg that was not run. */
export function rightText(rules: AuditRules, leg: AuditLeg, placed: boolean): string {
  if (leg.finish === null) return '*';
  const interests = [...new Set(leg.declared.map(resultInterest(leg, rules.coupling)))];
  const right = interests.filter((interest) => {
    const pick = judged(rules, leg, interest);
    return placed ? pick.placed : pick.fate === 'RIGHT';
  });
  return right.sort(byNumber).join(',');
}

function judged(rules: AuditRules, leg: AuditLeg, interest: string): Pick {
  const interestOf = resultInterest(leg, rules.coupling);
  const finish = leg.finish ?? [];
  const among = (places: number): boolean =>
    linearOrders(finish, places).some((order) => order.map(interestOf).includes(interest));
  const winners = new Set((finish[0] ?? []).map(interestOf));
  const behind = finish.find((rank) => !rank.some((runner) => winners.has(interestOf(runner)))) ?? [];
  const placed = among(placesAmong(rules, withLate(leg), 1));
  const right = rules.legs?.right === 'PLACED' ? placed : winners.has(interest);
  const second = behind.map(interestOf).includes(interest);
  return { fate: right ? 'RIGHT' : 'WRONG', runner: right || second ? interest : '', placed, second };
}
