/**
 * Conformance: every op, with its gradient, and every step of the models computes the same on every backend that works here. The
 * reference is eager tfjs on the CPU, in float32; our own gradients are held against finite differences besides. Backends that are
 * absent are printed with the reason.
 */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { probeBackends } from '../../src/engine/backends.ts';
import { compile, current, sizeOf, type ArraySpec, type Arrays, type BackendName, type HostArray, type Step, type StepSpec, type Tensors } from '../../src/engine/compile.ts';
import { createNodeSession } from '../../src/engine/onnx/node-binding.ts';
import { encodeModel } from '../../src/engine/onnx/proto.ts';
import * as ops from '../../src/engine/ops/index.ts';
import { nameOf, symbolic, withTrace } from '../../src/engine/trace/backend.ts';
import { registerTraceKernels } from '../../src/engine/trace/kernels.ts';
import { discriminatorLayout, discriminatorScoreStep, discriminatorTrainStep } from '../../src/models/discriminator.ts';
import { draw } from '../../src/models/drawing.ts';
import { discriminatorLayout as vectorDiscriminatorLayout, discriminatorStep, generatorLayout, generatorStep, NOISE, SAMPLE, sampleStep } from '../../src/models/gan.ts';
import { latentTrainStep, prefixLayout, prefixStep, sequenceShape } from '../../src/models/latent.ts';
import { TOLD } from '../../src/models/lexical.ts';
import { ADVERSARIAL_BETAS, biasCorrections } from '../../src/models/optimizer.ts';
import { decodeStep, distributionStep, policyLayout, scoreStep, trainStep, type PolicyShape } from '../../src/models/policy.ts';
import { sequenceDiscriminatorLayout, sequenceDiscriminatorStep } from '../../src/models/sequence-discriminator.ts';
import { RandomStream } from '../../src/random/philox.ts';
import { useSoftwareGpu } from './software-gpu.ts';

/** Largest difference, of values around 1 absolute, of larger ones relative. */
const TOLERANCE = 1e-4;
const THREADS = 2;

useSoftwareGpu();
const statuses = await probeBackends(THREADS);
const others = statuses.filter(({ name, usable }) => usable && name !== 'cpu').map(({ name }) => name);
for (const { name, usable, detail } of statuses) if (!usable) console.log(`absent: ${name} (${detail})`);

/** Runs a step once for each entry of `feeds` and gives the outputs of each run and the variables after the last. */
async function results(backend: BackendName, { step, spec }: { step: Step; spec: StepSpec }, feeds: readonly Arrays[], variables: Arrays = {}): Promise<{ outputs: Arrays[]; variables: Arrays }> {
  const program = await compile({ backend, threads: THREADS }, step, spec);
  const copied = (arrays: Arrays): Arrays => Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.slice()]));
  const own = copied(variables);
  const bound = program.bind(own);
  const outputs: Arrays[] = [];
  for (const feed of feeds) {
    for (const [name, array] of Object.entries(feed)) bound.inputs[name]!.set(array);
    await bound.run();
    outputs.push(copied(bound.outputs));
  }
  const final = Object.fromEntries(Object.entries(own).map(([name, array]) => [name, current(array).slice()]));
  bound.release();
  program.release();
  return { outputs, variables: final };
}

function expectSame(actual: Arrays, expected: Arrays): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, values] of Object.entries(expected)) {
    expect(actual[name]).toHaveLength(values.length);
    let worst = 0;
    for (const [i, x] of values.entries()) worst = Math.max(worst, Math.abs(actual[name]![i]! - x) / Math.max(1, Math.abs(x)));
    expect(worst, `largest difference of ${name}`).toBeLessThanOrEqual(TOLERANCE);
  }
}

/** The same on every other backend as on the reference; of the variables, what `defined` takes from them. */
function conforms(what: { step: Step; spec: StepSpec }, feeds: readonly Arrays[], variables: Arrays = {}, defined = (arrays: Arrays): Arrays => arrays): void {
  let expected: Awaited<ReturnType<typeof results>>;
  beforeAll(async () => {
    expected = await results('cpu', what, feeds, variables);
  });

  it.each(others)('is the same on %s', async (backend) => {
    const actual = await results(backend, what, feeds, variables);
    for (const [i, outputs] of expected.outputs.entries()) expectSame(actual.outputs[i]!, outputs);
    expectSame(defined(actual.variables), defined(expected.variables));
  });
}

