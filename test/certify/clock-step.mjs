/**
 * Loaded before the system's own code: its clock is that of the machine plus what a file says, milliseconds, looked at again and again;
 * what it goes by is written beside the file. It moves the clock that the code under test reads (Date), never that of the machine.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const LOOK_EVERY_MS = 20;
const file = process.env['CLOCK_OFFSET_FILE'] ?? '';
const MachineDate = Date;
let offset = 0;
const now = () => MachineDate.now() + offset;

globalThis.Date = new Proxy(MachineDate, {
  construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
});
setInterval(look, LOOK_EVERY_MS).unref();

function look() {
  let said;
  try {
    said = Number(readFileSync(file, 'utf8'));
  } catch {
    return;
  }
  if (!Number.isSafeInteger(said) || said === offset) return;
  offset = said;
  if (isMainThread) writeFileSync(`${file}.seen`, String(offset));
}
