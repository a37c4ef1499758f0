/** Can a text be the beginning of a program? */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Beginning } from '../../src/contracts/evaluator.ts';
import { findDocuments, loadCPython, type CPython } from '../../src/evaluator/index.ts';
import { program } from './grammar.ts';
import { RIGHT } from './snippets.ts';

let cpython: CPython;
beforeAll(async () => {
  cpython = await loadCPython();
});

const beginning = (text: string): Beginning => cpython.beginnings([text])[0]!;

describe('a beginning', () => {
  it.each([
    ['nothing at all', ''], ['a word that may become a name', 'de'], ['an open bracket', 'x = (1, [2'], ['an open string', "x = 'ab"],
    ['an open docstring', 'def f():\n    """Over\n    several'], ['half an operator that is one', 'x ='],
    ['a prefix of a string', 'x = y + f'], ['a head without a body', 'if x:\n'], ['an indentation that may go on', 'if x:\n  '], ['an open comment', 'x = 1  # )'], ['a joined line', 'x = 1 + \\\n'], ['two quotes that may become three', "x = ''"], ['a call across lines', 'f(a,\n  b'], ['a number', 'x = 0x1f'], ['a number that a keyword follows', 'x = 1if'],
    ['a decorator', '@a\n'], ['a try without an end', 'try:\n    x\n'], ['a soft keyword', 'match x:\n    case 1'],
    ['an open f-string', "x = f'a"], ['an open field', "x = f'{a.b +"], ['a field with its text', "f'{a = "], ['a conversion', "f'{a!r"], ['a format', "f'{a:>{w"], ['two braces', "f'{{"], ['a quote in a field that begins a string', 'f"{d["'], ['a prefixed one', "f'{f(b'"], ['a field with quotes of its own', "f'{d['k']}' + "], ['an open bracket of a field', "f'{f(a, [b"],
    ['half an escape', "x = '\\x1"], ['a raw string', "x = r'\\xg"], ['bytes', "x = b'\\u"], ['a name that may become a character', "x = '\\N{EM DA"], ['its f-string', "f'\\N{EM DASH}"],
    ['a comment that holds a word', 'x = 1  # take a break'], ['an f-string across lines', "f'''{a}\nb"], ['a raw f-string', "rf'\\d{x}"],
    ['a parameter whose name goes on', 'def f(a, ab'], ['a default that is no parameter', 'def f(a, b=a'], ['a default that holds a name', 'def f(a, b=[c, a'], ['await in an async function', 'async def f():\n    if x:\n        return [await'], ['an attribute of that name', 'x.breaks'],
    ['break in a loop', 'def f():\n    for x in y:\n        with z:\n            break'], ['break in one line with its loop', 'while x: break'], ['what looks like a class in a docstring', 'async def f():\n    """A\n    class of its own.\n    """\n    await'],
  ])('%s', (_, text) => expect(beginning(text)).toBe('sound'));

  it.each([
    ['half a keyword', 'x = y i'], ['half an operator', 'x = y !'], ['a dot that may begin a number', 'x = .'], ['half an ellipsis', 'x = ..'], ['an assignment that may become a comparison', 'return x ='],
    ['a keyword that may become a name', 'x = not in'], ['a keyword without its head', 'x\nelse'], ['half a number', 'x = 1.5e'], ['its sign', 'x = 1.5e-'], ['the mark of a base', 'x = 0x'], ['digits that want more', 'x = 1_'],
    ['a parameter that there is already', 'def f(a, *, b=1, a'], ['await in a function that is not async', 'async def f():\n    def g():\n        x = await'], ['await in a class', 'async def f():\n    class A:\n        await'],
    ['break outside of a loop', 'def f():\n    if x:\n        break'], ['continue in a function in a loop', 'for x in y:\n    def f():\n        continue'], ['break behind a loop', 'while x:\n    y\nbreak'],
    ['one brace of an f-string that may be two', "f'{a}}"], ['half a keyword in a field', "f'{a i"],
    ['zeros that may become a float', 'x = 007'], ['the first letter of a keyword behind a number', 'x = 1a'],
  ])('is only what goes on with %s', (_, text) => expect(beginning(text)).toBe('unfinished'));

  it.each([
    ['an unmatched bracket', 'f(x))'], ['a bracket of another kind', 'x = [1)'], ['two names', 'x y'], ['a keyword without its head', 'else:'], ['a string that ends with its line', "x = 'ab\n"],
    ['an indentation that nothing asked for', 'x = 1\n    y'], ['such an indentation before its first word', 'x = 1\n    '],
    ['an indentation that is too small for every block', 'if x:\n        y\n    z'], ['a missing indentation', 'if x:\ny'], ['an operator without an operand', 'x = * /'], ['a keyword where none can stand', 'x = for '],
    ['a number and a name', 'x = 1 a '], ['a fault long before the end', 'x = )\ny = 1\nz'], ['an open string behind a fault', 'x y "'], ['no operator', 'x = y ?'],
    ['a parameter twice', 'def f(a, b, a='], ['and no more beyond it', 'async def f(a: int, a, *'],
    ['an f-string with a closing brace alone', "f'{r} gets.0()}'"], ['a field with nothing in it', "f'{}"], ['a field that is no expression', "f'{a b"], ['a field that ends too soon', "f'{a +}"], ['a bracket of a field that its brace closes', "f'{(a}"],
    ['a quote where the brace is missing', 'x = f"{a"\n'], ['that quote', 'x = f"{f(a)"'], ['another behind a value', "f\"{a'"], ['an unknown conversion', "f'{a!z}"], ['an f-string that ends with its line', "f'a\n"], ['an f-string where none can stand', "x y f'"], ['what stands behind an f-string', "f'{a}' + b c "], ['a format that is not closed', "f'{a:>{w}'"],
    ['an escape with too few digits', "x = 'a\\x1*"], ['one of a docstring', 'x = """\\u00 '], ['one before another string', "x = '\\x' + '"], ['one of an f-string', "f'{a}\\xg"], ['a character that bytes cannot hold', "x = b'é"],
    ['a number with letters', 'x = 1es'], ['a digit that the base has not', 'x = 0o8'], ['two dots in a number', 'x = 1.0.0'], ['two marks of a base', 'x = 0xx'], ['an underscore at the end of another', 'x = 1__'], ['a number behind a name', 'x = y 1'],
  ])('is not %s', (_, text) => expect(beginning(text)).toBe('broken'));

  it('is every prefix of a program that compiles', () => {
    const legal = [...RIGHT, ...fc.sample(program, { numRuns: 400, seed: 1 })].filter((text) => text.length < 400);
    const verdicts = cpython.compileAll(legal);
    const programs = legal.filter((_, i) => verdicts[i] === null);
    expect(programs.length).toBeGreaterThan(200);
    const missed = programs.flatMap((text) => {
      const characters = Array.from(text);
      // Indentation is judged by the statement it is for; one before a comment, or before nothing, has none.
      const prefixes = characters.map((_, i) => characters.slice(0, i).join('')).filter((prefix) => !(/[\n\r][ \t]*$/.test(prefix) && /^[ \t]*(?:[#\n\r\\]|$)/.test(text.slice(prefix.length))));
      const beginnings = cpython.beginnings(prefixes);
      return prefixes.filter((_, i) => beginnings[i] === 'broken').slice(0, 1).map((prefix) => [prefix, text]);
    });
    expect(missed).toEqual([]);
  });

  it('is sound wherever a blank can follow', () => {
    const legal = RIGHT.filter((text) => text.length < 400 && !/[\\'"#]|await/.test(text));
    expect(legal.length).toBeGreaterThan(20);
    for (const text of legal) {
      const cuts = [...text].flatMap((character, i) => (i > 0 && character === ' ' && /\S/.test(text[i - 1]!) ? [text.slice(0, i)] : []));
      expect(cpython.beginnings(cuts).map((answer, i) => [answer, cuts[i]])).toEqual(cuts.map((cut) => ['sound', cut]));
    }
  });

  it('goes on being none: what cannot begin a program cannot begin one when more follows', () => {
    const [document] = findDocuments('def f(items, *, key=None):\n    """Doc."""\n    return [x for x in items if key(x)]\n', cpython);
    const characters = Array.from(document!.text);
    for (let i = 0; i < characters.length; i++) {
      const text = characters.slice(0, i).join('');
      for (const next of [')', ' x y', '\n  ?']) if (beginning(text + next) === 'broken') expect([text, next, beginning(`${text + next} z`)]).toEqual([text, next, 'broken']);
    }
  });
});
