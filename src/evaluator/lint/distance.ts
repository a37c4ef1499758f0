/**
 * Levenshtein distance of two strings by bit-parallel dynamic programming: 32 rows of the matrix are one machine word, so the cost
 * is n * m / 32 word operations. Not here: what the distance is used for.
 *
 * After Myers, "A fast bit-vector algorithm for approximate string matching based on dynamic programming", Journal of the ACM 46(3),
 * 1999, with the blocks joined as in section 4 of that paper.
 */

import { commonEnds } from '../ends.ts';

const WORD = 32;
/** By UTF-16 unit: in which rows of the current block the pattern has it. Zero between calls. */
const rows = new Int32Array(0x10000);

/** Least number of UTF-16 units inserted, deleted or replaced that turns `a` into `b`. */
export function editDistance(a: string, b: string): number {
  const { start, tail } = commonEnds(a, b);
  return distance(a.slice(start, a.length - tail), b.slice(start, b.length - tail));
}

/** The distance as a share of the longer string, in [0, 1]; 0 for two empty strings. */
export function normalisedDistance(a: string, b: string): number {
  const longer = Math.max(a.length, b.length);
  return longer === 0 ? 0 : editDistance(a, b) / longer;
}

function distance(pattern: string, text: string): number {
  const m = pattern.length, n = text.length;
  if (m === 0 || n === 0) return m + n;
  // Difference between neighbouring columns along the row above the block: +1 everywhere above the first row.
  const above = new Int8Array(n).fill(1);
  let result = m;
  for (let top = 0; top < m; top += WORD) {
    const height = Math.min(WORD, m - top);
    const last = 1 << (height - 1);
    for (let row = 0; row < height; row++) rows[pattern.charCodeAt(top + row)]! |= 1 << row;
    let positive = -1, negative = 0;
    for (let column = 0; column < n; column++) {
      const entering = above[column]!;
      let equal = rows[text.charCodeAt(column)]!;
      const vertical = equal | negative;
      if (entering < 0) equal |= 1;
      const horizontal = ((((equal & positive) + positive) | 0) ^ positive) | equal;
      let up = negative | ~(horizontal | positive);
      let down = positive & horizontal;
      above[column] = up & last ? 1 : down & last ? -1 : 0;
      up <<= 1;
      down <<= 1;
      if (entering < 0) down |= 1;
      else if (entering > 0) up |= 1;
      positive = down | ~(vertical | up);
      negative = up & vertical;
    }
    for (let row = 0; row < height; row++) rows[pattern.charCodeAt(top + row)] = 0;
  }
  for (let column = 0; column < n; column++) result += above[column]!;
  return result;
}
