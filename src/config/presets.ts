/**
 * Named starting points, each as its differences from the schema's defaults. `laptop` is the defaults themselves: at most ten
 * minutes on two cores. And what a learner wants otherwise.
 */
import type { ConfigInput, LearnerName } from './schema.ts';

export const presetNames = ['laptop', 'small', 'smoke'] as const;
export type PresetName = (typeof presetNames)[number];

export interface Preset {
  /** One line for `--help`. */
  readonly summary: string;
  readonly config: ConfigInput;
}

export const presets: Readonly<Record<PresetName, Preset>> = {
  laptop: { summary: 'the default: at most 10 minutes on 2 cores', config: {} },
  small: {
    summary: 'half the model, a quarter of the work: about 3 minutes on 2 cores',
    config: {
      budget: { rounds: 6, minutes: 5 },
      model: { layers: 2, heads: 3, kvHeads: 3, width: 96, hidden: 256, context: 160, batch: 16 },
      pretraining: { steps: 1000, warmupSteps: 60, saveEvery: 200 },
      sampling: { unconditional: 640, prompted: 192, maxTokens: 150 },
      refinement: { parents: 32 },
      measuring: { unconditional: 256, prompted: 128, gate: 192, documents: 128 },
    },
  },
  smoke: {
    summary: 'every part once, in under a minute; too small to learn much',
    config: {
      budget: { rounds: 2, minutes: 5 },
      model: { layers: 1, heads: 2, kvHeads: 2, width: 32, hidden: 88, vocabulary: 512, context: 96, batch: 4 },
      pretraining: { steps: 250, learningRate: 6e-3, warmupSteps: 20, saveEvery: 100 },
      sampling: { unconditional: 48, prompted: 16, maxTokens: 80 },
      refinement: { parents: 24, attempts: 2 },
      learning: { warmupSteps: 2, averageDecay: 0.9, bufferSize: 96, discriminatorSteps: 4 },
      measuring: { unconditional: 32, prompted: 32, gate: 32, documents: 16 },
    },
  },
};

/** What learners do not share with the default one: over a preset, below all that a user says. */
export const recipes: Readonly<Partial<Record<LearnerName, ConfigInput>>> = {
  // All that it learns from are repairs: with a quarter of them, and two passes, it does not come off the ground (docs/learners.md).
  repair: { refinement: { parents: 256 }, learning: { passes: 4 } },
};
