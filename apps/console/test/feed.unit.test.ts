// What the board relies on when it follows the odds: images, deltas, the state hash, resumption and silence.
import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  applyChange,
  canonicalJson,
  FeedClient,
  type FeedMessage,
  type FeedPorts,
  type FeedSocketHandlers,
  type PoolState,
  stateText,
} from '../src/feed.js';

const hex = (text: string) => createHash('sha256').update(text).digest('hex');
const hashOf = (pool: PoolState) => hex(stateText(pool)).slice(0, 8);

const image = {
  id: 'R1-WIN',
  img: true,
  v: 1,
  def: { status: 'OPEN' },
  tot: { gross: 1000, net: 861, final: false },
  rc: [
    { c: '4', st: 'ACTIVE', amt: 600, odds: '1.40' },
    { c: '10', st: 'ACTIVE', amt: 400, odds: null },
  ],
};

/** A world with hand-turned timers and sockets that keep what was sent. */
class World implements FeedPorts {
  sockets: { handlers: FeedSocketHandlers; sent: Record<string, unknown>[]; closed: boolean }[] = [];
  timers: { ms: number; run: () => void; live: boolean }[] = [];
  open(handlers: FeedSocketHandlers) {
    const socket = { handlers, sent: [] as Record<string, unknown>[], closed: false };
    this.sockets.push(socket);
    return {
      send: (text: string) => void socket.sent.push(JSON.parse(text) as Record<string, unknown>),
      close: () => {
        socket.closed = true;
      },
    };
  }
  after(ms: number, run: () => void) {
    const timer = { ms, run, live: true };
    this.timers.push(timer);
    return () => {
      timer.live = false;
    };
  }
  random() {
    return 0;
  }
  sha256(text: string) {
    return Promise.resolve(hex(text));
  }
  get socket() {
    return this.sockets.at(-1)!;
  }
  fire(test: (ms: number) => boolean) {
    const due = this.timers.filter((timer) => timer.live && test(timer.ms));
    for (const timer of due) {
      timer.live = false;
      timer.run();
    }
  }
  async say(message: FeedMessage) {
    this.socket.handlers.text(JSON.stringify(message));
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  }
}

const folded = (change: Parameters<typeof applyChange>[1], base?: PoolState) => applyChange(base, change) as PoolState;
const first = folded(image);
const imageMessage: FeedMessage = {
  op: 'pcm',
  id: 1,
  ct: 'SUB_IMAGE',
  initialClk: 'A1',
  clk: 'B1',
  pt: 1000,
  cycle: 7,
  pc: [{ ...image, h: hashOf(first) }],
};

describe('a change of a pool', () => {
  it('leaves absent and null fields as they were and replaces the others', () => {
    const next = folded(
      { id: 'R1-WIN', v: 2, tot: { gross: 1200, net: null }, rc: [{ c: '4', odds: '1.30', amt: null }] },
      first,
    );
    expect(next.tot).toEqual({ gross: 1200, net: 861, final: false });
    expect(next.rc.get('4')).toEqual({ c: '4', st: 'ACTIVE', amt: 600, odds: '1.30' });
    expect(next.rc.get('10')).toBe(first.rc.get('10'));
    expect(next.v).toBe(2);
  });

  it('has no meaning without an image before it', () => {
    expect(applyChange(undefined, { id: 'R1-WIN', v: 2, rc: [{ c: '4', odds: '1.30' }] })).toBeNull();
  });

  it('leaves the state before it untouched, since a check of that one may still be under way', () => {
    const before = stateText(first);
    folded({ id: 'R1-WIN', rc: [{ c: '4', odds: '9.90' }] }, first);
    expect(stateText(first)).toBe(before);
  });
});

describe('the hashed text', () => {
  it('sorts keys everywhere and rows by the text of their combination', () => {
    expect(stateText(first)).toBe(
      '{"def":{"status":"OPEN"},"rc":[{"amt":400,"c":"10","odds":null,"st":"ACTIVE"},{"amt":600,"c":"4","odds":"1.40","st":"ACTIVE"}],"tot":{"final":false,"gross":1000,"net":861}}',
    );
    expect(canonicalJson({ b: [1, { d: null, c: 'é' }], a: true })).toBe('{"a":true,"b":[1,{"c":"é","d":null}]}');
  });
});

