/** The two sizes of the bench: one of some minutes a seed, and the published one. */
import type { MleRecipe } from '../oracle/mle.ts';
import type { SeqganRecipe } from '../oracle/seqgan.ts';
import type { FilterRecipe } from './filter.ts';

export interface Setting {
  readonly about: string;
  readonly seeds: number;
  /** Training captions that are held out to stop early by. */
  readonly validation: number;
  /** Captions of a generator that a point of its curve is taken over. */
  readonly samples: number;
  /** Likelihood as published, and as well as we can. */
  readonly published: MleRecipe;
  readonly mle: MleRecipe;
  readonly seqgan: SeqganRecipe;
  readonly filter: FilterRecipe;
}

/** Texygen's MLE but for the number of its epochs, 80: from the ninth on held-out captions become less likely. `every`: there is no oracle to ask. */
const PUBLISHED: MleRecipe = { hidden: 32, epochs: 10, batch: 64, learningRate: 1e-2, decay: false, averageDecay: 0, every: 10 };
const MLE: MleRecipe = { ...PUBLISHED, hidden: 128, epochs: 10, learningRate: 5e-3, decay: true, dropout: 0.3, averageDecay: 0.995 };
const SEQGAN: SeqganRecipe = {
  iterations: 200, batch: 64, rollouts: 16, learningRate: 2e-3, likelihoodSteps: 1,
  discriminatorRate: 1e-3, discriminatorPretraining: 200, discriminatorSteps: 5, every: 20,
};
const FILTER: FilterRecipe = { group: 4, batch: 64, discriminatorRate: 1e-3, discriminatorSteps: 600 };

export const SETTINGS = {
  small: {
    about: 'three seeds, 30 iterations with 2 rollouts, one of 2 samples kept, figures from 10,000 captions',
    seeds: 3,
    validation: 500,
    samples: 10_000,
    published: PUBLISHED,
    mle: MLE,
    seqgan: { ...SEQGAN, iterations: 30, rollouts: 2, every: 10 },
    filter: { ...FILTER, group: 2, discriminatorSteps: 300 },
  },
  full: {
    about: 'five seeds, 200 iterations with 16 rollouts, one of 4 samples kept, figures from 10,000 captions',
    seeds: 5,
    validation: 500,
    samples: 10_000,
    published: PUBLISHED,
    mle: { ...MLE, epochs: 16 },
    seqgan: SEQGAN,
    filter: FILTER,
  },
} as const satisfies Record<string, Setting>;
