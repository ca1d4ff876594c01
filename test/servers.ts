/**
 * Gives the integration and end-to-end tests the addresses of real servers in the environment: those it already names (`npm test`
 * does), else the native ones of an instance of their own, which is left running so that the next run of one suite starts at once.
 * It never points a test at a developer's own data.
 */
import { externalServers, up } from '../infra/native/index.mjs';

export async function setup(): Promise<void> {
  if (externalServers() !== null) return;
  Object.assign(process.env, await up({ instance: process.env['MUTUEL_INFRA'] ?? 'loop' }));
}
