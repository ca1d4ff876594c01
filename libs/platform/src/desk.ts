/**
 * The operators' desk: what stewards and tote operators ask of the market, signed as the house and answered with the market's own
 * decision. Roles and the second person are judged by the market, so that a refused attempt stands in the audit trail too.
 */
import { type ServiceKey, signCommand } from '#mutuel/contracts';
import type { MarketCommand, MeetingCard, PoolCard } from '#mutuel/engine';
import { isPoolType, type RuleSet, ruleSetById, ruleSetFor, ruleSetNames } from '#mutuel/tote';
import { type Principal, requireOperator } from './auth.js';
import { decidedOf } from './betting.js';
import type { MarketDoor } from './doors.js';
import { Problem, refusalOf } from './problem.js';
import { randomId } from './random-ids.js';
import type { CardBody } from './schemas.js';

export interface ActAnswer {
  readonly seq: number;
  readonly status: 'ACCEPTED';
}

/** A person's command without the person. */
export type Act = MarketCommand extends infer C ? (C extends { by: unknown } ? Omit<C, 'by'> : never) : never;

export class Desk {
  constructor(
    private readonly door: MarketDoor,
    private readonly serviceKey: ServiceKey,
  ) {}

  async act(principal: Principal, act: Act): Promise<ActAnswer> {
    requireOperator(principal);
    const cid = randomId();
    const roles = principal.roles.filter((role) => role !== 'CASHIER');
    const by = { user: principal.subject, roles, device: principal.device };
    const answered = decidedOf(await this.door.submit(cid, signCommand(cid, { ...act, by }, this.serviceKey)));
    const { code, seq } = answered.decision;
    if (code !== undefined) throw refusalOf({ ...answered.decision, code }, { extra: { seq } });
    return { seq, status: 'ACCEPTED' };
  }
}

/** The card as the market takes it: times as numbers, every rule set spelled out. */
export function meetingOf({ pools: overRaces = [], ...body }: CardBody): MeetingCard {
  const races = new Set(body.races.map(({ raceId }) => raceId));
  const over = overRaces.map(({ legs, raceId: _none, ...pool }, k) => {
    const last = legs.at(-1) ?? '';
    if (!races.has(last))
      throw invalid(`/pools/${k}/legs/${legs.length - 1}`, `There is no race ${last} in this meeting to end the pool.`);
    return { ...poolOf(pool, legs[0] ?? '', body.date, `/pools/${k}`), legs };
  });
  return {
    ...body,
    races: body.races.map(({ postTime, scheduledStop, handicap, pools, runners, ...race }, i) => ({
      ...race,
      ...(handicap ? { handicap: true as const } : {}),
      runners: runners.map(({ entry, ...runner }) => (entry === undefined ? runner : { ...runner, entry })),
      postTime: Date.parse(postTime),
      ...(scheduledStop === undefined ? {} : { scheduledStop: Date.parse(scheduledStop) }),
      pools: [
        ...pools.map((pool, k) => poolOf(pool, race.raceId, body.date, `/races/${i}/pools/${k}`)),
        // A pool over several races stands on the card of its last leg, with which it is settled.
        ...over.filter(({ legs }) => legs.at(-1) === race.raceId),
      ],
    })),
  };
}

/** A refused card with its pointers as they stand in the body; every other fault as it is. */
export function faultInBody(body: CardBody, fault: unknown): unknown {
  if (!(fault instanceof Problem)) return fault;
  const errors = fault.errors.map((error) => ({ ...error, pointer: pointerInBody(body, error.pointer) }));
  return new Problem(fault.code, fault.message, { errors, extra: fault.extra });
}

/** Where the body says what the market found at `pointer` of the card: pools over several races stand apart there. */
function pointerInBody({ races, pools: over = [] }: CardBody, pointer: string): string {
  const [, i = '', k = '', rest = ''] = /^\/races\/(\d+)\/pools\/(\d+)(.*)$/.exec(pointer) ?? [];
  const race = races[Number(i)];
  const place = Number(k) - (race?.pools.length ?? 0);
  if (i === '' || !race || place < 0) return pointer;
  const ending = [...over.entries()].filter(([, { legs }]) => legs.at(-1) === race.raceId);
  return `/pools/${ending[place]?.[0] ?? place}${rest}`;
}

function poolOf(
  pool: CardBody['races'][number]['pools'][number],
  raceId: string,
  day: string,
  pointer: string,
): PoolCard {
  const { type, carryIn, carryFrom, jackpotFrom } = pool;
  if (!isPoolType(type)) throw invalid(`${pointer}/type`, `${type} is not a pool type.`);
  const named = typeof pool.ruleSet === 'string' ? pool.ruleSet : undefined;
  const ruleSet: RuleSet | null =
    named === undefined ? (pool.ruleSet as RuleSet) : (ruleSetById(named) ?? ruleSetFor(named, type, day));
  if (ruleSet === null)
    throw invalid(
      `${pointer}/ruleSet`,
      `There is no rule set ${named} for ${type}; known: ${ruleSetNames.join(', ')}.`,
    );
  return {
    poolId: pool.poolId ?? `${raceId}-${type}`,
    type,
    ruleSet,
    carryInMinor: carryIn,
    ...(carryFrom && { carryFrom }),
    ...(jackpotFrom && { jackpotFrom }),
    ...(pool.guarantee === undefined ? {} : { guaranteeMinor: pool.guarantee }),
    ...(pool.jackpotIn === undefined ? {} : { jackpotInMinor: pool.jackpotIn }),
    ...(pool.mandatory ? { mandatory: true as const } : {}),
  };
}

function invalid(pointer: string, detail: string): Problem {
  return new Problem('CARD_INVALID', detail, { errors: [{ pointer, code: 'CARD_INVALID', detail }] });
}
