/**
 * The learner: rewards what the round brought, retrains the discriminator on the valid samples, and has the policy taught by the method
 * that the settings name. Not here: rewards (reward.ts) and how the policy is taught (one file a method).
 */
import type { Judged, Learner, LearnReport } from '../../contracts/agents.ts';
import type { DiscriminatorInput, DiscriminatorReport, ModelHost } from '../../contracts/model.ts';
import type { Critique, Repair } from '../../contracts/records.ts';
import { auc, histogramOf, mean, vetoed } from '../../metrics/index.ts';
import { RandomStream } from '../../random/philox.ts';
import { during } from '../activity.ts';
import { judgedAhead } from '../ahead.ts';
import { rewardsOf } from '../reward.ts';
import { createdEvent, recordAll, recordedEvent, requestOf, sampleOf } from '../samples.ts';
import { methodOf } from './methods.ts';
import type { LearningMethod, MethodDeps } from './method.ts';

export interface LearnerDeps extends MethodDeps {
  readonly model: MethodDeps['model'] & Pick<ModelHost, 'updateDiscriminator'>;
  /** Training documents as the discriminator sees them; known once the run is prepared. */
  readonly real: () => readonly DiscriminatorInput[];
  /** Valid samples of the rounds before `round`, newest round last: the replay buffer, a query over the log. */
  readonly replay: (round: number) => Promise<readonly DiscriminatorInput[]>;
  /** Saves everything that training needs under a checkpoint's name; returns the hash of it. */
  readonly save: (checkpoint: string, round: number) => Promise<string>;
}

/** Samples the discriminator is pretrained on, and how many rounds' worth of steps it gets (Yu et al., "SeqGAN" 2017, algorithm 1). */
const WARM_UP_SAMPLES = 768;
const WARM_UP_ROUNDS = 3;
/** Samples of the pretrained policy that are recorded, so that what the rounds change can be seen. */
const WARM_UP_SHOWN = 24;
/** Bins in which rewards from 0 to the largest possible one are counted. */
const REWARD_BINS = 20;

export class RoundLearner implements Learner {
  readonly #method: LearningMethod;

  constructor(private readonly deps: LearnerDeps) {
    this.#method = methodOf(deps);
  }

  /** Pretrains the discriminator on samples of the pretrained policy, so that its odds mean something in round 1. */
  async warmUp(signal?: AbortSignal): Promise<void> {
    const { model, evaluator, events, config } = this.deps;
    const { maxTokens, temperature, unconditional } = config.sampling;
    const count = Math.min(WARM_UP_SAMPLES, 2 * unconditional);
    await during(this.deps, { agent: 'learner', activity: 'pretrain discriminator', round: null, amount: count }, async () => {
      const idOf = (index: number): string => `r0/u${index}`;
      const completions = await judgedAhead(
        evaluator,
        (listener) => model.generate({ key: 'discriminator/warm-up', prompts: new Array<string>(count).fill(''), maxTokens, temperature, weights: 'raw' }, listener),
        ({ index, text, finish }) => requestOf({ id: idOf(index), prompt: '', completion: text, finish }),
        signal,
      );
      const samples = completions.map((completion, i) => sampleOf(idOf(i), 0, { id: `train0/unconditional/${i}`, kind: 'unconditional', prompt: '' }, completion));
      const evaluations = await evaluator.evaluateMany(samples.map(requestOf), signal);
      signal?.throwIfAborted();
      const shown = samples.slice(0, WARM_UP_SHOWN);
      events.record([
        ...shown.map(createdEvent),
        ...shown.map((_, i) => recordedEvent(evaluations[i]!)),
      ]);
      const fake = evaluations.flatMap(({ valid, bigrams }) => (valid ? [{ bigrams }] : []));
      await this.#updateDiscriminator(0, fake, WARM_UP_ROUNDS * config.learning.discriminatorSteps);
    });
  }

