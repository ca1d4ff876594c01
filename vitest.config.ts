import { defineConfig } from 'vitest/config';

// A test's suffix names the machine it needs: .unit (nothing), .int (real servers), .e2e (the whole system, a browser).
const project = (name: string, extra: object = {}) => ({
  extends: true as const,
  test: { name, include: [`{libs,apps,test,bench,loadtests}/**/*.${name}.test.ts`], ...extra },
});

/** Real servers on a shared machine stall now and then: one more try, which the reporter names. Pure suites get none. */
const ONE_MORE = { retry: 1 };

export default defineConfig({
  resolve: { conditions: ['src', 'node'] },
  ssr: { resolve: { conditions: ['src', 'node'] } },
  test: {
    projects: [
      // Time is no verdict here: a property of a thousand cases takes long where others use the processor.
      project('unit', { testTimeout: 60_000, hookTimeout: 60_000 }),
      project('int', {
        globalSetup: 'test/servers.ts',
        testTimeout: 60_000,
        hookTimeout: 120_000,
        fileParallelism: false,
        ...ONE_MORE,
      }),
      project('e2e', {
        globalSetup: 'test/servers.ts',
        testTimeout: 240_000,
        hookTimeout: 240_000,
        fileParallelism: false,
        ...ONE_MORE,
      }),
    ],
  },
});
