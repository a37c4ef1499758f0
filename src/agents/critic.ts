/**
 * The critic: asks the evaluator for verdicts and the discriminator for odds, and joins both into one critique a sample.
 * Not here: what makes a text valid (the evaluator), what a critique is worth in training (the learner).
 */
import type { Critic, Judged } from '../contracts/agents.ts';
import type { Evaluator } from '../contracts/evaluator.ts';
import type { ModelHost } from '../contracts/model.ts';
import type { Critique, Sample } from '../contracts/records.ts';
import { during, type ActivityDeps } from './activity.ts';
import { critiqueRequestOf, focusOf, recordAll, recordedEvent } from './samples.ts';

export interface CriticDeps extends ActivityDeps {
  readonly model: Pick<ModelHost, 'scoreDiscriminator' | 'traceDiscriminator'>;
  readonly evaluator: Evaluator;
  /** Readability in [0, 1]; trained on only where the reward gives it a weight. */
  readonly readability: (judged: Judged) => number;
}

export class JoiningCritic implements Critic {
  constructor(private readonly deps: CriticDeps) {}

  /** Records `evaluation.recorded` without bigrams (key `evaluation/<id>`), in the samples' order. */
  async judge({ round, samples }: { readonly round: number; readonly samples: readonly Sample[] }, signal?: AbortSignal): Promise<Judged[]> {
    const { evaluator, events } = this.deps;
    return during(this.deps, { agent: 'critic', activity: 'judge', round, amount: samples.length }, async () => {
      const evaluations = await evaluator.evaluateMany(samples.map(critiqueRequestOf), signal);
      signal?.throwIfAborted();
      await recordAll(events, evaluations.map(recordedEvent));
      return samples.map((sample, i) => ({ sample, evaluation: evaluations[i]! }));
    });
  }

  /** Records `critique.recorded` (key `critique/<sample id>`). Only valid samples have log-odds: validity is not the discriminator's business. */
  async criticise({ round, judged }: { readonly round: number; readonly judged: readonly Judged[] }, signal?: AbortSignal): Promise<Critique[]> {
    const { model, events, readability } = this.deps;
    return during(this.deps, { agent: 'critic', activity: 'criticise', round, amount: judged.length }, async () => {
      const valid = judged.filter(({ evaluation }) => evaluation.valid);
      const odds = await model.scoreDiscriminator(valid.map(({ evaluation: { bigrams } }) => ({ bigrams })));
      const placed = valid.flatMap(({ sample, evaluation: { bigrams, bigramsAt } }) => (bigramsAt?.length === bigrams.length ? [{ id: sample.id, bigrams, at: bigramsAt }] : []));
      const traces = await model.traceDiscriminator(placed.map(({ bigrams, at }) => ({ bigrams, at })));
      signal?.throwIfAborted();
      const oddsOf = new Map(valid.map(({ sample }, i) => [sample.id, odds[i]!]));
      const traceOf = new Map(placed.map(({ id }, i) => [id, traces[i]!]));
      const critiques = judged.map((one): Critique => {
        const logOdds = oddsOf.get(one.sample.id);
        const trace = traceOf.get(one.sample.id);
        const focus = focusOf(one.evaluation);
        return {
          sampleId: one.sample.id,
          ...(logOdds === undefined ? {} : { logOdds }),
          ...(trace === undefined ? {} : { trace }),
          readability: readability(one),
          ...(focus === undefined ? {} : { focus }),
        };
      });
      await recordAll(events, critiques.map((data) => ({ key: `critique/${data.sampleId}`, event: { type: 'critique.recorded', data } })));
      return critiques;
    });
  }
}
