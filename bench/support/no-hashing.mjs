/**
 * Loaded before a program that a bench measures: hashes, message authentication and signatures cost nothing and say nothing. What is
 * left of the program's time is what it would take without them. It must never be loaded by anything but a bench: a log written so
 * can be checked by nobody.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

const DIGEST = '0123456789abcdef'.repeat(4);
const BYTES = Buffer.from(DIGEST, 'hex');
const SIGNATURE = Buffer.alloc(64);

const nothing = {
  update: () => nothing,
  digest: (encoding) => (encoding === undefined ? BYTES : BYTES.toString(encoding)),
};
crypto.hash = () => DIGEST;
crypto.createHmac = () => nothing;
crypto.sign = () => SIGNATURE;
// Those who import the names get these, too.
syncBuiltinESMExports();
