/**
 * A GAN from noise: z becomes a prefix of the policy, and the policy behind it is trained through a discriminator over tokens that gradients
 * pass (straight-through Gumbel-softmax), the corpus beside it. The judge has no part in it: samples, verdicts and repairs of the round are
 * measured and not learned from. What is sampled and measured is the policy without a prefix, whose weights both share. Not here: the model
 * (src/models/latent.ts) and its losses (docs/decisions/0007-latent-gan.md).
 *
 * Sources: Goodfellow et al., "Generative Adversarial Nets" (2014), algorithm 1; Jang et al., "Categorical Reparameterization with Gumbel-Softmax" (2017).
 */
import type { UpdateReport } from '../../contracts/model.ts';
import { scheduleOf, type LearningMethod, type MethodDeps, type RoundOutcome } from './method.ts';

/** Learning rate of the prefix and of the discriminator: neither was pretrained. */
const FRESH_RATE = 1e-3;
/** Updates of the discriminator alone at the head of the first round. */
const WARM_UP_STEPS = 30;

export class LatentGan implements LearningMethod {
  constructor(private readonly deps: MethodDeps) {}

  /** Records `latent.updated`. */
  async teach({ round }: RoundOutcome): Promise<UpdateReport> {
    const { model, events, config } = this.deps;
    const { latent: { steps, temperature, adversarialWeight }, learning: { corpusWeight, averageDecay } } = config;
    const warmUpSteps = round === 1 ? WARM_UP_STEPS : 0;
    const { generatorLoss, discriminatorLoss, realKnown, generatedKnown, prefixedLoss: _prefixed, plainLoss: _plain, latentGradNorm: _norm, length, ...report } = await model.updateLatent({
      key: `round/${round}`, steps: steps + warmUpSteps, warmUpSteps, temperature, adversarialWeight, policyFactor: 1, corpusWeight,
      learningRate: scheduleOf(config, round).learningRate, latentLearningRate: FRESH_RATE, discriminatorLearningRate: FRESH_RATE, averageDecay,
    });
    events.record([{ key: `latent/${round}`, event: { type: 'latent.updated', data: { round, generatorLoss, discriminatorLoss, realKnown, generatedKnown, length } } }]);
    return report;
  }
}
