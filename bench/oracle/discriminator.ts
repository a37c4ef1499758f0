/**
 * SeqGAN's discriminator, smaller: is a sequence the oracle's or the generator's? A vector a token, convolutions over a few widths, the
 * largest answer of each filter over time, a highway layer, one logit. Paper: twelve widths, 1,720 filters, dropout, vectors that it learns;
 * here five widths of 64, weight decay, and the vectors of the generator by likelihood, fixed: of held-out sequences it tells 63 % of pairs
 * apart after 200 updates, where with vectors of its own it told 55 % after 600 and more updates made it no better.
 *
 * B rows of T positions in time-major order, as in recurrent.ts; E width of a token's vector; F filters a width, W widths.
 * Sources: Yu et al., "SeqGAN" (2017); Kim (2014) for the convolutions; Srivastava et al., "Highway networks" (2015), eq. 3.
 */
import { compile, type ArraySpec, type BoundStep, type EngineOptions, type Program, type Step, type StepSpec } from '../../src/engine/compile.ts';
import * as tf from '../../src/engine/ops/index.ts';
import { adamW, biasCorrections } from '../../src/models/optimizer.ts';
import { Layout } from '../../src/models/parameters.ts';
import type { RecurrentShape } from '../../src/models/recurrent.ts';
import type { RandomStream } from '../../src/random/philox.ts';

export interface DiscriminatorShape {
  readonly vocabulary: number;
  readonly length: number;
  /** Width of the tokens' vectors. */
  readonly embedding: number;
}

const WIDTHS = [1, 2, 3, 5, 8];
const FILTERS = 64;
const FEATURES = WIDTHS.length * FILTERS;
/** The highway carries at first: its gate begins mostly shut (Srivastava et al.). */
const GATE_BIAS = -2;

function layoutOf({ embedding }: DiscriminatorShape): Layout {
  return new Layout([
    ...WIDTHS.flatMap((width) => [
      { name: `filters.${width}`, shape: [width * embedding, FILTERS], init: 1 / Math.sqrt(width * embedding) },
      { name: `filterBias.${width}`, shape: [FILTERS], init: 0 },
    ]),
    { name: 'gate', shape: [FEATURES, FEATURES], init: 0.05 },
    { name: 'gateBias', shape: [FEATURES], init: 0 },
    { name: 'transform', shape: [FEATURES, FEATURES], init: 0.05 },
    { name: 'transformBias', shape: [FEATURES], init: 0 },
    { name: 'output', shape: [FEATURES, 1], init: 0.05 },
    { name: 'outputBias', shape: [1], init: 0 },
  ]);
}

