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

OPERATORS = ['**=', '//=', '>>=', '<<=', '...', '!=', '->', ':=', '==', '<=', '>=', '**', '//', '<<', '>>', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '@=']

FORMATTED = re.compile(r"""(?<![A-Za-z0-9_])(?:[ft]r?|r[ft])['"]""", re.IGNORECASE)
OUTSIDE = re.compile(r"""(?:[^'"\#]+|\#[^\r\n]*|(?:\"\"\")(?:[^"\\]|\\.|"(?!""))*\"\"\"|(?:\'\'\')(?:[^'\\]|\\.|'(?!''))*\'\'\'|"(?!"")(?:[^"\\\r\n]|\\.)*"|'(?!'')(?:[^'\\\r\n]|\\.)*')*""", re.DOTALL)
LINE_BEGUN = re.compile(r'(?:\n|\r)[ \t]*\Z')
# Statements begin with a name, or go on as one of these do.
STARTERS = ['name_', 'def', 'class', '@', 'except', 'finally', 'else', 'elif', 'case']
INDENTS = re.compile(r'^[ \t]*(?=[^ \t\r\n])', re.MULTILINE)

def begins(text):
    # Whether anything but a comment can be written right behind the last character so that all of it can be parsed. In doubt, as
    # inside of an f-string, whose quotes may nest, it can.
    opened = OUTSIDE.match(text).end()
    if opened < len(text):
        return FORMATTED.search(text) is not None or open_string(text, opened)
    if text.endswith('\\'):
        return True
    if LINE_BEGUN.search(text):
        return line_begins(text)
    if completable(text + ' \\\n'):
        return True
    tokens = scan(text)
    if not tokens:
        return True
    start, end, kind = tokens[-1]
    line = max((end for _, end, kind in tokens if kind == 'newline'), default=0)
    if FORMATTED.search(text, line):
        return True
    if end < len(text):
        return False
    before, word = text[:start], text[start:]
    if kind == 'name':
        if any(completable(before + other + ' \\\n') for other in [word + '_'] + [one for one in keyword.kwlist + keyword.softkwlist if one.startswith(word)]):
            return True
        return word.lower() in STRING_PREFIXES and completable(before + "'' \\\n")
    if kind == 'number':
        return any(completable(before + other + ' \\\n') for other in ('1', '1j'))
    return any(other.startswith(word) and completable(before + other + ' \\\n') for other in OPERATORS) or word == '.' and completable(before + '.5 \\\n')

def open_string(text, at):
    quote = text[at] * 3 if text.startswith(text[at] * 3, at) else text[at]
    # A string in single quotes ends with its line.
    if len(quote) == 1 and LINE_ENDS[quote].match(text, at + 1).end() < len(text.rstrip('\\')):
        return False
    return completable(text[:at] + "'' \\\n")

def line_begins(text):
    tokens = scan(text)
    if not tokens or tokens[-1][2] != 'newline':
        return not tokens or completable(text + ' \\\n')
    if not completable(text[:tokens[-1][1]]):
        return False
    # As it is, or written on to the indentation of a line before, or to one deeper than the last line's.
    begun = LINE_BEGUN.search(text)[0][1:]
    indents = INDENTS.findall(text[:tokens[-1][1]])
    deeper = [one[len(begun):] for one in {*indents, indents[-1] + ' '} if one.startswith(begun) and one != begun]
    return any(completable(text + more + starter + ' \\\n') for more in ['', *sorted(deeper)] for starter in STARTERS)

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
