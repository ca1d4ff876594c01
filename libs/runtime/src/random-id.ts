/** Ids that nobody can guess: 128 bits of the process's randomness port, in hex. */
import type { Entropy } from './ports.js';

export const randomId = (entropy: Entropy): string => Buffer.from(entropy.bytes(16)).toString('hex');
