/** Starts the projector of a distributed system. */
import { run } from '#mutuel/platform';

await run({ roles: ['projector'] });
