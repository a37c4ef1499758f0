/**
 * A judge: the evaluator in a process of its own, started and killed by judges.ts. It holds CPython, the parser and the index of
 * training documents, and nothing that could not be lost.
 */
import type { EvaluationRequest } from '../contracts/evaluator.ts';
import type { Evaluation } from '../contracts/records.ts';
import { CopyIndex, CPythonDied, evaluateTexts, findDocuments, loadCPython, type FoundDocument } from '../evaluator/index.ts';
import { serve } from './rpc.ts';

export interface JudgeService {
  /** Loads CPython and indexes the training documents; called once before anything else, and again when the documents change. */
  initialise(input: { readonly documents: readonly string[] }): Promise<{ readonly python: string }>;
  evaluate(requests: readonly EvaluationRequest[]): Promise<Evaluation[]>;
  documents(source: string): Promise<FoundDocument[]>;
}

/** Exit code of a judge whose interpreter was lost. */
const LOST = 70;

if (process.send) {
  serve<JudgeService>(() => {
    const loading = loadCPython();
    let copies = new CopyIndex([]);
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
      async initialise({ documents }) {
        copies = new CopyIndex(documents);
        return { python: (await loading).version };
      },
      async evaluate(requests) {
        const cpython = await loading;
        return orExit(() => evaluateTexts(requests, { cpython, copies }));
      },
      async documents(source) {
        const cpython = await loading;
        return orExit(() => findDocuments(source, cpython));
      },
    };
  });
}
