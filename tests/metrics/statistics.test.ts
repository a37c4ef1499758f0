import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auc, differenceInterval, mean, median, pairedInterval, wilson } from '../../src/metrics/index.ts';
import { RandomStream } from '../../src/random/philox.ts';

const numbers = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 30 });

describe('wilson', () => {
  it('gives the worked example', () => {
    // 15 of 50: the roots of (p - 0.3)^2 = z^2 p (1 - p) / 50.
    const { value, low, high } = wilson(15, 50);
    expect(value).toBe(0.3);
    expect(low).toBeCloseTo(0.191037, 5);
    expect(high).toBeCloseTo(0.437505, 5);
  });

  it('holds the value, within [0, 1], mirrored for failures, narrower for more trials', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(500), (a, b) => {
        const { value, low, high } = wilson(a, a + b);
        expect(low >= 0 && low <= value && value <= high && high <= 1).toBe(true);
        const mirrored = wilson(b, a + b);
        expect(mirrored.low).toBeCloseTo(1 - high, 12);
        const tenfold = wilson(10 * a, 10 * (a + b));
        expect(tenfold.high - tenfold.low).toBeLessThanOrEqual(high - low);
      }),
    );
  });

  it('is as much wider for several at once as their quantile of the normal distribution is', () => {
    // Where value and centre are 1/2 the half width is z / (2 sqrt(n + z^2)).
    for (const [together, z] of [[1, 1.959964], [2, 2.241403], [10, 2.807034], [30, 3.143980]] as const) {
      const { low, high } = wilson(60, 120, together);
      expect((high - low) / 2).toBeCloseTo(z / (2 * Math.sqrt(120 + z * z)), 6);
    }
  });

  it('knows nothing of no trials and refuses what is no proportion', () => {
    expect(wilson(0, 0)).toEqual({ successes: 0, n: 0, value: 0, low: 0, high: 1 });
    for (const [successes, n] of [[2, 1], [-1, 1], [0.5, 1], [1, NaN]] as const) expect(() => wilson(successes, n)).toThrow(RangeError);
  });
});

describe('mean and median', () => {
  it('are what they should be', () => {
    expect([mean([]), median([]), mean([1, 2, 6]), median([6, 1, 2]), median([10, 9, 2, 1])]).toEqual([0, 0, 3, 2, 5.5]);
    fc.assert(
      fc.property(numbers, (values) => {
        const m = median(values);
        expect(values.filter((v) => v < m).length).toBeLessThanOrEqual(values.length / 2);
        expect(values.filter((v) => v > m).length).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });
});

describe('auc', () => {
  it('is the share of pairs that are in order, ties half', () => {
    fc.assert(
      fc.property(numbers, numbers, (positives, negatives) => {
        let wins = 0;
        for (const p of positives) for (const n of negatives) wins += p > n ? 1 : p === n ? 0.5 : 0;
        expect(auc(positives, negatives)).toBeCloseTo(wins / (positives.length * negatives.length), 12);
        expect(auc(positives, negatives) + auc(negatives, positives)).toBeCloseTo(1, 12);
      }),
    );
    expect(auc([], [1])).toBe(0.5);
  });
});

describe('the interval of a difference between two proportions', () => {
  const outcomes = (count: number, share: (i: number) => number, name: string): boolean[] => {
    const random = new RandomStream(1, name);
    return Array.from({ length: count }, (_, i) => random.uniform(i) < share(i));
  };

  it('of independent ones: Newcombe (1998), table II, examples (a) and (h)', () => {
    const a = differenceInterval(wilson(56, 70), wilson(48, 80));
    expect(a.low).toBeCloseTo(0.0524, 4);
    expect(a.high).toBeCloseTo(0.3339, 4);
    const h = differenceInterval(wilson(10, 10), wilson(0, 10));
    expect(h.low).toBeCloseTo(0.6075, 4);
    expect(h.high).toBeCloseTo(1, 4);
  });

  it('of paired ones turns its sign with the sides, and is narrower the more outcomes go together', () => {
    const random = new RandomStream(2, 'paired');
    fc.assert(fc.property(fc.integer({ min: 40, max: 200 }), fc.nat(), (n, at) => {
      const a = Array.from({ length: n }, (_, i) => random.uniform(at + i) < 0.6);
      const same = a.map((outcome, i) => (i % 10 === 0 ? !outcome : outcome));
      const opposite = a.map((outcome) => !outcome);
      const [there, back] = [pairedInterval(a, same), pairedInterval(same, a)];
      expect(there.low).toBeCloseTo(-back.high, 12);
      expect(there.high).toBeCloseTo(-back.low, 12);
      const width = ({ low, high }: { low: number; high: number }): number => high - low;
      const alone = (b: readonly boolean[]): number => width(differenceInterval(wilson(a.filter(Boolean).length, n), wilson(b.filter(Boolean).length, n)));
      expect(width(there)).toBeLessThan(alone(same));
      expect(width(pairedInterval(a, opposite))).toBeGreaterThan(alone(opposite));
    }), { numRuns: 50 });
    expect(() => pairedInterval([true], [])).toThrow(RangeError);
  });

  it('of paired ones holds the truth in about 95 of 100 experiments', () => {
    const experiments = 400, n = 150;
    let held = 0;
    for (let experiment = 0; experiment < experiments; experiment++) {
      // What both share decides most draws: valid under a with probability 0.8, under b with 0.7.
      const shared = outcomes(n, () => 0.75, `shared ${experiment}`);
      const a = outcomes(n, (i) => (shared[i] ? 1 : 0.2), `a ${experiment}`);
      const b = outcomes(n, (i) => (shared[i] ? 0.9 : 0.1), `b ${experiment}`);
      const { low, high } = pairedInterval(a, b);
      if (low <= 0.1 && 0.1 <= high) held++;
    }
    expect(held / experiments).toBeGreaterThan(0.92);
    expect(held / experiments).toBeLessThan(0.985);
  });
});
