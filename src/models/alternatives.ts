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

/** A token that was not written, drawn in its place. */
export interface Other {
  readonly token: number;
  /** Estimate of its probability: its expectation over `uniform` is that probability, and 0 where it was not drawn. */
  readonly share: number;
  /** Natural log of its probability. */
  readonly logProb: number;
}

/**
 * Tokens drawn in place of `written` in proportion to the square root of their probability, each with its importance weight. What would break a text is
 * mostly in the tail of the distribution, some of it at every position; drawn by its probability it would hardly ever be met (docs/decisions/0011).
 * `probabilities` (V) add up to 1; `uniform` in [0, 1).
 * Source: Owen, "Monte Carlo Theory, Methods and Examples" (2013), section 9.1.
 */
export function drawOthers(probabilities: Float32Array, written: number, uniform: number, draws: number): Other[] {
  const flat = probabilities.map(Math.sqrt);
  flat[written] = 0;
  return drawSystematic(flat, uniform, draws).map(({ token, draws: hits, logProb: logOfDraw }) => {
    const logProb = Math.log(probabilities[token]!);
    return { token, share: (hits / draws) * Math.exp(logProb - logOfDraw), logProb };
  });
}