/** Logits (B) of ids (T * B): log D / (1 - D). */
function logitsOf(shape: DiscriminatorShape, rows: number, p: Record<string, tf.Tensor>, vectors: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor1D {
  const linear = (x: tf.Tensor2D, weight: string, bias: string): tf.Tensor2D => tf.add(tf.matMul(x, p[weight] as tf.Tensor2D), p[bias]!) as tf.Tensor2D;
  const tokens = tf.split(tf.gather(vectors, ids), shape.length, 0) as tf.Tensor2D[]; // T of (B, E)
  const features = WIDTHS.filter((width) => width <= shape.length).map((width) => {
    const places = shape.length - width + 1;
    const windows = Array.from({ length: places }, (_, t) => (width === 1 ? tokens[t]! : tf.concat2d(tokens.slice(t, t + width), 1))); // (B, width * E)
    const answers = tf.relu(linear(tf.concat2d(windows, 0), `filters.${width}`, `filterBias.${width}`));
    return tf.max(answers.reshape([places, rows, FILTERS]), 0) as tf.Tensor2D; // (B, F)
  });
  const h = tf.concat2d(features, 1); // (B, W * F)
  const gate = tf.sigmoid(tf.add(linear(h, 'gate', 'gateBias'), GATE_BIAS));
  const carried = tf.add(h, tf.mul(gate, tf.sub(tf.relu(linear(h, 'transform', 'transformBias')), h))) as tf.Tensor2D;
  return linear(carried, 'output', 'outputBias').reshape([rows]) as tf.Tensor1D;
}

function vectorsOf({ vocabulary, embedding }: DiscriminatorShape): ArraySpec {
  return { type: 'float32', shape: [vocabulary, embedding] };
}

const scalar = { type: 'float32', shape: [] } as const;

function scoreStep(shape: DiscriminatorShape, rows: number): { step: Step; spec: StepSpec } {
  const layout = layoutOf(shape);
  return {
    spec: { variables: { weights: { type: 'float32', shape: [layout.size] }, vectors: vectorsOf(shape) }, inputs: { ids: { type: 'int32', shape: [shape.length * rows] } } },
    step: (variables, { ids }) => ({ updates: {}, outputs: { odds: tf.sigmoid(logitsOf(shape, rows, layout.unflatten(variables['weights'] as tf.Tensor1D), variables['vectors'] as tf.Tensor2D, ids as tf.Tensor1D)) } }),
  };
}

/** Mean binary cross-entropy, nats; labels 1 for the oracle's. */
function trainStep(shape: DiscriminatorShape, rows: number): { step: Step; spec: StepSpec } {
  const layout = layoutOf(shape);
  const flat = { type: 'float32', shape: [layout.size] } as const;
  const mask = layout.decayMask();
  return {
    spec: {
      variables: { weights: flat, first: flat, second: flat, vectors: vectorsOf(shape) },
      inputs: { ids: { type: 'int32', shape: [shape.length * rows] }, labels: { type: 'float32', shape: [rows] }, learningRate: scalar, firstCorrection: scalar, secondCorrection: scalar },
    },
    step(variables, inputs) {
      const { value, gradient } = layout.valueAndGradient(variables['weights'] as tf.Tensor1D, (p) => {
        const z = logitsOf(shape, rows, p, variables['vectors'] as tf.Tensor2D, inputs['ids'] as tf.Tensor1D);
        return { loss: tf.mean(tf.sub(tf.softplus(z), tf.mul(inputs['labels']!, z))) as tf.Scalar, metrics: {} };
      });
      const { state } = adamW(variables, gradient, mask, inputs);
      return { updates: { ...state }, outputs: { loss: value } };
    },
  };
}

/**
 * Vectors (V, 2H + 1) that a generator has learned for its tokens, what it reads of one beside what makes it write one, each to a standard
 * deviation of 1. The discriminator's own would know the 10,000 sequences by heart before they knew anything else.
 */
export function tokenVectors({ vocabulary, embedding, hidden }: RecurrentShape, weights: Float32Array): { readonly width: number; readonly data: Float32Array } {
  const width = embedding + hidden + 1;
  const output = weights.length - (hidden + 1) * vocabulary;
  const data = Float32Array.from({ length: vocabulary * width }, (_, i) => {
    const [token, column] = [Math.floor(i / width), i % width];
    return column < embedding ? weights[token * embedding + column]! : weights[output + (column - embedding) * vocabulary + token]!;
  });
  for (let column = 0; column < width; column++) {
    let sum = 0, squares = 0;
    for (let i = column; i < data.length; i += width) {
      sum += data[i]!;
      squares += data[i]! ** 2;
    }
    const average = sum / vocabulary;
    const deviation = Math.sqrt(Math.max(squares / vocabulary - average ** 2, 1e-12));
    for (let i = column; i < data.length; i += width) data[i] = (data[i]! - average) / deviation;
  }
  return { width, data };
}

/** The discriminator's weights and compiled steps, for batches of exactly `rows` sequences. */
export class Discriminator {
  #updates = 0;

  private constructor(private readonly shape: DiscriminatorShape, readonly rows: number, private readonly programs: readonly Program[], private readonly scoring: BoundStep, private readonly training: BoundStep) {}

  static async create(engine: EngineOptions, shape: DiscriminatorShape, vectors: Float32Array, seed: number, rows = 64): Promise<Discriminator> {
    const layout = layoutOf(shape);
    const weights = layout.initialise(seed);
    const [score, train] = [scoreStep(shape, rows), trainStep(shape, rows)];
    const scoring = await compile(engine, score.step, { ...score.spec, frozen: { vectors } });
    const training = await compile(engine, train.step, { ...train.spec, frozen: { vectors } });
    const zeros = (): Float32Array => new Float32Array(layout.size);
    return new Discriminator(shape, rows, [scoring, training], scoring.bind({ weights }), training.bind({ weights, first: zeros(), second: zeros() }));
  }

  #place(step: BoundStep, row: number, ids: Int32Array, from: number): void {
    const { length } = this.shape;
    for (let t = 0; t < length; t++) step.inputs['ids']![t * this.rows + row] = ids[from * length + t]!;
  }

  /** The probability that each of `rows` sequences is the oracle's; the next call overwrites it. */
  async score(ids: Int32Array): Promise<Float32Array> {
    for (let row = 0; row < this.rows; row++) this.#place(this.scoring, row, ids, row);
    await this.scoring.run({ blocking: true });
    return this.scoring.outputs['odds'] as Float32Array;
  }

  /**
   * Updates on as many of the oracle's sequences, drawn with `random`, as of the generator's, each of which is shown once: there are to be
   * steps * rows / 2 of them. Returns the losses.
   */
  async learn(real: Int32Array, fake: Int32Array, steps: number, random: RandomStream, learningRate: number): Promise<number[]> {
    const half = this.rows / 2;
    const losses: number[] = [];
    for (let s = 0; s < steps; s++) losses.push(await this.#update(real, fake, (row, bound) => (row < half ? random.integer(s * this.rows + row, bound) : s * half + row - half), learningRate));
    return losses;
  }

  /** One update on sequences picked by index. Returns the loss. */
  async #update(real: Int32Array, fake: Int32Array, pick: (row: number, bound: number) => number, learningRate: number): Promise<number> {
    const { length } = this.shape;
    for (let row = 0; row < this.rows; row++) {
      const isReal = row < this.rows / 2;
      const pool = isReal ? real : fake;
      this.#place(this.training, row, pool, pick(row, pool.length / length));
      this.training.inputs['labels']![row] = isReal ? 1 : 0;
    }
    for (const [name, value] of Object.entries({ learningRate, ...biasCorrections(this.#updates++) })) this.training.inputs[name]![0] = value;
    await this.training.run();
    return this.training.outputs['loss']![0]!;
  }

  release(): void {
    this.scoring.release();
    this.training.release();
    for (const program of this.programs) program.release();
  }
}
