/** Quality: the edit distance, each measure, ruff's findings, and the composite beside a fixed ranking. */
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Evaluation, Quality } from '../../src/contracts/records.ts';
import { checkRules, evaluateTexts, LINT_RULES, qualityTerms } from '../../src/evaluator/index.ts';
import { editDistance, normalisedDistance } from '../../src/evaluator/lint/distance.ts';
import { complexityOf, isTelling } from '../../src/evaluator/lint/measures.ts';
import { format } from '../../src/evaluator/lint/ruff.ts';
import { PAIRS } from './lint-pairs.ts';

function evaluate(text: string, quality: boolean | 'measures' = true): Evaluation {
  return evaluateTexts([{ id: 'a', text, promptLength: 0, finish: 'stop', quality }])[0]!;
}
const qualityOf = (text: string, quality: boolean | 'measures' = true): Quality => evaluate(text, quality).quality!;

describe('the edit distance', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\n'), maxLength: 90 });

  it('is Levenshtein\'s, by the table that defines it', () => {
    const byTable = (a: string, b: string): number => {
      let row = Array.from({ length: b.length + 1 }, (_, j) => j);
      for (let i = 1; i <= a.length; i++) {
        const next = [i];
        for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
        row = next;
      }
      return row[b.length]!;
    };
    fc.assert(fc.property(word, word, (a, b) => editDistance(a, b) === byTable(a, b)), { numRuns: 300 });
  });

  it('is a metric, and in [0, 1] once normalised', () => {
    fc.assert(
      fc.property(word, word, word, (a, b, c) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
        expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
        expect(normalisedDistance(a, b)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 200 },
    );
  });
});

