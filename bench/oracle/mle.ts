/**
 * The generator by maximum likelihood: the published recipe, and what one would honestly take as its best, the weights at which held-out
 * sequences are likeliest. Kept on the way: the live weights and their exponential average, whichever is better on validation.
 *
 * Source of the recipe: Yu et al., "SeqGAN" (2017), and their code: embedding and state 32, batch 64, Adam at 1e-2, 120 epochs.
 */
import { RecurrentSampler, RecurrentScorer, RecurrentTrainer } from '../../src/models/recurrent-host.ts';
import { recurrentLayout, type RecurrentShape } from '../../src/models/recurrent.ts';
import { RandomStream } from '../../src/random/philox.ts';
import { mean } from '../../src/metrics/index.ts';
import type { Say } from '../figures.ts';
import type { Benchmark } from './generator.ts';

export interface MleRecipe {
  /** Width of embedding and state. */
  readonly hidden: number;
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  /** Weight decay, as optimizer.ts has it, on matrices. */
  readonly decay: boolean;
  /** Of the average of the weights, an update; 0 for none. */
  readonly averageDecay: number;
  /** Epochs between two measurements of NLL-oracle. */
  readonly every: number;
}

export interface MleEpoch {
  readonly epoch: number;
  /** Mean NLL over the epoch's batches, and NLL of the validation sequences, nats a token. */
  readonly train: number;
  readonly validation: number;
  readonly averageValidation: number;
  /** NLL-oracle of the live weights where it was measured. */
  readonly oracle: number | null;
}

export interface MleResult {
  readonly shape: RecurrentShape;
  readonly epochs: readonly MleEpoch[];
  /** Weights at the lowest validation NLL, live or averaged. */
  readonly best: { readonly weights: Float32Array; readonly epoch: number; readonly validation: number; readonly averaged: boolean };
}

export async function trainMle(bench: Benchmark, recipe: MleRecipe, seed: number, say: Say): Promise<MleResult> {
  const { engine, train, validation, sizes } = bench;
  const shape: RecurrentShape = { ...bench.shape, embedding: recipe.hidden, hidden: recipe.hidden };
  const trainer = await RecurrentTrainer.create(engine, shape, recurrentLayout(shape).initialise(seed), { rows: recipe.batch, decay: recipe.decay });
  const scorers = { live: await RecurrentScorer.create(engine, shape, trainer.weights), averaged: await RecurrentScorer.create(engine, shape, trainer.average) };
  const epochs: MleEpoch[] = [];
  let best: MleResult['best'] | null = null;
  const steps = Math.floor(sizes.train / recipe.batch);
  for (let epoch = 1; epoch <= recipe.epochs; epoch++) {
    const order = new RandomStream(seed, 'mle', epoch).permutation(sizes.train);
    let loss = 0;
    for (let s = 0; s < steps; s++) loss += await trainer.update(train, order.subarray(s * recipe.batch, (s + 1) * recipe.batch), recipe);
    const live = mean([...(await scorers.live.score(validation))]);
    const averaged = recipe.averageDecay === 0 ? live : mean([...(await scorers.averaged.score(validation))]);
    const lower = Math.min(live, averaged);
    if (!best || lower < best.validation) best = { weights: (averaged < live ? trainer.average : trainer.weights).slice(), epoch, validation: lower, averaged: averaged < live };
    const measured = epoch % recipe.every === 0 || epoch === recipe.epochs;
    epochs.push({ epoch, train: loss / steps, validation: live, averageValidation: averaged, oracle: measured ? await oracleNll(bench, shape, trainer.weights, seed) : null });
    const { oracle, train: seen } = epochs.at(-1)!;
    const average = recipe.averageDecay === 0 ? '' : `, averaged weights ${averaged.toFixed(3)}`;
    say(`seed ${seed}: epoch ${epoch}/${recipe.epochs}, train ${seen.toFixed(3)}, validation ${live.toFixed(3)}${average}${oracle === null ? '' : `, NLL-oracle ${oracle.toFixed(3)}`}`);
  }
  scorers.live.release();
  scorers.averaged.release();
  trainer.release();
  if (!best) throw new RangeError('Training by likelihood needs at least one epoch.');
  return { shape, epochs, best };
}

/** NLL-oracle of fresh samples at temperature 1. */
export async function oracleNll(bench: Benchmark, shape: RecurrentShape, weights: Float32Array, seed: number): Promise<number> {
  const sampler = await RecurrentSampler.create(bench.engine, shape, weights);
  const nll = await bench.oracleNll(await sampler.sample(bench.sizes.samples, new RandomStream(seed, 'epoch samples')));
  sampler.release();
  return nll;
}
