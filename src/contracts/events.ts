/**
 * Everything that happens, as a tagged union. The event log is the truth; dashboard, replay buffer, table and exports are
 * queries over it. `key` is the step key: the same step repeated after a crash has the same key and the same data, so it is
 * stored once. Hashed events hold nothing that differs between two runs of the same seed; times, pids, retries and
 * transitions are unhashed or live in `meta`.
 */
import type { DiscriminatorReport, LatentUpdateReport, ModelInfo, StepReport, UpdateReport } from './model.ts';
import type { Critique, Evaluation, GuardCheck, HeldOutBits, Histogram, Measurement, PromptResult, Proportion, Reward, RoundRow, Sample, Split, Timing } from './records.ts';

/** Bigrams are recomputed when needed; they would triple the log. */
export type LoggedEvaluation = Omit<Evaluation, 'bigrams' | 'bigramsAt'>;

export type HashedEvent =
  | { type: 'run.started'; data: { seed: number; configHash: string } }
  | { type: 'corpus.ready'; data: { files: number; bytes: number; documents: Record<string, number>; excerpts: number; rejected: number; licence: string; hash: string } }
  | { type: 'tokenizer.ready'; data: { vocabulary: number; bytesPerToken: number; hash: string } }
  | { type: 'model.ready'; data: ModelInfo }
  /** Bytes of every token as hexadecimal digits, none for special ones: what a sample's text is made of. */
  | { type: 'vocabulary.ready'; data: { bytes: string[] } }
  | { type: 'pretraining.step'; data: StepReport & { totalSteps: number } }
  /** On the gate split; recorded where pretraining may end early. */
  | { type: 'pretraining.measured'; data: HeldOutBits }
  | { type: 'pretraining.finished'; data: { steps: number; weightsHash: string } }
  | { type: 'round.started'; data: { round: number } }
  | { type: 'sample.created'; data: Sample }
  | { type: 'evaluation.recorded'; data: LoggedEvaluation }
  | { type: 'critique.recorded'; data: Critique }
  | { type: 'reward.recorded'; data: Reward }
  /** Rewards of a round's samples: `none` earned nothing, the others are in `rewards`. */
  | { type: 'rewards.counted'; data: { round: number; none: number; rewards: Histogram } }
  /** `accepted`: ids of the revisions that count as repairs, one a repaired parent. Other revisions may be valid, too. */
  | { type: 'refinement.finished'; data: { round: number; failed: number; repaired: number; accepted: string[]; after: Proportion } }
  | { type: 'discriminator.updated'; data: DiscriminatorReport & { round: number } }
  | { type: 'latent.updated'; data: Pick<LatentUpdateReport, 'generatorLoss' | 'discriminatorLoss' | 'realKnown' | 'generatedKnown' | 'length'> & { round: number } }
  /** `hazard`: how often a sample would break, mean over samples, were each position drawn once more. */
  | { type: 'alternatives.judged'; data: { round: number; positions: number; asked: number; breaking: number; hazard: number } }
  /**
   * What the repair learner made of its pairs. Entry p of each array is before pass p + 1, the last one after all passes; means over pairs: how much likelier, in nats a token,
   * the revised span and the failed one are than at the start of the round, `margin` the difference, `weight` the share of its credit that a pair still has.
   */
  | { type: 'pairs.learned'; data: { round: number; pairs: number; margin: number[]; revised: number[]; failed: number[]; weight: number[] } }
  | { type: 'policy.updated'; data: UpdateReport & { round: number } }
  | { type: 'checkpoint.saved'; data: { round: number; checkpoint: string; weightsHash: string } }
  | { type: 'checkpoint.promoted'; data: { round: number; checkpoint: string; gate: Measurement } }
  | { type: 'checkpoint.rejected'; data: { round: number; checkpoint: string; gate: Measurement; reasons: string[] } }
  /** The guards on one split against what alarms (test) or promotion (gate) allow; from round 1 on. */
  | { type: 'guards.checked'; data: { round: number; split: Split; checks: readonly GuardCheck[] } }
  /** Code tokens of the valid unconditional samples of the test split, and of the documents held against them. */
  | { type: 'lengths.counted'; data: { round: number; samples: Histogram; documents: Histogram; documentsMedian: number } }
  | { type: 'prompts.measured'; data: { round: number; results: readonly PromptResult[] } }
  | { type: 'alarm.raised'; data: { round: number; alarm: string; message: string } }
  | { type: 'round.finished'; data: RoundRow }
  | { type: 'run.finished'; data: { rounds: number; reason: string; weightsHash: string } };

export type UnhashedEvent =
  /** A sample drawn during pretraining so that there is something to watch; nothing depends on it. */
  | { type: 'preview.created'; data: { step: number; text: string; valid: boolean } }
  | { type: 'pretraining.progress'; data: { step: number; totalSteps: number; loss: number; tokensPerSecond: number; secondsLeft: number } }
  | { type: 'machine.transition'; data: { machine: string; actor: string; from: string | null; to: string; event: string; context?: Record<string, unknown> } }
  | { type: 'machine.defined'; data: { machine: string; definition: unknown } }
  | { type: 'activity.started'; data: { agent: string; activity: string; round: number | null; amount: number } }
  | { type: 'activity.finished'; data: { agent: string; activity: string; round: number | null; amount: number; seconds: number } }
  | { type: 'round.timed'; data: { round: number } & Timing }
  | { type: 'effect.retried'; data: { effect: string; attempt: number; error: string } }
  | { type: 'process.changed'; data: { process: string; pid: number | null; state: 'started' | 'stopped' | 'crashed'; message?: string } }
  | { type: 'command.received'; data: { command: Command } }
  | { type: 'run.resumed'; data: { fromRound: number } }
  | { type: 'run.failed'; data: { message: string } };

export type RunEvent = HashedEvent | UnhashedEvent;

/** An event as it is stored. */
export type LoggedEvent = RunEvent & {
  /** Position in the log: 1, 2, 3, … without gaps. */
  readonly seq: number;
  readonly key: string;
  readonly hashed: boolean;
  /** Milliseconds since the epoch; never hashed. */
  readonly time: number;
};

/** What a user may tell a run, from the dashboard or a signal. */
export type Command = 'pause' | 'resume' | 'stop-after-round' | 'stop-now';

/** The side of the event log that agents see. */
export interface EventSink {
  /** Appends hashed events, each with its step key, in order; one whose key is stored already is left as it is. */
  record(events: readonly { readonly key: string; readonly event: HashedEvent }[]): void;
  /** Appends an event that no hash covers. */
  note(event: UnhashedEvent): void;
}
