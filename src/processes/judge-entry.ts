/**
 * A judge: the evaluator in a process of its own, started and killed by judges.ts. It holds CPython, the parser and the index of
 * training documents, and nothing that could not be lost.
 */
import type { Beginning, Ending, SourceRequest } from '../contracts/evaluator.ts';
import type { Evaluation } from '../contracts/records.ts';
import type { SafetyOptions } from '../contracts/safety.ts';
import { CPythonDied, evaluateTexts, findDocuments, findExcerpts, loadCPython, SafetyFilter, verdictsOf, WHOLE_CHARACTERS, type CorpusIndex, type FoundDocument, type NamedText } from '../evaluator/index.ts';
import { cachedIndex } from './corpus-index.ts';
import { serve } from './rpc.ts';

export interface JudgeService {
  /** Loads CPython and indexes the training documents; called once before anything else, and again when the documents change. */
  initialise(input: { readonly documents: readonly NamedText[]; readonly safety?: SafetyOptions }): Promise<{ readonly python: string }>;
  evaluate(requests: readonly SourceRequest[]): Promise<Evaluation[]>;
  /** Is each text valid if it ends like this? Without findings and counts; what CPython cannot be asked the rules answer. */
  verdicts(texts: readonly Ending[]): Promise<boolean[]>;
  /** Can each text be the beginning of a program? */
  beginnings(texts: readonly string[]): Promise<Beginning[]>;
  /** The safety filter alone, which needs no verdict. */
  scan(texts: readonly string[]): Promise<Pick<Evaluation, 'safety' | 'findings'>[]>;
  documents(source: string): Promise<FoundDocument[]>;
  excerpts(input: { readonly documents: readonly string[]; readonly length: number }): Promise<string[]>;
}

/** Bytes by which a judge may grow after it has started, before it asks to be replaced: parsers and interpreters return little of what they took. */
const GROWTH = 220e6;
/** The same after a text of which CPython was not asked: its garbage would stay until the next large text has doubled it. */
const GROWTH_OF_LARGE = 60e6;
/** Exit code of a judge whose interpreter was lost. */
const LOST = 70;

if (process.send) {
  serve<JudgeService>((emit) => {
    let initial = Infinity;
    const loading = loadCPython();
    let corpus: CorpusIndex | undefined;
    let filter = new SafetyFilter();
    const orExit = <T>(work: () => T): T => {
      try {
        return work();
      } catch (error) {
        // There is no way to go on in this process, and the parent replaces it.
        if (error instanceof CPythonDied) process.exit(LOST);
        throw error;
      }
    };
    return {
      async initialise({ documents, safety }) {
        corpus = documents.length > 0 ? await cachedIndex(documents) : undefined;
        filter = new SafetyFilter(safety);
        const { version } = await loading;
        initial = process.memoryUsage.rss();
        return { python: version };
      },
      async evaluate(requests) {
        const cpython = await loading;
        const evaluations = orExit(() => evaluateTexts(requests, { cpython, safety: filter, ...corpus }));
        const growth = requests.some(({ text }) => text.length > WHOLE_CHARACTERS) ? GROWTH_OF_LARGE : GROWTH;
        if (process.memoryUsage.rss() > initial + growth) emit('worn');
        return evaluations;
      },
      async verdicts(texts) {
        const cpython = await loading;
        return orExit(() => verdictsOf(texts, cpython));
      },
      async beginnings(texts) {
        const cpython = await loading;
        return orExit(() => cpython.beginnings(texts));
      },
      async scan(texts) {
        return texts.map((text) => {
          const { findings, counts } = filter.scan(text);
          return { findings, ...(counts ? { safety: counts } : {}) };
        });
      },
      async documents(source) {
        const cpython = await loading;
        return orExit(() => findDocuments(source, cpython));
      },
      async excerpts({ documents, length }) {
        const cpython = await loading;
        return orExit(() => findExcerpts(documents, length, cpython));
      },
    };
  });
}
