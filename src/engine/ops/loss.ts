/** Softmax cross-entropy. */
import * as tf from '@tensorflow/tfjs';
import { lower, nameOf, symbolic, tracing } from '../trace/backend.ts';

/**
 * -log softmax(logits)[target], nats, for each of several lists of targets: logits (N, V), targets (N) int32 in [0, V) each -> (N) each.
 * The gradient of one is softmax(logits) - onehot(target); the softmax and its pass over (N, V) are shared by all.
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, ...targets: readonly tf.Tensor1D[]): tf.Tensor1D[] {
  const [rows, classes] = logits.shape;
  const op = tf.customGrad((logitsIn, save) => {
    const logProbs = tf.logSoftmax(logitsIn as tf.Tensor2D);
    (save as unknown as tf.GradSaveFunc)([logProbs]);
    return {
      value: tf.neg(tf.concat(targets.map((ids) => pick(logProbs, ids)))),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const weights = split(dy).map((weight) => weight.reshape([rows, 1]) as tf.Tensor2D);
        const expected = tf.mul(tf.exp(saved[0]!), weights.reduce((sum, weight) => tf.add(sum, weight))) as tf.Tensor2D;
        return targets.reduce((gradient, ids, i) => scatterAdd(gradient, ids, tf.neg(weights[i]!)), expected);
      },
    };
  });
  return split(op(logits) as tf.Tensor);

  function split(x: tf.Tensor): tf.Tensor1D[] {
    return targets.length === 1 ? [x as tf.Tensor1D] : (tf.split(x, targets.length) as tf.Tensor1D[]);
  }

  /** x[i, ids[i]] as (N). */
  function pick(x: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor1D {
    if (!tracing()) return tf.sum(tf.mul(x, tf.oneHot(ids, classes)), 1);
    const name = lower((graph) => {
      const column = graph.reshape(nameOf(ids), [rows], [rows, 1]);
      return graph.reshape(graph.add('GatherElements', [nameOf(x), column], { axis: 1 }), [rows, 1], [rows]);
    });
    return symbolic(name, [rows], 'float32') as tf.Tensor1D;
  }

  /** x with updates[i] added at [i, ids[i]]. */
  function scatterAdd(x: tf.Tensor2D, ids: tf.Tensor1D, updates: tf.Tensor2D): tf.Tensor2D {
    if (!tracing()) return tf.add(x, tf.mul(tf.oneHot(ids, classes), updates));
    const name = lower((graph) => {
      const column = graph.reshape(nameOf(ids), [rows], [rows, 1]);
      return graph.add('ScatterElements', [nameOf(x), column, nameOf(updates)], { axis: 1, reduction: 'add' });
    });
    return symbolic(name, [rows, classes], 'float32') as tf.Tensor2D;
  }
}
