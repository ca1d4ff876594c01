/** Starts the odds of a distributed system. */
import { run } from '#mutuel/platform';

await run({ roles: ['odds', 'calculators'] });
