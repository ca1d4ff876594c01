/**
 * Shard decisions in process: one-bet tickets, 100,000 accounts, 300 open pools. Median and best of chunks, four figures in one run: a bare look-up
 * of the ticket's account and pool and one small allocation, which is the floor of this machine at this moment; decide + evolve
 * with a free hash; the same with SHA-256; and with command decoding, record encoding and chaining as the runner does them.
 * Per second of processor time of the whole process, collector included, since the machine may be shared; compare by the ratios.
 * Leaves out: the log, the network, the projector. Run: `npm run bench -- shard-decisions` (`--small` for the smoke mode). tsx keeps
 * function names at a price; without it: `npx esbuild bench/shard-decisions.ts --bundle --platform=node --format=esm
 * --conditions=src --outfile=var/shard-decisions.mjs && node --max-semi-space-size=64 var/shard-decisions.mjs`.
 */
import { randomBytes } from 'node:crypto';
import { encodeRecord, GENESIS, parseJson, sha256 } from '#mutuel/contracts';
import { type Decided, readShardCommand, type ShardCommand, type ShardEvent, shardDecider } from '#mutuel/engine';
import { LOAD_START, shardSetUp, shardTickets } from './support/shard-load.js';

const small = process.argv.includes('--small');
const ACCOUNTS = small ? 1_000 : 100_000;
const POOLS = small ? 30 : 300;
const TICKETS = small ? 5_000 : 400_000;
const CHUNK = small ? 1_000 : 10_000;
/** Commands at hand at once: as few as a decider has, or the collector's copying of those still to come would be charged to it. */
const BATCH = 500;
const SIZE = { accounts: ACCOUNTS, pools: POOLS };
const encoder = new TextEncoder();

const freeHash = (): string => GENESIS;
const rows = [
  floor(),
  run('decide + evolve, free hash', freeHash, false),
  run('decide + evolve, SHA-256 leaves and nodes', sha256, false),
  run('decode + decide + evolve + encode + chain', sha256, true),
];
const figure = (n: number): string => Math.round(n).toLocaleString('en').padStart(10);
console.log(`${'per second of processor time'.padEnd(44)}    median       best   of the floor`);
for (const { name, median, best } of rows)
  console.log(`${name.padEnd(44)}${figure(median)} ${figure(best)}   ${(median / (rows[0] as Row).median).toFixed(3)}`);

interface Row {
  readonly name: string;
  readonly median: number;
  readonly best: number;
}

/** `batch` works through a batch of tickets from a number on and tells the microseconds of processor time it took. */
function rowOf(name: string, batch: (from: number) => number): Row {
  const rates: number[] = [];
  for (let made = 0; made < TICKETS; made += CHUNK) {
    let used = 0;
    for (let from = made; from < made + CHUNK; from += BATCH) used += batch(from);
    rates.push((CHUNK * 1e6) / used);
  }
  rates.sort((x, y) => x - y);
  return { name, median: rates[Math.floor(rates.length / 2)] as number, best: rates.at(-1) as number };
}

/** What any program would pay that looks up the account and the pool of the same tickets. */
function floor(): Row {
  const accounts = new Map(Array.from({ length: ACCOUNTS }, (_, i) => [`acc-${i}`, { balance: 0 }]));
  const pools = new Map(Array.from({ length: POOLS }, (_, i) => [`R${i}-WIN`, { stake: 0 }]));
  const nextTicket = shardTickets(SIZE);
  const look = (from: number): number => {
    const commands = Array.from({ length: BATCH }, (_, i) => JSON.parse(JSON.stringify(nextTicket(from + i))));
    const began = process.cpuUsage();
    let kept: object = began;
    for (const { account, bets } of commands) {
      const found = accounts.get(account);
      const pool = pools.get(bets[0].pool);
      if (!found || !pool) throw new Error('every ticket has an account and a pool');
      found.balance -= 200;
      pool.stake += 200;
      kept = { found, pool };
    }
    const used = process.cpuUsage(began);
    if (kept === began) throw new Error('nothing was kept');
    return used.user + used.system;
  };
  return rowOf('look-up of account and pool alone', look);
}

function run(name: string, hash: (text: string) => string, wire: boolean): Row {
  const decider = shardDecider({ shard: 0, shards: 1, hash });
  const state = decider.initialState();
  let seq = 0;
  let prev = GENESIS;
  const decide = (command: ShardCommand, at: number, cid: string): Decided<ShardEvent> => {
    const decision = decider.decide(state, command, { seq: ++seq, at, decidedAt: at, cid, trusted: true });
    // As the runner does it: one object is both what is evolved and, with its place in the chain, what is encoded.
    const { code, events, posts } = decision;
    const decided: Decided<ShardEvent> = code === undefined ? { seq, at, events, posts } : { seq, at, ...decision };
    decider.evolve(state, decided);
    return decided;
  };
  shardSetUp(SIZE, (command, at) => decide(command, at, 'x'));
  const nextTicket = shardTickets(SIZE);
  const cid = randomBytes(16).toString('hex');
  const inc = randomBytes(16).toString('hex');
  return rowOf(name, (made) => {
    // Commands are made outside the measured time, so that the generator's heap is not what is measured.
    const bytes = Array.from({ length: BATCH }, (_, i) => encoder.encode(JSON.stringify(nextTicket(made + i))));
    // Read back from JSON as every real command is: strings pieced together here would be made whole at the decider's cost.
    const commands = wire ? [] : bytes.map((b) => readShardCommand(parseJson(b), false));
    const began = process.cpuUsage();
    for (let i = 0; i < BATCH; i++) {
      const command = wire ? readShardCommand(parseJson(bytes[i] as Uint8Array), false) : (commands[i] as ShardCommand);
      const at = LOAD_START + Math.floor((made + i) / 100);
      const decided = decide(command, at, cid);
      if (decided.code !== undefined) throw new Error(`a ticket was refused: ${decided.code}`);
      if (wire) prev = chain(decided, made + i, prev, cid, inc);
    }
    const used = process.cpuUsage(began);
    return used.user + used.system;
  });
}

/** The hash of the decision's record, encoded as the runner does it. */
function chain(decided: Decided<ShardEvent>, offset: number, prev: string, cid: string, inc: string): string {
  const { seq, at, events, posts } = decided;
  const head = { v: 1, kind: 'decision', src: 'shard-0', epoch: 1, seq, in: [1, offset, 0] } as const;
  return sha256(encodeRecord({ ...head, cid, inc, prev, at, time: at, events, posts }));
}
