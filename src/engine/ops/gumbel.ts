/**
 * A sampled token as something that gradients pass through: the straight-through Gumbel-softmax.
 *
 * Gumbel-max: with independent Gumbel numbers g, argmax(logits + g) is distributed as softmax(logits). The token is drawn first (by inverse
 * CDF, elsewhere), and g from what it can have been given that token, so that sampling needs one random number a token and the argmax is
 * the token to the bit, whatever rounding the logits went through in between.
 *
 * Sources: Jang, Gu, Poole, "Categorical Reparameterization with Gumbel-Softmax" (2017), eq. 2 and section 2.2; Maddison, Mnih, Teh, "The
 * Concrete Distribution" (2017); for g given its argmax Maddison, Tarlow, Minka, "A* Sampling" (2014), section 3 (truncated Gumbels).
 */
import * as tf from '@tensorflow/tfjs';

/** Below it a probability is not divided by: 1 / p times the largest exponential has to stay a float32. */
const SMALLEST = 1e-36;

/**
 * logits + g up to one number a row, g standard Gumbel given that row i has its largest sum at ids[i]: logits (N, V), ids (N) int32 in
 * [0, V), `exponentials` (N, V) independent standard exponential numbers e, above 0 -> (N, V). With p = softmax(logits) the largest is
 * -log e[id], every other -log(e / p + e[id]). Not differentiable.
 */
export function perturbedLogits(logits: tf.Tensor2D, ids: tf.Tensor1D, exponentials: tf.Tensor2D): tf.Tensor2D {
  const chosen = oneHot(ids, logits.shape[1]);
  const most = tf.sum(tf.mul(exponentials, chosen), 1, true); // (N, 1)
  const others = tf.mul(tf.div(exponentials, tf.maximum(tf.softmax(logits), SMALLEST)), tf.sub(1, chosen));
  return tf.neg(tf.log(tf.add(others, most))) as tf.Tensor2D;
}

/**
 * Rows that are one-hot at ids, (N, V), with the gradient of softmax((logits + g) / temperature) at fixed g: the forward pass sees the
 * sampled token, the backward one its relaxation. Arguments as above; temperature a scalar above 0. Gradient for the logits alone; biased,
 * the less so and of the more variance the lower the temperature.
 */
export function straightThrough(logits: tf.Tensor2D, ids: tf.Tensor1D, exponentials: tf.Tensor2D, temperature: tf.Tensor): tf.Tensor2D {
  const op = tf.customGrad((logitsIn, save) => {
    const logits = logitsIn as tf.Tensor2D;
    const relaxed = tf.softmax(tf.div(perturbedLogits(logits, ids, exponentials), temperature));
    (save as unknown as tf.GradSaveFunc)([relaxed]);
    return {
      value: oneHot(ids, logits.shape[1]),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const weighted = tf.mul(saved[0]!, dy);
        return tf.div(tf.sub(weighted, tf.mul(saved[0]!, tf.sum(weighted, 1, true))), temperature);
      },
    };
  });
  return op(logits) as tf.Tensor2D;
}

/** By comparison: WebGPU has no kernel for ONNX's OneHot. Floats hold ids up to 2^24. */
function oneHot(ids: tf.Tensor1D, classes: number): tf.Tensor2D {
  const columns = tf.tensor2d(Float32Array.from({ length: classes }, (_, column) => column), [1, classes]);
  return tf.equal(ids.toFloat().reshape([ids.shape[0], 1]), columns).toFloat() as tf.Tensor2D;
}

/** x, whose gradient arrives multiplied by `factor` (a scalar). */
export function scaledGradient(x: tf.Tensor, factor: tf.Tensor): tf.Tensor {
  return tf.customGrad((xIn) => ({ value: tf.clone(xIn as tf.Tensor), gradFunc: (dy: tf.Tensor) => tf.mul(dy, factor) }))(x);
}
