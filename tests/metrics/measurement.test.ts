import { describe, expect, it } from 'vitest';
import type { Judged } from '../../src/contracts/agents.ts';
import type { Evaluation, Guards, RoundRow, Sample } from '../../src/contracts/records.ts';
import { ALARM_LIMITS, alarmBounds, alarmsOf, checksOf, guards, histogramOf, measurement, structureDivergence } from '../../src/metrics/index.ts';

let next = 0;
function judged(evaluation: Partial<Omit<Evaluation, 'counts'>> & { counts?: Partial<Evaluation['counts']> }, sample: Partial<Sample> = {}): Judged {
  const id = `s${next++}`;
  const valid = evaluation.valid ?? true;
  return {
    sample: { id, taskId: id, kind: 'unconditional', round: 1, attempt: 0, prompt: '', completion: `def f_${id}(): return ${id}`, finish: 'stop', ...sample },
    evaluation: {
      id, valid, rulesValid: valid, score: 1, findings: [], shape: id, bigrams: [], copy: false,
      ...evaluation,
      counts: { bytes: 1, lines: 10, codeTokens: 10, ownNodes: 9, repeatedLines: 0, similarLines: 0, docstring: false, maxNesting: 1, longestLine: 20, ...evaluation.counts },
    },
  };
}
const heldOut = { bits: 300, bytes: 200, bigrams: [[1, 2, 3], [2, 3], [7]] };

describe('measurement', () => {
  it('keeps every sample in the denominator', () => {
    const unconditional = [judged({}), judged({ valid: false }), judged({ valid: false, rulesValid: true }), judged({ valid: false, reason: 'truncated' })];
    const { unconditional: proportion, prompted, rulesGap, split } = measurement({ split: 'test', unconditional, prompted: [judged({}), judged({ valid: false })], heldOut });
    expect([proportion.successes, proportion.n, prompted.successes, prompted.n, rulesGap, split]).toEqual([1, 4, 1, 2, 0.25, 'test']);
  });

  it('takes the guards over valid samples, entropy over all', () => {
    const samples = [
      judged({ counts: { codeTokens: 5, lines: 10, repeatedLines: 0.2 }, bigrams: [1, 2], shape: 'a', copy: true }, { tokens: [1, 2, 3], logProbs: [-1, -1, -1] }),
      judged({ counts: { codeTokens: 9, lines: 30, repeatedLines: 0 }, bigrams: [2, 3], shape: 'b' }, { tokens: [1, 2, 3, 4, 5], logProbs: [-2, -2, -2, -2, -2] }),
      judged({ valid: false, counts: { codeTokens: 1000, lines: 100, repeatedLines: 1 }, bigrams: [99], shape: 'z', copy: true }, { tokens: [1], logProbs: [-7] }),
    ];
    const result = guards(samples, heldOut);
    expect(result).toMatchObject({ bitsPerByte: 1.5, tokens: 4, codeTokens: 7, distinctShapes: 200, validCount: 2, repeatedLines: 0.05, copies: 0.5 });
    expect(result.entropy).toBeCloseTo((3 * 1 + 5 * 2 + 7) / 9, 12);
    expect(result.divergence).toBe(structureDivergence([[1, 2], [2, 3]], heldOut.bigrams));
    expect(result.selfBleu).toBeGreaterThan(0);
  });

  it('sees what guards over valid samples do not: empty samples are a share of all, padding and similar lines of the valid ones', () => {
    const result = guards([
      judged({ counts: { bytes: 100, codeTokens: 10, similarLines: 0.5 } }),
      judged({ counts: { bytes: 20, codeTokens: 10 }, renamed: true }),
      judged({ valid: false, reason: 'empty', counts: { bytes: 900, codeTokens: 1, similarLines: 1 } }),
      judged({ valid: false, reason: 'syntax', counts: { bytes: 900, codeTokens: 1, similarLines: 1 } }),
    ], heldOut);
    expect(result).toMatchObject({ empty: 0.25, bytesPerCodeToken: 6, similarLines: 0.25, renamedCopies: 0.5, copies: 0 });
  });

  it('is made of finite numbers where there is nothing to measure', () => {
    const empty = measurement({ split: 'gate', unconditional: [], prompted: [], heldOut: { bits: 0, bytes: 0, bigrams: [] } });
    const outside = guards([judged({})], heldOut);
    for (const record of [empty.guards, outside]) for (const value of Object.values(record)) expect(Number.isFinite(value)).toBe(true);
    expect([empty.unconditional.low, empty.unconditional.high, empty.guards.divergence, outside.tokens]).toEqual([0, 1, 1, 0]);
  });
});

describe('histogramOf', () => {
  it('counts every value once, each bin without its upper end, and what lies outside at the ends', () => {
    expect(histogramOf([-5, 0, 1.99, 2, 5.9, 6, 700], { from: 0, width: 2, count: 3 })).toEqual({ from: 0, width: 2, counts: [3, 1, 3] });
    expect(histogramOf([], { from: 0, width: 1, count: 2 }).counts).toEqual([0, 0]);
  });
});

