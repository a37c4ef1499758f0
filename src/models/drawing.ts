/** The next token from a step's outputs: drawn there already, or here by inverse CDF. Pure functions. */

export interface DrawOptions {
  readonly temperature: number;
  /** 0: off. */
  readonly topK: number;
  /** 1: off. */
  readonly topP: number;
}

export type DrawnOutputs = { readonly tokens: Int32Array; readonly logProbs: Float32Array };
export type Distributions = { readonly probabilities: Float32Array; readonly logits: Float32Array };
/** The token of slot `s`, and its log-probability at temperature 1. */
export type DrawnAt = (s: number, uniform: number) => { readonly token: number; readonly logProb: number };

export function drawnBy({ tokens, logProbs }: DrawnOutputs): DrawnAt {
  return (s) => ({ token: tokens[s]!, logProb: logProbs[s]! });
}

export function drawnFrom({ probabilities, logits }: Distributions, vocabulary: number, options: DrawOptions): DrawnAt {
  return (s, uniform) => {
    const from = s * vocabulary;
    const row = probabilities.subarray(from, from + vocabulary);
    const token = draw(row, uniform, options);
    return { token, logProb: options.temperature === 1 ? Math.log(row[token]!) : logSoftmaxAt(logits.subarray(from, from + vocabulary), token) };
  };
}

/**
 * The token at which the cumulative distribution passes `uniform` (inverse CDF), after truncation to the topK likeliest and
 * to the smallest set whose probability reaches topP (Holtzman et al. 2020); 0 and 1 turn them off. `probabilities` add up to 1.
 */
export function draw(probabilities: Float32Array, uniform: number, options: Pick<DrawOptions, 'topK' | 'topP'>): number {
  const { topK, topP } = options;
  if (topK <= 0 && topP >= 1) return inverse(probabilities, uniform);
  const order = Array.from(probabilities.keys()).sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
  const kept: number[] = [];
  let total = 0;
  for (const token of order.slice(0, topK > 0 ? topK : undefined)) {
    if (kept.length > 0 && total >= topP) break;
    kept.push(token);
    total += probabilities[token]!;
  }
  return kept[inverse(kept.map((token) => probabilities[token]!), uniform * total)]!;
}

function logSoftmaxAt(logits: Float32Array, token: number): number {
  let most = -Infinity;
  for (let i = 0; i < logits.length; i++) most = Math.max(most, logits[i]!);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - most);
  return logits[token]! - most - Math.log(sum);
}

/** The first place at which the sum from left to right, in double precision, passes `threshold`. Weights are not negative. */
function inverse(weights: ArrayLike<number>, threshold: number): number {
  let sum = 0, i = 0;
  // The same additions in the same order, with every eighth sum compared: half the time.
  for (; i + 8 <= weights.length; i += 8) {
    const next = sum + weights[i]! + weights[i + 1]! + weights[i + 2]! + weights[i + 3]! + weights[i + 4]! + weights[i + 5]! + weights[i + 6]! + weights[i + 7]!;
    if (next > threshold) break;
    sum = next;
  }
  for (; i < weights.length; i++) {
    sum += weights[i]!;
    if (sum > threshold) return i;
  }
  // Rounding left the threshold just above the sum.
  let last = weights.length - 1;
  while (last > 0 && weights[last]! <= 0) last--;
  return last;
}
