/** A process that appends to the embedded log for ever and prints every acknowledged record as `offset text`, until it is killed. */
import { openLmdbLog } from '#mutuel/adapters';

const [dir = '', life = ''] = process.argv.slice(2);
const log = await openLmdbLog({
  dir,
  topics: { bets: 1 },
  clock: Date,
  onWarning: (sentence) => console.error(sentence),
});
const at = { topic: 'bets', partition: 0 };
await Promise.all([0, 1, 2].map(write));

async function write(writer: number): Promise<void> {
  const appender = await log.appender();
  for (let i = 0; ; i++) {
    const text = `${life}-${writer}-${i}`;
    const { base } = await appender.append(at, [new TextEncoder().encode(text)]);
    process.stdout.write(`${base} ${text}\n`);
  }
}
