/** AdamW with clipping by the global norm, as a pure function over flat vectors. The state is explicit and complete. */
import type { Tensors } from '../engine/compile.ts';
import * as tf from '../engine/ops/index.ts';

/** Decays of the first and second moments. */
export interface Betas {
  readonly beta1: number;
  readonly beta2: number;
}

export const BETAS: Betas = { beta1: 0.9, beta2: 0.99 };
/** For pairs that train against each other: less momentum, or they swing past each other (Radford et al., "DCGAN" (2016), section 4). */
export const ADVERSARIAL_BETAS: Betas = { beta1: 0.5, beta2: 0.999 };
const EPSILON = 1e-8;
const WEIGHT_DECAY = 0.1;
const MAX_NORM = 1;

export interface AdamState {
  readonly weights: tf.Tensor1D;
  /** First and second moments. */
  readonly first: tf.Tensor1D;
  readonly second: tf.Tensor1D;
}

/**
 * Bias corrections of the update after `updates` earlier ones, for `adamW`'s inputs: they are numbers the host knows, and powers
 * of beta kept in float32 would drift.
 */
export function biasCorrections(updates: number, { beta1, beta2 } = BETAS): { firstCorrection: number; secondCorrection: number } {
  return { firstCorrection: 1 / (1 - beta1 ** (updates + 1)), secondCorrection: 1 / (1 - beta2 ** (updates + 1)) };
}

/** The exponential average of the weights, `decay` of it the one before. */
export function movingAverage(average: tf.Tensor, weights: tf.Tensor, decay: tf.Tensor): tf.Tensor {
  return tf.add(tf.mul(average, decay), tf.mul(weights, tf.sub(1, decay)));
}

/**
 * One update. Gradients are first scaled to a global norm of at most 1 (Pascanu et al. 2013); decay is decoupled and scaled by
 * the learning rate, on matrices only. `gradNorm` is the norm before clipping. `variables` has the state under its names, `inputs` the
 * rates `learningRate`, `firstCorrection` and `secondCorrection`; what else a step has among them is left alone.
 * Source: Loshchilov, Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2.
 */
export function adamW(variables: Tensors, gradient: tf.Tensor1D, decayMask: Float32Array, inputs: Tensors, { beta1, beta2 } = BETAS): { state: AdamState; gradNorm: tf.Scalar } {
  const state = variables as Record<string, tf.Tensor> & AdamState;
  const rates = inputs as Record<string, tf.Tensor> & Record<'learningRate' | 'firstCorrection' | 'secondCorrection', tf.Tensor>;
  // Factors that are one number are multiplied with each other before they meet a vector: each pass over the vectors costs alike.
  const squares = tf.square(gradient);
  const gradNorm = tf.sqrt(tf.sum(squares)) as tf.Scalar;
  const clip = tf.div(MAX_NORM, tf.maximum(gradNorm, MAX_NORM));
  const first = tf.add(tf.mul(state.first, beta1), tf.mul(gradient, tf.mul(clip, 1 - beta1))) as tf.Tensor1D;
  const second = tf.add(tf.mul(state.second, beta2), tf.mul(squares, tf.mul(tf.square(clip), 1 - beta2))) as tf.Tensor1D;
  // learningRate (first * firstCorrection) / (sqrt(second * secondCorrection) + epsilon)
  const root = tf.sqrt(rates.secondCorrection);
  const change = tf.div(tf.mul(first, tf.div(tf.mul(rates.learningRate, rates.firstCorrection), root)), tf.add(tf.sqrt(second), tf.div(EPSILON, root)));
  const shrink = tf.sub(1, tf.mul(tf.tensor1d(decayMask), tf.mul(rates.learningRate, WEIGHT_DECAY)));
  const weights = tf.sub(tf.mul(state.weights, shrink), change) as tf.Tensor1D;
  return { state: { weights, first, second }, gradNorm };
}
