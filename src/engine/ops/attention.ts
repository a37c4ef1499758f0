/** Scaled dot-product attention: over a whole batch (training, scoring) and one position at a time over a cache (sampling). */
import * as tf from '@tensorflow/tfjs';
import { lower, nameOf, symbolic, tracedFor, tracing } from '../trace/backend.ts';
import { rotaryTables } from './rotary.ts';

function scaledMatMul(a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean, scale: number): tf.Tensor {
  if (!tracing()) return tf.mul(tf.matMul(a, b, transposeA, transposeB), scale);
  const name = lower((graph) => graph.batchedMatMul(
    { name: nameOf(a), rank: a.rank, transposed: transposeA }, { name: nameOf(b), rank: b.rank, transposed: transposeB }, scale));
  return symbolic(name, [...a.shape.slice(0, -2), a.shape.at(transposeA ? -1 : -2)!, b.shape.at(transposeB ? -2 : -1)!], 'float32');
}

/**
 * softmax(q k^T / sqrt(headSize) + bias) v; q, k, v (B, H, T, headSize), bias broadcastable to (B, H, T, T): 0 where a position
 * may look, a large negative number where it may not. The bias has no gradient.
 * Source: Vaswani et al. (2017), eq. 1; the gradient's row sum over dY * Y is Dao et al., "FlashAttention" (2022), eq. 4.
 */
export function attention(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, bias: tf.Tensor4D): tf.Tensor4D {
  const scale = 1 / Math.sqrt(q.shape[3]);
  const op = tf.customGrad((qIn, kIn, vIn, save) => {
    const [q, k, v] = [qIn as tf.Tensor, kIn as tf.Tensor, vIn as tf.Tensor];
    const weights = tf.softmax(tf.add(scaledMatMul(q, k, false, true, scale), bias));
    const value = tf.matMul(weights, v);
    (save as tf.GradSaveFunc)([q, k, v, weights, value]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [q, k, v, weights, value] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        // dY V^T - rowsum(dY * Y) as one product, with the row sum as one more column: no pass over (T, T) for the difference.
        const rowSum = tf.sum(tf.mul(dy, value), -1, true);
        const difference = tf.matMul(tf.concat([dy, rowSum], -1), tf.concat([v, tf.neg(tf.onesLike(rowSum))], -1), false, true);
        const dScores = tf.mul(weights, difference);
        return [
          scaledMatMul(dScores, k, false, false, scale),
          scaledMatMul(dScores, q, true, false, scale),
          tf.matMul(weights, dy, true, false),
        ];
      },
    };
  });
  return op(q, k, v) as tf.Tensor4D;
}

export interface CachedAttention {
  /** (B, heads * headSize) */
  readonly output: tf.Tensor2D;
  /** (B, kvHeads, context, headSize): the caches with this position's keys and values written in. Beyond that position they may hold anything. */
  readonly keys: tf.Tensor4D;
  readonly values: tf.Tensor4D;
}

/**
 * One position of every row: rotates queries and keys to the row's position, appends keys and values to the caches and attends over
 * what is there. qkv (B, (heads + 2 * kvHeads) * headSize) holds queries, keys and values side by side, caches (B, kvHeads, context,
 * headSize), positions (B) int32: how many tokens each row has already; rows may differ. Not differentiable.
 * Source: Ainslie et al., "GQA" (2023); com.microsoft GroupQueryAttention with past and present on one buffer.
 */
export function cachedAttention(qkv: tf.Tensor2D, heads: number, keys: tf.Tensor4D, values: tf.Tensor4D, positions: tf.Tensor1D): CachedAttention {
  const [batch, kvHeads, context, headSize] = keys.shape;
  const tables = rotaryTables(context, headSize);
  const half = [context, headSize / 2] as [number, number];

  // CUDA's kernel knows half precision only.
  if (tracing() && tracedFor() !== 'cuda') {
    const [output, newKeys, newValues] = lower((graph) => {
      const row = graph.reshape(nameOf(qkv), qkv.shape, [batch, 1, qkv.shape[1]]);
      const total = graph.constant(Int32Array.of(context), [1], 'int32');
      const cos = graph.constant(tables.cos, half, 'float32');
      const sin = graph.constant(tables.sin, half, 'float32');
      const names = graph.addMany(
        'GroupQueryAttention', [row, '', '', nameOf(keys), nameOf(values), nameOf(positions), total, cos, sin], 3,
        { num_heads: heads, kv_num_heads: kvHeads, do_rotary: 1 }, 'com.microsoft');
      return [graph.reshape(names[0]!, [batch, 1, heads * headSize], [batch, heads * headSize]), names[1]!, names[2]!];
    });
    return {
      output: symbolic(output!, [batch, heads * headSize], 'float32') as tf.Tensor2D,
      keys: symbolic(newKeys!, keys.shape, 'float32') as tf.Tensor4D,
      values: symbolic(newValues!, values.shape, 'float32') as tf.Tensor4D,
    };
  }

  const [q, k, v] = tf.split(qkv, [heads * headSize, kvHeads * headSize, kvHeads * headSize], 1) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
  const here = tf.oneHot(positions, context) as tf.Tensor2D; // (B, context)
  const cos = tf.matMul(here, tf.tensor2d(tables.cos, half)).reshape([batch, 1, headSize / 2]);
  const sin = tf.matMul(here, tf.tensor2d(tables.sin, half)).reshape([batch, 1, headSize / 2]);
  const rotated = (x: tf.Tensor2D, count: number): tf.Tensor => {
    const [first, second] = tf.split(x.reshape([batch, count, headSize]), 2, -1) as [tf.Tensor, tf.Tensor];
    return tf.concat([tf.sub(tf.mul(first, cos), tf.mul(second, sin)), tf.add(tf.mul(second, cos), tf.mul(first, sin))], -1);
  };
  const place = here.toFloat().reshape([batch, 1, context, 1]);
  const written = (cache: tf.Tensor4D, x: tf.Tensor): tf.Tensor4D =>
    tf.add(tf.mul(cache, tf.sub(1, place)), tf.mul(x.reshape([batch, kvHeads, 1, headSize]), place)) as tf.Tensor4D;
  const newKeys = written(keys, rotated(k, kvHeads));
  const newValues = written(values, v);

  const places = tf.tensor4d(Int32Array.from({ length: context }, (_, place) => place), [1, 1, 1, context], 'int32');
  const future = tf.greater(places, positions.reshape([batch, 1, 1, 1]));
  const query = rotated(q, heads).reshape([batch, kvHeads, heads / kvHeads, headSize]) as tf.Tensor4D;
  const scores = tf.mul(tf.matMul(query, newKeys, false, true), 1 / Math.sqrt(headSize)); // (B, kvHeads, group, context)
  const weights = tf.softmax(tf.add(scores, tf.mul(future.toFloat(), -1e9)));
  return { output: tf.matMul(weights, newValues).reshape([batch, heads * headSize]), keys: newKeys, values: newValues };
}
