/** The real servers of the integration tests: those the environment names, or else our own, started on the spot. Never skipped. */
import { env } from 'node:process';
import { up } from '../../../../infra/native/index.mjs';

export interface Servers {
  readonly brokers: readonly string[];
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

export async function servers(): Promise<Servers> {
  const { KAFKA_BROKERS, DATABASE_URL, REDIS_URL } = env;
  const given = KAFKA_BROKERS && DATABASE_URL && REDIS_URL ? { KAFKA_BROKERS, DATABASE_URL, REDIS_URL } : await up();
  return { brokers: given.KAFKA_BROKERS.split(','), databaseUrl: given.DATABASE_URL, redisUrl: given.REDIS_URL };
}