describe('measures', () => {
  it.each([
    ['def f():\n    return 1\n', 1],
    ['def f(a):\n    if a:\n        return 1\n    elif a > 2:\n        return 2\n    else:\n        return 3\n', 3],
    ['def f(a):\n    for b in a:\n        while b:\n            b -= 1\n    else:\n        a()\n', 3],
    ['def f(a):\n    try:\n        a()\n    except A:\n        b()\n    except B:\n        c()\n    else:\n        d()\n    finally:\n        e()\n', 4],
    ['def f(a):\n    match a:\n        case 1:\n            b()\n        case [x, y]:\n            c()\n        case _:\n            d()\n', 3],
    ['def f(a):\n    def g():\n        if a:\n            b()\n    with a as c:\n        g()\n', 3],
    ['x = 1\nif x:\n    y = 2\n', 2],
  ])('complexity of %j is %i', (text, complexity) => {
    expect(qualityOf(text, 'measures').complexity).toBe(complexity);
  });

  it('complexity is ruff\'s (C901) for any nesting of statements', () => {
    const require = createRequire(import.meta.url);
    const { Workspace } = require('@astral-sh/ruff-wasm-nodejs') as { Workspace: new (options: unknown, encoding: number) => { check(text: string): { code: string; message: string; start_location: { row: number } }[] } };
    const ruff = new Workspace({ lint: { select: ['C901'], mccabe: { 'max-complexity': 0 } } }, 1);
    const { block } = fc.letrec<{ block: string[] }>((tie) => ({
      block: fc.array(
        fc.oneof(
          { maxDepth: 3 },
          fc.constantFrom(['a = b'], ['c()'], ['return a and b']),
          tie('block').map((body) => ['if a:', ...indented(body)]),
          fc.tuple(tie('block'), tie('block')).map(([body, other]) => ['if a:', ...indented(body), 'elif b:', ...indented(other), 'else:', ...indented(other)]),
          tie('block').map((body) => ['for a in b:', ...indented(body)]),
          fc.tuple(tie('block'), tie('block')).map(([body, other]) => ['while a:', ...indented(body), 'else:', ...indented(other)]),
          fc.tuple(tie('block'), tie('block')).map(([body, other]) => ['try:', ...indented(body), 'except A:', ...indented(other), 'else:', ...indented(body), 'finally:', ...indented(other)]),
          tie('block').map((body) => ['with a as b:', ...indented(body)]),
          tie('block').map((body) => ['def g():', ...indented(body)]),
          fc.tuple(tie('block'), tie('block')).map(([body, other]) => ['match a:', '    case 1:', ...indented(indented(body)), '    case _:', ...indented(indented(other))]),
        ),
        { minLength: 1, maxLength: 3 },
      ).map((blocks) => blocks.flat()),
    }));
    fc.assert(
      fc.property(block, (body) => {
        const text = `def f(a, b):\n${indented(body).join('\n')}\n`;
        const definition = checkRules(text).statements[0]!;
        if (definition.kind !== 'def') throw new Error(`not a function: ${text}`);
        const said = ruff.check(text).find(({ code, start_location: { row } }) => code === 'C901' && row === 1)!;
        expect(complexityOf(definition)).toBe(Number(/\((\d+) > 0\)/.exec(said.message)![1]));
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['def f():\n    return 1\n    a()\n    b()\n', 2],
    ['def f(a):\n    if a:\n        return 1\n    else:\n        raise b\n    c()\n', 1],
    ['def f(a):\n    if a:\n        return 1\n    c()\n', 0],
    ['def f(a):\n    while True:\n        a()\n    b()\n', 1],
    ['def f(a):\n    while True:\n        if a():\n            break\n    b()\n', 0],
    ['def f(a):\n    while True:\n        for b in a:\n            break\n    b()\n', 1],
    ['def f(a):\n    try:\n        return a()\n    except A:\n        raise\n    b()\n', 1],
    ['def f(a):\n    try:\n        return a()\n    except A:\n        pass\n    b()\n', 0],
    ['def f():\n    return\n    yield\n', 0],
    ['if False:\n    a()\n    b()\nc()\n', 2],
    ['for a in b:\n    continue\n    c()\n', 1],
  ])('unreachable statements of %j: %i', (text, unreachable) => {
    expect(qualityOf(text, 'measures').unreachable).toBe(unreachable);
  });

  it('nesting counts control flow inside a function, not functions and classes', () => {
    expect(qualityOf('class A:\n    def f(self):\n        if a:\n            for b in c:\n                d()\n').nesting).toBe(2);
    expect(qualityOf('def f():\n    a()\n').nesting).toBe(0);
  });

  it('length counts lines of code: no blank lines, comments and docstrings', () => {
    expect(qualityOf('def f(a):\n    """Doc\n    goes on."""\n\n    # why\n    b = """x\n    y"""\n    return a\n\n\ndef g():\n    return 1\n').functionLines).toBe(4);
  });

  it('docstrings and annotations are shares of what could have them', () => {
    const text = 'class A:\n    """Doc."""\n\n    def f(self, a: int, b) -> int:\n        return a\n\n    def _g(self):\n        return 1\n';
    expect(qualityOf(text)).toMatchObject({ docstrings: 1 / 2, annotations: 2 / 4 });
    expect(qualityOf('x = y + 1\n')).toMatchObject({ docstrings: null, annotations: null });
  });

  it('names tell or do not', () => {
    for (const name of ['total', 'i', '_', 'x', 'user_id', 'io', 'data', '__init__', 'row2_sum']) expect([name, isTelling(name)]).toEqual([name, true]);
    for (const name of ['a', 'q', 'tt', 'foo', 'x1', 'tmp2', 'aaa', '_b']) expect([name, isTelling(name)]).toEqual([name, false]);
    expect(qualityOf('def area(r):\n    result = r\n    return result\n').naming).toBeCloseTo(2 / 3);
  });
});

describe('lint', () => {
  it('finds undefined and unused names at their place, in lines, UTF-16 columns and UTF-8 bytes', () => {
    const text = 'import os\n\n\ndef f(a):\n    é = "😀"; b = "😀" + missing\n    return a\n';
    const { findings, quality } = evaluate(text);
    expect(quality).toMatchObject({ undefinedNames: 1, unusedNames: 3 });
    const missing = findings.find(({ kind }) => kind === 'lint.F821')!;
    expect(missing).toMatchObject({ source: 'lint', line: 5, message: 'Undefined name `missing`' });
    expect(Buffer.from(text).subarray(missing.span.start, missing.span.end).toString()).toBe('missing');
    expect(text.split('\n')[4]!.slice(missing.column).startsWith('missing')).toBe(true);
  });

  it('says why each group of rules is asked for, and asks for no others', () => {
    expect(Object.values(LINT_RULES).every((reason) => reason.length > 10)).toBe(true);
    const { findings } = evaluate('import os\nx = lambda l: l==None\ndef F(a=[]):\n  try:\n    return list([a for a in a])\n  except: pass\n');
    const groups = Object.keys(LINT_RULES);
    for (const { source, kind } of findings) if (source === 'lint') expect(groups.some((group) => kind.startsWith(`lint.${group}`))).toBe(true);
    expect(findings.length).toBeGreaterThan(5);
  });

  it('changes neither verdict nor score, and is not there unless it is asked for', () => {
    const text = 'import os\ndef f(a=[]):\n    return missing\n';
    const { quality: _quality, findings, ...with_ } = evaluate(text);
    const without = evaluateTexts([{ id: 'a', text, promptLength: 0, finish: 'stop' }])[0]!;
    expect({ ...with_, findings: findings.filter(({ source }) => source !== 'lint') }).toEqual(without);
    expect(without.quality).toBeUndefined();
  });

  it('leaves what only the linter knows open where it was not asked, or the text has faults', () => {
    for (const quality of [qualityOf('def f(a):\n    return a\n', 'measures'), qualityOf('def f(a:\n    return a\n')]) {
      expect(quality).toMatchObject({ lint: null, undefinedNames: null, unusedNames: null, formatDistance: null });
    }
  });

  it('finds formatted text at distance 0, and anything else farther the less it is like it', () => {
    const text = 'def f(a):\n    return {"a": a, "b": [1, 2, 3]}\n';
    expect(format(text)).toBe(text);
    const [none, some, more] = [text, text.replace('= a', '=a').replace(', "b"', ',"b"'), text.replaceAll(' ', '').replace('deff', 'def f').replace('return', ' return')].map((one) => qualityOf(one).formatDistance!);
    expect(none).toBe(0);
    expect(some).toBeGreaterThan(0);
    expect(more).toBeGreaterThan(some!);
  });

  it.each([
    ['10,000 nots', `x = ${'not '.repeat(10_000)}1\n`], ['a sum of 50,000', `x = 1${' + 1'.repeat(50_000)}\n`], ['5,000 attributes', `x${'.y'.repeat(5_000)}\n`], ['NUL', 'x = 1\0\n'], ['90 brackets', `x = ${'['.repeat(90)}${']'.repeat(90)}\n`],
  ])('survives %s, and works on', (_, text) => {
    expect(qualityOf(text).readability).toBeGreaterThanOrEqual(0);
    expect(qualityOf('import os\n\nx = y + 1\n').unusedNames).toBe(1);
  });
});

describe('readability', () => {
  it.each(PAIRS.map(({ reason, better, worse }) => [reason, better, worse] as const))('prefers %s', (_, better, worse) => {
    const [good, bad] = evaluateTexts([better, worse].map((text, i) => ({ id: String(i), text, promptLength: 0, finish: 'stop' as const, quality: true })));
    expect([good!.valid, bad!.valid]).toEqual([true, true]);
    expect(good!.quality!.readability - bad!.quality!.readability).toBeGreaterThan(0.01);
  });

  it('has thirty pairs and more to agree with', () => {
    expect(PAIRS.length).toBeGreaterThanOrEqual(30);
    expect(new Set(PAIRS.map(({ reason }) => reason)).size).toBe(PAIRS.length);
  });

  it('and all its terms are in [0, 1], whatever the text', () => {
    const words = ['def f(a):', 'if x:', 'return', 'x = 1', 'class A:', '"doc"', '    ', '\n', '\n    ', '(', ')', 'import os', 'é', '\0', 'lambda: 0', 'while True:', '#'];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((parts) => parts.join('')), (text) => {
        const { quality, counts } = evaluate(text, 'measures');
        expect(quality!.readability).toBeGreaterThanOrEqual(0);
        expect(quality!.readability).toBeLessThanOrEqual(1);
        for (const term of Object.values(qualityTerms(quality!, counts))) if (term !== null) expect(term >= 0 && term <= 1).toBe(true);
        for (const share of [quality!.docstrings, quality!.annotations, quality!.naming]) if (share !== null) expect(share >= 0 && share <= 1).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it('is 0 where there is nothing to read', () => {
    expect(qualityOf('# nothing\n').readability).toBe(0);
  });
});

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `    ${line}`);
}
