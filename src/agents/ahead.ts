/**
 * Sampling while the evaluator already judges: what the model host has finished is handed on as what will be asked for. Nothing else
 * changes: completions come when all are there, and the agent whose turn it is asks for the verdicts as ever. Not here: how an evaluator
 * works ahead.
 */
import type { EvaluationRequest, Evaluator } from '../contracts/evaluator.ts';
import type { Completion, FinishedListener, FinishedText } from '../contracts/model.ts';

/**
 * `sample` runs a call of the model host with the listener that it is given; `request` is what will be asked of the evaluator about a
 * finished text, but for the id. With an evaluator that does not work ahead nobody listens.
 */
export function judgedAhead(
  evaluator: Evaluator, sample: (listener?: FinishedListener) => Promise<Completion[]>, request: (finished: FinishedText) => EvaluationRequest, signal?: AbortSignal,
): Promise<Completion[]> {
  if (!evaluator.anticipate) return sample();
  return sample((finished) => evaluator.anticipate!(finished.map(request), signal));
}
