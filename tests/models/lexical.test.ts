/** What the policy is told of the text so far: brackets as Python's own tokens have them, and the line it stands in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRules } from '../../src/evaluator/rules/index.ts';
import { T } from '../../src/evaluator/rules/tokens.ts';
import { LexicalState, Lexicon, TOLD, TOLD_NAMES, type ToldName } from '../../src/models/lexical.ts';
import { BYTE_IDS, SPECIAL_IDS } from '../../src/models/tokenizer/tokenizer.ts';
import { program } from '../evaluator/grammar.ts';
import { RIGHT } from '../evaluator/snippets.ts';

const PIECES = ['if x:', 'f(a, b', "'''", ')\n    '];
const FIRST_PIECE = BYTE_IDS + 256;
const bytes = [...Array.from({ length: BYTE_IDS }, () => new Uint8Array(0)), ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)), ...PIECES.map((piece) => new Uint8Array(Buffer.from(piece)))];
const lexicon = new Lexicon(bytes, SPECIAL_IDS);

const idsOf = (text: string): number[] => Array.from(Buffer.from(text), (byte) => BYTE_IDS + byte);
const arrays = (length: number) => Object.fromEntries(TOLD_NAMES.map((name) => [name, new Int32Array(length).fill(-1)])) as Record<ToldName, Int32Array>;
function after(...ids: readonly number[]): Record<ToldName, number> {
  const state = new LexicalState(lexicon);
  for (const id of ids) state.read(id);
  const told = arrays(1);
  state.tell(told, 0);
  return Object.fromEntries(TOLD_NAMES.map((name) => [name, told[name][0]!])) as Record<ToldName, number>;
}
const at = (text: string) => after(...idsOf(text));
const brackets = (text: string): number => at(text).brackets;
const line = (text: string): number => at(text).lines;
/** Without what the item amounts to, which has the lowest place. */
const last = (text: string): number => Math.floor(at(text).last / 7);
const item = (text: string): number => at(text).last % 7;
const block = (text: string): number => at(text).blocks;
const scope = (text: string): number => at(text).scopes;
const words = (text: string): number => at(text).words;

