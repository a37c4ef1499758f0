/** Softmax cross-entropy. */
import * as tf from '@tensorflow/tfjs';
import { lower, nameOf, symbolic, tracing } from '../trace/backend.ts';

/**
 * -log softmax(logits)[target], nats, 85 at most: logits (N, V), targets int32 in [0, V), (N) or, several a row, (N, L) -> as targets.
 * The gradient of one is softmax(logits) - onehot(target); the softmax and its passes over (N, V) are shared by all.
 */
export function softmaxCrossEntropy<T extends tf.Tensor1D | tf.Tensor2D>(logits: tf.Tensor2D, targets: T): T {
  const op = tf.customGrad((logitsIn, save) => {
    // The gradient wants the probabilities; their logarithm is taken where a target is, and not of all of them.
    const probabilities = tf.softmax(logitsIn as tf.Tensor2D) as tf.Tensor2D;
    const ids = columnsOf(targets);
    (save as unknown as tf.GradSaveFunc)([probabilities, ids]);
    return {
      value: negativeLog(pick(probabilities, ids)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [probabilities, ids] = saved as [tf.Tensor2D, tf.Tensor2D];
        return scatterAdd(tf.mul(probabilities, tf.sum(dy, 1, true)), ids, tf.neg(dy as tf.Tensor2D));
      },
    };
  });
  return op(logits).reshape(targets.shape) as T;
}

/**
 * Kullback-Leibler divergence of softmax(logits) from softmax(reference), sum_v q[v] (ln q[v] - ln p[v]) with q of the reference, nats, exact: both (N, V) -> (N). The
 * gradient is p - q; nothing flows into the reference.
 */
export function klDivergence(logits: tf.Tensor2D, reference: tf.Tensor2D): tf.Tensor1D {
  const q = tf.softmax(reference) as tf.Tensor2D;
  const op = tf.customGrad((logitsIn, save) => {
    const p = tf.softmax(logitsIn as tf.Tensor2D) as tf.Tensor2D;
    (save as unknown as tf.GradSaveFunc)([p, q]);
    return { value: tf.sum<tf.Tensor1D>(tf.mul(q, tf.sub(negativeLog(p), negativeLog(q))), 1), gradFunc: (dy: tf.Tensor1D, saved: tf.Tensor[]) => tf.mul(tf.sub(saved[0]!, saved[1]!), columnsOf(dy)) };
  });
  return op(logits) as tf.Tensor1D;
}

/** Entropy of softmax(logits), nats: (N, V) -> (N). The gradient is -p (ln p + entropy). */
export function entropy(logits: tf.Tensor2D): tf.Tensor1D {
  const op = tf.customGrad((logitsIn, save) => {
    const p = tf.softmax(logitsIn as tf.Tensor2D) as tf.Tensor2D;
    const surprise = negativeLog(p);
    const value = tf.sum<tf.Tensor1D>(tf.mul(p, surprise), 1);
    (save as unknown as tf.GradSaveFunc)([p, surprise, value]);
    return { value, gradFunc: (dy: tf.Tensor1D, [p, surprise, value]: tf.Tensor[]) => tf.mul(tf.mul(p!, tf.sub(surprise!, columnsOf(value as tf.Tensor1D))), columnsOf(dy)) };
  });
  return op(logits) as tf.Tensor1D;
}

/** Below it a probability's logarithm is not taken: a float32 might be 0. */
const SMALLEST = 1e-37;

function negativeLog(probabilities: tf.Tensor2D): tf.Tensor2D {
  return tf.neg(tf.log(tf.maximum(probabilities, SMALLEST)));
}

/** x[i, ids[i, j]] as (N, L). */
function pick(x: tf.Tensor2D, ids: tf.Tensor2D): tf.Tensor2D {
  const classes = x.shape[1];
  if (!tracing()) return tf.sum(tf.mul(tf.expandDims(x, 1), tf.oneHot(ids, classes)), 2);
  return symbolic(lower((graph) => graph.add('GatherElements', [nameOf(x), nameOf(ids)], { axis: 1 })), ids.shape, 'float32') as tf.Tensor2D;
}

/** x with updates[i, j] added at [i, ids[i, j]]. */
function scatterAdd(x: tf.Tensor2D, ids: tf.Tensor2D, updates: tf.Tensor2D): tf.Tensor2D {
  const classes = x.shape[1];
  if (!tracing()) return tf.add(x, tf.sum(tf.mul(tf.expandDims(updates, 2), tf.oneHot(ids, classes)), 1));
  return symbolic(lower((graph) => graph.add('ScatterElements', [nameOf(x), nameOf(ids), nameOf(updates)], { axis: 1, reduction: 'add' })), x.shape, 'float32') as tf.Tensor2D;
}

function columnsOf(x: tf.Tensor1D | tf.Tensor2D): tf.Tensor2D {
  return x.rank === 2 ? (x as tf.Tensor2D) : (x.reshape([x.shape[0], 1]) as tf.Tensor2D);
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
      const nll = negativeLog(pick(probabilities, columnsOf(ids[i]!))).reshape([sizes[i]!]);
      const column = credits[i]!.reshape([sizes[i]!, 1]) as tf.Tensor2D;
      const gradient = scatterAdd(tf.mul(probabilities, column) as tf.Tensor2D, columnsOf(ids[i]!), tf.neg(column) as tf.Tensor2D);
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
