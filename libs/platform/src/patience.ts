/**
 * What a start asks of read models that are busy: the projector of the same process may hold the one connection of the embedded build
 * while it catches up. It must never wait for a database that is not there: that is found out when it is opened.
 */
import { type Clock, isRetriable } from '#mutuel/runtime';

const LONGEST_MS = 60_000;
const AGAIN_MS = 500;

/** Asks again after faults that pass, for a minute. */
export async function patiently<T>(clock: Clock, ask: () => Promise<T>): Promise<T> {
  const until = clock.now() + LONGEST_MS;
  for (;;) {
    try {
      return await ask();
    } catch (fault) {
      if (!isRetriable(fault) || clock.now() >= until) throw fault;
      await clock.sleep(AGAIN_MS);
    }
  }
}
