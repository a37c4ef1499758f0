/**
 * Executes programs against tests: a pool of interpreters behind walls, one fresh process a run of a program, a trusted one for the tests, and
 * this process between the two, passing texts on and holding the clock. What a program does is its verdict; only a fault of ours is
 * tried again. Not here: walls (sandbox.ts), processes (sandbox-interpreter.ts), the meaning of answers (src/evaluator/execution).
 */
import { createHash } from 'node:crypto';
import type { ExecutionOutcome, ExecutionRequest, ExecutionVerdict, Executor, ExecutorOptions, SandboxName, SandboxReport } from '../contracts/execution.ts';
import { forbiddenIn, loadOutcome, loadRequest, outputIn, testRequest, testResult } from '../evaluator/execution/index.ts';
import { findSandbox } from './sandbox.ts';
import { Interpreter, InterpreterEnded, type InterpreterOptions } from './sandbox-interpreter.ts';

/** Wrong options, or a use of what is closed. */
export class ExecutorError extends Error {
  override readonly name = 'ExecutorError';
}

/** One run of one program. */
interface Attempt {
  readonly outcome: ExecutionOutcome;
  readonly assertions: number;
  readonly output: string;
  /** Hash of all that the program answered. */
  readonly answers: string;
}

/** The judge failed; `answering` when it was at work on what the program had answered, so that the program may have a part in it. */
class JudgeFault extends Error {
  override readonly name = 'JudgeFault';
  constructor(message: string, readonly answering: boolean) {
    super(message);
  }
}

/** How long a judge may take to see that its program is gone, milliseconds. */
const LOST_MS = 1000;
const START_MS = 60_000;
const NOTHING_RUN = { assertions: 0, output: '', answers: '' } as const;

export class SandboxExecutor implements Executor {
  readonly #options: Required<Omit<ExecutorOptions, 'sandbox'>> & Pick<ExecutorOptions, 'sandbox'>;
  readonly #live = new Set<Interpreter>();
  readonly #warm: Record<1 | 2, Interpreter[]> = { 1: [], 2: [] };
  readonly #judges: Interpreter[] = [];
  readonly #queue: (() => Promise<void>)[] = [];
  #busy = 0;
  #closed = false;

  /** Starts nothing. Throws ExecutorError. */
  constructor(options: ExecutorOptions = {}) {
    this.#options = { workers: 2, interpreter: 'pyodide', timeMs: 10_000, memoryMb: 512, outputBytes: 16_000_000, diskBytes: 64_000_000, twice: true, unsafe: false, ...options };
    const { workers, timeMs, memoryMb } = this.#options;
    if (!Number.isInteger(workers) || workers < 1 || workers > 64) throw new ExecutorError(`workers must be a whole number from 1 to 64, not ${workers}.`);
    checkTime(timeMs);
    if (!Number.isInteger(memoryMb) || memoryMb < 128 || memoryMb > 4096) throw new ExecutorError(`memoryMb must be a whole number from 128 to 4096, not ${memoryMb}.`);
  }

  sandbox(): Promise<SandboxReport> {
    const { unsafe, sandbox } = this.#options;
    return findSandbox({ unsafe, ...(sandbox ? { sandbox } : {}) });
  }

