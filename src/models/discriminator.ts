/**
 * The discriminator, the GAN's other half: a small encoder of a text's syntax-tree bigrams (a hashed bag through one hidden
 * layer) that tells corpus documents from generated *valid* ones. Validity is the evaluator's business; what is left for this
 * network is whether the structure is that of code people write.
 *
 * Trained on as many real as generated texts, so D / (1 - D) = exp(logit) estimates p(real) / p(generated).
 * Source: Goodfellow et al., "Generative Adversarial Nets" (2014), proposition 1; the hashing trick: Weinberger et al. (2009).
 */
import type { TraceInput } from '../contracts/model.ts';
import type { OddsTrace } from '../contracts/records.ts';
import * as tf from '../engine/ops/index.ts';
import type { Step, StepSpec } from '../engine/compile.ts';
import { adamW } from './optimizer.ts';
import { Layout } from './parameters.ts';

export const FEATURES = 2048;
const HIDDEN = 48;

export function discriminatorLayout(): Layout {
  return new Layout([
    { name: 'input', shape: [FEATURES, HIDDEN], init: 0.05 },
    { name: 'inputBias', shape: [HIDDEN], init: 0 },
    { name: 'output', shape: [HIDDEN, 1], init: 0.05 },
    { name: 'outputBias', shape: [1], init: 0 },
  ]);
}

const bucketOf = (bigram: number): number => Math.imul(bigram, 0x9e3779b1) >>> 21;
const featureOf = (count: number): number => Math.log1p(count) / 2;

/** log(1 + count) of each hashed bigram, divided by 2: bounded growth, and presence counts more than repetition. */
export function features(bigrams: readonly number[], out: Float32Array): void {
  out.fill(0);
  for (const bigram of bigrams) {
    const bucket = bucketOf(bigram);
    out[bucket] = out[bucket]! + 1;
  }
  for (let i = 0; i < FEATURES; i++) if (out[i]! > 0) out[i] = featureOf(out[i]!);
}

/**
 * The logit after every place at which bigrams begin, in order of the places. A bigram more changes one feature, so the hidden layer's
 * input is carried along instead of multiplied anew: 48 products a bigram, in double precision, where a forward pass has 98,000.
 */
export function trace(weights: Float32Array, { bigrams, at }: TraceInput): OddsTrace {
  const bias = weights.subarray(FEATURES * HIDDEN, (FEATURES + 1) * HIDDEN);
  const output = weights.subarray((FEATURES + 1) * HIDDEN, (FEATURES + 2) * HIDDEN);
  const hidden = Float64Array.from(bias);
  const logit = (): number => {
    let sum = weights[(FEATURES + 2) * HIDDEN]!;
    for (let j = 0; j < HIDDEN; j++) sum += output[j]! * Math.tanh(hidden[j]!);
    return Math.round(sum * 1000) / 1000;
  };
  const empty = logit();
  const counts = new Map<number, number>();
  const places: number[] = [];
  const logOdds: number[] = [];
  const order = at.map((_, i) => i).sort((a, b) => at[a]! - at[b]! || a - b);
  for (const [position, i] of order.entries()) {
    const bucket = bucketOf(bigrams[i]!);
    const count = counts.get(bucket) ?? 0;
    counts.set(bucket, count + 1);
    const change = featureOf(count + 1) - featureOf(count);
    for (let j = 0; j < HIDDEN; j++) hidden[j]! += change * weights[bucket * HIDDEN + j]!;
    const next = order[position + 1];
    if (next !== undefined && at[next] === at[i]) continue;
    places.push(at[i]!);
    logOdds.push(logit());
  }
  return { empty, at: places, logOdds };
}

/** Logits (rows) of features (rows, FEATURES): log D / (1 - D). */
function logits(p: Record<string, tf.Tensor>, x: tf.Tensor2D): tf.Tensor1D {
  const hidden = tf.tanh(tf.add(tf.matMul(x, p['input'] as tf.Tensor2D), p['inputBias']!));
  return tf.add(tf.matMul(hidden as tf.Tensor2D, p['output'] as tf.Tensor2D), p['outputBias']!).reshape([x.shape[0]]);
}

export function discriminatorScoreStep(rows: number): { step: Step; spec: StepSpec } {
  const layout = discriminatorLayout();
  return {
    spec: { variables: { weights: { type: 'float32', shape: [layout.size] } }, inputs: { features: { type: 'float32', shape: [rows, FEATURES] } } },
    step: (variables, inputs) => ({ updates: {}, outputs: { logits: logits(layout.unflatten(variables['weights'] as tf.Tensor1D), inputs['features'] as tf.Tensor2D) } }),
  };
}

/** One update on `rows` texts, labels 1 for real and 0 for generated: mean binary cross-entropy, nats. */
export function discriminatorTrainStep(rows: number): { step: Step; spec: StepSpec } {
  const layout = discriminatorLayout();
  const flat = { type: 'float32', shape: [layout.size] } as const;
  const scalar = { type: 'float32', shape: [] } as const;
  const mask = layout.decayMask();
  return {
    spec: {
      variables: { weights: flat, first: flat, second: flat },
      inputs: {
        features: { type: 'float32', shape: [rows, FEATURES] }, labels: { type: 'float32', shape: [rows] },
        learningRate: scalar, firstCorrection: scalar, secondCorrection: scalar,
      },
    },
    step(variables, inputs) {
      const { value, gradient } = layout.valueAndGradient(variables['weights'] as tf.Tensor1D, (p) => {
        const z = logits(p, inputs['features'] as tf.Tensor2D);
        // softplus(z) - y z = -log D for y = 1 and -log(1 - D) for y = 0
        return { loss: tf.mean(tf.sub(tf.softplus(z), tf.mul(inputs['labels']!, z))) as tf.Scalar, metrics: {} };
      });
      const { state } = adamW(variables, gradient, mask, inputs);
      return { updates: { ...state }, outputs: { loss: value } };
    },
  };
}
