import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { choosePrompts, groupAdvantages, withEnds } from '../../bench/round.ts';

describe('group-relative advantages', () => {
  it('sum to nothing within each group and keep the order of its rewards', () => {
    fc.assert(fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 }), (rewards) => {
      const advantages = groupAdvantages(rewards, 4);
      for (const from of [0, 4]) {
        const own = advantages.slice(from, from + 4);
        expect(own.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 6);
        for (let a = 0; a < 4; a++) for (let b = 0; b < 4; b++) if (rewards[from + a]! < rewards[from + b]!) expect(own[a]!).toBeLessThanOrEqual(own[b]!);
      }
    }));
  });

  it('are nothing where all of a group fared alike', () => {
    expect(groupAdvantages([1, 1, 0, 0, 1, 0], 2).slice(0, 4)).toEqual([0, 0, 0, 0]);
  });
});

describe('prompts', () => {
  const letters = { encode: (text: string) => Array.from(text, (_, i) => i), decode: () => '' };

  it('are different heads of functions of exactly the wanted length', () => {
    const documents = ['def f(abc):\n  pass\n', 'def f(abc):\n  return 1\n', 'def f(abcd):\n  pass\n', 'class A(bc):\n  pass\n', 'def gh(bcd):\n  pass\n', 'def gh(xy):\n'];
    expect(choosePrompts(documents, letters, 2)).toEqual(['def f(abcd):', 'def gh(bcd):']);
    expect(() => choosePrompts(documents, letters, 3)).toThrow(RangeError);
  });
});

it('the end of text stands out in the shared dimension, and in nothing else', () => {
  const width = 8, vocabulary = 300;
  const weights = new Float32Array(vocabulary * width + 5).fill(0.01);
  withEnds(weights, vocabulary, width, 50);
  const shared = Array.from({ length: vocabulary }, (_, token) => weights[token * width]!);
  expect(new Set(shared.slice(1)).size).toBe(1);
  expect(Math.max(...shared)).toBe(shared[0]);
  expect(shared[0]!).toBeGreaterThan(shared[1]!);
  expect(weights.filter((value, i) => i % width !== 0 || i >= vocabulary * width).every((value) => Math.abs(value - 0.01) < 1e-6)).toBe(true);
});
