/**
 * What a start cannot go on with until a person has mended it: one sentence that says what is wrong and what to do. It must never
 * stand for something that another attempt would cure; that is `ServerLost`.
 */

/**
 * `SETTING`: of this process. `FOLDER`: the data folder. `VERSION`: of a server. `TOPICS`: their settings. `PARTITIONS`: their count.
 * `SCHEMA`: of the database.
 */
export type SetupFaultKind = 'SETTING' | 'FOLDER' | 'VERSION' | 'TOPICS' | 'PARTITIONS' | 'SCHEMA';

export class SetupFault extends Error {
  override readonly name = 'SetupFault';
  readonly retriable = false;
  constructor(
    readonly kind: SetupFaultKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
