/** The hot cache inside one process: what Redis does for several. It must behave as that one does, and keeps nothing over a restart. */
import type { HotCache } from '#mutuel/runtime';

interface Entry {
  readonly sequence: number;
  readonly value: string;
}

export function openMemoryCache(): HotCache {
  return new MemoryCache();
}

class MemoryCache implements HotCache {
  private readonly entries = new Map<string, Entry>();
  private readonly listeners = new Map<string, Set<(message: string) => void>>();

  async put(key: string, sequence: number, value: string): Promise<boolean> {
    const known = this.entries.get(key);
    if (known && known.sequence >= sequence) return false;
    this.entries.set(key, { sequence, value });
    return true;
  }

  async get(key: string): Promise<Entry | undefined> {
    return this.entries.get(key);
  }

  async getMany(keys: readonly string[]): Promise<(Entry | undefined)[]> {
    return keys.map((key) => this.entries.get(key));
  }

  /** Listeners hear it in a later turn, as over a network: a publisher never runs a listener's code. */
  async publish(channel: string, message: string): Promise<void> {
    for (const listener of this.listeners.get(channel) ?? [])
      queueMicrotask(() => this.deliver(channel, listener, message));
  }

  async subscribe(channel: string, onMessage: (message: string) => void): Promise<() => Promise<void>> {
    const listener = (message: string): void => onMessage(message);
    const known = this.listeners.get(channel) ?? new Set();
    this.listeners.set(channel, known.add(listener));
    return async () => {
      known.delete(listener);
    };
  }

  trouble(): undefined {
    return undefined;
  }

  async close(): Promise<void> {
    this.listeners.clear();
    this.entries.clear();
  }

  private deliver(channel: string, listener: (message: string) => void, message: string): void {
    if (this.listeners.get(channel)?.has(listener)) listener(message);
  }
}
