/** Rewards and credit: what each rule promises, and the learner's use of them with fake models. */
import { describe, expect, it } from 'vitest';
import { advantages, creditOf, repairSequence, sampleSequence } from '../../src/agents/learner/credit.ts';
import { rewardsOf } from '../../src/agents/reward.ts';
import type { Judged } from '../../src/contracts/agents.ts';
import type { Critique, Evaluation, Finding, Repair, Sample } from '../../src/contracts/records.ts';

const options = { faultWeight: 4, faultBefore: 1 };
/** One token a byte: token ids are the bytes, and 0 is end-of-text. */
const lengths = Array.from({ length: 256 }, (_, id) => (id === 0 ? 0 : 1));
const tokensOf = (text: string): number[] => [...Buffer.from(text), 0];

function finding(start: number, source: Finding['source'] = 'cpython'): Finding {
  return { source, kind: 'syntax', message: '', span: { start, end: start + 1 }, line: 1, column: start };
}

function judged(id: string, completion: string, over: Partial<Evaluation> = {}, codeTokens = 10, prompt = ''): Judged {
  const sample: Sample = { id, taskId: id, kind: 'unconditional', round: 1, attempt: 0, prompt, completion, finish: 'stop', tokens: tokensOf(completion), logProbs: tokensOf(completion).map(() => -1) };
  const evaluation: Evaluation = {
    id, valid: true, rulesValid: true, score: 1, findings: [], shape: '', bigrams: [], copy: false,
    counts: { bytes: completion.length, lines: 1, codeTokens, ownNodes: 3, repeatedLines: 0, similarLines: 0, docstring: false, maxNesting: 0, longestLine: 0 }, ...over,
  };
  return { sample, evaluation };
}
const critique = (id: string, logOdds?: number): Critique => ({ sampleId: id, readability: 1, ...(logOdds === undefined ? {} : { logOdds }) });

describe('rewards', () => {
  it('are the clipped odds of valid originals and nothing else', () => {
    const all = [judged('a', 'x'), judged('b', 'x'), judged('c', 'x', { copy: true }), judged('d', 'x', { valid: false, reason: 'syntax' }), judged('e', 'x')];
    const rewards = rewardsOf(all, [critique('a', Math.log(0.5)), critique('b', 9), critique('c', 0), critique('d'), critique('e', 0)], { oddsClip: 2 });
    expect(rewards.map(({ value }) => value)).toEqual([0.5, 2, 0, 0, 1]);
    const flattened = rewardsOf(all, [critique('a', Math.log(0.25)), critique('b', 9), critique('c', 0), critique('d'), critique('e', 0)], { oddsClip: 2, oddsPower: 0.5 });
    expect(flattened.map(({ value }) => value)).toEqual([0.5, 2, 0, 0, 1]);
  });

  it('are shared by the valid samples of a shape, to a power', () => {
    const all = [...Array.from({ length: 4 }, (_, i) => judged(`s${i}`, 'x', { shape: 's' })), judged('t', 'x', { shape: 't' }), judged('u', 'x', { shape: 's', valid: false, reason: 'syntax' })];
    const values = (shapePower: number): number[] => rewardsOf(all, [], { oddsClip: 1, shapePower }).map(({ value }) => value);
    expect(values(1)).toEqual([0.25, 0.25, 0.25, 0.25, 1, 0]);
    expect(values(0.5)).toEqual([0.5, 0.5, 0.5, 0.5, 1, 0]);
    expect(values(0)).toEqual([1, 1, 1, 1, 1, 0]);
  });
});

describe('advantages', () => {
  it('have mean 0 and unit variance, and compare samples with others of their length only', () => {
    // Short samples are valid far more often: a single baseline would reward brevity.
    const all = Array.from({ length: 192 }, (_, i) => judged(String(i), 'x', { valid: i < 96 ? i % 4 !== 0 : i % 4 === 0 }, i < 96 ? 5 : 50));
    const rewards = rewardsOf(all, [], { oddsClip: 2 });
    const a = advantages(all, rewards, 48);
    const sum = (xs: number[]): number => xs.reduce((total, x) => total + x, 0);
    expect(sum(a)).toBeCloseTo(0);
    expect(sum(a.map((x) => x * x)) / a.length).toBeCloseTo(1);
    expect(sum(a.slice(0, 96))).toBeCloseTo(0);
    const validOf = (from: number, to: number): number => a.slice(from, to).find((_, i) => all[from + i]!.evaluation.valid)!;
    expect(validOf(96, 192)).toBeGreaterThan(validOf(0, 96));
  });

  it('with one bin for all, reward brevity', () => {
    const all = Array.from({ length: 192 }, (_, i) => judged(String(i), 'x', { valid: i < 96 ? i % 4 !== 0 : i % 4 === 0 }, i < 96 ? 5 : 50));
    const a = advantages(all, rewardsOf(all, [], { oddsClip: 2 }), 1000);
    expect(a.slice(0, 96).reduce((total, x) => total + x, 0)).toBeGreaterThan(40);
  });

  it('are 0 where all rewards are equal', () => {
    const all = [judged('a', 'x'), judged('b', 'x')];
    expect(advantages(all, rewardsOf(all, [], { oddsClip: 2 }), 48)).toEqual([0, 0]);
  });
});

