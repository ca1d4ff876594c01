/** What the auditor says when a rule is broken: the guarantee's number and a sentence. Thrown, so that the run stops at that step. */
export class Finding extends Error {
  override readonly name = 'Finding';
  constructor(
    /** `G1` … `G7` of the guarantees, or `LIVE`. */
    readonly rule: string,
    message: string,
  ) {
    super(`${rule}: ${message}`);
  }
}

export function must(holds: boolean, rule: string, message: () => string): asserts holds {
  if (!holds) throw new Finding(rule, message());
}
