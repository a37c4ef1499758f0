/**
 * A byte-level BPE tokenizer: text to ids and back, lossless on any bytes. Not here: how merges are learned (train.ts) and
 * tokenizer.json (file.ts).
 *
 * Ids: the special tokens first, then the 256 bytes in order, then one token a merge, in the order the merges were learned.
 * Special tokens only ever come from their ids: a text that spells one is encoded as the plain text it is.
 */
import { Heap } from './heap.ts';
import { byteStretches, pieces } from './pieces.ts';

/** A tokenizer could not be made, read or used; the message says what to do. */
export class TokenizerError extends Error {
  override readonly name = 'TokenizerError';
}

/** In the order of their ids, 0 to 4. */
export const SPECIAL_TOKENS = ['<|endoftext|>', '<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>', '<|mask|>'] as const;
export const SPECIAL_IDS = { endOfText: 0, prefix: 1, suffix: 2, middle: 3, mask: 4 } as const;
/** Id of byte 0. */
export const BYTE_IDS = SPECIAL_TOKENS.length;
export const FIRST_MERGE_ID = BYTE_IDS + 256;

/** Pieces longer than this are rarely met twice. */
const LONGEST_CACHED = 48;
const MOST_CACHED = 1 << 18;

export class Tokenizer {
  /** The pair of ids that token FIRST_MERGE_ID + i joins. */
  readonly merges: readonly (readonly [number, number])[];
  /** Number of ids, special tokens included. */
  readonly vocabulary: number;
  readonly #bytes: Uint8Array[] = [];
  /** left * 65536 + right -> merged id, which is also the merge's rank. */
  readonly #merged = new Map<number, number>();
  readonly #cache = new Map<string, readonly number[]>();
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** @throws TokenizerError when a merge names an id that does not exist yet, or repeats an earlier merge. */
  constructor(merges: readonly (readonly [number, number])[]) {
    this.merges = merges;
    this.vocabulary = FIRST_MERGE_ID + merges.length;
    for (let id = 0; id < BYTE_IDS; id++) this.#bytes.push(new Uint8Array(0));
    for (let byte = 0; byte < 256; byte++) this.#bytes.push(Uint8Array.of(byte));
    for (const [left, right] of merges) {
      const id = this.#bytes.length;
      const key = left * 65536 + right;
      const joined = [this.#bytes[left], this.#bytes[right]];
      if (!joined[0]?.length || !joined[1]?.length || this.#merged.has(key)) {
        throw new TokenizerError(`Merge ${id - FIRST_MERGE_ID} joins ids ${left} and ${right}: the merges are damaged or out of order; train the tokenizer again.`);
      }
      this.#merged.set(key, id);
      this.#bytes.push(Uint8Array.of(...joined[0], ...joined[1]));
    }
  }

  /** Ids of a well-formed string; a lone surrogate counts as U+FFFD, as everywhere where strings become bytes. */
  encode(text: string): number[] {
    const ids: number[] = [];
    this.#encodeInto(text, ids);
    return ids;
  }

  /** Ids of any bytes; equal to `encode` where they are UTF-8. A byte that is part of no character is a token of its own. */
  encodeBytes(bytes: Uint8Array): number[] {
    const ids: number[] = [];
    for (const stretch of byteStretches(bytes)) {
      if ('text' in stretch) this.#encodeInto(stretch.text, ids);
      else ids.push(BYTE_IDS + stretch.byte);
    }
    return ids;
  }

  /** Number of tokens of a text. */
  count(text: string): number {
    let count = 0;
    for (const piece of pieces(text)) count += this.#encodePiece(piece).length;
    return count;
  }

  /** Text of ids; special tokens are nothing, bytes that are not UTF-8 are U+FFFD (`decodeBytes` keeps them). */
  decode(ids: Iterable<number>): string {
    return this.#decoder.decode(this.decodeBytes(ids));
  }

  /** Bytes of ids; special tokens are nothing. @throws TokenizerError on an id that is not in the vocabulary. */
  decodeBytes(ids: Iterable<number>): Uint8Array {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (const id of ids) {
      const part = this.#bytes[id];
      if (!part) throw new TokenizerError(`Id ${id} is not in this vocabulary of ${this.vocabulary}: model and tokenizer do not belong together.`);
      parts.push(part);
      length += part.length;
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  #encodeInto(text: string, ids: number[]): void {
    for (const piece of pieces(text)) {
      const encoded = this.#encodePiece(piece);
      for (let i = 0; i < encoded.length; i++) ids.push(encoded[i]!);
    }
  }

  #encodePiece(piece: string): readonly number[] {
    const known = this.#cache.get(piece);
    if (known) return known;
    const encoded = this.#merge(this.#encoder.encode(piece));
    if (piece.length <= LONGEST_CACHED && this.#cache.size < MOST_CACHED) this.#cache.set(piece, encoded);
    return encoded;
  }

  /** Joins pairs, the earliest learned first and of these the leftmost, until no neighbours have a merge: O(n log n). */
  #merge(bytes: Uint8Array): number[] {
    const size = bytes.length;
    const symbols = Array.from(bytes, (byte) => BYTE_IDS + byte);
    if (size === 1) return symbols;
    const next = Int32Array.from({ length: size }, (_, i) => (i + 1 < size ? i + 1 : -1));
    const previous = Int32Array.from({ length: size }, (_, i) => i - 1);
    // Items are merged id * 2^32 + place: numbers in the order in which merges are made.
    const heap = new Heap((a, b) => a < b);
    const offer = (place: number): void => {
      const after = next[place]!;
      const id = after < 0 ? undefined : this.#merged.get(symbols[place]! * 65536 + symbols[after]!);
      if (id !== undefined) heap.push(id * 0x100000000 + place);
    };
    for (let place = 0; place < size; place++) offer(place);
    for (let item = heap.pop(); item !== undefined; item = heap.pop()) {
      const id = Math.floor(item / 0x100000000);
      const place = item % 0x100000000;
      const second = next[place]!;
      // The pair may be gone since it was offered.
      if (symbols[place]! < 0 || second < 0 || this.#merged.get(symbols[place]! * 65536 + symbols[second]!) !== id) continue;
      symbols[place] = id;
      symbols[second] = -1;
      next[place] = next[second]!;
      if (next[place]! >= 0) previous[next[place]!] = place;
      if (previous[place]! >= 0) offer(previous[place]!);
      offer(place);
    }
    return symbols.filter((symbol) => symbol >= 0);
  }
}
