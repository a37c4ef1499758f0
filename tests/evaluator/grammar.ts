/**
 * Arbitraries of Python programs for fuzzing, built from the grammar (The Python Language Reference, chapter 10) so that most of
 * them read well up to what only later passes see (a `return` outside a function, a name both global and local); and the same
 * programs with a token or two lost, doubled, swapped or put in.
 */
import fc from 'fast-check';

const name = fc.constantFrom('a', 'b', 'c', 'self', 'é', 'match', 'case', 'type', '_', 'print', 'exec', '__debug__', '__class__');
const number = fc.constantFrom('0', '1', '1.5e3', '0x1f', '1_0', '2j', '.5', '0o7');
const plainString = fc.constantFrom('"s"', "'t'", "r'\\d'", '"""d"""', "'''e\n  f'''", '"\\x41"', 'u"v"');
const bytes = fc.constantFrom('b"x"', "rb'\\d'", "b'\\x00'");

type Nodes = Record<'atom' | 'expression' | 'star' | 'field' | 'target' | 'parameters' | 'pattern' | 'typeParameters', string>;

const join = (separator: string) => (parts: readonly string[]): string => parts.join(separator);
const seq = (...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> => fc.tuple(...parts).map(join(''));
const k = (...texts: string[]): fc.Arbitrary<string> => fc.constantFrom(...texts);
const list = (item: fc.Arbitrary<string>, minLength: number, maxLength: number, separator = ', '): fc.Arbitrary<string> => fc.array(item, { minLength, maxLength }).map(join(separator));
/** One depth for all expressions of a program's place; at the deepest the first part stands, which must be a leaf. */
const depth = fc.createDepthIdentifier();
const oneof = (...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> => fc.oneof({ maxDepth: 4, depthIdentifier: depth, withCrossShrink: true }, ...parts);
/** The same for blocks. */
const nesting = fc.createDepthIdentifier();
const deeper = { maxDepth: 3, depthIdentifier: nesting, withCrossShrink: true };

const nodes = fc.letrec<Nodes>((tie) => {
  const e = tie('expression'), atom = tie('atom'), star = tie('star'), target = tie('target'), pattern = tie('pattern');
  const clause = seq(k(' for ', ' for ', ' async for '), target, k(' in '), atom, oneof(k('', ''), seq(k(' if '), e)));
  const argument = oneof(name, e, e, star, seq(k('**'), atom), seq(name, k('='), e), seq(name, k(':='), e), seq(e, clause));
  const slice = oneof(name, e, star, seq(oneof(k(''), e), k(':'), oneof(k(''), e), oneof(k('', ':'), seq(k(':'), e))));
  const field = oneof(
    k('', 'x', '{{', '}}', ' '),
    seq(k('{'), atom, k('', '=', ' = '), k('', '!r', '!s'), oneof(k('', ':', ':>3'), seq(k(':'), tie('field'))), k('}')),
  );
  return {
    field,
    atom: oneof(
      name, name, number, plainString, bytes, k('None', 'True', '...', '()', '[]', '{}'),
      seq(k('f', 'rf', 't'), fc.tuple(k('"', "'", '"""'), list(field, 0, 3, '')).map(([quote, body]) => quote + body + quote)),
      fc.tuple(plainString, plainString).map(join(' ')),
      seq(k('('), e, k(')')), seq(k('('), list(oneof(name, e, star), 1, 3), k(')', ',)')), seq(k('['), list(oneof(name, e, star), 0, 3), k(']', ',]')),
      seq(k('{'), list(oneof(name, e, star), 1, 3), k('}', ',}')), seq(k('{'), list(oneof(k('a: b'), seq(e, k(': '), e), seq(k('**'), atom)), 1, 3), k('}', ',}')),
      seq(k('(', '['), e, clause, oneof(k(''), clause), k(')', ']')), seq(k('{'), e, oneof(k(''), seq(k(': '), e)), clause, k('}')),
      seq(k('('), k('yield ', 'yield from ', 'a := ', 'yield'), e, k(')')),
      seq(atom, k('.'), name), seq(atom, k('['), list(slice, 1, 2), k(']', ',]')), seq(atom, k('('), list(argument, 0, 3), k(')', ',)')),
    ),
    expression: oneof(
      name, atom, atom,
      seq(e, k(' + ', '-', '*', '**', ' // ', ' and ', ' or ', ' in ', ' not in ', ' is ', ' is not ', ' < ', '==', ' != ', ' @ ', '>>', '|', ' & ', ' ^ '), e),
      seq(k('not ', '-', '~', 'await '), e), seq(atom, k(' if '), e, k(' else '), e), seq(k('lambda', 'lambda '), oneof(k(''), seq(k(' '), tie('parameters'))), k(': '), e),
    ),
    star: seq(k('*'), oneof(name, atom, e)),
    target: oneof(
      name, name, name, seq(atom, k('.'), name), seq(atom, k('['), e, k(']')), seq(k('('), target, k(')')), seq(k('*'), name),
      seq(k('('), list(target, 1, 3), k(')', ',)')), seq(k('['), list(target, 0, 3), k(']')), list(target, 2, 3), seq(target, k(',')),
    ),
    parameters: list(oneof(name, name, seq(name, k('='), atom), k('*', '/'), seq(k('*', '**'), name)), 0, 4),
    pattern: oneof(
      name, k('_', '1', '-1', '1+2j', '"s"', 'None', 'a.b', 'a.b.c', '*_', '*a', '()', '[]', '{}'),
      seq(pattern, k(' | '), pattern), seq(k('(', '['), list(pattern, 1, 3), k(')', ']')), list(pattern, 2, 3), seq(pattern, k(' as '), name),
      seq(k('{'), list(oneof(k('1: a'), seq(k('"s": ', '1: ', 'a.b: ', '-2: '), pattern), k('**rest')), 1, 2), k('}')),
      seq(k('A', 'a.b'), k('('), list(oneof(name, pattern, seq(name, k('='), pattern)), 0, 3), k(')')),
    ),
    typeParameters: seq(k('['), list(oneof(name, seq(name, k(': '), atom), k('*Ts', '**P', 'T = int', '*Us = *a')), 1, 3), k(']')),
  };
});
const { expression: e, star, target, parameters, pattern, typeParameters } = nodes;

const stars = oneof(name, e, e, e, star, list(oneof(name, e, star), 2, 3), seq(e, k(',')));
const dotted = k('a', 'a.b', '__future__', 'os.path');
const simple = oneof(
  k('pass', 'break', 'continue', '...', '"doc"'), e, stars, seq(target, k(' = '), stars), seq(target, k(' = '), target, k(' = '), stars), seq(target, k(': '), e, oneof(k(''), seq(k(' = '), stars))),
  seq(target, k(' += ', ' //= ', ' @= '), stars), seq(target, k(' = yield ', ' = yield'), stars), seq(k('yield ', 'yield from '), stars),
  seq(k('return ', 'return', 'raise '), stars), seq(k('raise '), e, k(' from '), e), seq(k('assert '), e, oneof(k(''), seq(k(', '), e))), seq(k('del '), target),
  seq(k('global ', 'nonlocal '), list(name, 1, 2)),
  seq(k('import '), list(seq(dotted, oneof(k(''), seq(k(' as '), name))), 1, 2)),
  seq(k('from '), k('a', '.', '..a', '.a.b', '__future__'), k(' import '), oneof(k('*', 'annotations', '(a, b as c,)', 'a, b as c'), list(name, 1, 2))),
  seq(k('type '), name, oneof(k(''), typeParameters), k(' = '), e),
  seq(k('print ', 'exec '), e),
);

type Lines = readonly string[];
const indented = (lines: Lines, indent: string): Lines => lines.flatMap((line) => (line.includes('\n') ? [indent + line] : [line === '' ? line : indent + line]));
const indent = k('    ', '    ', '    ', '  ', '\t');
const simpleLine = fc.tuple(list(simple, 1, 2, '; '), k('', '', '', ';', '  # c', ' \\\n')).map(([text, end]): Lines => [text + end]);
const { block, statement } = fc.letrec<{ block: Lines; statement: Lines }>((tie) => {
  const body = fc.tuple(tie('block'), indent).map(([lines, by]) => indented(lines, by));
  const suite = (head: fc.Arbitrary<string>): fc.Arbitrary<Lines> =>
    fc.oneof(deeper, fc.tuple(head, simple).map(([text, one]): Lines => [`${text}: ${one}`]), fc.tuple(head, k(':', ':  # c'), body).map(([text, colon, lines]): Lines => [text + colon, ...lines]));
  const chain = (...parts: fc.Arbitrary<Lines>[]): fc.Arbitrary<Lines> => fc.tuple(...parts).map((all) => all.flat());
  const maybe = (part: fc.Arbitrary<Lines>): fc.Arbitrary<Lines> => fc.oneof(fc.constant<Lines>([]), part);
  const withItem = seq(e, oneof(k(''), seq(k(' as '), target)));
  const handler = suite(seq(k('except ', 'except ', 'except* '), e, oneof(k(''), seq(k(' as '), name), seq(k(', '), e))));
  const definition = seq(k('def ', 'def ', 'async def '), name, oneof(k(''), k(''), typeParameters), k('('), parameters, k(')'), oneof(k(''), seq(k(' -> '), e)));
  const cases = fc.array(suite(seq(k('case '), pattern, oneof(k(''), seq(k(' if '), e)))), { minLength: 1, maxLength: 2 }).map((all) => indented(all.flat(), '    '));
  return {
    statement: fc.oneof(
      deeper,
      simpleLine, simpleLine, fc.constantFrom<Lines>([''], ['# c'], ['\\']),
      chain(suite(definition)), chain(suite(definition)),
      chain(fc.array(seq(k('@'), e), { maxLength: 1 }), suite(seq(k('class '), name, oneof(k('', '()', '(a, b=1)', '(*a)'), typeParameters)))),
      chain(suite(seq(k('if '), e)), maybe(suite(seq(k('elif '), e))), maybe(suite(k('else')))),
      chain(suite(seq(k('while '), e)), maybe(suite(k('else')))),
      chain(suite(seq(k('for ', 'for ', 'async for '), target, k(' in '), stars)), maybe(suite(k('else')))),
      chain(suite(k('try')), fc.oneof(handler, suite(k('except')), suite(k('finally')), chain(handler, handler)), maybe(suite(k('else'))), maybe(suite(k('finally')))),
      chain(suite(seq(k('with ', 'async with '), oneof(list(withItem, 1, 2), seq(k('('), list(withItem, 1, 2), k(')', ',)')))))),
      fc.tuple(stars, cases).map(([subject, lines]): Lines => [`match ${subject}:`, ...lines]),
    ),
    block: fc.array(tie('statement'), { minLength: 1, maxLength: 3 }).map((all) => all.flat()),
  };
});

/** Whole programs, most of them legal or nearly so. */
export const program: fc.Arbitrary<string> = fc
  .tuple(fc.oneof(block, fc.array(statement, { maxLength: 5 }).map((all) => all.flat())), k('\n', '\n', '\n', '\r\n', '\r'), k('', '\n', '\n', '    ', '\\\n\t'))
  .map(([lines, ending, end]) => lines.join(ending) + end);

const TOKENS = /[^\W\d]\w*|\d+|[ \t]+|\n|[^\w\s]/gu;
const PIECES = ['(', ')', '[', ']', '{', '}', ':', ',', '.', ';', '=', ':=', '*', '**', '/', '@', '->', '!', '"', "'", '"""', 'f"', '\\', '\n', '    ', ' ', '#', 'not ', 'in ', 'is ', 'if ', 'else ', 'for ', 'async ', 'await ', 'yield ', 'return ', 'lambda ', 'def ', 'class ', 'pass', 'None', '0', 'a ', '_', 'as ', 'from ', 'import '];

/** A program with one or two tokens lost, doubled, swapped with the next, or put in. */
export const mutated: fc.Arbitrary<string> = fc
  .tuple(program, fc.array(fc.tuple(fc.nat({ max: 10_000 }), fc.constantFrom('lose', 'double', 'swap', 'put'), fc.constantFrom(...PIECES)), { minLength: 1, maxLength: 2 }))
  .map(([text, edits]) => {
    const tokens = text.match(TOKENS) ?? [];
    for (const [place, kind, piece] of edits) {
      const at = place % (tokens.length + 1);
      const one = tokens[at] ?? '';
      if (kind === 'lose') tokens.splice(at, 1);
      else if (kind === 'double') tokens.splice(at, 0, one);
      else if (kind === 'swap') tokens.splice(at, 2, tokens[at + 1] ?? '', one);
      else tokens.splice(at, 0, piece);
    }
    return tokens.join('');
  });
