/**
 * Small questions that several agents ask about samples: the judged text, the request for its evaluation, its record, the
 * finding to act on. Pure, but for recording many records without holding up the process.
 */
import type { EvaluationRequest } from '../contracts/evaluator.ts';
import { setImmediate } from 'node:timers/promises';
import type { EventSink, HashedEvent } from '../contracts/events.ts';
import type { Completion } from '../contracts/model.ts';
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

/** What stood there before the tokens of the sample were written: the prompt, and of a continued revision what it kept. */
export const contextOf = (sample: Sample): string => textOf(sample).slice(0, sample.kept ?? sample.prompt.length);

/** A completion of a task as the round's sample. */
export function sampleOf(id: string, round: number, { id: taskId, kind, prompt }: Pick<Task, 'id' | 'kind' | 'prompt'>, { text, finish, tokens, logProbs }: Completion): Sample {
  return { id, taskId, kind, round, attempt: 0, prompt, completion: text, finish, tokens, logProbs };
}

/** `limit` items evenly spaced over the list, the first among them; all of them when there are no more. */
export function spread<T>(items: readonly T[], limit: number): T[] {
  if (items.length <= limit) return [...items];
  return Array.from({ length: limit }, (_, i) => items[Math.floor((i * items.length) / limit)]!);
}

/** What is asked about a sample of which nothing but the verdict and the structure is needed. */
export function requestOf({ id, prompt, completion, finish }: Pick<Sample, 'id' | 'prompt' | 'completion' | 'finish'>): EvaluationRequest {
  return { id, text: prompt + completion, promptLength: prompt.length, finish };
}

/** What the critic asks about a sample. */
export function critiqueRequestOf(sample: Parameters<typeof requestOf>[0]): EvaluationRequest {
  return { ...requestOf(sample), locate: true, places: true, quality: 'measures' };
}

export function createdEvent(sample: Sample): { key: string; event: HashedEvent } {
  return { key: `sample/${sample.id}`, event: { type: 'sample.created', data: sample } };
}

/** Bigrams stay out of the log: they would triple it, and can be computed again. */
export function recordedEvent({ bigrams: _bigrams, bigramsAt: _places, ...logged }: Evaluation): { key: string; event: HashedEvent } {
  return { key: `evaluation/${logged.id}`, event: { type: 'evaluation.recorded', data: logged } };
}

/** Records written in one go: some 20 ms. */
const SLICE = 200;

/** Records in order, with a pause after every slice, so that commands and news of other processes are heard meanwhile. */
export async function recordAll(events: EventSink, records: Parameters<EventSink['record']>[0]): Promise<void> {
  for (let at = 0; at < records.length; at += SLICE) {
    if (at > 0) await setImmediate();
    events.record(records.slice(at, at + SLICE));
  }
}

/**
 * The finding a refiner should act on first: the compiler's if it has one, since it is the verdict; otherwise the first that is a
 * fault. What the linter and the safety filter say is none.
 */
export function focusOf({ findings }: Pick<Evaluation, 'findings'>): Finding | undefined {
  return findings.find(({ source }) => source === 'cpython') ?? findings.find(({ source }) => source !== 'lint' && source !== 'safety');
}
