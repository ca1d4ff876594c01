/**
 * Shrinks a failing seed: fewer commands, fewer races, and one fault or feature after the other left out, for as long as the same rule
 * breaks. What is left is what it takes.
 */
import { FAULTS, FEATURES, type PlanChanges, planOf } from './plan.js';
import { type Outcome, runSeed } from './run.js';

export interface Minimal {
  readonly commands: number;
  readonly changes: PlanChanges;
  readonly outcome: Outcome;
}

const TRIES_OF_COMMANDS = [20, 50, 100, 200, 400, 800];

export async function minimise(
  seed: number,
  commands: number,
  rule: string,
  say: (line: string) => void,
): Promise<Minimal> {
  let best: Minimal = { commands, changes: {}, outcome: await runSeed(planOf(seed, commands)) };
  const attempt = async (tried: number, changes: PlanChanges): Promise<boolean> => {
    const outcome = await runSeed(planOf(seed, tried, changes));
    if (outcome.failure?.rule !== rule) return false;
    best = { commands: tried, changes, outcome };
    return true;
  };
  for (const fewer of TRIES_OF_COMMANDS) if (fewer < best.commands && (await attempt(fewer, best.changes))) break;
  for (let races = 1; races <= 3; races++) if (await attempt(best.commands, { ...best.changes, races })) break;
  for (const name of [...FAULTS, ...FEATURES]) {
    const plan = planOf(seed, best.commands, best.changes);
    if (!plan.faults.has(name as never) && !plan.features.has(name as never)) continue;
    const without = new Set([...(best.changes.without ?? []), name]);
    const isLess = await attempt(best.commands, { ...best.changes, without });
    say(`${isLess ? 'without' : 'needs'} ${name}`);
  }
  return best;
}
