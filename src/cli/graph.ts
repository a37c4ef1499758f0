/** `ouroboros graph [MACHINE]`: the state machines as Mermaid text. */
import type { Command } from 'commander';
import { nearest } from '../config/load.ts';
import { exitCodes, UsageError, writeJson, type CliContext, type ExitCode } from './context.ts';

export function addGraph(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('graph')
    .summary('print the state machines as Mermaid')
    .description('Prints the state machines that drive a run as Mermaid state diagrams.')
    .argument('[machine]', 'only this one')
    .option('--json', 'an object from machine to Mermaid text')
    .addHelpText('after', '\nExamples:\n  ouroboros graph\n  ouroboros graph round > round.mmd\n')
    .action(async (machine: string | undefined, flags: { json?: boolean }) => {
      const graphs = (await context.library()).machineGraphs();
      const names = Object.keys(graphs);
      if (machine !== undefined && !names.includes(machine)) {
        const meant = nearest(machine, names);
        throw new UsageError(`There is no machine '${machine}'; there are: ${names.join(', ')}.${meant ? ` Did you mean '${meant}'?` : ''}`);
      }
      const chosen = machine === undefined ? names : [machine];
      if (flags.json) writeJson(context, Object.fromEntries(chosen.map((name) => [name, graphs[name]])));
      // Alone, a graph is a whole Mermaid file; several are told apart by a Mermaid comment.
      else for (const name of chosen) context.stdout.write(`${machine === undefined ? `%% ${name}\n` : ''}${graphs[name]!.trimEnd()}\n${machine === undefined ? '\n' : ''}`);
      done(exitCodes.ok);
    });
}
