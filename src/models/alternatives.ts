/**
 * Tokens drawn from a distribution beside the one that was written. Arithmetic on one row of probabilities; which rows, and what for,
 * others decide (host.ts, agents/learner/alternatives.ts).
 */

export interface Drawn {
  readonly token: number;
  /** How many of the draws fell on it. */
  readonly draws: number;
  /** Natural log of its probability. */
  readonly logProb: number;
}

/**
 * Systematic sampling: `draws` points evenly spaced over the cumulative distribution, the first at `uniform` / draws. A token is hit
 * draws * p times on average, with less scatter than by independent draws; each comes once, in the order of ids.
 * `probabilities` (V), at least 0, are taken relative to their sum; `uniform` in [0, 1).
 * Source: Kitagawa, "Monte Carlo Filter and Smoother" (1996), section on stratified sampling.
 */
export function drawSystematic(probabilities: Float32Array, uniform: number, draws: number): Drawn[] {
  let total = 0;
  for (let token = 0; token < probabilities.length; token++) total += probabilities[token]!;
  const drawn: Drawn[] = [];
  let done = 0;
  let sum = 0;
  for (let token = 0; token < probabilities.length && done < draws; token++) {
    sum += probabilities[token]!;
    const before = done;
    while (done < draws && (uniform + done) * total < sum * draws) done++;
    if (done > before) drawn.push({ token, draws: done - before, logProb: Math.log(probabilities[token]! / total) });
  }
  return drawn;
}
