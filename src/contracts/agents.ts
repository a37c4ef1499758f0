/**
 * The agents, each behind an interface that fits in a few lines, and the loop they form:
 *
 *     for each round:
 *       samples     = generator.generate(tasks)          # policy writes
 *       evaluations = evaluator.evaluateMany(samples)    # judge says what is wrong
 *       critiques   = critic.criticise(...)              # discriminator and findings joined
 *       repairs     = refiner.propose(...) …             # failed samples are repaired and judged again
 *       learner.learn(samples, repairs, critiques)       # reward, discriminator and policy updates
 *       gate.decide(candidate)                           # promoted or rolled back
 *
 * Agents act; machines (src/machines) decide what happens next; models (behind ModelHost) compute. Each method is one effect
 * with a step key: repeated, it does the same again and records nothing twice. The optional signal aborts: the agent gives up
 * at its next opportunity and records nothing more.
 */
import type { Critique, Evaluation, Measurement, Proportion, Repair, RoundRow, Sample } from './records.ts';

/** A sample with its evaluation: what most of the loop hands on. */
export interface Judged {
  readonly sample: Sample;
  readonly evaluation: Evaluation;
}

/** A gate measurement that promoted a policy; round 0's counts as the first. */
export interface Promotion {
  readonly round: number;
  readonly gate: Measurement;
}

export interface Generator {
  /** Samples the round's tasks of the train split and records `sample.created` for each. */
  generate(input: { readonly round: number }, signal?: AbortSignal): Promise<Sample[]>;
}

export interface Critic {
  /** Judges samples and records `evaluation.recorded`, in the samples' order. */
  judge(input: { readonly round: number; readonly samples: readonly Sample[] }, signal?: AbortSignal): Promise<Judged[]>;
  /** Discriminator and findings joined; records `critique.recorded`. */
  criticise(input: { readonly round: number; readonly judged: readonly Judged[] }, signal?: AbortSignal): Promise<Critique[]>;
}

export interface Refiner {
  /** Which failed samples are worth a repair this round, in order. */
  select(input: { readonly round: number; readonly judged: readonly Judged[] }): Judged[];
  /** One batch of revisions (attempt `attempt` of each parent not yet repaired); records `sample.created` with the parent. */
  propose(
    input: { readonly round: number; readonly attempt: number; readonly parents: readonly Judged[]; readonly revisions: readonly Judged[] },
    signal?: AbortSignal,
  ): Promise<Sample[]>;
  /** Of each parent's judged revisions the best acceptable one, if any. */
  choose(input: { readonly parents: readonly Judged[]; readonly revisions: readonly Judged[] }): Repair[];
  /** Validity of the round with its repairs counted; records `refinement.finished`. */
  conclude(input: { readonly round: number; readonly judged: readonly Judged[]; readonly repairs: readonly Repair[] }): Proportion;
}

export interface LearnReport {
  readonly meanReward: number;
  readonly discriminatorAuc: number | null;
  readonly discriminatorLoss: number | null;
}

export interface Learner {
  /** Rewards, updates discriminator and policy; records `reward.recorded`, `discriminator.updated`, `policy.updated`. */
  learn(input: {
    readonly round: number;
    readonly judged: readonly Judged[];
    readonly critiques: readonly Critique[];
    readonly repairs: readonly Repair[];
  }, signal?: AbortSignal): Promise<LearnReport>;
  /** Saves a candidate checkpoint; records `checkpoint.saved`. */
  save(input: { readonly round: number }, signal?: AbortSignal): Promise<{ readonly checkpoint: string; readonly weightsHash: string }>;
}

export interface GateDecision {
  readonly promoted: boolean;
  readonly reasons: readonly string[];
  readonly alarms: readonly string[];
  /** The candidate on the gate split. */
  readonly measurement?: Measurement;
}

export interface Gate {
  /** Measures the candidate on the gate split, promotes it or rolls back; records `checkpoint.promoted` or `.rejected`. */
  decide(input: { readonly round: number; readonly checkpoint: string }, signal?: AbortSignal): Promise<GateDecision>;
  /**
   * Measures the promoted policy on the test split and records `round.finished`. The baseline is measured on the gate split as
   * well and recorded as `checkpoint.promoted` of round 0: candidates are compared with it.
   */
  measure(input: {
    readonly round: number;
    readonly checkpoint: string;
    readonly outcome: RoundRow['outcome'];
    readonly refined: Proportion | null;
    readonly report: LearnReport | null;
  }, signal?: AbortSignal): Promise<{ readonly row: RoundRow; readonly alarms: readonly string[]; readonly gate?: Measurement }>;
}

/** Pretraining, in chunks, so that pausing and progress need no special case. */
export interface Pretrainer {
  /** Runs up to `steps` steps from `fromStep`; records `pretraining.step`. `ended`: no more steps are to be done, however many are left. */
  advance(input: { readonly fromStep: number; readonly steps: number }, signal?: AbortSignal): Promise<{ readonly step: number; readonly loss: number; readonly ended: boolean }>;
  /** Records `pretraining.finished`; the trained policy is the promoted one from here on. */
  finish(input: { readonly step: number }, signal?: AbortSignal): Promise<{ readonly weightsHash: string }>;
}

export interface Preparation {
  /** Step at which pretraining goes on: 0, a saved step, or the last one when the cache holds the finished weights. */
  readonly pretrainedSteps: number;
  /** Steps after which pretraining is over: fewer than were planned where it is known to have ended early. */
  readonly totalSteps: number;
  /** Rounds that are complete already: not 0 when a run is resumed. */
  readonly completedRounds: number;
  readonly rows: readonly RoundRow[];
  /** Of a resumed run, in order: targets and plateaus are judged by them. */
  readonly promotions?: readonly Promotion[];
}

export interface Preparer {
  /** Corpus, tokenizer, models, and where a resumed run goes on; records `corpus.ready`, `tokenizer.ready`, `model.ready`. */
  prepare(input?: undefined, signal?: AbortSignal): Promise<Preparation>;
}

export interface Closer {
  /** Records `run.finished`. */
  finish(input: { readonly rounds: number; readonly reason: string }, signal?: AbortSignal): Promise<void>;
}

/** All agents of a run: what the composition root provides to the machines. */
export interface Agents {
  readonly preparer: Preparer;
  readonly pretrainer: Pretrainer;
  readonly generator: Generator;
  readonly critic: Critic;
  readonly refiner: Refiner;
  readonly learner: Learner;
  readonly gate: Gate;
  readonly closer: Closer;
}
