/**
 * SeqGAN: the reward of a text is the probability D that the discriminator takes it for a person's, and a token is worth what texts that
 * go on from it are worth on average: beginnings of samples are completed by the policy itself, and the completions are judged and scored.
 *
 *     Q(beginning) = mean of D over `rollouts` completions of it, D of the sample itself where the beginning is all of it
 *
 * The discriminator reads the syntax trees of valid texts and knows no others. So the judge stands in front of it: a text that does not
 * compile, a copy, and one that safety vetoes have D = 0. Odds, their clip and readability (reward.ts) play no part here.
 *
 * As published: rollouts from the policy that wrote the samples, Q on every token, samples used once and nothing else: no repairs, no earlier rounds.
 * Not as published: a beginning every `rolloutSpacing` tokens, whose Q all tokens since the last one have; Q less its mean over samples at
 * that place, in units of its deviation, as Adam and the corpus loss beside it ask for; the settings that hold for all methods
 * (method.ts): the corpus in every update, clipped ratios, passes; the discriminator's steps, which the learner makes before the policy's.
 *
 * Source: Yu et al., "SeqGAN: Sequence Generative Adversarial Nets with Policy Gradient" (2017), eq. 4, eq. 6-8, algorithm 1.
 */
import type { Judged } from '../../contracts/agents.ts';
import type { Evaluator } from '../../contracts/evaluator.ts';
import type { ModelHost, UpdateReport } from '../../contracts/model.ts';
import type { Evaluation } from '../../contracts/records.ts';
import { mean, vetoed } from '../../metrics/index.ts';
import { during } from '../activity.ts';
import { contextOf, spread, textOf } from '../samples.ts';
import { sampleSequence } from './credit.ts';
import { updateOf, type LearningMethod, type MethodDeps, type RoundOutcome } from './method.ts';

export class SeqGan implements LearningMethod {
  #tokenBytes: readonly Uint8Array[] | null = null;

  constructor(private readonly deps: MethodDeps) {}

