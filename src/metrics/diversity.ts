/** How different samples are from one another: shapes, repeated lines, Self-BLEU, entropy. */
import { BleuReferences } from './bleu.ts';
import { mean } from './statistics.ts';

/** Diversity is taken on so many valid samples, the first ones, since it depends on how many there are. */
export const DIVERSITY_SAMPLES = 200;

/**
 * Distinct syntax-tree shapes among the first 200; with n < 200 the distinct ones of n times 200 / n, which flatters, since
 * shapes repeat the more the more there are (the number of valid samples is shown beside it). Empty shapes are left out.
 */
export function distinctShapes(shapes: readonly string[]): number {
  const first = shapes.filter((shape) => shape !== '').slice(0, DIVERSITY_SAMPLES);
  return first.length === 0 ? 0 : Math.round((new Set(first).size * DIVERSITY_SAMPLES) / first.length);
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

/** BLEU-4 of one tokenised text against others, as bleu.ts has it. In [0, 1]. 0 when there is no reference or no common word. */
export function bleu(hypothesis: readonly string[], references: readonly (readonly string[])[]): number {
  return new BleuReferences(references, ORDERS).score(hypothesis).at(-1)!;
}

/**
 * Self-BLEU (Zhu et al., "Texygen", 2018): the mean BLEU-4 of each text against all the others, over the first 200 texts; the
 * number is fixed because it grows with the number of references. In [0, 1]; higher means more alike. 0 for fewer than two texts.
 */
export function selfBleu(texts: readonly (readonly string[])[]): number {
  return mean(new BleuReferences(texts.slice(0, DIVERSITY_SAMPLES), ORDERS).selfScores().map((scores) => scores.at(-1)!));
}

/** Words and single signs: tokens for `selfBleu` that depend on no vocabulary. */
export const bleuTokens = (text: string): string[] => text.match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
