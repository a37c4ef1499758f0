/** Where a text broke: not where the compiler noticed, but where the last continuation was lost. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluateTexts, findDocuments, loadCPython, type CPython } from '../../src/evaluator/index.ts';
import { program } from './grammar.ts';
import { RIGHT } from './snippets.ts';

let cpython: CPython;
beforeAll(async () => {
  cpython = await loadCPython();
});

/** The text before the place where it broke. */
function sound(text: string): string | null {
  const [evaluation] = evaluateTexts([{ id: 'x', text, promptLength: 0, finish: 'stop', locate: true }], { cpython });
  return evaluation!.brokenAt === undefined ? null : Buffer.from(text).subarray(0, evaluation!.brokenAt).toString();
}

describe('brokenAt', () => {
  it.each([
    ['an unmatched bracket', 'def f(x):\n    return foo(x))\n    y = 1\n', 'def f(x):\n    return foo(x)'],
    ['a bracket of another kind', 'x = [1, 2)\n', 'x = [1, 2'],
    ['a block that has to follow', 'try:\n    x = 1\ny = 2\n', 'try:\n    x = 1\n'],
    ['too deep an indentation', 'def f():\n  x = 1\n    y = 2\n', 'def f():\n  x = 1\n   '],
    ['a docstring that is never closed: it could be, at the end', 'def f():\n    """doc\n    return 1\n', 'def f():\n    """doc\n    return 1\n'],
    ['an open string behind it, which hides nothing', 'def f(a-b):\n    """doc', 'def f(a'],
    ['an open bracket behind it', 'x = (1, 2\ny = [3, (', 'x = (1, 2\n'],
    ['a keyword where none can stand: up to its end it could have been a name', 'x = for y\n', 'x = fo'],
    ['a name that could have become a keyword', 'x = y iffy\n', 'x = y if'],
    ['a line that ends too soon', 'x = lambda y\nz = 1\n', 'x = lambda y'],
    ['a string that ends with its line', "x = 'abc\ny = 1\n", "x = 'abc"],
    ['a brace of an f-string that opens nothing', "x = g(f'{a} b}')\n", "x = g(f'{a} b"],
    ['a field that is no expression', "x = f'{a b}'\n", "x = f'{a "],
    ['a field that is not closed: it may go on in the next line', "x = f'{a\ny = 1\n", "x = f'{a\n"],
    ['a field that ends too soon', "x = f'{a +}'\n", "x = f'{a +"],
    ['a quote in a field that could begin a string', 'x = f"{")\ny = 1\n', 'x = f"{")'],
    ['a quote where none can be', "x = g(f'{a')\n", "x = g(f'{a"],
    ['what stands behind quotes in quotes', "x = f'{d['k']}' )\n", "x = f'{d['k']}' "],
    ['an open field of words: the last could have been or', 'raise E(f"{pop() is not amount of', 'raise E(f"{pop() is not amount o'],
    ['a fault behind f-strings in f-strings', 'x = f"{f"{f"{a}"}"}" )\n', 'x = f"{f"{f"{a}"}"}" '], ['one in the innermost', 'x = f"{f"{f"{a b}"}"}"\n', 'x = f"{f"{f"{a '],
    ['a conversion without its letter', "x = f'{a!}'\n", "x = f'{a!"], ['one of two letters', "x = f'{a!rs}'\n", "x = f'{a!r"], ['a brace behind a backslash', "x = f'\\}'\n", "x = f'\\"],
    ['an escape with too few digits', "x = g('a\\x1*', b)\n", "x = g('a\\x1"],
    ['one that the string ends', "x = '\\u12'\n", "x = '\\u12"],
    ['one of four digits in a docstring', 'def f():\n    """A\n    \\uLog"""\n', 'def f():\n    """A\n    \\u'],
    ['a character that there is not', "x = '\\U00110000'\n", "x = '\\U001"],
    ['a name of no character', "x = '\\N{no such}'\n", "x = '\\N{no such"], ['a name without braces', "x = '\\NZ'\n", "x = '\\N"],
    ['an escape in an f-string', "x = f'{a}\\xg'\n", "x = f'{a}\\x"],
    ['a digit that bytes want', "x = b'\\n\\x\\d'\n", "x = b'\\n\\x"], ['a character that bytes cannot hold', "x = b'aé'\n", "x = b'a"],
    ['what no escape is, before a fault', "x = r'\\x' + b'\\u1' + '\\d' + rf'\\x{a}' + f'\\N{EM DASH}' )\n", "x = r'\\x' + b'\\u1' + '\\d' + rf'\\x{a}' + f'\\N{EM DASH}' "],
    ['an end that is missing', 'try:\n    x = (1, 2', 'try:\n    x = (1, 2'],
    ['a meaning that is wrong where all could be parsed', 'x = 1\nreturn x\n', 'x = 1\n'],
    ['the same behind what ends lines for Unicode and not for Python', "x = '''a\x0cb\u2028c'''\n\ny = 1\nbreak\n", "x = '''a\x0cb\u2028c'''\n\ny = 1\n"], ['and behind ends of lines of every kind', 'x = 1\r\ny = 2\rz = 3\nbreak\n', 'x = 1\r\ny = 2\rz = 3\n'],
    ['characters of several bytes before it', 'größe = "käse" )\nx = 1\n', 'größe = "käse" '],
  ])('%s', (_, text, before) => expect(sound(text)).toBe(before));

  it('is behind every whole line up to which the text compiles', () => {
    const lines = fc.array(fc.constantFrom('x = (1', ')', 'if a:', '    y = "é"', 'def f():', '    return 1', '"""', 'else:', 'a b', 'try:', ''), { minLength: 1, maxLength: 8 });
    fc.assert(fc.property(lines, (all) => {
      const before = sound(`${all.join('\n')}\n`);
      if (before === null) return;
      const prefixes = all.map((_, i) => `${all.slice(0, i + 1).join('\n')}\n`);
      for (const prefix of prefixes) if (sound(prefix) === null) expect(before.length).toBeGreaterThanOrEqual(prefix.trimEnd().length);
    }), { numRuns: 150 });
  });

  it('never lies before what was put into a program, but in the word, blanks or sign that stood there', () => {
    const programs = [...RIGHT, ...fc.sample(program, { numRuns: 100, seed: 2 })].filter((text) => text.length < 300 && sound(text) === null);
    expect(programs.length).toBeGreaterThan(200);
    const place = fc.record({ text: fc.constantFrom(...programs), at: fc.nat(300), added: fc.constantFrom(')', "'", '"', '\\x', '}', ' z ', '{', '\n', '\\', '(', ' if ', '!') });
    fc.assert(fc.property(place, ({ text, at, added }) => {
      const before = Array.from(text).slice(0, at).join('');
      const broken = sound(before + added + text.slice(before.length));
      // The legal program went on from there, so nothing before it is to blame.
      if (broken !== null) expect(broken.length).toBeGreaterThanOrEqual(before.replace(/(?:\w+|[\s\\]+|\.{1,2}|[^\s\w])$/, '').length);
    }), { numRuns: 1500 });
  });

  it('is absent where the text compiles, and where it was not asked for', () => {
    expect(sound('x = 1\n')).toBeNull();
    const [evaluation] = evaluateTexts([{ id: 'x', text: 'x = )\n', promptLength: 0, finish: 'stop' }], { cpython });
    expect(evaluation).toMatchObject({ valid: false });
    expect(evaluation).not.toHaveProperty('brokenAt');
  });

  it('never lies inside the sound code in front of a fault: strings, brackets and blocks over several lines are no break', () => {
    const source = `
def first(items, *, key=None):
    """Over
    several lines."""
    total = call(
        items[0],
        {'a': (1, 2), "b": f"{items!r:>{10}}"},
    )
    try:
        return [x for x in total if x not in items]
    except (KeyError, ValueError) as error:
        raise RuntimeError('no') from error
    finally:
        del total

class Second(first.__class__):
    @property
    async def wait(self): return await self.other(lambda a, /, b=1: a if b else -b)
`;
    const documents = findDocuments(source, cpython).map(({ text }) => text);
    expect(documents.length).toBeGreaterThanOrEqual(2);
    for (const text of documents) expect(sound(`${text}x = ) 1\n`)).toBe(`${text}x = `);
  });
});
