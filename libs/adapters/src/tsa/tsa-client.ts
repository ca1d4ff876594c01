/**
 * A client of a time-stamp authority (RFC 3161 over HTTP): a hash goes out, a signed token comes back. It must never hand out a token
 * that is not the answer to what was asked; whether its signer is to be trusted is judged by who verifies it.
 */
import { randomBytes } from 'node:crypto';
import { fromBER, Integer, OctetString } from 'asn1js';
import {
  AlgorithmIdentifier,
  ContentInfo,
  MessageImprint,
  PKIStatus,
  SignedData,
  TimeStampReq,
  TimeStampResp,
  TSTInfo,
} from 'pkijs';

const SHA_256 = '2.16.840.1.101.3.4.2.1';
const NONCE_BYTES = 8;
const TIMEOUT_MS = 10_000;
/** A token with its certificates has a few thousand bytes. */
const MAX_BYTES = 100_000;

/** Says in a sentence why there is no token at the moment. */
export class TsaFault extends Error {
  override readonly name = 'TsaFault';
  readonly retriable = true;
}

export class TsaClient {
  constructor(private readonly url: string) {}

  /** The DER token over this SHA-256. Throws `TsaFault`. */
  async stamp(digest: Uint8Array): Promise<Uint8Array> {
    const nonce = randomBytes(NONCE_BYTES);
    // A positive number: the first bit of an ASN.1 integer is its sign.
    nonce[0] = ((nonce[0] as number) & 0x7f) | 0x40;
    const answer = await this.#post(requestOf(digest, nonce));
    return tokenIn(answer, digest, nonce);
  }

  async #post(body: Uint8Array): Promise<Uint8Array> {
    const headers = { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply' };
    try {
      const answer = await fetch(this.url, {
        ...{ method: 'POST', headers, body: Uint8Array.from(body), signal: AbortSignal.timeout(TIMEOUT_MS) },
      });
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (!answer.ok) throw new TsaFault(`the time-stamp authority ${this.url} answers with status ${answer.status}`);
      if (bytes.length > MAX_BYTES)
        throw new TsaFault(`the time-stamp authority ${this.url} answers with ${bytes.length} bytes`);
      return bytes;
    } catch (fault) {
      if (fault instanceof TsaFault) throw fault;
      const { message, cause } = fault as Error;
      throw new TsaFault(
        `the time-stamp authority ${this.url} does not answer (${(cause as Error | undefined)?.message ?? message})`,
      );
    }
  }
}

function requestOf(digest: Uint8Array, nonce: Uint8Array): Uint8Array {
  const request = new TimeStampReq({
    version: 1,
    messageImprint: new MessageImprint({
      hashAlgorithm: new AlgorithmIdentifier({ algorithmId: SHA_256 }),
      hashedMessage: new OctetString({ valueHex: Uint8Array.from(digest).buffer }),
    }),
    nonce: new Integer({ valueHex: Uint8Array.from(nonce).buffer }),
    certReq: true,
  });
  return new Uint8Array(request.toSchema().toBER());
}

function tokenIn(answer: Uint8Array, digest: Uint8Array, nonce: Uint8Array): Uint8Array {
  let reply: TimeStampResp;
  let info: TSTInfo;
  try {
    reply = new TimeStampResp({ schema: fromBER(answer).result });
  } catch {
    throw new TsaFault('the time-stamp authority answers with something else than a time stamp');
  }
  const { status, timeStampToken } = reply;
  if (status.status !== PKIStatus.granted && status.status !== PKIStatus.grantedWithMods)
    throw new TsaFault(`the time-stamp authority refuses (status ${status.status})`);
  if (!timeStampToken) throw new TsaFault('the time-stamp authority grants a token and sends none');
  try {
    info = infoOf(timeStampToken.toSchema().toBER());
  } catch {
    throw new TsaFault('the token of the time-stamp authority cannot be read');
  }
  const imprint = info.messageImprint.hashedMessage.valueBlock.valueHexView;
  if (!Buffer.from(imprint).equals(digest)) throw new TsaFault('the time-stamp authority stamped something else');
  if (info.nonce && !Buffer.from(info.nonce.valueBlock.valueHexView).equals(nonce))
    throw new TsaFault('the time-stamp authority answers another request');
  return new Uint8Array(timeStampToken.toSchema().toBER());
}

function infoOf(token: ArrayBuffer): TSTInfo {
  const content = new ContentInfo({ schema: fromBER(token).result });
  const bytes = new SignedData({ schema: content.content }).encapContentInfo.eContent?.getValue();
  if (!bytes) throw new TsaFault('the token holds no time');
  return TSTInfo.fromBER(bytes);
}
