import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DuplicateIndex, jaccard, NEAR_DUPLICATE, shingles } from '../../src/tasks/duplicates.ts';

const statement = (n: number): string => `value_${n} = compute_${(n * 7) % 31}(value_${n - 1}, ${n}) + offset\n`;
const program = (from: number, to: number): string => Array.from({ length: to - from }, (_, i) => statement(from + i)).join('');

describe('jaccard', () => {
  it('is the size of the intersection over that of the union', () => {
    const set = fc.uniqueArray(fc.nat(30), { maxLength: 20 });
    const sorted = (values: number[]): Uint32Array => Uint32Array.from(values).sort();
    fc.assert(
      fc.property(set, set, (a, b) => {
        const union = new Set([...a, ...b]).size;
        expect(jaccard(sorted(a), sorted(b))).toBeCloseTo(union === 0 ? 0 : a.filter((x) => b.includes(x)).length / union, 12);
      }),
    );
  });
});

describe('shingles', () => {
  it('see code, not comments, blank lines or indentation', () => {
    const text = program(0, 10);
    expect(shingles(`# Copyright\n\n${text.replace(/\n/g, '  # note\n\n')}`)).toEqual(shingles(text));
    expect(shingles('# only a comment\n')).toHaveLength(0);
    expect(shingles('x')).toHaveLength(1);
    expect(shingles(text)).not.toEqual(shingles(program(1, 11)));
  });
});

describe('DuplicateIndex', () => {
  it('finds the near copy and names the original, but not a relative below the threshold', () => {
    const index = new DuplicateIndex();
    expect(index.add('a.py', program(0, 200))).toBeUndefined();
    expect(index.add('b.py', program(5, 205))).toBe('a.py');
    const half = program(0, 100) + program(1000, 1100);
    expect(jaccard(shingles(half), shingles(program(0, 200)))).toBeLessThan(NEAR_DUPLICATE);
    expect(index.add('c.py', half)).toBeUndefined();
    // b.py was not remembered: what is near to it alone is compared with a.py.
    expect(index.add('d.py', program(5, 206))).toBe('a.py');
  });

  it('agrees with comparing all pairs', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(12), fc.integer({ min: 20, max: 60 })), { minLength: 2, maxLength: 8 }), (ranges) => {
        const index = new DuplicateIndex();
        const kept: Uint32Array[] = [];
        ranges.forEach(([from, length], i) => {
          const text = program(from, from + length);
          const set = shingles(text);
          const expected = kept.some((other) => jaccard(set, other) >= NEAR_DUPLICATE);
          expect(index.add(`${i}`, text) !== undefined).toBe(expected);
          if (!expected) kept.push(set);
        });
      }),
    );
  });
});
