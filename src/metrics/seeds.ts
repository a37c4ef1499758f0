/**
 * Intervals over repeated runs: what was measured under several seeds, each with many samples, of two arms that share their
 * seeds. Pure: randomness comes in as a function. Not here: what is measured.
 *
 * What is resampled: first seeds, with replacement, the two arms of a seed staying together; then, within each drawn seed, the
 * samples (or prompts) by their index, the same indices for both arms. The statistic is the mean over the drawn seeds of the
 * difference of the two means. Two levels, since samples of one seed are more alike than samples of two (Davison and Hinkley,
 * "Bootstrap methods and their application", 1997, section 3.8).
 *
 * Three or five seeds are few, and a percentile interval over few clusters is too narrow: their plug-in variance is too small by
 * (n - 1) / n, and the normal quantile stands in for Student's. What the draw of seeds moves the mean by is therefore multiplied by
 * sqrt(n / (n - 1)) * t(0.975, n - 1) / z(0.975), after Hesterberg, "What teachers should know about the bootstrap" (The
 * American Statistician, 2015), section 5.3: 9.2 for two seeds, 2.7 for three, 1.6 for five. What the draw of samples adds is not: the seeds'
 * means hold that noise once already, so the interval errs on the wide side, by some 4 to 8 % where samples make half of the noise.
 */
import { mean, type Interval } from './statistics.ts';

/** One seed's values of the arm and of what it is compared with; the same index is the same task. One value each: only seeds are resampled. */
export interface SeedPair {
  readonly a: readonly number[];
  readonly b: readonly number[];
}

const Z95 = 1.959963984540054;
/** Student's 0.975 quantile for 1 to 10 degrees of freedom. */
const T95 = [12.7062, 4.30265, 3.18245, 2.77645, 2.57058, 2.44691, 2.36462, 2.306, 2.26216, 2.22814];

/** Student's 0.975 quantile; above 10 degrees of freedom by the first three terms of the Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5), to within 0.0002. */
export function student95(freedom: number): number {
  if (!Number.isInteger(freedom) || freedom < 1) throw new RangeError(`Student's distribution needs a whole number of degrees of freedom, at least 1; got ${freedom}.`);
  const z = Z95;
  return T95[freedom - 1] ?? z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2)
    + (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3);
}

/**
 * The 95 % interval of the mean over seeds of `mean(a) - mean(b)`, as the head of this file says. `uniform(position)` gives a number
 * in [0, 1) for every position. With one seed only its samples are resampled, so it says nothing about other seeds.
 *
 * @throws RangeError when there is no seed, or a seed has no values or not the same number on both sides.
 */
export function seedInterval(pairs: readonly SeedPair[], uniform: (position: number) => number, resamples = 2000): Interval {
  const n = pairs.length;
  if (n === 0) throw new RangeError('An interval over seeds needs at least one seed.');
  const differences = pairs.map(({ a, b }) => {
    if (a.length === 0 || a.length !== b.length) throw new RangeError(`A paired interval needs as many values on both sides, at least one: got ${a.length} and ${b.length}.`);
    return a.map((value, i) => value - b[i]!);
  });
  const means = differences.map(mean);
  const difference = mean(means);
  const widening = n === 1 ? 1 : Math.sqrt(n / (n - 1)) * (student95(n - 1) / Z95);
  const draws = new Float64Array(resamples);
  let position = 0;
  const index = (bound: number): number => Math.floor(uniform(position++) * bound);
  for (let r = 0; r < resamples; r++) {
    let drawn = 0, resampled = 0;
    for (let s = 0; s < n; s++) {
      const seed = n === 1 ? 0 : index(n);
      const values = differences[seed]!;
      drawn += means[seed]!;
      if (values.length === 1) {
        resampled += means[seed]!;
        continue;
      }
      let sum = 0;
      for (let i = 0; i < values.length; i++) sum += values[index(values.length)]!;
      resampled += sum / values.length;
    }
    draws[r] = difference + widening * (drawn / n - difference) + (resampled - drawn) / n;
  }
  draws.sort();
  const quantile = (q: number): number => draws[Math.round(q * (resamples - 1))]!;
  return { difference, low: quantile(0.025), high: quantile(0.975) };
}

/** The same for one arm alone: the 95 % interval of the mean over seeds of the mean of each seed's values. */
export function seedMean(values: readonly (readonly number[])[], uniform: (position: number) => number, resamples = 2000): Interval {
  return seedInterval(values.map((a) => ({ a, b: a.map(() => 0) })), uniform, resamples);
}
