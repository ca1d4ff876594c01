import { defineConfig } from 'vitest/config';

// A test's suffix names the machine it needs: .unit (nothing), .int (real servers), .e2e (the whole system, a browser).
const project = (name: string, extra: object = {}) => ({
  extends: true as const,
  test: { name, include: [`{libs,apps,test,bench,loadtests}/**/*.${name}.test.ts`], ...extra },
});

/** Real servers on a shared machine stall now and then: one more try, which the reporter names. Pure suites get none. */
const ONE_MORE = { retry: 1 };
/**
 * Time is no verdict: these only end what would wait for ever, on a machine that is six times as slow as it was yesterday too. What a test
 * polls for comes as soon as it comes.
 */
const limits = (minutes: number) => ({
  testTimeout: minutes * 60_000,
  hookTimeout: minutes * 60_000,
  expect: { poll: { timeout: Math.min(2, minutes / 2) * 60_000 } },
});

export default defineConfig({
  resolve: { conditions: ['src', 'node'] },
  ssr: { resolve: { conditions: ['src', 'node'] } },
  // A third of a run went into loading the same modules anew for every file, and into compiling them for each of the three runs.
  test: {
    isolate: false,
    experimental: { fsModuleCache: true },
    // By itself it leaves one core free, which is half of a small machine.
    maxWorkers: '100%',
    projects: [
      project('unit', limits(4)),
      project('int', {
        globalSetup: 'test/servers.ts',
        fileParallelism: false,
        ...limits(6),
        ...ONE_MORE,
      }),
      project('e2e', {
        globalSetup: 'test/servers.ts',
        fileParallelism: false,
        ...limits(15),
        ...ONE_MORE,
      }),
    ],
  },
});
