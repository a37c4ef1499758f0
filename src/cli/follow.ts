/**
 * One run from start to end on the command line: what `run` and `resume` share. Ctrl-C once: the run stops now, saves, and the
 * process ends within ten seconds; twice: it ends at once.
 */
import { relative } from 'node:path';
import type { ConfigInput } from '../config/schema.ts';
import type { Library, Run, RunOptions, RunResult } from '../contracts/library.ts';
import { EventLogReader } from '../store/event-log.ts';
import { exitCodes, interruption, writeJson, type CliContext, type ExitCode } from './context.ts';
import { summaryText } from './summary.ts';
import { count } from './text.ts';
import { RunView } from './view.ts';

/** Milliseconds from the first Ctrl-C to the end, whatever the run does. */
const stopLimit = 9_500;

/** Columns of a table that does not go to a terminal. */
const fileWidth = 200;

export interface FollowOptions {
  readonly config: ConfigInput;
  /** How many rounds the budget allows, for what is shown. */
  readonly rounds: number;
  readonly run: Pick<RunOptions, 'folder' | 'resume' | 'dashboard'>;
  readonly json: boolean;
}

/** Starts the run and follows it; returns the exit code. */
export async function follow(context: CliContext, library: Library<ConfigInput>, options: FollowOptions): Promise<ExitCode> {
  const view = options.json ? null : new RunView(context.stdout, options.rounds);
  const run = library.createRun(options.config, options.run);
  // A resumed run tells what happens from here on; what went before is in its table.
  const from = options.run.resume === undefined ? 0 : newestRecord(run.folder);
  view?.say(`Run: ${run.folder}`);
  const interrupt = stopOnInterrupt(context, run, (text) => (view ? view.say(text) : context.stderr.write(`${text}\n`)));
  const address = run.dashboardUrl.then((url) => {
    if (url && view) view.say(`Dashboard: ${url}`);
    else if (url) context.stderr.write(`Dashboard: ${url}\n`);
    return url;
  });
  let result: RunResult;
  try {
    const events = showEvents(context, run, view, from);
    // Iteration and run end together; the run's own failure is the one to report.
    [result] = await Promise.all([run.start(), events]);
  } catch (error) {
    view?.close();
    // That the run failed says more than what its end met on the way.
    await run.close().catch(() => {});
    interrupt.end();
    if (interrupt.count() > 0) return exitCodes.interrupted;
    throw error;
  }
  view?.close();
  if (options.json) writeJson(context, { type: 'run.finished', run: result.folder, rounds: result.rounds, reason: result.reason, logHash: result.logHash, weightsHash: result.weightsHash, table: result.table });
  else showEnd(context, result);
  const stays = context.stdout.isTTY && !options.json && interrupt.count() === 0 ? await address : null;
  if (stays) {
    interrupt.end();
    context.stdout.write(`\nThe dashboard stays at ${stays}\nPress Ctrl-C to end.\n`);
    await interruption(context);
  }
  await run.close();
  interrupt.end();
  return interrupt.count() > 0 ? exitCodes.interrupted : exitCodes.ok;
}

function newestRecord(folder: string): number {
  const log = new EventLogReader(folder);
  try {
    return log.last();
  } finally {
    log.close();
  }
}

/** Shows what is logged after the record `from`. */
async function showEvents(context: CliContext, run: Run, view: RunView | null, from: number): Promise<void> {
  for await (const event of run) {
    if (event.seq <= from) continue;
    if (view) view.show(event);
    // The command's own last line says the same and more.
    else if (event.type !== 'run.finished') writeJson(context, event);
  }
}

function showEnd(context: CliContext, result: RunResult): void {
  const log = new EventLogReader(result.folder);
  try {
    const lines = [
      `Ended after ${count(result.rounds, 'round')}: ${result.reason}`,
      `Log: ${result.logHash}`,
      // A run that was stopped early has saved no weights.
      ...(result.weightsHash ? [`Weights: ${result.weightsHash}`] : []),
      `Run folder: ${result.folder}`,
      ...(log.query({ types: ['run.finished'] }).length > 0 ? [] : [`Go on with: ouroboros resume ${relative(context.directory, result.folder)}`]),
    ];
    context.stdout.write(`\n${summaryText(log, context.stdout.isTTY ? (context.stdout.columns || 80) : fileWidth)}\n\n${lines.join('\n')}\n`);
  } finally {
    log.close();
  }
}

function stopOnInterrupt(context: CliContext, run: Run, say: (text: string) => void): { count(): number; end(): void } {
  let interrupts = 0;
  let timer: NodeJS.Timeout | undefined;
  const unlisten = context.onInterrupt(() => {
    interrupts++;
    if (interrupts > 1) return context.exitNow(exitCodes.interrupted);
    say('Stopping: saving what is done. Ctrl-C again ends at once.');
    run.command('stop-now');
    timer = setTimeout(() => context.exitNow(exitCodes.interrupted), stopLimit);
    timer.unref();
  });
  return {
    count: () => interrupts,
    end: () => {
      clearTimeout(timer);
      unlisten();
    },
  };
}
