import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationRequest } from '../../src/contracts/evaluator.ts';
import { CopyIndex, evaluateTexts, findDocuments, KIND_IDS, loadCPython, MAX_BYTES, readability, readabilityTerms, type CPython } from '../../src/evaluator/index.ts';

let cpython: CPython;
beforeAll(async () => {
  cpython = await loadCPython();
});

function request(text: string, more: Partial<EvaluationRequest> = {}): EvaluationRequest {
  return { id: 'a', text, promptLength: 0, finish: 'stop', ...more };
}

function evaluate(text: string, more: Partial<EvaluationRequest> = {}) {
  return evaluateTexts([request(text, more)], { cpython })[0]!;
}

const WHOLE = 'def add(a, b):\n    """Sum."""\n    total = a + b\n    return total\n';

describe('verdicts', () => {
  it('calls a whole function valid', () => {
    const { valid, reason, rulesValid, score, findings } = evaluate(WHOLE);
    expect({ valid, reason, rulesValid, score, findings }).toEqual({ valid: true, reason: undefined, rulesValid: true, score: 1, findings: [] });
  });

  it.each([
    ['too-large', `x = "${'a'.repeat(MAX_BYTES)}"`, {}],
    ['too-large', `x = "${'é'.repeat(MAX_BYTES / 2)}"`, {}],
    ['truncated', WHOLE, { finish: 'length' }],
    ['truncated', 'def f(:', { finish: 'length' }],
    ['empty', '', {}],
    ['empty', '# nothing\n', {}],
    ['empty', '"""only\na docstring"""\n', {}],
    ['empty', 'def f(a, b):\n    """Doc."""\n', {}],
    ['empty', 'def f(a, b):\n    # c\n    pass\n', {}],
    ['empty', 'class A(B):\n    def f(self): ...\n    pass\n', {}],
    ['empty', 'x\n', {}],
    ['empty', `${WHOLE}x\n`, { promptLength: WHOLE.length }],
    ['syntax', 'def f(a):\n    return a +\n', {}],
    ['syntax', 'def f(a):\nreturn a\n', {}],
  ] as const)('gives the reason %s', (reason, text, more) => {
    const evaluation = evaluate(text, more);
    expect(evaluation).toMatchObject({ valid: false, reason });
    expect(evaluation.score).toBeLessThan(1);
    expect(evaluation.findings.length).toBeGreaterThan(0);
  });

  it('compiles what was cut off, so that its fault is known', () => {
    const { findings } = evaluate('def f(a):\n    return (a\n', { finish: 'length' });
    expect(findings.map(({ source }) => source)).toContain('cpython');
  });

  it('does not need CPython', () => {
    expect(evaluateTexts([request(WHOLE), request('x = = 1')]).map(({ valid }) => valid)).toEqual([true, false]);
  });

  it.each([
    ['NUL', 'x = 1\0\ny = 2\n'], ['lone surrogate', 'x = "\ud800"\ny = 2\n'], ['surrogate in a comment', '# \udc00\nx = y + 2\n'], ['BOM', '\ufeffx = y + 1\n'],
    ['10,000 brackets', `${'('.repeat(10_000)}${')'.repeat(10_000)}`], ['10,000 nots', `x = ${'not '.repeat(10_000)}1\n`], ['10,000 attributes', `x${'.y'.repeat(10_000)}\n`],
    ['10,000 indents', Array.from({ length: 10_000 }, (_, i) => `${' '.repeat(i % 300)}if x:\n`).join('')],
    ['30 comprehensions', `x = ${'['.repeat(30)}a${' for a in b]'.repeat(30)}\n`],
    ['a line of 900 KB', `x = "${'a'.repeat(900_000)}\n`], ['900 KB of operators', `x = ${'+'.repeat(900_000)}1`], ['900 KB of open brackets', '['.repeat(900_000)],
  ])('survives %s', (_, text) => {
    const { valid, findings } = evaluate(text);
    expect(valid).toBe(false);
    expect(findings.length).toBeGreaterThan(0);
    // The interpreter lives on.
    expect(evaluate(WHOLE).valid).toBe(true);
  });

  it.each([
    ['code', 'def name(self, other):\n    if self.value > other.value + 1:\n        return function(argument, 3)\n', '', ''],
    ['a list of numbers', '123, ', 'x = [', ']\n'],
    ['a list of digits, spaced', '1, ', 'x = [', ']\n'],
    ['statements', 'x = y\n', '', ''],
  ])('judges a megabyte of %s, and says where it is wrong', (_, piece, before, after) => {
    const text = before + piece.repeat(Math.floor((MAX_BYTES - 10) / piece.length)) + after;
    expect(evaluate(text)).toMatchObject({ valid: true, score: 1, findings: [{ kind: 'partial' }] });
    const at = before.length + 700_000 - (700_000 % piece.length);
    const broken = evaluate(`${text.slice(0, at)}$${text.slice(at)}`);
    expect(broken).toMatchObject({ valid: false, reason: 'syntax', rulesValid: false });
    expect(broken.findings[0]).toMatchObject({ kind: 'syntax.invalid', span: { start: at } });
  });

  it('takes CR LF, lone CR and tabs as CPython does', () => {
    for (const text of ['def f(a):\r\n\treturn a\r\n', 'def f(a):\r  return a\r', 'if a:\n\tb = c\n\td = e\n']) expect(evaluate(text)).toMatchObject({ valid: true, rulesValid: true });
  });

  it('keeps order and ids', () => {
    const requests = ['x = y + 1', 'x = = 1', WHOLE].map((text, index) => request(text, { id: `id-${index}` }));
    expect(evaluateTexts(requests, { cpython }).map(({ id, valid }) => [id, valid])).toEqual([['id-0', true], ['id-1', false], ['id-2', true]]);
  });
});

