/**
 * Anchors: once a day the heads of all chains are put into one statement, and an outside time-stamp authority (RFC 3161) signs its
 * hash. Whoever has the statement, the token and the authority's certificate knows that the log up to these heads existed then and
 * was not rewritten since. Each statement names the one before, so none can be taken out or put in. It must never trust a certificate
 * that the caller did not name.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { fromBER } from 'asn1js';
import { Certificate, ContentInfo, id_ContentType_SignedData, SignedData, TSTInfo } from 'pkijs';
import type { Verdict } from './receipt.js';
import { faultOfStatement } from './shapes.js';
import { KeyRefused, type PublishedKey } from './signed.js';

/** What is hashed and stamped, as JSON text. */
export interface AnchorStatement {
  readonly kind: 'mutuel-anchor';
  readonly v: 1;
  /** `2026-11-22`, UTC. */
  readonly day: string;
  /** Milliseconds UTC. */
  readonly madeAt: number;
  readonly heads: readonly AnchorHead[];
  /** Every key that had signed seals by then, with its first moment: a key put in later, or another one in its place, is seen. */
  readonly keys?: readonly (PublishedKey & { readonly since: number })[];
  /** SHA-256 of the statement of the anchor before; null for the first. */
  readonly previous: string | null;
}

/** The last decision of a log that was folded then, and the hash of its record. */
export interface AnchorHead {
  readonly source: string;
  readonly seq: number;
  readonly head: string;
}

export interface AnchorFile {
  readonly statement: string;
  /** The time-stamp token, DER in base64. */
  readonly token: string;
}

/** The hash of the record of this decision, from an exported log; undefined where the log does not reach it. */
export type HeadOf = (source: string, seq: number) => string | undefined;

/** A certificate in PEM that tokens may lead to, and the name of where it was read. */
export interface Authority {
  readonly name: string;
  readonly pem: string;
}

/** What an exported log says of its chains. */
export interface AnchoredLog {
  headOf(source: string, seq: number): string | undefined;
  /** Where its chains break, a sentence each. */
  readonly faults: readonly string[];
}

type Lines = { readonly [list in keyof Verdict]: string[] };
interface ReadAnchor {
  readonly digest: string;
  readonly said: AnchorStatement;
}

const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';

/** `authorities`: PEM certificates that tokens may lead to. `headOf` compares with a log, where there is one. */
export async function verifyAnchor(file: unknown, authorities: readonly string[], headOf?: HeadOf): Promise<Verdict> {
  const named = authorities.map((pem, i) => ({ name: `authority ${i + 1}`, pem }));
  return verifyAnchors([file], named, headOf && { headOf, faults: [] });
}

/**
 * Each of these anchors, in any order, and that each one follows the one before it. With several, the lines of one begin with its day.
 * Throws `KeyRefused` for an authority that is no certificate.
 */
export async function verifyAnchors(
  files: readonly unknown[],
  authorities: readonly Authority[],
  log?: AnchoredLog,
): Promise<Verdict> {
  const all: Lines = { held: [], missing: [], faults: [] };
  if (files.length === 0) all.faults.push('this is no anchor: the list holds none');
  const read: ReadAnchor[] = [];
  for (const [i, file] of files.entries()) {
    const one: Lines = { held: [], missing: [], faults: [] };
    const said = await judge(file, authorities, log, one);
    if (said) read.push({ said, digest: sha256((file as AnchorFile).statement) });
    const mark = files.length === 1 ? '' : `${said?.day ?? `anchor ${i + 1} of ${files.length}`}: `;
    for (const list of ['held', 'missing', 'faults'] as const) all[list].push(...one[list].map((line) => mark + line));
  }
  compareChain(read, all);
  if (!log && read.length > 0) all.missing.push('no log is here to compare the heads with');
  all.faults.push(...(log?.faults ?? []));
  return all;
}

/** The heads that these anchors name, of those that can be read. */
export function anchoredHeads(files: readonly unknown[]): readonly AnchorHead[] {
  return files.flatMap((file) => {
    const { statement } = (file ?? {}) as Partial<AnchorFile>;
    const said = typeof statement === 'string' ? readAnchor(statement) : '';
    return typeof said === 'string' ? [] : said.heads;
  });
}

/** One anchor, all but its place among the others; its statement where it can be read. */
async function judge(
  file: unknown,
  authorities: readonly Authority[],
  log: AnchoredLog | undefined,
  verdict: Lines,
): Promise<AnchorStatement | undefined> {
  const { statement, token } = (file ?? {}) as Partial<AnchorFile>;
  if (typeof statement !== 'string' || typeof token !== 'string') {
    verdict.faults.push('this is no anchor: statement or token are missing');
    return undefined;
  }
  const said = readAnchor(statement);
  if (typeof said === 'string') {
    verdict.faults.push(said);
    return undefined;
  }
  const fault = await faultOfToken(token, statement, authorities, verdict.held);
  if (fault !== undefined) verdict.faults.push(fault);
  if (log) compareHeads(said, log, verdict);
  for (const { keyId, since } of said.keys ?? [])
    verdict.held.push(`key ${keyId} was published then, since ${new Date(since).toISOString()}`);
  return said;
}

