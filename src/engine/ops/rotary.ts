/** Rotary position embedding. */
import * as tf from '@tensorflow/tfjs';
import { lower, nameOf, symbolic, tracing } from '../trace/backend.ts';

const BASE = 10000;

/**
 * cos and sin of position * 10000^(-2i / headSize), each (positions, headSize / 2).
 * Source: Su et al., "RoFormer" (2021), eq. 34, in the half-split layout of the Llama family.
 */
export function rotaryTables(positions: number, headSize: number): { cos: Float32Array; sin: Float32Array } {
  const half = headSize / 2;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * BASE ** (-i / half);
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

function rotate(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  if (tracing()) {
    const name = lower((graph) => {
      const start = graph.constant(BigInt64Array.of(0n), [1], 'int64');
      return graph.add('RotaryEmbedding', [nameOf(x), start, nameOf(cos), nameOf(sin)], {}, 'com.microsoft');
    });
    return symbolic(name, x.shape, 'float32');
  }
  const [first, second] = tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor];
  return tf.concat([tf.sub(tf.mul(first, cos), tf.mul(second, sin)), tf.add(tf.mul(second, cos), tf.mul(first, sin))], -1);
}

/** Rotates each pair (i, i + headSize / 2) of x (B, H, T, headSize) by its position's angle: positions 0..T-1. */
export function rotary(x: tf.Tensor4D): tf.Tensor4D {
  const [, , positions, headSize] = x.shape;
  const tables = rotaryTables(positions, headSize);
  const half = [positions, headSize / 2] as [number, number];
  const op = tf.customGrad((xIn) => ({
    value: rotate(xIn as tf.Tensor, tf.tensor2d(tables.cos, half), tf.tensor2d(tables.sin, half)),
    // The transpose of a rotation turns the other way.
    gradFunc: (dy: tf.Tensor) => rotate(dy, tf.tensor2d(tables.cos, half), tf.tensor2d(tables.sin.map((s) => -s), half)),
  }));
  return op(x) as tf.Tensor4D;
}
