/**
 * Finds near-duplicate texts: MinHash over shingles of Python tokens (Broder, "On the resemblance and containment of
 * documents", 1997), in its bottom-k form: a text's sketch is the k smallest hashes of its shingles. Two texts that share
 * one of them are compared exactly. Not here: what is done about a duplicate.
 */
import { hash32 } from '../random/philox.ts';
import { lexPython } from './lexer.ts';

/** Tokens in a row that make one shingle. */
const SHINGLE = 5;
/**
 * Two texts whose shingle sets have Jaccard similarity J share one of their 8 smallest hashes with probability of about
 * 1 - (1 - J)^8, which is above 0.999999 at the threshold.
 */
const SKETCH = 8;
/** Jaccard similarity from which texts count as the same. */
export const NEAR_DUPLICATE = 0.85;

/**
 * Hashes of a text's shingles, sorted, without repeats. Comments, line ends and indentation are left out, so that
 * reformatting or another licence header does not hide a copy. Empty for a text without code.
 */
export function shingles(text: string): Uint32Array {
  const hashes: number[] = [];
  for (const { kind, start, end } of lexPython(text)) {
    if (kind !== 'comment' && kind !== 'newline') hashes.push(hash32(text.slice(start, end)));
  }
  if (hashes.length === 0) return new Uint32Array(0);
  const count = Math.max(1, hashes.length - SHINGLE + 1);
  const all = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    let hash = 0x9e3779b9;
    for (let j = i; j < Math.min(i + SHINGLE, hashes.length); j++) hash = mix(hash ^ hashes[j]!);
    all[i] = hash;
  }
  all.sort();
  let kept = 0;
  for (let i = 0; i < count; i++) if (i === 0 || all[i] !== all[i - 1]) all[kept++] = all[i]!;
  return all.slice(0, kept);
}

/** MurmurHash3's 32-bit finalizer: a bijection that spreads every bit. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Size of the intersection over size of the union of two sorted sets; 0 when both are empty. */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  let i = 0, j = 0, both = 0;
  while (i < a.length && j < b.length) {
    const x = a[i]!, y = b[j]!;
    if (x === y) both++;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  const either = a.length + b.length - both;
  return either === 0 ? 0 : both / either;
}

/** Remembers texts and tells of each new one whether it repeats an earlier one. */
export class DuplicateIndex {
  readonly #names: string[] = [];
  readonly #sets: Uint32Array[] = [];
  readonly #bySketch = new Map<number, number[]>();

  /** The name of the earlier text that this one (nearly) repeats; otherwise undefined, and the text is remembered. */
  add(name: string, text: string): string | undefined {
    const set = shingles(text);
    const sketch = set.subarray(0, SKETCH);
    const compared = new Set<number>();
    for (const hash of sketch) {
      for (const other of this.#bySketch.get(hash) ?? []) {
        if (compared.has(other)) continue;
        compared.add(other);
        const known = this.#sets[other]!;
        // The smaller set over the larger bounds the similarity from above.
        if (Math.min(set.length, known.length) < NEAR_DUPLICATE * Math.max(set.length, known.length)) continue;
        if (jaccard(set, known) >= NEAR_DUPLICATE) return this.#names[other];
      }
    }
    const index = this.#names.push(name) - 1;
    this.#sets.push(set);
    for (const hash of sketch) {
      const known = this.#bySketch.get(hash);
      if (known) known.push(index);
      else this.#bySketch.set(hash, [index]);
    }
    return undefined;
  }
}
