/**
 * A problem as a gRPC status: the code that fits, `retry` and `code` in the trailers, and google.rpc.Status details (ErrorInfo and
 * BadRequest) that standard clients read. Field numbers are those of google/rpc/status.proto and error_details.proto.
 */
import { Metadata, status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { Problem } from '../problem.js';
import { PROBLEM_CODES } from '../problem-codes.js';
import { randomId } from '../random-ids.js';

export interface StatusAnswer {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

const BY_HTTP: Readonly<Record<number, status>> = {
  400: status.INVALID_ARGUMENT,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  404: status.NOT_FOUND,
  409: status.ABORTED,
  413: status.INVALID_ARGUMENT,
  422: status.FAILED_PRECONDITION,
  429: status.RESOURCE_EXHAUSTED,
  503: status.UNAVAILABLE,
  504: status.DEADLINE_EXCEEDED,
};

const { Root, Type, Field, MapField } = protobuf;
const rpc = new Root().define('google.rpc');
const anyType = new Type('Any').add(new Field('type_url', 1, 'string')).add(new Field('value', 2, 'bytes'));
const statusType = new Type('Status')
  .add(anyType)
  .add(new Field('code', 1, 'int32'))
  .add(new Field('message', 2, 'string'))
  .add(new Field('details', 3, 'Any', 'repeated'));
const infoType = new Type('ErrorInfo')
  .add(new Field('reason', 1, 'string'))
  .add(new Field('domain', 2, 'string'))
  .add(new MapField('metadata', 3, 'string', 'string'));
const violationType = new Type('FieldViolation')
  .add(new Field('field', 1, 'string'))
  .add(new Field('description', 2, 'string'))
  .add(new Field('reason', 3, 'string'));
const badRequestType = new Type('BadRequest')
  .add(violationType)
  .add(new Field('field_violations', 1, 'FieldViolation', 'repeated'));
rpc.add(statusType).add(infoType).add(badRequestType);

/** A refusal as it is; anything else is recorded under its id and told as what it is to a client: our fault. */
export function asProblem(
  fault: unknown,
  onFault: (fault: unknown, correlationId: string) => void,
): { readonly problem: Problem; readonly correlationId: string } {
  const correlationId = randomId();
  if (fault instanceof Problem) return { problem: fault, correlationId };
  onFault(fault, correlationId);
  const detail = 'An unexpected fault. It was recorded under the correlation id.';
  return { problem: new Problem('INTERNAL', detail), correlationId };
}

export const statusCodeOf = (problem: Problem): status => BY_HTTP[problem.status] ?? status.INTERNAL;

export function statusOf(problem: Problem, correlationId: string): StatusAnswer {
  const code = statusCodeOf(problem);
  const { retry } = PROBLEM_CODES[problem.code];
  const metadata = new Metadata();
  metadata.set('code', problem.code);
  metadata.set('retry', retry);
  metadata.set('correlation-id', correlationId);
  if (problem.retryAfterSeconds !== undefined) metadata.set('retry-after', String(problem.retryAfterSeconds));
  metadata.set('grpc-status-details-bin', detailsOf(problem, code, { retry, correlationId }));
  return { code, details: problem.message, metadata };
}

function detailsOf(problem: Problem, code: status, facts: Record<string, string>): Buffer {
  const info = infoType.encode({ reason: problem.code, domain: 'mutuel', metadata: facts }).finish();
  const details = [{ type_url: 'type.googleapis.com/google.rpc.ErrorInfo', value: info }];
  if (problem.errors.length > 0) {
    const violations = problem.errors.map(({ pointer, code: reason, detail }) => ({
      field: pointer,
      description: detail,
      reason,
    }));
    const value = badRequestType.encode({ field_violations: violations }).finish();
    details.push({ type_url: 'type.googleapis.com/google.rpc.BadRequest', value });
  }
  return Buffer.from(statusType.encode({ code, message: problem.message, details }).finish());
}
