/**
 * What a process is told at its start, by flags and by the environment, checked whole before anything is opened: one clear sentence
 * for each fault. Secrets never appear in a sentence or in the printed configuration.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { readPkcs11Uri } from '#mutuel/adapters';
import { NEWEST_RECORD_FORMAT, RECORD_FORMAT, type RecordFormat } from '#mutuel/contracts';
import { EXIT, StartFault } from './start-fault.js';
import { withoutPasswords } from './telemetry/log-lines.js';

export const ROLES = ['engine', 'projector', 'odds', 'calculators', 'bet-api', 'back-office', 'demo'] as const;
export type Role = (typeof ROLES)[number];

const key = z
  .string()
  .regex(/^(?:[0-9a-f]{2}){32,}$/i, 'must be at least 32 bytes in hex')
  .transform((hex) => Buffer.from(hex, 'hex'));
const port = z.coerce
  .number()
  .int()
  .min(0, 'must be a port from 0 to 65535')
  .max(65_535, 'must be a port from 0 to 65535');
const above = (most: number) =>
  z.coerce
    .number(`must be a number above zero`)
    .gt(0, 'must be a number above zero')
    .max(most, `must be at most ${most}`);
const limit = z.coerce
  .number('must be 0 to 1000000')
  .int()
  .min(0, 'must be 0 to 1000000')
  .max(1_000_000, 'must be 0 to 1000000');
const url = (scheme: string) => z.string().regex(new RegExp(`^${scheme}(ql)?s?://`), `must be a ${scheme}:// address`);

const schema = z.object({
  port: port.default(3000),
  host: z.string().min(1).default('127.0.0.1'),
  grpcPort: port.optional(),
  data: z.string().min(1).default('var/data'),
  shards: z.coerce.number().int().min(1, 'must be 1 to 64').max(64, 'must be 1 to 64').optional(),
  console: z.string().min(1).default('dist/console'),
  label: z.string().min(1).max(60).optional(),
  demo: z.boolean(),
  /** Whether the demo's crowd bets; without it the demo is its accounts and operators alone. */
  crowd: z.boolean(),
  accounts: z.coerce.number().int().min(1, 'must be 1 to 200000').max(200_000, 'must be 1 to 200000').default(1_000),
  rate: above(100_000).default(20),
  every: above(86_400).default(180),
  races: above(30).default(8),
  seed: above(2 ** 31).default(1),
  countries: z
    .string()
    .regex(/^[A-Z]{2}(,[A-Z]{2})*$/, 'must be country codes, separated by commas')
    .optional(),
  card: z.string().min(1).optional(),
  brokers: z
    .string()
    .transform((list) => list.split(',').map((broker) => broker.trim()))
    .pipe(z.array(z.string().regex(/^[\w.-]+:\d+$/, 'must be host:port, separated by commas')).min(1))
    .optional(),
  /** Whether brokers are spoken to by TLS; a file of authorities (PEM) says so too, and whom to trust. */
  kafkaTls: z
    .enum(['on', 'off'], 'must be on or off')
    .optional()
    .transform((text) => text === 'on'),
  kafkaCaFile: z.string().min(1).optional(),
  kafkaUser: z.string().min(1).optional(),
  kafkaPassword: z.string().min(1).optional(),
  kafkaPasswordFile: z.string().min(1).optional(),
  kafkaSasl: z
    .enum(['scram-sha-512', 'scram-sha-256', 'plain'], 'must be scram-sha-512, scram-sha-256 or plain')
    .default('scram-sha-512'),
  databaseUrl: url('postgres').optional(),
  redisUrl: url('redis').optional(),
  replication: z.coerce.number().int().min(1, 'must be 1 to 9').max(9, 'must be 1 to 9').optional(),
  epoch: z.coerce.number().int().min(1, 'must be 1 or more').default(1),
  /** Which deciders an engine runs. */
  decide: z
    .string()
    .regex(
      /^(market|shards|\d{1,2})(,(market|shards|\d{1,2}))*$/,
      'must be "market", "shards" or numbers of shards, separated by commas',
    )
    .transform((list) => list.split(','))
    .optional(),
  /** Production on topics that one machine's loss can empty; said by health, by every answer and on every screen. */
  allowSingleNode: z.boolean(),
  /** Below this much free disk the embedded log refuses appends. */
  reserveMb: z.coerce.number().int().min(1, 'must be 1 or more').max(1_000_000).default(64),
  /** Tickets of one client in ten seconds, over all nodes; 0 is no limit. */
  limitWeb: limit.default(1_000),
  limitPos: limit.default(2_000),
  limitPartner: limit.default(50_000),
  printConfig: z.boolean(),
  /** Signs what speaks as the house; the one of before, or the next one, is accepted beside it. */
  serviceKey: key.optional(),
  serviceKeyPrevious: key.optional(),
  tokenKey: key.optional(),
  tokenKeyPrevious: key.optional(),
  /** The Ed25519 key of seals and receipts, PEM; the public one where a command signs. */
  sealKeyFile: z.string().min(1).optional(),
  sealSignCommand: z.string().min(1).optional(),
  /** The key inside a PKCS#11 device: a URI of RFC 7512. */
  sealPkcs11: z
    .string()
    .transform((text, context) => {
      const uri = readPkcs11Uri(text);
      if (typeof uri !== 'string') return uri;
      context.addIssue({ code: 'custom', message: uri });
      return z.NEVER;
    })
    .optional(),
  /** The time-stamp authority (RFC 3161) that anchors the log every day. */
  tsaUrl: z
    .string()
    .regex(/^https?:\/\//, 'must be an http:// or https:// address')
    .optional(),
  /** Where spans go; without it nothing is traced. */
  otlpEndpoint: z
    .string()
    .regex(/^https?:\/\//, 'must be an http:// or https:// address')
    .optional(),
  traceRatio: z.coerce.number().min(0, 'must be 0 to 1').max(1, 'must be 0 to 1').default(0.01),
  /** The newest record format that an engine writes: an older one holds back what the log's fact allows. */
  recordFormat: z.coerce
    .number()
    .int()
    .min(RECORD_FORMAT, `must be ${RECORD_FORMAT} to ${NEWEST_RECORD_FORMAT}`)
    .max(NEWEST_RECORD_FORMAT, `must be ${RECORD_FORMAT} to ${NEWEST_RECORD_FORMAT}`)
    .transform((format) => format as RecordFormat)
    .default(NEWEST_RECORD_FORMAT),
  /** The hour of the day, UTC, from which on the daily checkpoints are asked for. */
  checkpointHour: z.coerce.number().int().min(0, 'must be 0 to 23').max(23, 'must be 0 to 23').default(3),
  /** How far the process gives way to others of its machine; by default as its roles are waited for. */
  nice: z.coerce.number().int().min(0, 'must be 0 to 19').max(19, 'must be 0 to 19').optional(),
  production: z.boolean(),
});

