/** Every op of ours: its gradient against finite differences, and its lowering against its eager form. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { compile, type ArraySpec, type Arrays, type Tensors } from '../../src/engine/compile.ts';
import * as ops from '../../src/engine/ops/index.ts';
import { RandomStream } from '../../src/random/philox.ts';

const random = new RandomStream(7, 'ops test');
let drawn = 0;
function values(...shape: number[]): { spec: ArraySpec; data: Float32Array } {
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal(drawn++) * 0.7);
  return { spec: { type: 'float32', shape }, data };
}
const ids = (...data: number[]): { spec: ArraySpec; data: Int32Array } => ({ spec: { type: 'int32', shape: [data.length] }, data: Int32Array.from(data) });

interface Case {
  readonly name: string;
  readonly inputs: Record<string, { spec: ArraySpec; data: Float32Array | Int32Array }>;
  /** Inputs with respect to which it is differentiated. */
  readonly wrt: readonly string[];
  readonly op: (inputs: Tensors) => tf.Tensor;
}

const causal = tf.tensor4d([0, -1e9, -1e9, 0, 0, -1e9, 0, 0, 0], [1, 1, 3, 3]).arraySync();
const cases: readonly Case[] = [
  { name: 'rmsNorm', inputs: { x: values(4, 6), gain: values(6) }, wrt: ['x', 'gain'], op: ({ x, gain }) => ops.rmsNorm(x as tf.Tensor2D, gain as tf.Tensor1D) },
  { name: 'swiGlu', inputs: { gate: values(3, 5), up: values(3, 5) }, wrt: ['gate', 'up'], op: ({ gate, up }) => ops.swiGlu(gate as tf.Tensor2D, up as tf.Tensor2D) },
  { name: 'rotary', inputs: { x: values(2, 2, 5, 4) }, wrt: ['x'], op: ({ x }) => ops.rotary(x as tf.Tensor4D) },
  {
    name: 'attention', inputs: { q: values(2, 2, 3, 4), k: values(2, 2, 3, 4), v: values(2, 2, 3, 4) }, wrt: ['q', 'k', 'v'],
    op: ({ q, k, v }) => ops.attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, tf.tensor4d(causal)),
  },
  { name: 'softmaxCrossEntropy', inputs: { logits: values(4, 5), targets: ids(0, 4, 2, 2) }, wrt: ['logits'], op: ({ logits, targets }) => ops.softmaxCrossEntropy(logits as tf.Tensor2D, targets as tf.Tensor1D)[0]! },
  {
    name: 'softmaxCrossEntropy of two lists', inputs: { logits: values(4, 5), targets: ids(0, 4, 2, 2), others: ids(1, 4, 0, 2) }, wrt: ['logits'],
    op: ({ logits, targets, others }) => tf.concat(ops.softmaxCrossEntropy(logits as tf.Tensor2D, targets as tf.Tensor1D, others as tf.Tensor1D)),
  },
  {
    name: 'projectedCrossEntropy', inputs: { hidden: values(5, 3), weight: values(3, 4), credit: values(5), targets: ids(0, 3, 2, 2, 1) }, wrt: ['hidden', 'weight'],
    op: ({ hidden, weight, credit, targets }) => ops.projectedCrossEntropy(hidden as tf.Tensor2D, weight as tf.Tensor2D, targets as tf.Tensor1D, credit as tf.Tensor1D, 8),
  },
  { name: 'max over one axis', inputs: { x: values(3, 4) }, wrt: ['x'], op: ({ x }) => ops.max(x!, 0) },
  { name: 'embedding', inputs: { table: values(5, 3), ids: ids(4, 0, 4, 1) }, wrt: ['table'], op: ({ table, ids }) => ops.embedding(table as tf.Tensor2D, ids as tf.Tensor1D) },
];

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** A fixed weighting of the result, so that its sum has a gradient worth checking. */
function weighted(result: tf.Tensor): tf.Scalar {
  const weights = Float32Array.from({ length: result.size }, (_, i) => Math.cos(i + 1));
  return tf.sum(tf.mul(result.reshape([result.size]), tf.tensor1d(weights))) as tf.Scalar;
}

describe.each(cases)('$name', ({ inputs, wrt, op }) => {
  const tensors = (): Tensors => Object.fromEntries(Object.entries(inputs).map(([name, { spec, data }]) => [name, tf.tensor(data.slice(), [...spec.shape], spec.type)]));
  const value = (): number => tf.tidy(() => weighted(op(tensors())).dataSync()[0]!);

  it.each(wrt)('has the gradient that finite differences show for %s', (name) => {
    const gradient = tf.tidy(() => {
      const all = tensors();
      return tf.grad((x) => weighted(op({ ...all, [name]: x })))(all[name]!).dataSync().slice();
    });
    const data = inputs[name]!.data as Float32Array;
    const epsilon = 1e-2;
    for (let i = 0; i < data.length; i++) {
      const kept = data[i]!;
      data[i] = kept + epsilon;
      const above = value();
      data[i] = kept - epsilon;
      const below = value();
      data[i] = kept;
      expect(gradient[i]).toBeCloseTo((above - below) / (2 * epsilon), 2);
    }
  });

  it('is the same compiled, gradient included', async () => {
    const step = (_: Tensors, given: Tensors) => {
      const { value, grads } = tf.valueAndGrads((...xs: tf.Tensor[]) => weighted(op({ ...given, ...Object.fromEntries(wrt.map((name, i) => [name, xs[i]!])) })))(wrt.map((name) => given[name]!));
      return { updates: {}, outputs: { value, ...Object.fromEntries(wrt.map((name, i) => [`d ${name}`, grads[i]!])) } };
    };
    const spec = { variables: {}, inputs: Object.fromEntries(Object.entries(inputs).map(([name, { spec }]) => [name, spec])) };
    const results: Arrays[] = [];
    for (const backend of ['cpu', 'onnx:cpu'] as const) {
      const program = await compile({ backend, threads: 1 }, step, spec);
      const bound = program.bind({});
      for (const [name, { data }] of Object.entries(inputs)) bound.inputs[name]!.set(data);
      await bound.run();
      results.push(Object.fromEntries(Object.entries(bound.outputs).map(([name, output]) => [name, output.slice()])));
      bound.release();
      program.release();
    }
    const [eager, compiled] = results as [Arrays, Arrays];
    expect(Object.keys(compiled).sort()).toEqual(Object.keys(eager).sort());
    for (const [name, expected] of Object.entries(eager)) {
      for (const [i, x] of expected.entries()) expect(compiled[name]![i]).toBeCloseTo(x, 4);
    }
  });
});

it('rotates each position by its own angle: the product of two rotated vectors depends on their distance alone', () => {
  const products = tf.tidy(() => {
    const vector = tf.tensor4d([0.3, -1, 0.8, 0.5], [1, 1, 1, 4]).tile([1, 1, 6, 1]) as tf.Tensor4D;
    const rotated = ops.rotary(vector);
    return tf.matMul(rotated, rotated, false, true).reshape([6, 6]).arraySync() as number[][];
  });
  for (let i = 0; i < 5; i++) for (let j = 0; j < 5; j++) expect(products[i]![j]).toBeCloseTo(products[i + 1]![j + 1]!, 4);
});
