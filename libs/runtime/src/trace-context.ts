/**
 * The trace context (W3C `traceparent`) that travels beside a record's bytes and never in them: bytes are hashed, and who is watched
 * must leave no mark on what is decided. It hangs on the byte object itself, so that nothing between a sampled request and the log's
 * adapter has to know of it; an adapter puts it into the record's headers and takes it out again. Nothing may be decided by it.
 */

const contexts = new WeakMap<Uint8Array, string>();
/** A process that traces nothing, and reads nothing that is traced, asks for nothing. */
let isAny = false;

export function carryContext(bytes: Uint8Array, context: string): void {
  isAny = true;
  contexts.set(bytes, context);
}

export const contextOf = (bytes: Uint8Array): string | undefined => (isAny ? contexts.get(bytes) : undefined);
