/**
 * Whether a server was there and TLS with it came to nothing: no waiting and no second try mends a certificate or a port. It must never
 * say so of a connection that broke for another reason.
 */

/** Node's codes for certificates (the error names of X.509 verification), and for a server that answers in clear text. */
const BY_CODE =
  /CERT|^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH|ERR_SSL_WRONG_VERSION_NUMBER)$/;

export function isUntrusted(fault: unknown): boolean {
  const code = (fault as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && BY_CODE.test(code);
}
