/**
 * Mutants of real Python: one or more small faults of a named kind in a function or class of the standard library. Not here: who
 * judges them. The corpus is parted by file into a development half, on which rules may be tuned, and a held-out half, on which
 * they are measured; the two never mix.
 */
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { hash32, RandomStream } from '../src/random/philox.ts';
import { tokenize } from '../src/evaluator/rules/tokens.ts';
import { findDocuments } from '../src/evaluator/documents.ts';
import type { CPython } from '../src/evaluator/cpython.ts';

export const MUTATIONS = [
  'token deleted', 'token doubled', 'token swapped', 'token replaced', 'truncated', 'line dedented', 'line indented', 'line deleted',
  'line swapped', 'lines joined', 'character deleted', 'character inserted',
] as const;
export type Mutation = (typeof MUTATIONS)[number];

export interface Mutant {
  readonly kind: Mutation;
  readonly text: string;
  /** UTF-16 offset at which the text was changed. */
  readonly at: number;
  readonly original: string;
}

/** One replacement in a text: UTF-16 range [start, end) becomes `by`. */
export interface Edit {
  readonly kind: Mutation;
  readonly start: number;
  readonly end: number;
  readonly by: string;
}

/** The least edit that makes a mutant out of its original: what lies between the common beginning and the common end. */
export function editOf({ kind, original, text }: Mutant): Edit {
  const most = Math.min(original.length, text.length);
  let start = 0;
  while (start < most && original.charCodeAt(start) === text.charCodeAt(start)) start++;
  let tail = 0;
  while (tail < most - start && original.charCodeAt(original.length - 1 - tail) === text.charCodeAt(text.length - 1 - tail)) tail++;
  return { kind, start, end: original.length - tail, by: text.slice(start, text.length - tail) };
}

/** The text with all edits made; they must not overlap. */
export function applyEdits(original: string, edits: readonly Edit[]): string {
  let text = original;
  for (const { start, end, by } of [...edits].sort((a, b) => b.start - a.start)) text = text.slice(0, start) + by + text.slice(end);
  return text;
}

/** The .py files of a zip archive by name (stored or deflated entries; no encryption, no zip64). */
export function readZip(path: string): Map<string, string> {
  const data = readFileSync(path);
  let end = data.length - 22;
  while (end >= 0 && data.readUInt32LE(end) !== 0x06054b50) end--;
  const files = new Map<string, string>();
  let at = data.readUInt32LE(end + 16);
  for (let n = data.readUInt16LE(end + 10); n > 0; n--) {
    const nameLength = data.readUInt16LE(at + 28);
    const name = data.toString('utf8', at + 46, at + 46 + nameLength);
    const local = data.readUInt32LE(at + 42);
    const from = local + 30 + data.readUInt16LE(local + 26) + data.readUInt16LE(local + 28);
    const raw = data.subarray(from, from + data.readUInt32LE(at + 20));
    if (name.endsWith('.py')) files.set(name, (data.readUInt16LE(at + 10) === 8 ? inflateRawSync(raw) : raw).toString('utf8'));
    at += 46 + nameLength + data.readUInt16LE(at + 30) + data.readUInt16LE(at + 32);
  }
  return files;
}

/** Documents of at most `longest` characters from one half of pyodide's standard library. */
export function corpusDocuments(half: 'development' | 'held-out', cpython: CPython, longest = 1500): string[] {
  const folder = dirname(createRequire(import.meta.url).resolve('pyodide/package.json'));
  const documents: string[] = [];
  for (const [name, source] of readZip(join(folder, 'python_stdlib.zip'))) {
    if ((hash32(name) % 2 === 0) !== (half === 'development')) continue;
    for (const { text } of findDocuments(source, cpython)) if (text.length <= longest) documents.push(text);
  }
  return documents;
}

/** A source of mutants: the same seed and documents give the same mutants. */
export class MutantMaker {
  readonly #documents: readonly string[];
  readonly #random: RandomStream;
  readonly #pool: string[] = [];
  #draws = 0;

