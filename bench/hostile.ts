/**
 * Hostile texts of up to a megabyte, each kind by name: what a judge must end on within its limits. Deterministic. Not here: who
 * judges them.
 */

const MEGABYTE = 1_000_000;
const fill = (piece: string, before = '', after = ''): string => before + piece.repeat(Math.floor((MEGABYTE - before.length - after.length) / Buffer.byteLength(piece))) + after;
const around = (open: string, depth: number, middle: string, close: string): string => open.repeat(depth) + middle + close.repeat(depth);

/** Numbers from a linear congruential generator: the same bytes every time. */
function bytes(length: number, seed: number, from: number, below: number): Uint8Array {
  const out = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    out[i] = from + ((state >>> 16) % (below - from));
  }
  return out;
}

function nestedBlocks(depth: number, head: string): string {
  let text = '';
  for (let i = 0; i < depth && text.length < MEGABYTE - 10_000; i++) text += `${' '.repeat(i)}${head}\n`;
  return `${text}${' '.repeat(Math.min(depth, 1400))}pass\n`;
}

/** Each kind of text; every one has at most 1,000,000 bytes. */
export function hostileTexts(): ReadonlyMap<string, string | Uint8Array> {
  return new Map<string, string | Uint8Array>([
    ['10,000 brackets nested', around('(', 10_000, '1', ')')],
    ['199 brackets nested, 2,000 times', fill(`${around('[', 190, '1', ']')}\n`)],
    ['million opening brackets', fill('(')],
    ['million closing brackets', fill(')')],
    ['million braces', fill('{')],
    ['million pairs of brackets', fill('()')],
    ['million quotes', fill('"')],
    ['million single quotes, spaced', fill("' ")],
    ['million triple quotes', fill('"""')],
    ['million backslashes', fill('\\')],
    ['backslash line breaks', fill('\\\n')],
    ['million line feeds', fill('\n')],
    ['million carriage returns', fill('\r')],
    ['million spaces', fill(' ')],
    ['million tabs', fill('\t')],
    ['million dots', fill('.')],
    ['million at signs', fill('@')],
    ['million colons', fill(':')],
    ['million commas', fill(',')],
    ['million NULs', fill('\0')],
    ['NUL after code', fill('x = f(y)\n', '', '\0\n')],
    ['lone surrogates', '\ud800'.repeat(300_000)],
    ['BOM and code', fill('x = f(y)\n', '\ufeff')],
    ['CR LF code', fill('x = f(y)\r\n')],
    ['tabs and spaces mixed', fill('if x:\n\ty\n        z\n')],
    ['invalid UTF-8', bytes(MEGABYTE, 1, 128, 256)],
    ['random bytes', bytes(MEGABYTE, 2, 0, 256)],
    ['random ASCII', bytes(MEGABYTE, 3, 32, 127)],
    ['random brackets and quotes', Uint8Array.from(bytes(MEGABYTE, 4, 0, 12), (n) => '()[]{}\'"\n :a'.charCodeAt(n))],
    ['f-strings nested 140 deep', fill(`${around('f"{', 140, '1', '}"')}\n`)],
    ['f-string opened 300,000 times', fill('f"{')],
    ['f-string fields', fill('{x}', 'f"', '"')],
    ['f-string formats', fill('{x:', 'f"', '"')],
    ['one-line string', fill('a', 'x = "', '"\n')],
    ['one-line comment', fill('a', '#')],
    ['one-line name', fill('a')],
    ['accented name', fill('é')],
    ['escapes', fill('\\x41', 'x = "', '"\n')],
    ['bad escapes', fill("'\\x'\n")],
    ['named escapes', fill('\\N{', 'x = "', '"\n')],
    ['statements, short', fill('x\n')],
    ['statements, plain', fill('value = function(argument, other)\n')],
    ['statements on one line', fill('x;')],
    ['functions', fill('def f(a, b):\n    return a + b\n')],
    ['functions, empty head', fill('def f(\n')],
    ['broken heads', fill('if (a:\n')],
    ['sum', fill('+a', 'x = a', '\n')],
    ['sum of 1,400', fill(`${'a+'.repeat(1400)}a\n`)],
    ['powers', fill('**a', 'x = a', '\n')],
    ['comparisons', fill('<a', 'x = a', '\n')],
    ['conjunctions', fill(' and a', 'x = a', '\n')],
    ['nots', fill('not ', '', 'x\n')],
    ['minus signs', fill('-', 'x = ', '1\n')],
    ['conditionals', fill('a if b else ', 'x = ', 'c\n')],
    ['lambdas', fill('lambda:', 'x = ', '1\n')],
    ['attributes', fill('.a', 'a', '\n')],
    ['calls', fill('()', 'a', '\n')],
    ['subscripts', fill('[0]', 'a', '\n')],
    ['elif', fill('elif a:\n  b\n', 'if a:\n  b\n')],
    ['else', fill('else:\n  b\n')],
    ['blocks nested 1,400 deep', nestedBlocks(1400, 'if x:')],
    ['blocks nested 95 deep', nestedBlocks(95, 'if x:').repeat(120)],
    ['decorators', fill('@a\n', '', 'def f(): return 1\n')],
    ['list of digits', fill('1,', 'x = [', ']\n')],
    ['list of digits, spaced', fill('1, ', 'x = [', ']\n')],
    ['list of numbers', fill('123, ', 'x = [', ']\n')],
    ['list of comparisons', fill('a < b, ', 'x = [', ']\n')],
    ['methods', fill('def name(self, other):\n    if self.value > other.value + 1:\n        return function(argument, 3)\n')],
    ['one-line ifs', fill('if x: y\n')],
    ['annotations', fill('x: y\n')],
    ['cases', fill(' case a: b\n', 'match x:\n')],
    ['dictionary', fill('1:2,', 'x = {', '}\n')],
    ['arguments', fill('a,', 'f(', ')\n')],
    ['parameters', `def f(${Array.from({ length: 120_000 }, (_, i) => `a${i}`).join(',')}): return a0\n`],
    ['repeated parameters', fill('a,', 'def f(', '): return a\n')],
    ['global names', fill('a,', 'def f():\n  global ', 'a\n  return a\n')],
    ['nonlocal scopes', fill('def f():\n nonlocal x\n return x\n')],
    ['targets', fill('a=', '', '1\n')],
    ['starred targets', fill('*a,', '', '= b\n')],
    ['giant integer', fill('9', 'x = ', '\n')],
    ['integers of 4,300 digits', fill(`x = ${'9'.repeat(4300)}\n`)],
    ['hexadecimal integer', fill('f', 'x = 0x', '\n')],
    ['strings in a row', fill('"a" ', 'x = ', '\n')],
    ['comprehensions nested 18 deep', fill(`${around('[', 18, 'a', ' for a in b]')}\n`)],
    ['comprehensions nested 30 deep', fill(`${around('[', 30, 'a', ' for a in b]')}\n`)],
    ['comprehension clauses', fill(' for a in b', '[a', ']\n')],
    ['with items', fill('a,', 'with ', 'a: b\n')],
    ['match words', fill('match (\n')],
    ['match in match', fill('match ')],
    ['print statements', fill('print x\n')],
    ['case patterns', fill('a|', 'match x:\n  case ', 'b: return\n')],
    ['indents growing, stray', fill(' x\n  x\n   x\n')],
    ['dedents to nowhere', fill('if x:\n    y\n  z\n')],
  ]);
}