describe('findings', () => {
  it('are exactly where CPython points, in lines, UTF-16 columns and UTF-8 bytes', () => {
    const text = 'é = "😀"\nx = "😀" $ 1\n';
    const finding = evaluate(text).findings.find(({ source }) => source === 'cpython')!;
    expect(finding).toMatchObject({ kind: 'cpython.syntax', message: 'invalid syntax', line: 2, column: 9 });
    expect(Buffer.from(text).subarray(finding.span.start, finding.span.end).toString()).toBe('$');
  });

  it.each([
    ['f(1,\n', "'(' was never closed", '('],
    ['if x:\npass\n', "expected an indented block after 'if' statement on line 1", 'pass'],
    ['x = 1\nprint "a"\n', "Missing parentheses in call to 'print'. Did you mean print(...)?", 'print "a"'],
    ['f(a=1, a=2)\n', 'keyword argument repeated: a', 'a=2'],
  ])('%j', (text, message, where) => {
    const finding = evaluate(text).findings.find(({ source }) => source === 'cpython')!;
    expect(finding.message).toBe(message);
    expect(Buffer.from(text).subarray(finding.span.start, finding.span.end).toString()).toBe(where);
  });
});

describe('score', () => {
  it('falls with every further fault', () => {
    const faulty = ['a = b + +', 'c = d d', 'f = [g h]', 'i = j.'];
    const scores = faulty.map((_, index) => evaluate(faulty.map((line, other) => (other <= index ? line : 'k = 1')).join('\n')).score);
    expect([...scores].sort((a, b) => b - a)).toEqual(scores);
    expect(new Set(scores).size).toBe(scores.length);
  });
});

