import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mean, seedInterval, seedMean, student95, type SeedPair } from '../../src/metrics/index.ts';
import { RandomStream } from '../../src/random/philox.ts';

const uniform = (...name: (string | number)[]): ((position: number) => number) => {
  const stream = new RandomStream(1, ...name);
  return (position) => stream.uniform(position);
};

describe('student95', () => {
  it("gives the table's quantiles, and the normal one in the limit", () => {
    expect([student95(1), student95(2), student95(4)]).toEqual([12.7062, 4.30265, 2.77645]);
    for (const [freedom, tabled] of [[11, 2.200985], [12, 2.178813], [15, 2.13145], [20, 2.085963]] as const) expect(Math.abs(student95(freedom) - tabled)).toBeLessThan(2e-4);
    expect(student95(30)).toBeCloseTo(2.042272, 3);
    expect(student95(1e6)).toBeCloseTo(1.959964, 4);
    for (const freedom of [0, 1.5, NaN]) expect(() => student95(freedom)).toThrow(RangeError);
  });
});

describe('seedInterval', () => {
  it('gives the worked example: the extreme resamples of two seeds, moved outwards', () => {
    // Differences 1 and 3: of the resampled means 1, 2, 2, 3 a quarter each is 1 and 3, so these are the percentiles.
    const { difference, low, high } = seedInterval([{ a: [5], b: [4] }, { a: [5], b: [2] }], uniform('example'));
    const widened = Math.sqrt(2) * (12.7062 / 1.959963984540054);
    expect(difference).toBe(2);
    expect(low).toBeCloseTo(2 - widened, 9);
    expect(high).toBeCloseTo(2 + widened, 9);
  });

  it('holds the difference, turns round with the sides, and moves with a constant', () => {
    const seeds = fc.array(fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 });
    fc.assert(fc.property(seeds, (drawn) => {
      const pairs: SeedPair[] = drawn.map((values) => ({ a: values.map(([a]) => a), b: values.map(([, b]) => b) }));
      const one = seedInterval(pairs, uniform('law'), 200);
      expect(one.difference).toBeCloseTo(mean(pairs.map(({ a, b }) => mean(a) - mean(b))), 9);
      // Resampling draws the same seeds and samples for both, so only the sign of what was drawn changes.
      const turned = seedInterval(pairs.map(({ a, b }) => ({ a: b, b: a })), uniform('law'), 200);
      expect(turned.low).toBeCloseTo(-one.high, 9);
      expect(turned.high).toBeCloseTo(-one.low, 9);
      const moved = seedInterval(pairs.map(({ a, b }) => ({ a: a.map((value) => value + 5), b })), uniform('law'), 200);
      expect(moved.low).toBeCloseTo(one.low + 5, 9);
    }), { numRuns: 40 });
  });

  it('sees that samples are paired: equal sides leave no width, however much the samples differ among themselves', () => {
    const a = [0, 1, 0, 1, 1, 0];
    expect(seedInterval([{ a, b: a }, { a, b: a }, { a, b: a }], uniform('equal'))).toEqual({ difference: 0, low: 0, high: 0 });
  });

  it('one seed: only its samples are resampled, as a plain paired bootstrap does', () => {
    const a = Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 1 : 0));
    const { low, high } = seedMean([a], uniform('one'));
    // The standard error of a half over 400 is 0.025.
    expect(low).toBeGreaterThan(0.5 - 0.058);
    expect(low).toBeLessThan(0.5 - 0.04);
    expect(high).toBeLessThan(0.5 + 0.058);
    expect(high).toBeGreaterThan(0.5 + 0.04);
  });

  it('refuses no seeds, empty seeds and uneven sides', () => {
    expect(() => seedInterval([], uniform('none'))).toThrow(RangeError);
    expect(() => seedInterval([{ a: [], b: [] }], uniform('none'))).toThrow(RangeError);
    expect(() => seedInterval([{ a: [1], b: [1, 2] }], uniform('none'))).toThrow(RangeError);
  });

  it.each([3, 5])('holds the truth in about 95 of 100 experiments with %d seeds of binary samples; without widening it would not', (seeds) => {
    // Each seed's arm has a rate of its own round 0.5, the control's lies 0.1 below it with noise of its own.
    const experiments = 300, samples = 60;
    const widening = Math.sqrt(seeds / (seeds - 1)) * (student95(seeds - 1) / 1.959963984540054);
    let held = 0, heldUnwidened = 0;
    for (let e = 0; e < experiments; e++) {
      const random = new RandomStream(7, 'experiment', seeds, e);
      let position = 0;
      const pairs = Array.from({ length: seeds }, (): SeedPair => {
        const rate = 0.5 + 0.1 * random.normal(100_000 + position++);
        const other = rate - 0.1 + 0.1 * random.normal(100_000 + position++);
        const draw = (share: number): number[] => Array.from({ length: samples }, () => (random.uniform(position++) < share ? 1 : 0));
        return { a: draw(rate), b: draw(other) };
      });
      const { low, high } = seedInterval(pairs, uniform('coverage', seeds, e), 200);
      if (low <= 0.1 && 0.1 <= high) held++;
      const plain = seedInterval(pairs.map(({ a, b }) => ({ a: [mean(a)], b: [mean(b)] })), uniform('coverage', seeds, e), 200);
      if (plain.difference - (plain.difference - plain.low) / widening <= 0.1 && 0.1 <= plain.difference + (plain.high - plain.difference) / widening) heldUnwidened++;
    }
    expect(held / experiments).toBeGreaterThan(0.92);
    expect(heldUnwidened / experiments).toBeLessThan(0.92);
  });
});
