/** `ouroboros dashboard [RUN]`: the dashboard of a run that goes on elsewhere or is over. */
import type { Command } from 'commander';
import { findRunFolder, latestRunFolder } from '../store/run-folder.ts';
import { exitCodes, interruption, writeJson, type CliContext, type ExitCode } from './context.ts';
import { defaultRunsFolder, port } from './options.ts';

export function addDashboard(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('dashboard')
    .summary('open the dashboard of a run, live or finished')
    .description('Serves the dashboard of a run on 127.0.0.1 until Ctrl-C and prints its address, token included.')
    .argument('[run]', 'folder of the run, or the beginning of its name; default: the latest')
    .option('--out <folder>', 'folder in which the runs lie', defaultRunsFolder)
    .option('--port <n>', 'port; the next free one when it is taken', port)
    .option('--json', 'print {"url": …} instead of a sentence')
    .addHelpText('after', '\nExamples:\n  ouroboros dashboard\n  ouroboros dashboard 20260131-1200 --port 8080\n')
    .action(async (name: string | undefined, flags: { out: string; port?: number; json?: boolean }) => {
      const folder = name === undefined ? latestRunFolder(flags.out, context.directory) : findRunFolder(flags.out, name, context.directory);
      const library = await context.library();
      const dashboard = await library.startDashboard(folder, flags.port === undefined ? {} : { port: flags.port });
      if (flags.json) writeJson(context, { url: dashboard.url, run: folder });
      else context.stdout.write(`Dashboard of ${folder}: ${dashboard.url}\nPress Ctrl-C to end.\n`);
      await interruption(context);
      await dashboard.close();
      done(exitCodes.ok);
    });
}
