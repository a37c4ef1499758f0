import { beforeAll, describe, expect, it } from 'vitest';
import { breaksOf } from '../../bench/breaks.ts';
import { loadCPython, type CPython } from '../../src/evaluator/index.ts';

let cpython: CPython;
beforeAll(async () => {
  cpython = await loadCPython();
});

/** One token a byte; 0 is end-of-text. */
const lengths = Array.from({ length: 256 }, (_, id) => (id === 0 ? 0 : 1));
const written = (completion: string, finish: 'stop' | 'length' = 'stop') =>
  ({ id: completion, prompt: '', completion, finish, tokens: [...Buffer.from(completion), ...(finish === 'stop' ? [0] : [])] });

describe('how samples fail', () => {
  it('is counted by what happened: valid, broken, cut off, empty', () => {
    const report = breaksOf([written('x = 1\n'), written('x = )\n'), written('x = y y\n', 'length'), written('x = 1\ny = [z, z', 'length'), written('pass\n')], lengths, cpython);
    expect(report).toMatchObject({ samples: 5, valid: 1, broken: 2, runOn: 1, openLine: 9, empty: 1, other: 0 });
    expect(report.kinds.reduce((sum, { count }) => sum + count, 0)).toBe(2);
  });

  it('is seen where the judge can say so at the token, or at the end of its word, and at the end of a text', () => {
    const seen = ['x = )\n', 'x = y y\n', 'def f(ab, ab):\n    x()\n', 'break\n', "x = '\\xg'\n", "x = f'{a b}'\n", 'x = (1,'];
    const { broken, kinds } = breaksOf(seen.map((text) => written(text)), lengths, cpython);
    expect(broken).toBe(seen.length);
    expect(kinds.filter(({ unseen }) => unseen > 0)).toEqual([]);
  });

  it('is unseen where only the meaning of the whole is wrong, and shown first', () => {
    const { kinds } = breaksOf([written('x = f(a=1, b=2, a=3)\n'), written('x = f(b=1, b=2)\n')], lengths, cpython, 1);
    expect(kinds).toEqual([{ kind: 'argument.repeated', count: 2, unseen: 2, examples: [expect.stringContaining('"x = f(')] }]);
  });
});
