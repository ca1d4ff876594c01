/**
 * Shrinks a failing seed: fewer commands, fewer races, and one fault or feature after the other left out, for as long as the same rule
 * breaks. What is left is what it takes.
 */
import { FAULTS, FEATURES, type Plan, type PlanChanges, planOf } from './plan.js';
import type { Outcome } from './run.js';

interface Minimal {
  readonly commands: number;
  readonly changes: PlanChanges;
  readonly outcome: Outcome;
}

interface Failing {
  readonly seed: number;
  readonly commands: number;
  /** What it was found with. */
  readonly changes: PlanChanges;
  /** The rule that broke. */
  readonly rule: string;
  readonly run: (plan: Plan) => Promise<Outcome>;
  readonly say: (line: string) => void;
}

const TRIES_OF_COMMANDS = [20, 50, 100, 200, 400, 800];

export async function minimise({ seed, commands, changes, rule, run, say }: Failing): Promise<Minimal> {
  let best: Minimal = { commands, changes, outcome: await run(planOf(seed, commands, changes)) };
  const attempt = async (tried: number, less: PlanChanges): Promise<boolean> => {
    const outcome = await run(planOf(seed, tried, less));
    if (outcome.failure?.rule !== rule) return false;
    best = { commands: tried, changes: less, outcome };
    return true;
  };
  for (const fewer of TRIES_OF_COMMANDS) if (fewer < commands && (await attempt(fewer, best.changes))) break;
  const { races: most } = planOf(seed, commands, changes);
  for (let races = 1; races < most; races++) if (await attempt(best.commands, { ...best.changes, races })) break;
  for (const name of [...FAULTS, ...FEATURES]) {
    const plan = planOf(seed, best.commands, best.changes);
    if (!plan.faults.has(name as never) && !plan.features.has(name as never)) continue;
    const without = new Set([...(best.changes.without ?? []), name]);
    const isLess = await attempt(best.commands, { ...best.changes, without });
    say(`${isLess ? 'without' : 'needs'} ${name}`);
  }
  return best;
}
