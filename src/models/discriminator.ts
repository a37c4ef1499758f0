/**
 * The discriminator, the GAN's other half: a small encoder of a text's syntax-tree bigrams (a hashed bag through one hidden
 * layer) that tells corpus documents from generated *valid* ones. Validity is the evaluator's business; what is left for this
 * network is whether the structure is that of code people write.
 *
 * Trained on as many real as generated texts, so D / (1 - D) = exp(logit) estimates p(real) / p(generated).
 * Source: Goodfellow et al., "Generative Adversarial Nets" (2014), proposition 1; the hashing trick: Weinberger et al. (2009).
 */
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

/** log(1 + count) of each hashed bigram, divided by 2: bounded growth, and presence counts more than repetition. */
export function features(bigrams: readonly number[], out: Float32Array): void {
  out.fill(0);
  for (const bigram of bigrams) {
    const bucket = Math.imul(bigram, 0x9e3779b1) >>> 21;
    out[bucket] = out[bucket]! + 1;
  }
  for (let i = 0; i < FEATURES; i++) if (out[i]! > 0) out[i] = Math.log1p(out[i]!) / 2;
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
      const { state } = adamW(
        { weights: variables['weights'] as tf.Tensor1D, first: variables['first'] as tf.Tensor1D, second: variables['second'] as tf.Tensor1D },
        gradient, mask,
        { learningRate: inputs['learningRate']!, firstCorrection: inputs['firstCorrection']!, secondCorrection: inputs['secondCorrection']! });
      return { updates: { ...state }, outputs: { loss: value } };
    },
  };
}
