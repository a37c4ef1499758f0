#!/usr/bin/env node
/** The `ouroboros` command's process: streams, signals, exit code. Not here: any command (program.ts). */
import { buffer } from 'node:stream/consumers';
import { collectEarly } from '../processes/memory.ts';
import { exitCodes, type CliContext } from './context.ts';
import { runCli } from './program.ts';

collectEarly();

const listeners = new Set<() => void>();
const interrupt = (): void => {
  for (const listener of listeners) listener();
};

const context: CliContext = {
  stdout: process.stdout,
  stderr: process.stderr,
  directory: process.cwd(),
  env: process.env,
  readStdin: () => buffer(process.stdin),
  library: () => import('../index.ts'),
  onInterrupt(listener) {
    if (listeners.size === 0) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt);
    };
  },
  exitNow: (code) => process.exit(code),
};

// Whoever reads our output went away, as `| head` does: there is nobody left to work for.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  throw error;
});

const code = await runCli(process.argv.slice(2), context);
// Native libraries may hold the event loop open; all that is left is what the streams have not written yet.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))));
process.exit(code);
