/**
 * How nearly the strict rules, and tree-sitter by itself, agree with CPython on mutants of the standard library, by kind of mutation;
 * where the first finding points; how fast texts are judged. Development and held-out files are kept apart (mutants.ts); the figures
 * that are quoted come from the held-out half.
 *
 *     npm run bench -- judge --help
 *
 * Without a part named, rules and speed are measured.
 */
import { parseArgs } from 'node:util';
import { cpus } from 'node:os';
import { checkRules, evaluateTexts, loadCPython, parseTree } from '../src/evaluator/index.ts';
import type { CPython } from '../src/evaluator/cpython.ts';
import { SourceText } from '../src/evaluator/text.ts';
import { JudgePool } from '../src/processes/judges.ts';
import { benchGrade, formatGradeBench } from './grade.ts';
import { benchLimits, formatLimits } from './limits.ts';
import { benchWording, formatWording } from './wording.ts';
import { corpusDocuments, MutantMaker, MUTATIONS, type Mutation } from './mutants.ts';
import { oneOf, wholeNumber } from './usage.ts';

interface Row {
  mutants: number;
  rejected: number;
  rulesFalseAccept: number;
  rulesFalseReject: number;
  treeFalseAccept: number;
  treeFalseReject: number;
  located: number;
}

export interface JudgeBench {
  readonly machine: string;
  readonly python: string;
  readonly half: string;
  readonly seed: number;
  readonly documents: number;
  readonly rows: Readonly<Record<Mutation | 'all', Row>>;
}

/** Texts a second on one core: the best and the median of several repetitions. */
export interface Rate {
  readonly best: number;
  readonly median: number;
}

export interface SpeedBench {
  readonly characters: number;
  /** Rules, tree and counts in this process, without CPython. */
  readonly strict: Rate;
  /** CPython's compiler alone in this process. */
  readonly compiled: Rate;
  /** Whole evaluations, CPython's verdict in them, through the process boundary. */
  readonly judged: Rate;
  /** Rules and CPython's verdict alone, through the process boundary. */
  readonly verdicts: Rate;
}

const emptyRow = (): Row => ({ mutants: 0, rejected: 0, rulesFalseAccept: 0, rulesFalseReject: 0, treeFalseAccept: 0, treeFalseReject: 0, located: 0 });

