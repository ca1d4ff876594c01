/** Types of the native servers' door, for the tests' set-up. */

/** The servers' addresses as environment variables. */
export interface ServerAddresses {
  KAFKA_BROKERS: string;
  DATABASE_URL: string;
  REDIS_URL: string;
}

export interface InstanceOptions {
  /** Small letters, digits and dashes; `MUTUEL_INFRA` or "default" where it is not given. */
  instance?: string;
}

export interface ServerStatus {
  name: string;
  pid: number;
  port: number;
  log: string;
  alive: boolean;
  /** What asks it to end in its own time. */
  stopSignal: string;
}

/** Listeners of a single broker beside its plain one, with the settings they need and what its storage is formatted with. */
export interface KafkaDoors {
  listeners: readonly { name: string; protocol: 'SSL' | 'SASL_SSL' | 'SASL_PLAINTEXT'; port: number }[];
  settings: Readonly<Record<string, string>>;
  formatting: readonly string[];
}

/** A fault the operator can act on, in one line. */
export class InfraError extends Error {}

/** A port that nobody listens on, out of the range that systems lend to outgoing connections. */
export function freePort(): Promise<number>;
/** The processes that a process began and that still are; none where nobody can tell. Linux alone. */
export function childrenOf(pid: number): number[];
/** Starts what is not running yet. `brokers` is 1 or 3; `proxied` gives each a second door behind a proxy of the caller's. */
export function up(
  options?: InstanceOptions & {
    brokers?: number;
    proxied?: boolean;
    doors?: KafkaDoors;
    log?: (line: string) => void;
  },
): Promise<ServerAddresses>;
/** Stops the instance's servers and keeps their data; resolves to the names of those that ran. */
export function down(options?: InstanceOptions): Promise<string[]>;
/** Stops the instance and removes its data. */
export function wipe(options?: InstanceOptions): Promise<string[]>;
export function status(options?: InstanceOptions): {
  instance: string;
  folder: string;
  running: boolean;
  servers: ServerStatus[];
  addresses: ServerAddresses | null;
};
/** PostgreSQL and its connections of this moment behind everybody else; `POSTGRES_NICE` or 5, from 0 (as they are) to 19. */
export function lowerPostgres(options?: InstanceOptions & { nice?: number }): void;
/** Where the brokers' second doors listen, and the ports their clients are sent to. */
export function proxies(options?: InstanceOptions): { port: number; target: number }[];
/** The running instance's addresses; an InfraError where it is not up. */
export function env(options?: InstanceOptions): ServerAddresses;
/** The addresses of servers somebody else runs, where the environment names all three. */
export function externalServers(): ServerAddresses | null;
