/**
 * Parameters as one flat float32 array and the layout that names its parts. Flat, because an optimizer that works on one long
 * vector costs a dozen operations instead of a dozen for each matrix, and because a checkpoint is then a handful of arrays.
 */
import * as tf from '../engine/ops/index.ts';
import { RandomStream } from '../random/philox.ts';

export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** Standard deviation of the initial values; `ones` for gains, 0 for biases. */
  readonly init: number | 'ones';
}

export class Layout {
  readonly size: number;
  readonly #sizes: readonly number[];

  constructor(readonly parameters: readonly Parameter[]) {
    this.#sizes = parameters.map(({ shape }) => shape.reduce((total, dimension) => total * dimension, 1));
    this.size = this.#sizes.reduce((total, size) => total + size, 0);
  }

  /** Initial values, a function of the seed and each parameter's name alone. */
  initialise(seed: number): Float32Array {
    const flat = new Float32Array(this.size);
    let at = 0;
    for (const [i, { name, init }] of this.parameters.entries()) {
      const size = this.#sizes[i]!;
      if (init === 'ones') flat.fill(1, at, at + size);
      else if (init > 0) {
        const random = new RandomStream(seed, 'initialise', name);
        for (let j = 0; j < size; j++) flat[at + j] = init * random.normal(j);
      }
      at += size;
    }
    return flat;
  }

  /** 1 where weight decay applies (matrices), 0 where it does not (gains and biases). */
  decayMask(): Float32Array {
    const mask = new Float32Array(this.size);
    let at = 0;
    for (const [i, { shape }] of this.parameters.entries()) {
      if (shape.length > 1) mask.fill(1, at, at + this.#sizes[i]!);
      at += this.#sizes[i]!;
    }
    return mask;
  }

  /** The named tensors of a flat vector (size). */
  unflatten(flat: tf.Tensor1D): Record<string, tf.Tensor> {
    const parts = tf.split(flat, [...this.#sizes]);
    return Object.fromEntries(this.parameters.map(({ name, shape }, i) => [name, parts[i]!.reshape([...shape])]));
  }

  /** The inverse of `unflatten`. */
  flatten(tensors: readonly tf.Tensor[]): tf.Tensor1D {
    return tf.concat1d(tensors.map((tensor) => tensor.reshape([tensor.size]) as tf.Tensor1D));
  }

  /** Value of `loss` and its gradient as a flat vector, at the parameters in `flat`; `metrics` come along, without a gradient. */
  valueAndGradient<M extends Record<string, tf.Tensor>>(
    flat: tf.Tensor1D,
    loss: (parameters: Record<string, tf.Tensor>) => { loss: tf.Scalar; metrics: M },
  ): { value: tf.Scalar; gradient: tf.Tensor1D; metrics: M } {
    const named = this.unflatten(flat);
    const names = this.parameters.map(({ name }) => name);
    let kept!: M;
    const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
      const result = loss(Object.fromEntries(names.map((name, i) => [name, tensors[i]!])));
      kept = result.metrics;
      // valueAndGrads disposes whatever it does not return; these outlive it.
      for (const tensor of Object.values(kept)) tf.keep(tensor);
      return result.loss;
    })(names.map((name) => named[name]!));
    const metrics = Object.fromEntries(Object.entries(kept).map(([name, tensor]) => {
      const copy = tf.clone(tensor);
      tensor.dispose();
      return [name, copy];
    })) as M;
    return { value: value as tf.Scalar, gradient: this.flatten(grads), metrics };
  }
}
