/** Statistics of plain numbers: proportions, averages, ranks, paired differences. Not here: what is measured with them. */
import type { Proportion } from '../contracts/records.ts';

/** The 0.975 quantile of the standard normal distribution. */
const Z95 = 1.959963984540054;

/** The standard normal distribution function at x. Source: Marsaglia, "Evaluating the Normal Distribution" (Journal of Statistical Software, 2004), section 3. */
function normalBelow(x: number): number {
  let sum = x, term = x;
  for (let i = 3; Math.abs(term) > 1e-17; i += 2) sum += term *= (x * x) / i;
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

/** How many standard deviations wide, to either side, each of so many intervals is that are to hold together in 95 of 100 cases (Bonferroni). */
function deviations95(together: number): number {
  if (together === 1) return Z95;
  let [low, high] = [1, 7];
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (normalBelow(middle) < 1 - 0.025 / together) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * A proportion with its 95 % interval after Wilson, "Probable inference, the law of succession, and statistical inference"
 * (JASA 1927): it stays in [0, 1] and holds for few trials. No trials: value 0, interval [0, 1]. `together`: the proportion is one of so many
 * whose intervals are to hold all at once.
 *
 * @throws RangeError unless 0 <= successes <= n, both whole.
 */
export function wilson(successes: number, n: number, together = 1): Proportion {
  if (!Number.isInteger(successes) || !Number.isInteger(n) || successes < 0 || successes > n) throw new RangeError(`${successes} of ${n} is no proportion.`);
  if (n === 0) return { successes, n, value: 0, low: 0, high: 1 };
  const value = successes / n;
  const z = deviations95(together);
  const z2 = z * z;
  const centre = (value + z2 / (2 * n)) / (1 + z2 / n);
  const half = (z / (1 + z2 / n)) * Math.sqrt((value * (1 - value)) / n + z2 / (4 * n * n));
  // At the ends the formula gives 0 and 1 up to rounding.
  return { successes, n, value, low: successes === 0 ? 0 : centre - half, high: successes === n ? 1 : centre + half };
}

/** The share of outcomes that are true. */
export const proportionOf = (outcomes: readonly boolean[]): Proportion => wilson(outcomes.filter(Boolean).length, outcomes.length);

/**
 * 95 % interval of `a - b` from the Wilson intervals of both: for independent proportions method 10 of Newcombe, "Interval estimation for the difference between
 * independent proportions" (Statistics in Medicine, 1998); for such as go together by `correlation`, method 10 of his "Improved confidence intervals for the difference
 * between binomial proportions based on paired data" (same volume).
 */
export function differenceInterval(a: Proportion, b: Proportion, correlation = 0): { readonly low: number; readonly high: number } {
  const difference = a.value - b.value;
  const joined = (x: number, y: number): number => Math.sqrt(Math.max(0, x * x - 2 * correlation * x * y + y * y));
  return {
    low: difference - joined(a.value - a.low, b.high - b.value),
    high: difference + joined(a.high - a.value, b.value - b.low),
  };
}

/**
 * The same of two shares taken on the same draws, outcome i of both sides on draw i.
 *
 * @throws RangeError when there are not as many outcomes on both sides.
 */
export function pairedInterval(a: readonly boolean[], b: readonly boolean[]): ReturnType<typeof differenceInterval> {
  if (a.length !== b.length) throw new RangeError(`A paired interval needs as many outcomes on both sides: got ${a.length} and ${b.length}.`);
  const n = a.length;
  const [first, second] = [proportionOf(a), proportionOf(b)];
  const both = a.filter((outcome, i) => outcome && b[i]).length;
  const [one, other] = [first.successes - both, second.successes - both];
  const together = both * (n - both - one - other) - one * other;
  const spread = Math.sqrt(first.successes * (n - first.successes) * second.successes * (n - second.successes));
  // Corrected for continuity where they go together, as Newcombe has it.
  return differenceInterval(first, second, spread === 0 ? 0 : (together > 0 ? Math.max(0, together - n / 2) : together) / spread);
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
