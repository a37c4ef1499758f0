/**
 * The measuring prompts, the same in every round: which of them the policy answered with a valid program, round after round, and which
 * were gained or lost since round 0. Pure.
 */
import type { EventData, PromptResultData } from './views.ts';

export interface PromptView {
  readonly taskId: string;
  readonly prompt: string;
  /** By round, as `rounds` has them; null where the prompt was not measured. */
  readonly valid: readonly (boolean | null)[];
}

export interface PromptsView {
  readonly rounds: readonly number[];
  readonly prompts: readonly PromptView[];
}

export const NO_PROMPTS: PromptsView = { rounds: [], prompts: [] };

/** With one round more. */
export function addRound(view: PromptsView, { round, results }: EventData['prompts.measured']): PromptsView {
  if (view.rounds.includes(round)) return view;
  const fresh = new Map(results.map((result) => [result.taskId, result]));
  const begin = ({ taskId, prompt = taskId }: PromptResultData): PromptView => ({ taskId, prompt, valid: view.rounds.map(() => null) });
  const known = new Set(view.prompts.map(({ taskId }) => taskId));
  const prompts = [...view.prompts, ...results.filter(({ taskId }) => !known.has(taskId)).map(begin)];
  return {
    rounds: [...view.rounds, round],
    prompts: prompts.map((prompt) => ({ ...prompt, valid: [...prompt.valid, fresh.get(prompt.taskId)?.valid ?? null] })),
  };
}

export interface Change {
  /** Valid in the newest round and not in the first, those first that have been valid for most rounds on end. */
  readonly gained: readonly PromptView[];
  /** The reverse. */
  readonly lost: readonly PromptView[];
  readonly kept: number;
  readonly never: number;
  /** Probability of a split at least as uneven if each change were as likely to be a gain as a loss. */
  readonly p: number;
}

export function changeOf({ prompts }: PromptsView): Change {
  const groups = { gained: [] as PromptView[], lost: [] as PromptView[], kept: 0, never: 0 };
  for (const prompt of prompts) {
    const [first, last] = [prompt.valid[0], prompt.valid.at(-1)];
    if (first == null || last == null) continue;
    if (first && last) groups.kept++;
    else if (last) groups.gained.push(prompt);
    else if (first) groups.lost.push(prompt);
    else groups.never++;
  }
  const steadiest = (a: PromptView, b: PromptView): number => streak(b) - streak(a);
  return { ...groups, gained: groups.gained.toSorted(steadiest), lost: groups.lost.toSorted(steadiest), p: mcnemar(groups.gained.length, groups.lost.length) };
}

/** For how many rounds up to the newest the prompt has been what it is now. */
export function streak({ valid }: PromptView): number {
  const last = valid.at(-1);
  const other = valid.findLastIndex((value) => value !== last);
  return valid.length - 1 - other;
}

/** Exact two-sided McNemar test of `a` changes one way and `b` the other: McNemar (Psychometrika 1947), binomial with p = 1/2. */
export function mcnemar(a: number, b: number): number {
  const n = a + b;
  let tail = 0;
  let logChoose = 0;
  for (let k = 0; k <= Math.min(a, b); k++) {
    tail += Math.exp(logChoose - n * Math.LN2);
    logChoose += Math.log((n - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}
