import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ExecutionOutcome, ExecutionRequest, Executor, ExecutorOptions } from '../../src/contracts/execution.ts';
import { terminal, type Terminal } from './harness.ts';

const problems = ['a', 'b'].map((id) => ({ task_id: id, prompt: 'def f():\n', entry_point: 'f', canonical_solution: '    return 1\n', test: 'def check(candidate):\n    assert candidate() == 1\n' }));
const lines = (records: readonly object[]): string => records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** An executor that believes what the completion says. */
function believing(sandbox: 'bwrap' | 'none' = 'bwrap'): { opened: ExecutorOptions[]; requests: ExecutionRequest[]; closed: () => number; openExecutor: (options?: ExecutorOptions) => Executor } {
  const opened: ExecutorOptions[] = [], requests: ExecutionRequest[] = [];
  let closed = 0;
  return {
    opened, requests, closed: () => closed,
    openExecutor: (options = {}) => {
      opened.push(options);
      return {
        sandbox: async () => ({ sandbox, tried: [] }),
        close: async () => void closed++,
        executeMany: async (given, { onVerdict } = {}) => {
          requests.push(...given);
          return given.map((request, index) => {
            const outcome: ExecutionOutcome = request.program.includes('right') ? { verdict: 'passed' } : request.program.includes('slow') ? { verdict: 'timeout', limitMs: 3000 } : request.program.includes('refused') ? { verdict: 'sandbox-unavailable', message: 'no sandbox holds' } : { verdict: 'failed', assertion: { index: 0, line: 2, source: 'assert candidate() == 1', got: '0', wanted: '1' } };
            const verdict = { id: request.id, ...outcome, passed: outcome.verdict === 'passed', assertions: 1, seconds: 0.5, nondeterministic: null, output: '' };
            onVerdict?.(verdict, index);
            return verdict;
          });
        },
      };
    },
  };
}

function given(samples: readonly object[], fake = believing()): { on: Terminal; fake: ReturnType<typeof believing>; argv: string[] } {
  const on = terminal({ library: { openExecutor: fake.openExecutor } });
  writeFileSync(join(on.directory, 'problems.jsonl.gz'), gzipSync(lines(problems)));
  writeFileSync(join(on.directory, 'samples.jsonl'), lines(samples));
  return { on, fake, argv: ['humaneval', '--problems', 'problems.jsonl.gz', '--samples', 'samples.jsonl'] };
}

describe('ouroboros humaneval', () => {
  it('prints pass@k and writes results in the benchmark\'s own form', async () => {
    const { on, fake, argv } = given([{ task_id: 'a', completion: '    right', model: 'm' }, { task_id: 'a', completion: '    wrong' }, { task_id: 'b', completion: '    slow' }, { task_id: 'b', completion: '    right' }]);
    const { code, stdout } = await on.run(...argv, '--json', '--timeout', '3', '--once');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ 'pass@1': 0.5, problems: 2, samples: 4, passed: 2, verdicts: { passed: 2, failed: 1, timeout: 1 }, sandbox: 'bwrap' });
    const results = readFileSync(join(on.directory, 'samples.jsonl_results.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(results.map(({ task_id, passed, result }) => [task_id, passed, result])).toEqual([
      ['a', true, 'passed'], ['a', false, 'failed: line 2 of the tests, assert candidate() == 1; got 0, wanted 1'], ['b', false, 'timed out'], ['b', true, 'passed'],
    ]);
    expect(results[0]).toMatchObject({ completion: '    right', model: 'm' });
    expect(fake.opened).toEqual([expect.objectContaining({ timeMs: 3000, twice: false, unsafe: false, interpreter: 'pyodide' })]);
    expect(fake.requests[0]).toMatchObject({ program: 'def f():\n    right', prompt: 'def f():\n', tests: { kind: 'check', entryPoint: 'f' } });
    expect(fake.closed()).toBe(1);
  });

  it('speaks to people, and says when nothing confines the samples', async () => {
    const { on, argv } = given([{ task_id: 'a', completion: 'right' }, { task_id: 'b', completion: 'right' }], believing('none'));
    const { code, stdout, stderr } = await on.run(...argv, '--unsafe-exec');
    expect(code).toBe(0);
    expect(stdout).toMatch(/pass@1 +100\.00 %/);
    expect(stderr).toMatch(/unconfined/);
  });

  it('refuses samples of unknown tasks, problems without samples, files that are not there', async () => {
    for (const [samples, message] of [[[{ task_id: 'c', completion: '' }], /the task c/], [[{ task_id: 'a', completion: '' }], /1 problem of 2 \(b first\)/], [[{ task_id: 'a' }], /Sample 1 needs/]] as const) {
      const { on, fake, argv } = given(samples);
      const { code, stderr } = await on.run(...argv);
      expect(code).toBe(2);
      expect(stderr).toMatch(message);
      expect(fake.opened).toEqual([]);
    }
    const { on } = given([]);
    expect(await on.run('humaneval', '--problems', 'nowhere.jsonl', '--samples', 'samples.jsonl')).toMatchObject({ code: 2, stderr: expect.stringMatching(/does not exist/) as string });
  });

  it('fails, and writes no results, where programs cannot be executed', async () => {
    const { on, argv } = given([{ task_id: 'a', completion: 'refused' }, { task_id: 'b', completion: 'right' }]);
    const { code, stderr } = await on.run(...argv);
    expect(code).toBe(1);
    expect(stderr).toMatch(/no sandbox holds/);
    expect(() => readFileSync(join(on.directory, 'samples.jsonl_results.jsonl'))).toThrow();
  });
});
