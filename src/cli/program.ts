/**
 * The commands, put together, and what they have in common: help, suggestions for slips, exit codes, errors as one sentence.
 * Not here: the process (main.ts) and any command.
 */
import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config/load.ts';
import { packageVersion } from '../store/run-folder.ts';
import { addCache } from './cache.ts';
import { exitCodes, UsageError, type CliContext, type ExitCode } from './context.ts';
import { addDashboard } from './dashboard.ts';
import { addDoctor } from './doctor.ts';
import { addEvaluate } from './evaluate.ts';
import { addExport } from './export.ts';
import { addGenerate } from './generate.ts';
import { addGraph } from './graph.ts';
import { addHumanEval } from './humaneval.ts';
import { addResume } from './resume.ts';
import { addRun } from './run.ts';
import { addRuns } from './runs.ts';
import { addSettings } from './settings.ts';
import { addSetupTensorFlow } from './setup-tensorflow.ts';

/** Runs one command line (without node and script) and returns its exit code. Never rejects. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  const done = (result: ExitCode): void => void (code = result);
  const program = new Command('ouroboros')
    .description('A code model that writes Python, judges what it wrote, repairs it, and trains itself on the result.')
    .version(packageVersion(), '-v, --version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
      getOutHelpWidth: () => context.stdout.columns || 100,
      getErrHelpWidth: () => context.stderr.columns || 100,
    })
    .addHelpText('after', '\nExamples:\n  ouroboros run                     a whole run, with a dashboard\n  ouroboros run --preset smoke      the same in under a minute\n  ouroboros evaluate app.py         judge a file\n\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 below --fail-under or tests not passed, 130 interrupted.\n');
  for (const add of [addRun, addResume, addDashboard, addDoctor, addEvaluate, addHumanEval, addGenerate, addRuns, addExport, addGraph, addSettings, addCache, addSetupTensorFlow]) add(program, context, done);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const usage = error instanceof UsageError || error instanceof ConfigError;
    context.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    // A known error says what to do; of any other the place matters.
    if (!usage && context.env.OUROBOROS_DEBUG && error instanceof Error) context.stderr.write(`${error.stack ?? ''}\n`);
    return usage ? exitCodes.usage : exitCodes.failed;
  }
}