// --- ops -------------------------------------------------------------------------------------------------------------------

const random = new RandomStream(7, 'ops test');
let drawn = 0;
interface Given {
  readonly spec: ArraySpec;
  readonly data: HostArray;
}
function values(...shape: number[]): Given {
  return { spec: { type: 'float32', shape }, data: Float32Array.from({ length: sizeOf(shape) }, () => random.normal(drawn++) * 0.7) };
}
function positive(...shape: number[]): Given {
  const { spec, data } = values(...shape);
  return { spec, data: data.map((x) => 0.2 + Math.abs(x)) };
}
const ids = (...data: number[]): Given => ({ spec: { type: 'int32', shape: [data.length] }, data: Int32Array.from(data) });

interface Case {
  /** Names of engine/ops that it is about. */
  readonly name: string;
  readonly inputs: Readonly<Record<string, Given>>;
  /** Inputs with respect to which it is differentiated. */
  readonly wrt: readonly string[];
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- each op wants tensors of ranks of its own
  readonly op: (inputs: Record<string, any>) => tf.Tensor;
  /** Its gradient is written here, not in tfjs. */
  readonly ours?: true;
}

const causal = tf.tensor4d([0, -1e9, -1e9, 0, 0, -1e9, 0, 0, 0], [1, 1, 3, 3]).arraySync();
type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
type Unary = (x: tf.Tensor) => tf.Tensor;
const binary = (name: string, op: Binary, b = positive(4)): Case => ({ name, inputs: { a: values(3, 4), b }, wrt: ['a', 'b'], op: ({ a, b }) => op(a, b) });
const unary = (name: string, op: Unary, x = values(3, 5)): Case => ({ name, inputs: { x }, wrt: ['x'], op: ({ x }) => op(x) });
const cases: readonly Case[] = [
  { name: 'rmsNorm', inputs: { x: values(4, 6), gain: values(6) }, wrt: ['x', 'gain'], op: ({ x, gain }) => ops.rmsNorm(x, gain), ours: true },
  { name: 'swiGlu', inputs: { gate: values(3, 5), up: values(3, 5) }, wrt: ['gate', 'up'], op: ({ gate, up }) => ops.swiGlu(gate, up), ours: true },
  { name: 'rotary', inputs: { x: values(2, 2, 5, 4) }, wrt: ['x'], op: ({ x }) => ops.rotary(x), ours: true },
  { name: 'attention', inputs: { q: values(2, 2, 3, 4), k: values(2, 2, 3, 4), v: values(2, 2, 3, 4) }, wrt: ['q', 'k', 'v'], op: ({ q, k, v }) => ops.attention(q, k, v, ops.tensor4d(causal)), ours: true },
  { name: 'softmaxCrossEntropy', inputs: { logits: values(4, 5), targets: ids(0, 4, 2, 2) }, wrt: ['logits'], op: ({ logits, targets }) => ops.softmaxCrossEntropy(logits, targets), ours: true },
  {
    name: 'softmaxCrossEntropy of several a row', inputs: { logits: values(4, 5), targets: ids(0, 4, 2, 2), others: ids(1, 4, 0, 2) }, wrt: ['logits'],
    op: ({ logits, targets, others }) => ops.softmaxCrossEntropy(logits, tf.stack([targets, others], 1) as tf.Tensor2D), ours: true,
  },
  { name: 'klDivergence', inputs: { logits: values(4, 5), reference: values(4, 5) }, wrt: ['logits'], op: ({ logits, reference }) => ops.klDivergence(logits, ops.mul(reference, 2) as tf.Tensor2D), ours: true },
  { name: 'entropy', inputs: { logits: values(4, 5) }, wrt: ['logits'], op: ({ logits }) => ops.entropy(logits), ours: true },
  {
    name: 'projectedCrossEntropy', inputs: { hidden: values(5, 3), weight: values(3, 4), credit: values(5), targets: ids(0, 3, 2, 2, 1) }, wrt: ['hidden', 'weight'],
    op: ({ hidden, weight, credit, targets }) => ops.projectedCrossEntropy(hidden, weight, targets, credit, 8), ours: true,
  },
  { name: 'perturbedLogits', inputs: { logits: values(3, 5), ids: ids(4, 0, 2), exponentials: positive(3, 5) }, wrt: [], op: ({ logits, ids, exponentials }) => ops.perturbedLogits(logits, ids, exponentials) },
  {
    name: 'straightThrough', inputs: { logits: values(3, 5), ids: ids(4, 0, 2), exponentials: positive(3, 5), temperature: positive() }, wrt: ['logits'],
    op: ({ logits, ids, exponentials, temperature }) => ops.straightThrough(logits, ids, exponentials, temperature),
  },
  { name: 'scaledGradient', inputs: { x: values(3, 4), factor: values() }, wrt: ['x'], op: ({ x, factor }) => ops.scaledGradient(ops.neg(x), factor) },
  { name: 'max', inputs: { x: values(3, 4) }, wrt: ['x'], op: ({ x }) => ops.max(x, 0) },
  { name: 'embedding', inputs: { table: values(5, 3), ids: ids(4, 0, 4, 1) }, wrt: ['table'], op: ({ table, ids }) => ops.embedding(table, ids), ours: true },
  binary('add', ops.add), binary('sub', ops.sub), binary('mul', ops.mul), binary('div', ops.div),
  // tfjs does not sum the gradient of a broadcast operand of these.
  binary('maximum', ops.maximum, positive(3, 4)), binary('minimum', ops.minimum, positive(3, 4)),
  unary('exp', ops.exp), unary('neg', ops.neg), unary('relu', ops.relu), unary('sigmoid', ops.sigmoid), unary('softplus', ops.softplus), unary('square', ops.square), unary('tanh', ops.tanh),
  unary('log', ops.log, positive(3, 5)), unary('sqrt', ops.sqrt, positive(3, 5)), unary('softmax', (x) => ops.softmax(x)),
  { name: 'cumsum lessEqual', inputs: { x: values(3, 5) }, wrt: [], op: ({ x }) => ops.add(ops.cumsum(x, 1), ops.lessEqual(x, ops.neg(x)).toFloat()) },
  { name: 'sum mean', inputs: { x: values(3, 4) }, wrt: ['x'], op: ({ x }) => ops.add(ops.sum(x, 1), ops.mean(x)) },
  { name: 'equal less', inputs: { a: ids(1, 2, 3, 3), b: ids(1, 3, 2, 3), x: values(4) }, wrt: [], op: ({ a, b, x }) => ops.mul(x, ops.add(ops.equal(a, b).toFloat(), ops.less(ops.neg(x), x).toFloat())) },
  { name: 'gather', inputs: { table: values(5, 3), ids: ids(4, 0, 4) }, wrt: [], op: ({ table, ids }) => ops.gather(table, ids) },
  { name: 'matMul', inputs: { a: values(2, 3), b: values(4, 3) }, wrt: ['a', 'b'], op: ({ a, b }) => ops.matMul(a, b, false, true) },
  { name: 'matMul batched', inputs: { a: values(2, 3, 4), b: values(2, 3, 5) }, wrt: ['a', 'b'], op: ({ a, b }) => ops.matMul(a, b, true, false) },
  // More parts than a GPU binds buffers at once.
  { name: 'split concat2d', inputs: { x: values(3, 7) }, wrt: ['x'], op: ({ x }) => ops.concat2d((ops.split(x, [4, 1, 2], 1) as tf.Tensor2D[]).toReversed(), 1) },
  { name: 'split concat1d', inputs: { x: values(60) }, wrt: ['x'], op: ({ x }) => ops.concat1d((ops.split(x, Array.from({ length: 20 }, (_, i) => (i % 2 ? 2 : 4))) as tf.Tensor1D[]).toReversed()) },
  { name: 'reshape transpose tile', inputs: { x: values(2, 3, 4) }, wrt: ['x'], op: ({ x }) => x.transpose([1, 0, 2]).reshape([3, 8]).tile([1, 3]) },
];

