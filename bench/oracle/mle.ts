/**
 * The generator by maximum likelihood: the published recipe, and what one would honestly take as its best, the weights at which held-out
 * sequences are likeliest. Kept on the way: the live weights and their exponential average, whichever is better on validation.
 *
 * Source of the recipe: Yu et al., "SeqGAN" (2017), and their code: embedding and state 32, batch 64, Adam at 1e-2, 120 epochs.
 */
import { countedTokens, RecurrentScorer, RecurrentTrainer } from '../../src/models/recurrent-host.ts';
import { recurrentLayout, type RecurrentShape } from '../../src/models/recurrent.ts';
import { RandomStream } from '../../src/random/philox.ts';
import type { Say } from '../figures.ts';
import { meanNll, type Course } from './generator.ts';

export interface MleRecipe {
  /** Width of embedding and state. */
  readonly hidden: number;
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  /** Weight decay, as optimizer.ts has it, on matrices. */
  readonly decay: boolean;
  /** As recurrent-host.ts has it; none if it is left out. */
  readonly dropout?: number;
  /** Of the average of the weights, an update; 0 for none. */
  readonly averageDecay: number;
  /** Epochs between two measurements of NLL-oracle, where there is an oracle. */
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
  /** Live weights after the last epoch. */
  readonly last: Float32Array;
}

/** Lengths that hold half and four fifths of the sequences' counted tokens: most updates need not be as long as the longest one. */
function shorterLengths(shape: RecurrentShape, ids: Int32Array): number[] {
  if (shape.end === undefined) return [];
  const lengths = Array.from({ length: ids.length / shape.length }, (_, s) => countedTokens(shape, ids, s)).toSorted((a, b) => a - b);
  return [...new Set([0.5, 0.8].map((share) => lengths[Math.floor(share * lengths.length)]!))].filter((length) => length < shape.length);
}

/** An epoch's batches of sequences, by index, in random order; where sequences have lengths of their own, those of a batch are alike. */
function batches(shape: RecurrentShape, ids: Int32Array, size: number, seed: number, epoch: number): Uint32Array[] {
  const order = new RandomStream(seed, 'mle', epoch).permutation(ids.length / shape.length);
  const steps = Math.floor(order.length / size);
  if (shape.end === undefined) return Array.from({ length: steps }, (_, s) => order.subarray(s * size, (s + 1) * size));
  const lengths = order.map((s) => countedTokens(shape, ids, s));
  // The last few of the order sit this epoch out, whatever their lengths are.
  const sorted = Uint32Array.from(Array.from({ length: steps * size }, (_, i) => i).toSorted((a, b) => lengths[a]! - lengths[b]!), (i) => order[i]!);
  return Array.from(new RandomStream(seed, 'mle batches', epoch).permutation(steps), (s) => sorted.subarray(s * size, (s + 1) * size));
}

export async function trainMle(course: Course, recipe: MleRecipe, seed: number, say: Say): Promise<MleResult> {
  const { engine, train, validation } = course;
  const shape: RecurrentShape = { ...course.shape, embedding: recipe.hidden, hidden: recipe.hidden };
  const options = { rows: recipe.batch, decay: recipe.decay, dropout: recipe.dropout ?? 0, seed, shorter: shorterLengths(shape, train) };
  const trainer = await RecurrentTrainer.create(engine, shape, recurrentLayout(shape).initialise(seed), options);
  const scorers = { live: await RecurrentScorer.create(engine, shape, trainer.weights), averaged: await RecurrentScorer.create(engine, shape, trainer.average) };
  const epochs: MleEpoch[] = [];
  let best: MleResult['best'] | null = null;
  for (let epoch = 1; epoch <= recipe.epochs; epoch++) {
    const order = batches(shape, train, recipe.batch, seed, epoch);
    let loss = 0;
    for (const picked of order) loss += await trainer.update(train, picked, recipe);
    const live = await meanNll(scorers.live, shape, validation);
    const averaged = recipe.averageDecay === 0 ? live : await meanNll(scorers.averaged, shape, validation);
    const lower = Math.min(live, averaged);
    if (!best || lower < best.validation) best = { weights: (averaged < live ? trainer.average : trainer.weights).slice(), epoch, validation: lower, averaged: averaged < live };
    const measured = epoch % recipe.every === 0 || epoch === recipe.epochs;
    const oracle = (measured ? await course.oracleOf?.(shape, trainer.weights, seed) : null) ?? null;
    epochs.push({ epoch, train: loss / order.length, validation: live, averageValidation: averaged, oracle });
    const average = recipe.averageDecay === 0 ? '' : `, averaged weights ${averaged.toFixed(3)}`;
    say(`seed ${seed}: epoch ${epoch}/${recipe.epochs}, train ${(loss / order.length).toFixed(3)}, validation ${live.toFixed(3)}${average}${oracle === null ? '' : `, NLL-oracle ${oracle.toFixed(3)}`}`);
  }
  const last = trainer.weights.slice();
  scorers.live.release();
  scorers.averaged.release();
  trainer.release();
  if (!best) throw new RangeError('Training by likelihood needs at least one epoch.');
  return { shape, epochs, best, last };
}
