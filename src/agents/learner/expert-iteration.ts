/**
 * Expert iteration: likelihood on what was accepted, valid samples and repairs of this round and of the rounds before, beside the corpus. The
 * judge is the expert: it keeps of the policy's own distribution what compiles, and the policy learns to write that at once.
 *
 * - Real text is never replaced: rows of real documents stand in every batch (`corpusShare`), since a policy that learns from itself alone
 *   loses the rare (Shumailov et al., "AI models collapse when trained on recursively generated data", 2024; Gerstgrasser et al., "Is Model
 *   Collapse Inevitable?", 2024). `policy.updated` says what real share the batches had.
 * - A sample counts by its reward, so that structures that real code has more of than the policy count more.
 * - The buffer keeps the newest `bufferSize`; a round of the default size accepts more than that, so that only a small round's buffer reaches back.
 *
 * Sources: Anthony et al., "Thinking Fast and Slow with Deep Learning and Tree Search" (2017); Gulcehre et al., "Reinforced Self-Training" (2023),
 * section 3; Singh et al., "Beyond Human Data" (2024), algorithm 1.
 */
import type { TrainSequence, UpdateReport } from '../../contracts/model.ts';
import type { Sample } from '../../contracts/records.ts';
import { mean } from '../../metrics/index.ts';
import { RandomStream } from '../../random/philox.ts';
import { contextOf, textOf } from '../samples.ts';
import { updateOf, type Accepted, type LearningMethod, type MethodDeps, type RoundOutcome } from './method.ts';

export class ExpertIteration implements LearningMethod {
  constructor(private readonly deps: MethodDeps) {}

  async teach(outcome: RoundOutcome): Promise<UpdateReport> {
    const { model, config } = this.deps;
    return model.update(updateOf(config, outcome.round, await likelihoodSequences(this.deps, await weighedBuffer(this.deps, outcome))));
  }
}

/** What was accepted, and the weight of its likelihood, 1 on average over rewarded samples. */
export interface Weighed {
  readonly sample: Sample;
  readonly weight: number;
}

/**
 * The buffer, the round's own samples and repairs last. Where a round accepted more than there is room for, which of it stays is drawn by lot: the kinds of samples and
 * repairs keep their shares.
 */
export async function weighedBuffer(deps: MethodDeps, { round, judged, rewards, repairs }: RoundOutcome): Promise<Weighed[]> {
  const { seed, learning: { bufferSize } } = deps.config;
  const byLot = (accepted: readonly Accepted[], most: number): Accepted[] => {
    const drawn = new RandomStream(seed, 'buffer', round, accepted[0]?.sample.round ?? round).permutation(accepted.length).subarray(0, most).sort();
    return Array.from(drawn, (i) => accepted[i]!);
  };
  const fresh = byLot([
    ...judged.flatMap(({ sample }, i) => (rewards[i]!.value > 0 ? [{ sample, reward: rewards[i]!.value }] : [])),
    ...repairs.map(({ revision }) => ({ sample: revision, reward: null })),
  ], bufferSize);
  const earlier = await deps.accepted(round, bufferSize - fresh.length);
  const oldest = earlier.filter(({ sample }) => sample.round === earlier[0]!.sample.round);
  const newer = earlier.slice(oldest.length);
  const buffer = [...byLot(oldest, bufferSize - fresh.length - newer.length), ...newer, ...fresh];
  const average = mean(buffer.flatMap(({ reward }) => reward ?? []));
  return buffer.map(({ sample, reward }) => ({ sample, weight: reward === null ? 1 : reward / average }));
}

/** Likelihood on what the samples' tokens are, or on their whole text where they have none. */
export async function likelihoodSequences({ model, endOfText }: Pick<MethodDeps, 'model' | 'endOfText'>, buffer: readonly Weighed[]): Promise<TrainSequence[]> {
  // A revision that filled a hole has no tokens of its own: its text has.
  const encoded = await model.encode(buffer.map(({ sample }) => (sample.tokens ? contextOf(sample) : textOf(sample))));
  return buffer.map(({ sample, weight }, i): TrainSequence => {
    const [context, own] = sample.tokens ? [encoded[i]!, sample.tokens] : [[], [...encoded[i]!, endOfText]];
    return { tokens: [...context, ...own], likelihood: [...context.map(() => 0), ...own.map(() => weight)], credit: [...context, ...own].map(() => 0) };
  });
}
