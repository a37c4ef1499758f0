/** `ouroboros evaluate FILE...`: the evaluator's verdict on files, with each fault shown as CPython would. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { Evaluation, Finding } from '../contracts/records.ts';
import { exitCodes, UsageError, writeJson, type CliContext, type ExitCode } from './context.ts';
import { excerpt } from './excerpt.ts';
import { integer, number } from './options.ts';
import { count, harmless } from './text.ts';

interface EvaluateFlags {
  readonly json?: boolean;
  readonly format: 'text' | 'json';
  readonly failUnder?: number;
  readonly judges: number;
}

export function addEvaluate(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('evaluate')
    .summary('judge Python files')
    .description('Judges each file as if a policy had written it: CPython\'s verdict, a graded score from 0 to 1, and where the faults are.')
    .argument('<file...>', 'Python files; - is standard input')
    .option('--fail-under <score>', 'exit with 3 when a file scores less', number(0, 1))
    .addOption(new Option('--format <name>', 'how evaluations are printed').choices(['text', 'json']).default('text'))
    .option('--json', 'the same as --format json: one evaluation a line')
    .option('--judges <n>', 'judge processes', integer(1, 8), 1)
    .addHelpText('after', '\nExamples:\n  ouroboros evaluate app.py tools/*.py\n  ouroboros evaluate --json --fail-under 1 app.py\n  cat app.py | ouroboros evaluate -\n')
    .action(async (files: string[], flags: EvaluateFlags) => {
      if (files.filter((file) => file === '-').length > 1) throw new UsageError('Standard input (-) can be named once.');
      const texts = await readAll(context, files);
      const library = await context.library();
      const evaluator = await library.openEvaluator({ judges: flags.judges });
      let evaluations: Evaluation[];
      try {
        evaluations = await evaluator.evaluateMany(texts.map(({ name, text }) => ({ id: name, text, promptLength: 0, finish: 'stop' as const })));
      } finally {
        await evaluator.close();
      }
      const json = flags.json || flags.format === 'json';
      for (const [i, evaluation] of evaluations.entries()) {
        const { name, text } = texts[i]!;
        if (json) writeJson(context, { file: name, ...shown(evaluation) });
        else context.stdout.write(evaluationText(name, text, evaluation));
      }
      const limit = flags.failUnder;
      const below = limit === undefined ? 0 : evaluations.filter((evaluation) => evaluation.score < limit).length;
      if (below > 0) context.stderr.write(`${count(below, 'file')} of ${evaluations.length} scored less than ${limit}.\n`);
      done(below > 0 ? exitCodes.belowLimit : exitCodes.ok);
    });
}

/** Without what only training reads. */
function shown({ id: _id, bigrams: _bigrams, ...rest }: Evaluation): Omit<Evaluation, 'id' | 'bigrams'> {
  return rest;
}

/** The compiler's finding first, since it is the verdict; what several sources say of one place is said once. */
function distinct(findings: readonly Finding[]): Finding[] {
  const ordered = [...findings].sort((a, b) => Number(b.source === 'cpython') - Number(a.source === 'cpython'));
  const saying = ({ line, column, message }: Finding): string => `${line}:${column} ${message}`;
  return ordered.filter((finding, i) => ordered.findIndex((other) => saying(other) === saying(finding)) === i);
}

function evaluationText(name: string, text: string, evaluation: Evaluation): string {
  const faults = distinct(evaluation.findings).map((finding) => `${excerpt(text, finding, name)}\n`);
  const verdict = evaluation.valid ? 'valid' : `not valid (${evaluation.reason ?? 'unknown'})`;
  return `${faults.join('')}${harmless(name)}: ${verdict}, score ${evaluation.score.toFixed(2)}\n`;
}

async function readAll(context: CliContext, files: readonly string[]): Promise<{ name: string; text: string }[]> {
  const texts: { name: string; text: string }[] = [];
  for (const file of files) {
    let bytes: Uint8Array;
    try {
      bytes = file === '-' ? await context.readStdin() : readFileSync(resolve(context.directory, file));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const why = code === 'ENOENT' ? 'it does not exist' : code === 'EISDIR' ? 'it is a folder; name the files in it' : (error as Error).message;
      throw new Error(`${file} cannot be read: ${why}.`, { cause: error });
    }
    try {
      texts.push({ name: file === '-' ? '<stdin>' : file, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) });
    } catch (error) {
      throw new Error(`${file} is not UTF-8 text; convert it first.`, { cause: error });
    }
  }
  return texts;
}