describe('credit', () => {
  it('goes to every token of a valid sample', () => {
    expect(creditOf(judged('a', 'abc'), 0.5, lengths, options)).toEqual([0.5, 0.5, 0.5, 0.5]);
  });

  it('blames only the tokens where the compiler points, in bytes behind the prompt', () => {
    const prompt = 'é:'; // three bytes
    const failed = judged('a', 'ab*def', { valid: false, reason: 'syntax', findings: [finding(3, 'rule'), finding(3 + 3)] }, 10, prompt);
    expect(creditOf(failed, -0.5, lengths, options)).toEqual([0, 0, -2, -4, 0, 0, 0]);
  });

  it('blames the place where the text broke rather than the one where the compiler noticed', () => {
    const failed = judged('a', 'abcd*f', { valid: false, reason: 'syntax', findings: [finding(0)], brokenAt: 5 });
    expect(creditOf(failed, 0, lengths, options)).toEqual([0, 0, 0, 0, -2, -4, 0]);
  });

  it('blames the first letter of the word that cannot stand there, and the indentation of the line', () => {
    const blamed = (text: string, brokenAt: number): number => creditOf(judged('a', text, { valid: false, reason: 'syntax', brokenAt }), 0, lengths, options).indexOf(-4);
    expect(blamed('x excep', 6)).toBe(2);
    expect(blamed('x\n  y', 4)).toBe(2);
    expect(blamed('x\n  yield', 7)).toBe(2);
    expect(blamed('x\ny', 2)).toBe(2);
    expect(blamed('x = )', 4)).toBe(4);
    // The word that is finished is none of it.
    expect(blamed('return)', 6)).toBe(6);
  });

  it('blames the end of the text when the fault lies there, and never what the prompt holds', () => {
    const end = judged('a', 'abc', { valid: false, reason: 'syntax', findings: [finding(3)] });
    expect(creditOf(end, -1, lengths, options)).toEqual([0, 0, -2, -4]);
    const before = judged('a', 'abc', { valid: false, reason: 'syntax', findings: [finding(0)] }, 10, '(((');
    expect(creditOf(before, -1, lengths, options)).toEqual([0, 0, 0, 0]);
  });

  it('blames a cut-off sample for every line it began, one break in all, unless it had broken before', () => {
    const text = 'a\nb\nc';
    const running = (over: Partial<Evaluation>): number[] => creditOf(judged('a', text, { valid: false, reason: 'truncated', findings: [finding(1)], ...over }), -1, lengths, options);
    expect(running({})).toEqual([0, -2, 0, -2, 0, 0]);
    expect(running({ brokenAt: text.length })).toEqual([0, -2, 0, -2, 0, 0]);
    expect(running({ brokenAt: 2 })).toEqual([0, -2, -4, 0, 0, 0]);
    expect(creditOf(judged('a', 'ab', { valid: false, reason: 'truncated' }), -1, lengths, options)).toEqual([0, 0, 0]);
  });

  it('of a continued revision goes to what it wrote, counted from where it went on', () => {
    const { sample, evaluation } = judged('a', 'kept) *ew', { valid: false, reason: 'syntax', brokenAt: 7 });
    const continued = { sample: { ...sample, kept: 5, tokens: tokensOf(' *ew') }, evaluation };
    expect(creditOf(continued, 0, lengths, options)).toEqual([0, -2, -4, 0, 0]);
  });

  it('blames an empty sample for its end, and never praises a failure', () => {
    expect(creditOf(judged('a', 'ab', { valid: false, reason: 'empty' }), -1, lengths, options)).toEqual([0, 0, -4]);
    expect(creditOf(judged('a', 'ab', { valid: false, reason: 'syntax', findings: [finding(0)] }), 3, lengths, options)).toEqual([-4, 0, 0]);
  });
});

describe('training sequences', () => {
  it('give the prompt no credit', () => {
    const sequence = sampleSequence(judged('a', 'xy', {}, 10, 'p'), [112], [1, 1, 1]);
    expect(sequence).toEqual({ tokens: [112, 120, 121, 0], likelihood: [0, 0, 0, 0], credit: [0, 1, 1, 1], oldLogProbs: [0, -1, -1, -1] });
  });

  it('end at the last token that has credit, and are none where no token has', () => {
    expect(sampleSequence(judged('a', 'xyz'), [], [0, -1, 0, 0])).toEqual({ tokens: [120, 121], likelihood: [0, 0], credit: [0, -1], oldLogProbs: [-1, -1] });
    expect(sampleSequence(judged('a', 'xyz'), [], [0, 0, 0, 0])).toBeNull();
  });

  it('raise only what a repair changed', () => {
    const parent = 'def f(:\n  return 1\n';
    const fixed = 'def f(x):\n  return 1\n';
    const revision: Sample = { ...judged('a~1', fixed).sample, parent: 'a' };
    const repair: Repair = { parent: 'a', revision, evaluation: judged('a~1', fixed).evaluation };
    const { likelihood, tokens } = repairSequence(repair, parent, tokensOf(fixed), lengths, 0.5);
    expect(fixed.split('').filter((_, i) => likelihood[i]! > 0).join('')).toBe('x)');
    expect(tokens).toHaveLength(fixed.indexOf(')') + 1);
  });
});
