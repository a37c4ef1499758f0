import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../src/random/philox.ts';
import { BleuReferences, bleuTokens, distinctShapes, jensenShannon, repeatedLines, sampledEntropy, selfBleu, structureDivergence } from '../../src/metrics/index.ts';

describe('jensenShannon', () => {
  const counts = fc.array(fc.tuple(fc.nat(8), fc.integer({ min: 1, max: 20 })), { minLength: 1, maxLength: 8 }).map((entries) => new Map(entries));
  const entropy = (ps: number[]): number => -ps.filter((p) => p > 0).reduce((sum, p) => sum + p * Math.log2(p), 0);

  it('is the entropy of the mixture less the mean of the entropies', () => {
    fc.assert(
      fc.property(counts, counts, (a, b) => {
        const total = (m: Map<number, number>): number => [...m.values()].reduce((x, y) => x + y, 0);
        const keys = [...new Set([...a.keys(), ...b.keys()])];
        const p = keys.map((key) => (a.get(key) ?? 0) / total(a));
        const q = keys.map((key) => (b.get(key) ?? 0) / total(b));
        const expected = entropy(p.map((x, i) => (x + q[i]!) / 2)) - (entropy(p) + entropy(q)) / 2;
        expect(jensenShannon(a, b)).toBeCloseTo(expected, 10);
        expect(jensenShannon(a, b)).toBeCloseTo(jensenShannon(b, a), 12);
        expect(jensenShannon(a, new Map([...a].map(([key, count]) => [key, 3 * count])))).toBeCloseTo(0, 12);
      }),
    );
  });

  it('is 1 bit for disjoint distributions', () => {
    expect(jensenShannon(new Map([[1, 5]]), new Map([[2, 3], [3, 1]]))).toBe(1);
    expect(jensenShannon(new Map(), new Map([[1, 1]]))).toBe(1);
    expect(jensenShannon(new Map(), new Map())).toBe(0);
  });
});

describe('structureDivergence', () => {
  it('compares equal counts: what comes after the shorter list changes nothing', () => {
    const valid = [[1, 2], [2, 3]];
    const heldOut = [[1, 2], [2, 2]];
    const value = structureDivergence(valid, heldOut);
    expect(value).toBeGreaterThan(0);
    expect(structureDivergence(valid, [...heldOut, [9, 9, 9]])).toBe(value);
    expect(structureDivergence([...valid, [9, 9, 9]], heldOut)).toBe(value);
    expect(structureDivergence(heldOut, heldOut)).toBe(0);
    expect(structureDivergence([], heldOut)).toBe(1);
  });
});

describe('distinctShapes', () => {
  it('of more texts is what draws of 200 have on average', () => {
    const shapes = Array.from({ length: 700 }, (_, i) => `${Math.floor(Math.sqrt(i * 37 % 700) * 9)}`);
    const drawn = Array.from({ length: 400 }, (_, t) => new Set(Array.from(new RandomStream(1, 'shapes', t).permutation(700).subarray(0, 200), (i) => shapes[i]!)).size);
    expect(distinctShapes(shapes)).toBeCloseTo(drawn.reduce((sum, count) => sum + count, 0) / drawn.length, -0.7);
  });

  it('does not fall by itself where more samples are valid, once it is taken from as many', () => {
    const random = new RandomStream(2, 'shapes');
    const shapes = (count: number): string[] => Array.from({ length: count }, (_, i) => `${random.integer(i, 300)}`);
    expect(distinctShapes(shapes(400), 60)).toBeGreaterThan(0.95 * distinctShapes(shapes(60)));
    expect(distinctShapes(shapes(400))).toBeLessThan(0.85 * distinctShapes(shapes(60)));
  });

  it('counts among 200 and scales when there are fewer', () => {
    const shapes = Array.from({ length: 200 }, (_, i) => `${i % 150}`);
    expect(distinctShapes(shapes)).toBe(150);
    expect(distinctShapes(shapes.slice(0, 100))).toBe(200);
    expect(distinctShapes(['a', 'a', 'b', 'a'])).toBe(100);
    expect(distinctShapes(['', 'a', ''])).toBe(200);
    expect(distinctShapes([])).toBe(0);
  });
});

