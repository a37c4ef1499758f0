/**
 * The documents of a corpus, by split: what the policy learns to write and is measured against. Not here: finding the functions
 * and classes of a file (a DocumentFinder of the evaluator's does), and choosing by length (whoever knows the tokens does).
 */
import type { DocumentFinder } from '../contracts/evaluator.ts';
import type { Document, Split } from '../contracts/records.ts';
import { CorpusError, type CorpusFile } from './corpus.ts';
import { textId } from './splits.ts';

export type Documents = Readonly<Record<Split, readonly Document[]>>;

/** Fewest documents from which a split's figures mean anything. */
const LEAST: Readonly<Record<Split, number>> = { train: 100, gate: 10, test: 10 };
/** A text that occurs in several splits stays in the first of these. */
const PRECEDENCE: readonly Split[] = ['train', 'gate', 'test'];

/** Files that a finder with several processes may work on together. */
const AT_ONCE = 16;

export interface FindOptions {
  /** Called after each file. */
  readonly onFile?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * The documents of `files`, each text once: a text that occurs in train is in neither gate nor test, one in gate not in test.
 * Each split is in the order of its documents' ids. These are hashes, so the order has nothing to do with files, and the
 * first n documents of a split are a fair sample of it.
 *
 * @throws CorpusError when a split has too few documents to learn from or to measure on.
 */
export async function findDocuments(files: readonly CorpusFile[], finder: DocumentFinder, options: FindOptions = {}): Promise<Documents> {
  const found: Record<Split, Map<string, Document>> = { train: new Map(), gate: new Map(), test: new Map() };
  let done = 0;
  for (let from = 0; from < files.length; from += AT_ONCE) {
    options.signal?.throwIfAborted();
    const batch = files.slice(from, from + AT_ONCE);
    const texts = await Promise.all(
      batch.map(async (file) => {
        const documents = await finder.documents(file.text);
        options.onFile?.(++done, files.length);
        return documents;
      }),
    );
    batch.forEach((file, i) => {
      for (const { text } of texts[i]!) {
        const id = textId(text);
        const split = found[file.split];
        if (!split.has(id)) split.set(id, { id, file: file.path, split: file.split, text });
      }
    });
  }
  const taken = new Set<string>();
  const documents: Record<Split, Document[]> = { train: [], gate: [], test: [] };
  for (const split of PRECEDENCE) {
    for (const document of found[split].values()) if (!taken.has(document.id)) documents[split].push(document);
    documents[split].sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const { id } of documents[split]) taken.add(id);
  }
  requireDocuments(documents);
  return documents;
}

/**
 * Checks that each split has enough documents; for whoever filters them by length as well.
 * @throws CorpusError naming the splits that have too few.
 */
export function requireDocuments(documents: Documents): void {
  const short = PRECEDENCE.filter((split) => documents[split].length < LEAST[split]);
  if (short.length === 0) return;
  const figures = short.map((split) => `${documents[split].length} of the ${LEAST[split]} needed for ${split}`).join(', ');
  throw new CorpusError(`This corpus has too few functions and classes that are short enough for the model: ${figures}. Name more files with --corpus, or choose a larger model context.`);
}

/** The `count` documents that a split is measured on: the first by id, which is a hash of the text and so says nothing about it. */
export function measuredDocuments(documents: readonly Document[], count: number): readonly Document[] {
  return [...documents].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)).slice(0, count);
}
