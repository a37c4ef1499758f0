/**
 * The generator of a text GAN with a latent vector: z, independent standard normal numbers, becomes P vectors of the policy's width through one hidden
 * layer, and the policy goes on from them as it would from P tokens before the end-of-text token that every sequence begins after (a soft
 * prefix: Li, Liang, "Prefix-Tuning" (2021), with the prefix at the input alone, as in Lester et al. (2021)). The policy's weights are shared with
 * every other use of it. The steps here: prefixes of z, and one update against a sequence discriminator.
 *
 * How gradients get through sampled tokens: generated sequences are drawn token by token elsewhere (latent-host.ts); here they are run through once
 * more side by side, each position after the tokens that were drawn before it, and each token handed to the discriminator as a one-hot row with the
 * gradient of its Gumbel-softmax relaxation (engine/ops/gumbel.ts). A token so learns what it does to the discriminator's answer, not what it
 * does to the tokens drawn after it.
 *
 * B rows of T positions in an update: half are generated, a quarter are corpus documents after a prefix, a quarter packed corpus documents without one,
 * both anchors with a likelihood. P positions of prefix, L = T - P of tokens; Z numbers of z; d width, V vocabulary.
 */
import * as tf from '../engine/ops/index.ts';
import type { LatentConfig } from '../contracts/model.ts';
import type { Step, StepSpec, Tensors } from '../engine/compile.ts';
import { generatorLoss } from './adversarial.ts';
import { chain, chainLayout } from './chain.ts';
import { adamW, ADVERSARIAL_BETAS, movingAverage } from './optimizer.ts';
import { Layout } from './parameters.ts';
import { policyLayout, policyLogits, positionInputs, positionVectors, type PolicyShape } from './policy.ts';
import { relaxedSequenceLogits, sequenceDiscriminatorLayout, type SequenceShape } from './sequence-discriminator.ts';

const HIDDEN = 128;
/** About what embeddings start with (policy.ts). */
const PREFIX_STD = 0.02;

export function prefixLayout(shape: PolicyShape, { noise, prefix }: LatentConfig): Layout {
  return chainLayout([noise, HIDDEN, prefix * shape.width], PREFIX_STD);
}

/** What the discriminator sees of a row: its tokens without the prefix. */
export function sequenceShape(shape: PolicyShape, { prefix }: LatentConfig): SequenceShape {
  if (prefix < 1 || prefix > shape.context - 8) throw new RangeError(`A prefix of ${prefix} vectors does not leave 8 of ${shape.context} positions to tokens.`);
  return { vocabulary: shape.vocabulary, length: shape.context - prefix };
}

/** Rows of an update's batch by what they hold: sequences generated after a prefix, documents after a prefix, packed documents without one. */
export interface RowCounts {
  readonly generated: number;
  readonly prefixed: number;
  readonly plain: number;
}

export function rowCounts({ batch }: PolicyShape): RowCounts {
  if (batch < 4) throw new RangeError(`A batch of ${batch} rows does not hold generated sequences beside documents with and without a prefix: it takes 4.`);
  const generated = Math.floor(batch / 2);
  const prefixed = Math.floor((batch - generated) / 2);
  return { generated, prefixed, plain: batch - generated - prefixed };
}

/** Prefixes (rows, P * d) of z (rows, Z). */
export function prefixStep(shape: PolicyShape, latent: LatentConfig, rows: number): { step: Step; spec: StepSpec } {
  const layout = prefixLayout(shape, latent);
  return {
    spec: { variables: { latent: { type: 'float32', shape: [layout.size] } }, inputs: { z: { type: 'float32', shape: [rows, latent.noise] } } },
    step: (variables, { z }) => ({ updates: {}, outputs: { prefixes: chain(layout.unflatten(variables['latent'] as tf.Tensor1D), z as tf.Tensor2D, 0) } }),
  };
}

const scalar = { type: 'float32', shape: [] } as const;

/**
 * One update of the prefix's layers and the policy:
 *
 *     loss = adversarialWeight * L_G(D(generated rows)) + corpusWeight * sum(likelihood * nll) of the documents
 *
 * with the adversarial gradient multiplied by `policyFactor` before it reaches the policy. Of rows with a prefix ids and targets are those of the L
 * positions behind it, the end-of-text token first; `present` (G * L, 1) is 1 up to a generated sequence's end, `exponentials` (G * L, V) are
 * standard exponential numbers. `discriminator` stays as it is. Out come both losses before the update, the mean log-odds of the generated rows, the
 * gradients' norms, and the likelihood's share by kind of row.
 */
