/** `ouroboros generate --run RUN`: samples from the promoted policy of a run, or from its latent generator. */
import { Option, type Command } from 'commander';
import { hasCheckpoints } from '../store/checkpoints.ts';
import { findRunFolder, latestRunFolder } from '../store/run-folder.ts';
import { exitCodes, writeJson, type CliContext, type ExitCode } from './context.ts';
import { defaultRunsFolder, integer, number } from './options.ts';
import { harmless } from './text.ts';

interface GenerateFlags {
  readonly run?: string;
  readonly out: string;
  readonly prompt: string;
  readonly n: number;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly seed: number;
  readonly latent?: boolean;
  readonly json?: boolean;
}

export function addGenerate(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('generate')
    .summary("sample Python from a run's policy")
    .description('Samples from the policy that a run promoted last. The same seed gives the same samples.')
    .option('--run <run>', 'folder of the run, or the beginning of its name (default: the latest that has saved weights)')
    .option('--out <folder>', 'folder in which the runs lie', defaultRunsFolder)
    .option('--prompt <text>', 'what the samples begin with; end it where a token ends, such as after a colon', '')
    .option('-n, --n <n>', 'how many samples', integer(1, 10_000), 1)
    .option('--temperature <t>', 'sampling temperature', number(0, 10, true), 1)
    .option('--top-k <k>', 'draw from the k likeliest tokens only; 0: from all', integer(0, 1_000_000), 0)
    .option('--top-p <p>', 'draw from the fewest likeliest tokens that together have this probability; 1: from all', number(0, 1, true), 1)
    .option('--seed <n>', 'seed of the samples', integer(0, 0xffffffff), 1)
    .addOption(new Option('--latent', 'from noise, by the generator that a run with --learner latent-gan trains').conflicts(['prompt', 'temperature', 'topK', 'topP']))
    .option('--json', 'one sample a line')
    .addHelpText('after', '\nExamples:\n  ouroboros generate -n 3\n  ouroboros generate --run 20260131-1200 --prompt "def read(path):" --temperature 0.7\n')
    .action(async (flags: GenerateFlags) => {
      const folder = flags.run === undefined ? latestRunFolder(flags.out, context.directory, hasCheckpoints) : findRunFolder(flags.out, flags.run, context.directory);
      const library = await context.library();
      const { prompt, n, temperature, topK, topP, seed } = flags;
      const samples = await library.generate({ run: folder, n, seed, ...(flags.latent ? { latent: true } : { prompt, temperature, topK, topP }) });
      for (const [i, sample] of samples.entries()) {
        if (flags.json) writeJson(context, sample);
        else {
          if (samples.length > 1) context.stdout.write(`# --- sample ${i + 1} of ${samples.length}${sample.finish === 'length' ? ' (cut off by the length limit)' : ''}\n`);
          context.stdout.write(`${harmless(flags.prompt + sample.text).trimEnd()}\n`);
          if (samples.length === 1 && sample.finish === 'length') context.stderr.write('(cut off by the length limit)\n');
        }
      }
      done(exitCodes.ok);
    });
}
