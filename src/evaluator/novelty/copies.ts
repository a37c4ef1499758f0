/**
 * Is a text a copy of training data? White space is normalised; a text of at least 40 characters counts as a copy when it is a
 * training document or lies whole inside one. Apart from that, a text may be a whole training document under other names (skeleton.ts).
 * Not here: other near copies (a novelty metric's business).
 *
 * The index holds a hash of every document, and of every run of 24 characters that wins its window (winnowing: Schleimer,
 * Wilkerson and Aiken, "Winnowing: local algorithms for document fingerprinting", SIGMOD 2003), so that any shared passage of
 * 24 + 16 - 1 = 39 characters shares a fingerprint. A candidate found by its rarest fingerprint is then compared literally.
 */
import { tokenize, type Tokens } from '../rules/tokens.ts';
import { skeletonOf } from './skeleton.ts';

const GRAM = 24;
const WINDOW = 16;
/** Texts shorter than this (normalised) are no copies: `return self.name` is in everyone's code. */
export const SHORTEST_COPY = 40;

/** Every run of white space becomes one space; none at the ends. */
export function normalise(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

export class CopyIndex {
  readonly #documents: string[];
  readonly #whole: Set<string>;
  /** Fingerprint to the documents that have it, in order. */
  readonly #postings = new Map<number, number[]>();
  readonly #skeletons = new Set<string>();

  /** Costs about a second for 10 MB. */
  constructor(documents: readonly string[]) {
    this.#documents = [...new Set(documents.map(normalise))];
    this.#whole = new Set(this.#documents);
    this.#documents.forEach((document, index) => {
      for (const print of fingerprints(document)) {
        const list = this.#postings.get(print);
        if (!list) this.#postings.set(print, [index]);
        else if (list[list.length - 1] !== index) list.push(index);
      }
    });
    for (const document of documents) {
      const skeleton = skeletonOf(tokenize(document));
      if (skeleton !== null) this.#skeletons.add(skeleton);
    }
  }

  has(text: string): boolean {
    const normal = normalise(text);
    if (normal.length < SHORTEST_COPY) return false;
    if (this.#whole.has(normal)) return true;
    let rarest: readonly number[] | undefined;
    for (const print of fingerprints(normal)) {
      const list = this.#postings.get(print);
      // A passage inside a document has all of its fingerprints.
      if (!list) return false;
      if (!rarest || list.length < rarest.length) rarest = list;
    }
    return rarest?.some((index) => this.#documents[index]!.includes(normal)) ?? false;
  }

  /** Is the text of these tokens, as a whole, a document but for names, literals, comments, docstrings and layout? Never below 24 tokens. */
  hasRenamed(tokens: Tokens): boolean {
    const skeleton = skeletonOf(tokens);
    return skeleton !== null && this.#skeletons.has(skeleton);
  }
}

/** The least hash of every window of WINDOW neighbouring runs of GRAM characters, each once. */
function* fingerprints(text: string): Generator<number> {
  const count = text.length - GRAM + 1;
  if (count < WINDOW) return;
  const hashes = new Uint32Array(count);
  // A polynomial hash rolled along the text; multiplication modulo 2^32.
  const base = 0x01000193;
  let top = 1;
  for (let i = 1; i < GRAM; i++) top = Math.imul(top, base);
  let hash = 0;
  for (let i = 0; i < text.length; i++) {
    if (i >= GRAM) hash = (hash - Math.imul(text.charCodeAt(i - GRAM), top)) | 0;
    hash = (Math.imul(hash, base) + text.charCodeAt(i)) | 0;
    if (i >= GRAM - 1) hashes[i - GRAM + 1] = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
  }
  let last = -1, least = -1;
  for (let start = 0; start + WINDOW <= count; start++) {
    if (least < start) {
      least = start;
      for (let i = start + 1; i < start + WINDOW; i++) if (hashes[i]! <= hashes[least]!) least = i;
    } else if (hashes[start + WINDOW - 1]! <= hashes[least]!) least = start + WINDOW - 1;
    if (least !== last) {
      last = least;
      yield hashes[least]!;
    }
  }
}
