/**
 * Where corpus texts come from: the standard library inside the pyodide package, or the user's files, folders and globs, .py and
 * .jsonl. Yields raw bytes under stable relative paths; what is fit to learn from is decided by corpus.ts.
 */
import { createReadStream } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { globMatcher, isGlob, splitGlob } from './globs.ts';
import { licenceOf } from './licence.ts';
import { zipMembers } from './zip.ts';
import { LARGEST_FILE } from './filters.ts';

/** A corpus cannot be read or is too small to learn from; the message says what to do. */
export class CorpusError extends Error {
  override readonly name = 'CorpusError';
  /** Tried again, it would only come again. */
  readonly permanent = true;
}

/** One text of a corpus, or why there is none. `path` is relative to what the user named and the same on any machine. */
export type Source = { readonly path: string; readonly bytes: Uint8Array } | { readonly path: string; readonly reason: string };

export interface SourceSet {
  readonly sources: Source[];
  /** Licences found, joined; `unknown` where none was. */
  readonly licence: string;
}

/** Folders that hold other people's code, or none: not entered. */
const VENDORED = new Set(['site-packages', 'dist-packages', 'node_modules', 'vendor', 'vendored', 'third_party', 'third-party', 'thirdparty', '_vendor', '_vendored', 'external', 'extern']);
const ENVIRONMENTS = new Set(['venv', 'env', '__pycache__', 'build', 'dist']);

/** The Python standard library that the pyodide package ships (CPython's, PSF-2.0). @throws CorpusError when it is not installed. */
export async function standardLibrary(): Promise<SourceSet> {
  let archive: Buffer;
  try {
    archive = await readFile(join(dirname(createRequire(import.meta.url).resolve('pyodide')), 'python_stdlib.zip'));
  } catch (error) {
    throw new CorpusError(`The default corpus, python_stdlib.zip of the package pyodide, cannot be read (${message(error)}). Install the dependencies again, or name a corpus of your own with --corpus.`);
  }
  const sources = zipMembers(archive)
    .filter(({ name }) => name.endsWith('.py'))
    .map((member): Source => (member.size > LARGEST_FILE ? { path: member.name, reason: TOO_LARGE } : { path: member.name, bytes: member.read() }));
  return { sources: sources.sort(byPath), licence: 'PSF-2.0' };
}

/** The user's corpus without the files `except` (real paths). @throws CorpusError when a path does not exist or a pattern matches nothing. */
export async function userSources(paths: readonly string[], except: readonly string[] = []): Promise<SourceSet> {
  const sources = new Map<string, Source>();
  const licences = new Set<string>();
  const seen = new Set(except);
  const addFile = async (file: string, name: string): Promise<void> => {
    const real = await realpath(file);
    if (seen.has(real)) return;
    seen.add(real);
    for (const source of await readSource(file, name)) {
      const path = unused(sources, source.path);
      sources.set(path, { ...source, path });
    }
  };
  const addFolder = async (folder: string, accepts: (path: string) => boolean): Promise<number> => {
    licences.add(licenceOf(folder));
    const { files, leftOut } = await walk(folder);
    const chosen = files.filter((file) => /\.(?:py|jsonl)$/.test(file) && accepts(file));
    const root = basename(resolve(folder));
    for (const file of chosen) await addFile(join(folder, ...file.split('/')), `${root}/${file}`);
    for (const { path, reason } of leftOut) sources.set(`${root}/${path}`, { path: `${root}/${path}`, reason });
    return chosen.length;
  };
  for (const given of paths) {
    const info = await stat(given).catch(() => undefined);
    if (info?.isDirectory()) await addFolder(given, () => true);
    else if (info) {
      licences.add(licenceOf(dirname(given)));
      await addFile(given, basename(given));
    } else if (isGlob(given)) {
      const { base, rest } = splitGlob(given.split(sep).join('/'));
      const found = (await stat(base).catch(() => undefined))?.isDirectory() ? await addFolder(base, globMatcher(rest)) : 0;
      if (found === 0) throw new CorpusError(`The corpus pattern '${given}' matches no .py or .jsonl file. Check it, and quote it so that the shell leaves it alone.`);
    } else throw new CorpusError(`The corpus path '${given}' does not exist. Name a .py or .jsonl file, a folder, or a glob such as 'src/**/*.py'.`);
  }
  return { sources: [...sources.values()].sort(byPath), licence: [...licences].sort().join(', ') };
}

const TOO_LARGE = `too large (more than ${LARGEST_FILE / 1e6} MB)`;

async function readSource(file: string, name: string): Promise<Source[]> {
  try {
    if (name.endsWith('.jsonl')) return await readJsonLines(file, name);
    if (!name.endsWith('.py')) return [{ path: name, reason: 'neither .py nor .jsonl' }];
    if ((await stat(file)).size > LARGEST_FILE) return [{ path: name, reason: TOO_LARGE }];
    return [{ path: name, bytes: await readFile(file) }];
  } catch (error) {
    return [{ path: name, reason: `not readable (${message(error)})` }];
  }
}

/** One text a line, under `file.jsonl#line` (from 1), from its field `text` or `content`. */
async function readJsonLines(file: string, name: string): Promise<Source[]> {
  const sources: Source[] = [];
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const path = `${name}#${++number}`;
    if (line.trim() === '') continue;
    let record: unknown;
    try {
      record = JSON.parse(line);
    } catch {
      sources.push({ path, reason: 'not JSON' });
      continue;
    }
    const { text, content } = (record ?? {}) as { text?: unknown; content?: unknown };
    const found = typeof text === 'string' ? text : content;
    if (typeof found !== 'string') sources.push({ path, reason: 'no field `text` or `content` that is a string' });
    else if (Buffer.byteLength(found) > LARGEST_FILE) sources.push({ path, reason: TOO_LARGE });
    else sources.push({ path, bytes: Buffer.from(found) });
  }
  return sources;
}

/** Files below a folder, as paths with `/`, and the folders that were not entered. Links to folders are not followed. */
async function walk(folder: string): Promise<{ readonly files: string[]; readonly leftOut: { path: string; reason: string }[] }> {
  const files: string[] = [];
  const leftOut: { path: string; reason: string }[] = [];
  const pending = [folder];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const here = at;
    const entries = await readdir(here, { withFileTypes: true }).catch((error: unknown) => {
      leftOut.push({ path: `${toPath(folder, here)}/`, reason: `not readable (${message(error)})` });
      return [];
    });
    for (const entry of entries) {
      const full = join(here, entry.name);
      const path = toPath(folder, full);
      if (!entry.isDirectory()) {
        const isFile = entry.isFile() || (entry.isSymbolicLink() && (await stat(full).catch(() => undefined))?.isFile());
        if (isFile) files.push(path);
      } else if (VENDORED.has(entry.name.toLowerCase())) leftOut.push({ path: `${path}/`, reason: 'vendored' });
      else if (entry.name.startsWith('.') || ENVIRONMENTS.has(entry.name)) leftOut.push({ path: `${path}/`, reason: 'not source (hidden, environment or build folder)' });
      else pending.push(full);
    }
  }
  return { files: files.sort(), leftOut };
}

const toPath = (folder: string, full: string): string => relative(folder, full).split(sep).join('/');
const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const byPath = (a: Source, b: Source): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);

/** Two folders of one name may hold files of one name: the later one gets a number. */
function unused(sources: ReadonlyMap<string, Source>, path: string): string {
  if (!sources.has(path)) return path;
  for (let n = 2; ; n++) if (!sources.has(`${path}~${n}`)) return `${path}~${n}`;
}