export type Config = z.infer<typeof schema>;

/** Where each setting comes from: flag, variable. */
const SOURCES: Readonly<Record<keyof Config, readonly [flag: string | undefined, variable: string | undefined]>> = {
  port: ['--port', 'PORT'],
  host: ['--host', 'HOST'],
  grpcPort: ['--grpc-port', 'GRPC_PORT'],
  data: ['--data', 'DATA_DIR'],
  shards: ['--shards', 'SHARDS'],
  console: [undefined, 'CONSOLE_DIR'],
  label: [undefined, 'LABEL'],
  demo: ['--demo', undefined],
  crowd: [undefined, undefined],
  accounts: ['--accounts', 'DEMO_ACCOUNTS'],
  rate: ['--rate', undefined],
  every: ['--every', undefined],
  races: ['--races', undefined],
  seed: ['--seed', undefined],
  countries: ['--countries', undefined],
  card: ['--card', undefined],
  brokers: [undefined, 'KAFKA_BROKERS'],
  kafkaTls: [undefined, 'KAFKA_TLS'],
  kafkaCaFile: [undefined, 'KAFKA_CA_FILE'],
  kafkaUser: [undefined, 'KAFKA_USER'],
  kafkaPassword: [undefined, 'KAFKA_PASSWORD'],
  kafkaPasswordFile: [undefined, 'KAFKA_PASSWORD_FILE'],
  kafkaSasl: [undefined, 'KAFKA_SASL'],
  databaseUrl: [undefined, 'DATABASE_URL'],
  redisUrl: [undefined, 'REDIS_URL'],
  replication: [undefined, 'KAFKA_REPLICATION'],
  epoch: [undefined, 'CLUSTER_EPOCH'],
  decide: ['--decide', 'DECIDE'],
  allowSingleNode: ['--allow-single-node', undefined],
  reserveMb: ['--reserve-mb', 'DISK_RESERVE_MB'],
  limitWeb: [undefined, 'LIMIT_WEB'],
  limitPos: [undefined, 'LIMIT_POS'],
  limitPartner: [undefined, 'LIMIT_PARTNER'],
  printConfig: ['--print-config', undefined],
  serviceKey: [undefined, 'SERVICE_KEY'],
  serviceKeyPrevious: [undefined, 'SERVICE_KEY_PREVIOUS'],
  tokenKey: [undefined, 'TOKEN_KEY'],
  tokenKeyPrevious: [undefined, 'TOKEN_KEY_PREVIOUS'],
  sealKeyFile: [undefined, 'SEAL_KEY_FILE'],
  sealSignCommand: [undefined, 'SEAL_SIGN_COMMAND'],
  sealPkcs11: [undefined, 'SEAL_PKCS11'],
  tsaUrl: [undefined, 'TSA_URL'],
  otlpEndpoint: [undefined, 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  traceRatio: [undefined, 'OTEL_TRACES_SAMPLER_ARG'],
  recordFormat: [undefined, 'RECORD_FORMAT'],
  checkpointHour: [undefined, 'CHECKPOINT_HOUR'],
  nice: [undefined, 'NICE'],
  production: [undefined, 'NODE_ENV'],
};

/** Flags without a value. */
const SWITCHES = new Set(['--demo', '--allow-single-node', '--print-config']);

const SECRETS: readonly (keyof Config)[] = ['serviceKey', 'serviceKeyPrevious', 'tokenKey', 'tokenKeyPrevious'];
/** A command may be given a secret among its words. */
const MASKED: readonly (keyof Config)[] = [...SECRETS, 'kafkaPassword', 'sealSignCommand'];

export interface StartArguments {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether the demo runs where no flag says otherwise. */
  readonly demoByDefault: boolean;
}

/** Throws `StartFault` with one line for each fault. */
export function readConfig({ args, env, demoByDefault }: StartArguments): Config {
  const flags = readFlags(args);
  const given: Record<string, unknown> = {};
  for (const [name, [flag, variable]] of Object.entries(SOURCES)) {
    const fromFlag = flag === undefined ? undefined : flags[flag.slice(2)];
    const fromEnv = variable === undefined || env[variable] === '' ? undefined : env[variable];
    given[name] = fromFlag ?? fromEnv;
  }
  given['demo'] = flags['no-demo'] === true ? false : flags['demo'] === true || demoByDefault;
  given['crowd'] = flags['no-crowd'] !== true;
  given['allowSingleNode'] = flags['allow-single-node'] === true;
  given['printConfig'] = flags['print-config'] === true;
  given['production'] = env['NODE_ENV'] === 'production';
  const result = schema.safeParse(given);
  if (!result.success) throw new StartFault(result.error.issues.map(lineOf), EXIT.SETTING);
  requireWhole(result.data);
  return result.data;
}

/** All servers of the distributed way, or none, and nothing that another setting contradicts. */
function requireWhole(config: Config): void {
  const named = { KAFKA_BROKERS: config.brokers, DATABASE_URL: config.databaseUrl, REDIS_URL: config.redisUrl };
  const missing = Object.entries(named).flatMap(([name, value]) => (value === undefined ? [name] : []));
  const passwords = [config.kafkaPassword, config.kafkaPasswordFile].filter((one) => one !== undefined).length;
  const isSecret = config.kafkaTls || config.kafkaCaFile !== undefined;
  const faults: readonly (readonly [is: boolean, line: string])[] = [
    [
      missing.length > 0 && missing.length < 3,
      `${missing.join(' and ')} must be set too: the distributed system needs Kafka, PostgreSQL and Redis.`,
    ],
    [
      passwords !== (config.kafkaUser === undefined ? 0 : 1),
      'KAFKA_USER and one of KAFKA_PASSWORD and KAFKA_PASSWORD_FILE stand together.',
    ],
    [
      config.kafkaUser !== undefined && config.kafkaSasl === 'plain' && !isSecret,
      'KAFKA_SASL=plain would send the password for everybody to read: set KAFKA_CA_FILE or KAFKA_TLS=on.',
    ],
    [
      config.sealPkcs11 !== undefined && (config.sealKeyFile ?? config.sealSignCommand) !== undefined,
      'SEAL_PKCS11 stands alone: the device signs, and neither SEAL_KEY_FILE nor SEAL_SIGN_COMMAND would be used.',
    ],
    [
      config.sealSignCommand !== undefined && config.sealKeyFile === undefined,
      'SEAL_SIGN_COMMAND needs SEAL_KEY_FILE: the public key of what it signs.',
    ],
    [
      config.production && config.demo,
      "The demo hands out tokens, stewards' among them, to whoever asks: start with --no-demo in production.",
    ],
    [
      config.production && (config.serviceKey === undefined || config.tokenKey === undefined),
      'SERVICE_KEY and TOKEN_KEY must be set in production (64 hex digits or more each).',
    ],
  ];
  const lines = faults.flatMap(([is, line]) => (is ? [line] : []));
  if (lines.length > 0) throw new StartFault(lines, EXIT.SETTING);
}

/** What a start that takes other people's money must have been told besides, by what the process will play. */
export function requireProduction(config: Config, roles: readonly Role[]): void {
  if (!config.production) return;
  if (!isDistributed(config) && !config.allowSingleNode)
    throw new StartFault(
      [
        'The embedded log is one machine alone: name Kafka, PostgreSQL and Redis, or accept that the loss of the machine loses bets: --allow-single-node.',
      ],
      EXIT.TOPICS,
    );
  const signs = roles.includes('bet-api') || roles.includes('back-office');
  if (signs && config.sealKeyFile === undefined && config.sealPkcs11 === undefined)
    throw new StartFault(
      ['The key of seals and receipts must be named in production: SEAL_PKCS11 or SEAL_KEY_FILE.'],
      EXIT.SETTING,
    );
}

export const isDistributed = (config: Config): boolean => config.brokers !== undefined;

function readFlags(args: readonly string[]): Record<string, string | boolean | undefined> {
  const text = { type: 'string' } as const;
  const yes = { type: 'boolean' } as const;
  const options: Record<string, typeof text | typeof yes> = { 'no-demo': yes, 'no-crowd': yes };
  for (const [flag] of Object.values(SOURCES))
    if (flag !== undefined) options[flag.slice(2)] = SWITCHES.has(flag) ? yes : text;
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (fault) {
    const [sentence = ''] = (fault as Error).message.split(/\. |\n/);
    throw new StartFault(
      [
        `${sentence.replace(/\.?$/, '.')} Known flags: ${Object.keys(options)
          .map((name) => `--${name}`)
          .join(' ')}`,
      ],
      EXIT.SETTING,
    );
  }
}

function lineOf(issue: z.core.$ZodIssue): string {
  const name = String(issue.path[0]) as keyof Config;
  const [flag, variable] = SOURCES[name] ?? [undefined, undefined];
  const where = [flag, variable].filter((one) => one !== undefined).join(' or ');
  const what = issue.code === 'invalid_type' ? 'must be a whole number' : issue.message;
  return `${where} ${SECRETS.includes(name) ? 'must be at least 32 bytes in hex' : what}.`;
}

/** For `--print-config`: secrets and passwords masked. */
export function maskedConfig(config: Config): Record<string, unknown> {
  const masked = Object.entries(config).map(([name, value]) => {
    if (MASKED.includes(name as keyof Config)) return [name, value === undefined ? undefined : '***'];
    const isAddress = typeof value === 'string' && value.includes('://');
    return [name, isAddress ? withoutPasswords(value.replaceAll(/\s/g, '%20')) : value];
  });
  return Object.fromEntries(masked) as Record<string, unknown>;
}
