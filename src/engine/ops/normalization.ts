/** RMSNorm. */
import * as tf from '@tensorflow/tfjs';
import { lower, nameOf, symbolic, tracedFor, tracing } from '../trace/backend.ts';

const EPSILON = 1e-5;

/**
 * y = x / sqrt(mean(x^2) + 1e-5) * gain over the last axis; x (N, d), gain (d).
 * Source: Zhang, Sennrich, "Root Mean Square Layer Normalization" (2019), eq. 4.
 */
export function rmsNorm(x: tf.Tensor2D, gain: tf.Tensor1D): tf.Tensor2D {
  const [rows, width] = x.shape;
  const op = tf.customGrad((xIn, gainIn, save) => {
    const [x, gain] = [xIn as tf.Tensor, gainIn as tf.Tensor];
    let value: tf.Tensor, inverse: tf.Tensor;
    if (tracing()) {
      const fused = (outputs: number): string[] => lower((graph) =>
        graph.addMany('SimplifiedLayerNormalization', [nameOf(x), nameOf(gain)], outputs, { axis: -1, epsilon: { float: EPSILON } }));
      // WebGPU's kernel leaves its second output as it is.
      const [y, inv] = fused(tracedFor() === 'webgpu' ? 1 : 2);
      value = symbolic(y!, [rows, width], 'float32');
      inverse = inv === undefined ? inverseRootMeanSquare(x) : symbolic(inv, [rows, 1], 'float32');
    } else {
      inverse = inverseRootMeanSquare(x);
      value = tf.mul(tf.mul(x, inverse), gain);
    }
    (save as tf.GradSaveFunc)([x, gain, inverse]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const [x, gain, inverse] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      const normalized = tf.mul(x, inverse);
      const scaled = tf.mul(dy, gain);
      const projection = tf.mean(tf.mul(scaled, normalized), -1, true);
      return [
        tf.mul(tf.sub(scaled, tf.mul(normalized, projection)), inverse),
        tf.sum(tf.mul(dy, normalized), 0),
      ];
    };
    return { value, gradFunc };
  });
  return op(x, gain) as tf.Tensor2D;
}

/** 1 / sqrt(mean(x^2) + 1e-5) over the last axis, which stays as 1. */
function inverseRootMeanSquare(x: tf.Tensor): tf.Tensor {
  return tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), EPSILON));
}
