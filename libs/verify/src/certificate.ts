/**
 * The signed page of a certification run: what a system was put through, and what was found. It must never call a run passed
 * whose own figures say otherwise, whatever the page says in words.
 */
import { faultOfSignature, readStatement, type Signed, type TrustedKeys } from './signed.js';

/** The signed content. Each of the four must be nothing for a run that passed; `other` are findings of no such kind. */
export interface CertificateStatement {
  readonly kind: 'mutuel-certificate';
  readonly v: 1;
  /** Of the source that was run. */
  readonly commit: string;
  readonly seed: number;
  readonly minutes: number;
  /** Milliseconds UTC. */
  readonly startedAt: number;
  readonly lost: number;
  readonly doubled: number;
  readonly late: number;
  readonly adrift: number;
  readonly other: number;
  /** As it was printed. */
  readonly page: string;
}

/** What a run claims; a sentence where the certificate does not hold. */
export function readCertificate(file: unknown, keys: TrustedKeys): CertificateStatement | string {
  const signed = file as Signed;
  if (typeof signed !== 'object' || signed === null) return 'this is no certificate';
  return faultOfSignature(signed, keys) ?? readStatement<CertificateStatement>(signed, 'mutuel-certificate');
}

export const hasPassed = ({ lost, doubled, late, adrift, other }: CertificateStatement): boolean =>
  [lost, doubled, late, adrift, other].every((count) => count === 0);
