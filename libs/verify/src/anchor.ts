/**
 * Anchors: once a day the heads of all chains are put into one statement, and an outside time-stamp authority (RFC 3161) signs its
 * hash. Whoever has the statement, the token and the authority's certificate knows that the log up to these heads existed then and
 * was not rewritten since. It must never trust a certificate that the caller did not name.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { fromBER } from 'asn1js';
import { Certificate, ContentInfo, id_ContentType_SignedData, SignedData, TSTInfo } from 'pkijs';
import type { Verdict } from './receipt.js';
import { faultOfStatement } from './shapes.js';
import type { PublishedKey } from './signed.js';

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

const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';

/** `authorities`: PEM certificates that tokens may lead to. `headOf` compares with a log, where there is one. */
export async function verifyAnchor(file: unknown, authorities: readonly string[], headOf?: HeadOf): Promise<Verdict> {
  const verdict = { held: [] as string[], missing: [] as string[], faults: [] as string[] };
  const { statement, token } = (file ?? {}) as Partial<AnchorFile>;
  if (typeof statement !== 'string' || typeof token !== 'string') {
    verdict.faults.push('this is no anchor: statement or token are missing');
    return verdict;
  }
  const said = readAnchor(statement);
  if (typeof said === 'string') verdict.faults.push(said);
  else {
    const fault = await faultOfToken(token, statement, authorities, verdict.held);
    if (fault !== undefined) verdict.faults.push(fault);
    compareHeads(said, headOf, verdict);
    for (const { keyId, since } of said.keys ?? [])
      verdict.held.push(`key ${keyId} was published then, since ${new Date(since).toISOString()}`);
  }
  return verdict;
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
  return fault === undefined ? said : `the statement is not whole: ${fault}`;
}

function compareHeads({ heads }: AnchorStatement, headOf: HeadOf | undefined, verdict: Verdict): void {
  const { held, missing, faults } = verdict as { held: string[]; missing: string[]; faults: string[] };
  if (!headOf) {
    missing.push('no log is here to compare the heads with');
    return;
  }
  for (const { source, seq, head } of heads) {
    const found = headOf(source, seq);
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
  authorities: readonly string[],
  held: string[],
): Promise<string | undefined> {
  const read = readToken(Buffer.from(token, 'base64'));
  if (typeof read === 'string') return read;
  const { signed, info } = read;
  const imprint = Buffer.from(info.messageImprint.hashedMessage.valueBlock.valueHexView).toString('hex');
  if (imprint !== createHash('sha256').update(statement, 'utf8').digest('hex'))
    return 'the token stamps another statement: one of them was altered';
  const trusted = authorities.map((pem) => Certificate.fromBER(new X509Certificate(pem).raw));
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