/** Rules against CPython: about a minute for 20,000 mutants on one core. */
export function benchRules(documents: readonly string[], cpython: CPython, mutants: number, seed: number, half: string): JudgeBench {
  const maker = new MutantMaker(documents, seed);
  const rows = Object.fromEntries([...MUTATIONS, 'all'].map((kind) => [kind, emptyRow()])) as Record<Mutation | 'all', Row>;
  for (let done = 0; done < mutants; ) {
    const part = Array.from({ length: Math.min(240, mutants - done) }, (_, i) => maker.make(MUTATIONS[(done + i) % MUTATIONS.length]!));
    done += part.length;
    const verdicts = cpython.compileAll(part.map(({ text }) => text));
    part.forEach(({ kind, text, at }, index) => {
      const place = new SourceText(text);
      const { faults } = checkRules(text, place);
      const legal = verdicts[index] === null, tree = !parseTree(text).rootNode.hasError;
      const near = faults[0] && Math.abs(place.position(faults[0].start).line - place.position(Math.min(at, text.length)).line) <= 1;
      for (const row of [rows[kind], rows.all]) {
        row.mutants++;
        if (legal) {
          if (faults.length > 0) row.rulesFalseReject++;
          if (!tree) row.treeFalseReject++;
        } else {
          row.rejected++;
          if (faults.length === 0) row.rulesFalseAccept++;
          if (tree) row.treeFalseAccept++;
          if (near) row.located++;
        }
      }
    });
  }
  return {
    machine: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores`, python: cpython.version, half, seed, documents: documents.length, rows,
  };
}

/** Repetitions before a rate is taken, and those it is taken of: V8 goes on optimizing the interpreter's WebAssembly for some 10,000 texts. */
const WARM_UP = 6, REPETITIONS = 9;

/** Documents of 200 to 400 characters, all paths in turn, each warm. */
export async function benchSpeed(documents: readonly string[], cpython: CPython): Promise<SpeedBench> {
  const texts = documents.filter(({ length }) => length >= 200 && length <= 400).slice(0, 2000);
  const requests = texts.map((text, index) => ({ id: String(index), text, promptLength: 0, finish: 'stop' as const }));
  const rate = async (work: () => void | Promise<unknown>): Promise<Rate> => {
    const rates: number[] = [];
    for (let repetition = -WARM_UP; repetition < REPETITIONS; repetition++) {
      const start = performance.now();
      await work();
      if (repetition >= 0) rates.push(Math.round((texts.length / (performance.now() - start)) * 1000));
    }
    rates.sort((a, b) => b - a);
    return { best: rates[0]!, median: rates[Math.floor(REPETITIONS / 2)]! };
  };
  const batches = <T>(list: readonly T[], work: (part: T[]) => void): void => {
    for (let at = 0; at < list.length; at += 48) work(list.slice(at, at + 48));
  };
  const strict = await rate(() => batches(requests, (part) => void evaluateTexts(part)));
  const compiled = await rate(() => batches(texts, (part) => void cpython.compileAll(part)));
  const pool = new JudgePool({ judges: 1 });
  try {
    await pool.ready();
    const verdicts = await rate(() => pool.canEnd(requests));
    const judged = await rate(() => pool.evaluateMany(requests));
    return { characters: Math.round(texts.reduce((sum, { length }) => sum + length, 0) / Math.max(1, texts.length)), strict, compiled, judged, verdicts };
  } finally {
    await pool.close();
  }
}

export function formatSpeed({ characters, strict, compiled, judged, verdicts }: SpeedBench): string {
  const row = (name: string, { best, median }: Rate): string => `| ${name} | ${best} | ${median} |`;
  return [
    `| texts of ${characters} characters a second, one core | best of ${REPETITIONS} | median |`, '|---|---|---|',
    row('strict evaluation: rules, tree, counts', strict), row("CPython's compiler alone", compiled),
    row('verdicts through the process boundary: rules and CPython', verdicts), row('whole evaluations through the process boundary', judged),
  ].join('\n');
}

/** The result as a Markdown table. */
export function formatRules({ machine, python, half, seed, documents, rows }: JudgeBench): string {
  const percent = (count: number, of: number): string => (of === 0 ? '-' : `${((100 * count) / of).toFixed(3)} %`);
  const lines = [
    `CPython ${python}; ${half} half, ${documents} documents, seed ${seed}; ${machine}`, '',
    '| mutation | mutants | CPython rejects | rules: false accept | rules: false reject | tree-sitter: false accept | tree-sitter: false reject | first rule finding within a line |',
    '|---|---|---|---|---|---|---|---|',
  ];
  for (const [kind, row] of Object.entries(rows)) {
    const legal = row.mutants - row.rejected;
    lines.push(
      `| ${kind} | ${row.mutants} | ${row.rejected} | ${percent(row.rulesFalseAccept, row.rejected)} | ${percent(row.rulesFalseReject, legal)} | ${percent(row.treeFalseAccept, row.rejected)} | ${percent(row.treeFalseReject, legal)} | ${percent(row.located, row.rejected)} |`,
    );
  }
  return lines.join('\n');
}

/** Command line: prints the tables asked for, or one JSON object with `--json`. */
export async function main(args: string[]): Promise<void> {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args,
    options: { rules: flag, speed: flag, grade: flag, wording: flag, limits: flag, json: flag, mutants: { type: 'string', default: '20000' }, seed: { type: 'string', default: '2026' }, half: { type: 'string', default: 'held-out' } },
  });
  const half = oneOf('half of the corpus', values.half, ['development', 'held-out'] as const);
  const mutants = wholeNumber('--mutants', values.mutants), seed = wholeNumber('--seed', values.seed, 0);
  const plain = !values.rules && !values.speed && !values.grade && !values.wording && !values.limits;
  const result: Record<string, unknown> = {}, tables: string[] = [];
  const add = <T>(name: string, value: T, format: (value: T) => string): void => {
    result[name] = value;
    tables.push(format(value));
  };
  if (values.limits) add('limits', await benchLimits(), formatLimits);
  if (plain || values.rules || values.speed || values.grade || values.wording) {
    const cpython = await loadCPython();
    const documents = corpusDocuments(half, cpython);
    if (plain || values.rules) add('rules', benchRules(documents, cpython, mutants, seed, half), formatRules);
    if (values.grade) add('grade', benchGrade(documents, Math.min(mutants, 10_000), seed), formatGradeBench);
    if (values.wording) add('wording', benchWording(documents, cpython, mutants, seed), formatWording);
    if (plain || values.speed) add('speed', await benchSpeed(documents, cpython), formatSpeed);
  }
  process.stdout.write(`${values.json ? JSON.stringify(result) : tables.join('\n\n')}\n`);
}
