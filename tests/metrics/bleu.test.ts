/** BLEU of all orders: worked examples, and a direct implementation that counts every reference anew for every hypothesis. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BleuReferences, type Tokens } from '../../src/metrics/index.ts';

const ORDERS = 5;
const words = (text: string): string[] => text.split(' ');

/** BLEU-n as the paper writes it down, with a numerator of 0 counted as 0.1. */
function direct(text: Tokens, references: readonly Tokens[], n: number): number {
  if (references.length === 0) return 0;
  const grams = (tokens: Tokens, order: number): string[] => tokens.slice(0, Math.max(0, tokens.length - order + 1)).map((_, i) => JSON.stringify(tokens.slice(i, i + order)));
  const occurrences = (list: readonly string[], gram: string): number => list.filter((one) => one === gram).length;
  const precisions: number[] = [];
  for (let order = 1; order <= n; order++) {
    const own = grams(text, order);
    const matches = [...new Set(own)].reduce((sum, gram) => sum + Math.min(occurrences(own, gram), Math.max(...references.map((reference) => occurrences(grams(reference, order), gram)))), 0);
    if (order === 1 && matches === 0) return 0;
    precisions.push((matches === 0 ? 0.1 : matches) / Math.max(1, own.length));
  }
  const [nearest] = references.map(({ length }) => length).sort((a, b) => Math.abs(a - text.length) - Math.abs(b - text.length) || a - b) as [number];
  const brevity = text.length > nearest ? 1 : Math.exp(1 - nearest / text.length);
  return brevity * precisions.reduce((product, p) => product * p ** (1 / n), 1);
}

describe('BLEU', () => {
  it('gives the worked example of Papineni et al., candidate 1, at every order', () => {
    const references = new BleuReferences([
      words('It is a guide to action that ensures that the military will forever heed Party commands'),
      words('It is the guiding principle which guarantees the military forces always being under the command of the Party'),
      words('It is the practical guide for the army always to heed the directions of the party'),
    ], ORDERS);
    const scores = references.score(words('It is a guide to action which ensures that the military always obeys the commands of the party'));
    const precisions = [17 / 18, 10 / 17, 7 / 16, 4 / 15, 2 / 14];
    for (const [i, score] of scores.entries()) expect(score).toBeCloseTo(precisions.slice(0, i + 1).reduce((a, b) => a * b) ** (1 / (i + 1)), 12);
  });

  it('clips what is said too often, at the most any one reference has it', () => {
    const [unigrams] = new BleuReferences([words('the cat is on the mat'), words('there is a cat on the mat')], 1).score(words('the the the the the the the'));
    expect(unigrams).toBeCloseTo(2 / 7, 12);
  });

  it('smooths the orders that never match, punishes brevity, and is 0 without a common word', () => {
    const references = new BleuReferences([words('a x y z')], 3);
    const smoothed = [1 / 4, ((1 / 4) * (0.1 / 3)) ** (1 / 2), ((1 / 4) * (0.1 / 3) * (0.1 / 2)) ** (1 / 3)];
    for (const [i, score] of references.score(words('a b c d')).entries()) expect(score).toBeCloseTo(smoothed[i]!, 12);
    expect(references.score(words('a x'))[1]).toBeCloseTo(Math.exp(1 - 4 / 2), 12);
    expect(references.score(words('b c'))).toEqual([0, 0, 0]);
    expect(references.score([])).toEqual([0, 0, 0]);
    expect(new BleuReferences([], 2).score(words('a b'))).toEqual([0, 0]);
  });

  const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 9 });
  it('is what the direct implementation says', () => {
    fc.assert(fc.property(text, fc.array(text, { maxLength: 6 }), (hypothesis, references) => {
      const scores = new BleuReferences(references, ORDERS).score(hypothesis);
      for (const [i, score] of scores.entries()) expect(Math.abs(score - direct(hypothesis, references, i + 1))).toBeLessThan(1e-12);
    }));
  });

  it('of each text against the others is BLEU with the text itself left out', () => {
    fc.assert(fc.property(fc.array(text, { maxLength: 7 }), (texts) => {
      for (const [s, scores] of new BleuReferences(texts, ORDERS).selfScores().entries()) {
        const others = texts.filter((_, i) => i !== s);
        for (const [i, score] of scores.entries()) expect(Math.abs(score - direct(texts[s]!, others, i + 1))).toBeLessThan(1e-12);
      }
    }));
  });
});
