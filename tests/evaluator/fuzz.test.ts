/**
 * Laws of the evaluator over texts that nobody thought of: Python-like ones and raw bytes. An ordinary run looks at the same few
 * hundred texts each time; `OUROBOROS_FUZZ=20000 npx vitest run tests/evaluator/fuzz.test.ts` at as many other ones, new each time.
 */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Evaluation } from '../../src/contracts/records.ts';
import { checkRules, evaluateTexts, loadCPython, type CPython } from '../../src/evaluator/index.ts';
import { mutated, program } from './grammar.ts';

const numRuns = Number(process.env.OUROBOROS_FUZZ ?? 300);
const timeout = 300_000 + numRuns * 20;

let cpython: CPython;
beforeAll(async () => {
  cpython = await loadCPython();
});

const name = fc.constantFrom('a', 'b', 'self', 'x1', 'é', 'match', 'case', 'type', '_', 'print', '__debug__');
const literal = fc.constantFrom('0', '1.5e3', '0x1f', '08', '1_0', '"s"', "'t'", 'b"x"', "f'{a!r:>{b}}'", 'f"{', "r'\\'", '"""d"""', "'''", 'None', 'True', '...', '"\\x"');
const expression: fc.Memo<string> = fc.memo((depth) =>
  depth <= 1
    ? fc.oneof(name, literal)
    : fc.oneof(
        name,
        fc.tuple(expression(), fc.constantFrom('+', '-', '**', '//', ' and ', ' or ', ' in ', ' not in ', ' is ', '<', '==', ':=', '@', ' if a else '), expression()).map((parts) => parts.join('')),
        fc.tuple(fc.constantFrom('not ', '-', 'await ', 'yield ', '*', '**', 'lambda: ', 'lambda a, b=1: ', 'yield from '), expression()).map((parts) => parts.join('')),
        fc.tuple(fc.constantFrom('(', '[', '{', 'f(', 'a[', 'a.b(', ''), fc.array(expression(), { maxLength: 3 }), fc.constantFrom(', ', ' for a in ', ': ', '=', ' '), fc.constantFrom(')', ']', '}', ''))
          .map(([open, items, between, close]) => open + items.join(between) + close),
      ),
);
const head = fc.tuple(
  fc.constantFrom('if ', 'elif ', 'while ', 'for a in ', 'for ', 'with ', 'def f(a, ', 'async def g(*, ', 'class A(', 'except ', 'try', 'else', 'finally', 'match ', 'case ', 'async for a in ', '@'),
  expression(2), fc.constantFrom(':', '):', '', ' as b:', ' -> a:', ': pass'),
).map((parts) => parts.join(''));
const simple = fc.tuple(
  fc.constantFrom('', 'return ', 'a = ', 'a: int = ', 'a += ', 'del ', 'raise ', 'assert ', 'global ', 'nonlocal ', 'import ', 'from a import ', 'pass', 'break', 'continue', 'type X = ', 'from __future__ import '),
  expression(3), fc.constantFrom('', '', '', ';', ' # c', ' \\', '; b'),
).map((parts) => parts.join(''));
const line = fc.tuple(fc.constantFrom('', '', '    ', '    ', '        ', '  ', '\t', '   '), fc.oneof(simple, simple, head, fc.constant(''))).map((parts) => parts.join(''));
const pythonLike = fc.tuple(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\n', '\r\n', '\r')).map(([lines, ending]) => lines.join(ending) + ending);
const anyText = fc.oneof(pythonLike, program, mutated, fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ unit: fc.constantFrom(...'()[]{}\'"\\\n\t :;,.#=a1fbr\0\ufeff\ud800') , maxLength: 80 }));
const anySource = fc.oneof(anyText, fc.uint8Array({ maxLength: 80 }));

function evaluate(text: string | Uint8Array, promptLength = 0): Evaluation {
  return evaluateTexts([{ id: 'x', text, promptLength, finish: 'stop' }], { cpython })[0]!;
}

const legal = (text: string): boolean => checkRules(text).faults.length === 0;

describe('whatever the source is', { timeout }, () => {
  it('there is one answer, always the same, with a reason and places inside the text', () => {
    fc.assert(fc.property(anySource, (source) => {
      const evaluation = evaluate(source);
      expect(evaluate(source)).toEqual(evaluation);
      expect(evaluation.score).toBeGreaterThanOrEqual(0);
      expect(evaluation.score <= 1 && (evaluation.score === 1) === evaluation.valid).toBe(true);
      expect(evaluation.reason === undefined).toBe(evaluation.valid);
      if (!evaluation.valid) expect(evaluation.findings.length).toBeGreaterThan(0);
      const bytes = typeof source === 'string' ? Buffer.byteLength(source) : source.length;
      for (const { span, statement, line, column, message } of evaluation.findings) {
        for (const { start, end } of statement ? [span, statement] : [span]) expect(0 <= start && start <= end && end <= bytes).toBe(true);
        expect(line).toBeGreaterThan(0);
        expect(column).toBeGreaterThanOrEqual(0);
        expect(message).not.toBe('');
      }
    }), { numRuns });
  });

  it('the rules say what CPython says', () => {
    fc.assert(fc.property(anyText, (text) => {
      const { faults } = checkRules(text);
      if (faults.some(({ kind }) => kind === 'syntax.deep')) return;
      const [error] = cpython.compileAll([text]);
      expect({ legal: faults.length === 0, faults, error }).toMatchObject({ legal: error === null });
    }), { numRuns });
  });

  it('a comment line before it, and CR LF for LF, change nothing', () => {
    fc.assert(fc.property(anyText, (text) => {
      expect(legal(`# c\n${text}`)).toBe(legal(text));
      if (!text.includes('\r')) expect(legal(text.replaceAll('\n', '\r\n'))).toBe(legal(text));
    }), { numRuns });
  });

  it('a legal text stays legal with a line feed or a comment line after it', () => {
    fc.assert(fc.property(anyText.filter(legal), (text) => {
      expect(legal(`${text}\n`)).toBe(true);
      expect(legal(`${text}\n# c`)).toBe(true);
    }), { numRuns });
  });
});