describe('brackets', () => {
  it('are those that Python has open, wherever one of its tokens ends', () => {
    const legal = [...RIGHT.filter((text) => /[ft]r?['"]/i.test(text) && text.length < 200), ...fc.sample(program, { numRuns: 2000, seed: 3 })].map((text) => ({ text, report: checkRules(text) })).filter(({ report }) => report.faults.length === 0);
    const withoutFlags = (id: number): number => id >> 2;
    let compared = 0, inFields = 0;
    for (const { text, report } of legal) {
      const open: string[] = [];
      for (const { type, start, end } of report.tokens.tokens) {
        if (type === T.FOpen) open.push("f'{");
        if (type === T.FClose) open.pop();
        if (type > T.Op) continue;
        const token = text.slice(start, end);
        if ('([{'.includes(token)) open.push(token);
        if (')]}'.includes(token)) open.pop();
        // Around an expression, of a call, of a definition.
        // A field's brace belongs to its string.
        const own = open.at(-1) ?? '';
        const expected = [open.join(''), `${open.slice(0, -1).join('')}f${own === "f'{" ? "'{" : own}`, `def f${open.join('')}`].map((spelled) => withoutFlags(brackets(spelled)));
        expect([text.slice(0, end), expected.includes(withoutFlags(brackets(`${text.slice(0, end)} `)))]).toEqual([text.slice(0, end), true]);
        compared++;
        if (open.includes("f'{")) inFields++;
      }
    }
    expect(compared).toBeGreaterThan(1500);
    expect(inFields).toBeGreaterThan(50);
  });

  it('hold the fields of f-strings, whose formats are a string\'s', () => {
    const field = brackets("f'{a");
    for (const text of ['f"{a', "rf'{a", "Rb = t'''{a", "f'b{c!r:>{w}}d{a", "f'{{{a", "f'\\{a"]) expect([text, brackets(text)]).toEqual([text, field]);
    for (const text of ["'{a", "b'{a", "elif'{a", "f '{a", "f'{{a", "f'{a}", "f'{f(a)}", "f'{a:", "f'{a:{b}"]) expect([text, brackets(text)]).not.toEqual([text, field]);
    expect(brackets("f'{f'{a")).not.toBe(field);
    for (const text of ["f'{a}", "f'{{a", "f'{a}{f'{b}'}", "f'{d['k']}", "f'{a:>{w}}", "f'{(lambda x: 1)}", "f'}}"]) expect([text, brackets(text)]).toEqual([text, brackets("f'a")]);
    expect([brackets("f'{a:"), brackets("f'{a:{b}")]).toEqual([brackets("f'{a:>"), brackets("f'{a:>")]);
    expect(new Set(["'a", "f'a", 'f"a', "f'''a", "f'{a:", "f'{a", 'f("a'].map(brackets)).size).toBe(7);
    for (const text of ["f'{a}'", "f'''{a\n}\n'''", "f'{a:'", "f'a\n", "f'{x:{y}'"]) expect([text, brackets(`${text} + b`)]).toEqual([text, brackets("'' + b")]);
    // What stands in a field is code.
    expect(last("f'{a.")).toBe(last('(a.'));
    expect(item("x[f'{a = b}'")).toBe(item("x['a'"));
  });


  it('differ by kind, by what is around them and by how many there are', () => {
    const texts = ['', '(', '[', '{', '((', '[(', '([', '(((', '((((', "'", '"', "'''", '"""', "('", '# ', "x = ''"];
    expect(new Set(texts.map(brackets)).size).toBe(texts.length);
    expect(brackets('(((((')).toBe(brackets('(((('));
    expect(brackets('f(a)[b]{c}')).toBe(brackets('f'));
  });

  it('say whether an item was named, and whether this one has its colon', () => {
    expect(brackets('f(a=1')).not.toBe(brackets('f(a'));
    expect(brackets('f(a=1, b')).toBe(brackets('f(a=1'));
    for (const comparison of ['f(a==1', 'f(a<=1', 'f(a != 1', 'f(a:=1'.replace(':', '>')]) expect(brackets(comparison)).toBe(brackets('f(a'));
    expect(brackets('{a: 1')).not.toBe(brackets('{a'));
    expect(brackets('{a: 1, b')).toBe(brackets('{a'));
    expect(brackets('f(a=[1]')).toBe(brackets('f(a=1'));
    expect(brackets('f(a=[1')).toBe(brackets('f([1'));
  });

  it('mean nothing in strings and comments', () => {
    for (const text of ["'('", '"]"', "'''\n(\n'''", "'a\\'('", "''", "''''\\'''('''", '# (\n', "'(\n", "'\\\\'"]) expect([text, brackets(`${text}`)]).toEqual([text, text === "''" ? brackets("''") : brackets('x')]);
    expect(brackets("'''a\n''")).toBe(brackets("'''"));
    expect(brackets("'a\\")).toBe(brackets("'"));
    expect(brackets("x = '' ")).toBe(brackets('x'));
  });
});

describe('the line', () => {
  it('is known by its first word and indentation', () => {
    const lines = ['', 'x ', 'if ', 'for ', 'def ', 'class ', 'else ', 'while ', 'return ', 'import ', 'from ', 'pass ', 'del ', '@', '    x ', '        x '];
    expect(new Set(lines.map(line)).size).toBe(lines.length);
    expect(line('iff ')).toBe(line('x '));
    expect(line('returned_values_of_many ')).toBe(line('x '));
    expect(line('if x')).toBe(line('if '));
    expect(line('y = 1\nif x')).toBe(line('if '));
    expect(line('  \tif x')).toBe(line('\t  if '));
  });

  it('has its colon when one stands outside of brackets, strings and comments', () => {
    expect(line('if x:')).not.toBe(line('if x'));
    expect(line('if x: y')).not.toBe(line('if x:'));
    for (const text of ['if x[1:', 'if f(a: ', "if ':'", 'if x # :']) expect(line(text)).toBe(line('if x'));
  });

  it('follows one that opens a block, across blank lines and comments', () => {
    expect(line('if x:\n')).not.toBe(line('x = y\n'));
    for (const text of ['if x:  \n', 'if x:  # why\n', 'if x:\n\n', 'if x:\n    # why\n', 'if f(\n  a):\n', 'while x \\\n  and y:\n', 'if x:\r\n', 'if x and \\\r\n y:\r', 'if x:\r']) expect([text, line(text)]).toEqual([text, line('if x:\n')]);
    for (const text of ['if x: y\n', 'x: y\n', 'if x\n', 'x = 1\n', 'if x:\n    y\n']) expect([text, line(text)]).toEqual([text, line('x = y\n')]);
  });

  it('is told in a comment as its last line of code was', () => {
    for (const text of ['if x:', 'y = 1']) for (const comment of ['\n# why', '\n        # why:', '\n\n  # a\n# b']) expect([text + comment, line(text + comment)]).toEqual([text + comment, line(text)]);
  });

  it('goes on inside brackets and behind a backslash', () => {
    expect(line('if f(\n')).toBe(line('if '));
    expect(line('if x and \\\n')).toBe(line('if '));
    expect(line("if '''\n\n'''")).toBe(line('if '));
  });
});

describe('what came last', () => {
  it('is told by what may follow it', () => {
    const kinds = [['x', '_a1', 'True'], ['and', 'if', 'not'], ['return', 'yield'], ['pass', 'break'], ['def', 'import'], ['else'], ['12', '0x1f', '1e5'], ["'a'", '"b"'], [')', ']'], ['(', '{'], [','], ['.'], ['+', '<', '!'], ['='], [':'], [';', '$']];
    for (const kind of kinds) for (const text of kind) expect([text, last(`x ${text}`)]).toEqual([text, last(`y = ${kind[0]}`)]);
    expect(new Set(['', ...kinds.map(([text]) => `x ${text}`)].map(last)).size).toBe(kinds.length + 1);
  });

  it('says whether a blank has come since, and nothing of the line before', () => {
    expect(last('x ')).not.toBe(last('x'));
    expect(last('x\n')).toBe(last('return\n'));
    expect(last('f(x,\n')).toBe(last('f(x, '));
    expect(last('iff')).toBe(last('x'));
    expect(last('if f')).toBe(last('x'));
    expect(last('x # and')).toBe(last('x '));
  });
});

describe('what an item amounts to', () => {
  it.each([
    ['nothing', ['', '(', 'f(a, ', 'x = ', 'x = y = ', '*a, ', 'x = *a, ']], ['a name', ['x', 'f(a', 'f(a, b', 'x = y', 'a, b', 'def f(a', '*a, b']],
    ['something else that can be assigned to', ['a.b', 'a[1]', '(a, b)', '[a]', 'f(x).y', 'x = a.b', 'f(a)[0].c']],
    ['a value', ['f(x)', 'a + b', '1', "'a'", 'not x', 'return x', 'f(x), y', 'a == b', 'x += 1', 'f(a == b', '{a}', 'x y', 'f(lambda: x']],
    ['what has been assigned to', ['f(a=', 'f(a=1', 'f(a=b.c', 'def f(a=1', 'def f(a: b = 1', 'x: y = 1']], ['what is annotated', ['x: y', 'def f(a: b', 'x: a.b', 'x: List[int]']],
    ['what has stars before it', ['*', '(*', '*x', 'f(*a.b', 'f(a, **b', 'def f(*a', 'def f(a, *b: int', 'def f(*a=1']],
  ])('%s', (_, texts) => {
    for (const text of texts) expect([text, item(text)]).toEqual([text, item(texts[0]!)]);
  });

  it('differs between all of these', () => {
    expect(new Set(['', 'x', 'a.b', 'f(x)', 'f(a=1', 'x: y', '*x'].map(item)).size).toBe(7);
  });
});

it('tells together what came last and what it stands in', () => {
  const together = (text: string): number => at(text).syntax;
  const texts = ['x', 'x ', 'f(', 'f(x', 'f(a=x', '(x', '[x', '{x', '{a: x', 'def f(x', 'x: y', 'if x:', 'f(x)', '.', 'f(*x', "'", '# x'];
  expect(new Set(texts.map(together)).size).toBe(texts.length - 1);
  for (const same of ['f(y', 'g(1, y', 'h[g(y', 'x = f(y']) expect([same, together(same)]).toEqual([same, together('f(x')]);
  expect(together("'")).toBe(together('# x'));
});

describe('blocks', () => {
  it('are known by what opened them and what is around', () => {
    const texts = ['', 'class A:\n    x', 'def f():\n    x', 'async def f():\n    x', 'for x in y:\n    x', 'if x:\n    x', 'try:\n    x', 'try:\n    x\nexcept E:\n    x', 'with x:\n    x', 'try:\n    if x:\n        y', 'if x:\n    if y:\n        z'];
    expect(new Set(texts.map((text) => `${block(text)} `)).size).toBe(texts.length);
    expect(block('while x:\n  y')).toBe(block('async for a in b:\n\tx'));
    expect(block('if x:\n    y\nz')).toBe(block('z'));
    expect(block('if x:\n    y\nelif z:\n    y')).toBe(block('if x:\n    y'));
    expect(block("if x:\n    y = '''\nz\n'''\n    a")).toBe(block('if x:\n    y'));
    expect(block('if x:\n    y = f(\nz)\n    a')).toBe(block('if x:\n    y'));
  });

  it('say where a line that has not begun stands', () => {
    const text = 'if x:\n    if y:\n        z\n';
    const places = [`${text}        `, `${text}    `, `${text}            `, `${text}      `].map(block);
    expect(new Set(places).size).toBe(places.length);
    // A token often holds all blanks but one.
    expect(block(`${text}       `)).toBe(block(`${text}        `));
    expect(block(`${text}   `)).toBe(block(`${text}    `));
    expect(block(`${text}  # why\n    `)).toBe(block(`${text}    `));
    // Deeper is right behind a colon and wrong elsewhere.
    expect(block('if x:\n    ')).not.toBe(block('x\n    '));
    expect(block('if x:\n')).not.toBe(block('x\n'));
  });

  it('tell what the statement before lets follow, in the block where the line stands', () => {
    const inFunction = (text: string): number => scope(`def f():\n    ${text}\n    `);
    const texts = ['x', 'try:\n        x', 'try:\n        x\n    except E:\n        x', 'if x:\n        y', 'for x in y:\n        x', '@a'];
    expect(new Set(texts.map(inFunction)).size).toBe(texts.length);
    expect(inFunction('try: x')).toBe(inFunction('try:\n        x'));
    expect(inFunction('if x:\n        for y in z:\n            w')).toBe(inFunction('if x:\n        y'));
    expect(inFunction('if x:\n        y\n    # why')).toBe(inFunction('if x:\n        y'));
    expect(inFunction('if x:\n        y\n    z')).toBe(inFunction('z'));
    // Until the line has ended: its first word may take several tokens.
    expect(scope('try:\n    x\nexcep')).toBe(scope('try:\n    x\n'));
  });

  it('tell the function and the loop around, a try further out, and whether anything is done', () => {
    const texts = ['x = 1\ny', 'class A:\n    x = 1\n    y', 'def f():\n    x = 1\n    y', 'async def f():\n    x = 1\n    y', 'def f():\n    for x in y:\n        x = 1\n        y', 'for x in y:\n    def f():\n        x = 1\n        y'];
    expect(new Set(texts.slice(0, 5).map(scope)).size).toBe(5);
    expect(scope(texts[5]!)).toBe(scope(texts[2]!));
    expect(scope('try:\n    if x:\n        if y:\n            z')).not.toBe(scope('if w:\n    if x:\n        if y:\n            z'));
    const empty = ['def f():\n    ', "def f():\n    '''a\n    '''\n    ", 'def f():\n    # why\n    pass\n', 'def f(): pass\n', 'class A:\n    ...\n    ', '@a\ndef f():\n    '];
    for (const text of empty) expect([text, scope(text) % 2]).toEqual([text, 0]);
    for (const text of ['x\n', 'def f():\n    return x\n', "def f():\n    '''a'''\n    x += 1\n", 'if x: y\n']) expect([text, scope(text) % 2]).toEqual([text, 1]);
  });
});

describe('words', () => {
  it('say what is not complete', () => {
    const texts = ['x = y', 'x = y if z', 'for x', 'x = lambda a', 'from a', 'async '];
    expect(new Set(texts.map((text) => words(`${text} `))).size).toBe(texts.length);
    for (const text of ['if x', 'x = y if z else w', 'for x in y', 'x = lambda a: a', 'from a import b', 'async def f', 'raise x from y', 'x = iffy', 'case x if y']) expect([text, words(`${text} `)]).toEqual([text, words('x ')]);
    expect(words('f(x if ')).toBe(words('x = y if '));
    expect(words('f(x for y in z if ')).toBe(words('f(x for y in '));
    expect(words('f(x for y in ')).not.toBe(words('f(x '));
    expect(words('f(x if y)')).toBe(words('f(x)'));
    expect(words('x if y\n')).toBe(words('x\n'));
  });

  it('say when a name is given once more', () => {
    for (const [again, other] of [['def f(a, a', 'def f(a, b'], ['def f(a: int, b=1, *a', 'def f(a: int, b=1, *c'], ['f(a=1, a', 'f(a=1, b'], ['def f(ab, b, ab', 'def f(ab, b, a']] as const) expect([again, words(again)]).not.toEqual([again, words(other)]);
    for (const text of ['f(a, a', 'f(a=a', 'def f(a=a', 'f(a=1, b=a.a', 'f(a=1)\nf(a', 'def f(a, ab']) expect([text, words(text)]).toEqual([text, words('f(a')]);
  });

  it('say how many stars an item began with, at most', () => {
    expect(new Set(['def f(a, ', 'def f(*, ', 'def f(*a, **b, '].map(words)).size).toBe(3);
    expect(words('f(a * b, c ** d, ')).toBe(words('f(a, '));
    expect(words('f(**a, *b')).toBe(words('f(**a'));
  });
});

it('tells what a function is defined with from what one is called with, and both from brackets around an expression', () => {
  expect(new Set(['def f(', 'f(', '(', '['].map(brackets)).size).toBe(4);
  expect(brackets('def f(a=g(')).toBe(brackets('f(a('));
  for (const text of ['x = (', 'return (', 'not (', 'a + (']) expect([text, brackets(text)]).toEqual([text, brackets('(')]);
  for (const text of ['x = f(', 'return f (', 'f()(', 'f[0](', "'a'("]) expect([text, brackets(text)]).toEqual([text, brackets('f(')]);
  expect(brackets('def f() -> g[')).toBe(brackets('g['));
});

it('is the same however a text is cut into tokens', () => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.nat(PIECES.length - 1).map((i) => FIRST_PIECE + i), fc.constantFrom(...'([{)]}:=,#\\\n \'"ax').map((c) => BYTE_IDS + c.charCodeAt(0)))), (ids) => {
    // All but how many tokens there were.
    const { length: _tokens, ...told } = after(...ids);
    expect(after(...ids.flatMap((id) => Array.from(bytes[id]!, (byte) => BYTE_IDS + byte)))).toMatchObject(told);
  }));
});

