/** Opens and funds the demo's accounts before anybody bets: every step under a fixed reference, so that a restart changes nothing. */
import { type ServiceKey, signCommand } from '#mutuel/contracts';
import type { DemoAccess } from './demo-access.js';
import { demoAccountId } from './demo-access.js';
import type { ShardDoor } from './doors.js';
import { randomId } from './random-ids.js';

/** 10,000.00 each. */
const OPENING_MINOR = 1_000_000;
const OPENING_REF = 'demo-opening';
const AT_ONCE = 400;
const RETRY_MS = 200;

export async function fundDemo(
  access: DemoAccess,
  door: ShardDoor,
  key: ServiceKey,
  signal: AbortSignal,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < access.count && !signal.aborted) {
      const account = demoAccountId(next++);
      await until(door, key, { type: 'OpenAccount', account, currency: access.currency }, signal);
      await until(door, key, { type: 'Deposit', account, ref: OPENING_REF, amount: OPENING_MINOR }, signal);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, access.count) }, worker));
}

/** Sends until it is decided, whatever the decision: a repetition is refused as such. */
async function until(
  door: ShardDoor,
  key: ServiceKey,
  command: { readonly type: string; readonly account: string; readonly [field: string]: unknown },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const cid = randomId();
    const submitted = await door.submit(command.account, cid, signCommand(cid, command, key), 'service');
    if (submitted.kind === 'DECIDED') return;
    await new Promise((wake) => setTimeout(wake, RETRY_MS));
  }
}
