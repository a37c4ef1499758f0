/**
 * The evaluator for any program: one text or many, with typed options, without the rest of the system. Everything runs in the caller's
 * process (programs under test run in the executor's sandbox), so a text made to break its judge can break the caller; for text that
 * nobody vouches for there is `openEvaluator`. Not here: files, commands, processes.
 */
import type { EvaluationRequest } from '../contracts/evaluator.ts';
import type { ExecutionVerdict, Executor, ProgramTests } from '../contracts/execution.ts';
import type { Evaluation } from '../contracts/records.ts';
import type { SafetyOptions } from '../contracts/safety.ts';
import { CPythonDied, loadCPython, type CPython } from './cpython.ts';
import { evaluateTexts } from './evaluate.ts';
import { CopyIndex } from './novelty/copies.ts';
import { NoveltyIndex, textOf, type NamedText } from './novelty/index.ts';
import { SafetyFilter } from './safety/index.ts';

/** What texts are compared with; made once by `indexCorpus`. */
export interface CorpusIndex {
  readonly copies: CopyIndex;
  readonly novelty: NoveltyIndex;
}

export interface EvaluationOptions {
  /** CPython's verdict; default: loaded once into this process (2 s, 170 MB) and kept. `false`: the strict rules' verdict stands for it. */
  readonly cpython?: CPython | false;
  /** Texts to know copies and novelty by; an index that is made once serves many calls. Default: none, so nothing is a copy. */
  readonly corpus?: CorpusIndex | readonly NamedText[];
  /** Quality with lint findings (default), its measures alone, or none. */
  readonly quality?: boolean | 'measures';
  /** The safety filter with all of its rules (default true), with others, or not at all. */
  readonly safety?: boolean | SafetyOptions;
  /** Also where a text that fails broke (`brokenAt`), which takes ten times as long for such a text; default false. */
  readonly locate?: boolean;
  /** Runs the programs that have tests. The caller opens and closes it. */
  readonly executor?: Executor;
  /** Tests of every text that has none of its own. */
  readonly tests?: ProgramTests;
  readonly signal?: AbortSignal;
}

/** A text with what is known of it; a bare string is a whole text that ended by itself. */
export interface TextInput {
  readonly text: string;
  /** Default: its place in the list. */
  readonly id?: string;
  /** UTF-16 units at the text's beginning that were given and not written; default 0. */
  readonly promptLength?: number;
  /** `length`: the writer was cut off; default `stop`. */
  readonly finish?: 'stop' | 'length';
  readonly tests?: ProgramTests;
}

/** An evaluation, and the verdict of the tests where there were any. */
export type EvaluationReport = Evaluation & { readonly execution?: ExecutionVerdict };

/** Texts in one call into the compiler; between two the event loop runs. */
const BATCH = 48;

let loading: Promise<CPython> | undefined;

/** Indexes a corpus: about half a second for a megabyte. @throws RangeError when it has more than eight million tokens. */
export function indexCorpus(documents: readonly NamedText[]): CorpusIndex {
  return { copies: new CopyIndex(documents.map(textOf)), novelty: NoveltyIndex.of(documents) };
}

/** Evaluates one text. */
export async function evaluate(text: string | TextInput, options: EvaluationOptions = {}): Promise<EvaluationReport> {
  return (await evaluateMany([text], options))[0]!;
}

/**
 * One report a text, in order. Never rejects because of what a text holds, except with CPythonDied when one ends the interpreter.
 * @throws TypeError when there are tests and no executor; the signal's reason when it aborts.
 */
export async function evaluateMany(texts: readonly (string | TextInput)[], options: EvaluationOptions = {}): Promise<EvaluationReport[]> {
  const { corpus, quality = true, safety = true, locate = false, executor, tests, signal } = options;
  const inputs = texts.map((text): TextInput => (typeof text === 'string' ? { text } : text));
  const testsOf = inputs.map((input) => input.tests ?? tests);
  if (!executor && testsOf.some((one) => one !== undefined)) throw new TypeError("There are tests and no `executor` to run them: open one with `openExecutor` and pass it.");
  const cpython = options.cpython === undefined ? await (loading ??= loadCPython()) : options.cpython;
  const index = corpus === undefined ? undefined : 'novelty' in corpus ? corpus : indexCorpus(corpus);
  const filter = safety === false ? undefined : new SafetyFilter(safety === true ? {} : safety);
  const requests = inputs.map(({ text, id, promptLength = 0, finish = 'stop' }, i): EvaluationRequest => ({ id: id ?? String(i), text, promptLength, finish, locate, quality }));

  const evaluations: Evaluation[] = [];
  for (let at = 0; at < requests.length; at += BATCH) {
    if (at > 0) await new Promise(setImmediate);
    signal?.throwIfAborted();
    try {
      evaluations.push(...evaluateTexts(requests.slice(at, at + BATCH), { ...(cpython ? { cpython } : {}), ...index, ...(filter ? { safety: filter } : {}) }));
    } catch (error) {
      // The next call loads another interpreter.
      if (error instanceof CPythonDied) loading = undefined;
      throw error;
    }
  }
  const tested = requests.flatMap((_, i) => (testsOf[i] ? [i] : []));
  if (!executor || tested.length === 0) return evaluations;
  const verdicts = await executor.executeMany(
    tested.map((i) => ({ id: requests[i]!.id, program: requests[i]!.text, prompt: requests[i]!.text.slice(0, requests[i]!.promptLength), tests: testsOf[i]! })),
    signal ? { signal } : {},
  );
  const verdictOf = new Map(tested.map((i, place) => [i, verdicts[place]!]));
  return evaluations.map((evaluation, i) => {
    const execution = verdictOf.get(i);
    return execution ? { ...evaluation, execution } : evaluation;
  });
}
