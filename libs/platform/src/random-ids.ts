/** Random ids drawn from a pool of bytes: one call to the system's generator serves hundreds of tickets. */
import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 8_192;
const ID_BYTES = 16;

const pool = Buffer.allocUnsafe(POOL_BYTES);
let next = POOL_BYTES;

/** 128 random bits as 32 hex digits; no bytes are ever handed out twice. */
export function randomId(): string {
  if (next === POOL_BYTES) {
    randomFillSync(pool);
    next = 0;
  }
  const id = pool.toString('hex', next, next + ID_BYTES);
  next += ID_BYTES;
  return id;
}
