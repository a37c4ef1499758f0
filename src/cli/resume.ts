/** `ouroboros resume RUN`: goes on with the next unfinished step of an earlier run, under the configuration it was started with. */
import type { Command } from 'commander';
import { parseConfig } from '../config/load.ts';
import { findRunFolder, readRunConfig } from '../store/run-folder.ts';
import type { CliContext, ExitCode } from './context.ts';
import { follow } from './follow.ts';
import { defaultRunsFolder, port } from './options.ts';

export function addResume(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('resume')
    .summary('go on with a run that was stopped or killed')
    .description('Goes on with the next unfinished step. The configuration is the one in the run folder: a resumed run ends as an uninterrupted one would have.')
    .argument('<run>', 'folder of the run, or the beginning of its name')
    .option('--out <folder>', 'folder in which the runs lie', defaultRunsFolder)
    .option('--no-dashboard', 'no dashboard')
    .option('--port <n>', 'port of the dashboard; the next free one when it is taken', port)
    .option('--json', 'one event a line, the last one run.finished with the table')
    .addHelpText('after', '\nExamples:\n  ouroboros resume 20260131-1200\n  ouroboros resume runs/20260131-120000-1a2b --json\n')
    .action(async (name: string, flags: { out: string; dashboard: boolean; port?: number; json?: boolean }) => {
      const folder = findRunFolder(flags.out, name, context.directory);
      const config = parseConfig(readRunConfig(folder), `${folder}/config.json`);
      const library = await context.library();
      done(
        await follow(context, library, {
          config,
          rounds: config.budget.rounds,
          run: { resume: folder, dashboard: flags.dashboard && (flags.port === undefined ? true : { port: flags.port }) },
          json: flags.json ?? false,
        }),
      );
    });
}
