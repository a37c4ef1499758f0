import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hash32, philox, RandomStream } from '../../src/random/philox.ts';

const ONES = 0xffffffff;
const seed = fc.nat(ONES);
const position = fc.nat(1_000_000);

describe('philox', () => {
  it('gives the known answers of Random123', () => {
    expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    expect(philox([ONES, ONES, ONES, ONES], [ONES, ONES])).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
  });

  it('depends on every word of counter and key', () => {
    const plain = philox([1, 2, 3, 4], [5, 6]).join();
    for (let word = 0; word < 4; word++) {
      const counter: [number, number, number, number] = [1, 2, 3, 4];
      counter[word]! += 1;
      expect(philox(counter, [5, 6]).join()).not.toBe(plain);
    }
    expect(philox([1, 2, 3, 4], [6, 6]).join()).not.toBe(plain);
    expect(philox([1, 2, 3, 4], [5, 7]).join()).not.toBe(plain);
  });
});

describe('RandomStream', () => {
  it('is a function of seed, name and position alone', () => {
    fc.assert(
      fc.property(seed, fc.array(fc.oneof(fc.string(), fc.nat())), fc.array(position, { minLength: 1 }), (s, name, positions) => {
        const forward = new RandomStream(s, ...name);
        const backward = new RandomStream(s, ...name);
        const seen = positions.map((p) => forward.uint32(p));
        expect([...positions].reverse().map((p) => backward.uint32(p)).reverse()).toEqual(seen);
      }),
    );
  });

  it('tells names apart, also where their parts would join to one string, or a number looks like a text', () => {
    const first = (...name: (string | number)[]): number => new RandomStream(1, ...name).uint32(0);
    const draws = [first('a', 'b'), first('ab'), first('a', 'b', ''), first('a', 1), first('a', '1'), first(), first(''), first('b', 'a')];
    expect(new Set(draws).size).toBe(draws.length);
    expect(new RandomStream(1, 'a').uint32(0)).not.toBe(new RandomStream(2, 'a').uint32(0));
  });

  it('goes on beyond 2^32 positions without repeating the start', () => {
    const stream = new RandomStream(3, 'long');
    const far = 4 * 2 ** 32;
    expect([0, 1, 2, 3].map((i) => stream.uint32(far + i))).not.toEqual([0, 1, 2, 3].map((i) => stream.uint32(i)));
  });

  it('keeps uniforms inside (0, 1) and integers below their bound', () => {
    fc.assert(
      fc.property(seed, position, fc.integer({ min: 1, max: 2 ** 32 }), (s, p, bound) => {
        const stream = new RandomStream(s);
        const uniform = stream.uniform(p);
        const integer = stream.integer(p, bound);
        expect(uniform > 0 && uniform < 1).toBe(true);
        expect(Number.isInteger(integer) && integer >= 0 && integer < bound).toBe(true);
      }),
    );
  });

  it('draws uniforms and normals with the moments they should have', () => {
    const stream = new RandomStream(7, 'moments');
    const n = 20_000;
    const average = (f: (i: number) => number): number => Array.from({ length: n }, (_, i) => f(i)).reduce((a, b) => a + b, 0) / n;
    // Five standard errors.
    expect(Math.abs(average((i) => stream.uniform(i)) - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(average((i) => stream.uniform(i) * stream.uniform(i + 1)) - 1 / 4)).toBeLessThan(5 * Math.sqrt(7 / 144 / n) * 2);
    expect(Math.abs(average((i) => stream.normal(i)))).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(average((i) => stream.normal(i) ** 2) - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
  });

  it('permutes: every index once, and each first place about equally often', () => {
    fc.assert(
      fc.property(seed, fc.nat(200), (s, length) => {
        expect([...new RandomStream(s).permutation(length)].sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i));
      }),
    );
    const first = [0, 0, 0, 0];
    for (let s = 0; s < 4000; s++) first[new RandomStream(s, 'shuffle').permutation(4)[0]!]!++;
    for (const count of first) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(4000 * 0.25 * 0.75));
  });
});

describe('hash32', () => {
  it('gives FNV-1a over the bytes of UTF-16 units', () => {
    expect(hash32('')).toBe(0x811c9dc5);
    // FNV-1a of the bytes 61 00, by hand: one xor and multiplication each.
    const once = Math.imul(0x811c9dc5 ^ 0x61, 0x01000193);
    expect(hash32('a')).toBe(Math.imul(once, 0x01000193) >>> 0);
  });
});
