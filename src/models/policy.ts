/**
 * The policy: a decoder-only transformer of the Llama family's shape (RMSNorm before each sublayer, rotary positions, SwiGLU, tied
 * embeddings, optional grouped-query attention), and the pure steps it is used through: train, score, decode, and the distribution behind every position.
 *
 * B rows of T positions; N = B * T; d width; H heads, K key/value heads, hs = d / H; V vocabulary. Rows pack several
 * sequences: `segments` numbers them and a position looks only at earlier positions of its own segment.
 *
 * Sources: Touvron et al., "LLaMA" (2023); Ainslie et al., "GQA" (2023); Press, Wolf (2017) for tied embeddings.
 */
import * as tf from '../engine/ops/index.ts';
import type { ModelConfig } from '../contracts/model.ts';
import type { Specs, Step, StepSpec, Tensors } from '../engine/compile.ts';
import { adamW, movingAverage } from './optimizer.ts';
import { TOLD, TOLD_NAMES } from './lexical.ts';
import { Layout, type Parameter } from './parameters.ts';

const NEVER = 1e9;
/** Alternatives that a position can have in one update. */
export const ALTERNATIVES = 4;

export interface PolicyShape extends ModelConfig {
  readonly vocabulary: number;
}

/** The parameters, in the order they stand in the flat vector. */
export function policyLayout(shape: PolicyShape): Layout {
  const { layers, width: d, hidden, heads, kvHeads, vocabulary } = shape;
  if (d % heads !== 0 || heads % kvHeads !== 0) throw new RangeError(`A width of ${d} does not split into ${heads} heads over ${kvHeads} key/value heads.`);
  if ((d / heads) % 16 !== 0) throw new RangeError(`A head of ${d / heads} dimensions cannot be decoded: width / heads has to be a multiple of 16.`);
  const kv = (d / heads) * kvHeads;
  const std = 0.02;
  // Residual branches add up: their last projections start smaller (Radford et al. 2019, section 2.3).
  const residual = std / Math.sqrt(2 * layers);
  const parameters: Parameter[] = [{ name: 'embedding', shape: [vocabulary, d], init: std }];
  // From 0: rows of what is rare would be noise for long.
  if (shape.lexicalState) parameters.push(...TOLD_NAMES.map((name) => ({ name, shape: [TOLD[name], d], init: 0 })));
  for (let layer = 0; layer < layers; layer++) {
    parameters.push(
      { name: `${layer}.attentionNorm`, shape: [d], init: 'ones' },
      { name: `${layer}.query`, shape: [d, d], init: std },
      { name: `${layer}.key`, shape: [d, kv], init: std },
      { name: `${layer}.value`, shape: [d, kv], init: std },
      { name: `${layer}.output`, shape: [d, d], init: residual },
      { name: `${layer}.feedForwardNorm`, shape: [d], init: 'ones' },
      { name: `${layer}.gate`, shape: [d, hidden], init: std },
      { name: `${layer}.up`, shape: [d, hidden], init: std },
      { name: `${layer}.down`, shape: [hidden, d], init: residual },
    );
  }
  parameters.push({ name: 'norm', shape: [d], init: 'ones' });
  return new Layout(parameters);
}

function linear(x: tf.Tensor2D, weight: tf.Tensor): tf.Tensor2D {
  return tf.matMul(x, weight as tf.Tensor2D);
}

function feedForward(p: Tensors, layer: number, x: tf.Tensor2D): tf.Tensor2D {
  const h = tf.rmsNorm(x, p[`${layer}.feedForwardNorm`] as tf.Tensor1D);
  const gated = tf.swiGlu(linear(h, p[`${layer}.gate`]!), linear(h, p[`${layer}.up`]!)); // (N, hidden)
  return tf.add(x, linear(gated, p[`${layer}.down`]!));
}

/** The inputs that say what stands at N positions, each name behind `group` where a step has several groups of them. */
export function positionInputs(shape: PolicyShape, N: number, group = ''): Specs {
  return Object.fromEntries(['ids', ...(shape.lexicalState ? TOLD_NAMES : [])].map((name) => [inGroup(group, name), { type: 'int32', shape: [N] }]));
}

/** The name of an input of a group: `ids` of `plain` are `plainIds`. */
export function inGroup(group: string, name: string): string {
  return group === '' ? name : `${group}${name[0]!.toUpperCase()}${name.slice(1)}`;
}