/** Exports of engine/ops that compute nothing of their own, or have no gradient and a test of their own. */
const APART = ['clone', 'keep', 'ones', 'zeros', 'tensor1d', 'tensor4d', 'valueAndGrads', 'cachedAttention'];

it('knows every op', () => {
  const known = cases.flatMap(({ name }) => name.split(' '));
  expect(Object.keys(ops).filter((name) => !known.includes(name) && !APART.includes(name))).toEqual([]);
});

/** A fixed weighting of the result, so that its sum has a gradient worth checking. */
function weighted(result: tf.Tensor): tf.Scalar {
  const weights = Float32Array.from({ length: result.size }, (_, i) => Math.cos(i + 1));
  return tf.sum(tf.mul(result.reshape([result.size]), tf.tensor1d(weights))) as tf.Scalar;
}

describe.each(cases)('$name', ({ inputs, wrt, op, ours }) => {
  const step: Step = (_, given) => {
    const result = op(given);
    if (wrt.length === 0) return { updates: {}, outputs: { result } };
    const { grads } = tf.valueAndGrads((...xs: tf.Tensor[]) => weighted(op({ ...given, ...Object.fromEntries(wrt.map((name, i) => [name, xs[i]!])) })))(wrt.map((name) => given[name]!));
    return { updates: {}, outputs: { result, ...Object.fromEntries(wrt.map((name, i) => [`d ${name}`, grads[i]!])) } };
  };
  conforms(
    { step, spec: { variables: {}, inputs: Object.fromEntries(Object.entries(inputs).map(([name, { spec }]) => [name, spec])) } },
    [Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, data]))]);

  it.each(ours ? wrt : [])('has the gradient that finite differences show for %s', async (name) => {
    await tf.setBackend('cpu');
    const tensors = (): Tensors => Object.fromEntries(Object.entries(inputs).map(([name, { spec, data }]) => [name, tf.tensor(data.slice(), [...spec.shape], spec.type)]));
    const value = (): number => tf.tidy(() => weighted(op(tensors())).dataSync()[0]!);
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
});

