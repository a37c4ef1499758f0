/** How far the structure of samples is from that of held-out documents. */

/**
 * Jensen-Shannon divergence, in bits, of two distributions given as counts (Lin, "Divergence measures based on the Shannon
 * entropy", 1991). In [0, 1]: 0 for equal distributions, 1 for disjoint ones. Two empty ones are equal; an empty one and
 * another are disjoint.
 */
export function jensenShannon(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): number {
  const totalA = total(a);
  const totalB = total(b);
  if (totalA === 0 || totalB === 0) return totalA === totalB ? 0 : 1;
  let bits = 0;
  const add = (p: number, q: number): void => {
    if (p > 0) bits += (p / 2) * Math.log2((2 * p) / (p + q));
  };
  for (const [key, count] of a) add(count / totalA, (b.get(key) ?? 0) / totalB);
  for (const [key, count] of b) add(count / totalB, (a.get(key) ?? 0) / totalA);
  return Math.min(1, Math.max(0, bits));
}

/**
 * Structure divergence: Jensen-Shannon divergence of the syntax-tree bigrams of valid samples from those of held-out documents.
 * Few texts look far away from anything, so always equal counts are compared: the first min(valid, held-out) of each. What comes
 * first must not depend on what is measured (documents are ordered by hash, samples by task). 1 when either side is empty.
 */
export function structureDivergence(valid: readonly (readonly number[])[], heldOut: readonly (readonly number[])[]): number {
  const n = Math.min(valid.length, heldOut.length);
  return n === 0 ? 1 : jensenShannon(countAll(valid.slice(0, n)), countAll(heldOut.slice(0, n)));
}

function countAll(lists: readonly (readonly number[])[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const list of lists) for (const key of list) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

function total(counts: ReadonlyMap<number, number>): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}
