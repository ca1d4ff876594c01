/**
 * What came of the requests of an open loop, by the moment each was meant to be sent: a queue counts against the system, and so does
 * what came after the last answer was due. It must never average over a stretch that was bad.
 */

export interface Report {
  readonly offered: number;
  readonly accepted: number;
  readonly acceptedPerSecond: number;
  readonly byStatus: Record<string, number>;
  /** Milliseconds, of the accepted ones. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

interface Line {
  readonly intended: number;
  readonly key: string;
  readonly accepted: boolean;
  readonly ms: number;
}

/** A second is as usual when nearly all of it was accepted, none of it late. */
const USUAL_PART = 0.99;
const USUAL_MS = 250;

export class Tally {
  readonly #lines: Line[] = [];

  /** `intended` in milliseconds since the start. */
  note(intended: number, status: number, code: string | undefined, ms: number): void {
    const accepted = status >= 200 && status < 300 && status !== 202;
    this.#lines.push({ intended, accepted, ms, key: code === undefined ? String(status) : `${status} ${code}` });
  }

  report(from: number, to: number, offered: number): Report {
    const lines = this.#between(from, to);
    const byStatus: Record<string, number> = {};
    for (const { key } of lines) byStatus[key] = (byStatus[key] ?? 0) + 1;
    const accepted = lines.filter((line) => line.accepted);
    const last = accepted.reduce((latest, { intended, ms }) => Math.max(latest, intended + ms), to);
    const latencies = accepted.map(({ ms }) => ms).sort((a, b) => a - b);
    const at = (q: number): number =>
      Math.round((latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))] ?? 0) * 10) / 10;
    return {
      offered,
      accepted: accepted.length,
      // Over the time until the last answer: a queue that is worked off afterwards is not throughput.
      acceptedPerSecond: Math.round((accepted.length * 1_000) / (last - from)),
      byStatus,
      ...{ p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) },
    };
  }

  /** Seconds after `from` until every second up to `to` is as usual; undefined where none is. */
  usualAfter(from: number, to: number): number | undefined {
    const seconds = Math.floor((to - from) / 1_000);
    let usual: number | undefined;
    for (let second = 0; second < seconds; second++) {
      const lines = this.#between(from + second * 1_000, from + (second + 1) * 1_000);
      const good = lines.filter(({ accepted, ms }) => accepted && ms < USUAL_MS).length;
      if (lines.length > 0 && good >= USUAL_PART * lines.length) usual ??= second;
      else usual = undefined;
    }
    return usual;
  }

  #between(from: number, to: number): Line[] {
    return this.#lines.filter(({ intended }) => intended >= from && intended < to);
  }
}
