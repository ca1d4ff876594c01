/** The inner parts of kafkajs that are mended; its own types leave them out. */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  class RequestQueue {
    readonly pending: readonly unknown[];
    readonly throttledUntil: number;
    scheduleCheckPendingRequests(): void;
    createSocketRequest(pushed: { readonly entry: { readonly apiKey: number } }): { requestTimeout: number };
  }
  export default RequestQueue;
}

declare module 'kafkajs/src/network/connection.js' {
  class Connection {
    send(protocol: unknown): Promise<unknown>;
    rejectRequests(fault: Error): void;
    disconnect(): Promise<boolean>;
  }
  export default Connection;
}

declare module 'kafkajs/src/consumer/runner.js' {
  class Runner {
    running: boolean;
    readonly fetchManager: FetchManager;
    readonly consumerGroup: { readonly cluster: { refreshMetadata(): Promise<unknown> } };
    fetch(nodeId: string): Promise<readonly unknown[]>;
    heartbeat(): Promise<void>;
  }
  interface FetchManager {
    start(): Promise<void>;
    stop(): Promise<void>;
  }
  export default Runner;
}

declare module 'kafkajs/src/consumer/fetchManager.js' {
  import type Runner from 'kafkajs/src/consumer/runner.js';

  export interface Logger {
    debug(line: string): void;
    info(line: string): void;
    namespace(name: string): Logger;
  }
  interface FetchManagerOptions {
    readonly logger: Logger;
    readonly getNodeIds: () => readonly string[];
    readonly fetch: (nodeId: string) => Promise<readonly unknown[]>;
    readonly handler: (batch: unknown) => Promise<void>;
  }
  export default function createFetchManager(options: FetchManagerOptions): Runner['fetchManager'];
}
