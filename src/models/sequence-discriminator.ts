/**
 * A discriminator of token sequences through which gradients pass to the tokens: a vector a token, convolutions over a few widths, each filter's
 * largest and mean answer over the sequence, one logit. It tells corpus documents from generated sequences, valid or not; the discriminator of
 * syntax-tree bigrams (discriminator.ts) sees what no gradient reaches.
 *
 * B rows of L positions, batch-major; E width of a token's vector, F filters a width. Positions behind a sequence's end count for nothing.
 * Sources: Kim, "Convolutional Neural Networks for Sentence Classification" (2014), section 2; Yu et al., "SeqGAN" (2017), section 3.
 */
import * as tf from '../engine/ops/index.ts';
import type { Step, StepSpec, Tensors } from '../engine/compile.ts';
import { discriminatorLoss } from './adversarial.ts';
import { adamW, ADVERSARIAL_BETAS } from './optimizer.ts';
import { Layout } from './parameters.ts';

export interface SequenceShape {
  readonly vocabulary: number;
  /** Positions of a row. */
  readonly length: number;
}

const EMBEDDING = 32;
const FILTERS = 32;
const WIDTHS = [1, 2, 3, 5];

export function sequenceDiscriminatorLayout({ vocabulary }: SequenceShape): Layout {
  return new Layout([
    { name: 'embedding', shape: [vocabulary, EMBEDDING], init: 0.3 },
    ...WIDTHS.flatMap((width) => [
      { name: `filters.${width}`, shape: [width * EMBEDDING, FILTERS], init: Math.sqrt(2 / (width * EMBEDDING)) },
      { name: `filterBias.${width}`, shape: [FILTERS], init: 0 },
    ]),
    { name: 'output', shape: [2 * WIDTHS.length * FILTERS, 1], init: 0.05 },
    { name: 'outputBias', shape: [1], init: 0 },
  ]);
}

/** log D / (1 - D), (B), of the tokens' vectors (B * L, E); `present` (B * L, 1) is 1 up to each sequence's end and 0 behind it. */
function logitsOf({ length: L }: SequenceShape, p: Tensors, vectors: tf.Tensor2D, present: tf.Tensor2D): tf.Tensor1D {
  const rows = present.shape[0] / L;
  const seen = tf.mul(vectors, present).reshape([rows, L * EMBEDDING]) as tf.Tensor2D;
  // Column block k of the windows holds the vectors k positions on, and zeros behind the row's end.
  const shifts = Array.from({ length: WIDTHS.at(-1)! }, (_, k) => {
    if (k === 0) return seen.reshape([rows * L, EMBEDDING]) as tf.Tensor2D;
    const [, later] = tf.split(seen, [k * EMBEDDING, (L - k) * EMBEDDING], 1) as [tf.Tensor2D, tf.Tensor2D];
    return tf.concat2d([later, tf.zeros([rows, k * EMBEDDING]) as tf.Tensor2D], 1).reshape([rows * L, EMBEDDING]) as tf.Tensor2D;
  });
  const counts = tf.maximum(tf.sum(present.reshape([rows, L]), 1, true), 1); // (B, 1)
  const pooled = WIDTHS.flatMap((width) => {
    const answers = tf.relu(tf.add(tf.matMul(tf.concat2d(shifts.slice(0, width), 1), p[`filters.${width}`] as tf.Tensor2D), p[`filterBias.${width}`]!));
    const counted = tf.mul(answers, present).reshape([rows, L, FILTERS]); // answers are never below 0, so those left out are never the largest
    return [tf.max(counted, 1), tf.div(tf.sum(counted, 1), counts)] as [tf.Tensor2D, tf.Tensor2D];
  });
  return tf.add(tf.matMul(tf.concat2d(pooled, 1), p['output'] as tf.Tensor2D), p['outputBias']!).reshape([rows]) as tf.Tensor1D;
}

/** Logits (B) of ids (B * L) int32. */
export function sequenceLogits(shape: SequenceShape, p: Tensors, ids: tf.Tensor1D, present: tf.Tensor2D): tf.Tensor1D {
  return logitsOf(shape, p, tf.embedding(p['embedding'] as tf.Tensor2D, ids), present);
}

/** Logits (B) of distributions over tokens, or one-hot rows, (B * L, V): each is the mean of its tokens' vectors. */
export function relaxedSequenceLogits(shape: SequenceShape, p: Tensors, tokens: tf.Tensor2D, present: tf.Tensor2D): tf.Tensor1D {
  return logitsOf(shape, p, tf.matMul(tokens, p['embedding'] as tf.Tensor2D), present);
}

const scalar = { type: 'float32', shape: [] } as const;

/**
 * One update on `rows` sequences, real ones in the first half, generated ones in the second: L_D before it, nats, and each half's logits.
 * The caller has rows even.
 */
export function sequenceDiscriminatorStep(shape: SequenceShape, rows: number): { step: Step; spec: StepSpec } {
  const layout = sequenceDiscriminatorLayout(shape);
  const flat = { type: 'float32', shape: [layout.size] } as const;
  const mask = layout.decayMask();
  return {
    spec: {
      variables: { weights: flat, first: flat, second: flat },
      inputs: {
        ids: { type: 'int32', shape: [rows * shape.length] }, present: { type: 'float32', shape: [rows * shape.length, 1] },
        learningRate: scalar, firstCorrection: scalar, secondCorrection: scalar,
      },
    },
    step(variables, inputs) {
      const { value, gradient, metrics } = layout.valueAndGradient(variables['weights'] as tf.Tensor1D, (p) => {
        const [real, generated] = tf.split(sequenceLogits(shape, p, inputs['ids'] as tf.Tensor1D, inputs['present'] as tf.Tensor2D), 2) as [tf.Tensor1D, tf.Tensor1D];
        return { loss: discriminatorLoss(real, generated), metrics: { real, generated } };
      });
      const { state } = adamW(variables, gradient, mask, inputs, ADVERSARIAL_BETAS);
      return { updates: { ...state }, outputs: { loss: value, ...metrics } };
    },
  };
}