/** Vectors (N, d) of N positions: the tokens' embeddings and, where the policy is told it, those of what is open by then. */
export function positionVectors(shape: PolicyShape, p: Tensors, inputs: Tensors, group = ''): tf.Tensor2D {
  const rows = (table: string, ids: string): tf.Tensor2D => tf.embedding(p[table] as tf.Tensor2D, inputs[inGroup(group, ids)] as tf.Tensor1D);
  return (shape.lexicalState ? TOLD_NAMES : []).reduce((sum, name) => tf.add(sum, rows(name, name)), rows('embedding', 'ids'));
}

/** Logits (N, V) of whole rows, by the inputs of `rows`. */
function rowLogits(shape: PolicyShape, p: Tensors, inputs: Tensors): tf.Tensor2D {
  return policyLogits(shape, p, positionVectors(shape, p, inputs), inputs['segments'] as tf.Tensor1D);
}

/** Logits (N, V) of the vectors (N, d) and segments (N) int32 of whole rows. */
export function policyLogits(shape: PolicyShape, p: Tensors, vectors: tf.Tensor2D, segments: tf.Tensor1D): tf.Tensor2D {
  const { layers, heads: H, kvHeads: K, width: d, context: T, batch: B } = shape;
  const hs = d / H;
  const segment = segments.reshape([B, T]);
  const same = tf.equal(segment.reshape([B, 1, T, 1]), segment.reshape([B, 1, 1, T]));
  const allowed = tf.mul(same.toFloat(), causal(T));
  const bias = tf.mul(tf.sub(allowed, 1), NEVER) as tf.Tensor4D; // (B, 1, T, T)

  let x = vectors; // (N, d)
  for (let layer = 0; layer < layers; layer++) {
    const h = tf.rmsNorm(x, p[`${layer}.attentionNorm`] as tf.Tensor1D);
    const heads = (name: string, count: number): tf.Tensor4D => linear(h, p[`${layer}.${name}`]!).reshape([B, T, count, hs]).transpose([0, 2, 1, 3]) as tf.Tensor4D;
    const [q, k, v] = [heads('query', H), heads('key', K), heads('value', K)];
    const shared = (kv: tf.Tensor4D): tf.Tensor4D => (K === H ? kv : kv.reshape([B, K, 1, T, hs].slice(0, 3).concat(T * hs) as [number, number, number, number]).tile([1, 1, H / K, 1]).reshape([B, H, T, hs]));
    const y = tf.attention(tf.rotary(q), shared(tf.rotary(k)), shared(v), bias); // (B, H, T, hs)
    x = tf.add(x, linear(y.transpose([0, 2, 1, 3]).reshape([B * T, d]), p[`${layer}.output`]!));
    x = feedForward(p, layer, x);
  }
  return tf.matMul(tf.rmsNorm(x, p['norm'] as tf.Tensor1D), p['embedding'] as tf.Tensor2D, false, true);
}

/** (1, 1, T, T): 1 where the column is not later than the row. */
function causal(T: number): tf.Tensor4D {
  const mask = new Float32Array(T * T);
  for (let row = 0; row < T; row++) mask.fill(1, row * T, row * T + row + 1);
  return tf.tensor4d(mask, [1, 1, T, T]);
}

const scalar = { type: 'float32', shape: [] } as const;

/** Inputs that say what a row holds: `targets[i]` is what position i has to predict. */
function rows(shape: PolicyShape): Specs {
  const N = shape.batch * shape.context;
  return {
    ...positionInputs(shape, N),
    targets: { type: 'int32', shape: [N] },
    segments: { type: 'int32', shape: [N] },
  };
}

/**
 * One update, for pretraining and rounds alike:
 *
 *     loss = sum( likelihood * nll
 *               - min(ratio * credit, clip(ratio, clipLow, clipHigh) * credit) )
 *
 * with ratio = exp(logp - oldLogProbs), the second line once for the tokens that were written and once for the alternatives to them;
 * every weight is per position and already divided by what it is a mean over.
 * The corpus rows keep the policy near where it was. `anchored`: besides, at every position of weight `sampled`, klWeight times the divergence from the policy `reference` less
 * entropyWeight times the entropy, both exact over all tokens: the usual estimator of the divergence, exp(ref - logp) on sampled tokens, explodes exactly on the tokens that are to
 * become unlikely (docs/decisions/0003, 0013).
 * Sources: Schulman et al., "PPO" (2017), eq. 7 and 9; Shao et al., "DeepSeekMath" (2024), eq. 3, whose divergence is the one the other way round.
 */
