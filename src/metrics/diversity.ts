/** How different samples are from one another: shapes, repeated lines, Self-BLEU, entropy. */

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

const MAX_ORDER = 4;
/** Smoothing method 1 of Chen and Cherry, "A systematic comparison of smoothing techniques for sentence-level BLEU" (2014). */
const EPSILON = 0.1;

/**
 * BLEU-4 of one tokenised text against others (Papineni et al. 2002), uniform weights, method-1 smoothing: a numerator of 0
 * counts as 0.1. In [0, 1]. 0 when there is no reference or no common word.
 */
export function bleu(hypothesis: readonly string[], references: readonly (readonly string[])[]): number {
  if (references.length === 0) return 0;
  const counted = references.map(ngramCounts);
  const most = (order: number, gram: string): number => Math.max(...counted.map((counts) => counts[order - 1]!.get(gram) ?? 0));
  return score(ngramCounts(hypothesis), hypothesis.length, most, references.map(({ length }) => length));
}

/**
 * Self-BLEU (Zhu et al., "Texygen", 2018): the mean BLEU-4 of each text against all the others, over the first 200 texts; the
 * number is fixed because it grows with the number of references. In [0, 1]; higher means more alike. 0 for fewer than two texts.
 *
 * The most often any other text has an n-gram comes from its two largest counts, so the cost is linear in the tokens.
 */
export function selfBleu(texts: readonly (readonly string[])[]): number {
  const first = texts.slice(0, DIVERSITY_SAMPLES);
  if (first.length < 2) return 0;
  const counted = first.map(ngramCounts);
  const largest = Array.from({ length: MAX_ORDER }, () => new Map<string, { owner: number; most: number; second: number }>());
  counted.forEach((counts, owner) => {
    counts.forEach((grams, index) => {
      const known = largest[index]!;
      for (const [gram, count] of grams) {
        const entry = known.get(gram);
        if (!entry) known.set(gram, { owner, most: count, second: 0 });
        else if (count > entry.most) {
          entry.second = entry.most;
          entry.most = count;
          entry.owner = owner;
        } else if (count > entry.second) entry.second = count;
      }
    });
  });
  let sum = 0;
  first.forEach((text, owner) => {
    const most = (order: number, gram: string): number => {
      const entry = largest[order - 1]!.get(gram)!;
      return entry.owner === owner ? entry.second : entry.most;
    };
    const lengths = first.filter((_, other) => other !== owner).map(({ length }) => length);
    sum += score(counted[owner]!, text.length, most, lengths);
  });
  return sum / first.length;
}

/** Words and single signs: tokens for `selfBleu` that depend on no vocabulary. */
export const bleuTokens = (text: string): string[] => text.match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];

type Counts = readonly ReadonlyMap<string, number>[];

/** Counts of n-grams, n = 1 to 4; a gram is its tokens joined by NUL. */
function ngramCounts(tokens: readonly string[]): Counts {
  return Array.from({ length: MAX_ORDER }, (_, index) => {
    const counts = new Map<string, number>();
    for (let i = 0; i + index < tokens.length; i++) {
      const gram = tokens.slice(i, i + index + 1).join('\0');
      counts.set(gram, (counts.get(gram) ?? 0) + 1);
    }
    return counts;
  });
}

function score(hypothesis: Counts, length: number, most: (order: number, gram: string) => number, referenceLengths: readonly number[]): number {
  let logSum = 0;
  for (let order = 1; order <= MAX_ORDER; order++) {
    let matches = 0, all = 0;
    for (const [gram, count] of hypothesis[order - 1]!) {
      matches += Math.min(count, most(order, gram));
      all += count;
    }
    if (order === 1 && matches === 0) return 0;
    logSum += Math.log((matches === 0 ? EPSILON : matches) / Math.max(1, all));
  }
  // The length of the reference nearest in length, the shorter of two; 1 when the hypothesis is longer.
  const nearest = referenceLengths.reduce((best, other) => {
    const better = Math.abs(other - length) - Math.abs(best - length);
    return better < 0 || (better === 0 && other < best) ? other : best;
  });
  const brevity = length > nearest ? 1 : Math.exp(1 - nearest / length);
  return brevity * Math.exp(logSum / MAX_ORDER);
}
