/**
 * What a command may touch: streams, folder, library, interruptions. Commands take it as an argument, so that tests run them
 * without a process of their own. Exit codes are decided here and nowhere else.
 */
import type { ConfigInput } from '../config/schema.ts';
import type { Library } from '../contracts/library.ts';

export const exitCodes = { ok: 0, failed: 1, usage: 2, belowLimit: 3, interrupted: 130 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  /** 0 where a terminal does not say. */
  readonly columns?: number | undefined;
}

export interface CliContext {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readStdin(): Promise<Uint8Array>;
  /** Loaded when a command needs it: `--help` must not wait for tensors. */
  library(): Promise<Library<ConfigInput>>;
  /** Calls `listener` at each Ctrl-C (or SIGTERM) until the returned function is called; without listeners the process ends. */
  onInterrupt(listener: () => void): () => void;
  /** Ends the process at once: the second Ctrl-C, or a run that cannot stop. */
  exitNow(code: ExitCode): void;
}

/** The command line is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Why a file that the user named cannot be read, as the end of a sentence. */
export function whyUnreadable(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' ? 'it does not exist' : code === 'EISDIR' ? 'it is a folder; name the files in it' : message;
}

/** Writes a line of JSON. */
export function writeJson(context: CliContext, value: unknown): void {
  context.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Resolves at the next interruption. */
export function interruption(context: CliContext): Promise<void> {
  return new Promise((resolve) => {
    const end = context.onInterrupt(() => {
      end();
      resolve();
    });
  });
}
