/** How the tests run: in processes (native code crashes alone), two at a time (the machine's memory and cores are few). */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'node',
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/global-setup.ts'],
    setupFiles: ['tests/setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // To end what hangs, not to time anything: the slowest test takes a minute where nothing else runs.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
