/** The gated activation of the feed-forward layer. */
import * as tf from '@tensorflow/tfjs';

/**
 * SwiGLU's gate: silu(gate) * up, element by element, silu(z) = z * sigmoid(z).
 * Source: Shazeer, "GLU Variants Improve Transformer" (2020), eq. 5.
 */
export function swiGlu(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  const op = tf.customGrad((gateIn, upIn, save) => {
    const [gate, up] = [gateIn as tf.Tensor, upIn as tf.Tensor];
    const sigmoid = tf.sigmoid(gate);
    const silu = tf.mul(gate, sigmoid);
    (save as tf.GradSaveFunc)([up, sigmoid, silu]);
    return {
      value: tf.mul(silu, up),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [up, sigmoid, silu] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        // d silu / dz = s + silu * (1 - s) = s + silu - silu * s
        const slope = tf.add(sigmoid, tf.sub(silu, tf.mul(silu, sigmoid)));
        return [tf.mul(tf.mul(dy, up), slope), tf.mul(dy, silu)];
      },
    };
  });
  return op(gate, up) as tf.Tensor2D;
}