describe('a client of the feed', () => {
  let world: World;
  let client: FeedClient;
  beforeEach(() => {
    world = new World();
    client = new FeedClient(world);
    client.start({ races: ['R1'] });
    world.socket.handlers.opened();
  });
  const shown = () => client.snapshot().pools.get('R1-WIN')?.rc.get('4')?.['odds'];

  it('asks for its race with no place to resume from', () => {
    expect(world.socket.sent).toEqual([
      expect.objectContaining({ op: 'subscribe', id: 1, filter: { races: ['R1'] }, initialClk: null, clk: null }),
    ]);
  });

  it('shows the image and the deltas that agree with their hashes', async () => {
    await world.say(imageMessage);
    expect(client.snapshot()).toMatchObject({ phase: 'LIVE', cycle: 7, pt: 1000, checked: 1 });
    const change = { id: 'R1-WIN', v: 2, rc: [{ c: '4', odds: '1.30' }] };
    await world.say({
      op: 'pcm',
      id: 1,
      clk: 'B2',
      pt: 6000,
      cycle: 8,
      pc: [{ ...change, h: hashOf(folded(change, first)) }],
    });
    expect(shown()).toBe('1.30');
    expect(client.snapshot()).toMatchObject({ phase: 'LIVE', cycle: 8, checked: 2 });
  });

  it('says it is out of step on a wrong hash, does not show that state and asks for a fresh image', async () => {
    await world.say(imageMessage);
    await world.say({
      op: 'pcm',
      id: 1,
      clk: 'B2',
      pc: [{ id: 'R1-WIN', v: 2, rc: [{ c: '4', odds: '1.30' }], h: '00000000' }],
    });
    expect(client.snapshot().phase).toBe('OUT_OF_STEP');
    expect(shown()).toBe('1.40');
    expect(world.socket.sent.at(-1)).toMatchObject({ op: 'subscribe', id: 2, initialClk: null, clk: null });
    await world.say({ ...imageMessage, id: 2 });
    expect(client.snapshot().phase).toBe('LIVE');
  });

  it('waits before it asks again when hashes keep disagreeing', async () => {
    for (const id of [1, 2, 3]) await world.say({ ...imageMessage, id, pc: [{ ...image, h: 'ffffffff' }] });
    expect(world.socket.sent).toHaveLength(3);
    world.fire((ms) => ms < 5_000);
    expect(world.socket.sent).toHaveLength(4);
  });

  it('comes back after a lost socket with both tokens and keeps what it showed', async () => {
    await world.say(imageMessage);
    world.socket.handlers.closed();
    expect(client.snapshot().phase).toBe('OFFLINE');
    expect(shown()).toBe('1.40');
    world.fire((ms) => ms < 5_000);
    expect(world.sockets).toHaveLength(2);
    world.socket.handlers.opened();
    expect(world.socket.sent[0]).toMatchObject({ initialClk: 'A1', clk: 'B1', filter: { races: ['R1'] } });
  });

  it('presumes a silent socket dead after two heartbeats and a half', async () => {
    await world.say({ op: 'status', id: 1, code: 'SUCCESS', heartbeatMs: 2_000 });
    world.fire((ms) => ms === 5_000);
    expect(world.sockets[0]!.closed).toBe(true);
    expect(client.snapshot().phase).toBe('OFFLINE');
  });

  it('starts over without tokens when the server no longer knows them', async () => {
    await world.say(imageMessage);
    await world.say({ op: 'status', id: 1, code: 'INVALID_CLOCK' });
    expect(world.socket.sent.at(-1)).toMatchObject({ id: 2, initialClk: null, clk: null });
  });

  it('gathers an image that comes in segments', async () => {
    const second = { ...image, id: 'R1-PLACE' };
    await world.say({ ...imageMessage, seg: 'SEG_START' });
    await world.say({ op: 'pcm', id: 1, ct: 'SUB_IMAGE', seg: 'SEG_END', clk: 'B2', pc: [second] });
    expect([...client.snapshot().pools.keys()]).toEqual(['R1-WIN', 'R1-PLACE']);
  });

  it('drops the race it no longer follows and what still arrives for it', async () => {
    await world.say(imageMessage);
    client.follow({ races: ['R2'] });
    expect(client.snapshot().pools.size).toBe(0);
    expect(world.socket.sent.at(-1)).toMatchObject({ id: 2, filter: { races: ['R2'] }, clk: null });
    await world.say(imageMessage);
    expect(client.snapshot().pools.size).toBe(0);
  });

  it('says the figures are late on a 503 heartbeat and stays connected', async () => {
    await world.say(imageMessage);
    await world.say({ op: 'pcm', id: 1, ct: 'HEARTBEAT', clk: 'B1', status: 503 });
    expect(client.snapshot().phase).toBe('LATE');
    expect(world.socket.closed).toBe(false);
  });
});
