/**
 * What grows while a load lasts: private memory of every process (without the files it maps) and how far its readers are behind, looked at every ten seconds,
 * and the line of least squares through it. Anything may grow while caches fill, so the second half is told beside the whole. It
 * must never count as a verdict: the person who reads it knows what has to grow.
 */
import { readFileSync } from 'node:fs';

export interface Watched {
  readonly name: string;
  readonly pid: number;
  /** Its figures as Prometheus reads them; absent for servers that are not ours. */
  readonly metrics?: () => Promise<string>;
}

type Point = readonly [second: number, value: number];

const EVERY_MS = 10_000;
const HEAD =
  'private MB: process · first, last, highest · slope a minute, of the second half · records behind, highest';

export class Slopes {
  readonly #watched: readonly Watched[];
  readonly #memory = new Map<string, Point[]>();
  readonly #behind = new Map<string, number>();
  readonly #from = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(watched: readonly Watched[]) {
    this.#watched = watched;
    this.#timer = setInterval(() => void this.#look(), EVERY_MS);
    void this.#look();
  }

  /** One line a process, after a heading. */
  end(): string {
    clearInterval(this.#timer);
    const lines = this.#watched.map(({ name }) => {
      const points = this.#memory.get(name) ?? [];
      const values = points.map(([, value]) => value);
      const half = points.slice(Math.floor(points.length / 2));
      const [first = 0, last = 0] = [values[0], values.at(-1)];
      const told = [first, last, Math.max(0, ...values)].map((mb) => mb.toFixed(0)).join(', ');
      const behind = this.#behind.get(name);
      return `${name} · ${told} · ${perMinute(points)}, ${perMinute(half)}${behind === undefined ? '' : ` · ${behind}`}`;
    });
    return [HEAD, ...lines].join('\n');
  }

  async #look(): Promise<void> {
    const second = (performance.now() - this.#from) / 1_000;
    for (const { name, pid, metrics } of this.#watched) {
      const resident = residentMegabytes(pid);
      if (resident === undefined) continue;
      const points = this.#memory.get(name) ?? [];
      points.push([second, resident]);
      this.#memory.set(name, points);
      if (metrics === undefined) continue;
      // A process that does not answer now is looked at again in ten seconds; its memory is known all the same.
      const behind = mostBehind(await metrics().catch(() => ''));
      this.#behind.set(name, Math.max(behind, this.#behind.get(name) ?? 0));
    }
  }
}

/** Of the line of least squares; "+1.25 MB". */
export function perMinute(points: readonly Point[]): string {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(points.map(([second]) => second));
  const y = mean(points.map(([, value]) => value));
  let [above, below] = [0, 0];
  for (const [second, value] of points) {
    above += (second - x) * (value - y);
    below += (second - x) ** 2;
  }
  if (below === 0) return '–';
  const slope = (60 * above) / below;
  return `${slope < 0 ? '−' : '+'}${Math.abs(slope).toFixed(2)} MB`;
}

function residentMegabytes(pid: number): number | undefined {
  try {
    const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1_000;
  } catch {
    return undefined;
  }
}

function mostBehind(metrics: string): number {
  const records = [...metrics.matchAll(/^mutuel_reader_lag_records\{[^}]*\} (\S+)$/gm)].map(([, value]) =>
    Number(value),
  );
  return Math.max(0, ...records);
}
