/**
 * Small questions that several agents ask about samples: the judged text, the request for its evaluation, its record, the
 * finding to act on. Pure.
 */
import type { EvaluationRequest } from '../contracts/evaluator.ts';
import type { HashedEvent } from '../contracts/events.ts';
import type { Evaluation, Finding, Sample, Split, Task } from '../contracts/records.ts';

/** Where an agent gets its tasks; the same request gives the same tasks. Fewer than `count` where a split has no more. */
export type TaskSource = (request: {
  readonly split: Split;
  readonly prompted: boolean;
  readonly count: number;
  readonly round: number;
}) => readonly Task[];

/** Judged text = prompt + completion. */
export const textOf = (sample: Sample): string => sample.prompt + sample.completion;

export function requestOf(sample: Sample): EvaluationRequest {
  return { id: sample.id, text: textOf(sample), promptLength: sample.prompt.length, finish: sample.finish };
}

export function createdEvent(sample: Sample): { key: string; event: HashedEvent } {
  return { key: `sample/${sample.id}`, event: { type: 'sample.created', data: sample } };
}

/** Bigrams stay out of the log: they would triple it, and can be computed again. */
export function recordedEvent({ bigrams: _bigrams, ...logged }: Evaluation): { key: string; event: HashedEvent } {
  return { key: `evaluation/${logged.id}`, event: { type: 'evaluation.recorded', data: logged } };
}

/** The finding a refiner should act on first: the compiler's if it has one, since it is the verdict; otherwise the first. */
export function focusOf(evaluation: Evaluation): Finding | undefined {
  return evaluation.findings.find((finding) => finding.source === 'cpython') ?? evaluation.findings[0];
}
