/**
 * `ouroboros humaneval`: runs the samples of a benchmark in HumanEval's format, or MBPP's, and prints pass@k. Results are written beside the
 * samples, as the benchmark itself writes them. Not here: sandboxes and verdicts.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import cliProgress from 'cli-progress';
import { Option, type Command } from 'commander';
import type { ExecutionVerdict, ExecutorOptions } from '../contracts/execution.ts';
import { describeOutcome, executionRequest, meanPassAtK, parseCompletions, parseProblems } from '../evaluator/execution/index.ts';
import { exitCodes, UsageError, whyUnreadable, writeJson, type CliContext, type ExitCode } from './context.ts';
import { integer, number } from './options.ts';
import { count, durationText, harmless } from './text.ts';

interface HumanEvalFlags {
  readonly problems: string;
  readonly samples: string;
  readonly json?: boolean;
  readonly timeout: number;
  readonly workers: number;
  readonly interpreter: 'pyodide' | 'python3';
  readonly memory: number;
  readonly once?: boolean;
  readonly unsafeExec?: boolean;
}

export function addHumanEval(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('humaneval')
    .summary('run the samples of a benchmark and print pass@k')
    .description('Executes each sample in a sandbox against its problem\'s tests. Reads HumanEval\'s format (prompt, entry_point, test) and MBPP\'s (test_list); files may be gzipped. Writes FILE_results.jsonl beside the samples.')
    .requiredOption('--problems <file>', 'the problems, a JSON object a line')
    .requiredOption('--samples <file>', 'the samples: {"task_id": …, "completion": …} a line; - is standard input')
    .option('--timeout <seconds>', 'wall-clock limit of one run', number(0.1, 600), 10)
    .option('--memory <mb>', 'memory limit of one run', integer(128, 4096), 512)
    .option('--workers <n>', 'samples that run at the same time', integer(1, 64), 2)
    .addOption(new Option('--interpreter <name>', "CPython in WebAssembly, or the system's own in the same sandbox: faster").choices(['pyodide', 'python3']).default('pyodide'))
    .option('--once', 'run what passed once only, not a second time under other seeds')
    .option('--unsafe-exec', 'run without a sandbox where there is none: the samples can then do whatever you can')
    .option('--json', 'the result as JSON')
    .addHelpText('after', '\nExamples:\n  ouroboros humaneval --problems HumanEval.jsonl.gz --samples samples.jsonl\n  ouroboros humaneval --problems mbpp.jsonl --samples samples.jsonl --interpreter python3 --json\n')
    .action(async (flags: HumanEvalFlags) => {
      const problems = await parsed(context, flags.problems, parseProblems);
      const samples = await parsed(context, flags.samples, parseCompletions);
      const byId = new Map(problems.map((problem) => [problem.id, problem]));
      const unknown = samples.find(({ taskId }) => !byId.has(taskId));
      if (unknown) throw new UsageError(`The samples name the task ${unknown.taskId}, which ${flags.problems} does not hold.`);
      const asked = new Set(samples.map(({ taskId }) => taskId));
      const missing = problems.filter(({ id }) => !asked.has(id));
      // The benchmark's own rule: a rate over the problems that were easy to answer says nothing.
      if (missing.length > 0) throw new UsageError(`${count(missing.length, 'problem')} of ${problems.length} (${missing[0]!.id} first) have no sample; give each at least one, if only an empty one.`);

      const options: ExecutorOptions = {
        workers: flags.workers, interpreter: flags.interpreter, timeMs: flags.timeout * 1000, memoryMb: flags.memory, twice: !flags.once, unsafe: flags.unsafeExec ?? false,
      };
      const library = await context.library();
      const executor = library.openExecutor(options);
      const stop = new AbortController();
      const endInterrupt = context.onInterrupt(() => stop.abort());
      const view = new Progress(context, samples.length);
      const begun = performance.now();
      let verdicts: ExecutionVerdict[];
      let wall: string | null;
      try {
        wall = (await executor.sandbox()).sandbox;
        if (wall === 'none') context.stderr.write('There is no sandbox here: samples run unconfined (--unsafe-exec).\n');
        const requests = samples.map(({ taskId, completion }, i) => executionRequest(byId.get(taskId)!, completion, String(i)));
        verdicts = await executor.executeMany(requests, { signal: stop.signal, onVerdict: (verdict) => view.count(verdict) });
      } catch (error) {
        if (!stop.signal.aborted) throw error;
        return done(exitCodes.interrupted);
      } finally {
        view.close();
        endInterrupt();
        await executor.close();
      }
      const refused = verdicts.find((verdict) => verdict.verdict === 'sandbox-unavailable');
      if (refused?.verdict === 'sandbox-unavailable') throw new Error(refused.message);

      const resultsFile = resolve(context.directory, `${flags.samples === '-' ? 'samples.jsonl' : flags.samples}_results.jsonl`);
      writeFileSync(resultsFile, samples.map(({ record }, i) => `${JSON.stringify({ ...record, ...resultOf(verdicts[i]!) })}\n`).join(''));
      const tallies = problems.map(({ id }) => {
        const own = verdicts.filter((_, i) => samples[i]!.taskId === id);
        return { n: own.length, c: own.filter(({ passed }) => passed).length };
      });
      const rates = meanPassAtK(tallies);
      const byVerdict: Record<string, number> = {};
      for (const { verdict } of verdicts) byVerdict[verdict] = (byVerdict[verdict] ?? 0) + 1;
      const nondeterministic = verdicts.filter((verdict) => verdict.nondeterministic).length;
      const seconds = (performance.now() - begun) / 1000;
      if (flags.json) {
        writeJson(context, { ...rates, problems: problems.length, samples: samples.length, passed: byVerdict['passed'] ?? 0, verdicts: byVerdict, nondeterministic, sandbox: wall, interpreter: flags.interpreter, seconds, results: resultsFile });
      } else {
        const lines = Object.entries(rates).map(([name, value]) => `${name.padEnd(9)}${(100 * value).toFixed(2)} %`);
        context.stdout.write(`${lines.join('\n')}\n${Object.entries(byVerdict).map(([name, n]) => `${n} ${name}`).join(', ')}${nondeterministic ? `; ${nondeterministic} nondeterministic` : ''}\n${count(samples.length, 'sample')} of ${count(problems.length, 'problem')} in ${durationText(seconds)}, sandbox ${wall}, ${flags.interpreter}; results: ${harmless(resultsFile)}\n`);
      }
      done(exitCodes.ok);
    });
}

/** The benchmark's two fields, and what we know beyond them. */
function resultOf(verdict: ExecutionVerdict): Record<string, unknown> {
  const result = verdict.verdict === 'passed' ? 'passed' : verdict.verdict === 'timeout' ? 'timed out' : `failed: ${describeOutcome(verdict).replace(/^failed: /, '')}`;
  return { result, passed: verdict.passed, verdict: verdict.verdict, seconds: verdict.seconds, ...(verdict.nondeterministic === null ? {} : { nondeterministic: verdict.nondeterministic }) };
}

async function parsed<T>(context: CliContext, file: string, parse: (text: string) => T): Promise<T> {
  let bytes: Uint8Array;
  try {
    bytes = file === '-' ? await context.readStdin() : readFileSync(resolve(context.directory, file));
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = gunzipSync(bytes);
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${whyUnreadable(error)}.`, { cause: error });
  }
  try {
    return parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** A bar on a terminal, nothing elsewhere: what counts is printed at the end. */
class Progress {
  readonly #bar: cliProgress.SingleBar | null = null;
  #passed = 0;

  constructor(context: CliContext, total: number) {
    if (!context.stderr.isTTY) return;
    this.#bar = new cliProgress.SingleBar({
      format: 'Running {bar} {value}/{total} · {passed} passed · {eta_formatted} left', barCompleteChar: '█', barIncompleteChar: '░', barsize: 24,
      stream: context.stderr as NodeJS.WritableStream, gracefulExit: false, hideCursor: null, forceRedraw: true, fps: 4,
    });
    this.#bar.start(total, 0, { passed: 0 });
  }

  count({ passed }: ExecutionVerdict): void {
    this.#passed += Number(passed);
    this.#bar?.increment({ passed: this.#passed });
  }

  close(): void {
    this.#bar?.stop();
  }
}
