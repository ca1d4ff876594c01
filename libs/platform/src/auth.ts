/**
 * Who is asking: bearer tokens signed with the operator's own key (HS256), what they carry, and what they allow. Everything is
 * denied unless a line here allows it. Verified tokens are remembered, since verifying costs more than deciding a bet.
 */
import { webcrypto } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { Role } from '#mutuel/engine';
import { Problem } from './problem.js';

export interface Principal {
  /** The person or system, stable over sessions. */
  readonly subject: string;
  /** Accounts it may bet from and look into. */
  readonly accounts: readonly string[];
  readonly roles: readonly Role[];
  readonly channel: string;
  /** Id of the token: the session or device. */
  readonly device: string;
}

const claimsSchema = z.object({
  sub: z.string().min(1).max(100),
  jti: z.string().min(1).max(100),
  exp: z.number().optional(),
  acc: z.array(z.string()).max(1000).optional(),
  roles: z.array(z.enum(['STEWARD', 'TOTE_OPERATOR', 'ACCOUNTANT'])).optional(),
  ch: z.string().max(40).optional(),
});

const ISSUER = 'mutuel';
const MAX_TOKEN = 4_096;
const REMEMBERED = 200_000;

export class Tokens {
  readonly #known = new Map<string, { readonly principal: Principal; readonly expires: number }>();
  /** Imported once: from bare bytes each signature and each check would import it again, at twice the cost. */
  readonly #key: Promise<webcrypto.CryptoKey>;

  constructor(
    key: Uint8Array,
    private readonly now: () => number,
  ) {
    this.#key = webcrypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
  }

  /** Signs a token; without `expires` (seconds UTC) it lives as long as the key. */
  async sign(principal: Principal, expires?: number): Promise<string> {
    const claims = {
      acc: principal.accounts.length > 0 ? principal.accounts : undefined,
      roles: principal.roles.length > 0 ? principal.roles : undefined,
      ch: principal.channel,
    };
    const token = new SignJWT(JSON.parse(JSON.stringify(claims)) as Record<string, unknown>)
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(ISSUER)
      .setSubject(principal.subject)
      .setJti(principal.device);
    if (expires !== undefined) token.setExpirationTime(expires);
    return token.sign(await this.#key);
  }

  /** The bearer of an Authorization header; at once where the token was verified before. */
  bearer(header: string | undefined): Principal | Promise<Principal> {
    if (header === undefined)
      throw new Problem('NOT_AUTHENTICATED', 'An Authorization header with a bearer token is needed.');
    const known = this.#known.get(header);
    if (known !== undefined) {
      if (known.expires > this.now()) return known.principal;
      this.#known.delete(header);
    }
    return this.#verify(header);
  }

  async #verify(header: string): Promise<Principal> {
    const token = /^bearer +(\S+)$/i.exec(header)?.[1];
    if (token === undefined || token.length > MAX_TOKEN)
      throw new Problem('NOT_AUTHENTICATED', 'The Authorization header is not "Bearer" and a token.');
    const claims = await this.#claims(token);
    const principal: Principal = {
      subject: claims.sub,
      accounts: claims.acc ?? [],
      roles: claims.roles ?? [],
      channel: claims.ch ?? 'web',
      device: claims.jti,
    };
    if (this.#known.size >= REMEMBERED) this.#known.delete(this.#known.keys().next().value as string);
    this.#known.set(header, { principal, expires: (claims.exp ?? Number.MAX_SAFE_INTEGER / 1000) * 1000 });
    return principal;
  }

  async #claims(token: string): Promise<z.infer<typeof claimsSchema>> {
    try {
      const options = { issuer: ISSUER, algorithms: ['HS256'], currentDate: new Date(this.now()) };
      const { payload } = await jwtVerify(token, await this.#key, options);
      return claimsSchema.parse(payload);
    } catch {
      throw new Problem(
        'NOT_AUTHENTICATED',
        'The token is not valid: unreadable, expired, or not signed by this operator.',
      );
    }
  }
}

export function requireAccount(principal: Principal, accountId: string): void {
  if (!principal.accounts.includes(accountId))
    throw new Problem('NOT_AUTHORIZED', `The token does not carry the account ${accountId.slice(0, 100)}.`);
}

/** Operators may look into any account; nobody but its holder may bet from it. */
export function requireSightOf(principal: Principal, accountId: string): void {
  if (principal.roles.length === 0) requireAccount(principal, accountId);
}

function requireRole(principal: Principal, allowed: readonly Role[]): void {
  if (!principal.roles.some((role) => allowed.includes(role)))
    throw new Problem('NOT_AUTHORIZED', `This needs the role ${allowed.join(' or ')}.`);
}

/** Deny by default: who carries no operator's role gets no further. What each role may do is decided, and noted, by the market. */
export function requireOperator(principal: Principal): void {
  requireRole(principal, ['STEWARD', 'TOTE_OPERATOR', 'ACCOUNTANT']);
}
