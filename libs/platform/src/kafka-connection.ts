/** How a process reaches Kafka: the brokers with what they ask of whoever connects. Passwords must never stand in a sentence. */
import { readFileSync } from 'node:fs';
import type { KafkaConnection } from '#mutuel/adapters';
import type { Config } from './config.js';
import { EXIT, StartFault } from './start-fault.js';

/** Undefined in an embedded system. */
export function kafkaOf(
  config: Config,
  clientId: string,
  onWarning: (line: string) => void,
): KafkaConnection | undefined {
  const { brokers } = config;
  if (brokers === undefined) return undefined;
  const security = { ...tlsOf(config), ...saslOf(config) };
  return { brokers, clientId, onWarning, ...(Object.keys(security).length > 0 ? { security } : {}) };
}

type Security = NonNullable<KafkaConnection['security']>;

function tlsOf({ kafkaTls, kafkaCaFile }: Config): Security {
  if (kafkaCaFile !== undefined) return { ssl: { ca: [textOf(kafkaCaFile, 'KAFKA_CA_FILE')] } };
  return kafkaTls ? { ssl: true } : {};
}

function saslOf({ kafkaUser: username, kafkaPassword, kafkaPasswordFile, kafkaSasl: mechanism }: Config): Security {
  if (username === undefined) return {};
  const password = kafkaPassword ?? textOf(kafkaPasswordFile ?? '', 'KAFKA_PASSWORD_FILE').trimEnd();
  // kafkajs has a type for each mechanism; they do not differ.
  return { sasl: { mechanism, username, password } as NonNullable<Security['sasl']> };
}

function textOf(file: string, setting: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new StartFault([`${setting} cannot be read: ${(cause as Error).message}`], EXIT.SETTING, { cause });
  }
}
