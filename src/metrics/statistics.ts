/** Statistics of plain numbers: proportions, averages, ranks, paired differences. Not here: what is measured with them. */
import type { Proportion } from '../contracts/records.ts';

/** The 0.975 quantile of the standard normal distribution. */
const Z95 = 1.959963984540054;

/**
 * A proportion with its 95 % interval after Wilson, "Probable inference, the law of succession, and statistical inference"
 * (JASA 1927): it stays in [0, 1] and holds for few trials. No trials: value 0, interval [0, 1].
 *
 * @throws RangeError unless 0 <= successes <= n, both whole.
 */
export function wilson(successes: number, n: number): Proportion {
  if (!Number.isInteger(successes) || !Number.isInteger(n) || successes < 0 || successes > n) throw new RangeError(`${successes} of ${n} is no proportion.`);
  if (n === 0) return { successes, n, value: 0, low: 0, high: 1 };
  const value = successes / n;
  const z2 = Z95 * Z95;
  const centre = (value + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z95 / (1 + z2 / n)) * Math.sqrt((value * (1 - value)) / n + z2 / (4 * n * n));
  // At the ends the formula gives 0 and 1 up to rounding.
  return { successes, n, value, low: successes === 0 ? 0 : centre - half, high: successes === n ? 1 : centre + half };
}

/** Arithmetic mean; 0 for no values. */
export function mean(values: readonly number[]): number {
  if (values.length === 0) return 0;
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** The middle value, or the mean of the two middle ones; 0 for no values. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Area under the ROC curve: the probability that a positive has a higher score than a negative, ties counted half
 * (Mann and Whitney, 1947). In [0, 1]; 0.5 when either side is empty.
 */
export function auc(positives: readonly number[], negatives: readonly number[]): number {
  if (positives.length === 0 || negatives.length === 0) return 0.5;
  const high = Float64Array.from(positives).sort();
  const low = Float64Array.from(negatives).sort();
  let below = 0, upTo = 0, wins = 0;
  for (const score of high) {
    while (below < low.length && low[below]! < score) below++;
    while (upTo < low.length && low[upTo]! <= score) upTo++;
    wins += (below + upTo) / 2;
  }
  return wins / (high.length * low.length);
}

export interface Interval {
  /** Mean of a - b over the pairs. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Percentile bootstrap of the mean paired difference a - b (Efron and Tibshirani, "An introduction to the bootstrap", 1993,
 * chapter 13). `uniform(position)` gives a number in [0, 1) for every position 0, 1, 2, …; resampling draws no randomness of
 * its own. Pairs are what was measured on the same task or document before and after.
 *
 * @throws RangeError when the sides differ in length or there are no pairs.
 */
export function pairedBootstrap(
  a: readonly number[],
  b: readonly number[],
  uniform: (position: number) => number,
  { resamples = 2000, confidence = 0.95 }: { readonly resamples?: number; readonly confidence?: number } = {},
): Interval {
  const n = a.length;
  if (n === 0 || n !== b.length) throw new RangeError(`A paired interval needs as many values on both sides, at least one: got ${n} and ${b.length}.`);
  const differences = Float64Array.from(a, (value, i) => value - b[i]!);
  const means = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += differences[Math.floor(uniform(r * n + i) * n)]!;
    means[r] = sum / n;
  }
  means.sort();
  const quantile = (q: number): number => means[Math.min(resamples - 1, Math.max(0, Math.round(q * (resamples - 1))))]!;
  return { difference: mean([...differences]), low: quantile((1 - confidence) / 2), high: quantile((1 + confidence) / 2) };
}
