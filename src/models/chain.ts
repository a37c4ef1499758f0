/** A chain of fully connected layers, rectified between them: the generators' and the small discriminator's body. */
import type { Tensors } from '../engine/compile.ts';
import * as tf from '../engine/ops/index.ts';
import { Layout } from './parameters.ts';

/**
 * Matrices `weight.l` and biases `bias.l` of layers between `widths`. Initial values keep a rectified layer's variance (He et al. 2015, eq. 10);
 * what comes out is `scale` times as large.
 */
export function chainLayout(widths: readonly number[], scale = 1): Layout {
  return new Layout(widths.slice(1).flatMap((width, l) => [
    { name: `weight.${l}`, shape: [widths[l]!, width], init: Math.sqrt(2 / widths[l]!) * (l === widths.length - 2 ? scale : 1) },
    { name: `bias.${l}`, shape: [width], init: 0 },
  ]));
}

/** x (B, first width) through the layers with max(y, leak * y) between them -> (B, last width). */
export function chain(p: Tensors, x: tf.Tensor2D, leak: number): tf.Tensor2D {
  let y = x;
  for (let l = 0; p[`weight.${l}`]; l++) {
    if (l > 0) y = (leak === 0 ? tf.relu(y) : tf.maximum(y, tf.mul(y, leak))) as tf.Tensor2D;
    y = tf.add(tf.matMul(y, p[`weight.${l}`] as tf.Tensor2D), p[`bias.${l}`]!) as tf.Tensor2D;
  }
  return y;
}