  async executeMany(
    requests: readonly ExecutionRequest[],
    { signal, onVerdict }: { readonly signal?: AbortSignal; readonly onVerdict?: (verdict: ExecutionVerdict, index: number) => void } = {},
  ): Promise<ExecutionVerdict[]> {
    this.#assertOpen();
    for (const { timeMs } of requests) if (timeMs !== undefined) checkTime(timeMs);
    const { sandbox, tried } = await this.sandbox();
    if (sandbox === null) {
      const why = tried.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
      const outcome = { verdict: 'sandbox-unavailable', message: `Programs are not executed here, since no sandbox holds (${why}). Install bubblewrap, or allow it with --unsafe-exec.` } as const;
      return requests.map(({ id }, index) => {
        const verdict = verdictOf(id, { ...NOTHING_RUN, outcome }, 0, null);
        onVerdict?.(verdict, index);
        return verdict;
      });
    }
    const settled = await Promise.allSettled(
      requests.map((request, index) =>
        this.#enqueue(async () => {
          signal?.throwIfAborted();
          const verdict = await this.#judge(request, sandbox, signal);
          onVerdict?.(verdict, index);
          return verdict;
        }),
      ),
    );
    return settled.map((one) => {
      if (one.status === 'rejected') throw one.reason;
      return one.value;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const start of this.#queue.splice(0)) void start();
    await Promise.all([...this.#live].map((interpreter) => interpreter.kill()));
  }

  #assertOpen(): void {
    if (this.#closed) throw new ExecutorError('The executor is closed; open another one.');
  }

  /** Waits for one of the workers. */
  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push(async () => {
        this.#busy++;
        try {
          this.#assertOpen();
          resolve(await work());
        } catch (error) {
          reject(error);
        } finally {
          this.#busy--;
          this.#pump();
        }
      });
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#busy < this.#options.workers && this.#queue.length > 0) void this.#queue.shift()!();
  }

  /** One verdict, of one run or of two. */
  async #judge(request: ExecutionRequest, wall: SandboxName, signal: AbortSignal | undefined): Promise<ExecutionVerdict> {
    const twice = request.twice ?? this.#options.twice;
    let seconds = 0;
    const attempt = async (seed: 1 | 2): Promise<Attempt> => {
      const { attempt: made, seconds: taken } = await this.#retried(request, seed, wall, signal);
      seconds += taken;
      return made;
    };
    const first = await attempt(1);
    if (!twice || first.outcome.verdict !== 'passed') return verdictOf(request.id, first, seconds, null);
    const second = await attempt(2);
    if (second.outcome.verdict === 'sandbox-unavailable') return verdictOf(request.id, second, seconds, null);
    return verdictOf(request.id, second.outcome.verdict === 'passed' ? first : second, seconds, first.answers !== second.answers || second.outcome.verdict !== 'passed');
  }

  /**
   * A fault of the judge's own is tried once more; after that it is said, and nobody has passed. A program whose answers end the judge
   * twice has failed.
   */
  async #retried(request: ExecutionRequest, seed: 1 | 2, wall: SandboxName, signal: AbortSignal | undefined): Promise<{ attempt: Attempt; seconds: number }> {
    let fault: unknown;
    for (let tries = 0; tries < 2; tries++) {
      try {
        return await this.#run(request, seed, wall, signal);
      } catch (error) {
        this.#assertOpen();
        signal?.throwIfAborted();
        fault = error;
      }
    }
    if (fault instanceof JudgeFault && fault.answering) {
      return { attempt: { ...NOTHING_RUN, outcome: { verdict: 'crashed', exitCode: null, signal: null, message: `its answers end the judge: ${fault.message}` } }, seconds: 0 };
    }
    const message = `The judge failed twice: ${fault instanceof Error ? fault.message : String(fault)}`;
    return { attempt: { ...NOTHING_RUN, outcome: { verdict: 'sandbox-unavailable', message } }, seconds: 0 };
  }

  async #run(request: ExecutionRequest, seed: 1 | 2, wall: SandboxName, signal: AbortSignal | undefined): Promise<{ attempt: Attempt; seconds: number }> {
    const tested = testRequest(request);
    const program = this.#take(this.#warm[seed], { role: 'program', seed }, wall);
    // While this one runs, the next one loads.
    if (this.#queue.length > 0) this.#prepare(1, wall);
    if (seed === 1 && (request.twice ?? this.#options.twice)) this.#prepare(2, wall);
    const judge = tested === null ? null : this.#take(this.#judges, { role: 'judge', seed: 1 }, wall);
    const abort = (): void => {
      void program.kill();
      void judge?.kill();
    };
    signal?.addEventListener('abort', abort, { once: true });
    const starting = setTimeout(abort, START_MS);
    try {
      await Promise.all([program.ready, judge?.ready]);
      clearTimeout(starting);
      const begun = performance.now();
      const run = new ProgramRun(request, seed, this.#options, program, judge, tested);
      const attempt = await run.outcome();
      signal?.throwIfAborted();
      this.#assertOpen();
      return { attempt, seconds: (performance.now() - begun) / 1000 };
    } finally {
      clearTimeout(starting);
      signal?.removeEventListener('abort', abort);
      await program.kill();
      if (judge && !judge.ended && !this.#closed) this.#judges.push(judge);
      else await judge?.kill();
    }
  }

  #prepare(seed: 1 | 2, wall: SandboxName): void {
    if (this.#warm[seed].length < this.#options.workers) this.#warm[seed].push(this.#start({ role: 'program', seed }, wall));
  }

  #take(idle: Interpreter[], what: Pick<InterpreterOptions, 'role' | 'seed'>, wall: SandboxName): Interpreter {
    for (let found = idle.shift(); found; found = idle.shift()) if (!found.ended) return found;
    return this.#start(what, wall);
  }

  #start(what: Pick<InterpreterOptions, 'role' | 'seed'>, wall: SandboxName): Interpreter {
    this.#assertOpen();
    const { interpreter, memoryMb, diskBytes } = this.#options;
    const started = new Interpreter({ ...what, interpreter, wall, memoryMb, diskBytes });
    this.#live.add(started);
    void started.gone.then(() => this.#live.delete(started));
    return started;
  }
}

/** One program in one interpreter against one test script in another; used once. */
class ProgramRun {
  readonly #limitMs: number;
  readonly #answers = createHash('sha256');
  #timedOut = false;
  #awaitsJudge = false;

  constructor(
    readonly request: ExecutionRequest,
    readonly seed: number,
    readonly options: { readonly timeMs: number; readonly memoryMb: number; readonly outputBytes: number },
    readonly program: Interpreter,
    readonly judge: Interpreter | null,
    readonly tested: string | null,
  ) {
    this.#limitMs = request.timeMs ?? options.timeMs;
  }

  /** Rejects with JudgeFault, or with what the judge's interpreter ended by. */
  async outcome(): Promise<Attempt> {
    const timer = setTimeout(() => {
      this.#timedOut = true;
      void this.program.kill();
      if (this.#awaitsJudge) void this.judge?.kill();
    }, this.#limitMs);
    try {
      return await this.#carryOut();
    } finally {
      clearTimeout(timer);
    }
  }

  async #carryOut(): Promise<Attempt> {
    const loaded = await this.#askProgram('load', loadRequest(this.request, this.seed, this.options.outputBytes));
    if (typeof loaded !== 'string') return this.#attempt(loaded, 0);
    const failed = loadOutcome(loaded, this.options.memoryMb);
    if (failed) return this.#attempt(failed, 0);
    if (this.tested === null) return this.#finish({ verdict: 'passed' }, 0);

    let reply = await this.#askJudge('test', this.tested);
    while (reply !== null && reply.kind === 'call') {
      const answer = await this.#askProgram('call', reply.text);
      if (typeof answer !== 'string') {
        await this.#tellLost();
        return this.#attempt(answer, 0);
      }
      reply = await this.#askJudge('answer', answer);
    }
    if (reply === null) return this.#attempt(this.#timeout(), 0);
    const result = testResult(reply.text, this.options.memoryMb);
    if (reply.kind !== 'answer' || !result) throw new JudgeFault(`The trusted interpreter gave no verdict: ${reply.text.slice(0, 200)}`, false);
    return this.#finish(result.outcome, result.assertions);
  }

  /** The program's answer, or how it ended. A callback of the program's counts as its answer: the judge answers it with a call. */
  async #askProgram(kind: string, text: string): Promise<string | ExecutionOutcome> {
    try {
      const reply = await this.program.exchange(kind, text);
      if (reply.kind === 'died') return { verdict: 'forbidden', what: `more output than ${this.options.outputBytes} bytes` };
      this.#answers.update(reply.text).update('\n');
      if (reply.kind === 'callback') return `{"callback":${reply.text}}`;
      const forbidden = forbiddenIn(reply.text);
      return forbidden === null ? reply.text : { verdict: 'forbidden', what: forbidden };
    } catch (error) {
      if (!(error instanceof InterpreterEnded)) throw error;
      if (this.#timedOut) return this.#timeout();
      if (error.how !== 'exit') return { verdict: 'forbidden', what: error.how === 'flooded' ? 'an answer larger than the channel takes' : 'tampering with the result channel' };
      if (error.outOfMemory) return { verdict: 'out-of-memory', limitMb: this.options.memoryMb };
      return { verdict: 'crashed', exitCode: error.exitCode, signal: error.signal, message: error.log.trim().slice(-300) };
    }
  }

  /** Null when time ran out while the judge was at work, on the program's answers. */
  async #askJudge(kind: string, text: string): Promise<{ readonly kind: string; readonly text: string } | null> {
    this.#awaitsJudge = true;
    try {
      return await this.judge!.exchange(kind, text);
    } catch (error) {
      if (this.#timedOut) return null;
      throw new JudgeFault(error instanceof Error ? error.message : String(error), kind === 'answer');
    } finally {
      this.#awaitsJudge = false;
    }
  }

  /** The judge waits for an answer that will not come. One that does not take it well is replaced. */
  async #tellLost(): Promise<void> {
    const judge = this.judge!;
    const timer = setTimeout(() => void judge.kill(), LOST_MS);
    try {
      if ((await judge.exchange('answer', '{"lost":true}')).kind !== 'answer') await judge.kill();
    } catch {
      await judge.kill();
    } finally {
      clearTimeout(timer);
    }
  }

  async #finish(outcome: ExecutionOutcome, assertions: number): Promise<Attempt> {
    const answers = this.#answers.copy();
    const last = await this.#askProgram('finish', '{"finish":true}');
    if (typeof last !== 'string') {
      // What it answered stands, unless it was found out meanwhile.
      return last.verdict === 'forbidden' ? this.#attempt(last, assertions) : { outcome, assertions, output: '', answers: answers.digest('hex') };
    }
    const output = outputIn(last);
    if (this.tested === null) answers.update(output);
    return { outcome, assertions, output, answers: answers.digest('hex') };
  }

  #attempt(outcome: ExecutionOutcome, assertions: number): Attempt {
    return { outcome, assertions, output: '', answers: '' };
  }

  #timeout(): ExecutionOutcome {
    return { verdict: 'timeout', limitMs: this.#limitMs };
  }
}

function verdictOf(id: string, { outcome, assertions, output }: Attempt, seconds: number, nondeterministic: boolean | null): ExecutionVerdict {
  return { id, ...outcome, passed: outcome.verdict === 'passed', assertions, seconds, nondeterministic, output };
}

function checkTime(timeMs: number): void {
  if (!(timeMs >= 100 && timeMs <= 600_000)) throw new ExecutorError(`timeMs must be from 100 to 600,000, not ${timeMs}.`);
}
