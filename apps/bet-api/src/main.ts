/** Starts the bet-api of a distributed system. */
import { run } from '#mutuel/platform';

await run({ roles: ['bet-api'] });
