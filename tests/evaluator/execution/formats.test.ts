import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asciiJson, describeOutcome, executionRequest, FormatError, forbiddenIn, loadOutcome, meanPassAtK, parseCompletions, parseProblems, passAtK, testRequest, testResult } from '../../../src/evaluator/execution/index.ts';

function choose(n: number, k: number): number {
  let product = 1;
  for (let i = 1; i <= k; i++) product = (product * (n - k + i)) / i;
  return k > n ? 0 : product;
}

describe('pass@k', () => {
  it('is 1 - C(n-c, k) / C(n, k)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.nat(30), fc.nat(29), (n, c, k) => {
        fc.pre(c <= n && k + 1 <= n);
        expect(passAtK(n, c, k + 1)).toBeCloseTo(1 - choose(n - c, k + 1) / choose(n, k + 1), 9);
      }),
    );
  });

  it('is the share of passes for k = 1, grows with k, and refuses what makes no sense', () => {
    expect(passAtK(200, 50, 1)).toBeCloseTo(0.25, 12);
    expect(passAtK(200, 3, 100)).toBeGreaterThan(passAtK(200, 3, 10));
    expect([passAtK(5, 0, 5), passAtK(5, 1, 5), passAtK(5, 5, 1)]).toEqual([0, 1, 1]);
    for (const [n, c, k] of [[1, 2, 1], [1, 0, 2], [1, 0, 0], [0, 0, 1], [1.5, 1, 1]] as const) expect(() => passAtK(n, c, k)).toThrow(RangeError);
  });

  it('is averaged over problems, for each k that all have samples for', () => {
    expect(meanPassAtK([{ n: 10, c: 10 }, { n: 12, c: 0 }])).toEqual({ 'pass@1': 0.5, 'pass@10': 0.5 });
    expect(meanPassAtK([])).toEqual({});
  });
});

describe('benchmark files', () => {
  const human = { task_id: 'HumanEval/0', prompt: 'def f():\n', entry_point: 'f', canonical_solution: '    return 1\n', test: 'def check(candidate):\n    assert candidate() == 1\n' };
  const mbpp = { task_id: 126, text: 'Sum.', code: 'import os\ndef sum(a, b):\n    return a + b\n', test_setup_code: 'x = 1', test_list: ['assert sum(1, x) == 2', 'assert sum(2, 2) == 4'] };

  it('reads HumanEval and MBPP records, a line each or an array', () => {
    const problems = parseProblems([human, mbpp].map((record) => JSON.stringify(record)).join('\n'));
    expect(problems).toEqual([
      { id: 'HumanEval/0', prompt: human.prompt, solution: human.canonical_solution, tests: { kind: 'check', script: human.test, entryPoint: 'f' } },
      { id: '126', prompt: '', solution: mbpp.code, tests: { kind: 'asserts', names: ['sum'], script: 'x = 1\nassert sum(1, x) == 2\nassert sum(2, 2) == 4' } },
    ]);
    expect(parseProblems(JSON.stringify([human, mbpp]))).toEqual(problems);
    expect(executionRequest(problems[0]!, '    return 1\n', 'a')).toMatchObject({ id: 'a', program: 'def f():\n    return 1\n', prompt: 'def f():\n' });
  });

  it('says where a file is wrong', () => {
    const line = JSON.stringify(human);
    expect(() => parseProblems(`${line}\n{`)).toThrow(/Line 2 is not JSON/);
    expect(() => parseProblems(`${line}\n${line}`)).toThrow(/twice/);
    expect(() => parseProblems('\n')).toThrow(/There is no problem in it/);
    expect(() => parseProblems('{"task_id": "x"}')).toThrow(FormatError);
    expect(() => parseCompletions('{"task_id": "x"}')).toThrow(/Sample 1 needs/);
    expect(parseCompletions(`{"task_id": 3, "completion": "", "model": "m"}\n\n`)).toEqual([{ taskId: '3', completion: '', record: { task_id: 3, completion: '', model: 'm' } }]);
  });
});

describe('what interpreters send', () => {
  it('goes over the channel as ASCII on one line, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const sent = asciiJson({ text });
        // eslint-disable-next-line no-control-regex -- ASCII is the claim
        expect(sent).toMatch(/^[\x20-\x7e]*$/);
        expect(JSON.parse(sent)).toEqual({ text });
      }),
    );
  });

  it('the program never says that it passed', () => {
    expect(loadOutcome('{"verdict":"passed","assertions":9}', 256)).toBeNull();
    expect(loadOutcome('nonsense', 256)).toMatchObject({ verdict: 'forbidden' });
    expect(loadOutcome('{"memory":true}', 256)).toEqual({ verdict: 'out-of-memory', limitMb: 256 });
    expect(loadOutcome('{"raise":{"type":"ValueError","message":"x","line":3}}', 256)).toEqual({ verdict: 'error', type: 'ValueError', message: 'x', line: 3, where: 'program' });
    expect(forbiddenIn('{"forbidden":"os.fork","answer":{}}')).toBe('os.fork');
    expect(forbiddenIn('{"value":{"forbidden":"x"}}')).toBeNull();
  });

  it('a verdict is the trusted interpreter\'s, or none', () => {
    expect(testResult('{"verdict":"passed","assertions":3}', 256)).toEqual({ outcome: { verdict: 'passed' }, assertions: 3 });
    expect(testResult('{"verdict":"lost"}', 256)).toBeNull();
    expect(testResult('', 256)).toBeNull();
    expect(testRequest({ id: 'a', program: 'p', tests: { kind: 'none' } })).toBeNull();
    // The program is not told to it.
    expect(testRequest({ id: 'a', program: 'SECRET', tests: { kind: 'asserts', script: 'assert f()' } })).not.toContain('SECRET');
    expect(describeOutcome({ verdict: 'failed', assertion: { index: 0, line: 2, source: 'assert f() == 1', got: '2', wanted: '1' } })).toBe('failed: line 2 of the tests, assert f() == 1; got 2, wanted 1');
  });
});
