/**
 * A national day of 4.7 million one-bet tickets read again from its decisions: by a reader (decode, hash, chain, judge), and by a
 * reader that folds a shard's state. The decisions are made chunk by chunk beside it, outside the measured time. A part of the day is
 * played and the whole is told by the factor, which stands in the output. Leaves out: the log's own reading (`npm run bench -- log`) and
 * the read models (`npm run bench -- projector`). Run: `npm run bench -- replay [--tickets=940000] [--small]`.
 */
import { encodeRecord, GENESIS, sha256 } from '#mutuel/contracts';
import { type Decided, readShardCommand, type ShardCommand, type ShardEvent, shardDecider } from '#mutuel/engine';
import { shardSource, validRecords } from '#mutuel/runtime';
import { LOAD_START, shardSetUp, shardTickets } from './support/shard-load.js';

const DAY = 4_700_000;
const small = process.argv.includes('--small');
const asked = process.argv.find((word) => word.startsWith('--tickets='))?.split('=')[1];
const tickets = Number(asked ?? (small ? 9_400 : 940_000));
const SIZE = small ? { accounts: 1_000, pools: 30 } : { accounts: 100_000, pools: 300 };
const CHUNK = 4_700;
const INC = 'ab'.repeat(16);
const CID = 'cd'.repeat(16);
const { src, at: place } = shardSource(0);

const writer = shardDecider({ shard: 0, shards: 1, hash: sha256 });
const written = writer.initialState();
const folder = shardDecider({ shard: 0, shards: 1, hash: sha256 });
const folded = folder.initialState();
const reading = validRecords<ShardEvent>(src, place);
const folding = validRecords<ShardEvent>(src, place);
let seq = 0;
let offset = 0;
let prev = GENESIS;
/** The same bytes twice: readers of one process share the decoding of one record, and here each must do its own. */
let chunk: { offset: number; time: number; value: Uint8Array; again: Uint8Array }[] = [];
const spent = { read: 0, fold: 0 };

keep(encodeRecord({ v: 1, kind: 'started', src, epoch: 0, inc: INC }));
let inputs = 0;
shardSetUp(SIZE, (command, time) => {
  decide(command, time);
  if (chunk.length >= CHUNK) replay();
});
replay();
spent.read = 0;
spent.fold = 0;
const nextTicket = shardTickets(SIZE);
for (let made = 0; made < tickets; made++) {
  decide(readShardCommand(JSON.parse(JSON.stringify(nextTicket(made))), false), LOAD_START + Math.floor(made / 100));
  if (chunk.length >= CHUNK) replay();
}
replay();
if (folding.seq !== seq || reading.head !== prev) throw new Error('what was read is not what was written');
tell('read: decode, hash, chain, judge', spent.read);
tell('read and folded into a state', spent.fold);

function tell(name: string, ms: number): void {
  const rate = Math.round((tickets / ms) * 1_000);
  const whole = ((ms * DAY) / tickets / 1_000).toFixed(1);
  console.log(
    `${name}: ${rate.toLocaleString('en')} decisions a second of processor time; the day of ${DAY.toLocaleString('en')} in ${whole} s (${tickets.toLocaleString('en')} played, factor ${DAY / tickets})`,
  );
}

function decide(command: ShardCommand, time: number): void {
  const decision = writer.decide(written, command, { seq: ++seq, at: time, decidedAt: time, cid: CID, trusted: true });
  const decided: Decided<ShardEvent> = { seq, at: time, ...decision };
  if (decided.code !== undefined) throw new Error(`${command.type} was refused: ${decided.code}`);
  writer.evolve(written, decided);
  const head = { v: 1, kind: 'decision', src, epoch: 0, seq, in: [0, inputs++, 0], cid: CID, inc: INC, prev } as const;
  prev = sha256(keep(encodeRecord({ ...head, at: time, time, events: decided.events, posts: decided.posts })));
}

function keep(value: Uint8Array): Uint8Array {
  chunk.push({ offset: offset++, time: LOAD_START, value, again: Buffer.from(value) });
  return value;
}

function replay(): void {
  const began = processorMs();
  for (const { offset: at, time, again } of chunk) reading.accept({ offset: at, time, value: again });
  const between = processorMs();
  for (const { offset: at, time, value } of chunk) {
    const accepted = folding.accept({ offset: at, time, value });
    if (accepted.kind === 'valid') folder.evolve(folded, accepted.decision);
  }
  spent.read += between - began;
  spent.fold += processorMs() - between;
  chunk = [];
}

/** Of the whole process, its collector included: the machine may be shared. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
