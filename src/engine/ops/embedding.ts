/** Table look-up. */
import * as tf from '@tensorflow/tfjs';
import { lower, nameOf, symbolic, tracing } from '../trace/backend.ts';

/** Rows of `table` (V, d) at `ids` (N) int32 in [0, V) -> (N, d). */
export function embedding(table: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor2D {
  const op = tf.customGrad((tableIn) => ({
    value: tf.gather(tableIn as tf.Tensor2D, ids),
    gradFunc: (dy: tf.Tensor) => sumByRow(dy as tf.Tensor2D, ids, table.shape[0]),
  }));
  return op(table) as tf.Tensor2D;
}

/**
 * (rows, d): row r is the sum of those rows of x (N, d) whose id is r. As a scatter of single elements, which onnxruntime adds up in
 * order; its scatter of whole rows adds in parallel, and then no two runs are alike.
 */
function sumByRow(x: tf.Tensor2D, ids: tf.Tensor1D, rows: number): tf.Tensor2D {
  if (!tracing()) return tf.matMul(tf.oneHot(ids, rows).toFloat() as tf.Tensor2D, x, true, false);
  const [count, width] = x.shape;
  const name = lower((graph) => {
    const zeros = graph.constant(new Float32Array(rows * width), [rows, width], 'float32');
    const places = graph.add('Expand', [graph.reshape(nameOf(ids), [count], [count, 1]), graph.integers([count, width])]);
    return graph.add('ScatterElements', [zeros, places, nameOf(x)], { axis: 0, reduction: 'add' });
  });
  return symbolic(name, [rows, width], 'float32') as tf.Tensor2D;
}
