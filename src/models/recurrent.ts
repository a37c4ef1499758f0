/**
 * A recurrent language model over sequences of one length, or of any length up to it: an embedding, one LSTM layer and a softmax, and the
 * three pure steps it is used through: train, score, sample. Which tokens of a row count is the host's affair (recurrent-host.ts).
 *
 * B rows of T positions, N = T * B in time-major order (row b's position t stands at t * B + b), so that the positions of one time lie
 * together; E width of the embedding, H of the state, V vocabulary. The state begins at zero.
 *
 * Sources: Hochreiter, Schmidhuber, "Long short-term memory" (1997), with the forget gate of Gers et al. (2000) and no peepholes; Gal,
 * Ghahramani, "A theoretically grounded application of dropout in recurrent neural networks" (2016): one mask a sequence.
 */
import * as tf from '../engine/ops/index.ts';
import type { Specs, Step, StepSpec, Tensors } from '../engine/compile.ts';
import { adamW, movingAverage } from './optimizer.ts';
import { Layout } from './parameters.ts';

export interface RecurrentShape {
  readonly vocabulary: number;
  readonly embedding: number;
  readonly hidden: number;
  /** Tokens of a sequence. */
  readonly length: number;
  /** The id that every sequence is begun with; it is not part of it and not scored. */
  readonly start: number;
  /** The id that ends a sequence before its full length and stands at every later position. Without one all sequences are full. */
  readonly end?: number;
}

const INITIAL_STD = 0.1;

/** Gates stand side by side in the order input, forget, output, candidate; the softmax's bias is the last row of `output`. */
export function recurrentLayout({ vocabulary, embedding, hidden }: RecurrentShape): Layout {
  return new Layout([
    { name: 'embedding', shape: [vocabulary, embedding], init: INITIAL_STD },
    { name: 'input', shape: [embedding, 4 * hidden], init: INITIAL_STD },
    { name: 'recurrent', shape: [hidden, 4 * hidden], init: INITIAL_STD },
    { name: 'bias', shape: [4 * hidden], init: INITIAL_STD },
    { name: 'output', shape: [hidden + 1, vocabulary], init: INITIAL_STD },
  ]);
}

interface State {
  readonly hidden: tf.Tensor2D; // (B, H)
  readonly cell: tf.Tensor2D;
}

/** One position: the gates' share that comes from the input (B, 4H), and the state before it. */
function advance(p: Tensors, fromInput: tf.Tensor2D, { hidden, cell }: State): State {
  const gates = tf.add(fromInput, tf.matMul(hidden, p['recurrent'] as tf.Tensor2D)) as tf.Tensor2D;
  const H = hidden.shape[1];
  const [open, candidate] = tf.split(gates, [3 * H, H], 1) as [tf.Tensor2D, tf.Tensor2D];
  const [input, forget, output] = tf.split(tf.sigmoid(open), 3, 1) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
  const next = tf.add(tf.mul(forget, cell), tf.mul(input, tf.tanh(candidate))) as tf.Tensor2D;
  return { hidden: tf.mul(output, tf.tanh(next)) as tf.Tensor2D, cell: next };
}

/** What the ids (any number) add to the gates (…, 4H). */
function inputShare(p: Tensors, x: tf.Tensor2D): tf.Tensor2D {
  return tf.add(tf.matMul(x, p['input'] as tf.Tensor2D), p['bias']!) as tf.Tensor2D;
}

/** What `output` is multiplied with (rows, H + 1). The bias as one more row of the product costs no passes of its own over (rows, V), forward or back. */
function withOne(hidden: tf.Tensor2D): tf.Tensor2D {
  return tf.concat2d([hidden, tf.ones([hidden.shape[0], 1]) as tf.Tensor2D], 1);
}

/** What is multiplied with each row's embeddings (B, E) and with its states (B, H) where the softmax reads them. */
interface Masks {
  readonly embedding: tf.Tensor;
  readonly hidden: tf.Tensor;
}

/** The last layer's input (N, H + 1) at every position of whole sequences: ids (N) int32, each position's preceding token. */
function states(shape: RecurrentShape, rows: number, p: Tensors, ids: tf.Tensor1D, masks: Masks | null = null): tf.Tensor2D {
  /** x (N, W) times a mask (B, W) at every position. */
  const masked = (x: tf.Tensor2D, mask: tf.Tensor | undefined, width: number): tf.Tensor2D =>
    mask ? tf.mul(x.reshape([shape.length, rows, width]), mask).reshape([shape.length * rows, width]) as tf.Tensor2D : x;
  const x = masked(tf.embedding(p['embedding'] as tf.Tensor2D, ids), masks?.embedding, shape.embedding);
  const shares = tf.split(inputShare(p, x), shape.length, 0) as tf.Tensor2D[];
  let state: State = { hidden: tf.zeros([rows, shape.hidden]), cell: tf.zeros([rows, shape.hidden]) };
  const hidden = shares.map((share) => (state = advance(p, share, state)).hidden);
  return withOne(masked(tf.concat2d(hidden, 0), masks?.hidden, shape.hidden));
}

const scalar = { type: 'float32', shape: [] } as const;

