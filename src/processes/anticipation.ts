/**
 * Requests that will be made soon: which of them a judge has been given, and which still wait. An evaluation depends on everything in a
 * request but its id, so that is what they are known by. What is never asked for is pushed out by what comes later. Not here: judging.
 */
import type { EvaluationRequest, SourceRequest } from '../contracts/evaluator.ts';
import type { Evaluation } from '../contracts/records.ts';

/** Requests kept at most: more than a round of the default settings makes at once, in some tens of MB. */
const MOST = 8192;

interface Anticipated {
  readonly request: EvaluationRequest;
  readonly signal: AbortSignal | undefined;
  /** Once a judge has it; null while it waits. */
  evaluation: Promise<Evaluation> | null;
}

export class Anticipation {
  readonly #known = new Map<string, Anticipated>();
  /** Those of `#known` that wait, in order. */
  readonly #waiting = new Map<string, Anticipated>();

  /** Requests kept, waiting or begun. */
  get size(): number {
    return this.#known.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Those known already are left as they are. */
  add(requests: readonly EvaluationRequest[], signal?: AbortSignal): void {
    for (const request of requests) {
      const key = keyOf(request);
      if (this.#known.has(key)) continue;
      const anticipated: Anticipated = { request, signal, evaluation: null };
      this.#known.set(key, anticipated);
      this.#waiting.set(key, anticipated);
      if (this.#known.size > MOST) this.#forget(this.#known.keys().next().value!);
    }
  }

  /** Up to `most` that wait, for a judge that is free: `judge` gets them, and answers in their order. Does nothing where all have been given up. */
  begin(most: number, judge: (requests: readonly EvaluationRequest[]) => Promise<readonly Evaluation[]>): void {
    const begun: Anticipated[] = [];
    for (const [key, anticipated] of this.#waiting) {
      if (begun.length >= most) break;
      this.#waiting.delete(key);
      if (anticipated.signal?.aborted) this.#known.delete(key);
      else begun.push(anticipated);
    }
    if (begun.length === 0) return;
    const evaluations = judge(begun.map(({ request }) => request));
    begun.forEach((anticipated, i) => {
      anticipated.evaluation = evaluations.then((all) => all[i]!);
      // Whoever asks hears of it; nobody may.
      anticipated.evaluation.catch(() => {});
    });
  }

  /** What has been begun of the requests, each under its own id and undefined for the others. Nothing that was asked for stays here. */
  take(requests: readonly SourceRequest[]): (Promise<Evaluation> | undefined)[] {
    if (this.#known.size === 0) return requests.map(() => undefined);
    const keys = requests.map((request) => (typeof request.text === 'string' ? keyOf(request as EvaluationRequest) : ''));
    const found = keys.map((key) => this.#known.get(key)?.evaluation);
    for (const key of keys) this.#forget(key);
    return found.map((evaluation, i) => evaluation?.then((answer) => ({ ...answer, id: requests[i]!.id })));
  }

  clear(): void {
    this.#known.clear();
    this.#waiting.clear();
  }

  #forget(key: string): void {
    this.#known.delete(key);
    this.#waiting.delete(key);
  }
}

function keyOf({ text, promptLength, finish, locate = false, places = false, quality = false }: EvaluationRequest): string {
  return `${promptLength} ${finish} ${locate} ${places} ${quality} ${text}`;
}
