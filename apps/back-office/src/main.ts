/** Starts the back-office of a distributed system. */
import { run } from '#mutuel/platform';

await run({ roles: ['back-office'] });