export function latentTrainStep(shape: PolicyShape, latent: LatentConfig): { step: Step; spec: StepSpec } {
  const { context: T, width: d, vocabulary: V } = shape;
  const { noise: Z, prefix: P, objective } = latent;
  const { generated: G, prefixed: A, plain: C } = rowCounts(shape);
  const sequences = sequenceShape(shape, latent);
  const L = sequences.length;
  const [policy, prefix, discriminator] = [policyLayout(shape), prefixLayout(shape, latent), sequenceDiscriminatorLayout(sequences)];
  const joint = new Layout([...policy.parameters, ...prefix.parameters]);
  const flat = (layout: Layout) => ({ type: 'float32', shape: [layout.size] }) as const;
  const int32 = (...shape: number[]) => ({ type: 'int32', shape }) as const;
  const float32 = (...shape: number[]) => ({ type: 'float32', shape }) as const;
  const [policyMask, prefixMask] = [policy.decayMask(), prefix.decayMask()];

  /** Rows (rows, T * d) of prefixes (rows, P * d) and the vectors of a group's positions (rows * L). */
  const behind = (p: Tensors, z: tf.Tensor, inputs: Tensors, group: string, rows: number): tf.Tensor2D =>
    tf.concat2d([chain(p, z as tf.Tensor2D, 0), positionVectors(shape, p, inputs, group).reshape([rows, L * d]) as tf.Tensor2D], 1);
  const logitsOf = (p: Tensors, rows: tf.Tensor2D, segments: tf.Tensor): tf.Tensor2D =>
    policyLogits({ ...shape, batch: rows.shape[0] }, p, rows.reshape([rows.shape[0] * T, d]) as tf.Tensor2D, segments as tf.Tensor1D);
  /** Of logits (rows * T, V) those of the positions behind the prefix, (rows * L, V). */
  const withoutPrefix = (logits: tf.Tensor2D): tf.Tensor2D => {
    const rows = logits.shape[0] / T;
    return tf.split(logits.reshape([rows, T * V]), [P * V, L * V], 1)[1]!.reshape([rows * L, V]) as tf.Tensor2D;
  };

  return {
    spec: {
      variables: {
        weights: flat(policy), first: flat(policy), second: flat(policy), average: flat(policy),
        latent: flat(prefix), latentFirst: flat(prefix), latentSecond: flat(prefix), latentAverage: flat(prefix),
        discriminator: flat(discriminator),
      },
      inputs: {
        z: float32(G, Z), ...positionInputs(shape, G * L), targets: int32(G * L), present: float32(G * L, 1), exponentials: float32(G * L, V),
        prefixedZ: float32(A, Z), ...positionInputs(shape, A * L, 'prefixed'), prefixedTargets: int32(A * L), prefixedLikelihood: float32(A * L),
        ...positionInputs(shape, C * T, 'plain'), plainTargets: int32(C * T), plainSegments: int32(C * T), plainLikelihood: float32(C * T),
        temperature: scalar, adversarialWeight: scalar, policyFactor: scalar, corpusWeight: scalar, averageDecay: scalar,
        learningRate: scalar, firstCorrection: scalar, secondCorrection: scalar,
        latentLearningRate: scalar, latentFirstCorrection: scalar, latentSecondCorrection: scalar,
      },
    },
    step(variables, inputs) {
      const critic = discriminator.unflatten(variables['discriminator'] as tf.Tensor1D);
      const { gradient, metrics } = joint.valueAndGradient(tf.concat1d([variables['weights'] as tf.Tensor1D, variables['latent'] as tf.Tensor1D]), (p) => {
        const shared = { ...p, ...Object.fromEntries(policy.parameters.map(({ name }) => [name, tf.scaledGradient(p[name]!, inputs['policyFactor']!)])) };
        const generated = withoutPrefix(logitsOf(shared, behind(shared, inputs['z']!, inputs, '', G), tf.zeros([G * T])));
        const tokens = tf.straightThrough(generated, inputs['targets'] as tf.Tensor1D, inputs['exponentials'] as tf.Tensor2D, inputs['temperature']!);
        const odds = relaxedSequenceLogits(sequences, critic, tokens, inputs['present'] as tf.Tensor2D);
        const adversarial = generatorLoss(objective, odds);

        const rows = tf.concat2d([
          behind(p, inputs['prefixedZ']!, inputs, 'prefixed', A),
          positionVectors(shape, p, inputs, 'plain').reshape([C, T * d]) as tf.Tensor2D,
        ], 0);
        const [prefixed, plain] = tf.split(logitsOf(p, rows, tf.concat1d([tf.zeros([A * T]), inputs['plainSegments']!.toFloat() as tf.Tensor1D])), [A * T, C * T], 0) as [tf.Tensor2D, tf.Tensor2D];
        const nll = (logits: tf.Tensor2D, name: string): tf.Tensor =>
          tf.sum(tf.mul(inputs[`${name}Likelihood`]!, tf.softmaxCrossEntropy(logits, inputs[`${name}Targets`] as tf.Tensor1D)));
        const [prefixedLoss, plainLoss] = [nll(withoutPrefix(prefixed), 'prefixed'), nll(plain, 'plain')];
        const loss = tf.add(tf.mul(inputs['adversarialWeight']!, adversarial), tf.mul(inputs['corpusWeight']!, tf.add(prefixedLoss, plainLoss))) as tf.Scalar;
        return { loss, metrics: { generatorLoss: adversarial, prefixedLoss, plainLoss } };
      });
      const [toPolicy, toPrefix] = tf.split(gradient, [policy.size, prefix.size]) as [tf.Tensor1D, tf.Tensor1D];
      const own = adamW(variables, toPolicy, policyMask, inputs);
      const { latent: weights, latentFirst: first, latentSecond: second } = variables as Record<'latent' | 'latentFirst' | 'latentSecond', tf.Tensor>;
      const { latentLearningRate: learningRate, latentFirstCorrection: firstCorrection, latentSecondCorrection: secondCorrection } = inputs as Record<'latentLearningRate' | 'latentFirstCorrection' | 'latentSecondCorrection', tf.Tensor>;
      const mapped = adamW({ weights, first, second }, toPrefix, prefixMask, { learningRate, firstCorrection, secondCorrection }, ADVERSARIAL_BETAS);
      return {
        updates: {
          ...own.state, average: movingAverage(variables['average']!, own.state.weights, inputs['averageDecay']!),
          latent: mapped.state.weights, latentFirst: mapped.state.first, latentSecond: mapped.state.second,
          latentAverage: movingAverage(variables['latentAverage']!, mapped.state.weights, inputs['averageDecay']!),
        },
        outputs: { ...metrics, gradNorm: own.gradNorm, latentGradNorm: mapped.gradNorm },
      };
    },
  };
}