  async teach({ round, judged }: RoundOutcome, signal?: AbortSignal): Promise<UpdateReport> {
    const { model, evaluator, config } = this.deps;
    const { sampling: { maxTokens, temperature }, learning: { rollouts, rolloutSamples, rolloutSpacing: spacing }, safety: { veto } } = config;
    const tokenBytes = (this.#tokenBytes ??= (await model.tokenBytes()).map((digits) => Buffer.from(digits, 'hex')));
    const taken = spread(judged, rolloutSamples);
    const contexts = await model.encode(taken.map(({ sample }) => contextOf(sample)));
    const values = await during(this.deps, { agent: 'learner', activity: 'roll out', round, amount: taken.length }, () =>
      actionValues({ model, evaluator, tokenBytes }, taken, contexts, { key: `rollouts/${round}`, rollouts, spacing, maxTokens, temperature, veto }, signal));
    const credits = advantagesOf(values);
    const sequences = taken.map((one, i) => sampleSequence(one, contexts[i]!, (one.sample.tokens ?? []).map((_, at) => credits[i]![Math.floor(at / spacing)]!)));
    return model.update(updateOf(config, round, sequences.filter((sequence) => sequence !== null)));
  }
}

export interface RolloutDeps {
  readonly model: Pick<ModelHost, 'generate' | 'scoreDiscriminator'>;
  readonly evaluator: Pick<Evaluator, 'evaluateMany'>;
  /** Bytes of every token of the vocabulary. */
  readonly tokenBytes: readonly Uint8Array[];
}

export interface RolloutRequest {
  /** Names the random stream. */
  readonly key: string;
  /** Completions of each beginning. */
  readonly rollouts: number;
  /** Tokens from one cut to the next. */
  readonly spacing: number;
  /** Most tokens that a sample may have, what a rollout keeps of one included. */
  readonly maxTokens: number;
  readonly temperature: number;
  readonly veto: readonly string[];
}

/**
 * Q in [0, 1] of each sample's cuts: entry b is that of its first (b + 1) * spacing tokens, the last entry that of all of it. A sample
 * of n tokens has ceil(n / spacing) of them. Beginnings that nothing can complete any more are worth 0 without being asked about.
 * At most `rollouts` * (maxTokens - cut) tokens are generated a cut and sample.
 */
export async function actionValues({ model, evaluator, tokenBytes }: RolloutDeps, samples: readonly Judged[], contexts: readonly (readonly number[])[], request: RolloutRequest, signal?: AbortSignal): Promise<number[][]> {
  const { key, rollouts, spacing, maxTokens, temperature, veto } = request;
  const bytesOf = (tokens: readonly number[]): Uint8Array[] => tokens.map((token) => tokenBytes[token]!);
  const lengths = samples.map(({ sample }) => sample.tokens?.length ?? 0);
  const values = lengths.map((length) => new Array<number>(Math.ceil(length / spacing)).fill(0));
  const own = await probabilities(model, samples.map(({ sample }) => textOf(sample)), samples.map(({ evaluation }) => evaluation), veto);
  values.forEach((of, i) => { if (of.length > 0) of[of.length - 1] = own[i]!; });

  const cuts = Array.from({ length: Math.max(0, Math.ceil(Math.max(0, ...lengths) / spacing) - 1) }, (_, b) => (b + 1) * spacing);
  await Promise.all(cuts.map(async (cut) => {
    const begun = samples.flatMap(({ sample, evaluation }, i) => {
      if (lengths[i]! <= cut) return [];
      const kept = sample.tokens!.slice(0, cut);
      const prefix = Buffer.concat([Buffer.from(contextOf(sample)), ...bytesOf(kept)]);
      return isBroken(prefix, evaluation) ? [] : [{ i, sample, prefix, ids: [...contexts[i]!, ...kept] }];
    });
    const rolled = begun.flatMap((one) => Array.from({ length: rollouts }, (_, n) => ({ ...one, id: `${one.sample.id}/${cut}/${n}` })));
    if (rolled.length === 0) return;
    const completions = await model.generate({ key: `${key}/${cut}`, prompts: rolled.map(({ ids }) => ids), maxTokens: maxTokens - cut, temperature, weights: 'raw' });
    signal?.throwIfAborted();
    // A cut may fall within a character: texts are put together from bytes.
    const texts = rolled.map(({ prefix }, r) => Buffer.concat([prefix, ...bytesOf(completions[r]!.tokens)]).toString());
    const evaluations = await evaluator.evaluateMany(rolled.map(({ id, sample }, r) => ({ id, text: texts[r]!, promptLength: sample.prompt.length, finish: completions[r]!.finish })), signal);
    const rewards = await probabilities(model, texts, evaluations, veto);
    signal?.throwIfAborted();
    rolled.forEach(({ i }, r) => (values[i]![cut / spacing - 1]! += rewards[r]! / rollouts));
  }));
  return values;
}

/** Nothing that goes on from the beginning compiles. Half a character at its end may still become another one. */
function isBroken(beginning: Buffer, { brokenAt }: Evaluation): boolean {
  return brokenAt !== undefined && Buffer.byteLength(beginning.toString().replace(/\ufffd+$/, '')) > brokenAt;
}

/** D of each text: 0 for those that earn nothing. */
async function probabilities(model: RolloutDeps['model'], texts: readonly string[], evaluations: readonly Evaluation[], veto: readonly string[]): Promise<number[]> {
  const earning = evaluations.flatMap((evaluation, i) => (evaluation.valid && !evaluation.copy && !vetoed(evaluation, { veto }) ? [i] : []));
  const logOdds = await model.scoreDiscriminator(earning.map((i) => ({ bigrams: evaluations[i]!.bigrams })));
  const result = texts.map(() => 0);
  earning.forEach((i, n) => (result[i] = 1 / (1 + Math.exp(-logOdds[n]!))));
  return result;
}

/** Values less the mean of all samples that come to the same cut, scaled to unit variance over all of them. */
export function advantagesOf(values: readonly (readonly number[])[]): number[][] {
  const most = Math.max(0, ...values.map(({ length }) => length));
  const baselines = Array.from({ length: most }, (_, cut) => mean(values.flatMap((one) => one[cut] ?? [])));
  const differences = values.map((one) => one.map((value, cut) => value - baselines[cut]!));
  const deviation = Math.sqrt(mean(differences.flatMap((one) => one.map((difference) => difference ** 2))));
  return deviation === 0 ? differences : differences.map((one) => one.map((difference) => difference / deviation));
}
