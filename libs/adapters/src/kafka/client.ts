/**
 * The kafkajs client as this project uses it: Nagle off, every wait and every retry bounded, its log turned into warnings. It
 * must never be used outside this folder.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Kafka, type KafkaConfig, type LogEntry } from 'kafkajs';
import Runner from 'kafkajs/src/consumer/runner.js';
import Connection from 'kafkajs/src/network/connection.js';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { firstToAnswer, openSocket } from './broker-probe.js';

export interface KafkaConnection {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly onWarning: (sentence: string) => void;
  readonly connectionTimeoutMs?: number;
  /** One request, answer included. */
  readonly requestTimeoutMs?: number;
  readonly security?: Pick<KafkaConfig, 'ssl' | 'sasl'>;
}

export const DEFAULT_CONNECTION_TIMEOUT_MS = 3000;
/** The header of a traced record; W3C Trace Context, once for each trace that the record belongs to. */
export const TRACE_HEADER = 'traceparent';
/** An append that takes longer is of an unknown outcome; the writer starts anew. */
export const DEFAULT_REQUEST_TIMEOUT_MS = 5000;

/**
 * kafkajs 2.2.4 sets a timer of one millisecond on every connection for ever, to look at requests that it holds back; nine hundred
 * times a second each, in every process, nothing is held back. Only then is it needed.
 */
const armTimer = RequestQueue.prototype.scheduleCheckPendingRequests;
RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
  if (this.pending.length > 0 || this.throttledUntil > Date.now()) armTimer.call(this);
};

/**
 * A consumer of kafkajs 2.2.4 that is told to stop at the moment a broker comes or goes makes itself new fetchers, which nobody stops:
 * they ask a runner that does not run, get nothing at once and ask again, without a pause, and nothing else of the process runs ever
 * again. Met with the kill of a leader. Who asks such a runner is stopped.
 */
const fetchFrom = Runner.prototype.fetch;
Runner.prototype.fetch = async function (this: Runner, nodeId: string): Promise<readonly unknown[]> {
  if (!this.running) {
    void this.fetchManager.stop();
    return [];
  }
  try {
    return await fetchFrom.call(this, nodeId);
  } catch (fault) {
    // Who leads its partitions by now is known to the others; kafkajs would stop reading from all and ask the same one again.
    if (!isTimeout(fault) || 'type' in fault) throw fault;
    await this.consumerGroup.cluster.refreshMetadata().catch((unanswered: unknown) => {
      if (!isTimeout(unanswered)) throw unanswered;
    });
    return [];
  }
};

/** A coordinator that does not answer is looked for again, as if it had said that it is none any more. */
const heartbeatOf = Runner.prototype.heartbeat;
Runner.prototype.heartbeat = async function (this: Runner): Promise<void> {
  try {
    await heartbeatOf.call(this);
  } catch (fault) {
    throw isTimeout(fault) ? Object.assign(fault, { type: 'NOT_COORDINATOR_FOR_GROUP' }) : fault;
  }
};

const isTimeout = (fault: unknown): fault is Error =>
  fault instanceof Error && fault.name === 'KafkaJSRequestTimeoutError';

/**
 * A broker that stands still keeps its sockets open. kafkajs takes such a connection for a good one for ever and sends the next question
 * down the same way, and the one after it. Who did not answer once is let go of, with all that others wait for there.
 */
const sendOn = Connection.prototype.send;
Connection.prototype.send = async function (this: Connection, protocol: unknown): Promise<unknown> {
  try {
    return await sendOn.call(this, protocol);
  } catch (fault) {
    if (isTimeout(fault)) {
      this.rejectRequests(fault);
      await this.disconnect();
    }
    throw fault;
  }
};

/** Fetch, Metadata, FindCoordinator, Heartbeat, ApiVersions: a broker that runs answers them at once; others may wait for replicas. */
const QUICK_ANSWERS = new Set([1, 3, 10, 12, 18]);
const QUICK_ANSWER_MS = 3_000;
const requestOf = RequestQueue.prototype.createSocketRequest;
RequestQueue.prototype.createSocketRequest = function (this: RequestQueue, pushed) {
  const request = requestOf.call(this, pushed);
  if (QUICK_ANSWERS.has(pushed.entry.apiKey))
    request.requestTimeout = Math.min(request.requestTimeout, QUICK_ANSWER_MS);
  return request;
};

export function kafkaClient(connection: KafkaConnection, onLog: (entry: LogEntry) => void = () => undefined): Kafka {
  const { brokers, clientId, onWarning, security } = connection;
  return new kafkajs.Kafka({
    ...security,
    // Always the first one otherwise: one that stands still would be asked again by each new producer.
    brokers: () => firstToAnswer(brokers, security?.ssl),
    clientId,
    connectionTimeout: connection.connectionTimeoutMs ?? DEFAULT_CONNECTION_TIMEOUT_MS,
    requestTimeout: connection.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS,
    // About 6 s in all: a restarting broker is waited for, a missing one is a fault.
    retry: { initialRetryTime: 100, maxRetryTime: 2000, retries: 6 },
    socketFactory: openSocket,
    logLevel: kafkajs.logLevel.WARN,
    logCreator: () => (entry) => {
      onLog(entry);
      onWarning(sentenceOf(entry));
    },
  });
}

function sentenceOf({ namespace, log }: LogEntry): string {
  const detail: unknown = log['error'] ?? log['topic'];
  return `Kafka ${namespace}: ${log.message}${typeof detail === 'string' ? ` (${detail})` : ''}`;
}

/** What a broker answers about a partition whose leader it is about to become; a missing topic says the same for ever. */
const UNSETTLED = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION']);
const SETTLE_MS = 3_000;
const SETTLE_PAUSE_MS = 250;

/**
 * Asks again for some seconds while a topic that was just made has no leader on every partition yet, or is not known to every broker.
 * kafkajs meets such a partition with a TypeError of its own (it takes the offsets of a partition that is not in the answer).
 */
export async function settled<T>(question: () => Promise<T>, forMs = SETTLE_MS): Promise<T> {
  for (const until = performance.now() + forMs; ; ) {
    try {
      return await question();
    } catch (error) {
      const young = error instanceof TypeError || UNSETTLED.has((error as { type?: string }).type ?? '');
      if (!young || performance.now() > until) throw error;
      await sleep(SETTLE_PAUSE_MS);
    }
  }
}
