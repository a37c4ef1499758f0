/** How new a set of texts is: beside what is known, and beside one another. Pure. */
import type { Evaluation } from '../contracts/records.ts';
import { bleuTokens, distinctShapes, selfBleu } from './diversity.ts';
import { mean, median } from './statistics.ts';

export interface NoveltySummary {
  readonly texts: number;
  /** Share in [0, 1] that are copies of corpus documents or lie inside one. */
  readonly copies: number;
  /** Of the longest runs of tokens shared with the corpus: the middle one and the longest; 0 where no corpus is known. */
  readonly medianRun: number;
  readonly longestRun: number;
  /** Mean share in [0, 1] of a text's tokens in shared runs. */
  readonly covered: number;
  /** Distinct syntax-tree shapes to be expected among 200 of the texts, scaled up when there are fewer. */
  readonly distinctShapes: number;
  /** In [0, 1]; higher: more alike (diversity.ts). */
  readonly selfBleu: number;
}

/** Of texts with their evaluations, in order. */
export function noveltySummary(judged: readonly { readonly text: string; readonly evaluation: Evaluation }[]): NoveltySummary {
  const evaluations = judged.map(({ evaluation }) => evaluation);
  const known = evaluations.flatMap(({ novelty }) => (novelty ? [novelty] : []));
  const runs = known.map(({ longestRun }) => longestRun);
  return {
    texts: judged.length,
    copies: judged.length === 0 ? 0 : evaluations.filter(({ copy }) => copy).length / judged.length,
    medianRun: median(runs),
    longestRun: Math.max(0, ...runs),
    covered: known.length === 0 ? 0 : mean(known.map(({ covered }) => covered)),
    distinctShapes: distinctShapes(evaluations.map(({ shape }) => shape)),
    selfBleu: selfBleu(judged.map(({ text }) => bleuTokens(text))),
  };
}
