/**
 * Reads a corpus: finds its texts (sources.ts), leaves out what is no material to learn from, each with a reason, and puts every
 * file into a split. Not here: the documents inside the files (documents.ts) and their encoding.
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Split } from '../contracts/records.ts';
import { DuplicateIndex } from './duplicates.ts';
import { unfit } from './filters.ts';
import { CorpusError, standardLibrary, userSources, type Source } from './sources.ts';
import { splitOf, textId } from './splits.ts';

export { CorpusError };

export interface CorpusFile {
  /** Relative to what the user named, separator `/`; unique in the corpus and the same on any machine. */
  readonly path: string;
  /** Line ends are `\n`; a byte order mark is gone. */
  readonly text: string;
  readonly split: Split;
}

export interface Rejection {
  /** A file, or a folder that was not entered (with `/` at the end). */
  readonly path: string;
  readonly reason: string;
}

export interface Corpus {
  /** In the order of their paths. */
  readonly files: readonly CorpusFile[];
  readonly rejected: readonly Rejection[];
  readonly licence: string;
  /** UTF-8 bytes of all files. */
  readonly bytes: number;
  /** Of paths, splits and texts of all files: equal corpora have equal hashes. */
  readonly hash: string;
}

/** Least UTF-8 bytes of Python from which a model learns more than to repeat them. */
export const LEAST_BYTES = 50_000;

/**
 * Reads the corpus at `paths` (files, folders, globs), or the standard library inside the pyodide package when there are none.
 * Left out are files that are not UTF-8, too large, empty, generated, vendored, or exact or near duplicates of an earlier file.
 *
 * @throws CorpusError when a path matches nothing or what is left is too small: under LEAST_BYTES, or a split without a file.
 */
export async function readCorpus(paths: readonly string[] = []): Promise<Corpus> {
  const { sources, licence } = paths.length === 0 ? await standardLibrary() : await userSources(paths);
  const files: CorpusFile[] = [];
  const rejected: Rejection[] = [];
  const exact = new Map<string, string>();
  const near = new DuplicateIndex();
  for (const source of sources) {
    await setImmediate(); // One file a turn, so that a caller's event loop stays alive.
    const text = decode(source);
    const reason = typeof text === 'string' ? (unfit(text) ?? duplicateOf(source.path, text, exact, near)) : text.reason;
    if (typeof text === 'string' && reason === undefined) files.push({ path: source.path, text, split: splitOf(source.path) });
    else rejected.push({ path: source.path, reason: reason! });
  }
  const corpus: Corpus = {
    files,
    rejected,
    licence,
    bytes: files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
    hash: hashFiles(files),
  };
  requireEnough(corpus);
  return corpus;
}

/** The corpus without some of its files, which are told with the reason. @throws CorpusError when what is left is too small. */
export function withoutFiles(corpus: Corpus, paths: readonly string[], reason: string): Corpus {
  if (paths.length === 0) return corpus;
  const out = new Set(paths);
  const files = corpus.files.filter(({ path }) => !out.has(path));
  const less: Corpus = {
    ...corpus,
    files,
    rejected: [...corpus.rejected, ...paths.map((path) => ({ path, reason }))],
    bytes: files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
    hash: hashFiles(files),
  };
  requireEnough(less);
  return less;
}

const strict = new TextDecoder('utf-8', { fatal: true });

function decode(source: Source): string | { readonly reason: string } {
  if ('reason' in source) return source;
  if (source.bytes.length === 0) return { reason: 'empty' };
  try {
    return strict.decode(source.bytes).replace(/\r\n?/g, '\n');
  } catch {
    return { reason: 'not UTF-8' };
  }
}

function duplicateOf(path: string, text: string, exact: Map<string, string>, near: DuplicateIndex): string | undefined {
  const id = textId(text);
  const same = exact.get(id);
  if (same !== undefined) return `duplicate of ${same}`;
  exact.set(id, path);
  const similar = near.add(path, text);
  return similar === undefined ? undefined : `near duplicate of ${similar}`;
}

function hashFiles(files: readonly CorpusFile[]): string {
  const hash = createHash('sha256');
  for (const { path, text, split } of files) hash.update(`${path}\0${split}\0${textId(text)}\n`);
  return hash.digest('hex');
}

function requireEnough(corpus: Corpus): void {
  const { splits } = previewCorpus(corpus);
  const missing = (['train', 'gate', 'test'] as const).filter((split) => splits[split].files === 0);
  if (corpus.bytes >= LEAST_BYTES && missing.length === 0) return;
  const [common] = rejectionCounts(corpus.rejected);
  const left = `${corpus.files.length} files with ${corpus.bytes} bytes are left of this corpus${common ? ` (${corpus.rejected.length} were left out, most often as '${common.reason}')` : ''}`;
  const need = corpus.bytes < LEAST_BYTES
    ? `at least ${LEAST_BYTES} bytes of Python are needed`
    : `by the hash of the file names there is none for: ${missing.join(', ')}; with 50 files or more each split has some`;
  throw new CorpusError(`${left}; ${need}. Name more files with --corpus, or leave --corpus out to learn from the Python standard library.`);
}

/** What a corpus holds, in figures: what a user sees before a run begins. */
export interface CorpusPreview {
  readonly files: number;
  readonly bytes: number;
  readonly licence: string;
  readonly splits: Readonly<Record<Split, { readonly files: number; readonly bytes: number }>>;
  /** Paths of the first files. */
  readonly first: readonly string[];
  /** By kind of reason, the most frequent first. */
  readonly rejected: readonly { readonly reason: string; readonly count: number; readonly example: string }[];
}

/** The preview of a corpus, with the paths of its first `shown` files. */
export function previewCorpus(corpus: Corpus, shown = 5): CorpusPreview {
  const splits = { train: { files: 0, bytes: 0 }, gate: { files: 0, bytes: 0 }, test: { files: 0, bytes: 0 } };
  for (const { text, split } of corpus.files) {
    splits[split].files++;
    splits[split].bytes += Buffer.byteLength(text);
  }
  return {
    files: corpus.files.length,
    bytes: corpus.bytes,
    licence: corpus.licence,
    splits,
    first: corpus.files.slice(0, shown).map(({ path }) => path),
    rejected: rejectionCounts(corpus.rejected),
  };
}

/** Reasons without their details (`duplicate of X` -> `duplicate`), counted. */
function rejectionCounts(rejected: readonly Rejection[]): { reason: string; count: number; example: string }[] {
  const counts = new Map<string, { reason: string; count: number; example: string }>();
  for (const { path, reason } of rejected) {
    const kind = reason.replace(/(?<=duplicate) of .*|(?<=not readable) .*/, '');
    const known = counts.get(kind);
    if (known) known.count++;
    else counts.set(kind, { reason: kind, count: 1, example: path });
  }
  return [...counts.values()].sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1));
}