describe('counts', () => {
  it('follow their definitions', () => {
    const { counts } = evaluate('def f(a):\n    """Doc."""\n    # c\n    b = "s" + a\n\n    if b:\n        b = 1\n        b = 1\n');
    // def f ( a ) : | b = + a | if b : | b = 1 | b = 1
    expect(counts).toMatchObject({ codeTokens: 6 + 4 + 3 + 3 + 3, lines: 7, docstring: true, maxNesting: 2, longestLine: 15 });
    expect(counts.repeatedLines).toBeCloseTo(1 / 7);
    // def | b = s + a | if | b = 1 | b = 1
    expect(counts.similarLines).toBeCloseTo(1 / 5);
  });

  it('lines are similar whatever their names, numbers and strings; other operators, keywords and docstrings do not make them so', () => {
    const similar = (...lines: string[]): number => evaluate(`def f(a):\n${lines.map((line) => `    ${line}\n`).join('')}`).counts.similarLines;
    expect(similar('self.a = 1', 'other.b = 0x7f', "self._c = f(f'{x}')", 'self.d = g(rb"a")')).toBeCloseTo(2 / 5);
    expect(similar('a = b', 'a += b', 'a = not b', 'return a', 'return None')).toBe(0);
    expect(similar('"""Text."""', '"more text"', 'return a')).toBe(0);
    expect(similar('a = [1,', '2]', 'b = [ 3, 4 ]  # more')).toBeCloseTo(1 / 3);
  });

  it('count own nodes after the prompt only', () => {
    const prompt = 'def f(a):';
    const all = evaluate(WHOLE).counts.ownNodes;
    const own = evaluate(`${prompt}\n    return a\n`, { promptLength: prompt.length }).counts.ownNodes;
    expect(own).toBe(3); // block, return_statement, identifier
    expect(all).toBeGreaterThan(own);
  });

  it('give a shape that names and layout do not change', () => {
    const shape = (text: string): string => evaluate(text).shape;
    expect(shape('x = y + 1\n')).toBe(shape('# c\nother  =  name+2  # d'));
    expect(shape('x = f("a")\n')).toBe(shape("y = g('')\n"));
    expect(shape('x = y + 1\n')).not.toBe(shape('x = y + z\n'));
    expect(shape('x = = 1')).toBe('');
  });

  it('give bigrams of parents and of neighbouring statements', () => {
    const { bigrams } = evaluate('pass_ = a\nreturn_(b)\n');
    const id = (kind: string): number => KIND_IDS.get(kind)!;
    expect(Math.max(...KIND_IDS.values())).toBeLessThan(1024);
    expect(bigrams.filter((bigram) => bigram >= 2 ** 20)).toEqual([2 ** 20 + id('expression_statement') * 1024 + id('expression_statement')]);
    expect(bigrams.filter((bigram) => bigram === id('module') * 1024 + id('expression_statement'))).toHaveLength(2);
    expect(bigrams).toContain(id('assignment') * 1024 + id('identifier'));
    expect(evaluate('x = = 1').bigrams).toEqual([]);
  });
});

describe('places of bigrams', () => {
  it('are where the second node begins, in the order of the bigrams, in bytes', () => {
    const text = '# größe\npass_ = f"é{a}"\n# c\nreturn_(b)\n';
    const { bigrams, bigramsAt } = evaluate(text, { places: true });
    const id = (kind: string): number => KIND_IDS.get(kind)!;
    const kinds = new Map([...KIND_IDS].map(([name, number]) => [number, name]));
    const at = bigrams.map((bigram, i) => [kinds.get(bigram % 1024), Buffer.from(text).subarray(bigramsAt![i]).toString()] as const);
    for (const [kind, rest] of at) if (kind === 'identifier') expect(rest).toMatch(/^(pass_|a|return_|b)\b/);
    expect(at.filter(([kind]) => kind === 'interpolation').map(([, rest]) => rest.slice(0, 3))).toEqual(['{a}']);
    const neighbours = bigrams.indexOf(2 ** 20 + id('expression_statement') * 1024 + id('expression_statement'));
    expect(at[neighbours]![1]).toMatch(/^return_/);
  });

  it('are as many as there are bigrams for every function of a kind people write, and absent where nobody asked', () => {
    for (const text of [WHOLE, 'class A(B):\n    """D."""\n    x = 1\n\n    @p\n    async def f(self, *a, k=1, **o):\n        # c\n        if a or not k:\n            return [i for i in a if i], -1, a not in k\n        elif k: pass\n        with a as b, c: await c\n        try:\n            x: int = "a" "b"; y = lambda q: q\n        except E as e: raise\n        return a[1:2] if x else {1: 2}\n']) {
      const { bigrams, bigramsAt, valid } = evaluate(text, { places: true });
      expect(valid).toBe(true);
      expect(bigramsAt).toHaveLength(bigrams.length);
      expect(evaluate(text).bigramsAt).toBeUndefined();
    }
    expect(evaluate('x = = 1', { places: true }).bigramsAt).toBeUndefined();
  });
});

