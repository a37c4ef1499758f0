/**
 * What a learner's method is: given what a round brought, it retrains the policy, and nothing else. One file each, chosen by name
 * (methods.ts); rewards, the discriminator and all records but its own are the learner's (learner.ts).
 */
import type { Config } from '../../config/schema.ts';
import type { Judged } from '../../contracts/agents.ts';
import type { Evaluator } from '../../contracts/evaluator.ts';
import type { ModelHost, UpdateReport, UpdateRequest } from '../../contracts/model.ts';
import type { Repair, Reward, Sample } from '../../contracts/records.ts';
import type { ActivityDeps } from '../activity.ts';

/** What there is to learn from. What safety vetoes has no reward and is not among the repairs. */
export interface RoundOutcome {
  readonly round: number;
  readonly judged: readonly Judged[];
  /** One a sample, in their order; above 0 for valid samples that may be learned from. */
  readonly rewards: readonly Reward[];
  readonly repairs: readonly Repair[];
}

/** A valid sample that was rewarded, or an accepted revision, which has no reward of its own. */
export interface Accepted {
  readonly sample: Sample;
  readonly reward: number | null;
}

export interface MethodDeps extends ActivityDeps {
  readonly model: Pick<ModelHost, 'encode' | 'tokenBytes' | 'alternatives' | 'logProbs' | 'generate' | 'scoreDiscriminator' | 'update' | 'updateLatent'>;
  readonly evaluator: Evaluator;
  readonly config: Config;
  /** What was accepted in the rounds before `round`, of so many of them, each whole, that it is `least` or more, newest last: a query over the log. */
  readonly accepted: (round: number, least: number) => Promise<readonly Accepted[]>;
  readonly endOfText: number;
}

export interface LearningMethod {
  /** One round's training of the policy. Repeated, it does the same again. */
  teach(outcome: RoundOutcome, signal?: AbortSignal): Promise<UpdateReport>;
}

/** The rate of a round falls linearly from the first budgeted one to the last; only the first round warms up. */
export function scheduleOf({ learning, budget }: Config, round: number): Pick<UpdateRequest, 'learningRate' | 'warmupSteps'> {
  const progress = budget.rounds <= 1 ? 0 : Math.min(1, (round - 1) / (budget.rounds - 1));
  return { learningRate: learning.learningRate * (1 - progress * (1 - learning.decay)), warmupSteps: round === 1 ? learning.warmupSteps : 0 };
}

/** The update that the settings ask for, on these sequences. */
export function updateOf(config: Config, round: number, sequences: UpdateRequest['sequences']): UpdateRequest {
  const { corpusShare, corpusWeight, clipLow, clipHigh, averageDecay, passes } = config.learning;
  return { key: `round/${round}`, sequences, corpusShare, corpusWeight, ...scheduleOf(config, round), clipLow, clipHigh, averageDecay, passes };
}
