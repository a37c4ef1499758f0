/**
 * `ouroboros evaluate FILE...`: all that the evaluator says of files: the verdict with each fault shown as CPython would, quality, safety,
 * novelty, tests. Not here: how it is found, and the SARIF form (sarif.ts).
 */
import { readFileSync, realpathSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { parseConfig } from '../config/load.ts';
import type { ConfigInput } from '../config/schema.ts';
import type { ExecutionVerdict, ProgramTests } from '../contracts/execution.ts';
import type { Library } from '../contracts/library.ts';
import type { Evaluation, Finding } from '../contracts/records.ts';
import type { SafetyOptions } from '../contracts/safety.ts';
import { decodeSource } from '../evaluator/bytes.ts';
import { describeOutcome, parseProblems, type Problem } from '../evaluator/execution/index.ts';
import { noveltySummary, safetyTotals } from '../metrics/index.ts';
import { userSources } from '../tasks/index.ts';
import { exitCodes, UsageError, whyUnreadable, writeJson, type CliContext, type ExitCode } from './context.ts';
import { excerpt } from './excerpt.ts';
import { integer, number } from './options.ts';
import { toSarif, type Evaluated } from './sarif.ts';
import { count, harmless } from './text.ts';

interface EvaluateFlags {
  readonly json?: boolean;
  readonly format: 'text' | 'json' | 'sarif';
  readonly failUnder?: number;
  readonly judges: number;
  readonly lint: boolean;
  readonly safety: boolean;
  readonly safetyRules?: string;
  readonly corpus?: readonly string[];
  readonly tests?: string;
  readonly unsafeExec?: boolean;
}

/** A file: what is judged, and what is shown of it. */
interface Source {
  readonly name: string;
  /** What is not UTF-8 in it stands as replacement characters. */
  readonly text: string;
  /** Bytes where they are not UTF-8: the evaluator says so. */
  readonly source: string | Uint8Array;
}

/** The tests of a file that is not UTF-8. */
const UNREADABLE = {
  verdict: 'error', where: 'program', type: 'SyntaxError', message: 'the file is not UTF-8', line: null,
  passed: false, assertions: 0, seconds: 0, nondeterministic: null, output: '',
} as const;

/** Every category, for a filter that is off. */
const ALL_CATEGORIES = ['secret', 'danger', 'slur', 'bias', 'personal'];
/** Most notes of one file that are printed. */
const MAX_NOTES = 25;

export function addEvaluate(program: Command, context: CliContext, done: (code: ExitCode) => void): void {
  program
    .command('evaluate')
    .summary('judge Python files')
    .description("Judges each file: CPython's verdict, a graded score from 0 to 1, where the faults are; lint, readability and safety beside it; how new it is beside a corpus; and whether it passes tests.")
    .argument('<file...>', 'Python files; - is standard input')
    .option('--fail-under <score>', 'exit with 3 when a file scores less; one that holds nothing but a docstring or comments does not count', number(0, 1))
    .addOption(new Option('--format <name>', 'how evaluations are printed').choices(['text', 'json', 'sarif']).default('text'))
    .option('--json', 'the same as --format json: one evaluation a line')
    .option('--no-lint', "leave out ruff's lint and formatting")
    .option('--no-safety', 'leave out the safety filter')
    .option('--safety-rules <file>', 'JSON with rules to "disable" and rules to "add" (docs/evaluator.md)')
    .option('--corpus <paths...>', 'files, folders and globs to tell copies and shared passages by')
    .option('--tests <file>', 'run the files in a sandbox: asserts in a .py file, or problems in JSON as HumanEval and MBPP have them; exit with 3 when a file does not pass')
    .option('--unsafe-exec', 'run tests without a sandbox where there is none: the files can then do whatever you can')
    .option('--judges <n>', 'judge processes', integer(1, 8), 1)
    .addHelpText('after', '\nExamples:\n  ouroboros evaluate app.py tools/*.py\n  ouroboros evaluate --format sarif src/*.py > results.sarif\n  ouroboros evaluate app.py --corpus vendor --fail-under 1\n  ouroboros evaluate --tests test_area.py area.py\n  cat app.py | ouroboros evaluate -\n')
    .action(async (files: string[], flags: EvaluateFlags) => {
      if (files.filter((file) => file === '-').length > 1) throw new UsageError('Standard input (-) can be named once.');
      const safety = safetyOptions(context, flags);
      const texts = await readAll(context, files);
      const testsOf = flags.tests === undefined ? () => null : readTests(context, flags.tests);
      const corpus = flags.corpus === undefined ? undefined : await readCorpus(context, flags.corpus, files);
      const library = await context.library();
      const evaluator = await library.openEvaluator({ judges: flags.judges, ...(safety ? { safety } : {}), ...(corpus ? { corpus } : {}) });
      let evaluations: Evaluation[];
      try {
        evaluations = await evaluator.evaluateMany(texts.map(({ name, source }) => ({
          id: name, text: source, promptLength: 0, finish: 'stop' as const, quality: flags.lint ? true : ('measures' as const),
        })));
      } finally {
        await evaluator.close();
      }
      const verdicts = await runTests(context, library, texts, testsOf, flags.unsafeExec ?? false);
      const evaluated = texts.map((one, i): Evaluated => ({ ...one, evaluation: evaluations[i]!, ...(verdicts[i] ? { execution: verdicts[i] } : {}) }));

      if (flags.format === 'sarif') context.stdout.write(`${JSON.stringify(toSarif(evaluated, ({ findings }) => distinct(findings)), null, 2)}\n`);
      else if (flags.json || flags.format === 'json') for (const one of evaluated) writeJson(context, shown(one));
      else context.stdout.write(evaluated.map(evaluationText).join('') + totalsText(evaluated, corpus !== undefined));

      const limit = flags.failUnder;
      const failed = evaluated.filter(({ evaluation, execution }) => execution?.passed === false || (limit !== undefined && evaluation.score < limit && !isEmpty(evaluation))).length;
      const why = [...(limit === undefined ? [] : [`scored less than ${limit}`]), ...(flags.tests === undefined ? [] : ['did not pass the tests'])].join(' or ');
      if (failed > 0) context.stderr.write(`${count(failed, 'file')} of ${evaluated.length} ${why}.\n`);
      done(failed > 0 ? exitCodes.belowLimit : exitCodes.ok);
    });
}

/** Legal Python that says nothing, such as an empty `__init__.py`: no sample to learn from, and no fault of a file. */
const isEmpty = ({ findings, reason }: Evaluation): boolean => reason === 'empty' && findings.every(({ kind, source }) => kind === 'empty' || source === 'lint' || source === 'safety');

function safetyOptions(context: CliContext, flags: EvaluateFlags): SafetyOptions | undefined {
  if (!flags.safety) return { disable: ALL_CATEGORIES };
  if (flags.safetyRules === undefined) return undefined;
  const json = readJson(context, flags.safetyRules);
  const { disable, add } = parseConfig({ safety: json as NonNullable<ConfigInput['safety']> }).safety;
  return { disable, add };
}

function readJson(context: CliContext, file: string): unknown {
  try {
    return JSON.parse(readFileSync(resolve(context.directory, file), 'utf8')) as unknown;
  } catch (error) {
    throw new UsageError(`${file} cannot be read as JSON: ${whyUnreadable(error)}.`, { cause: error });
  }
}

/** The corpus's files; those that are judged are left out of it, or each would be a copy of itself. */
async function readCorpus(context: CliContext, paths: readonly string[], judged: readonly string[]): Promise<{ name: string; text: string }[]> {
  const own = judged.filter((file) => file !== '-').map((file) => realpathSync(resolve(context.directory, file)));
  const { sources } = await userSources(paths.map((path) => resolve(context.directory, path)), own);
  const decoder = new TextDecoder();
  return sources.flatMap((source) => ('bytes' in source ? [{ name: source.path, text: decoder.decode(source.bytes).replace(/\r\n?/g, '\n') }] : []));
}

/** Tests by file: a script's asserts for every file; a problem for the file of its name, or for all when there is only one. */
function readTests(context: CliContext, file: string): (name: string) => ProgramTests | null {
  let text: string;
  try {
    text = readFileSync(resolve(context.directory, file), 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${whyUnreadable(error)}.`, { cause: error });
  }
  if (file.endsWith('.py')) return () => ({ kind: 'asserts', script: text });
  let problems: Problem[];
  try {
    problems = parseProblems(text);
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}`, { cause: error });
  }
  if (problems.length === 1) return () => problems[0]!.tests;
  const plain = (name: string): string => name.replaceAll(/[^A-Za-z0-9]/g, '_');
  const byName = new Map(problems.map(({ id, tests }) => [plain(id), tests]));
  return (name) => byName.get(plain(basename(name, '.py'))) ?? null;
}

async function runTests(
  context: CliContext, library: Library<ConfigInput>, texts: readonly Source[],
  testsOf: (name: string) => ProgramTests | null, unsafe: boolean,
): Promise<(ExecutionVerdict | undefined)[]> {
  const found: (ExecutionVerdict | undefined)[] = texts.map(() => undefined);
  const requests = texts.flatMap(({ name, text, source }, i) => {
    const tests = testsOf(name);
    // No interpreter reads it, so nothing is run.
    if (tests && typeof source !== 'string') found[i] = { ...UNREADABLE, id: String(i) };
    return tests && typeof source === 'string' ? [{ id: String(i), program: text, tests }] : [];
  });
  if (requests.length === 0) return found;
  const executor = library.openExecutor({ unsafe });
  try {
    if ((await executor.sandbox()).sandbox === 'none') context.stderr.write('There is no sandbox here: the files run unconfined (--unsafe-exec).\n');
    const verdicts = await executor.executeMany(requests);
    const refused = verdicts.find((verdict) => verdict.verdict === 'sandbox-unavailable');
    if (refused?.verdict === 'sandbox-unavailable') throw new Error(refused.message);
    requests.forEach(({ id }, i) => (found[Number(id)] = verdicts[i]!));
    return found;
  } finally {
    await executor.close();
  }
}

/** Without what only training reads. */
function shown({ name, evaluation, execution }: Evaluated): Record<string, unknown> {
  const { id: _id, bigrams: _bigrams, ...rest } = evaluation;
  return { file: name, ...rest, ...(execution ? { execution } : {}) };
}

/** The compiler's finding first, since it is the verdict; what several sources say of one place is said once. */
function distinct(findings: readonly Finding[]): Finding[] {
  const ordered = [...findings].sort((a, b) => Number(b.source === 'cpython') - Number(a.source === 'cpython'));
  const seen = new Set<string>();
  return ordered.filter(({ line, column, message }) => {
    const saying = `${line}:${column} ${message}`;
    return !seen.has(saying) && seen.add(saying);
  });
}

function evaluationText({ name, text, evaluation, execution }: Evaluated): string {
  const findings = distinct(evaluation.findings);
  const file = harmless(name);
  const isNote = ({ source }: Finding): boolean => source === 'lint' || source === 'safety';
  const faults = findings.filter((finding) => !isNote(finding)).map((finding) => `${excerpt(text, finding, name)}\n`);
  const notes = findings.filter(isNote);
  const lines = notes.slice(0, MAX_NOTES).map(({ line, column, kind, message }) => `${file}:${line}:${column + 1}: ${kind.replace(/^lint\./, '')} ${harmless(message)}\n`);
  if (notes.length > MAX_NOTES) lines.push(`${file}: ${notes.length - MAX_NOTES} more notes; --json shows all\n`);
  return `${faults.join('')}${lines.join('')}${file}: ${verdictText(evaluation, execution)}\n`;
}

/** One line: the verdict and the score, then whatever else is known. */
function verdictText({ valid, reason, score, quality, novelty, copy, safety }: Evaluation, execution: ExecutionVerdict | undefined): string {
  const parts = [`${valid ? 'valid' : `not valid (${reason ?? 'unknown'})`}, score ${score.toFixed(2)}`];
  if (execution) parts.push(execution.passed ? `passed ${count(execution.assertions, 'assertion')}` : harmless(describeOutcome(execution)).split('\n')[0]!);
  // What a broken text would read like once it is repaired is not known.
  if (quality && valid) parts.push(`readability ${quality.readability.toFixed(2)}`, `complexity ${quality.complexity}`);
  if (quality?.lint) parts.push(count(quality.lint, 'lint note'));
  if (safety) parts.push(Object.entries(safety).map(([category, n]) => `${n} ${category}`).join(', '));
  if (copy) parts.push('a copy');
  else if (novelty) parts.push(`${percent(novelty.covered)} shared${novelty.longestRun > 0 ? `, at most ${count(novelty.longestRun, 'token')}${novelty.document === undefined ? '' : ` with ${harmless(novelty.document)}`}` : ''}`);
  return parts.join('; ');
}

/** Sums, where there is more than one file. */
function totalsText(evaluated: readonly Evaluated[], corpus: boolean): string {
  if (evaluated.length < 2) return '';
  const evaluations = evaluated.map(({ evaluation }) => evaluation);
  const valid = evaluations.filter((evaluation) => evaluation.valid).length;
  const readable = evaluations.flatMap(({ valid: whole, quality }) => (whole && quality ? [quality.readability] : []));
  const lint = evaluations.reduce((sum, { quality }) => sum + (quality?.lint ?? 0), 0);
  const parts = [`${valid} of ${evaluated.length} valid`];
  const tested = evaluated.filter(({ execution }) => execution);
  if (tested.length > 0) parts.push(`${tested.filter(({ execution }) => execution!.passed).length} of ${tested.length} pass their tests`);
  if (readable.length > 0) parts.push(`mean readability ${(readable.reduce((sum, value) => sum + value, 0) / readable.length).toFixed(2)}`, count(lint, 'lint note'));
  const safety = Object.entries(safetyTotals(evaluations));
  if (safety.length > 0) parts.push(`safety: ${safety.map(([category, n]) => `${n} ${category}`).join(', ')}`);
  if (corpus) {
    const novelty = noveltySummary(evaluated);
    parts.push(`${percent(novelty.copies)} copies, ${percent(novelty.covered)} shared, Self-BLEU ${novelty.selfBleu.toFixed(2)}`);
  }
  return `\n${parts.join('; ')}\n`;
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

async function readAll(context: CliContext, files: readonly string[]): Promise<Source[]> {
  const texts: Source[] = [];
  for (const file of files) {
    let bytes: Uint8Array;
    try {
      bytes = file === '-' ? await context.readStdin() : readFileSync(resolve(context.directory, file));
    } catch (error) {
      throw new Error(`${file} cannot be read: ${whyUnreadable(error)}.`, { cause: error });
    }
    const name = file === '-' ? '<stdin>' : file;
    const decoded = decodeSource(bytes);
    if (typeof decoded === 'string') texts.push({ name, text: decoded, source: decoded });
    else texts.push({ name, text: new TextDecoder().decode(bytes), source: bytes });
  }
  return texts;
}
