/** Types of what loads and benchmarks share with the start commands. */

/** What `npm start` and `npm run start:distributed` give every process. */
export const nodeFlags: readonly string[];