describe('copies', () => {
  const document = `${WHOLE}\n\ndef other(x):\n    for item in x:\n        yield item * 2 + total(item)\n`;
  const copies = new CopyIndex([document, 'class A:\n    pass\n']);

  it('finds documents and passages of them, whatever their white space', () => {
    expect(copies.has(document)).toBe(true);
    expect(copies.has('def other(x):\n  for item in x:\n    yield item * 2 + total(item)')).toBe(true);
    expect(copies.has('def other(x):\n  for item in x:\n    yield item * 3 + total(item)')).toBe(false);
    expect(evaluateTexts([request(WHOLE)], { cpython, copies })[0]!.copy).toBe(true);
  });

  it('finds a whole document under other names, laid out and documented in another way', () => {
    const known = 'def read(self, path, mode="r"):\n    """Reads."""\n    with open(path, mode) as file:\n        self.text = file.read()\n    return self.text\n';
    const index = new CopyIndex([known]);
    const judge = (text: string) => evaluateTexts([request(text)], { cpython, copies: index })[0]!;
    // `read` is the function's name and the method's, so the copy calls both alike.
    const other = "def load(me, name, how='rb'):\n  # loads\n  with unlock(name, how) as handle:\n\n    me.data=handle.load()\n  return me.data";
    expect(judge(other)).toMatchObject({ valid: true, copy: false, renamed: true });
    expect(judge(known)).not.toHaveProperty('renamed');
    expect(judge(known).copy).toBe(true);
    for (const [from, to] of [['return me.data', 'return handle.data'], ['me.data=', 'me.data+='], ['return', 'yield'], ['return me.data', 'return me.data or None'], ['):', ')']] as const)
      expect(judge(other.replace(from, to))).not.toHaveProperty('renamed');
    const short = new CopyIndex(['def f(self, key):\n    return self.items[key]\n']);
    expect(evaluateTexts([request('def g(self, name):\n    return self.parts[name]\n')], { cpython, copies: short })[0]).not.toHaveProperty('renamed');
  });

  it('calls nothing short a copy', () => {
    expect(copies.has('total = a + b')).toBe(false);
  });

  it('finds every passage that is long enough', () => {
    const flat = document.replace(/\s+/g, ' ').trim();
    fc.assert(
      fc.property(fc.nat(flat.length - 40), fc.integer({ min: 40, max: 120 }), (start, length) => {
        const passage = flat.slice(start, start + length).trim();
        return passage.length < 40 || copies.has(passage);
      }),
      { numRuns: 200 },
    );
  });
});

describe('readability', () => {
  it('is in [0, 1] and prefers short, documented, unrepeated code', () => {
    const good = evaluate(WHOLE).counts;
    const bad = { ...good, longestLine: 300, maxNesting: 9, lines: 200, docstring: false, repeatedLines: 0.5 };
    expect(readability(good)).toBe(1);
    expect(readability(bad)).toBeLessThan(0.5);
    for (const term of Object.values(readabilityTerms(bad))) expect(term).toBeLessThan(1);
    expect(readability({ ...good, codeTokens: 0 })).toBe(0);
  });
});

