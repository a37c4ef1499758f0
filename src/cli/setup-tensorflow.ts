/** `ouroboros setup-tensorflow`: makes the tensorflow backend work with a TensorFlow that is installed for Python. */
import type { Command } from 'commander';
import { exitCodes, writeJson, type CliContext, type ExitCode } from './context.ts';

const ABOUT = [
  'Compiles the native part of @tensorflow/tfjs-node-gpu against the TensorFlow of a Python on this machine, and proves it with a matrix product. GPUs are used where that TensorFlow has them: tensorflow[and-cuda] has, tensorflow-cpu has not.',
  'npm adds the package itself to node_modules without its install script, which would download TensorFlow 2.9, and without a change to package.json or package-lock.json; the same goes for Node\'s C headers where this Node came without them. That needs g++ and, the first time, the package registry. What is there already is left alone: run this again after npm ci, or when that Python got another TensorFlow. Linux only.',
].join('\n\n');

export function addSetupTensorFlow(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('setup-tensorflow')
    .summary('compile the tensorflow backend against the TensorFlow of a Python')
    .description(ABOUT)
    .option('--python <path>', 'a Python that has TensorFlow (default: OUROBOROS_PYTHON, else python3 or python on the PATH)')
    .option('--json', 'what was set up, as JSON')
    .addHelpText('after', '\nExamples:\n  ouroboros setup-tensorflow\n  ouroboros setup-tensorflow --python venv/bin/python\n  ouroboros run --backend tensorflow\n')
    .action(async (flags: { python?: string; json?: boolean }) => {
      const library = await context.library();
      const setup = await library.setupTensorFlow({
        ...(flags.python === undefined ? {} : { python: flags.python }),
        ...(flags.json ? {} : { onProgress: (line: string) => void context.stdout.write(`${line} …\n`) }),
      });
      if (flags.json) writeJson(context, setup);
      else context.stdout.write(`The tensorflow backend ${setup.compiled ? 'is set up' : 'was set up already'}: ${setup.detail}.\n'ouroboros run --backend tensorflow' uses it, 'ouroboros doctor --bench' measures it.\n`);
      done(exitCodes.ok);
    });
}
