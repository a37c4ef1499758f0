/** Values counted in bins. */
import type { Histogram } from '../contracts/records.ts';

/**
 * Counts in `count` bins of `width` from `from` on, each without its upper end. What lies below or above all of them is in the first or
 * the last one, so that the counts sum up to the number of values.
 */
export function histogramOf(values: readonly number[], { from, width, count }: { readonly from: number; readonly width: number; readonly count: number }): Histogram {
  const counts = new Array<number>(count).fill(0);
  for (const value of values) counts[Math.max(0, Math.min(count - 1, Math.floor((value - from) / width)))]!++;
  return { from, width, counts };
}
