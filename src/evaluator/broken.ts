/**
 * Where a text broke: the place after which no continuation compiles any more, asked of CPython's own parser. A Python program (it runs
 * inside the interpreter, beside the verdicts) and nothing else. Not here: the interpreter (cpython.ts).
 *
 * A prefix of tokens can be completed exactly when the parser, given these tokens and then the end of the input in the middle of a
 * line, asks for more: with PyCF_ALLOW_INCOMPLETE_INPUT it then says "incomplete input" (Parser/pegen.c), and any other error means that
 * it failed before the end. The end lies in the middle of a line because a backslash is put behind the prefix. What can be completed is
 * closed under taking prefixes, so bisection over tokens finds the first that could not stand where it stands. Prefixes end between
 * tokens, never inside of a string or a name: an open string would hide what went wrong before it.
 */
export const BROKEN_PROGRAM = String.raw`
import keyword, re

ALLOW_INCOMPLETE_INPUT = 0x4000
ONLY_AST = 0x400
LONGEST = 4000

SCAN = re.compile(r'''
  (?P<newline>\r?\n|\r)
| (?P<blank>[ \t\f]+|\\\r?\n|\#[^\r\n]*)
| (?P<string>[A-Za-z]{0,2}(?P<quote>"""|\'\'\'|"|\'))
| (?P<name>[^\W\d]\w*)
| (?P<number>(?:\d|\.\d)(?:[eE][+-]|[\w.])*)
| (?P<operator>\*\*=|//=|>>=|<<=|\.\.\.|!=|->|:=|==|<=|>=|\*\*|//|<<|>>|[-+*/%&|^@]=|.)
''', re.VERBOSE | re.DOTALL)
STRING_PREFIXES = {'', 'r', 'b', 'u', 'f', 't', 'rb', 'br', 'fr', 'rf', 'tr', 'rt'}
LINE_ENDS = {'"': re.compile(r'(?:[^"\\\r\n]|\\(?:\r\n|.))*', re.DOTALL), "'": re.compile(r"(?:[^'\\\r\n]|\\(?:\r\n|.))*", re.DOTALL)}
TRIPLE_ENDS = {'"""': re.compile(r'(?:[^"\\]|\\.|"(?!""))*', re.DOTALL), "'''": re.compile(r"(?:[^'\\]|\\.|'(?!''))*", re.DOTALL)}

def scan(text):
    # Tokens as (start, end, kind); a string that is not closed is the last one, of kind 'open', and ends where it went wrong.
    tokens, at, depth = [], 0, 0
    while at < len(text):
        match = SCAN.match(text, at)
        kind, start, at = match.lastgroup, at, match.end()
        if kind == 'quote':
            kind = 'string'
        if kind == 'string' and match['string'][:-len(match['quote'])].lower() not in STRING_PREFIXES:
            # A name that a string follows.
            at = start + len(match['string']) - len(match['quote'])
            kind = 'name'
        if kind == 'blank':
            continue
        if kind == 'newline':
            if depth > 0 or not tokens or tokens[-1][2] == 'newline':
                continue
        elif kind == 'string':
            quote = match['quote']
            at = (TRIPLE_ENDS if len(quote) == 3 else LINE_ENDS)[quote].match(text, at).end()
            if not text.startswith(quote, at):
                tokens.append((start, min(at, len(text)), 'open'))
                return tokens
            at += len(quote)
        elif kind == 'operator':
            character = text[start]
            if character in '([{':
                depth += 1
            elif character in ')]}' and depth > 0:
                depth -= 1
        tokens.append((start, at, kind))
    return tokens

def completable(text):
    try:
        compile(text, '<sample>', 'exec', flags=ALLOW_INCOMPLETE_INPUT | ONLY_AST, dont_inherit=True)
        return True
    except SyntaxError as error:
        return str(error.msg) == 'incomplete input'
    except (ValueError, RecursionError, MemoryError, OverflowError, SystemError):
        return False

def stands(text, token):
    # Whether the tokens up to this one can be completed.
    start, end, kind = token
    if kind == 'newline':
        return completable(text[:end])
    return completable((text[:start] + "''" if kind == 'open' else text[:end]) + ' \\\n')

def indentation_fails(text):
    try:
        compile(text + ' \\\n', '<sample>', 'exec', flags=ALLOW_INCOMPLETE_INPUT | ONLY_AST, dont_inherit=True)
    except IndentationError:
        return True
    except Exception:
        pass
    return False

def inside(text, token):
    # The character of the token that broke the text.
    start, end, kind = token
    line = text.rfind('\n', 0, start) + 1
    if text[line:start].strip() == '' and start > 0 and indentation_fails(text[:end]):
        return start - 1
    if kind != 'name':
        return start if kind in ('newline', 'string', 'open') else end - 1
    word = text[start:end]
    before = text[:start]
    if completable(before + 'name_' + ' \\\n'):
        return end - 1  # a keyword that cannot stand here: up to its end it could have become a name
    shared = 0
    for other in keyword.kwlist + keyword.softkwlist:
        common = 0
        while common < min(len(other), len(word)) and other[common] == word[common]:
            common += 1
        if common > shared and completable(before + other + ' \\\n'):
            shared = common
    return min(start + shared, end - 1)

def offset_of(text, line, column):
    # Of a place as compile() names it, lines and columns from 1.
    lines = text.splitlines(keepends=True)
    return min(len(text), sum(map(len, lines[:line - 1])) + max(0, column - 1))

def broken(text, error):
    # Index of the character that broke the text; its length when the text only lacks an ending. None for very long texts.
    if len(text) > LONGEST:
        return None
    tokens = scan(text)
    low, high = -1, len(tokens)
    while high - low > 1:
        middle = (low + high) // 2
        if stands(text, tokens[middle]):
            low = middle
        else:
            high = middle
    if high < len(tokens):
        return inside(text, tokens[high])
    if tokens and tokens[-1][2] == 'open':
        return tokens[-1][1]
    if completable(text):
        try:
            compile(text, '<sample>', 'exec', flags=ONLY_AST, dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError, SystemError):
            return len(text)
        # It parses: what is wrong is its meaning, and the compiler points at it.
        if error.lineno:
            return offset_of(text, error.lineno, error.offset or 1)
    return len(text)
`;
