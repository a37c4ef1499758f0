/**
 * Where a text broke: the place after which no continuation compiles any more, asked of CPython's own parser. A Python program that
 * runs inside the interpreter, behind scan.ts. Not here: the interpreter (cpython.ts).
 *
 * What can be completed is closed under taking prefixes, so bisection over tokens finds the first that could not stand where it stands. Prefixes end between
 * tokens, never inside of a string or a name: an open string would hide what went wrong before it.
 */
export const BROKEN_PROGRAM = String.raw`
LONGEST = 4000

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
    # Of a place as compile() names it, lines and columns from 1. Its lines end where the tokenizer's do; splitlines() would end them at form feeds, too.
    lines = re.split(r'(?<=\n)|(?<=\r)(?!\n)', text)
    return min(len(text), sum(map(len, lines[:line - 1])) + max(0, column - 1))

def first_break(text):
    # Index of the first character after which nothing can be parsed that goes on; the text's length where it only lacks an ending.
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
    return tokens[-1][1] if tokens and tokens[-1][2] == 'open' else len(text)

def broken(text, error):
    # Index of the character that broke the text; its length when the text only lacks an ending. None for very long texts.
    if len(text) > LONGEST:
        return None
    place = first_break(text)
    if place < len(text):
        return place
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