export function trainStep(shape: PolicyShape, { anchored = false } = {}): { step: Step; spec: StepSpec } {
  const layout = policyLayout(shape);
  const N = shape.batch * shape.context;
  const flat = { type: 'float32', shape: [layout.size] } as const;
  const perToken = { type: 'float32', shape: [N] } as const;
  const perAlternative = { type: 'float32', shape: [N, ALTERNATIVES] } as const;
  const mask = layout.decayMask();
  return {
    spec: {
      variables: { weights: flat, first: flat, second: flat, average: flat, ...(anchored ? { reference: flat } : {}) },
      inputs: {
        ...rows(shape),
        ...(anchored ? { sampled: perToken, klWeight: scalar, entropyWeight: scalar } : {}),
        likelihood: perToken, credit: perToken, oldLogProbs: perToken,
        alternatives: { type: 'int32', shape: [N, ALTERNATIVES] }, alternativeCredit: perAlternative, alternativeLogProbs: perAlternative,
        clipLow: scalar, clipHigh: scalar, learningRate: scalar, firstCorrection: scalar, secondCorrection: scalar, averageDecay: scalar,
      },
    },
    step(variables, inputs) {
      const { value, gradient, metrics } = layout.valueAndGradient(variables['weights'] as tf.Tensor1D, (p) => {
        const logits = rowLogits(shape, p, inputs);
        const targets = tf.concat2d([inputs['targets']!.reshape([N, 1]) as tf.Tensor2D, inputs['alternatives'] as tf.Tensor2D], 1);
        const [own, otherNll] = tf.split(tf.softmaxCrossEntropy(logits, targets), [1, ALTERNATIVES], 1) as [tf.Tensor2D, tf.Tensor2D];
        const nll = own.reshape([N]);
        const surrogate = (negLogProbs: tf.Tensor, credit: tf.Tensor, oldLogProbs: tf.Tensor): { total: tf.Tensor; clipped: tf.Tensor } => {
          const ratio = tf.exp(tf.sub(tf.neg(negLogProbs), oldLogProbs));
          const plain = tf.mul(ratio, credit);
          const bounded = tf.mul(tf.minimum(tf.maximum(ratio, inputs['clipLow']!), inputs['clipHigh']!), credit);
          return { total: tf.sum(tf.minimum(plain, bounded)), clipped: tf.sum(tf.less(bounded, plain).toFloat()) };
        };
        const written = surrogate(nll, inputs['credit']!, inputs['oldLogProbs']!);
        const other = surrogate(otherNll, inputs['alternativeCredit']!, inputs['alternativeLogProbs']!);
        const clipped = tf.add(written.clipped, other.clipped);
        const likelihoodLoss = tf.sum(tf.mul(inputs['likelihood']!, nll));
        let loss = tf.sub(likelihoodLoss, tf.add(written.total, other.total)) as tf.Scalar;
        if (anchored) {
          const reference = rowLogits(shape, layout.unflatten(variables['reference'] as tf.Tensor1D), inputs);
          const anchor = tf.sub(tf.mul(tf.klDivergence(logits, reference), inputs['klWeight']!), tf.mul(tf.entropy(logits), inputs['entropyWeight']!));
          loss = tf.add(loss, tf.sum(tf.mul(anchor, inputs['sampled']!))) as tf.Scalar;
        }
        return { loss, metrics: { likelihoodLoss, clipped } };
      });
      const { state, gradNorm } = adamW(variables, gradient, mask, inputs);
      const average = movingAverage(variables['average']!, state.weights, inputs['averageDecay']!);
      return { updates: { ...state, average }, outputs: { loss: value, gradNorm, ...metrics } };
    },
  };
}

/** Log-probability (N, nats) of each position's target. */
export function scoreStep(shape: PolicyShape): { step: Step; spec: StepSpec } {
  const layout = policyLayout(shape);
  return {
    spec: { variables: { weights: { type: 'float32', shape: [layout.size] } }, inputs: rows(shape) },
    step(variables, inputs) {
      const logits = rowLogits(shape, layout.unflatten(variables['weights'] as tf.Tensor1D), inputs);
      return { updates: {}, outputs: { logProbs: tf.neg(tf.softmaxCrossEntropy(logits, inputs['targets'] as tf.Tensor1D)) } };
    },
  };
}