  constructor(documents: readonly string[], seed: number) {
    this.#documents = documents;
    this.#random = new RandomStream(seed, 'mutants');
    for (let i = 0; i < documents.length && this.#pool.length < 50_000; i += 7) {
      const text = documents[i]!;
      for (const { start, end } of tokenize(text).tokens) if (end > start && text[start] !== '\n') this.#pool.push(text.slice(start, end));
    }
  }

  #below(bound: number): number {
    return this.#random.integer(this.#draws++, bound);
  }

  /** One mutant of a random document. */
  make(kind: Mutation): Mutant {
    for (;;) {
      const original = this.#documents[this.#below(this.#documents.length)]!;
      const mutant = this.mutate(original, kind);
      if (mutant && mutant.text !== original) return mutant;
    }
  }

  /**
   * A random document with `count` edits, apart from each other, each of which by itself is a fault (`rejects` says so). Documents that
   * are too short for them are passed over.
   */
  faults(count: number, rejects: (text: string) => boolean): { readonly original: string; readonly edits: readonly Edit[] } {
    for (;;) {
      const original = this.#documents[this.#below(this.#documents.length)]!;
      const edits: Edit[] = [];
      for (let tries = 0; tries < 12 * count && edits.length < count; tries++) {
        const mutant = this.mutate(original, MUTATIONS[this.#below(MUTATIONS.length)]!);
        if (!mutant || mutant.text === original) continue;
        const edit = editOf(mutant);
        if (edits.some(({ start, end }) => edit.start <= end && start <= edit.end)) continue;
        if (rejects(mutant.text)) edits.push(edit);
      }
      if (edits.length === count) return { original, edits };
    }
  }

  /** A mutant of the given text, or null where the kind does not apply. */
  mutate(original: string, kind: Mutation): Mutant | null {
    const done = (at: number, text: string): Mutant => ({ kind, text, at, original });
    if (kind === 'truncated') {
      const at = 1 + this.#below(original.length - 1);
      return done(at, original.slice(0, at));
    }
    if (kind === 'character deleted') {
      const at = this.#below(original.length);
      return done(at, original.slice(0, at) + original.slice(at + 1));
    }
    if (kind === 'character inserted') {
      const at = this.#below(original.length);
      const char = original[this.#below(original.length)]!;
      return done(at, original.slice(0, at) + char + original.slice(at));
    }
    if (kind.startsWith('token')) {
      const tokens = tokenize(original).tokens.filter(({ start, end }) => end > start && original[start] !== '\n' && original[start] !== ' ');
      if (tokens.length < 3) return null;
      const index = this.#below(tokens.length - 1);
      const { start, end } = tokens[index]!;
      const next = tokens[index + 1]!;
      const token = original.slice(start, end);
      const before = original.slice(0, start), after = original.slice(end);
      switch (kind) {
        case 'token deleted': return done(start, before + after);
        case 'token doubled': return done(start, `${before}${token} ${token}${after}`);
        case 'token swapped': return done(start, before + original.slice(next.start, next.end) + original.slice(end, next.start) + token + original.slice(next.end));
        default: return done(start, before + this.#pool[this.#below(this.#pool.length)]! + after);
      }
    }
    const lines = original.split('\n');
    const index = this.#below(Math.max(1, lines.length - 2));
    const line = lines[index]!;
    const at = lines.slice(0, index).join('\n').length + (index > 0 ? 1 : 0);
    const count = 1 + this.#below(4);
    const replaced = (...by: string[]): Mutant => done(at, [...lines.slice(0, index), ...by, ...lines.slice(index + (kind === 'line swapped' || kind === 'lines joined' ? 2 : 1))].join('\n'));
    switch (kind) {
      case 'line dedented': return line.startsWith(' ') ? replaced(line.slice(Math.min(count, line.length - line.trimStart().length))) : null;
      case 'line indented': return line.trim() === '' ? null : replaced(' '.repeat(count) + line);
      case 'line deleted': return replaced();
      case 'line swapped': return replaced(lines[index + 1] ?? '', line);
      default: return replaced(`${line} ${(lines[index + 1] ?? '').trimStart()}`);
    }
  }
}
