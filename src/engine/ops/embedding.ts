/** Table look-up. */
import * as tf from '@tensorflow/tfjs';

/**
 * Rows of `table` (V, d) at `ids` (N) int32 in [0, V) -> (N, d).
 * The gradient is a product with the one-hot matrix: deterministic, unlike a parallel scatter, and available on every backend.
 */
export function embedding(table: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor2D {
  const op = tf.customGrad((tableIn) => ({
    value: tf.gather(tableIn as tf.Tensor2D, ids),
    gradFunc: (dy: tf.Tensor) => tf.matMul(tf.oneHot(ids, table.shape[0]).toFloat() as tf.Tensor2D, dy as tf.Tensor2D, true, false),
  }));
  return op(table) as tf.Tensor2D;
}
