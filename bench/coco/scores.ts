/**
 * The two sides of a generator of captions, as Texygen has them: BLEU-n against all test captions (quality, higher is better) and
 * Self-BLEU-n, each of its captions against all its others (lower is more diverse), n = 2 to 5; beside them what both overlook, how many
 * captions are copies of training captions. Temperature trades one side for the other: a generator is a curve.
 *
 * Self-BLEU grows with the number of captions it is taken over (0.43 over 2,000 training captions is 0.57 over 10,000): figures are
 * comparable at one number only. BLEU does not depend on it. Texygen's is 10,000.
 */
import { BleuReferences, mean, type Tokens } from '../../src/metrics/index.ts';
import { lowestAt } from '../oracle/curve.ts';
import type { Captions } from './captions.ts';

export const ORDERS = [2, 3, 4, 5] as const;

export interface Sides {
  /** In the order of ORDERS, in [0, 1]. */
  readonly bleu: readonly number[];
  readonly selfBleu: readonly number[];
  /** Share in [0, 1] that is a training caption word for word. */
  readonly copies: number;
}

export interface Point extends Sides {
  readonly temperature: number;
}

/** 1 is among them. */
export const TEMPERATURES: readonly number[] = [0.7, 0.8, 0.9, 1, 1.1, 1.2];

/** Scores captions against the test captions, which are counted once. */
export class CaptionScorer {
  readonly #references: BleuReferences;
  readonly #known: ReadonlySet<string>;

  constructor(captions: Captions) {
    this.#references = new BleuReferences(captions.test, Math.max(...ORDERS));
    this.#known = new Set(captions.train.map((words) => words.join(' ')));
  }

  sides(captions: readonly Tokens[]): Sides {
    const means = (scores: readonly number[][]): number[] => ORDERS.map((n) => mean(scores.map((score) => score[n - 1]!)));
    return {
      bleu: means(captions.map((words) => this.#references.score(words))),
      selfBleu: means(new BleuReferences(captions, Math.max(...ORDERS)).selfScores()),
      copies: mean(captions.map((words) => (this.#known.has(words.join(' ')) ? 1 : 0))),
    };
  }
}

/** The highest BLEU, of the order at `index` of ORDERS, that a curve reaches at a Self-BLEU of at most `selfBleu`. */
export function bleuAt(curve: readonly Sides[], index: number, selfBleu: number): number {
  return -lowestAt(curve.map((point) => [point.selfBleu[index]!, -point.bleu[index]!]), selfBleu);
}

/** How far a point lies beyond a curve at each order: what it gains in BLEU at no higher Self-BLEU; negative where it lies behind. */
export function gains(point: Sides, reference: readonly Sides[]): number[] {
  return ORDERS.map((_, index) => point.bleu[index]! - bleuAt(reference, index, point.selfBleu[index]!));
}

/** Published: Zhu et al., "Texygen" (2018), tables on image COCO; the training captions' own are in Texygen's docs/evaluation.md. */
export const PUBLISHED = {
  'training captions': { bleu: [0.740, 0.520, 0.337, 0.218], selfBleu: [0.892, 0.747, 0.573, 0.415] },
  MLE: { bleu: [0.731, 0.497, 0.305, 0.189], selfBleu: [0.916, 0.769, 0.583, 0.408] },
  SeqGAN: { bleu: [0.745, 0.498, 0.294, 0.180], selfBleu: [0.950, 0.840, 0.670, 0.489] },
  LeakGAN: { bleu: [0.746, 0.528, 0.355, 0.230], selfBleu: [0.966, 0.913, 0.848, 0.780] },
} as const satisfies Record<string, Omit<Sides, 'copies'>>;

/** How far the training captions' figures may be from the published ones: what words are (quotes, points within captions) is not wholly known. */
export const TOLERANCE = 0.003;

/** The training captions' own figures over as many of them as there are, and whether they are the published ones. */
export function holds(own: Omit<Sides, 'copies'>): boolean {
  const published = PUBLISHED['training captions'];
  return ORDERS.every((_, i) => Math.abs(own.bleu[i]! - published.bleu[i]!) <= TOLERANCE && Math.abs(own.selfBleu[i]! - published.selfBleu[i]!) <= TOLERANCE);
}
