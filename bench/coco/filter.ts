/**
 * A generator's own samples, drawn again by what a discriminator makes of them: of every few samples one is kept, with a probability in
 * proportion to D / (1 - D), the ratio of the captions' density to the generator's if the discriminator is right. Importance resampling: the
 * generator is not trained, adversarially or otherwise, and a caption costs as many samples as there are in a group.
 *
 * Sources: Rubin, "The calculation of posterior distributions by data augmentation: comment" (1987); Azadi et al., "Discriminator rejection
 * sampling" (2019), for a GAN's discriminator; Chen et al., "Adding a filter based on the discriminator" (2020), for text.
 */
import { RecurrentSampler } from '../../src/models/recurrent-host.ts';
import type { RecurrentShape } from '../../src/models/recurrent.ts';
import { RandomStream } from '../../src/random/philox.ts';
import { mean } from '../../src/metrics/index.ts';
import type { Say } from '../figures.ts';
import { Discriminator, tokenVectors } from '../oracle/discriminator.ts';
import type { Course } from '../oracle/generator.ts';

export interface FilterRecipe {
  /** Samples of which one is kept. */
  readonly group: number;
  readonly batch: number;
  readonly discriminatorRate: number;
  readonly discriminatorSteps: number;
}

/** A discriminator of the training sequences and the generator's at temperature 1, none of which it sees twice. */
export async function trainDiscriminator(course: Course, shape: RecurrentShape, weights: Float32Array, recipe: FilterRecipe, seed: number, say: Say): Promise<Discriminator> {
  const { engine, train } = course;
  const { batch, discriminatorSteps: steps } = recipe;
  const sampler = await RecurrentSampler.create(engine, shape, weights);
  const fake = await sampler.sample((steps * batch) / 2, new RandomStream(seed, 'filter fake'));
  sampler.release();
  const vectors = tokenVectors(shape, weights);
  const discriminator = await Discriminator.create(engine, { ...shape, embedding: vectors.width }, vectors.data, seed, batch);
  const losses = await discriminator.learn(train, fake, steps, new RandomStream(seed, 'filter real'), recipe.discriminatorRate);
  const tail = losses.slice(-Math.ceil(steps / 4));
  say(`seed ${seed}: discriminator ${mean(tail).toFixed(3)} over its last ${tail.length} updates (0.693 is not telling them apart)`);
  return discriminator;
}

/** Of every `group` sequences the index of one, drawn in proportion to the odds p / (1 - p) of its probability p. */
export function pickByOdds(probabilities: ArrayLike<number>, group: number, uniform: (position: number) => number): number[] {
  return Array.from({ length: Math.floor(probabilities.length / group) }, (_, g) => {
    // A probability that is 1 in float32 would have infinite odds.
    const odds = Array.from({ length: group }, (__, i) => probabilities[g * group + i]! / Math.max(1e-6, 1 - probabilities[g * group + i]!));
    let left = uniform(g) * odds.reduce((a, b) => a + b, 0);
    let picked = 0;
    for (; picked < group - 1 && left >= odds[picked]!; picked++) left -= odds[picked]!;
    return g * group + picked;
  });
}

/** `count` sequences of the generator, filtered: the same again for the same random numbers. */
export async function sampleFiltered(sampler: RecurrentSampler, discriminator: Discriminator, length: number, count: number, { group }: FilterRecipe, seed: number, temperature: number): Promise<Int32Array> {
  const { rows } = discriminator;
  const all = Math.ceil((count * group) / rows) * rows;
  const ids = await sampler.sample(all, new RandomStream(seed, 'filtered'), temperature);
  const probabilities = new Float32Array(all);
  for (let from = 0; from < all; from += rows) probabilities.set(await discriminator.score(ids.subarray(from * length, (from + rows) * length)), from);
  const random = new RandomStream(seed, 'filter');
  const picked = pickByOdds(probabilities.subarray(0, count * group), group, (g) => random.uniform(g));
  const kept = new Int32Array(count * length);
  for (const [row, index] of picked.entries()) kept.set(ids.subarray(index * length, (index + 1) * length), row * length);
  return kept;
}