describe('repeatedLines and sampledEntropy', () => {
  it('weigh by lines and by tokens', () => {
    expect(repeatedLines([{ lines: 10, share: 0.5 }, { lines: 30, share: 0 }])).toBe(0.125);
    expect(repeatedLines([])).toBe(0);
    expect(sampledEntropy([[-1, -2], [-6]])).toBe(3);
    expect(sampledEntropy([[], []])).toBe(0);
  });

  it('estimate the entropy of the distribution drawn from', () => {
    // Each outcome as often as its probability says.
    const p = [0.5, 0.25, 0.125, 0.125];
    expect(sampledEntropy([p.flatMap((q) => Array.from({ length: 8 * q }, () => Math.log(q)))])).toBeCloseTo(1.75 * Math.LN2, 12);
  });
});

/** BLEU-4 of one text against others. */
const bleu = (hypothesis: readonly string[], references: readonly (readonly string[])[]): number => new BleuReferences(references, 4).score(hypothesis).at(-1)!;

describe('bleu', () => {
  it('gives the worked example of Papineni et al., candidate 1', () => {
    const words = (text: string): string[] => text.split(' ');
    const hypothesis = words('It is a guide to action which ensures that the military always obeys the commands of the party');
    const references = [
      words('It is a guide to action that ensures that the military will forever heed Party commands'),
      words('It is the guiding principle which guarantees the military forces always being under the command of the Party'),
      words('It is the practical guide for the army always to heed the directions of the party'),
    ];
    // Modified precisions 17/18, 10/17, 7/16, 4/15; the nearest reference is 18 words long... as the hypothesis is.
    expect(bleu(hypothesis, references)).toBeCloseTo(((17 / 18) * (10 / 17) * (7 / 16) * (4 / 15)) ** 0.25, 12);
    expect(bleu(hypothesis, references)).toBeCloseTo(0.5045666840058485, 12);
  });

  it('smooths what never matches and punishes brevity', () => {
    expect(bleu(['a', 'b', 'c', 'd'], [['a', 'x', 'y', 'z']])).toBeCloseTo(((1 / 4) * (0.1 / 3) * (0.1 / 2) * (0.1 / 1)) ** 0.25, 12);
    const five = ['a', 'b', 'c', 'd', 'e'];
    expect(bleu(five, [five])).toBeCloseTo(1, 12);
    expect(bleu(five, [[...five, 'f', 'g', 'h', 'i', 'j']])).toBeCloseTo(Math.exp(1 - 10 / 5), 12);
    expect(bleu(['q'], [five])).toBe(0);
    expect(bleu([], [five])).toBe(0);
    expect(bleu(five, [])).toBe(0);
  });
});

describe('selfBleu', () => {
  it('is the mean BLEU of each text against all others', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', '('), { maxLength: 10 });
    fc.assert(
      fc.property(fc.array(text, { minLength: 2, maxLength: 8 }), (texts) => {
        const each = texts.map((hypothesis, i) => bleu(hypothesis, texts.filter((_, j) => j !== i)));
        expect(selfBleu(texts)).toBeCloseTo(each.reduce((a, b) => a + b, 0) / texts.length, 12);
      }),
    );
  });

  it('is 1 for texts that are all alike, 0 for one text, and looks at the first 200', () => {
    const same = ['a', 'b', 'c', 'd', 'e'];
    expect(selfBleu([same, same, same])).toBeCloseTo(1, 12);
    expect(selfBleu([same])).toBe(0);
    const many = Array.from({ length: 200 }, (_, i) => [`w${i}`, 'x', `y${i % 7}`, 'z']);
    expect(selfBleu([...many, same, same])).toBe(selfBleu(many));
  });

  it('has tokens that are words and single signs', () => {
    expect(bleuTokens('self._x += [1.5]')).toEqual(['self', '.', '_x', '+', '=', '[', '1', '.', '5', ']']);
  });
});
