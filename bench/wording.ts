/**
 * Do the rules say what CPython says? Over rejected mutants, by CPython's message (names and numbers taken out): how often one of the
 * rules' findings has the very same message, how often the first one has, and how often it is on the same line.
 */
import { checkRules } from '../src/evaluator/index.ts';
import type { CPython } from '../src/evaluator/cpython.ts';
import { SourceText } from '../src/evaluator/text.ts';
import { MUTATIONS, MutantMaker } from './mutants.ts';

export interface WordingRow {
  readonly message: string;
  rejected: number;
  said: number;
  first: number;
  line: number;
}

/** Rows by frequency; the last one is all of them together. */
export function benchWording(documents: readonly string[], cpython: CPython, mutants: number, seed: number): WordingRow[] {
  const maker = new MutantMaker(documents, seed);
  const rows = new Map<string, WordingRow>();
  const all: WordingRow = { message: 'all', rejected: 0, said: 0, first: 0, line: 0 };
  for (let done = 0; done < mutants; done += 240) {
    const texts = Array.from({ length: Math.min(240, mutants - done) }, (_, i) => maker.make(MUTATIONS[i % MUTATIONS.length]!).text);
    cpython.compileAll(texts).forEach((error, index) => {
      if (!error) return;
      const text = texts[index]!, place = new SourceText(text);
      const { faults } = checkRules(text, place);
      const message = error.message.replace(/'[^']*'/g, "'…'").replace(/\d+/g, 'N').slice(0, 80);
      let row = rows.get(message);
      if (!row) rows.set(message, (row = { message, rejected: 0, said: 0, first: 0, line: 0 }));
      for (const one of [row, all]) {
        one.rejected++;
        if (faults.some((fault) => fault.message === error.message)) one.said++;
        if (faults[0]?.message === error.message) one.first++;
        if (faults.some((fault) => place.position(fault.start).line === error.line)) one.line++;
      }
    });
  }
  return [...[...rows.values()].sort((a, b) => b.rejected - a.rejected), all];
}

export function formatWording(rows: readonly WordingRow[], most = 30): string {
  const percent = (count: number, of: number): string => `${((100 * count) / of).toFixed(1)} %`;
  const shown = rows.length > most + 1 ? [...rows.slice(0, most), rows.at(-1)!] : rows;
  return [
    "| CPython's message | rejected | a rule says the same | the first one does | a rule points at the line |", '|---|---|---|---|---|',
    ...shown.map(({ message, rejected, said, first, line }) => `| ${message.replaceAll('|', '\\|')} | ${rejected} | ${percent(said, rejected)} | ${percent(first, rejected)} | ${percent(line, rejected)} |`),
  ].join('\n');
}
