/** The evaluator's door for programs: options, order, tests by an executor that is handed in. */
import { describe, expect, it } from 'vitest';
import type { ExecutionRequest, ExecutionVerdict, Executor } from '../../src/contracts/execution.ts';
import { evaluate, evaluateMany, indexCorpus } from '../../src/evaluator/index.ts';

const TEXT = 'import os\n\n\ndef area(radius):\n    return radius * radius * 3 + os.remove(radius)\n';

function executor(): { executor: Executor; seen: ExecutionRequest[] } {
  const seen: ExecutionRequest[] = [];
  return {
    seen,
    executor: {
      executeMany: async (requests) => {
        seen.push(...requests);
        return requests.map(({ id }): ExecutionVerdict => ({ id, verdict: 'passed', passed: true, assertions: 1, seconds: 0, nondeterministic: null, output: '' }));
      },
      sandbox: async () => ({ sandbox: 'none', tried: [] }),
      close: async () => {},
    },
  };
}

describe('evaluate', () => {
  it('says everything by default but what needs a corpus or tests', async () => {
    const report = await evaluate(TEXT);
    expect(report).toMatchObject({ id: '0', valid: true, score: 1, copy: false, safety: { danger: 1 }, quality: { undefinedNames: 0, complexity: 1 } });
    expect([report.novelty, report.execution]).toEqual([undefined, undefined]);
    // CPython's own words: it was asked.
    expect((await evaluate('x = (1\n')).findings.map(({ source }) => source)).toContain('cpython');
  });

  it('takes a prompt, a cut end and the place of a break', async () => {
    expect(await evaluate({ text: 'def f(a):\n    pass\n', id: 'mine', promptLength: 9 }, { cpython: false })).toMatchObject({ id: 'mine', valid: false, reason: 'empty' });
    expect(await evaluate({ text: TEXT, finish: 'length' }, { cpython: false })).toMatchObject({ valid: false, reason: 'truncated' });
    expect((await evaluate('x = 1\ny = = 2\n', { locate: true })).brokenAt).toBe(10);
  });

  it('leaves out what is not wanted', async () => {
    const report = await evaluate('x = = os.remove(y)\n', { cpython: false, quality: false, safety: false });
    expect([report.quality, report.safety, report.findings.some(({ source }) => source !== 'rule' && source !== 'parse')]).toEqual([undefined, undefined, false]);
    expect(await evaluate(TEXT, { cpython: false, safety: { disable: ['danger'] }, quality: 'measures' })).toMatchObject({ quality: { lint: null } });
  });
});

describe('evaluateMany', () => {
  it('keeps order over any number of texts, beside a corpus that is indexed once', async () => {
    const corpus = indexCorpus([{ name: 'area.py', text: TEXT }]);
    const texts = Array.from({ length: 120 }, (_, i) => (i % 40 === 7 ? TEXT : `x_${i} = (${i}\n`));
    const reports = await evaluateMany(texts, { cpython: false, quality: false, corpus });
    expect(reports.map(({ id }) => id)).toEqual(texts.map((_, i) => String(i)));
    expect(reports.flatMap(({ copy }, i) => (copy ? [i] : []))).toEqual([7, 47, 87]);
    expect(reports[47]!.novelty).toMatchObject({ covered: 1, document: 'area.py' });
    expect((await evaluateMany([TEXT], { cpython: false, corpus: [TEXT] }))[0]).toMatchObject({ copy: true, novelty: { covered: 1 } });
    expect(await evaluateMany([], { cpython: false })).toEqual([]);
  });

  it('runs the tests of each text, or those of all, through the executor', async () => {
    const { executor: own, seen } = executor();
    const tests = { kind: 'asserts' as const, script: 'assert 1' };
    const reports = await evaluateMany([{ text: 'x = 1\n', tests }, 'y = 2\n', { text: 'def f():\n    pass\n', tests: { kind: 'none' }, promptLength: 8 }], { cpython: false, executor: own });
    expect(reports.map(({ execution }) => execution?.verdict)).toEqual(['passed', undefined, 'passed']);
    expect(seen).toEqual([{ id: '0', program: 'x = 1\n', prompt: '', tests }, { id: '2', program: 'def f():\n    pass\n', prompt: 'def f():', tests: { kind: 'none' } }]);
    const all = await evaluateMany(['x = 1\n', 'y = 2\n'], { cpython: false, executor: own, tests });
    expect(all.every(({ execution }) => execution?.passed)).toBe(true);
    await expect(evaluateMany(['x = 1\n'], { cpython: false, tests })).rejects.toThrow(/no `executor`/);
  });

  it('gives up when its signal aborts', async () => {
    await expect(evaluateMany(['x = 1\n'], { cpython: false, signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});
