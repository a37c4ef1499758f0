/** Softmax cross-entropy. */
import * as tf from '@tensorflow/tfjs';
import { lower, nameOf, symbolic, tracing } from '../trace/backend.ts';

/**
 * -log softmax(logits)[target], nats, 85 at most, for each of several lists of targets: logits (N, V), targets (N) int32 in [0, V) each ->
 * (N) each.
 * The gradient of one is softmax(logits) - onehot(target); the softmax and its pass over (N, V) are shared by all.
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, ...targets: readonly tf.Tensor1D[]): tf.Tensor1D[] {
  const [rows] = logits.shape;
  const op = tf.customGrad((logitsIn, save) => {
    // The gradient wants the probabilities; their logarithm is taken where a target is, and not of all of them.
    const probabilities = tf.softmax(logitsIn as tf.Tensor2D);
    (save as unknown as tf.GradSaveFunc)([probabilities]);
    return {
      value: tf.concat(targets.map((ids) => negativeLog(pick(probabilities, ids)))),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const weights = split(dy).map((weight) => weight.reshape([rows, 1]) as tf.Tensor2D);
        const expected = tf.mul(saved[0]!, weights.reduce((sum, weight) => tf.add(sum, weight))) as tf.Tensor2D;
        return targets.reduce((gradient, ids, i) => scatterAdd(gradient, ids, tf.neg(weights[i]!)), expected);
      },
    };
  });
  return split(op(logits) as tf.Tensor);

  function split(x: tf.Tensor): tf.Tensor1D[] {
    return targets.length === 1 ? [x as tf.Tensor1D] : (tf.split(x, targets.length) as tf.Tensor1D[]);
  }
}

/** Below it a probability's logarithm is not taken: a float32 might be 0. */
const SMALLEST = 1e-37;

function negativeLog(probabilities: tf.Tensor1D): tf.Tensor1D {
  return tf.neg(tf.log(tf.maximum(probabilities, SMALLEST)));
}

/** x[i, ids[i]] as (N). */
function pick(x: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor1D {
  const [rows, classes] = x.shape;
  if (!tracing()) return tf.sum(tf.mul(x, tf.oneHot(ids, classes)), 1);
  const name = lower((graph) => {
    const column = graph.reshape(nameOf(ids), [rows], [rows, 1]);
    return graph.reshape(graph.add('GatherElements', [nameOf(x), column], { axis: 1 }), [rows, 1], [rows]);
  });
  return symbolic(name, [rows], 'float32') as tf.Tensor1D;
}

/** x with updates[i] added at [i, ids[i]]. */
function scatterAdd(x: tf.Tensor2D, ids: tf.Tensor1D, updates: tf.Tensor2D): tf.Tensor2D {
  const [rows, classes] = x.shape;
  if (!tracing()) return tf.add(x, tf.mul(tf.oneHot(ids, classes), updates));
  const name = lower((graph) => {
    const column = graph.reshape(nameOf(ids), [rows], [rows, 1]);
    return graph.add('ScatterElements', [nameOf(x), column, nameOf(updates)], { axis: 1, reduction: 'add' });
  });
  return symbolic(name, [rows, classes], 'float32') as tf.Tensor2D;
}

/**
 * sum(credit * -log softmax(hidden weight)[target]), nats: hidden (N, d), weight (d, V), targets (N) int32 in [0, V), credit (N). The logits
 * (N, V) are never there as a whole: value and gradient, which credit being known makes possible, are worked out some rows at a time. For
 * vocabularies so large beside d that passes over the logits, not products, take the time. `atOnce`: logits that are alive together; the
 * default's 2.5 MB stay in a core's cache.
 */
export function projectedCrossEntropy(hidden: tf.Tensor2D, weight: tf.Tensor2D, targets: tf.Tensor1D, credit: tf.Tensor1D, atOnce = 640_000): tf.Scalar {
  const [rows, classes] = [hidden.shape[0], weight.shape[1]];
  const chunk = Math.max(1, Math.min(rows, Math.floor(atOnce / classes)));
  const sizes = Array.from({ length: Math.ceil(rows / chunk) }, (_, i) => Math.min(chunk, rows - i * chunk));
  const op = tf.customGrad((hiddenIn, weightIn, save) => {
    const weight = weightIn as tf.Tensor2D;
    const [ids, credits] = [tf.split(targets, sizes), tf.split(credit, sizes)] as [tf.Tensor1D[], tf.Tensor1D[]];
    const parts = (tf.split(hiddenIn as tf.Tensor2D, sizes, 0) as tf.Tensor2D[]).map((part, i) => {
      const probabilities = tf.softmax(tf.matMul(part, weight)) as tf.Tensor2D;
      const nll = negativeLog(pick(probabilities, ids[i]!));
      const column = credits[i]!.reshape([sizes[i]!, 1]) as tf.Tensor2D;
      const gradient = scatterAdd(tf.mul(probabilities, column) as tf.Tensor2D, ids[i]!, tf.neg(column) as tf.Tensor2D);
      return { total: tf.sum(tf.mul(nll, credits[i]!)), toHidden: tf.matMul(gradient, weight, false, true), toWeight: tf.matMul(part, gradient, true, false) };
    });
    const toHidden = tf.concat(parts.map((part) => part.toHidden), 0);
    // Added up one after the other, so that no more than two are alive.
    const toWeight = parts.map((part) => part.toWeight as tf.Tensor).reduce((total, next) => tf.add(total, next));
    (save as tf.GradSaveFunc)([toHidden, toWeight]);
    return { value: parts.map((part) => part.total as tf.Tensor).reduce((total, next) => tf.add(total, next)), gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => saved.map((gradient) => tf.mul(gradient, dy)) };
  });
  return op(hidden, weight) as tf.Scalar;
}