describe('documents', () => {
  const source = [
    '"""Module."""', 'import os', '', '@deco(1)', 'def first(a):', '    """Doc', '', '    more."""', '    return a  # end', '', '# about the class', 'class Thing(Base):', '    x = 1', '',
    '    async def run(self):', '        """Long', '        doc."""', '        text = """', '  keep', '"""', '        await self.go(text)', '', '    # comment', '    @property', '    def name(self):', '        return (', '    self.x)', '',
    '    class Inner:', '        y = 2', '', 'def bad():', '    return await_', '', 'if os:', '    def hidden(): return 1', '',
  ].join('\n');

  it('are functions, classes and methods, dedented, each compiling by itself', () => {
    const documents = findDocuments(source, cpython);
    expect(documents.map(({ text }) => text.split('\n').find((line) => /^(?:async )?(?:def|class)/.test(line)))).toEqual([
      'def first(a):', 'class Thing(Base):', 'async def run(self):', 'def name(self):', 'class Inner:', 'def bad():',
    ]);
    for (const { text } of documents) {
      expect(cpython.compileAll([text])).toEqual([null]);
      expect(text).toMatch(/[^\s]\n$/);
    }
    expect(documents[0]!.text).toBe('@deco(1)\ndef first(a):\n    """Doc\n\n    more."""\n    return a  # end\n');
    expect(documents[2]!.text).toBe('async def run(self):\n    """Long\n    doc."""\n    text = """\n  keep\n"""\n    await self.go(text)\n');
  });

  it('have the span they were found at', () => {
    const bytes = Buffer.from(source);
    for (const { text, span } of findDocuments(source, cpython)) {
      const there = bytes.subarray(span.start, span.end).toString();
      expect(there.replace(/\s+/g, '')).toBe(text.replace(/\s+/g, ''));
    }
  });

  it('come out of CR LF files with line feeds, and out of broken files where they are whole', () => {
    expect(findDocuments('class A:\r\n    def f(self):\r\n        """a\r\n        b"""\r\n        return 1\r\n', cpython).map(({ text }) => text)).toEqual([
      'class A:\n    def f(self):\n        """a\n        b"""\n        return 1\n', 'def f(self):\n    """a\n    b"""\n    return 1\n',
    ]);
    expect(findDocuments('def f(a):\n    return a\n\nx = = 1\n\ndef g(a)\n    return a\n', cpython).map(({ text }) => text)).toEqual(['def f(a):\n    return a\n']);
  });

  it('are none where nothing is done, as no sample is valid that does nothing', () => {
    const stubs = ['def f(a):\n    """Doc."""', 'def f(a): ...', 'class E(Exception):\n    pass', 'class A:\n    """Doc."""\n    def f(self):\n        pass', '@deco\ndef f(self) -> int:\n    # later\n    pass'];
    for (const stub of stubs) expect([stub, findDocuments(`${stub}\n`, cpython)]).toEqual([stub, []]);
    const found = findDocuments('class A:\n    def f(self):\n        pass\n    def g(self):\n        return 1\n', cpython);
    expect(found.map(({ text }) => text.slice(0, 5))).toEqual(['class', 'def g']);
    for (const { text } of findDocuments(source, cpython)) expect([text, evaluate(text).valid]).toEqual([text, true]);
  });
});

describe('any string at all', () => {
  const words = ['def', 'class', 'f', 'x', '(', ')', '[', ']', '{', '}', ':', ',', '=', '==', ':=', '*', '**', '.', '...', 'if', 'else', 'for', 'in', 'lambda', 'yield', 'await', 'async', 'return', 'not', 'f"{', '}"', '"', "'", '"""', '\\', '1', '0x', '1.5j', '\n', '\n    ', '\n\t', '\n  ', ' ', '#', ';', '@', '->', 'match', 'case', '_', 'import', 'from', 'global', 'nonlocal', 'try', 'except', 'finally', 'with', 'as', 'del', 'pass', 'b"', '\r\n', '\0', '\ud800', 'é', '😀', '!', '$'];
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)), maxLength: 30 }),
    fc.array(fc.constantFrom(...words), { maxLength: 25 }).map((parts) => parts.join('')),
    fc.array(fc.constantFrom(...words), { maxLength: 25 }).map((parts) => parts.join(' ')),
  );

  it('is evaluated: no throw, spans inside the text, score 1 iff valid, order kept', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 40 }), fc.boolean(), (texts, cut) => {
        const requests = texts.map((one, index) => request(one, { id: String(index), promptLength: one.length % 3, finish: cut ? 'length' : 'stop' }));
        const evaluations = evaluateTexts(requests, { cpython });
        expect(evaluations.map(({ id }) => id)).toEqual(requests.map(({ id }) => id));
        evaluations.forEach(({ valid, score, findings, rulesValid, reason, counts }, index) => {
          const bytes = Buffer.byteLength(texts[index]!);
          expect(score === 1).toBe(valid);
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1);
          expect(valid).toBe(reason === undefined);
          expect(findings.length > 0).toBe(!valid);
          expect(rulesValid).toBe(valid);
          expect(counts.bytes).toBe(bytes);
          for (const { span, line, column } of findings) {
            expect(0 <= span.start && span.start <= span.end && span.end <= bytes).toBe(true);
            expect(line >= 1 && column >= 0).toBe(true);
          }
        });
      }),
      { numRuns: 60 },
    );
  });
});
