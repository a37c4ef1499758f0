/** AdamW with clipping by the global norm, as a pure function over flat vectors. The state is explicit and complete. */
import * as tf from '../engine/ops/index.ts';

const BETA1 = 0.9;
const BETA2 = 0.99;
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
export function biasCorrections(updates: number): { first: number; second: number } {
  return { first: 1 / (1 - BETA1 ** (updates + 1)), second: 1 / (1 - BETA2 ** (updates + 1)) };
}

/**
 * One update. Gradients are first scaled to a global norm of at most 1 (Pascanu et al. 2013); decay is decoupled and scaled by
 * the learning rate, on matrices only. `gradNorm` is the norm before clipping.
 * Source: Loshchilov, Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2.
 */
export function adamW(
  state: AdamState,
  gradient: tf.Tensor1D,
  decayMask: Float32Array,
  rates: { readonly learningRate: tf.Tensor; readonly firstCorrection: tf.Tensor; readonly secondCorrection: tf.Tensor },
): { state: AdamState; gradNorm: tf.Scalar } {
  const gradNorm = tf.sqrt(tf.sum(tf.square(gradient))) as tf.Scalar;
  const clipped = tf.mul(gradient, tf.div(MAX_NORM, tf.maximum(gradNorm, MAX_NORM)));
  const first = tf.add(tf.mul(state.first, BETA1), tf.mul(clipped, 1 - BETA1)) as tf.Tensor1D;
  const second = tf.add(tf.mul(state.second, BETA2), tf.mul(tf.square(clipped), 1 - BETA2)) as tf.Tensor1D;
  const direction = tf.div(tf.mul(first, rates.firstCorrection), tf.add(tf.sqrt(tf.mul(second, rates.secondCorrection)), EPSILON));
  const shrink = tf.sub(1, tf.mul(tf.tensor1d(decayMask), tf.mul(rates.learningRate, WEIGHT_DECAY)));
  const weights = tf.sub(tf.mul(state.weights, shrink), tf.mul(direction, rates.learningRate)) as tf.Tensor1D;
  return { state: { weights, first, second }, gradNorm };
}
