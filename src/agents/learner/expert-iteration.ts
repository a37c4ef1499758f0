/**
 * Expert iteration: likelihood on what was accepted, valid samples and repairs of this round and of the rounds before, beside the corpus. The
 * judge is the expert: it keeps of the policy's own distribution what compiles, and the policy learns to write that at once.
 *
 * - Accumulated, never replaced: rows of real documents stand in every batch (`corpusShare`), since a policy that learns from itself alone
 *   loses the rare (Shumailov et al., "AI models collapse when trained on recursively generated data", 2024; Gerstgrasser et al., "Is Model
 *   Collapse Inevitable?", 2024). `policy.updated` says what real share the batches had.
 * - A sample counts by its reward, so that structures that real code has more of than the policy count more.
 * - The buffer keeps the newest `bufferSize`.
 *
 * Sources: Anthony et al., "Thinking Fast and Slow with Deep Learning and Tree Search" (2017); Gulcehre et al., "Reinforced Self-Training" (2023),
 * section 3; Singh et al., "Beyond Human Data" (2024), algorithm 1.
 */
import type { TrainSequence, UpdateReport } from '../../contracts/model.ts';
import { mean } from '../../metrics/index.ts';
import { contextOf, textOf } from '../samples.ts';
import { updateOf, type Accepted, type LearningMethod, type MethodDeps, type RoundOutcome } from './method.ts';

export class ExpertIteration implements LearningMethod {
  constructor(private readonly deps: MethodDeps) {}

  async teach(outcome: RoundOutcome): Promise<UpdateReport> {
    const { model, config } = this.deps;
    return model.update(updateOf(config, outcome.round, await acceptedSequences(this.deps, outcome, 1)));
  }
}

/** Likelihood on the buffer, the round's own samples and repairs last. A token that was written weighs `weight` on average over rewarded samples. */
export async function acceptedSequences(deps: MethodDeps, { round, judged, rewards, repairs }: RoundOutcome, weight: number): Promise<TrainSequence[]> {
  const { model, endOfText, config: { learning: { bufferSize } } } = deps;
  const fresh: Accepted[] = [
    ...judged.flatMap(({ sample }, i) => (rewards[i]!.value > 0 ? [{ sample, reward: rewards[i]!.value }] : [])),
    ...repairs.map(({ revision }) => ({ sample: revision, reward: null })),
  ].slice(-bufferSize);
  const buffer = [...(await deps.accepted(round, bufferSize - fresh.length)), ...fresh];
  const average = mean(buffer.flatMap(({ reward }) => reward ?? []));
  // A revision that filled a hole has no tokens of its own: its text has.
  const encoded = await model.encode(buffer.map(({ sample }) => (sample.tokens ? contextOf(sample) : textOf(sample))));
  return buffer.map(({ sample, reward }, i): TrainSequence => {
    const [context, own] = sample.tokens ? [encoded[i]!, sample.tokens] : [[], [...encoded[i]!, endOfText]];
    const each = weight * (reward === null ? 1 : reward / average);
    return { tokens: [...context, ...own], likelihood: [...context.map(() => 0), ...own.map(() => each)], credit: [...context, ...own].map(() => 0) };
  });
}