  /** Records `reward.recorded`, `rewards.counted`, `discriminator.updated`, what its method records, and `policy.updated`. */
  async learn(input: { round: number; judged: readonly Judged[]; critiques: readonly Critique[]; repairs: readonly Repair[] }, signal?: AbortSignal): Promise<LearnReport> {
    const { round, judged, critiques } = input;
    const { events, config: { learning, safety } } = this.deps;
    const repairs = input.repairs.filter(({ evaluation }) => !vetoed(evaluation, safety));
    return during(this.deps, { agent: 'learner', activity: 'learn', round, amount: judged.length + repairs.length }, async () => {
      const rewards = rewardsOf(judged, critiques, { ...learning, veto: safety.veto });
      await recordAll(events, rewards.map((data) => ({ key: `reward/${data.sampleId}`, event: { type: 'reward.recorded' as const, data } })));
      const earned = rewards.flatMap(({ value }) => (value > 0 ? [value] : []));
      const histogram = histogramOf(earned, { from: 0, width: learning.oddsClip / REWARD_BINS, count: REWARD_BINS });
      events.record([{ key: `rewards/${round}`, event: { type: 'rewards.counted', data: { round, none: rewards.length - earned.length, rewards: histogram } } }]);

      const valid = judged.filter(({ evaluation }) => evaluation.valid && !evaluation.copy);
      const fake = [...(await this.deps.replay(round)), ...valid.map(({ evaluation: { bigrams } }) => ({ bigrams }))];
      const discriminator = await this.#updateDiscriminator(round, fake, learning.discriminatorSteps);
      signal?.throwIfAborted();

      const report = await this.#method.teach({ round, judged, rewards, repairs }, signal);
      signal?.throwIfAborted();
      events.record([{ key: `policy/${round}`, event: { type: 'policy.updated', data: { ...report, round } } }]);
      return {
        meanReward: mean(rewards.map(({ value }) => value)),
        discriminatorAuc: discriminator?.auc ?? null,
        discriminatorLoss: discriminator?.loss ?? null,
      };
    });
  }

  /** Records `checkpoint.saved`. */
  async save({ round }: { round: number }): Promise<{ checkpoint: string; weightsHash: string }> {
    const checkpoint = `round-${String(round).padStart(4, '0')}`;
    const weightsHash = await this.deps.save(checkpoint, round);
    this.deps.events.record([{ key: `checkpoint/${round}`, event: { type: 'checkpoint.saved', data: { round, checkpoint, weightsHash } } }]);
    return { checkpoint, weightsHash };
  }

  async #updateDiscriminator(round: number, fake: readonly DiscriminatorInput[], steps: number): Promise<DiscriminatorReport | null> {
    const { model, events, config: { seed, learning } } = this.deps;
    const real = this.deps.real();
    if (fake.length === 0 || real.length === 0 || steps === 0) return null;
    const random = new RandomStream(seed, 'real-documents', round);
    const drawn = fake.map((_, i) => real[random.integer(i, real.length)]!);
    const { loss, heldOutReal, heldOutFake } = await model.updateDiscriminator({ key: `round/${round}`, real: drawn, fake, steps, learningRate: learning.discriminatorRate });
    const report = { loss, auc: auc(heldOutReal, heldOutFake), heldOutLoss: binaryCrossEntropy(heldOutReal, heldOutFake) };
    events.record([{ key: `discriminator/${round}`, event: { type: 'discriminator.updated', data: { ...report, round } } }]);
    return report;
  }
}

/** Mean of -log D over real and -log(1 - D) over generated texts, nats, each side counting half. */
function binaryCrossEntropy(real: readonly number[], fake: readonly number[]): number {
  const softplus = (z: number): number => Math.log1p(Math.exp(-Math.abs(z))) + Math.max(0, z);
  return (mean(real.map((z) => softplus(-z))) + mean(fake.map(softplus))) / 2;
}