function sequences(shape: RecurrentShape, rows: number): Specs {
  const N = shape.length * rows;
  return { ids: { type: 'int32', shape: [N] }, targets: { type: 'int32', shape: [N] } };
}

/**
 * One update of loss = sum(credit * nll), nats, over `rows` sequences. Credit 1 / N everywhere is likelihood; a token's reward over N
 * is the policy gradient (Williams, "REINFORCE" (1992)). Weight decay of optimizer.ts on matrices if `decay`. If `dropout`, the inputs
 * hold masks of it: 0, or 1 over the share that is kept.
 */
export function recurrentTrainStep(shape: RecurrentShape, rows: number, decay: boolean, dropout = false): { step: Step; spec: StepSpec } {
  const layout = recurrentLayout(shape);
  const flat = { type: 'float32', shape: [layout.size] } as const;
  const mask = decay ? layout.decayMask() : new Float32Array(layout.size);
  return {
    spec: {
      variables: { weights: flat, first: flat, second: flat, average: flat },
      inputs: {
        ...sequences(shape, rows), credit: { type: 'float32', shape: [shape.length * rows] },
        learningRate: scalar, firstCorrection: scalar, secondCorrection: scalar, averageDecay: scalar,
        ...(dropout ? { keptEmbedding: { type: 'float32', shape: [rows, shape.embedding] }, keptHidden: { type: 'float32', shape: [rows, shape.hidden] } } as const : {}),
      },
    },
    step(variables, inputs) {
      const { value, gradient } = layout.valueAndGradient(variables['weights'] as tf.Tensor1D, (p) => {
        const x = states(shape, rows, p, inputs['ids'] as tf.Tensor1D, dropout ? { embedding: inputs['keptEmbedding']!, hidden: inputs['keptHidden']! } : null);
        return { loss: tf.projectedCrossEntropy(x, p['output'] as tf.Tensor2D, inputs['targets'] as tf.Tensor1D, inputs['credit'] as tf.Tensor1D), metrics: {} };
      });
      const { state, gradNorm } = adamW(variables, gradient, mask, inputs);
      const average = movingAverage(variables['average']!, state.weights, inputs['averageDecay']!);
      return { updates: { ...state, average }, outputs: { loss: value, gradNorm } };
    },
  };
}

/** -log p (N, nats) of each target under the model at a temperature: softmax(logits * inverseTemperature). */
export function recurrentScoreStep(shape: RecurrentShape, rows: number): { step: Step; spec: StepSpec } {
  const layout = recurrentLayout(shape);
  return {
    spec: { variables: { weights: { type: 'float32', shape: [layout.size] } }, inputs: { ...sequences(shape, rows), inverseTemperature: scalar } },
    step(variables, inputs) {
      const p = layout.unflatten(variables['weights'] as tf.Tensor1D);
      const x = tf.mul(states(shape, rows, p, inputs['ids'] as tf.Tensor1D), inputs['inverseTemperature']!) as tf.Tensor2D;
      return { updates: {}, outputs: { nll: tf.softmaxCrossEntropy(tf.matMul(x, p['output'] as tf.Tensor2D), inputs['targets'] as tf.Tensor1D) } };
    },
  };
}

/** Tokens of a block: whoever draws by inverse CDF adds up blocks first and then one block's tokens, some 2 sqrt(V) numbers instead of V. */
export function blockSize(vocabulary: number): number {
  let size = Math.floor(Math.sqrt(vocabulary));
  while (vocabulary % size !== 0) size--;
  return size;
}

/**
 * One position of `rows` sequences: the preceding ids (B) in; the next token's probabilities (B, V) and their sums by block
 * (B, V / blockSize) out. The state (B, H) is in the variables `hidden` and `cell`, updated in place.
 */
export function recurrentSampleStep(shape: RecurrentShape, rows: number): { step: Step; spec: StepSpec } {
  const layout = recurrentLayout(shape);
  const state = { type: 'float32', shape: [rows, shape.hidden] } as const;
  const size = blockSize(shape.vocabulary);
  return {
    spec: {
      variables: { weights: { type: 'float32', shape: [layout.size] }, hidden: state, cell: state },
      inputs: { ids: { type: 'int32', shape: [rows] }, inverseTemperature: scalar },
    },
    step(variables, inputs) {
      const p = layout.unflatten(variables['weights'] as tf.Tensor1D);
      const x = tf.gather(p['embedding'] as tf.Tensor2D, inputs['ids'] as tf.Tensor1D) as tf.Tensor2D;
      const next = advance(p, inputShare(p, x), { hidden: variables['hidden'] as tf.Tensor2D, cell: variables['cell'] as tf.Tensor2D });
      const probabilities = tf.softmax(tf.matMul(tf.mul(withOne(next.hidden), inputs['inverseTemperature']!) as tf.Tensor2D, p['output'] as tf.Tensor2D));
      const blocks = tf.sum(probabilities.reshape([rows, shape.vocabulary / size, size]), 2);
      return { updates: { hidden: next.hidden, cell: next.cell }, outputs: { probabilities, blocks } };
    },
  };
}
