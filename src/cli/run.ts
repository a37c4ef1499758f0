/** `ouroboros run`: a new run. Not here: what is shown of it (view.ts, summary.ts) and how it is stopped (follow.ts). */
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { presetNames, presets } from '../config/presets.ts';
import { backendNames, learnerNames, type Config, type ConfigInput } from '../config/schema.ts';
import type { CliContext, ExitCode } from './context.ts';
import { follow } from './follow.ts';
import { configOption, defaultRunsFolder, integer, number, port, presetOption, repeated } from './options.ts';

interface RunFlags {
  readonly preset?: string;
  readonly seed?: number;
  readonly out: string;
  readonly corpus?: string[];
  readonly rounds?: number;
  readonly minutes?: number;
  readonly backend?: Config['backend'];
  readonly learner?: Config['learner'];
  readonly evaluator?: string;
  readonly dashboard: boolean;
  readonly port?: number;
  readonly json?: boolean;
  readonly config?: string;
  readonly set?: string[];
}

export function addRun(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('run')
    .summary('train a policy from scratch and let it improve itself')
    .description(`Trains a tokenizer and a policy, then runs rounds of sampling, judging, repairing and learning.\n\nPresets:\n${presetNames.map((name) => `  ${name.padEnd(8)}${presets[name].summary}`).join('\n')}`)
    .addOption(presetOption())
    .option('--seed <n>', 'seed of every random number', integer(0, 0xffffffff))
    .option('--out <folder>', "folder in which the run's folder is made", defaultRunsFolder)
    .option('--corpus <paths...>', 'files, folders and globs of .py or .jsonl to learn from (default: the Python standard library)')
    .option('--rounds <n>', 'most rounds', integer(0))
    .option('--minutes <n>', 'stop after the round in which this is reached', number(0, Infinity, true))
    .addOption(new Option('--backend <name>', 'where tensors are computed; "doctor" lists what is usable').choices(backendNames))
    .addOption(new Option('--learner <name>', 'how the policy is taught (default: "policy-gradient"); docs/learners.md').choices(learnerNames))
    .option('--evaluator <file>', 'a module whose default export makes an evaluator of your own')
    .option('--no-dashboard', 'no dashboard')
    .option('--port <n>', 'port of the dashboard; the next free one when it is taken', port)
    .addOption(configOption())
    .option('--set <key=value>', 'any setting by its name, such as model.layers=6; may be given again; "ouroboros settings" lists them', repeated)
    .option('--json', 'one event a line, the last one run.finished with the table')
    .addHelpText('after', '\nExamples:\n  ouroboros run\n  ouroboros run --preset smoke --no-dashboard\n  ouroboros run --corpus src "lib/**/*.py" --minutes 30\n  ouroboros run --seed 7 --rounds 5 --set learning.passes=1 --json\n')
    .action(async (flags: RunFlags) => {
      const { config } = loadConfig({
        directory: context.directory,
        ...(flags.preset !== undefined && { preset: flags.preset }),
        ...(flags.config !== undefined && { file: flags.config }),
        ...(flags.set && { assignments: flags.set }),
        flags: settingsOf(flags),
      });
      const library = await context.library();
      done(
        await follow(context, library, {
          config,
          rounds: config.budget.rounds,
          run: { folder: resolve(context.directory, flags.out), dashboard: flags.dashboard && (flags.port === undefined ? true : { port: flags.port }) },
          json: flags.json ?? false,
        }),
      );
    });
}

function settingsOf(flags: RunFlags): ConfigInput {
  return {
    ...(flags.seed !== undefined && { seed: flags.seed }),
    ...(flags.corpus && { corpus: flags.corpus }),
    ...(flags.backend && { backend: flags.backend }),
    ...(flags.learner && { learner: flags.learner }),
    ...(flags.evaluator !== undefined && { evaluator: flags.evaluator }),
    budget: { ...(flags.rounds !== undefined && { rounds: flags.rounds }), ...(flags.minutes !== undefined && { minutes: flags.minutes }) },
  };
}
