/**
 * Is the graded score smooth? Over two-fault mutants of real code, repairing one fault must hardly ever lower it; and the more faults,
 * the lower. A fault is an edit that by itself makes the strict rules reject the document (they agree with CPython on all of
 * 20,000 held-out mutants); the two edits of a mutant are apart from each other. Mutants that are legal all the same are left out.
 */
import { checkRules, evaluateTexts } from '../src/evaluator/index.ts';
import { applyEdits, MutantMaker, type Edit } from './mutants.ts';

export interface GradeBench {
  readonly mutants: number;
  /** Repairs looked at: two a mutant. */
  readonly repairs: number;
  /** Shares of the repairs. */
  readonly lowered: number;
  readonly raised: number;
  /** Of the first fault alone, in the text's order, and of the second. */
  readonly loweredByFirst: number;
  readonly loweredBySecond: number;
  /** Spearman's rank correlation of the score with the number of faults, over documents with 0 to 4, and over those with 1 to 4. */
  readonly correlation: number;
  readonly correlationOfFaulty: number;
  /** Mean score by the number of faults. */
  readonly means: readonly number[];
}

const scoreOf = (text: string): number => evaluateTexts([{ id: '', text, promptLength: 0, finish: 'stop' }])[0]!.score;
const rejects = (text: string): boolean => checkRules(text).faults.length > 0;

/** Two-fault mutants, and a quarter as many documents with four faults made one after the other. */
export function benchGrade(documents: readonly string[], mutants: number, seed: number): GradeBench {
  const pairs = new MutantMaker(documents.filter((text) => !rejects(text)), seed);
  const lowered: [number, number] = [0, 0];
  let raised = 0, kept = 0;
  for (let n = 0; n < mutants; n++) {
    const { original, edits } = pairs.faults(2, rejects);
    const [first, second] = [...edits].sort((a, b) => a.start - b.start) as [Edit, Edit];
    const both = applyEdits(original, edits);
    if (!rejects(both)) continue;
    kept++;
    const score = scoreOf(both);
    [second, first].forEach((left, repaired) => {
      const after = scoreOf(applyEdits(original, [left]));
      if (after < score - 1e-12) lowered[repaired as 0 | 1]++;
      else if (after > score + 1e-12) raised++;
    });
  }
  const counts: number[] = [], scores: number[] = [];
  for (let n = 0; n < mutants / 4; n++) {
    const { original, edits } = pairs.faults(4, rejects);
    for (let count = 0; count <= 4; count++) {
      counts.push(count);
      scores.push(scoreOf(applyEdits(original, edits.slice(0, count))));
    }
  }
  const faulty = counts.flatMap((count, index) => (count > 0 ? [index] : []));
  const mean = (count: number): number => {
    const own = scores.filter((_, index) => counts[index] === count);
    return own.reduce((sum, score) => sum + score, 0) / own.length;
  };
  return {
    mutants: kept, repairs: 2 * kept, lowered: (lowered[0] + lowered[1]) / (2 * kept), raised: raised / (2 * kept),
    loweredByFirst: lowered[0] / kept, loweredBySecond: lowered[1] / kept,
    correlation: spearman(counts, scores), correlationOfFaulty: spearman(faulty.map((i) => counts[i]!), faulty.map((i) => scores[i]!)),
    means: [0, 1, 2, 3, 4].map(mean),
  };
}

/** Pearson's correlation of the ranks; ties share their mean rank. */
export function spearman(x: readonly number[], y: readonly number[]): number {
  const a = ranks(x), b = ranks(y), middle = (x.length - 1) / 2;
  let both = 0, one = 0, other = 0;
  for (let i = 0; i < x.length; i++) {
    both += (a[i]! - middle) * (b[i]! - middle);
    one += (a[i]! - middle) ** 2;
    other += (b[i]! - middle) ** 2;
  }
  return both / Math.sqrt(one * other);
}

function ranks(values: readonly number[]): number[] {
  const order = values.map((_, index) => index).sort((a, b) => values[a]! - values[b]!);
  const out = Array.from(values, () => 0);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let i = from; i < to; i++) out[order[i]!] = (from + to - 1) / 2;
    from = to;
  }
  return out;
}

export function formatGradeBench(bench: GradeBench): string {
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  return [
    '| two-fault mutants | repairing one fault lowers the score | the first fault | the second | raises it | rank correlation, 0-4 faults | 1-4 faults | mean score, 0/1/2/3/4 faults |',
    '|---|---|---|---|---|---|---|---|',
    `| ${bench.mutants} | ${percent(bench.lowered)} | ${percent(bench.loweredByFirst)} | ${percent(bench.loweredBySecond)} | ${percent(bench.raised)} | ${bench.correlation.toFixed(3)} | ${bench.correlationOfFaulty.toFixed(3)} | ${bench.means.map((mean) => mean.toFixed(2)).join(' / ')} |`,
  ].join('\n');
}
