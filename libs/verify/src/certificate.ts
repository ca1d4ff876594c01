/**
 * The signed page of a certification run: what a system was put through, and what was found. It must never call a run passed
 * whose own figures say otherwise, whatever the page says in words.
 */
import { faultOfSignature, readStatement, type Signed, type TrustedKeys } from './signed.js';

/** The signed content. Each of the five must be nothing for a run that passed (`other`: findings of no such kind), none of the rest may. */
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
  /** Tickets that clients were told of. */
  readonly accepted: number;
  /** Faults that were drawn, and those of them that struck. */
  readonly drawn: number;
  readonly struck: number;
  readonly racesSettled: number;
  /** Seals of pools whose signatures hold and that say what the log says. */
  readonly seals: number;
  /** Deciders, and those whose log folds to the state that they said they had led with at the end. */
  readonly deciders: number;
  readonly replayed: number;
  /** As it was printed. */
  readonly page: string;
}

/** What a run claims; a sentence where the certificate does not hold. */
export function readCertificate(file: unknown, keys: TrustedKeys): CertificateStatement | string {
  const signed = file as Signed;
  if (typeof signed !== 'object' || signed === null) return 'this is no certificate';
  return faultOfSignature(signed, keys) ?? readStatement<CertificateStatement>(signed, 'mutuel-certificate');
}

export const hasPassed = (statement: CertificateStatement): boolean => {
  const { lost, doubled, late, adrift, other } = statement;
  return [lost, doubled, late, adrift, other].every((count) => count === 0) && missingFrom(statement).length === 0;
};

/** Of what a run must have been through before its zeros say anything, what is missing. */
export function missingFrom(statement: CertificateStatement): readonly string[] {
  const { accepted, drawn, struck, racesSettled, seals, deciders, replayed } = statement;
  return [
    ...(accepted > 0 ? [] : ['no ticket was accepted']),
    ...(struck > 0 && struck === drawn ? [] : [`${struck} of ${drawn} faults that were drawn have struck`]),
    ...(racesSettled > 0 ? [] : ['no race was settled']),
    ...(seals > 0 && seals >= racesSettled ? [] : [`${seals} seals were verified for ${racesSettled} races`]),
    ...(replayed > 0 && replayed === deciders
      ? []
      : [`the replay met the state of ${replayed} of ${deciders} deciders`]),
  ];
}
