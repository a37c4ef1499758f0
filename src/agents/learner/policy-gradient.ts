/**
 * Policy gradient (GRPO's family): advantages within bins of code tokens, clipped ratios, blame at the token that broke a text and at those
 * that would have broken it, repairs as positives; beside it the likelihood of what was accepted lately (expert-iteration.ts) and the
 * corpus. Not here: rewards (reward.ts) and credit (credit.ts), which are pure.
 *
 * Sources: Shao et al., "DeepSeekMath" (2024), eq. 3; Schulman et al., "Proximal Policy Optimization Algorithms" (2017), eq. 7; bounds of the ratio
 * that differ in size: Yu et al., "DAPO" (2025), section 3.1; docs/decisions for what is this project's.
 */
import type { Judged } from '../../contracts/agents.ts';
import type { TrainSequence, UpdateReport } from '../../contracts/model.ts';
import { mean } from '../../metrics/index.ts';
import { contextOf, textOf } from '../samples.ts';
import { breakingAlternatives, vocabularyOf, type AlternativesReport, type Probe, type Vocabulary } from './alternatives.ts';
import { advantages, creditOf, repairSequence, sampleSequence } from './credit.ts';
import { likelihoodSequences, weighedBuffer, type Weighed } from './expert-iteration.ts';
import { updateOf, type LearningMethod, type MethodDeps, type RoundOutcome } from './method.ts';

export class PolicyGradient implements LearningMethod {
  #vocabulary: Vocabulary | null = null;

  constructor(private readonly deps: MethodDeps) {}

  /** Records `alternatives.judged`. */
  async teach(outcome: RoundOutcome, signal?: AbortSignal): Promise<UpdateReport> {
    const { model, config } = this.deps;
    const { acceptedWeight } = config.learning;
    const buffer = acceptedWeight === 0 ? [] : await weighedBuffer(this.deps, outcome);
    const accepted = buffer.map(({ sample, weight }): Weighed => ({ sample, weight: acceptedWeight * weight }));
    // A repair that went on where its parent broke is one more valid draw from the policy; one that filled a hole is not a draw.
    const continued = outcome.repairs.filter(({ revision }) => revision.tokens !== undefined).map(({ revision, evaluation }): Judged => ({ sample: revision, evaluation }));
    const written = [...outcome.judged, ...continued];
    const sequences = await this.#sequences(outcome, written, new Map(accepted.map(({ sample, weight }) => [sample.id, weight])), signal);
    const own = new Set(written.map(({ sample }) => sample.id));
    const others = await likelihoodSequences(this.deps, accepted.filter(({ sample }) => !own.has(sample.id)));
    const { klWeight, entropyWeight } = config.learning;
    return model.update({ ...updateOf(config, outcome.round, [...sequences, ...others]), klWeight, entropyWeight });
  }

  /** `written`: the round's samples, in the order of their rewards, and continued revisions. `likelihoods`: weights by id of those that were accepted. */
  async #sequences({ round, judged, rewards, repairs }: RoundOutcome, written: readonly Judged[], likelihoods: ReadonlyMap<string, number>, signal?: AbortSignal): Promise<TrainSequence[]> {
    const { model, endOfText, config: { learning } } = this.deps;
    // What was refused although it is valid, a copy or a veto's, has the blame in full.
    const advantage = advantages(judged, rewards, learning.advantageBin).map((value, i) => (rewards[i]!.value > 0 ? learning.advantageWeight * value : value));
    const vocabulary = (this.#vocabulary ??= vocabularyOf(await model.tokenBytes(), endOfText));
    const contexts = await model.encode(written.map(({ sample }) => contextOf(sample)));
    const credits = written.map((one, i) => creditOf(one, advantage[i] ?? learning.repairWeight, vocabulary.lengths, learning));
    /** Alternatives are drawn up to the break, also where the break itself has no blame. */
    const upToBreak = (one: Judged): number => creditOf(one, 0, vocabulary.lengths, { ...learning, faultWeight: 1 }).findLastIndex((value) => value !== 0) + 1;
    const breaking = await this.#breaking(round, written.map((one, i): Probe => ({
      sample: one.sample, context: contexts[i]!, count: one.evaluation.valid ? credits[i]!.length : upToBreak(one),
    })), vocabulary, signal);
    const samples = written.map((one, i) => sampleSequence(one, contexts[i]!, credits[i]!, {
      alternatives: breaking[i]!.map(({ at, token, logProb, share }) => ({ at, token, oldLogProb: logProb, credit: -learning.alternativeWeight * share })),
      likelihood: likelihoods.get(one.sample.id) ?? 0,
    }));
    const parents = new Map(judged.map(({ sample }) => [sample.id, textOf(sample)]));
    const infilled = repairs.filter(({ revision }) => revision.tokens === undefined);
    const texts = await model.encode(infilled.map(({ revision }) => textOf(revision)));
    const repaired = infilled.map((repair, i) =>
      repairSequence(repair, parents.get(repair.parent) ?? '', [...texts[i]!, endOfText], vocabulary.lengths, learning.repairWeight));
    return [...samples.filter((sequence) => sequence !== null), ...repaired];
  }

  /** Records `alternatives.judged`. Nothing where the evaluator cannot say what a program may begin with. */
  async #breaking(round: number, probes: readonly Probe[], vocabulary: Vocabulary, signal?: AbortSignal): Promise<AlternativesReport['breaking']> {
    const { model, evaluator, events, config: { learning: { alternativeDraws: draws } } } = this.deps;
    const { beginnings, canEnd } = evaluator;
    if (draws === 0 || !beginnings || !canEnd) return probes.map(() => []);
    const parser = { beginnings: beginnings.bind(evaluator), canEnd: canEnd.bind(evaluator) };
    const { breaking, positions, asked } = await breakingAlternatives({ model, parser, vocabulary }, probes, { key: `round/${round}`, draws }, signal);
    const hazard = mean(breaking.map((found) => found.reduce((sum, { share }) => sum + share, 0)));
    events.record([{ key: `alternatives/${round}`, event: { type: 'alternatives.judged', data: { round, positions, asked, breaking: breaking.flat().length, hazard } } }]);
    return breaking;
  }
}