describe('rotary', () => {
  const vector = Float32Array.of(0.3, -1, 0.8, 0.5);
  const step: Step = (_, { x }) => {
    const rotated = ops.rotary(x!.tile([1, 1, 6, 1]) as tf.Tensor4D);
    return { updates: {}, outputs: { products: tf.matMul(rotated, rotated, false, true).reshape([36]) } };
  };
  it('rotates each position by its own angle: the product of two rotated vectors depends on their distance alone', async () => {
    const { outputs } = await results('cpu', { step, spec: { variables: {}, inputs: { x: { type: 'float32', shape: [1, 1, 1, 4] } } } }, [{ x: vector }]);
    const products = outputs[0]!['products']!;
    for (let i = 0; i < 5; i++) for (let j = 0; j < 5; j++) expect(products[i * 6 + j]).toBeCloseTo(products[(i + 1) * 6 + j + 1]!, 4);
  });
});

describe('cachedAttention', () => {
  const [slots, heads, kvHeads, context, headSize] = [2, 4, 2, 6, 16];
  const given = { qkv: values(slots, (heads + 2 * kvHeads) * headSize), keys: values(slots, kvHeads, context, headSize), values: values(slots, kvHeads, context, headSize), positions: ids(3, 5) };
  const attend = (t: Tensors) => ops.cachedAttention(t['qkv'] as tf.Tensor2D, heads, t['keys'] as tf.Tensor4D, t['values'] as tf.Tensor4D, t['positions'] as tf.Tensor1D).output;
  const spec = { variables: {}, inputs: Object.fromEntries(Object.entries(given).map(([name, { spec }]) => [name, spec])) };
  const feed = Object.fromEntries(Object.entries(given).map(([name, { data }]) => [name, data]));
  conforms({ step: (_, inputs) => ({ updates: {}, outputs: { output: attend(inputs) } }), spec }, [feed]);

  it('is the same as it is lowered for CUDA, computed on the CPU', async () => {
    registerTraceKernels();
    const { model, name } = withTrace('cuda', (graph) => {
      const inputs = Object.entries(given).map(([name, { spec }]) => ({ name, ...spec }));
      const name = nameOf(attend(Object.fromEntries(inputs.map(({ name, shape, type }) => [name, symbolic(name, shape, type)]))));
      const finished = graph.finish(inputs, [{ name, type: 'float32', shape: [slots, heads * headSize] }]);
      expect(finished.nodes.map(({ op }) => op)).not.toContain('GroupQueryAttention');
      return { model: encodeModel(finished), name };
    });
    const session = await createNodeSession(model, { provider: 'cpu', threads: 1 });
    const output = new Float32Array(slots * heads * headSize);
    const binding = session.bind(Object.fromEntries(Object.entries(given).map(([name, { spec, data }]) => [name, { ...spec, data }])), { [name]: { type: 'float32', shape: [slots, heads * headSize], data: output } });
    await binding.run();
    session.release();
    const { outputs } = await results('cpu', { step: (_, inputs) => ({ updates: {}, outputs: { output: attend(inputs) } }), spec }, [feed]);
    expectSame({ output }, outputs[0]!);
  });
});

