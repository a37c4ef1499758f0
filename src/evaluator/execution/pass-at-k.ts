/** pass@k, the share of problems that k samples solve: Chen et al. 2021, "Evaluating Large Language Models Trained on Code", equation 1. */

/**
 * The unbiased estimate of the chance that at least one of k samples passes, of n drawn of which c passed: 1 - C(n-c, k) / C(n, k), as a
 * product so that nothing overflows. Throws RangeError unless 0 <= c <= n and 1 <= k <= n.
 */
export function passAtK(n: number, c: number, k: number): number {
  if (![n, c, k].every(Number.isInteger) || c < 0 || c > n || k < 1 || k > n) throw new RangeError(`pass@k needs whole numbers with 0 <= c <= n and 1 <= k <= n; given n=${n}, c=${c}, k=${k}.`);
  let allFail = 1;
  for (let i = n - c + 1; i <= n; i++) allFail *= 1 - k / i;
  return n - c < k ? 1 : 1 - allFail;
}

/** The mean of `passAtK` over problems, for each k that every problem has samples for. */
export function meanPassAtK(problems: readonly { readonly n: number; readonly c: number }[], ks: readonly number[] = [1, 10, 100]): Record<string, number> {
  const possible = ks.filter((k) => problems.length > 0 && problems.every(({ n }) => n >= k));
  return Object.fromEntries(possible.map((k) => [`pass@${k}`, problems.reduce((sum, { n, c }) => sum + passAtK(n, c, k), 0) / problems.length]));
}