function readAnchor(statement: string): AnchorStatement | string {
  let said: AnchorStatement;
  try {
    said = JSON.parse(statement) as AnchorStatement;
  } catch {
    return 'the statement is not JSON';
  }
  if (said?.kind !== 'mutuel-anchor') return `the statement is a ${String(said?.kind)}, not a mutuel-anchor`;
  if (said.v !== 1) return `the statement has version ${String(said.v)}, this release reads version 1`;
  const fault = faultOfStatement('mutuel-anchor', said);
  if (fault !== undefined) return `the statement is not whole: ${fault}`;
  if (typeof said.day !== 'string') return 'the statement is not whole: it names no day';
  if (said.previous !== null && typeof said.previous !== 'string')
    return 'the statement is not whole: it does not say which anchor was before it';
  return said;
}

/** Each statement names the one before it by its digest; only the first of all names none. */
function compareChain(read: readonly ReadAnchor[], { held, missing, faults }: Lines): void {
  const byDay = read.toSorted((a, b) => (a.said.day < b.said.day ? -1 : Number(a.said.day > b.said.day)));
  const [oldest, ...later] = byDay;
  if (!oldest) return;
  if (oldest.said.previous !== null) missing.push(`the anchor before that of ${oldest.said.day} is not here`);
  let before = oldest;
  let follows = true;
  for (const one of later) {
    if (one.said.previous !== before.digest) {
      follows = false;
      faults.push(
        `the anchor of ${one.said.day} does not follow that of ${before.said.day}: it names another one before it, or none`,
      );
    }
    before = one;
  }
  if (follows && later.length > 0)
    held.push(`the anchors from ${oldest.said.day} to ${before.said.day} follow each other`);
}

function compareHeads({ heads }: AnchorStatement, log: AnchoredLog, { held, missing, faults }: Lines): void {
  for (const { source, seq, head } of heads) {
    const found = log.headOf(source, seq);
    if (found === undefined) missing.push(`the log of ${source} does not reach decision ${seq}`);
    else if (found !== head)
      faults.push(`decision ${seq} of ${source} has another hash than the anchor: the log was rewritten`);
    else held.push(`the log of ${source} up to decision ${seq} is the one that was anchored`);
  }
}

/** A token read as far as its signer's own word. */
function readToken(token: Uint8Array): { readonly signed: SignedData; readonly info: TSTInfo } | string {
  try {
    const content = new ContentInfo({ schema: fromBER(token).result });
    if (content.contentType !== id_ContentType_SignedData) return 'the token is no signed data';
    const signed = new SignedData({ schema: content.content });
    const bytes = signed.encapContentInfo.eContent?.getValue();
    if (!bytes) return 'the token holds no time';
    return { signed, info: TSTInfo.fromBER(bytes) };
  } catch {
    return 'the token is not one of RFC 3161: it cannot be read';
  }
}

async function faultOfToken(
  token: string,
  statement: string,
  authorities: readonly Authority[],
  held: string[],
): Promise<string | undefined> {
  const trusted = authorities.map(certificateOf);
  const read = readToken(Buffer.from(token, 'base64'));
  if (typeof read === 'string') return read;
  const { signed, info } = read;
  const imprint = Buffer.from(info.messageImprint.hashedMessage.valueBlock.valueHexView).toString('hex');
  if (imprint !== sha256(statement)) return 'the token stamps another statement: one of them was altered';
  try {
    const result = await signed.verify({
      ...{ signer: 0, trustedCerts: trusted, checkChain: true, checkDate: info.genTime, extendedMode: true },
      ...{ data: Uint8Array.from(Buffer.from(statement, 'utf8')).buffer, passedWhenNotRevValues: true },
    });
    if (!result.signatureVerified) return 'the signature of the token does not hold: it was altered';
    const usages = result.signerCertificate?.extensions?.find(({ extnID }) => extnID === '2.5.29.37')?.parsedValue;
    if (!(usages?.keyPurposes as string[] | undefined)?.includes(TIME_STAMPING))
      return 'the certificate behind the token is not one for time stamps';
  } catch (fault) {
    const { message } = fault as Error;
    return `the token does not lead to an authority that is trusted (${message})`;
  }
  held.push(`stamped by the authority at ${info.genTime.toISOString()}`);
  return undefined;
}

function certificateOf({ name, pem }: Authority): Certificate {
  try {
    return Certificate.fromBER(new X509Certificate(pem).raw);
  } catch {
    throw new KeyRefused(`${name} is not a certificate in PEM: it is truncated or something else`);
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