/** Next-token probabilities (N, V) of each position. */
export function distributionStep(shape: PolicyShape): { step: Step; spec: StepSpec } {
  const layout = policyLayout(shape);
  const { targets: _targets, ...inputs } = rows(shape);
  return {
    spec: { variables: { weights: { type: 'float32', shape: [layout.size] } }, inputs },
    step(variables, inputs) {
      const logits = rowLogits(shape, layout.unflatten(variables['weights'] as tf.Tensor1D), inputs);
      return { updates: {}, outputs: { probabilities: tf.softmax(logits) } };
    },
  };
}

/** Key and value caches of `slots` rows: `keys.l` and `values.l` (slots, K, T, hs) of each layer l. */
export function cacheSpecs({ layers, kvHeads, width, heads, context }: PolicyShape, slots: number): Specs {
  const cache = { type: 'float32', shape: [slots, kvHeads, context, width / heads] } as const;
  return Object.fromEntries(Array.from({ length: layers }, (_, layer) => [[`keys.${layer}`, cache], [`values.${layer}`, cache]]).flat() as [string, typeof cache][]);
}

/**
 * One position of `slots` rows over their caches: ids (and what the policy is told with them) and positions (slots) in, the next token's logits and, at the given
 * temperature, probabilities (slots, V) out. Caches are variables (`cacheSpecs`), updated in place.
 *
 * With `draws` the next tokens are drawn here, by `uniforms` (slots) in [0, 1): out come `tokens` and, at temperature 1, their
 * `logProbs` (slots), and nothing as long as the vocabulary leaves a device.
 *
 * With `vectors` a slot whose `given` (slots) is 1 takes its row of `vectors` (slots, d) for its token's embedding; elsewhere both are 0.
 */
export function decodeStep(shape: PolicyShape, slots: number, { draws = false, vectors = false } = {}): { step: Step; spec: StepSpec } {
  const { layers, width: d, heads: H } = shape;
  const layout = policyLayout(shape);
  return {
    spec: {
      variables: { weights: { type: 'float32', shape: [layout.size] }, ...cacheSpecs(shape, slots) },
      inputs: {
        ...positionInputs(shape, slots), positions: { type: 'int32', shape: [slots] }, inverseTemperature: scalar,
        ...(draws ? { uniforms: { type: 'float32', shape: [slots] } } : {}),
        ...(vectors ? { vectors: { type: 'float32', shape: [slots, d] }, given: { type: 'float32', shape: [slots, 1] } } : {}),
      },
    },
    step(variables, inputs) {
      const p = layout.unflatten(variables['weights'] as tf.Tensor1D);
      const updates: Tensors = {};
      let x = positionVectors(shape, p, inputs); // (slots, d)
      if (vectors) x = tf.add(tf.mul(x, tf.sub(1, inputs['given']!)), inputs['vectors']!) as tf.Tensor2D;
      for (let layer = 0; layer < layers; layer++) {
        const h = tf.rmsNorm(x, p[`${layer}.attentionNorm`] as tf.Tensor1D);
        // One product: where weights are built in they are joined once and for all.
        const joined = tf.concat2d(['query', 'key', 'value'].map((name) => p[`${layer}.${name}`] as tf.Tensor2D), 1);
        const { output, keys, values } = tf.cachedAttention(linear(h, joined), H, variables[`keys.${layer}`] as tf.Tensor4D, variables[`values.${layer}`] as tf.Tensor4D, inputs['positions'] as tf.Tensor1D);
        updates[`keys.${layer}`] = keys;
        updates[`values.${layer}`] = values;
        x = tf.add(x, linear(output, p[`${layer}.output`]!));
        x = feedForward(p, layer, x);
      }
      const logits = tf.matMul(tf.rmsNorm(x, p['norm'] as tf.Tensor1D), p['embedding'] as tf.Tensor2D, false, true);
      const probabilities = tf.softmax(tf.mul(logits, inputs['inverseTemperature']!));
      if (!draws) return { updates, outputs: { logits, probabilities } };
      // Inverse CDF: as many tokens come before the drawn one as have a cumulative probability of at most the uniform number.
      const before = tf.sum(tf.lessEqual(tf.cumsum(probabilities, 1), inputs['uniforms']!.reshape([slots, 1])).toFloat(), 1);
      const tokens = tf.minimum(before, shape.vocabulary - 1).toInt() as tf.Tensor1D; // rounding may leave the sum just below
      return { updates, outputs: { tokens, logProbs: tf.neg(tf.softmaxCrossEntropy(logits as tf.Tensor2D, tokens)) } };
    },
  };
}
