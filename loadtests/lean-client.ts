/**
 * HTTP/1.1 over plain sockets for the light generator: one request in flight per connection, written with one call, its answer read
 * as it comes. It costs a third of a general client, and the generator shares the machine with what it measures. It must never
 * try a request twice, and it reads only what our own server sends: a status, headers, and a body of a stated length.
 */
import { connect, type Socket } from 'node:net';

export interface LeanAnswer {
  /** 0: no answer came. */
  readonly status: number;
  /** From the answer's headers; empty where there is none. */
  readonly head: string;
  readonly body: string;
}

interface Asked {
  readonly text: string;
  readonly done: (answer: LeanAnswer) => void;
}

const HEAD_END = '\r\n\r\n';
const LENGTH = /\r\ncontent-length: *(\d+)/i;
const NO_ANSWER: LeanAnswer = { status: 0, head: '', body: '' };

export class LeanClient {
  readonly #free: Line[] = [];
  readonly #waiting: Asked[] = [];
  readonly #lines: Line[] = [];

  constructor(
    private readonly url: URL,
    private readonly connections: number,
  ) {}

  /** `text` is the whole request in ASCII. Opens a connection when all are in use, up to their number; never throws. */
  send(text: string): Promise<LeanAnswer> {
    return new Promise((done) => {
      const line = this.#free.pop() ?? this.#more();
      if (line) line.ask({ text, done });
      else this.#waiting.push({ text, done });
    });
  }

  close(): void {
    for (const line of this.#lines) line.close();
  }

  #more(): Line | undefined {
    if (this.#lines.length >= this.connections) return undefined;
    const line = new Line(this.url, (free) => this.#next(free));
    this.#lines.push(line);
    return line;
  }

  #next(line: Line): void {
    const asked = this.#waiting.shift();
    if (asked) line.ask(asked);
    else this.#free.push(line);
  }
}

/** One connection, opened when it is needed and again after it broke. */
class Line {
  #socket: Socket | undefined;
  #asked: Asked | undefined;
  #received = '';

  constructor(
    private readonly url: URL,
    private readonly onFree: (line: Line) => void,
  ) {}

  ask(asked: Asked): void {
    this.#asked = asked;
    this.#socket ??= this.#open();
    this.#socket.write(asked.text, 'latin1');
  }

  close(): void {
    this.#socket?.destroy();
  }

  #open(): Socket {
    const socket = connect({ host: this.url.hostname.replace(/^\[|\]$/g, ''), port: Number(this.url.port || 80) });
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      if (this.#asked) this.#answer(NO_ANSWER);
    });
    return socket;
  }

  #take(text: string): void {
    this.#received = this.#received === '' ? text : this.#received + text;
    const end = this.#received.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.#received.slice(0, end);
    const from = end + HEAD_END.length;
    const length = Number(LENGTH.exec(head)?.[1] ?? 0);
    if (this.#received.length < from + length) return;
    this.#answer({ status: Number(head.slice(9, 12)), head, body: this.#received.slice(from, from + length) });
  }

  #answer(answer: LeanAnswer): void {
    const asked = this.#asked;
    this.#asked = undefined;
    this.#received = '';
    asked?.done(answer);
    this.onFree(this);
  }
}