// --- models ----------------------------------------------------------------------------------------------------------------

const SHAPE: PolicyShape = { layers: 2, heads: 2, kvHeads: 1, width: 32, hidden: 48, context: 16, batch: 4, lexicalState: true, vocabulary: 64 };
const N = SHAPE.batch * SHAPE.context;
const weights = (): Float32Array => policyLayout(SHAPE).initialise(3).map((value) => (value === 1 ? 1 : 4 * value));
const zerosLike = (array: Float32Array): Float32Array => new Float32Array(array.length);

const scalars = (numbers: Record<string, number>): Arrays => Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Float32Array.of(value)]));

/** Ids, targets and two segments a row, other ones for each `step`. */
function rows(step: number): Arrays {
  return {
    ids: Int32Array.from({ length: N }, (_, i) => (i * 7 + step * 3) % SHAPE.vocabulary),
    targets: Int32Array.from({ length: N }, (_, i) => (i * 7 + 5 + step * 3) % SHAPE.vocabulary),
    segments: Int32Array.from({ length: N }, (_, i) => (i % SHAPE.context < 9 ? 0 : 1)),
  };
}

describe('training of the policy, 5 steps', () => {
  const perToken = (value: (i: number) => number): Float32Array => Float32Array.from({ length: N }, (_, i) => value(i));
  const feeds = Array.from({ length: 5 }, (_, step): Arrays => {
    return {
      ...rows(step),
      likelihood: perToken(() => 0.5 / N), credit: perToken((i) => Math.cos(i) / N), oldLogProbs: perToken(() => -4),
      alternatives: Int32Array.from({ length: N }, (_, i) => (i * 11 + step) % SHAPE.vocabulary),
      alternativeCredit: perToken((i) => -0.5 * Math.abs(Math.sin(i)) / N), alternativeLogProbs: perToken(() => -4.2),
      ...scalars({ clipLow: 0.8, clipHigh: 1.25, learningRate: 3e-3, averageDecay: 0.9, ...biasCorrections(step) }),
    };
  });
  const raw = weights();
  const variables = { weights: raw, first: zerosLike(raw), second: zerosLike(raw), average: raw.slice() };
  conforms(trainStep(SHAPE), feeds, variables);

  describe('anchored', () => {
    const anchor = { sampled: perToken((i) => (i % 3) / N), ...scalars({ klWeight: 2, entropyWeight: 0.3 }) };
    conforms(trainStep(SHAPE, { anchored: true }), feeds.map((feed) => ({ ...feed, ...anchor })), { ...variables, reference: raw.map((value) => 1.1 * value) });
  });
});

describe('scoring', () => {
  conforms(scoreStep(SHAPE), [rows(0), rows(1)], { weights: weights() });
});

describe('the distribution', () => {
  const { targets: _targets, ...inputs } = rows(0);
  conforms(distributionStep(SHAPE), [inputs], { weights: weights() });
});

