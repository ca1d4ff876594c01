/** Starts the whole system in one process, with its demo unless told otherwise. */
import { ROLES, run } from '#mutuel/platform';

await run({ roles: ROLES, demoByDefault: true });
