/** Starts the engine of a distributed system. */
import { run } from '#mutuel/platform';

await run({ roles: ['engine'] });