describe('decoding, 6 positions in slots that are at different places', () => {
  const slots = 3;
  const { step, spec } = decodeStep(SHAPE, slots);
  const feeds = Array.from({ length: 6 }, (_, at): Arrays => ({
    ids: Int32Array.from({ length: slots }, (_, s) => (at * 5 + s * 17 + 1) % SHAPE.vocabulary),
    // The last slot begins anew on the way.
    positions: Int32Array.from({ length: slots }, (_, s) => (s === 2 ? at % 4 : at)),
    inverseTemperature: Float32Array.of(1 / 0.8),
  }));
  const caches = Object.fromEntries(Object.entries(spec.variables).filter(([name]) => name !== 'weights').map(([name, { shape }]) => [name, new Float32Array(sizeOf(shape))]));
  // Beyond a row's last position a cache may hold anything.
  const headSize = SHAPE.width / SHAPE.heads;
  const written = (arrays: Arrays): Arrays => Object.fromEntries(Object.entries(arrays).map(([name, cache]) => {
    const row = cache.length / slots, head = row / SHAPE.kvHeads;
    const last = (at: number): number => feeds.at(-1)!['positions']![Math.floor(at / row)]!;
    return [name, cache.filter((_, at) => (at % head) / headSize < last(at) + 1)];
  }));
  conforms({ step, spec: { ...spec, frozen: { weights: weights() } } }, feeds, caches, written);

  describe('with vectors given for one of them', () => {
    const given = decodeStep(SHAPE, slots, { vectors: true });
    const vectors = (at: number): Float32Array => Float32Array.from({ length: slots * SHAPE.width }, (_, i) => (Math.floor(i / SHAPE.width) === at % 2 ? Math.sin(i) : 0));
    conforms({ step: given.step, spec: { ...given.spec, frozen: { weights: weights() } } },
      feeds.map((feed, at) => ({ ...feed, vectors: vectors(at), given: Float32Array.from({ length: slots }, (_, s) => (s === at % 2 ? 1 : 0)) })), caches, written);
  });

  describe('that are drawn in the step', () => {
    const drawing = decodeStep(SHAPE, slots, { draws: true });
    const withUniforms = feeds.map((feed, at) => ({ ...feed, uniforms: Float32Array.from({ length: slots }, (_, s) => (at * 0.17 + s * 0.31 + 0.05) % 1) }));
    conforms({ step: drawing.step, spec: { ...drawing.spec, frozen: { weights: weights() } } }, withUniforms, caches, written);

    it('are those that the host draws', async () => {
      const frozen = { weights: weights() };
      const host = await results('cpu', { step, spec: { ...spec, frozen } }, feeds, caches);
      const there = await results('cpu', { step: drawing.step, spec: { ...drawing.spec, frozen } }, withUniforms, caches);
      for (const [at, { logits, probabilities }] of host.outputs.entries()) {
        for (let s = 0; s < slots; s++) {
          const row = (array: HostArray): Float32Array => (array as Float32Array).subarray(s * SHAPE.vocabulary, (s + 1) * SHAPE.vocabulary);
          const token = draw(row(probabilities!), withUniforms[at]!.uniforms[s]!, { topK: 0, topP: 1 });
          expect(there.outputs[at]!['tokens']![s]).toBe(token);
          const total = row(logits!).reduce((sum, logit) => sum + Math.exp(logit), 0);
          expect(there.outputs[at]!['logProbs']![s]).toBeCloseTo(row(logits!)[token]! - Math.log(total), 4);
        }
      }
    });
  });
});

describe('the discriminator', () => {
  const ROWS = 8;
  const layout = discriminatorLayout();
  const features = (step: number): Float32Array => Float32Array.from({ length: ROWS * 2048 }, (_, i) => (Math.imul(i + step * 77, 0x9e3779b1) >>> 29 === 0 ? 0.35 : 0));
  const state = layout.initialise(5);
  describe('scoring', () => {
    conforms(discriminatorScoreStep(ROWS), [{ features: features(0) }], { weights: state });
  });
  describe('training, 3 steps', () => {
    const feeds = Array.from({ length: 3 }, (_, step): Arrays => {
      const { firstCorrection, secondCorrection } = biasCorrections(step);
      return {
        features: features(step), labels: Float32Array.from({ length: ROWS }, (_, i) => i % 2),
        learningRate: Float32Array.of(3e-3), firstCorrection: Float32Array.of(firstCorrection), secondCorrection: Float32Array.of(secondCorrection),
      };
    });
    conforms(discriminatorTrainStep(ROWS), feeds, { weights: state, first: zerosLike(state), second: zerosLike(state) });
  });
});

