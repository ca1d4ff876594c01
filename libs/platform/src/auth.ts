/**
 * Who is asking: bearer tokens signed with the operator's own key (HS256), what they carry, and what they allow. Everything is
 * denied unless a line here allows it. Each token is verified each time: remembering 100,000 of them saved some microseconds a request, and was half a
 * million objects for the collector to go through.
 */
import { createSigner, createVerifier } from 'fast-jwt';
import { z } from 'zod';
import type { Role } from '#mutuel/engine';
import { Problem } from './problem.js';

/** `CASHIER`: the payment service or a cashier's desk, of which the market knows nothing. */
export type HouseRole = Role | 'CASHIER';

export interface Principal {
  /** The person or system, stable over sessions. */
  readonly subject: string;
  /** Accounts it may bet from and look into. */
  readonly accounts: readonly string[];
  readonly roles: readonly HouseRole[];
  readonly channel: string;
  /** Id of the token: the session or device. */
  readonly device: string;
}

const claimsSchema = z.object({
  sub: z.string().min(1).max(100),
  jti: z.string().min(1).max(100),
  exp: z.number().optional(),
  nbf: z.number().optional(),
  acc: z.array(z.string()).max(1000).optional(),
  roles: z.array(z.enum(['STEWARD', 'TOTE_OPERATOR', 'ACCOUNTANT', 'CASHIER'])).optional(),
  ch: z.string().max(40).optional(),
});

const ISSUER = 'mutuel';
const MAX_TOKEN = 4_096;

export class Tokens {
  readonly #signed: (claims: object) => string;
  /** At once, on the thread that asks: through a pool of threads each new token would wait for one of them. */
  readonly #verified: (token: string) => unknown;

  /** Signed is by `key` alone; what `previous` signed is good too, while the key is changed. */
  constructor(
    key: Uint8Array,
    private readonly now: () => number,
    previous?: Uint8Array,
  ) {
    this.#signed = createSigner({ key: Buffer.from(key), algorithm: 'HS256', noTimestamp: true });
    const verified = verifierOf(key);
    const earlier = previous && verifierOf(previous);
    this.#verified = earlier ? (token) => either(verified, earlier, token) : verified;
  }

  /** Signs a token; without `expires` (seconds UTC) it lives as long as the key. */
  sign(principal: Principal, expires?: number): string {
    return this.#signed({
      ...(principal.accounts.length > 0 ? { acc: principal.accounts } : {}),
      ...(principal.roles.length > 0 ? { roles: principal.roles } : {}),
      ch: principal.channel,
      iss: ISSUER,
      sub: principal.subject,
      jti: principal.device,
      ...(expires === undefined ? {} : { exp: expires }),
    });
  }

  /** The bearer of an Authorization header; a Problem where that does not hold. */
  bearer(header: string | undefined): Principal {
    if (header === undefined)
      throw new Problem('NOT_AUTHENTICATED', 'An Authorization header with a bearer token is needed.');
    const token = /^bearer +(\S+)$/i.exec(header)?.[1];
    if (token === undefined || token.length > MAX_TOKEN)
      throw new Problem('NOT_AUTHENTICATED', 'The Authorization header is not "Bearer" and a token.');
    const claims = this.#claims(token);
    const expires = (claims.exp ?? Number.MAX_SAFE_INTEGER / 1000) * 1000;
    if (expires <= this.now() || (claims.nbf ?? 0) * 1000 > this.now()) throw notValid();
    return {
      subject: claims.sub,
      accounts: claims.acc ?? [],
      roles: claims.roles ?? [],
      channel: claims.ch ?? 'web',
      device: claims.jti,
    };
  }

  #claims(token: string): z.infer<typeof claimsSchema> {
    try {
      return claimsSchema.parse(this.#verified(token));
    } catch {
      throw notValid();
    }
  }
}

type Verifier = (token: string) => unknown;

const verifierOf = (key: Uint8Array): Verifier =>
  createVerifier({
    key: Buffer.from(key),
    algorithms: ['HS256'],
    allowedIss: ISSUER,
    requiredClaims: ['iss'],
    // Its own clock is the system's; times are judged by ours.
    ignoreExpiration: true,
    ignoreNotBefore: true,
  });

function either(first: Verifier, second: Verifier, token: string): unknown {
  try {
    return first(token);
  } catch {
    return second(token);
  }
}

function notValid(): Problem {
  return new Problem(
    'NOT_AUTHENTICATED',
    'The token is not valid: unreadable, expired, or not signed by this operator.',
  );
}

export function requireAccount(principal: Principal, accountId: string): void {
  if (!principal.accounts.includes(accountId))
    throw new Problem('NOT_AUTHORIZED', `The token does not carry the account ${accountId.slice(0, 100)}.`);
}

/** Who holds a role of the house may look into any account; nobody but its holder may bet from it. */
export function requireSightOf(principal: Principal, accountId: string): void {
  if (principal.roles.length === 0) requireAccount(principal, accountId);
}

export function requireRole(principal: Principal, allowed: readonly HouseRole[]): void {
  if (!principal.roles.some((role) => allowed.includes(role)))
    throw new Problem('NOT_AUTHORIZED', `This needs the role ${allowed.join(' or ')}.`);
}

/** Deny by default: who carries no operator's role gets no further. What each role may do is decided, and noted, by the market. */
export function requireOperator(principal: Principal): void {
  requireRole(principal, ['STEWARD', 'TOTE_OPERATOR', 'ACCOUNTANT']);
}
