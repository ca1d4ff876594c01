// The present moment for countdowns and ages, ticking once for the whole page. It must never be used to decide whether a
// bet is in time: that is the tote's to say.
import { useSyncExternalStore } from 'react';

const TICK_MS = 500;
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** Epoch milliseconds, moving twice a second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}