it('is one of the kinds that there are, whatever is read', () => {
  fc.assert(fc.property(fc.array(fc.nat(bytes.length - 1), { maxLength: 300 }), (ids) => {
    const told = arrays(ids.length + 1);
    lexicon.tell(ids, told, 1);
    for (const name of TOLD_NAMES) {
      expect(told[name][0]).toBe(-1);
      for (let i = 1; i <= ids.length; i++) {
        expect(told[name][i]).toBeGreaterThanOrEqual(0);
        expect(told[name][i]).toBeLessThan(TOLD[name]);
      }
      if (ids.length > 0) expect(after(...ids)[name]).toBe(told[name].at(-1));
    }
  }));
});

it('begins anew with every text', () => {
  expect(after(...idsOf('if f(['), SPECIAL_IDS.endOfText, ...idsOf('x'))).toEqual(at('x'));
});

it('goes on after a suffix where the prefix ended', () => {
  const { prefix, suffix, middle } = SPECIAL_IDS;
  const before = [SPECIAL_IDS.endOfText, prefix, ...idsOf('for x in f([')];
  expect(after(...before, suffix, ...idsOf("]):\n    '"), middle, ...idsOf('(y'))).toEqual(at('for x in f([(y'));
  // What a suffix stands in is not known, so nothing is said of it.
  expect(after(...before, suffix, ...idsOf(']'))).toEqual(after(...before, suffix));
});
