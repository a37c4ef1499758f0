/**
 * A generative adversarial network over vectors, the smallest there is here: generator z -> 128 -> 256 -> 64 -> x and discriminator
 * x -> 64 -> 128 -> 1, rectified (the discriminator leakily), without batch normalisation, and the pure steps they are used through. Text does not
 * go through it (latent.ts does); it is the pair on which losses, signs and convergence are held to what is known.
 *
 * B rows, Z numbers of noise, X numbers of a sample, both 100.
 * Sources: Goodfellow et al. (2014), algorithm 1; Radford et al., "DCGAN" (2016), section 4 for Adam's rate and momentum, 3 for the leak.
 */
import type * as tf from '../engine/ops/index.ts';
import type { Step, StepSpec, Tensors } from '../engine/compile.ts';
import { discriminatorLoss, generatorLoss, type Objective } from './adversarial.ts';
import { chain, chainLayout } from './chain.ts';
import { adamW, ADVERSARIAL_BETAS } from './optimizer.ts';
import type { Layout } from './parameters.ts';

export const NOISE = 100;
export const SAMPLE = 100;
const GENERATOR = [NOISE, 128, 256, 64, SAMPLE];
const DISCRIMINATOR = [SAMPLE, 64, 128, 1];
const LEAK = 0.2;

export const generatorLayout = (): Layout => chainLayout(GENERATOR);
export const discriminatorLayout = (): Layout => chainLayout(DISCRIMINATOR);

/** G(z): (B, Z) -> (B, X). */
export const generated = (p: Tensors, z: tf.Tensor2D): tf.Tensor2D => chain(p, z, 0);
/** log D(x) / (1 - D(x)): (B, X) -> (B, 1). */
export const logits = (p: Tensors, x: tf.Tensor2D): tf.Tensor2D => chain(p, x, LEAK);

const scalar = { type: 'float32', shape: [] } as const;
const rates = { learningRate: scalar, firstCorrection: scalar, secondCorrection: scalar } as const;
const flat = (layout: Layout) => ({ type: 'float32', shape: [layout.size] }) as const;

/** Samples (B, X) of noise (B, Z). */
export function sampleStep(rows: number): { step: Step; spec: StepSpec } {
  const layout = generatorLayout();
  return {
    spec: { variables: { generator: flat(layout) }, inputs: { z: { type: 'float32', shape: [rows, NOISE] } } },
    step: (variables, { z }) => ({ updates: {}, outputs: { samples: generated(layout.unflatten(variables['generator'] as tf.Tensor1D), z as tf.Tensor2D) } }),
  };
}

/** One update of D on as many real samples as generated ones: L_D before it, nats. `generator` stays as it is. */
export function discriminatorStep(rows: number): { step: Step; spec: StepSpec } {
  const [layout, generator] = [discriminatorLayout(), generatorLayout()];
  const noDecay = new Float32Array(layout.size);
  return {
    spec: {
      variables: { weights: flat(layout), first: flat(layout), second: flat(layout), generator: flat(generator) },
      inputs: { real: { type: 'float32', shape: [rows, SAMPLE] }, z: { type: 'float32', shape: [rows, NOISE] }, ...rates },
    },
    step(variables, inputs) {
      const fake = generated(generator.unflatten(variables['generator'] as tf.Tensor1D), inputs['z'] as tf.Tensor2D);
      const { value, gradient } = layout.valueAndGradient(variables['weights'] as tf.Tensor1D, (p) => (
        { loss: discriminatorLoss(logits(p, inputs['real'] as tf.Tensor2D), logits(p, fake)), metrics: {} }));
      const { state } = adamW(variables, gradient, noDecay, inputs, ADVERSARIAL_BETAS);
      return { updates: { ...state }, outputs: { loss: value } };
    },
  };
}

/** One update of G: L_G before it, nats, and its gradient's norm. `discriminator` stays as it is. */
export function generatorStep(rows: number, objective: Objective): { step: Step; spec: StepSpec } {
  const [layout, discriminator] = [generatorLayout(), discriminatorLayout()];
  const noDecay = new Float32Array(layout.size);
  return {
    spec: {
      variables: { weights: flat(layout), first: flat(layout), second: flat(layout), discriminator: flat(discriminator) },
      inputs: { z: { type: 'float32', shape: [rows, NOISE] }, ...rates },
    },
    step(variables, inputs) {
      const d = discriminator.unflatten(variables['discriminator'] as tf.Tensor1D);
      const { value, gradient } = layout.valueAndGradient(variables['weights'] as tf.Tensor1D, (p) => (
        { loss: generatorLoss(objective, logits(d, generated(p, inputs['z'] as tf.Tensor2D))), metrics: {} }));
      const { state, gradNorm } = adamW(variables, gradient, noDecay, inputs, ADVERSARIAL_BETAS);
      return { updates: { ...state }, outputs: { loss: value, gradNorm } };
    },
  };
}
