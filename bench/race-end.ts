/**
 * The end of a race with 500,000 bets in one shard, after the last of them: the seal, the count, the proofs, the payment of all winners; and how
 * long a bet on another race waits meanwhile. Decided, evolved, encoded and hashed as the runner does it, one pending step and one bet
 * in turns. Then inclusion proofs from the leaves, the first with the making of the tree. Leaves out: the log's flush (the runner
 * appends many decisions at once), the relays, the database behind the proofs. Run: `npm run bench -- race-end` (`--small` for the smoke mode).
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { encodeRecord, GENESIS, sha256 } from '#mutuel/contracts';
import { type MarketFact, type ShardCommand, type ShardEvent, shardDecider } from '#mutuel/engine';
import type { SqlDatabase } from '#mutuel/runtime';
import { Proofs } from '#mutuel/services';
import { poolRoot, type SealStatement } from '#mutuel/verify';
import { LOAD_START, shardSetUp, shardTickets } from './support/shard-load.js';

const small = process.argv.includes('--small');
const BETS = small ? 5_000 : 500_000;
const ACCOUNTS = small ? 1_000 : 100_000;
const PROOFS = small ? 20 : 500;
const POOL = 'R0-WIN';

const decider = shardDecider({ shard: 0, shards: 1, hash: sha256 });
const state = decider.initialState();
const leaves: { seq: number; no: number; leaf: string }[] = [];
const inc = 'a'.repeat(32);
let seq = 0;
let prev = GENESIS;
let now = LOAD_START;
let facts = 0;
let hashes = 0;

const decide = (command: ShardCommand): readonly ShardEvent[] => {
  const cid = (seq++).toString(16).padStart(32, '0');
  const { code, events, posts } = decider.decide(state, command, { seq, at: now, decidedAt: now, cid, trusted: true });
  if (code !== undefined) throw new Error(`${command.type} was refused: ${code}`);
  decider.evolve(state, { seq, at: now, events, posts });
  const head = { v: 1, kind: 'decision', src: 'shard-0', epoch: 1, seq, in: [1, seq - 1, 0] } as const;
  const bytes = encodeRecord({ ...head, cid, inc, prev, at: now, time: now, events, posts });
  const began = performance.now();
  prev = sha256(bytes);
  hashes += performance.now() - began;
  return events;
};
shardSetUp({ accounts: ACCOUNTS, pools: 2 }, (command, at) => {
  now = at;
  if (command.type === 'MarketFact') facts = command.n;
  decide(command);
});
const fact = (said: MarketFact): void => void decide({ type: 'MarketFact', n: ++facts, fact: said });
const next = shardTickets({ accounts: ACCOUNTS, pools: 1 });
let made = 0;
const ticket = (race: string): ShardCommand => {
  const one = next(made++);
  if (one.type !== 'PlaceTicket') throw new Error('no ticket');
  return { ...one, bets: one.bets.map((bet) => ({ ...bet, pool: `${race}-WIN` })) };
};
for (let i = 0; i < BETS; i++)
  for (const event of decide(ticket('R0')))
    if (event.t === 'TicketAccepted') for (const { no, leaf } of event.bets) leaves.push({ seq, no, leaf });

/** Works off what is pending, a bet on the other race after each step. Milliseconds of all, of the longest step, and of the median bet. */
function workOff(name: string, begin: () => void): readonly ShardEvent[] {
  const seen: ShardEvent[] = [];
  const bets: number[] = [];
  let longest = 0;
  let own = 0;
  const timed = (step: () => void): number => {
    const began = performance.now();
    step();
    return performance.now() - began;
  };
  const first = timed(begin);
  for (let step = decider.pending(state); step; step = decider.pending(state)) {
    const command = step;
    const ms = timed(() => seen.push(...decide(command)));
    own += ms;
    longest = Math.max(longest, ms);
    bets.push(timed(() => decide(ticket('R1'))));
  }
  bets.sort((a, b) => a - b);
  const wait = Math.max(first, longest).toFixed(2);
  console.log(
    `${name.padEnd(36)}${(first + own).toFixed(0).padStart(8)} ms, longest step ${wait} ms, bets in between ${bets.length}`,
  );
  return seen;
}

const stopAt = now;
const sealed = workOff(`sealed, ${BETS.toLocaleString('en')} bets`, () =>
  fact({ t: 'BettingClosed', race: 'R0', closeNo: 1, stopAt }),
);
const seal = sealed.flatMap((event) => (event.t === 'Report' && event.report.t === 'Seal' ? [event.report] : []))[0];
if (!seal || seal.leaves !== BETS) throw new Error(`the seal counts ${seal?.leaves}`);
const finish = ['4', '7', '1'].map((runner) => [runner]);
const counted = workOff('counted for the result', () =>
  fact({ t: 'ResultEntered', race: 'R0', version: 1, finish, disqualified: [], pools: [{ pool: POOL, keys: ['4'] }] }),
);
if (!counted.some((event) => event.t === 'Report' && event.report.t === 'Stakes'))
  throw new Error('nothing was counted');
// Every sixteenth bet has won.
const prices = [{ tier: 'WIN', c: '4', price: '12.80' }];
const paid = workOff('paid, a sixteenth of them winners', () =>
  fact({ t: 'DividendsDeclared', race: 'R0', version: 1, pools: [{ pool: POOL, outcome: 'PAID', prices }] }),
);
const winners = paid.reduce((sum, event) => sum + (event.t === 'BetsPaid' ? event.items.length : 0), 0);
console.log(
  `winners ${winners.toLocaleString('en')}; hashing of records ${((1_000 * hashes) / seq).toFixed(2)} µs a decision`,
);

const statement: SealStatement = {
  ...{ kind: 'mutuel-seal', v: 1, poolId: POOL, raceId: 'R0', closeNo: 1, sealedAt: now },
  ...{ bets: seal.bets, stake: seal.stake, voidedBets: 0, voidedStake: 0, root: poolRoot([seal.root]) },
  shards: [
    { shard: 0, lastSeq: seal.lastSeq, bets: seal.bets, stake: seal.stake, leaves: seal.leaves, root: seal.root },
  ],
};
const text = JSON.stringify(statement);
const { privateKey } = generateKeyPairSync('ed25519');
const signing = performance.now();
for (let i = 0; i < PROOFS; i++) sign(null, Buffer.from(text), privateKey);
console.log(`signing a seal ${((1_000 * (performance.now() - signing)) / PROOFS).toFixed(0)} µs`);
const query = async (sql: string): Promise<unknown> =>
  sql.includes('signed_seals') ? [{ pool_id: POOL, statement: text, key_id: 'k', signature: '' }] : leaves;
const proofs = new Proofs({ query } as unknown as SqlDatabase);
const proofOf = async (i: number): Promise<number> => {
  const { seq: at, no } = leaves[i] as (typeof leaves)[number];
  const began = performance.now();
  const [proof] = await proofs.of([{ betId: 'b', poolId: POOL, shard: 0, seq: at, no }]);
  if (proof?.index !== i) throw new Error(`bet ${i} has no proof`);
  return performance.now() - began;
};
const tree = await proofOf(0);
const each: number[] = [];
for (let i = 0; i < PROOFS; i++) each.push(await proofOf(Math.floor((i * (BETS - 1)) / PROOFS)));
each.sort((a, b) => a - b);
const at = (q: number): string => (each[Math.floor(q * (each.length - 1))] as number).toFixed(3);
console.log(`proof, the first with its tree ${tree.toFixed(0)} ms; then median ${at(0.5)} ms, p99 ${at(0.99)} ms`);
