/**
 * The envelope of the command topics. A client's command travels as plain JSON; a service's (a market fact, a deposit, a cursor
 * job's step) travels as the exact text that was signed, because the bet API may write to the same topics. Opening must never
 * throw on what a client wrote: a broken envelope is a command too, and gets a recorded refusal.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { parseJson, sha256, UnreadableRecord, utf8 } from './records.js';

export const COMMAND_FORMAT = 1;

/**
 * The secret shared by the services that may speak as the house; at least 32 bytes. While it is changed, two: signed is with the first,
 * accepted is either.
 */
export type ServiceKey = Uint8Array | readonly [signing: Uint8Array, other: Uint8Array];

export type OpenedCommand =
  | { readonly cid: string; readonly cmd: unknown; readonly trusted: boolean }
  /** Refused as `MALFORMED`; `malformed` is the cause in a sentence. */
  | { readonly cid: string; readonly malformed: string }
  /** A format this release does not know: the reader must stop, for it cannot tell what it would skip. */
  | { readonly cid: string; readonly newer: true; readonly version: number };

/** Nothing of it is trusted until it was checked: anybody who may write to the topic may write anything. */
interface Envelope {
  /** The format, a whole number. */
  readonly v?: unknown;
  /** The command's id: a UUID or 32 hex digits, in lower case. */
  readonly cid?: unknown;
  /** A client's command, an object. */
  readonly cmd?: unknown;
  /** A service's command instead, as the text that was signed. */
  readonly signed?: unknown;
  /** HMAC-SHA256 over `cid.signed`, 64 hex digits. */
  readonly mac?: unknown;
}

const CID = /^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const MAC = /^[0-9a-f]{64}$/;

/** A client's command. `cid` is a UUID or 32 hex digits, in lower case. */
export function encodeCommand(cid: string, cmd: object): Uint8Array {
  return utf8(JSON.stringify({ v: COMMAND_FORMAT, cid, cmd }));
}

/** A service's command: HMAC-SHA256 over `cid + '.' + signed`, so that neither can be exchanged. */
export function signCommand(cid: string, cmd: object, key: ServiceKey): Uint8Array {
  const signed = JSON.stringify(cmd);
  return utf8(JSON.stringify({ v: COMMAND_FORMAT, cid, signed, mac: serviceMac(cid, signed, key) }));
}

export function openCommand(bytes: Uint8Array, key: ServiceKey): OpenedCommand {
  const envelope = parsed(bytes);
  if (typeof envelope === 'string') return malformed(bytes, envelope);
  const { v, cid } = envelope;
  if (isNewer(v)) return { cid: fingerprint(bytes), newer: true, version: v };
  if (v !== COMMAND_FORMAT) return malformed(bytes, `envelope format ${JSON.stringify(v) ?? 'absent'} is unknown`);
  if (typeof cid !== 'string' || !CID.test(cid)) return malformed(bytes, 'cid is neither a UUID nor 32 hex digits');
  const signs = envelope.signed !== undefined || envelope.mac !== undefined;
  return signs ? openSigned(bytes, cid, envelope, key) : openPlain(bytes, cid, envelope);
}

function openPlain(bytes: Uint8Array, cid: string, { cmd }: Envelope): OpenedCommand {
  if (typeof cmd !== 'object' || cmd === null) return malformed(bytes, 'cmd is not an object');
  return { cid, cmd, trusted: false };
}

function openSigned(bytes: Uint8Array, cid: string, envelope: Envelope, key: ServiceKey): OpenedCommand {
  const { signed, mac, cmd } = envelope;
  if (cmd !== undefined) return malformed(bytes, 'an envelope carries either cmd or signed, not both');
  if (typeof signed !== 'string' || typeof mac !== 'string' || !MAC.test(mac)) {
    return malformed(bytes, 'signed or mac is not the text it must be');
  }
  if (!isServiceMac(cid, signed, mac, key)) {
    return malformed(bytes, 'the service signature does not match');
  }
  try {
    return { cid, cmd: JSON.parse(signed) as unknown, trusted: true };
  } catch {
    return malformed(bytes, 'the signed text is not valid JSON');
  }
}

function parsed(bytes: Uint8Array): Envelope | string {
  try {
    const value = parseJson(bytes);
    return typeof value === 'object' && value !== null ? value : 'the command is not an object';
  } catch (fault) {
    if (fault instanceof UnreadableRecord) return fault.message.replace('record', 'command');
    throw fault;
  }
}

function malformed(bytes: Uint8Array, cause: string): OpenedCommand {
  return { cid: fingerprint(bytes), malformed: cause };
}

/** What stands for the id of a command whose own cannot be trusted. */
function fingerprint(bytes: Uint8Array): string {
  return sha256(bytes).slice(0, 32);
}

function isNewer(v: unknown): v is number {
  return typeof v === 'number' && Number.isSafeInteger(v) && v > COMMAND_FORMAT;
}

/** HMAC-SHA256 over `about + '.' + text`, in hex: the service's word on a text, and on what it is about. */
export const serviceMac = (about: string, text: string, key: ServiceKey): string =>
  macOf(about, text, key instanceof Uint8Array ? key : key[0]).toString('hex');

/** Whether `mac` is that, by any of the keys; compared in constant time. */
export function isServiceMac(about: string, text: string, mac: string, key: ServiceKey): boolean {
  if (!MAC.test(mac)) return false;
  const given = Buffer.from(mac, 'hex');
  const keys = key instanceof Uint8Array ? [key] : key;
  return keys.some((one) => timingSafeEqual(given, macOf(about, text, one)));
}

function macOf(about: string, text: string, key: Uint8Array): Buffer {
  return createHmac('sha256', key).update(`${about}.${text}`).digest();
}
