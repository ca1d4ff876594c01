/**
 * A small client of the public API for the demo and the light load generator: keep-alive connections, JSON, problems as values.
 * It knows nothing that a partner could not know.
 */
import { Pool } from 'undici';

export interface Answer {
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly code: string | undefined;
}

export class ApiClient {
  private readonly pool: Pool;

  constructor(baseUrl: string, connections = 64) {
    this.pool = new Pool(baseUrl, { connections, pipelining: 1, headersTimeout: 10_000, bodyTimeout: 10_000 });
  }

  get(path: string, token?: string): Promise<Answer> {
    return this.send('GET', path, undefined, token);
  }

  post(path: string, body: unknown, token?: string): Promise<Answer> {
    return this.send('POST', path, JSON.stringify(body), token);
  }

  /** Sends text that is JSON already: the load generator makes its bodies by hand. */
  async send(method: 'GET' | 'POST', path: string, text: string | undefined, token?: string): Promise<Answer> {
    const headers: Record<string, string> = {};
    if (text !== undefined) headers['content-type'] = 'application/json';
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    try {
      const answer = await this.pool.request({ method, path, headers, ...(text === undefined ? {} : { body: text }) });
      const received = await answer.body.text();
      const body = asObject(received);
      const code = typeof body['code'] === 'string' ? body['code'] : undefined;
      return { status: answer.statusCode, body, code };
    } catch (cause) {
      return { status: 0, body: { detail: cause instanceof Error ? cause.message : String(cause) }, code: undefined };
    }
  }

  close(): Promise<void> {
    return this.pool.destroy();
  }
}

function asObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
