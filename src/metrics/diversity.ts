/** How different samples are from one another: shapes, repeated lines, Self-BLEU, entropy. */
import { BleuReferences } from './bleu.ts';
import { mean } from './statistics.ts';

/** Diversity is taken on so many valid samples, since it depends on how many there are. */
export const DIVERSITY_SAMPLES = 200;

/**
 * Distinct syntax-tree shapes to be expected among 200 of the texts. Taken from fewer, `count` or as many as there are, it is what they have times
 * 200 / count, which flatters, since shapes repeat the more the more there are: figures that are compared need the same `count`. Empty
 * shapes are left out. Source: rarefaction, Hurlbert, "The nonconcept of species diversity" (1971), eq. for E(S_n).
 */
export function distinctShapes(shapes: readonly string[], count = DIVERSITY_SAMPLES): number {
  const frequencies = new Map<string, number>();
  for (const shape of shapes) if (shape !== '') frequencies.set(shape, (frequencies.get(shape) ?? 0) + 1);
  const all = [...frequencies.values()].reduce((sum, frequency) => sum + frequency, 0);
  const drawn = Math.min(count, DIVERSITY_SAMPLES, all);
  if (drawn === 0) return 0;
  let expected = 0;
  for (const frequency of frequencies.values()) {
    // That none of the draws, without replacement, has this shape.
    let missed = 1;
    for (let i = 0; i < drawn && missed > 0; i++) missed *= Math.max(0, all - frequency - i) / (all - i);
    expected += 1 - missed;
  }
  return Math.round((expected * DIVERSITY_SAMPLES) / drawn);
}

/** Share in [0, 1] of the lines of all texts that repeat an earlier line of their own text. `share` is each text's own, in [0, 1]. */
export function repeatedLines(texts: readonly { readonly lines: number; readonly share: number }[]): number {
  let repeated = 0, lines = 0;
  for (const text of texts) {
    repeated += text.share * text.lines;
    lines += text.lines;
  }
  return lines === 0 ? 0 : repeated / lines;
}

/** Mean of -log p over all sampled tokens, nats: an unbiased estimate of the mean entropy of the distributions drawn from. */
export function sampledEntropy(logProbs: Iterable<readonly number[]>): number {
  let sum = 0, count = 0;
  for (const list of logProbs) {
    for (const logProb of list) sum -= logProb;
    count += list.length;
  }
  return count === 0 ? 0 : sum / count;
}

const ORDERS = 4;

/**
 * Self-BLEU (Zhu et al., "Texygen", 2018): the mean BLEU-4 of each text against all the others, over the first 200 texts; the
 * number is fixed because it grows with the number of references. In [0, 1]; higher means more alike. 0 for fewer than two texts.
 */
export function selfBleu(texts: readonly (readonly string[])[]): number {
  return mean(new BleuReferences(texts.slice(0, DIVERSITY_SAMPLES), ORDERS).selfScores().map((scores) => scores.at(-1)!));
}

/** Words and single signs: tokens for `selfBleu` that depend on no vocabulary. */
export const bleuTokens = (text: string): string[] => text.match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
