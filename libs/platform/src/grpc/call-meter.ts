/** Rate, errors and duration of gRPC methods, by the status each call, or each request of a stream, ended with. */
import { status as Status } from '@grpc/grpc-js';
import type { Metrics, Observe } from '../telemetry/metrics.js';

export function callMeter(method: string, metrics: Metrics): (status: Status, began: number) => void {
  const observers = new Map<Status, Observe>();
  return (status, began) => {
    let observe = observers.get(status);
    if (observe === undefined) {
      observe = metrics.histogram('rpc_server_call_duration_seconds', {
        rpc_method: method,
        rpc_response_status_code: Status[status],
      });
      observers.set(status, observe);
    }
    observe((performance.now() - began) / 1_000);
  };
}
