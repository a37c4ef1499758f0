/**
 * SeqGAN: the generator is a policy, the discriminator's answer to a finished sequence its reward, and an unfinished one is worth what
 * completions of it are worth on average. From the early-stopped likelihood generator; the oracle is asked for nothing here but
 * the figures beside each iteration.
 *
 * As in the paper: rewards by Monte Carlo rollouts, the discriminator's updates on fresh samples, then one of the generator. Not as
 * in the paper: the smaller discriminator (discriminator.ts) with fewer updates, rollouts by the live policy instead of a delayed copy, a
 * lower rate, rewards less their batch mean at each position, and updates by likelihood between (the "teacher forcing" of Li et al. 2017).
 *
 * Source: Yu et al., "SeqGAN" (2017), eq. 4, algorithm 1.
 */
import { countedTokens, RecurrentSampler, RecurrentScorer, RecurrentTrainer } from '../../src/models/recurrent-host.ts';
import type { RecurrentShape } from '../../src/models/recurrent.ts';
import { RandomStream } from '../../src/random/philox.ts';
import { mean } from '../../src/metrics/index.ts';
import type { Say } from '../figures.ts';
import { Discriminator, tokenVectors } from './discriminator.ts';
import { meanNll, type Course } from './generator.ts';

export interface SeqganRecipe {
  readonly iterations: number;
  readonly batch: number;
  /** Completions of each beginning; 0 for no rewards and no discriminator: likelihood alone, what the rest is compared with. */
  readonly rollouts: number;
  readonly learningRate: number;
  /** Updates by likelihood after each by reward. */
  readonly likelihoodSteps: number;
  readonly discriminatorRate: number;
  /** Updates of the discriminator in the first iteration, before the generator's, and in each later one. */
  readonly discriminatorPretraining: number;
  readonly discriminatorSteps: number;
  /** Iterations between two measurements. */
  readonly every: number;
}

export interface SeqganIteration {
  readonly iteration: number;
  /** Mean probability that the discriminator gives the generator's sequences; 0 without one. */
  readonly reward: number;
  readonly discriminatorLoss: number;
  /** Null where there is no oracle. */
  readonly oracle: number | null;
  readonly validation: number;
}

export interface SeqganResult {
  readonly iterations: readonly SeqganIteration[];
  /** After the last iteration. */
  readonly weights: Float32Array;
}

/** Mean reward (rows * length) of each counted token: the discriminator's answer to `rollouts` completions of what it ends, the last one's to the sequence. */
async function rewardsOf(sampler: RecurrentSampler, discriminator: Discriminator, ids: Int32Array, length: number, counted: readonly number[], rollouts: number, random: RandomStream): Promise<Float32Array> {
  const rewards = new Float32Array(ids.length);
  await sampler.rollOut(ids, rollouts, random, async (kept, completed) => {
    const odds = await discriminator.score(completed);
    for (let row = 0; row < sampler.rows; row++) rewards[row * length + kept - 1]! += odds[row]! / rollouts;
  });
  const odds = await discriminator.score(ids);
  for (let row = 0; row < sampler.rows; row++) rewards[row * length + counted[row]! - 1] = odds[row]!;
  return rewards;
}

/** Takes the mean off each position's rewards (rows * length), in place, over the rows whose first `counted` tokens reach it: all of them unless it is given. */
export function withoutMeans(rewards: Float32Array, length: number, counted: readonly number[] = new Array<number>(rewards.length / length).fill(length)): void {
  for (let t = 0; t < length; t++) {
    const rows = [...counted.keys()].filter((row) => t < counted[row]!);
    const average = mean(rows.map((row) => rewards[row * length + t]!));
    for (const row of rows) rewards[row * length + t]! -= average;
  }
}

export async function trainSeqgan(course: Course, shape: RecurrentShape, start: Float32Array, recipe: SeqganRecipe, seed: number, say: Say): Promise<SeqganResult> {
  const { engine, train, validation } = course;
  const { batch } = recipe;
  const weights = start.slice();
  const trainer = await RecurrentTrainer.create(engine, shape, weights, { rows: batch });
  const scorer = await RecurrentScorer.create(engine, shape, weights);
  const vectors = tokenVectors(shape, start);
  const discriminator = await Discriminator.create(engine, { ...shape, embedding: vectors.width }, vectors.data, seed, batch);
  const rates = { learningRate: recipe.learningRate, averageDecay: 0 };
  const every = Int32Array.from({ length: batch }, (_, row) => row);

  /** Updates the discriminator on samples of which none is shown twice. */
  const discriminate = async (sampler: RecurrentSampler, steps: number, iteration: number): Promise<number> => {
    const fake = await sampler.sample((steps * batch) / 2, new RandomStream(seed, 'seqgan fake', iteration));
    return mean(await discriminator.learn(train, fake, steps, new RandomStream(seed, 'seqgan real', iteration), recipe.discriminatorRate));
  };

  /** One update by reward. Returns the mean reward of whole sequences. */
  const reinforce = async (sampler: RecurrentSampler, iteration: number): Promise<number> => {
    const ids = await sampler.sample(batch, new RandomStream(seed, 'seqgan', iteration));
    const counted = Array.from(every, (row) => countedTokens(shape, ids, row));
    const rewards = await rewardsOf(sampler, discriminator, ids, shape.length, counted, recipe.rollouts, new RandomStream(seed, 'seqgan rollouts', iteration));
    const reward = mean(counted.map((count, row) => rewards[row * shape.length + count - 1]!));
    withoutMeans(rewards, shape.length, counted);
    await trainer.update(ids, every, rates, (row, t) => rewards[row * shape.length + t]!);
    return reward;
  };

  const iterations: SeqganIteration[] = [];
  let [reward, discriminatorLoss] = [0, 0];
  for (let iteration = 1; iteration <= recipe.iterations; iteration++) {
    if (recipe.rollouts > 0) {
      const sampler = await RecurrentSampler.create(engine, shape, weights, batch);
      discriminatorLoss = await discriminate(sampler, iteration === 1 ? recipe.discriminatorPretraining : recipe.discriminatorSteps, iteration);
      reward = await reinforce(sampler, iteration);
      sampler.release();
    }
    const random = new RandomStream(seed, 'seqgan likelihood', iteration);
    for (let s = 0; s < recipe.likelihoodSteps; s++) await trainer.update(train, every.map((row) => random.integer(s * batch + row, train.length / shape.length)), rates);
    if (iteration % recipe.every !== 0 && iteration !== recipe.iterations) continue;
    const [oracle, held] = [(await course.oracleOf?.(shape, weights, seed)) ?? null, await meanNll(scorer, shape, validation)];
    iterations.push({ iteration, reward, discriminatorLoss, oracle, validation: held });
    say(`seed ${seed}: iteration ${iteration}/${recipe.iterations}, reward ${reward.toFixed(3)}, discriminator ${discriminatorLoss.toFixed(3)}${oracle === null ? '' : `, NLL-oracle ${oracle.toFixed(3)}`}, validation ${held.toFixed(3)}`);
  }
  scorer.release();
  trainer.release();
  discriminator.release();
  return { iterations, weights };
}
