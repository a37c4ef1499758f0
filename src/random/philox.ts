/**
 * Counter-based random numbers: Philox4x32-10.
 * A draw is a pure function of (key, counter), so nothing has a state that must be saved, and work may be done in any
 * order or twice and still see the same numbers. Not for cryptography.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), section 4.3 and table 2.
 */

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff, aHigh = a >>> 16, bLow = b & 0xffff, bHigh = b >>> 16;
  const low = aLow * bLow;
  const mid = aHigh * bLow + (low >>> 16);
  const mid2 = aLow * bHigh + (mid & 0xffff);
  // Neither sum reaches 2^32: (2^16 - 1)^2 + 2^16 - 1 is less.
  return (aHigh * bHigh + (mid >>> 16) + (mid2 >>> 16)) >>> 0;
}

/** One Philox4x32-10 block: four unsigned 32-bit words from a 128-bit counter and a 64-bit key. */
export function philox(counter: readonly [number, number, number, number], key: readonly [number, number]): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(M0, c0), low0 = Math.imul(M0, c0) >>> 0;
    const high1 = mulHigh(M1, c2), low1 = Math.imul(M1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** FNV-1a (32 bits) of a string's UTF-16 units: names of streams become key words. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return hash >>> 0;
}

/**
 * A named stream of uniforms under one seed. `stream(seed, 'sample', round, task, attempt)` names it; each draw is then
 * addressed by its position, never by what was drawn before.
 */
export class RandomStream {
  #key: readonly [number, number];
  /** The block that was made last, for the next of its four words. */
  #block = -1;
  #words: readonly [number, number, number, number] = [0, 0, 0, 0];

  constructor(seed: number, ...name: readonly (string | number)[]) {
    this.#key = [seed >>> 0, hash32(name.map((part) => `${typeof part === 'number' ? '#' : '$'}${part}`).join('\u0000'))];
  }

  /** The stream with this key. */
  static of(key: readonly [number, number]): RandomStream {
    const stream = new RandomStream(0);
    stream.#key = key;
    return stream;
  }

  /** What the stream is by, whatever it was named. */
  get key(): readonly [number, number] {
    return this.#key;
  }

  /** The unsigned 32-bit integer at `position` (an integer in [0, 2^53)). */
  uint32(position: number): number {
    const block = Math.floor(position / 4);
    if (block !== this.#block) {
      this.#words = philox([block >>> 0, Math.floor(block / 0x100000000), 0, 0], this.#key);
      this.#block = block;
    }
    return this.#words[(position % 4) as 0 | 1 | 2 | 3];
  }

  /** A uniform in the open interval (0, 1): 32 random bits, centred, so that neither 0 nor 1 comes out. */
  uniform(position: number): number {
    return (this.uint32(position) + 0.5) / 0x100000000;
  }

  /** An integer in [0, bound), for 1 <= bound <= 2^32. The bias of the multiplication method is below bound / 2^32. */
  integer(position: number, bound: number): number {
    return Math.floor((this.uint32(position) / 0x100000000) * bound);
  }

  /** A standard normal (Box-Muller) from positions 2p and 2p + 1. */
  normal(position: number): number {
    return Math.sqrt(-2 * Math.log(this.uniform(2 * position))) * Math.cos(2 * Math.PI * this.uniform(2 * position + 1));
  }

  /** A permutation of 0..length-1 (Fisher-Yates, drawing at positions 0..length-2). */
  permutation(length: number): Uint32Array {
    const order = Uint32Array.from({ length }, (_, i) => i);
    for (let i = length - 1; i > 0; i--) {
      const j = this.integer(length - 1 - i, i + 1);
      const kept = order[i]!;
      order[i] = order[j]!;
      order[j] = kept;
    }
    return order;
  }
}
