/**
 * A fold compared with the daily checkpoints in the log: whoever folds past one knows whether it still has the state that the decider
 * had. It must never go on from a state that differs: every number after it would be a guess.
 */
import { type DecisionRecord, stateHash } from '#mutuel/contracts';
import type { CheckpointTaken, Decider } from '#mutuel/engine';

/** This release, on this machine, makes another state of the same decisions. The message names the day. */
export class StateDiffers extends Error {
  override readonly name = 'StateDiffers';
  readonly retriable = false;
}

/** The checkpoint that a decision holds, if it holds one. */
export function checkpointIn({ events }: Pick<DecisionRecord, 'events'>): CheckpointTaken | undefined {
  const [event] = events as readonly Partial<CheckpointTaken>[];
  return event?.t === 'Checkpoint' ? (event as CheckpointTaken) : undefined;
}

/**
 * Throws `StateDiffers` unless the state, as it is right before the decision, is the one that the decision's checkpoint names. Of a
 * checkpoint of another layout nothing can be said: false, as where there is none.
 */
export function checkState<S>(
  decider: Pick<Decider<S, never, never>, 'schema' | 'image'>,
  state: S,
  decision: DecisionRecord,
): boolean {
  const checkpoint = checkpointIn(decision);
  if (checkpoint === undefined || checkpoint.schema !== decider.schema) return false;
  const own = stateHash(decider.image(state));
  if (own === checkpoint.state) return true;
  throw new StateDiffers(
    `${decision.src} does not fold to its checkpoint of ${checkpoint.day} (seq ${decision.seq}): the log says state ` +
      `${checkpoint.state.slice(0, 16)}, here it is ${own.slice(0, 16)}. Let this release decide nothing; ` +
      '`mutuel replay` finds the first day that differs',
  );
}