describe('checksOf', () => {
  const guards: Guards = { bitsPerByte: 1.5, tokens: 55, codeTokens: 25, distinctShapes: 170, validCount: 4000, divergence: 0.08, repeatedLines: 0.01, similarLines: 0.02, bytesPerCodeToken: 6, empty: 0.02, copies: 0, renamedCopies: 0, selfBleu: 0.4, entropy: 2 };
  const of = (now: Guards) => new Map(checksOf(alarmBounds(now, guards), now, guards).map((check) => [check.guard, check]));

  it('joins both ends of a guard, and says where it lies beyond one', () => {
    expect(of(guards).get('codeTokens')).toEqual({ guard: 'codeTokens', start: 25, now: 25, least: 21.25, most: 37.5, held: true });
    expect(of({ ...guards, codeTokens: 20 }).get('codeTokens')).toMatchObject({ now: 20, held: false });
    expect(of({ ...guards, divergence: 0.2 }).get('divergence')).toEqual({ guard: 'divergence', start: 0.08, now: 0.2, most: 1.5 * 0.08, held: false });
  });

  it('has no bound where the rule says nothing: tokens may grow, guards over valid samples need some', () => {
    expect(of({ ...guards, tokens: 90 }).has('tokens')).toBe(false);
    expect([...of({ ...guards, validCount: 0, distinctShapes: 0 }).values()].every(({ held }) => held)).toBe(true);
  });
});

describe('alarmsOf', () => {
  const start: Guards = { bitsPerByte: 1.5, tokens: 55, codeTokens: 25, distinctShapes: 170, validCount: 4000, divergence: 0.08, repeatedLines: 0.01, similarLines: 0.02, bytesPerCodeToken: 6, empty: 0.02, copies: 0, renamedCopies: 0, selfBleu: 0.4, entropy: 2 };
  const row = (round: number, change: Partial<Guards>): RoundRow => {
    const proportion = { successes: 1, n: 2, value: 0.5, low: 0.1, high: 0.9 };
    return {
      round, checkpoint: `${round}`, outcome: 'promoted', validityAfterRefinement: null, meanReward: null, discriminatorAuc: null, discriminatorLoss: null,
      test: { split: 'test', unconditional: proportion, prompted: proportion, rulesGap: 0, guards: { ...start, ...change } },
    };
  };
  const names = (change: Partial<Guards>): string[] => alarmsOf([row(0, {}), row(1, { divergence: 9 }), row(2, change)]).map(({ alarm }) => alarm);

  it.each<[string, Partial<Guards>, Partial<Guards>]>([
    ['shapes.collapse', { distinctShapes: 130 }, { distinctShapes: 140 }],
    ['lines.repeated', { repeatedLines: 0.031 }, { repeatedLines: 0.03 }],
    ['code.shorter', { codeTokens: 21 }, { codeTokens: 22 }],
    ['code.longer', { codeTokens: 38 }, { codeTokens: 37 }],
    ['divergence.high', { divergence: 0.121 }, { divergence: 0.119 }],
    ['bits.worse', { bitsPerByte: 1.516 }, { bitsPerByte: 1.514 }],
    ['copies', { copies: 0.011 }, { copies: 0.01 }],
    ['docstring.padding', { bytesPerCodeToken: 9.1 }, { bytesPerCodeToken: 8.9 }],
    ['lines.similar', { similarLines: 0.101 }, { similarLines: 0.1 }],
    ['samples.empty', { empty: 0.151 }, { empty: 0.15 }],
    ['copies.renamed', { renamedCopies: 0.081 }, { renamedCopies: 0.08 }],
  ])('%s is raised beyond its limit and only there', (name, beyond, within) => {
    expect(names(beyond)).toEqual([name]);
    expect(names(within)).toEqual([]);
  });

  it('shortening that few samples show by chance is none', () => {
    const few = (codeTokens: number, validCount: number): string[] => alarmsOf([row(0, { validCount }), row(1, { validCount, codeTokens })]).map(({ alarm }) => alarm);
    expect(few(20, 130)).toEqual([]);
    expect(few(20, 4000)).toEqual(['code.shorter']);
    expect(few(16, 130)).toEqual(['code.shorter']);
    expect(few(1, 3)).toEqual([]);
  });

  it('a corpus that is so by itself raises no alarm: shares may grow by half of what round 0 had', () => {
    const shares = { similarLines: 0.3, empty: 0.4, renamedCopies: 0.2 };
    const after = (factor: number): string[] => {
      const grown = Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, factor * share]));
      return alarmsOf([row(0, shares), row(1, grown)]).map(({ alarm }) => alarm);
    };
    expect(after(1.4)).toEqual([]);
    expect(after(1.6)).toEqual(['samples.empty', 'lines.similar', 'copies.renamed']);
  });

  it('says nothing of round 0, and reads limits that are given', () => {
    expect(alarmsOf([])).toEqual([]);
    expect(alarmsOf([row(0, { copies: 1 })])).toEqual([]);
    expect(alarmsOf([row(0, {}), row(1, { copies: 0.2 })], { ...ALARM_LIMITS, copies: 0.5 })).toEqual([]);
  });

  it('does not blame a round without valid samples for their shape or length', () => {
    expect(names({ validCount: 0, distinctShapes: 0, tokens: 0, codeTokens: 0, divergence: 1 })).toEqual([]);
    expect(alarmsOf([row(0, { validCount: 0, tokens: 0, codeTokens: 0, distinctShapes: 0, divergence: 1 }), row(1, {})])).toEqual([]);
  });
});
