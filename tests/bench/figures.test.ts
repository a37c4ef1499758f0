import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alternate, median, pairedRatio, Recorder } from '../../bench/figures.ts';

describe('medians and ratios', () => {
  it('takes the middle whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([])).toBeNaN();
  });

  it('compares pairs, so that a machine that slows down for both sides leaves a ratio alone', () => {
    fc.assert(fc.property(fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 1, maxLength: 9 }), (slowness) => {
      const { ratio, spread } = pairedRatio(slowness.map((s) => 3000 / s), slowness.map((s) => 1000 / s));
      expect(ratio).toBeCloseTo(3, 9);
      expect(spread[1] - spread[0]).toBeCloseTo(0, 9);
    }));
  });

  it('lies within its spread', () => {
    const pair = fc.tuple(fc.double({ min: 1, max: 100, noNaN: true }), fc.double({ min: 1, max: 100, noNaN: true }));
    fc.assert(fc.property(fc.array(pair, { minLength: 1, maxLength: 9 }), (pairs) => {
      const { ratio, spread } = pairedRatio(pairs.map(([a]) => a), pairs.map(([, b]) => b));
      expect(ratio).toBeGreaterThanOrEqual(spread[0]);
      expect(ratio).toBeLessThanOrEqual(spread[1]);
    }));
  });

  it('refuses sides of different length, and none at all', () => {
    expect(() => pairedRatio([1, 2], [1])).toThrow(RangeError);
    expect(() => pairedRatio([], [])).toThrow(RangeError);
  });
});

describe('taking turns', () => {
  it('calls the sides one after the other and drops the warm-up', async () => {
    const calls: string[] = [];
    const side = (name: string) => async () => calls.push(name);
    const answers = await alternate({ ours: side('a'), theirs: side('b') }, 2);
    expect(calls).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    expect(answers).toEqual({ ours: [3, 5], theirs: [4, 6] });
  });
});

describe('a report', () => {
  it('holds every repetition, median and spread, each ratio with its own, and says each missing thing once', () => {
    const lines: string[] = [];
    const recorder = new Recorder((line) => lines.push(line));
    recorder.figure('train.S', 'tokens/s', [10, 30, 20]);
    recorder.ratio('train.S/torch', [10, 30, 20], [5, 10, 10]);
    recorder.missing('a peer');
    recorder.missing('a peer');
    const report = recorder.report();
    expect(report.figures).toEqual([{ name: 'train.S', unit: 'tokens/s', repetitions: [10, 30, 20], median: 20, low: 10, high: 30 }]);
    expect(report.ratios).toEqual({ 'train.S/torch': 2 });
    expect(report.spreads).toEqual({ 'train.S/torch': [2, 3] });
    expect(report.missing).toEqual(['a peer']);
    expect(lines.filter((line) => line.includes('a peer'))).toHaveLength(1);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});