describe('the pair over vectors', () => {
  const ROWS = 6;
  const [generator, discriminator] = [generatorLayout().initialise(1), vectorDiscriminatorLayout().initialise(2)];
  const feed = (step: number, names: readonly string[]): Arrays => ({
    ...Object.fromEntries(names.map((name) => [name, values(ROWS, name === 'z' ? NOISE : SAMPLE).data])), ...scalars({ learningRate: 2e-4, ...biasCorrections(step, ADVERSARIAL_BETAS) }),
  });
  const moments = (array: Float32Array): Arrays => ({ first: zerosLike(array), second: zerosLike(array) });
  describe('samples', () => {
    conforms(sampleStep(ROWS), [{ z: values(ROWS, NOISE).data }], { generator });
  });
  describe('the discriminator, 3 steps', () => {
    conforms(discriminatorStep(ROWS), [0, 1, 2].map((step) => feed(step, ['real', 'z'])), { weights: discriminator, ...moments(discriminator), generator });
  });
  describe.each(['minimax', 'non-saturating'] as const)('the generator, 3 steps, %s', (objective) => {
    conforms(generatorStep(ROWS, objective), [0, 1, 2].map((step) => feed(step, ['z'])), { weights: generator, ...moments(generator), discriminator });
  });
});

describe('the latent generator', () => {
  const latent = { noise: 10, prefix: 3, objective: 'non-saturating' } as const;
  const sequences = sequenceShape(SHAPE, latent);
  const [prefix, layout] = [prefixLayout(SHAPE, latent), sequenceDiscriminatorLayout(sequences)];
  const own = prefix.initialise(4).map((value) => 5 * value);
  const critic = layout.initialise(5);
  /** Sequences of different lengths. */
  const present = (rows: number): Float32Array => Float32Array.from({ length: rows * sequences.length }, (_, i) => (i % sequences.length < 4 + 3 * Math.floor(i / sequences.length) ? 1 : 0));
  const filled = (name: string, { type, shape }: ArraySpec, step: number): HostArray => {
    const size = sizeOf(shape);
    if (name === 'present') return present(size / sequences.length);
    if (name === 'plainSegments') return Int32Array.from({ length: size }, (_, i) => (i % SHAPE.context < 9 ? 0 : 1));
    // Ids of any table: the smallest has fewer rows than the vocabulary.
    if (type === 'int32') return Int32Array.from({ length: size }, (_, i) => (i * 7 + step * 3 + name.length) % Math.min(SHAPE.vocabulary, ...Object.values(TOLD)));
    return Float32Array.from({ length: size }, name.endsWith('Likelihood') ? () => 0.01 : name === 'exponentials' ? () => 0.1 + Math.abs(random.normal(drawn++)) : () => random.normal(drawn++));
  };
  const feeds = ({ inputs }: StepSpec, steps: number, numbers: (step: number) => Record<string, number>): Arrays[] => Array.from({ length: steps }, (_, step) => ({
    ...Object.fromEntries(Object.entries(inputs).filter(([, { shape }]) => shape.length > 0).map(([name, spec]) => [name, filled(name, spec, step)])), ...scalars(numbers(step)),
  }));

  describe('prefixes', () => {
    const made = prefixStep(SHAPE, latent, 4);
    conforms(made, feeds(made.spec, 1, () => ({})), { latent: own });
  });
  describe('training, 3 steps', () => {
    const made = latentTrainStep(SHAPE, latent);
    const raw = weights();
    conforms(made, feeds(made.spec, 3, (step) => {
      const { firstCorrection, secondCorrection } = biasCorrections(step, ADVERSARIAL_BETAS);
      return {
        temperature: 0.8, adversarialWeight: 1, policyFactor: 0.5, corpusWeight: 0.7, averageDecay: 0.9, learningRate: 1e-3, ...biasCorrections(step),
        latentLearningRate: 1e-3, latentFirstCorrection: firstCorrection, latentSecondCorrection: secondCorrection,
      };
    }), {
      weights: raw, first: zerosLike(raw), second: zerosLike(raw), average: raw.slice(),
      latent: own, latentFirst: zerosLike(own), latentSecond: zerosLike(own), latentAverage: own.slice(), discriminator: critic,
    });
  });
  describe('its discriminator, 3 steps', () => {
    const made = sequenceDiscriminatorStep(sequences, 4);
    conforms(made, feeds(made.spec, 3, (step) => ({ learningRate: 1e-3, ...biasCorrections(step, ADVERSARIAL_BETAS) })), { weights: critic, first: zerosLike(critic), second: zerosLike(critic) });
  });
});
