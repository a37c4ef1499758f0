import { beforeAll, describe, expect, it } from 'vitest';
import { checkRules, evaluateTexts, loadCPython, type CPython } from '../../src/evaluator/index.ts';

let cpython: CPython;
beforeAll(async () => {
  cpython = await loadCPython();
});

const score = (text: string): number => evaluateTexts([{ id: 'x', text, promptLength: 0, finish: 'stop' }], { cpython })[0]!.score;
const kinds = (text: string): string[] => checkRules(text).faults.map(({ kind }) => kind);

describe('the graded score', () => {
  it('falls with every fault and rises with every repair', () => {
    const lines = ['def f(a, b):', '    x = = a', '    y = [b', '    return x y', '    z = (a', '    return z'];
    const repaired = ['def f(a, b):', '    x = a', '    y = [b]', '    return x, y', '    z = (a)', '    return z'];
    const scores = [0, 2, 4, 5].map((count) => score(`${[...repaired.slice(0, count), ...lines.slice(count)].join('\n')}\n`));
    expect([...scores].sort((a, b) => a - b)).toEqual(scores);
    expect(new Set(scores).size).toBe(scores.length);
    expect(scores.at(-1)).toBe(1);
  });

  it('is the same for a prefix that is bare and one that is broken', () => {
    expect(score('def f(a):\n')).toBe(score('def f(a\n'));
    expect(score('def f(a):\n    pass\n')).toBe(0.05);
  });
});

describe('the rules go on after a fault and leave out its consequences', () => {
  it.each([
    ['a line dedented too little', 'def f():\n    x = 1\n  y = 2\n    z = 3\n    return x\n', ['indent.dedent']],
    ['a block head dedented too little', 'def f():\n    a\n   if b:\n        c\n    return d\n', ['indent.dedent']],
    ['an else that is indented', 'if a:\n    b\n  else:\n    c\nd\n', ['indent.dedent']],
    ['the first line of a body indented', 'def f():\n     a = 1\n    b = 2\n    return a\n', ['indent.dedent']],
    ['a head that is indented', 'x = 1\n    if x:\n    y\nz\n', ['indent.unexpected']],
    ['else after a head that cannot be read', 'if a b:\n    c\nelif d:\n    e\nelse:\n    f\n', ['syntax.invalid']],
    ['handlers after an empty try', 'try:\nimport a\nexcept B:\n    c\nfinally:\n    d\n', ['indent.missing']],
    ['a bracket open in a head', 'def f( (a, b):\n    x = a\n    y = = b\n    return x\n', ['parameter.order', 'syntax.invalid']],
    ['a bracket open before a block', 'def f(a:\n    if a:\n        return 1\n    return 2\n', ['bracket.unclosed']],
    ['two complaints about one line', 'A(B): pass\n', ['target.annotated']],
  ])('%s', (_, text, expected) => {
    expect(kinds(text)).toEqual(expected);
    expect(cpython.compileAll([text])[0]).not.toBeNull();
  });

  it('still sees a fault after each of them', () => {
    expect(kinds('if a b:\n    c\nelse:\n    d e\n')).toEqual(['syntax.invalid', 'syntax.invalid']);
    expect(kinds('if a:\n    b\nc\nelse:\n    d\n')).toEqual(['syntax.orphan']);
  });
});

describe('findings', () => {
  it('name the smallest statement around them', () => {
    const text = 'def f(a):\n    if a:\n        x = = 1\n    return a\n';
    const [evaluation] = evaluateTexts([{ id: 'x', text, promptLength: 0, finish: 'stop' }], { cpython });
    const { statement } = evaluation!.findings[0]!;
    expect(text.slice(statement!.start, statement!.end).trim()).toBe('x = = 1');
  });

  it('say what is left out of a text that is too long', () => {
    const [evaluation] = evaluateTexts([{ id: 'x', text: `x = "${'a'.repeat(400_000)}"\ny = f(x)\nz = y\n`, promptLength: 0, finish: 'stop' }], { cpython });
    expect(evaluation).toMatchObject({ valid: true, score: 1, bigrams: [], findings: [{ kind: 'partial' }] });
    const [unread] = evaluateTexts([{ id: 'x', text: 'x;'.repeat(400_000), promptLength: 0, finish: 'stop' }], { cpython });
    expect(unread).toMatchObject({ valid: false, reason: 'too-large', score: 0, findings: [{ kind: 'too-large' }] });
  });
});
