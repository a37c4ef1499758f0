/**
 * How nearly the strict rules, and tree-sitter by itself, agree with CPython on mutants of the standard library, by kind of mutation;
 * where the first finding points; how fast texts are judged. Development and held-out files are kept apart (mutants.ts); the figures
 * that are quoted come from the held-out half.
 *
 *     npx tsx bench/judge.ts [--mutants 20000] [--seed 2026] [--half held-out|development] [--json]
 */
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { cpus } from 'node:os';
import { checkRules, evaluateTexts, loadCPython, parseTree } from '../src/evaluator/index.ts';
import { SourceText } from '../src/evaluator/text.ts';
import { JudgePool } from '../src/processes/judges.ts';
import { corpusDocuments, MutantMaker, MUTATIONS, type Mutation } from './mutants.ts';

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
  /** Texts a second, one process: `strict` rules, tree and counts; `judged` the same with CPython through the process boundary. */
  readonly speed: { readonly characters: number; readonly strict: number; readonly judged: number; readonly verdicts: number };
}

const emptyRow = (): Row => ({ mutants: 0, rejected: 0, rulesFalseAccept: 0, rulesFalseReject: 0, treeFalseAccept: 0, treeFalseReject: 0, located: 0 });

/** Runs the whole measurement: about a minute for 20,000 mutants on one core. */
export async function benchJudge({ mutants = 20_000, seed = 2026, half = 'held-out' as 'held-out' | 'development' } = {}): Promise<JudgeBench> {
  const cpython = await loadCPython();
  const documents = corpusDocuments(half, cpython);
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
    speed: await measureSpeed(documents, (texts) => void cpython.compileAll(texts)),
  };
}

async function measureSpeed(documents: readonly string[], verdicts: (texts: string[]) => void): Promise<JudgeBench['speed']> {
  const texts = documents.filter(({ length }) => length >= 200 && length <= 400).slice(0, 2000);
  const requests = texts.map((text, index) => ({ id: String(index), text, promptLength: 0, finish: 'stop' as const }));
  const best = async (work: () => void | Promise<unknown>): Promise<number> => {
    let least = Infinity;
    for (let repetition = 0; repetition < 5; repetition++) {
      const start = performance.now();
      await work();
      least = Math.min(least, performance.now() - start);
    }
    return Math.round((texts.length / least) * 1000);
  };
  const batches = <T>(list: readonly T[], work: (part: T[]) => void): void => {
    for (let at = 0; at < list.length; at += 48) work(list.slice(at, at + 48));
  };
  const strict = await best(() => batches(requests, (part) => void evaluateTexts(part)));
  const compiled = await best(() => batches(texts, verdicts));
  const pool = new JudgePool({ judges: 1 });
  try {
    await pool.ready();
    const judged = await best(() => pool.evaluateMany(requests));
    return { characters: Math.round(texts.reduce((sum, { length }) => sum + length, 0) / Math.max(1, texts.length)), strict, judged, verdicts: compiled };
  } finally {
    await pool.close();
  }
}

/** The result as a Markdown table. */
export function formatJudgeBench({ machine, python, half, seed, documents, rows, speed }: JudgeBench): string {
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
  lines.push('', `One process, texts of ${speed.characters} characters, a second: strict evaluation ${speed.strict}; CPython's verdicts ${speed.verdicts}; whole evaluations through the process boundary ${speed.judged}.`);
  return lines.join('\n');
}

/** Command line: prints the table, or one JSON object with `--json`. */
export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { mutants: { type: 'string' }, seed: { type: 'string' }, half: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  const half = values.half === 'development' ? 'development' : 'held-out';
  const result = await benchJudge({ half, ...(values.mutants ? { mutants: Number(values.mutants) } : {}), ...(values.seed ? { seed: Number(values.seed) } : {}) });
  process.stdout.write(`${values.json ? JSON.stringify(result) : formatJudgeBench(result)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
