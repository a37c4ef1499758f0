/** The methods by their names: the one place that knows all of them. */
import type { LearnerName } from '../../config/schema.ts';
import { ExpertIteration } from './expert-iteration.ts';
import { LatentGan } from './latent-gan.ts';
import type { LearningMethod, MethodDeps } from './method.ts';
import { PolicyGradient } from './policy-gradient.ts';
import { RepairPreference } from './repair.ts';
import { SeqGan } from './seqgan.ts';

const METHODS: Readonly<Record<LearnerName, new (deps: MethodDeps) => LearningMethod>> = {
  'policy-gradient': PolicyGradient,
  'expert-iteration': ExpertIteration,
  repair: RepairPreference,
  seqgan: SeqGan,
  'latent-gan': LatentGan,
};

/** The method that the settings name. */
export function methodOf(deps: MethodDeps): LearningMethod {
  return new METHODS[deps.config.learner](deps);
}
