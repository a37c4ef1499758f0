import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lexPython, logicalLines } from '../../src/tasks/lexer.ts';

const shown = (text: string): string[] => lexPython(text).filter(({ kind }) => kind !== 'newline').map(({ kind, start, end }) => `${kind} ${text.slice(start, end)}`);

describe('lexPython', () => {
  it('covers any text in order, leaving only blanks and joined lines between tokens', () => {
    const text = fc.array(fc.constantFrom('a', '1', '"', "'", '"""', "'''", '\\', '\n', '\r\n', ' ', '#', '(', ')', '.', 'f', 'rb', 'é', '\t', '0x', 'e+'), { maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (t) => {
        let at = 0;
        for (const { start, end } of lexPython(t)) {
          expect(t.slice(at, start)).toMatch(/^(?:[ \t\r]|\\\r?\n)*$/);
          expect(end).toBeGreaterThan(start);
          at = end;
        }
        expect(t.slice(at)).toMatch(/^(?:[ \t\r]|\\\r?\n)*$/);
      }),
    );
  });

  it('knows strings of every kind', () => {
    expect(shown(String.raw`r"\" + 'x'`)).toEqual([String.raw`string r"\" + 'x'`]); // In raw strings, too, a backslash guards a quote.
    expect(shown(`b'it\\'s'`)).toEqual([`string b'it\\'s'`]);
    expect(shown(`f"""a "b" \n c"""`)).toEqual([`string f"""a "b" \n c"""`]);
    expect(shown(`'open\nx`)).toEqual([`string 'open`, 'name x']);
    expect(shown(`rb"" xr"z" u'y'`)).toEqual(['string rb""', 'name xr', 'string "z"', `string u'y'`]);
  });

  it('knows numbers, comments and depth', () => {
    expect(shown('1.5e-3 .5 0xe+1 1_0j x.y ...')).toEqual(['number 1.5e-3', 'number .5', 'number 0xe', 'operator +', 'number 1', 'number 1_0j', 'name x', 'operator .', 'name y', 'operator ...']);
    expect(shown('a # b "c"\r\nd')).toEqual(['name a', 'comment # b "c"', 'name d']);
    expect(lexPython('f(a, [b])').map(({ depth }) => depth)).toEqual([0, 0, 1, 1, 1, 2, 2, 1]);
    expect(lexPython(')))a').at(-1)!.depth).toBe(0);
  });
});

describe('logicalLines', () => {
  it('joins what brackets, strings and backslashes join', () => {
    const text = 'a = (1,\n     2)  # note\n\nb = """x\ny"""\nc = \\\n  d\n# alone\n';
    expect(logicalLines(text).map(({ start, end }) => text.slice(start, end))).toEqual(['a = (1,\n     2)  # note', 'b = """x\ny"""', 'c = \\\n  d', '# alone']);
    expect(logicalLines(text).map(({ tokens }) => tokens.length)).toEqual([7, 3, 3, 0]);
  });
});
