/** Can a text be the beginning of a program? */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { findDocuments, loadCPython, type CPython } from '../../src/evaluator/index.ts';
import { program } from './grammar.ts';
import { RIGHT } from './snippets.ts';

let cpython: CPython;
beforeAll(async () => {
  cpython = await loadCPython();
}, 60_000);

const canBegin = (text: string): boolean => cpython.canBegin([text])[0]!;

describe('a beginning', () => {
  it.each([
    ['nothing at all', ''], ['half a keyword', 'x = y i'], ['half a word that may become a name', 'de'], ['an open bracket', 'x = (1, [2'], ['an open string', "x = 'ab"],
    ['an open docstring', 'def f():\n    """Over\n    several'], ['half an operator', 'x = y !'], ['half an operator that is one', 'x ='], ['a dot that may begin a number', 'x = .'],
    ['half an ellipsis', 'x = ..'], ['a prefix of a string', 'x = y + f'], ['a head without a body', 'if x:\n'], ['an indentation that may go on', 'if x:\n  '], ['an open comment', 'x = 1  # )'], ['a joined line', 'x = 1 + \\\n'], ['two quotes that may become three', "x = ''"], ['a call across lines', 'f(a,\n  b'], ['half a number', 'x = 1.5e'],
    ['a decorator', '@a\n'], ['a try without an end', 'try:\n    x\n'], ['a soft keyword', 'match x:\n    case 1'],
  ])('%s', (_, text) => expect(canBegin(text)).toBe(true));

  it.each([
    ['an unmatched bracket', 'f(x))'], ['a bracket of another kind', 'x = [1)'], ['two names', 'x y'], ['a keyword without its head', 'else:'], ['a string that ends with its line', "x = 'ab\n"],
    ['an indentation that nothing asked for', 'x = 1\n    y'], ['such an indentation before its first word', 'x = 1\n    '],
    ['an indentation that is too small for every block', 'if x:\n        y\n    z'], ['a missing indentation', 'if x:\ny'], ['an operator without an operand', 'x = * /'], ['a keyword where none can stand', 'x = for '],
    ['a number and a name', 'x = 1 a '], ['a fault long before the end', 'x = )\ny = 1\nz'], ['an open string behind a fault', 'x y "'], ['no operator', 'x = y ?'],
  ])('is not %s', (_, text) => expect(canBegin(text)).toBe(false));

  it('is every prefix of a program that compiles', () => {
    const legal = [...RIGHT, ...fc.sample(program, { numRuns: 400, seed: 1 })].filter((text) => text.length < 400);
    const verdicts = cpython.compileAll(legal);
    const programs = legal.filter((_, i) => verdicts[i] === null);
    expect(programs.length).toBeGreaterThan(200);
    const missed = programs.flatMap((text) => {
      const characters = Array.from(text);
      // Indentation is judged by the statement it is for; one before a comment, or before nothing, has none.
      const prefixes = characters.map((_, i) => characters.slice(0, i).join('')).filter((prefix) => !(/[\n\r][ \t]*$/.test(prefix) && /^[ \t]*(?:[#\n\r\\]|$)/.test(text.slice(prefix.length))));
      const begins = cpython.canBegin(prefixes);
      return prefixes.filter((_, i) => !begins[i]).slice(0, 1).map((prefix) => [prefix, text]);
    });
    expect(missed).toEqual([]);
  });

  it('goes on being none: what cannot begin a program cannot begin one when more follows', () => {
    const [document] = findDocuments('def f(items, *, key=None):\n    """Doc."""\n    return [x for x in items if key(x)]\n', cpython);
    const characters = Array.from(document!.text);
    for (let i = 0; i < characters.length; i++) {
      const text = characters.slice(0, i).join('');
      for (const next of [')', ' x y', '\n  ?']) if (!canBegin(text + next)) expect([text, next, canBegin(`${text + next} z`)]).toEqual([text, next, false]);
    }
  });
});
