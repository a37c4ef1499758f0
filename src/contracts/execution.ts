/**
 * What it means to execute a program: the request, the typed verdict, and the interface that whoever executes has to offer. Plain
 * records only. Not here: sandboxes, interpreters and processes (src/processes), and how tests are judged (src/evaluator/execution).
 */

/** What a program is tested with. The tests are trusted, the program is not. */
export type ProgramTests =
  /** No tests: the program, run as a script, has to end without an exception. */
  | { readonly kind: 'none' }
  /**
   * Python statements; names that they use and neither they, the prompt nor Python define are the program's. MBPP's lists, and any file of
   * asserts. `names` are the program's although Python has them too, such as a `sum` of its own.
   */
  | { readonly kind: 'asserts'; readonly script: string; readonly names?: readonly string[] }
  /** A Python script that defines `check(candidate)`: HumanEval's form. `candidate` is the program's `entryPoint`. */
  | { readonly kind: 'check'; readonly script: string; readonly entryPoint: string };

export interface ExecutionRequest {
  /** Echoed in the verdict. */
  readonly id: string;
  /** The whole program: prompt and completion joined. */
  readonly program: string;
  /** The trusted beginning of the program: functions that it defines whole may be used by the tests. Default: none. */
  readonly prompt?: string;
  readonly tests: ProgramTests;
  /** Wall-clock limit in milliseconds, over the executor's own; 100 to 600,000. It starts when the interpreter is ready. */
  readonly timeMs?: number;
  /**
   * Run a program that passed once more under another hash seed and another seed of `random`, and mark it where its answers differ; it has
   * passed only if it passes both times. Default: what the executor was opened with.
   */
  readonly twice?: boolean;
}

/** One assertion of the tests that did not hold. Texts are cut to 500 characters. */
export interface FailedAssertion {
  /** 0-based: how many assertions had been evaluated before it. */
  readonly index: number;
  /** 1-based line of the test script. */
  readonly line: number;
  /** The assertion's source. */
  readonly source: string;
  /** What the program gave and what was wanted, as Python would write them; null where the assertion is no comparison. */
  readonly got: string | null;
  readonly wanted: string | null;
}

/** How a program ended. Everything but `passed` and `sandbox-unavailable` is the program's failure and stays in the denominator. */
export type ExecutionOutcome =
  | { readonly verdict: 'passed' }
  | { readonly verdict: 'failed'; readonly assertion: FailedAssertion }
  /** An exception ended the program (`where: 'program'`, `line` is the program's), or the tests could not be carried out (`'tests'`). */
  | { readonly verdict: 'error'; readonly type: string; readonly message: string; readonly line: number | null; readonly where: 'program' | 'tests' }
  | { readonly verdict: 'timeout'; readonly limitMs: number }
  | { readonly verdict: 'out-of-memory'; readonly limitMb: number }
  /** The process ended by itself: an exit behind the harness's back, a signal, an abort of the interpreter. */
  | { readonly verdict: 'crashed'; readonly exitCode: number | null; readonly signal: string | null; readonly message: string }
  /** It tried what the walls do not allow: a connection, a process, the host's files, more output than the limit, the channel. */
  | { readonly verdict: 'forbidden'; readonly what: string }
  /** Nothing was executed: there is no usable sandbox here, and running without one was not asked for; or it fails by itself. */
  | { readonly verdict: 'sandbox-unavailable'; readonly message: string };

export type VerdictName = ExecutionOutcome['verdict'];

export type ExecutionVerdict = ExecutionOutcome & {
  readonly id: string;
  readonly passed: boolean;
  /** Assertions that held. */
  readonly assertions: number;
  /** Wall-clock seconds from an interpreter that is ready to the verdict; both runs where there were two. */
  readonly seconds: number;
  /** True: two runs under different seeds answered differently. Null: not asked, or the first run did not pass. */
  readonly nondeterministic: boolean | null;
  /** What the program printed, cut; empty where it did not live to tell. */
  readonly output: string;
};

export type SandboxName = 'bwrap' | 'unshare' | 'none';

/** What stands between a program and this machine, found by running a harmless program. */
export interface SandboxReport {
  /** What is used: `none` only when that was asked for. Null: nothing is usable, and programs are refused. */
  readonly sandbox: SandboxName | null;
  /** Every wall that was tried: usable, or why not. */
  readonly tried: readonly { readonly name: SandboxName; readonly usable: boolean; readonly reason: string }[];
}

export interface ExecutorOptions {
  /** Programs that run at the same time; default 2. Each takes about 250 MB with `pyodide`. */
  readonly workers?: number;
  /** CPython in WebAssembly (default), or the system's own `python3` inside the same walls: faster, whatever its version. */
  readonly interpreter?: 'pyodide' | 'python3';
  /** Wall-clock limit of one run in milliseconds; default 10,000. */
  readonly timeMs?: number;
  /** Memory that a program's interpreter may take, in MB; 128 to 4,096, default 512. */
  readonly memoryMb?: number;
  /** Bytes that a program may print, default 16 million. */
  readonly outputBytes?: number;
  /** Bytes that a program's files may take, default 64 million. */
  readonly diskBytes?: number;
  /** Default for `ExecutionRequest.twice`; default true. */
  readonly twice?: boolean;
  /** Runs programs without a sandbox where there is none. The program can then do to this machine what its user can. */
  readonly unsafe?: boolean;
  /** Only this wall instead of the first that is usable. */
  readonly sandbox?: Exclude<SandboxName, 'none'>;
}

export interface Executor {
  /**
   * One verdict a request, in order. Rejects after `close`, when `signal` aborts, and never because of what a program does. `onVerdict` is
   * told each verdict as soon as it is there, in any order.
   */
  executeMany(requests: readonly ExecutionRequest[], options?: { readonly signal?: AbortSignal; readonly onVerdict?: (verdict: ExecutionVerdict, index: number) => void }): Promise<ExecutionVerdict[]>;
  /** What was found when the walls were tried. */
  sandbox(): Promise<SandboxReport>;
  /** Ends every process. */
  close(): Promise<void>;
}
